"""What the events of a journal say about a run: its name, status, times and where it belongs."""

from __future__ import annotations

import msgspec

from jupyter_mltrack import wire

_RUN_NAME = "mlflow.runName"
_PARENT = "mlflow.parentRunId"
_NOTEBOOK = "mltrack.notebook"
_SOURCE_NAME = "mlflow.source.name"
ENDED: frozenset[str] = frozenset({"FINISHED", "FAILED", "KILLED"})
OWNER_GONE = "kernel died"
_CELL_ID = "mltrack.cell_id"
_ATTEMPT = "mltrack.attempt"
_TEXT_CHARACTERS_MAX = 1_000
_WORD_CHARACTERS_MAX = 200
_ATTEMPT_DIGITS_MAX = 9


class RunFacts(msgspec.Struct):
    """State of one run as its events tell it; `apply` folds the next event in."""

    run_id: wire.RunId
    workspace_id: wire.WorkspaceId
    name: str = ""
    status: wire.RunStatus = "RUNNING"
    start_ms: int = 0
    end_ms: int | None = None
    experiment: str | None = None
    experiment_id: wire.ExperimentId | None = None
    parent_run_id: wire.RunId | None = None
    notebook: str | None = None
    error: str | None = None
    born: bool = False
    """True when the run's birth was seen; False when only a part of its journal was."""
    resumed: bool = False
    """True when the run has older points elsewhere."""
    kernel_id: str = ""
    cell_id: str = ""
    notebook_path: str = ""
    """As the Jupyter server named it to the kernel."""
    attempt: int = 1
    user: str = ""

    @property
    def ended(self) -> bool:
        """Say whether the run has come to its end."""
        return self.status in ENDED

    def apply(self, event: wire.JournalEvent) -> bool:
        """Fold one event in; returns whether anything that is shown changed."""
        before = msgspec.structs.astuple(self)
        if isinstance(event, wire.RunBorn):
            self._begin(event)
        elif isinstance(event, wire.RunTags):
            self._take_tags(event.tags)
        elif isinstance(event, wire.RunUpdated):
            self.name = _short(event.name) or self.name
            if event.status is not None:
                self.status = event.status
                self.end_ms = None if event.status not in ENDED else self.end_ms
        elif isinstance(event, wire.RunEnded):
            self.status, self.end_ms = event.status, event.end_ms
            self.error = _short(event.error)
        return msgspec.structs.astuple(self) != before

    def fail(self, end_ms: int) -> None:
        """End the run honestly when its process is gone."""
        self.status, self.end_ms = "FAILED", end_ms
        self.error = self.error or OWNER_GONE

    def _begin(self, event: wire.RunBorn) -> None:
        if self.born and event.owner_pid is not None:
            return  # a worker's word of a run that is known
        self.born = True
        self.resumed = self.resumed or event.resumed
        self.name = _short(event.name) or self.name
        self.status, self.end_ms, self.error = "RUNNING", None, None
        self.start_ms = event.start_ms
        self.experiment = _short(event.experiment) or self.experiment
        self.experiment_id = event.experiment_id or self.experiment_id
        self.kernel_id = event.kernel_id[:_WORD_CHARACTERS_MAX]
        self.notebook_path = event.notebook_path[:_TEXT_CHARACTERS_MAX]
        self.user = event.user[:_WORD_CHARACTERS_MAX]
        self._take_tags(event.tags)

    def _take_tags(self, tags: dict[str, str]) -> None:
        self.name = _short(tags.get(_RUN_NAME)) or self.name
        parent = tags.get(_PARENT)
        self.parent_run_id = wire.RunId(parent) if parent else self.parent_run_id
        source = tags.get(_SOURCE_NAME, "")
        notebook = tags.get(_NOTEBOOK) or (source if source.endswith(".ipynb") else None)
        self.notebook = _short(notebook) or self.notebook
        self.cell_id = tags.get(_CELL_ID, self.cell_id)[:_WORD_CHARACTERS_MAX]
        attempt = tags.get(_ATTEMPT, "")
        if attempt.isdecimal() and len(attempt) < _ATTEMPT_DIGITS_MAX:
            self.attempt = max(1, int(attempt))


def _short(text: str | None) -> str | None:
    return text[:_TEXT_CHARACTERS_MAX] if text else None

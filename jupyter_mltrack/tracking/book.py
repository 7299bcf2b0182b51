"""The runs that this process writes to, in one workspace, and the journal they are written in.

A book is what the fast call, the cell's context and the decorated store share: it knows which runs
were born, what was logged to them as far as a later mistake can be told from it (parameters, tags,
life cycle), and turns each write into one journal event. It never touches the store, imports
neither MLflow nor a database, and opens the journal at the first write, not before. When no journal
can be had (full disk, refused folder) `write` says so and the caller decides.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import board, caution, leaving, redaction
from jupyter_mltrack.tracking.footing import Footing
from jupyter_mltrack.tracking.run_state import RunState

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.journal import Journal, RunSink
    from jupyter_mltrack.workspaces import Workspace

DEFAULT_EXPERIMENT_ID = "0"
RUN_NAME = "mlflow.runName"
PARENT = "mlflow.parentRunId"
MAX_PARAM = 6000
MAX_TAG = 8000
_KEPT_WHOLE_FOLDER = "mltrack"


class Book:
    """The runs of one workspace that this process writes to."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.footing = Footing(workspace)
        self.runs: dict[str, RunState] = {}
        self.aliases: dict[str, str] = {}
        """Id in the store -> id here, for runs that the store gave another id."""
        self.lock = threading.RLock()
        self.whole: list[tuple[str, str, str]] = []
        """Whole values (run id, artifact path, text) that wait to be put beside a cut one."""
        self.as_it_is: set[str] = set()
        """Metric names that came through MLflow's own checks and are not mapped again."""
        self._sinks: dict[str, RunSink] = {}
        self._journal: Journal | None = None
        self._shipper: Any = None
        self._shipper_pid = 0
        self.max_bytes: int | None = None
        """Largest size of the journal; None takes the journal's own limit."""
        self.settled: Any = None
        """Position of the journal up to which the store is known to have everything."""

    # -------------------------------------------------------------------------- journal

    def journal(self) -> Journal:
        """Return this process's journal for the workspace, opened now if it was not.

        Raises:
            JournalError, WorkspaceError, OSError: it cannot be had.
        """
        journal = self._journal
        if journal is None or journal.closed or self._shipper_pid != os.getpid():
            opened: list[Journal] = []
            leaving.shielded(lambda: opened.append(self._open_journal()), raising=False)
            journal = opened[-1]
        return journal

    def _open_journal(self) -> Journal:
        from jupyter_mltrack import wire  # noqa: F401  # made whole before anything can interrupt
        from jupyter_mltrack.journal import open_for

        self._sinks.clear()
        limit = {} if self.max_bytes is None else {"max_bytes": self.max_bytes}
        parent = board.parent_journal_id(self.workspace.id)
        opened = open_for(
            self.workspace, parent_journal_id=parent, on_trouble=_tell_trouble, **limit
        )
        opened.open()  # a forked child's has no files before its first write
        self._journal = opened
        leaving.register_exit()
        self._start_shipper(opened)
        return opened

    @property
    def is_open(self) -> bool:
        """Say whether this process has written anything here."""
        return self._journal is not None

    @property
    def is_mine_to_ship(self) -> bool:
        """Say whether no parent process ships this journal."""
        return self._journal is not None and self._journal.parent_journal_id is None

    def _start_shipper(self, journal: Journal) -> None:
        from jupyter_mltrack.journal.ship import ensure_shipper

        self._shipper_pid = os.getpid()
        try:
            self._shipper = ensure_shipper(journal)
        except Exception as error:
            caution.trouble(
                "shipper",
                "Runs are kept in the journal; `%mltrack sync` brings them to the store",
                error,
            )

    def wake(self) -> None:
        """Tell the shipper that something worth sending at once was written."""
        if self._shipper is not None and self._shipper_pid == os.getpid():
            try:
                self._shipper.wake()
            except Exception as error:
                caution.trouble(
                    "wake", "The shipper does not answer; the journal keeps everything", error
                )

    def write(self, event: wire.JournalEvent) -> bool:
        """Journal one event; False when it could not be kept (the user was told)."""
        try:
            self.journal().event(event)
        except Exception as error:
            caution.trouble("journal", "Points cannot be kept on this machine", error)
            return False
        return True

    def write_if_open(self, event: wire.JournalEvent) -> bool:
        """Journal what is of no use in a journal of its own; False when this one has ended."""
        journal = self._journal
        if journal is None or journal.closed or self._shipper_pid != os.getpid():
            return False
        return self.write(event)

    def sink(self, run_id: str) -> RunSink:
        """Return the fast way to append metric points to a run.

        Raises:
            JournalError, WorkspaceError, OSError: there is no journal.
        """
        sink = self._sinks.get(run_id)
        if sink is None or self.journal().closed:
            sink = self.journal().sink(run_id, map_key=lambda key: self._name_for(run_id, key))
            self._sinks[run_id] = sink
        return sink

    def _name_for(self, run_id: str, key: str) -> str:
        """Return the name that MLflow takes for a metric's key; the original is kept as a tag."""
        key = redaction.redact_name(key)
        if key in self.as_it_is:
            return key
        from jupyter_mltrack.tracking import names

        name = names.encode(key)
        if name != key:
            self.set_tags(run_id, names.original_tags(key, name))
        return name

    def canonical(self, run_id: str) -> str:
        """Return the id under which a run is journaled here, from either of its ids."""
        return self.aliases.get(run_id, run_id)

    # ----------------------------------------------------------------------------- runs

    def begin(
        self,
        run: RunState,
        *,
        created: bool = False,
        resumed: bool = False,
        owner_pid: int | None = None,
    ) -> bool:
        """Journal a birth and keep the run's state; the arguments are those of `wire.RunBorn`."""
        from jupyter_mltrack import wire
        from jupyter_mltrack.tracking import surroundings

        tags = redaction.redact_pairs(run.tags)
        run.tags = {name: value[:MAX_TAG] for name, value in tags.items()}
        run.name = redaction.redact(run.name)
        self.footing.look()
        with self.lock:
            known = self.runs.get(run.run_id)
            if known is not None and known.written:
                return True
            self.runs[run.run_id] = run
            run.written = self.write(
                wire.RunBorn(
                    run_id=wire.RunId(run.run_id),
                    name=run.name,
                    start_ms=run.start_ms,
                    experiment=run.experiment,
                    experiment_id=(
                        wire.ExperimentId(run.experiment_id)
                        if run.experiment_id is not None
                        else None
                    ),
                    artifact_uri=run.artifact_uri,
                    tags=_sound(run.tags),
                    user=run.user,
                    created=created,
                    resumed=resumed,
                    owner_pid=owner_pid,
                    kernel_id=surroundings.kernel_id(),
                    notebook_path=surroundings.notebook_path() or "",
                )
            )
        return run.written

    def set_tags(self, run_id: str, tags: Mapping[str, object]) -> bool:
        """Journal tags; secrets are taken out, long values cut and kept whole beside."""
        from jupyter_mltrack import wire

        clean = self._cut(run_id, "tags", redaction.redact_pairs(tags), MAX_TAG)
        run = self.runs.get(run_id)
        if run is not None:
            run.tags.update(clean)
            if RUN_NAME in clean:
                run.name = clean[RUN_NAME]
        return self.write(wire.RunTags(run_id=wire.RunId(run_id), tags=_sound(clean)))

    def delete_tag(self, run_id: str, key: str) -> bool:
        """Journal that a tag is gone."""
        from jupyter_mltrack import wire

        run = self.runs.get(run_id)
        if run is not None:
            run.tags.pop(key, None)
        return self.write(wire.RunTagDeleted(run_id=wire.RunId(run_id), key=key))

    def log_params(
        self, run_id: str, params: Mapping[str, object], *, automatic: bool = False
    ) -> bool:
        """Journal parameters; the user's beat `automatic` ones."""
        from jupyter_mltrack import wire

        clean = self._cut(run_id, "params", redaction.redact_pairs(params), MAX_PARAM)
        run = self.runs.get(run_id)
        if run is not None and not automatic:
            run.params.update(clean)
        event = wire.RunParams(run_id=wire.RunId(run_id), params=_sound(clean), automatic=automatic)
        return self.write(event)

    def update(self, run_id: str, *, name: str | None = None, status: str | None = None) -> bool:
        """Journal a new name, or a status that does not end the run."""
        from jupyter_mltrack import wire

        run = self.runs.get(run_id)
        name = redaction.redact(name) if name else name
        if run is not None:
            if status is not None:
                run.status, run.end_ms = status, None
            if name:
                run.name = name
                run.tags[RUN_NAME] = name
        return self.write(
            wire.RunUpdated(run_id=wire.RunId(run_id), name=name, status=status)  # type: ignore[arg-type]
        )

    def end(
        self,
        run_id: str,
        status: str,
        *,
        end_ms: int | None = None,
        error: str | None = None,
        was_empty: bool = False,
    ) -> bool:
        """Journal the end of a run, and have it sent; an empty run does not wait for the disk."""
        from jupyter_mltrack import wire

        self.footing.look()
        run = self.runs.get(run_id)
        end_ms = now_ms() if end_ms is None else end_ms
        error = redaction.redact(error)[:1000] if error else None
        if run is not None:
            end_ms = max(end_ms, run.start_ms)
            run.status, run.end_ms, run.error = status, end_ms, error
        done = self.write(
            wire.RunEnded(
                run_id=wire.RunId(run_id),
                status=status,  # type: ignore[arg-type]
                end_ms=end_ms,
                error=error,
            )
        )
        if not was_empty:
            self.to_disk()
        self.wake()
        return done

    def to_disk(self) -> None:
        """Bring what was written to the disk: a power cut takes nothing of a run that has ended."""
        try:
            self.journal().sync()
        except Exception as error:
            caution.trouble("disk", "The journal could not be brought to the disk", error)

    def note(self, code: str, message: str, run_id: str | None = None) -> bool:
        """Journal something that the user must learn of."""
        from jupyter_mltrack import wire

        where = wire.RunId(run_id) if run_id else None
        return self.write(wire.Noted(code=code, message=message, run_id=where, at_ms=now_ms()))

    # ---------------------------------------------------------------------- whole values

    def _cut(self, run_id: str, kind: str, pairs: dict[str, str], limit: int) -> dict[str, str]:
        long = [key for key, value in pairs.items() if len(value) > limit]
        for key in long:
            self.keep_whole(run_id, kind, key, pairs[key])
            pairs[key] = pairs[key][:limit]
        return pairs

    def keep_whole(self, run_id: str, kind: str, key: str, text: str) -> None:
        """Keep as an artifact what the store cuts, and note it in the run."""
        from jupyter_mltrack.tracking import names, whole

        path = f"{_KEPT_WHOLE_FOLDER}/{kind}/{names.encode(key).replace('/', '_.x2f_')[:150]}.txt"
        run = self.runs.get(run_id)
        try:
            whole.keep(self, run, run_id, path, text)
        except Exception as error:
            caution.trouble(
                "whole", f"The whole value of {key!r} could not be kept beside the cut one", error
            )
            return
        size = f"{len(text):,} characters"
        message = f"The value of {key!r} has {size} and was cut; the whole is in {path}."
        self.note("value_cut", message, run_id)


def _tell_trouble(trouble: Any) -> None:
    caution.warn_once(
        f"journal {trouble.code} {trouble.message}", f"{trouble.message} {trouble.hint}".strip()
    )


def now_ms() -> int:
    """Return the time as MLflow keeps it: milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _sound(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return pairs that JSON and databases take: lone surrogates are written as escapes."""
    try:
        for key, value in pairs.items():
            key.encode()
            value.encode()
    except UnicodeEncodeError:
        return {_plain(key): _plain(value) for key, value in pairs.items()}
    return dict(pairs)


def _plain(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


# -------------------------------------------------------------------------------- books

_books: dict[str, Book] = {}
_books_lock = threading.Lock()


def book_for(workspace: Workspace) -> Book:
    """Return this process's book for a workspace."""
    book = _books.get(workspace.id)
    if book is None:
        with _books_lock:
            book = _books.setdefault(workspace.id, Book(workspace))
    return book


def all_books() -> list[Book]:
    """Return the books of this process."""
    return list(_books.values())


def _after_fork_in_child() -> None:
    global _books_lock
    _books_lock = threading.Lock()
    for book in _books.values():
        book.lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)

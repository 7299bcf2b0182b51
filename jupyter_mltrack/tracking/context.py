"""The context of a tracked cell: which run a call means, and how that run ends.

A context opens no run. Its run id is fixed when it is entered, and the run is born with the first
thing that is logged. One module global changes, `fast`: the newest open context and what the fast
call has to check, which every point that is logged reads.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mltrack.tracking import board, caution, leaving, redaction
from jupyter_mltrack.tracking.book import PARENT, RUN_NAME, Book, book_for, now_ms
from jupyter_mltrack.tracking.run_state import RunState

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

CELL_TAG = "mltrack.cell_run"
_TAGS_TOLD = 8_000
"""More characters of tags are not told to workers: the system limits an environment variable."""
ERROR_TAG = "mltrack.error"


class Seam(Protocol):
    """What MLflow's side wants to know of contexts; there is one when MLflow is attached."""

    def entered(self, context: CellContext) -> None:
        """Hide active runs of others from the cell."""

    def leaving(self, context: CellContext) -> None:
        """Stop monitors of the cell's runs and take the runs off MLflow's stacks."""

    def left(self, context: CellContext) -> None:
        """Give back what was hidden."""

    def known_append(self) -> Any:
        """Return where points of MLflow's active run go, if that was found out before."""

    def active_append(self) -> Any:
        """Return where points of MLflow's active run of this thread go; None without one."""

    def is_meant(self, context: CellContext) -> bool:
        """Say whether a point of this thread belongs to the context's own run."""


class Fast:
    """What the fast call reads."""

    __slots__ = ("check", "latest", "seam")

    def __init__(self) -> None:
        self.latest: CellContext | None = None
        self.check: Callable[[CellContext], bool] | None = None
        """None, or says whether a context found is the one that a point belongs to."""
        self.seam: Seam | None = None


fast = Fast()
current: ContextVar[CellContext | None] = ContextVar("mltrack_context", default=None)
_open: list[CellContext] = []
_lock = threading.RLock()


class CellContext:
    """One tracked cell, `with` block or function call.

    Args:
        workspace: where its run goes unless MLflow was pointed elsewhere by the user.
        name: of the run; None makes one up.
        run_id: an id that a run has already (a resumed run, a worker's); None fixes a new one.
        experiment: name of the experiment; None leaves it to MLflow.
        tags, params: of the run, from its birth on.
        parent_run_id: run that the cell's run is nested under.
        resumed: the run is in the store already.
        record_empty: record a run at the end even if nothing was logged.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        name: str | None = None,
        run_id: str | None = None,
        experiment: str | None = None,
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
        parent_run_id: str | None = None,
        resumed: bool = False,
        record_empty: bool = True,
    ) -> None:
        import uuid

        self.workspace = workspace
        self.run_id = run_id or uuid.uuid4().hex
        self.name = name or made_up_name(self.run_id)
        self.named = name is not None
        self.experiment = experiment
        self.tags = redaction.redact_pairs(tags or {})
        self.params = dict(params or {})
        self.parent_run_id = parent_run_id
        self.resumed = resumed
        self.record_empty = record_empty
        self.outer: CellContext | None = None
        self.book: Book | None = None
        """Where the cell's run was born; None before."""
        self.append: Callable[..., None] | None = None
        """The fast way to append points to the cell's run; None before it is born."""
        self.runs: list[tuple[Book, str]] = []
        """All runs that belong to the cell, in the order of their birth."""
        self.explicit_used = False
        """True once the user's own `start_run` took the cell's run."""
        self.start_ms = 0
        self.pid = 0
        self.thread = 0
        self.closed = False
        self.is_worker = False
        self.scratch: dict[str, Any] = {}
        """What the seam keeps with the context."""
        self.before_end: list[Callable[[CellContext, BaseException | None], None]] = []
        """Called when the context is left, before its runs are ended."""
        self.when_born: list[Callable[[CellContext], None]] = []
        """Called when the cell's run was born."""
        self._names_given = 1
        self._token: Any = None
        self.threads_before: frozenset[int] = frozenset()
        """Threads that were there when the context was entered."""

    # ---------------------------------------------------------------------- enter, leave

    def enter(self) -> CellContext:
        """Make this the context of the calling task and of the process."""
        from jupyter_mltrack.tracking import lineage

        lineage.tidy()
        with _lock:
            self.start_ms = now_ms()
            self.pid, self.thread = os.getpid(), threading.get_ident()
            self.threads_before = frozenset(sys._current_frames())
            self.outer = current.get() or (fast.latest if not _is_other_thread() else None)
            _open.append(self)
            fast.latest = self
            self._token = current.set(self)
        if fast.seam is not None:
            fast.seam.entered(self)
        self.publish()
        return self

    def leave(self, error: BaseException | None = None) -> None:
        """End the cell's runs honestly and give the context back; never fails, twice does no harm.

        An interrupt that arrives meanwhile does not keep it from its end; it is raised afterwards
        if nothing else is being raised.
        """
        if self.closed or self.is_worker:
            self._take_out()
            return
        leaving.shielded(lambda: self._finish(error), raising=error is not None)

    def _finish(self, error: BaseException | None) -> None:
        from jupyter_mltrack.tracking import lineage

        if not self.closed:
            try:
                leaving.end_runs(self, error)
            except Exception as problem:
                caution.trouble("leave", "The run of this cell was not ended properly", problem)
            self.closed = True
        lineage.keep_threads(self)
        self._take_out()
        if fast.seam is not None:
            fast.seam.left(self)
        for book, _ in self.runs:
            book.wake()
        leaving.write_down_before_the_end()

    def _take_out(self) -> None:
        with _lock:
            if self in _open:
                _open.remove(self)
            fast.latest = _open[-1] if _open else None
            if current.get() is self:
                current.set(
                    self.outer if self.outer is not None and not self.outer.closed else None
                )
        if self.pid == os.getpid():
            _publish_latest()

    # ------------------------------------------------------------------------------ runs

    @property
    def born(self) -> bool:
        """Say whether the cell's run was born."""
        return self.book is not None

    def birth(
        self, book: Book | None = None, *, created: bool = False, asked: bool = False, **known: Any
    ) -> RunState:
        """Have the cell's run born, if it was not, and return its state.

        Args:
            book: where; None takes the context's workspace.
            created: the store has made the run already.
            asked: the store was asked to make it, and may have done so.
            **known: attributes of `RunState` that the caller knows better.
        """
        with _lock:
            if self.book is not None:
                return self.book.runs[self.run_id]
            book = book or book_for(self.workspace)
            run = self.new_run(book, self.run_id, self.name, self.start_ms or now_ms())
            run.thread = self.thread
            if self.parent_run_id:
                run.tags[PARENT] = self.parent_run_id
            for key, value in known.items():
                setattr(run, key, value)
            run.tags[RUN_NAME] = run.name
            if self.is_worker:
                run.complete = False
                self._begin_in_worker(book, run)
            else:
                book.begin(
                    run,
                    created=created or self.resumed,
                    resumed=self.resumed,
                    owner_pid=os.getpid() if asked or board.is_claimed(self.run_id) else None,
                )
            self.book = book
            self.runs.append((book, run.run_id))
        if self.resumed and not self.is_worker:
            book.update(run.run_id, status="RUNNING")
        if self.params:
            book.log_params(run.run_id, self.params)
        self.bind()
        self.publish()
        for act in self.when_born:
            act(self)
        return run

    def _begin_in_worker(self, book: Book, run: RunState) -> None:
        """Keep the run's state; journal its birth only if its owner has not done so."""
        if self.scratch.get("born"):
            run.written = True
            book.runs[run.run_id] = run
        else:
            book.begin(run, owner_pid=self.scratch.get("owner_pid"))
            board.claim(run.run_id)

    def new_run(self, book: Book, run_id: str, name: str, start_ms: int) -> RunState:
        """Return the state of a run with the cell's tags; writes nothing."""
        from jupyter_mltrack.tracking import surroundings

        run = RunState(run_id, name, start_ms)
        run.user = surroundings.user()
        run.tags = {**surroundings.tags(), **self.tags, CELL_TAG: self.run_id, RUN_NAME: name}
        run.artifact_uri = book.workspace.artifact_uri(run_id)
        run.experiment = self.experiment
        return run

    def user(self) -> str:
        """Return the name of the user."""
        from jupyter_mltrack.tracking import surroundings

        return surroundings.user()

    def bind(self) -> None:
        """Prepare the fast path; after trouble the slow path tries again at each call."""
        if self.book is None:
            return
        try:
            self.append = self.book.sink(self.run_id).append
        except Exception as error:
            self.append = None
            caution.trouble("journal", "Points cannot be kept on this machine", error)

    def next_name(self) -> str:
        """Return the name for one more run of this cell: NAME-2, NAME-3 ..."""
        self._names_given += 1
        return f"{self.name}-{self._names_given}"

    def peek_name(self) -> str:
        """Return the name that the next `start_run` of this cell gets."""
        return self.name if not self.explicit_used else f"{self.name}-{self._names_given + 1}"

    @property
    def in_own_thread(self) -> bool:
        """Say whether the caller is the thread and process that entered the context."""
        return (
            not self.is_worker and self.thread == threading.get_ident() and self.pid == os.getpid()
        )

    # --------------------------------------------------------------------------- workers

    def publish(self) -> None:
        """Tell workers in other processes about this context."""
        if self.is_worker or self.closed or self.pid != os.getpid() or fast.latest is not self:
            return
        try:
            board.publish(self.described())
        except OSError as error:
            caution.trouble(
                "board", "Other processes will not know which run they belong to", error
            )

    def described(self) -> dict[str, Any]:
        """Return what a worker needs to log into this cell's run."""
        journal_id = None
        if self.book is not None and self.book.is_open:
            journal_id = os.path.basename(str(self.book.journal().path))
        workspace = self.book.workspace if self.book else self.workspace
        return {
            "run_id": self.run_id,
            "name": self.name,
            "tags": self.tags if sum(map(len, self.tags.values())) < _TAGS_TOLD else {},
            "experiment": self.experiment,
            "start_ms": self.start_ms,
            "workspace_id": workspace.id,
            "uri": workspace.display_uri,
            "journal_id": journal_id,
            "born": self.born,
            "pid": self.pid,
            "generations": self._names_given,
        }


# ------------------------------------------------------------------------------ all of them


def open_contexts() -> Iterable[CellContext]:
    """Return the open contexts of this process, the newest last."""
    return tuple(_open)


def made_up_name(run_id: str) -> str:
    """Return a name that can be said, the same for the same id."""
    number = int(run_id[:8], 16) if all(c in "0123456789abcdef" for c in run_id[:8]) else 0
    return f"{_MOODS[number % 16]}-{_BEINGS[number // 16 % 16]}-{number // 256 % 1000}"


_MOODS = (
    *("amber", "calm", "clear", "brisk", "eager", "fair", "gentle", "keen"),
    *("lively", "mild", "nimble", "quiet", "steady", "swift", "vivid", "warm"),
)
_BEINGS = (
    *("auk", "crane", "finch", "heron", "ibis", "kite", "lark", "merlin"),
    *("otter", "owl", "plover", "robin", "seal", "stork", "tern", "wren"),
)


def _is_other_thread() -> bool:
    latest = fast.latest
    return latest is not None and latest.thread != threading.get_ident()


def _publish_latest() -> None:
    latest = fast.latest
    if latest is not None:
        latest.publish()
        return
    with contextlib.suppress(OSError):
        board.publish(None)


def after_fork_in_child() -> None:
    """Let the child work for the contexts that its parent had open: it ends none of them."""
    global _lock
    _lock = threading.RLock()
    for context in _open:
        if not context.is_worker:
            context.scratch.update(owner_pid=context.pid, born=context.born)
        context.is_worker = True
        context.pid = os.getpid()
        context.append = None


def take_in_worker(context: CellContext) -> None:
    """Make `context` the one that this worker process works for."""
    context.is_worker = True
    context.pid = os.getpid()
    _open[:] = [*(one for one in _open if not one.is_worker), context]
    if fast.latest is None or fast.latest.is_worker:
        fast.latest = context
        stale = current.get()
        if stale is not None and stale.is_worker:
            current.set(None)

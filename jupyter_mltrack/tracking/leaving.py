"""How contexts and processes end: which status, in which order, and not to be kept from it.

An interrupt is noted while a context is being left, and raised afterwards only if nothing else is
being raised, so three interrupts within a blink end a run once and leave the next cell clean. At
exit the journal's way to the store is waited for as long as it makes progress, and no longer: a
headless run loses nothing when its container ends, and a dead server holds nobody.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.tracking import caution, redaction

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext

EXIT_STALL_S = 10.0
START_S = 60.0
"""For a shipper that still imports MLflow."""
EXIT_TIMEOUT_S = 600.0
_MAX_ERROR = 500
_KIND_ONLY = re.compile(r"[\w.]+:")


def outcome(error: BaseException | None) -> tuple[str, str | None]:
    """Return the status of a run that ended with `error`, and that error in one line."""
    if error is None or isinstance(error, GeneratorExit):
        return "FINISHED", None
    if isinstance(error, SystemExit):
        if error.code is None or error.code == 0:
            return "FINISHED", None
        return "FAILED", f"SystemExit: {first_line(str(error.code))}"
    if is_interrupt(error):
        return "KILLED", type(error).__name__
    return "FAILED", error_line(error)


def is_interrupt(error: BaseException | type[BaseException] | None) -> bool:
    """Say whether an exception (or its class) means that somebody stopped the cell."""
    kind = error if isinstance(error, type) else type(error)
    if issubclass(kind, KeyboardInterrupt):
        return True
    for module in ("asyncio.exceptions", "concurrent.futures._base"):
        cancelled = getattr(sys.modules.get(module), "CancelledError", None)
        if cancelled is not None and issubclass(kind, cancelled):
            return True
    return False


def honest(status: str) -> tuple[str, str | None]:
    """Return the status that MLflow's own word means, and the error being handled.

    MLflow calls a run FAILED whose `with` block was interrupted: it was KILLED.
    """
    error = sys.exc_info()[1]
    if status != "FAILED" or error is None:
        return status, None
    return ("KILLED", type(error).__name__) if is_interrupt(error) else (status, error_line(error))


def error_line(error: BaseException) -> str:
    """Return what kind of error it is and the first line of what it says, without secrets.

    Of many libraries the lines below are a stack, advice, or a list; so are an error's notes.
    """
    if isinstance(error, MltrackError):
        return first_line(error.message) or type(error).__name__
    kind = type(error)
    try:
        parts = traceback.format_exception_only(kind, error)
        text = next((part for part in parts if not part.startswith("  ")), parts[-1])
    except Exception:  # a user's own __str__ may fail
        text = kind.__name__
    return first_line(text.removeprefix(f"{kind.__module__}.")) or kind.__name__


def first_line(text: str) -> str:
    """Return the first line with something on it, printable, short and redacted.

    Where that is only the kind of an error ("ValueError:"), the next one follows it.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[:2] if lines and _KIND_ONLY.fullmatch(lines[0]) else lines[:1]
    line = "".join(c for c in " ".join(first) if c.isprintable())
    return redaction.redact(line)[:_MAX_ERROR]


# ------------------------------------------------------------------------------- leaving


def end_runs(context: CellContext, error: BaseException | None) -> None:
    """End what the context began and nobody ended yet."""
    from jupyter_mltrack.tracking import board
    from jupyter_mltrack.tracking.context import fast

    status, line = outcome(error)
    for act in context.before_end:
        try:
            act(context, error)
        except Exception as problem:
            caution.trouble(
                "before_end", "Something could not be recorded with this cell's run", problem
            )
    context.before_end.clear()
    if context.is_worker:
        return
    was_empty = False
    if (
        not context.born
        and not context.runs
        and (context.record_empty or board.is_claimed(context.run_id))
    ):
        context.birth()
        was_empty = True
    if fast.seam is not None:
        fast.seam.leaving(context)
    automatic = context.scratch.get("automatic_params")
    if automatic and context.book is not None:
        context.book.log_params(context.run_id, automatic, automatic=True)
    for book, run_id in reversed(context.runs):
        run = book.runs.get(run_id)
        if (
            run is None
            or run.ended
            or run.lifecycle != "active"
            or _is_at_work(run.thread, context)
        ):
            continue
        book.end(run_id, status, error=line, was_empty=was_empty)
    for book in {id(book): book for book, _ in context.runs}.values():
        from jupyter_mltrack.tracking import whole

        whole.upload(book)


def write_down_before_the_end() -> None:
    """Where a process is ended without a word, have written what its runs remember.

    The workers of `multiprocessing.Pool` are: as soon as the pool has all results.
    """
    remembering = sys.modules.get("jupyter_mltrack.tracking.remembering")
    processes = sys.modules.get("multiprocessing.process")
    if remembering is not None and processes is not None and processes.current_process().daemon:
        remembering.finish()


def _is_at_work(thread: int, context: CellContext) -> bool:
    """Say whether a run belongs to another thread that lives on and will end it itself."""
    if thread in (context.thread, threading.get_ident(), 0):
        return False
    return thread in sys._current_frames()


def shielded(act: Callable[[], None], *, raising: bool) -> None:
    """Do `act` to its end whatever signals arrive; `act` may be begun twice.

    A module or a decoder that is being made must not be interrupted either: msgspec crashes later
    when the making of one was cut off.

    Args:
        act: what has to be done; doing it twice must be harmless.
        raising: an exception is on its way already, so an interrupt need not be raised again.
    """
    if threading.current_thread() is not threading.main_thread():
        act()
        return
    noted: list[Any] = []
    while True:
        try:
            before = signal.getsignal(signal.SIGINT)
            try:
                _set_handler(lambda number, frame: noted.append((number, frame)))
                act()
            finally:
                _set_handler(before)
            break
        except KeyboardInterrupt:
            noted.append((signal.SIGINT, None))
    if noted and not raising:
        raise KeyboardInterrupt


def _set_handler(handler: Any) -> None:
    if handler is None:  # it was not set from Python: it cannot be put back, so leave it
        return
    try:
        signal.signal(signal.SIGINT, handler)
    except ValueError:  # a sub-interpreter or an embedding without signals
        return


# ---------------------------------------------------------------------------------- exit

_exit_pid = 0


def register_exit() -> None:
    """Have contexts ended and journals waited for when this process exits."""
    global _exit_pid
    if _exit_pid != os.getpid():
        _exit_pid = os.getpid()
        atexit.register(_at_exit, os.getpid())


def _at_exit(pid: int) -> None:
    if pid != os.getpid():
        return
    from jupyter_mltrack.tracking import board, book, context, remembering

    try:
        _end_active_runs()
        for one in reversed(list(context.open_contexts())):
            one.leave(None if one.scratch.get("implicit") else KeyboardInterrupt())
        board.withdraw()
        remembering.finish()
        wait_for_all(book.all_books())
    except KeyboardInterrupt:
        return  # the user does not want to wait: the journal keeps it, the next look ships it
    except Exception as error:
        caution.trouble("exit", "What waits in the journal is sent at the next look", error)


def _end_active_runs() -> None:
    """Do what MLflow's own exit handler does, while the journal is still open."""
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is not None and sys.modules.get("jupyter_mltrack.tracking.front") is not None:
        fluent._safe_end_run()


def _warm_up(path: Any) -> None:
    from jupyter_mltrack.journal import JournalReader

    if path not in _warm:
        _warm.clear()
        _warm.add(path)
        _ = JournalReader(path).meta


_warm: set[Any] = set()


def wait_for_all(books: list[Book]) -> None:
    """Wait until the stores have what the journals hold, as long as that makes progress."""
    for book in books:
        if not book.is_open or not book.is_mine_to_ship:
            continue
        book.wake()
        wait_for(book, stall_s=EXIT_STALL_S, timeout_s=EXIT_TIMEOUT_S)
        _wait_for_files(book)


def _wait_for_files(book: Book) -> None:
    """Wait for artifacts on their way, as long as they get fewer."""
    import time

    from jupyter_mltrack.journal import spool

    journal = book.journal().path
    until_s = time.monotonic() + EXIT_TIMEOUT_S
    left, moved_s = len(spool.waiting(journal)), time.monotonic()
    while left and time.monotonic() < until_s and time.monotonic() - moved_s < EXIT_STALL_S:
        time.sleep(0.05)
        now_left = len(spool.waiting(journal))
        if now_left != left:
            left, moved_s = now_left, time.monotonic()


def wait_for(book: Book, *, stall_s: float, timeout_s: float) -> bool:
    """Wait until the store has everything that was journaled up to now; False when it has not."""
    from jupyter_mltrack.journal.ship import wait_shipped

    journal = book.journal()
    shielded(lambda: _warm_up(journal.path), raising=False)
    until = journal.position()
    if book.settled == (journal.path, until):
        return True
    book.wake()
    done = wait_shipped(journal.path, until, stall_s=stall_s, timeout_s=timeout_s, start_s=START_S)
    if done:
        book.settled = (journal.path, until)
    return done

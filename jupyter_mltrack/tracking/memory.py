"""What one tracked cell leaves behind of how it was made; the thread of `remembering` writes it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.journal import kept, printed
from jupyter_mltrack.tracking import environment, former
from jupyter_mltrack.tracking.bars import Bars
from jupyter_mltrack.tracking.cells import notebook_of, redact_long
from jupyter_mltrack.tracking.figures import Gallery
from jupyter_mltrack.tracking.lines import LineMaker
from jupyter_mltrack.tracking.redaction import redact

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.remembering import Watched

OUTPUT_BYTES_MAX = 20 << 20
SOURCE_CHARACTERS_MAX = 1_000_000
SOURCE_BYTES_MAX = 4 * SOURCE_CHARACTERS_MAX
LEFT_OUT_TAG = "mltrack.left_out"
TAG_CHARACTERS_MAX = 1_000
TOLD_LINES = 20
"""Lines of one look that whoever watches is told; the file has all."""
TOLD_CHARACTERS = 4_000
RUNS_MAX = 50
_FULL = "(more than 20 MB was printed; the rest is not kept)"


class Memory:
    """One context: what is kept of it, and how far that is."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self.context = watched.context
        self.parts = watched.parts
        self._data_dir = watched.data_dir
        self._makers = {name: LineMaker(name) for name in printed.STREAMS}
        self._bars = Bars(watched.began_s)
        self._state = ""
        self._written_bytes = 0
        self._remembered: set[str] = set()
        """Runs whose source and surroundings are written."""
        self._made: dict[str, bytes] | None = None
        self._said: dict[str, Any] = {}
        """What the file of surroundings says."""
        self._gallery = Gallery()
        self._figures = False
        """Whether figures were written."""
        self._left_out: dict[str, None] = {}

    def tick(self) -> bool:
        """Write down what is new; returns whether nothing more will come."""
        ended = self._watched.is_last_look
        if ended and not self.context.closed:
            return False  # its run may be born while it is being left
        runs = list(self.context.runs)[:RUNS_MAX]
        if runs:
            self._tell_progress(*runs[0])
            if "output" in self.parts:
                self._write_output(*runs[0], last=ended)
            fresh = [(book, run_id) for book, run_id in runs if run_id not in self._remembered]
            for book, run_id in fresh:
                self._remember(book, run_id)
            self._write_figures(*runs[0])
            if self._watched.uses is not None:
                self._watched.uses.tell(runs, last=ended)
        if ended and runs:
            self._finish(*runs[0])
        return ended

    def _finish(self, book: Book, run_id: str) -> None:
        """What can be written only now: the traceback, and what was left out."""
        place = kept.folder(self._data_dir, book.workspace.id, run_id)
        names = [kept.OUTPUT] if self._written_bytes else []
        names += [kept.FIGURES] if self._figures else []
        if self._watched.error_text:
            text = redact(self._watched.error_text).encode("utf-8", "backslashreplace")
            kept.write(place, kept.TRACEBACK, text)
            names.append(kept.TRACEBACK)
        left_out = self._all_left_out()
        if left_out:
            self._said["left_out"] = left_out
            said = msgspec.json.encode(kept.Surroundings(**self._said))
            kept.write(place, kept.SURROUNDINGS, said)
            names.append(kept.SURROUNDINGS)
            tags = {LEFT_OUT_TAG: "; ".join(left_out)[:TAG_CHARACTERS_MAX]}
            self._write(book, wire.RunTags(run_id=wire.RunId(run_id), tags=tags))
        if names:
            self._write(book, _kept_event(run_id, names))

    def _all_left_out(self) -> list[str]:
        """What is not kept, and why, a few words each."""
        said = [*self._left_out, *self.context.scratch.get("left_out", ())]
        said += [f"{n} x {why}" if n > 1 else why for why, n in self._gallery.left_out.items()]
        return [redact(text) for text in said]

    def _write_figures(self, book: Book, run_id: str) -> None:
        displays, self._watched.displays = self._watched.displays, []
        for display in displays:
            self._gallery.take(display)
        fresh, gone = self._gallery.files()
        if not fresh and not gone:
            return
        place = kept.folder(self._data_dir, book.workspace.id, run_id)
        for name in gone:
            kept.remove(place, f"{kept.FIGURES}/{name}")
        for name, content in fresh.items():
            kept.write(place, f"{kept.FIGURES}/{name}", content)
        self._figures = True

    # --------------------------------------------------------------------------- output

    def _write_output(self, book: Book, run_id: str, *, last: bool) -> None:
        pieces, self._watched.pieces = self._watched.pieces, []
        lines: list[printed.Line] = []
        for name, maker in self._makers.items():
            lines += maker.feed([(one.text, one.at_ms) for one in pieces if one.stream == name])
            if last:
                lines += maker.finish(_now_ms())
        lines.sort(key=lambda line: line.at_ms)
        if last and self._watched.error_text:
            text, now_ms = redact(self._watched.error_text).rstrip("\n"), _now_ms()
            lines += [printed.Line("stderr", line, now_ms) for line in text.split("\n")]
        if lines:
            self._append(book, run_id, lines)
        self._tell_lines(book, run_id, lines)

    def _append(self, book: Book, run_id: str, lines: list[printed.Line]) -> None:
        if self._written_bytes > OUTPUT_BYTES_MAX:
            return
        content = "".join(map(printed.file_line, lines)).encode("utf-8", "backslashreplace")
        room = OUTPUT_BYTES_MAX - self._written_bytes
        if len(content) > room:
            note = printed.file_line(printed.Line("stderr", _FULL, lines[-1].at_ms)).encode()
            self._left_out[f"output beyond {OUTPUT_BYTES_MAX >> 20} MB"] = None
            content = content[: content.rfind(b"\n", 0, room) + 1] + note
            self._written_bytes = OUTPUT_BYTES_MAX
        self._written_bytes += len(content)
        place = kept.folder(self._data_dir, book.workspace.id, run_id)
        handle = kept.open_to_append(place, kept.OUTPUT)
        try:
            while content:
                content = content[os.write(handle, content) :]
        finally:
            os.close(handle)

    def _tell_lines(self, book: Book, run_id: str, lines: list[printed.Line]) -> None:
        """Tell who watches the last lines, and the newest state of one that has not ended."""
        state = self._makers["stderr"].state or self._makers["stdout"].state
        if not lines and state == self._state:
            return
        self._state = state
        told = "".join(f"{line.text}\n" for line in lines[-TOLD_LINES:])[-TOLD_CHARACTERS:]
        if state and not lines:
            told = f"{state}\r"
        stream = lines[-1].stream if lines else "stderr"
        event = wire.RunPrinted(
            run_id=wire.RunId(run_id), stream=stream, text=told, at_ms=_now_ms()
        )
        self._write(book, event)

    def _tell_progress(self, book: Book, run_id: str) -> None:
        progress = self._bars.news()
        if progress is not None:
            event = wire.RunProgressed(
                run_id=wire.RunId(run_id), progress=progress, at_ms=_now_ms()
            )
            self._write(book, event)

    # --------------------------------------------------------------- source, surroundings

    def _remember(self, book: Book, run_id: str) -> None:
        self._remembered.add(run_id)
        if run_id == self.context.run_id:
            former.link(self.context, book, run_id)
        if self._made is None:
            self._made = self._files()
        place = kept.folder(self._data_dir, book.workspace.id, run_id)
        for name, content in self._made.items():
            kept.write(place, name, content)
        if self._made:
            self._write(book, _kept_event(run_id, list(self._made)))

    def _files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        if "source" in self.parts:
            source = self._source()
            if len(source) > SOURCE_CHARACTERS_MAX:
                self._left_out[f"source beyond {SOURCE_CHARACTERS_MAX:,} characters"] = None
            if source:
                text = redact_long(source[:SOURCE_CHARACTERS_MAX])
                found[kept.SOURCE] = text.encode("utf-8", "backslashreplace")
        if any(text.strip() for text in self._watched.executed):
            found[kept.CELLS], missing = notebook_of(self._watched.executed)
            if missing:
                self._left_out[missing] = None
        said: dict[str, Any] = {}
        if "environment" in self.parts:
            said |= _recently("environment", 60.0, _environment)
            text = _recently("requirements", 60.0, environment.requirements)
            found[kept.REQUIREMENTS] = redact(text).encode("utf-8", "backslashreplace")
        tags = self.context.tags
        said |= {
            "notebook_path": tags.get("mltrack.notebook", ""),
            "cell_id": tags.get("mltrack.cell_id", ""),
        }
        if "git" in self.parts:
            from jupyter_mltrack.tracking import git

            folder = self._watched.folder
            state = _recently(f"git {folder}", 5.0, lambda: git.state_of(folder))
            said |= {f"git_{name}": value for name, value in state._asdict().items()}
            if not state.commit and git.is_missing(folder):
                self._left_out["the state of git: there is no program git"] = None
            diff = said.pop("git_diff")
            if diff:
                found[kept.DIFF] = redact_long(diff).encode("utf-8", "backslashreplace")
            if said["git_diff_cut"]:
                self._left_out[f"uncommitted changes beyond {git.DIFF_BYTES_MAX:,} bytes"] = None
        said = {
            key: redact(value) if isinstance(value, str) else value for key, value in said.items()
        }
        self._said = said
        if any(said.values()):
            found[kept.SURROUNDINGS] = msgspec.json.encode(kept.Surroundings(**said))
        return found

    def _source(self) -> str:
        """The cell as it was typed, else the script that runs."""
        typed = self.context.scratch.get("source_text")
        if typed is not None:
            return typed() or ""
        if self._watched.source is not None or "ipykernel" in sys.modules:
            return self._watched.source or ""
        if self._watched.script is None:
            return ""
        content = kept.read(Path(self._watched.script), SOURCE_BYTES_MAX) or b""
        return content.decode("utf-8", "replace")

    def _write(self, book: Book, event: wire.JournalEvent) -> None:
        book.write_if_open(event)


def _kept_event(run_id: str, names: list[str]) -> wire.RunKept:
    return wire.RunKept(run_id=wire.RunId(run_id), names=names)


def _environment() -> dict[str, Any]:
    return {
        "python": environment.python_version(),
        "platform": environment.platform_text(),
        "packages": environment.packages(),
        "hardware": environment.hardware(),
    }


_recent: dict[str, tuple[float, Any]] = {}
"""What was read a moment ago, for many short runs one after another; only our thread uses it."""


def _recently(name: str, seconds: float, read: Callable[[], Any]) -> Any:
    """What `read` gives, or gave within the last `seconds`."""
    found = _recent.get(name)
    if found is None or time.monotonic() - found[0] > seconds:
        if len(_recent) > _RECENT_MAX:
            _recent.clear()
        found = _recent[name] = (time.monotonic(), read())
    return found[1]


_RECENT_MAX = 100


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

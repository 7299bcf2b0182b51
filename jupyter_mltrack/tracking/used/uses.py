"""What one tracked cell used, from its begin to the moment when its runs have been told.

`look` and `end` are on the cell's way and keep to a budget; the rest is done by threads of ours.
A value is looked at when the cell begins, before the cell can change it; what the cell made itself
and read again is looked at when it ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution
from jupyter_mltrack.tracking.used import datasets, files, samples
from jupyter_mltrack.tracking.used.names import Names, names_of, with_functions, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.tracking.used.ledger import CellLedger, Executed

BUDGET_S = 0.005
"""What taking samples may take of a cell's time, at its begin and at its end."""
WAIT_S = 0.01
NOTICE_S = 0.1
"""Longest wait for the words of the cell's line: only a busy machine needs any of it."""
DATASETS_MAX = 30
ORDER_TAG = "mltrack.order"
_ORDER_CHARACTERS_MAX = 500
_WITHOUT = "The data that this cell used is not kept with its run"


class Uses:
    """The data and the order of one context.

    Args:
        context: that was just entered.
        data: whether data is looked for.
        order: whether the cells are looked at that its names came from.
    """

    def __init__(self, context: CellContext, *, data: bool, order: bool) -> None:
        self._context = context
        self._data, self._order = data, order
        self._files = files.OpenedFiles(context) if data else None
        self._namespace: dict[str, Any] = {}
        self._source: Callable[[], str | None] = lambda: None
        self._samples: list[samples.Sample] = []
        self._before: dict[str, int] = {}
        """Names of data that was there, with its identity."""
        self._names = Names()
        self._needs: set[str] = set()
        """Names of other cells that the cell reads, by itself or by the functions it calls."""
        self._read = threading.Event()
        self._looked = False
        self._left_out = 0
        self.doubts = ""
        """Why the cell's names may not be those of the notebook."""
        self._told: dict[str, set[tuple[str, str]]] = {}
        self._warned: set[str] = set()
        self._entries: list[dict[str, Any]] = []
        self._described = 0
        self._closed = False
        self._is_late = False
        """Whether the source was not read when the cell ended."""

    def begin(self) -> None:
        """Listen to what is opened."""
        if self._files is not None:
            self._files.begin()

    def look(
        self,
        namespace: dict[str, Any],
        typed: str,
        source: Callable[[], str | None],
        ledger: CellLedger | None = None,
        cell: Executed | None = None,
    ) -> None:
        """Take samples of the data that the cell's words name, and have its source read."""
        self._namespace, self._source, self._looked = namespace, source, True
        if self._data:
            there = samples.data_in(namespace)
            words = with_functions(words_of(typed), namespace) if there else set()
            wanted = {name: value for name, value in there.items() if name in words}
            self._before = {name: id(value) for name, value in wanted.items()}
            self._take(wanted)
        reading = threading.Thread(
            target=self._read_source, args=(ledger, cell), name="mltrack-uses", daemon=True
        )
        reading.start()

    def end(self) -> None:
        """The cell has ended: take samples of what it made and read."""
        if self._files is not None:
            self._files.end()
        if not self._looked or not self._data or self._closed:
            self._closed = True
            return
        self._closed = True
        self._is_late = not self._read.wait(WAIT_S)
        if not self._is_late:
            self._take_made()

    def _take_made(self) -> None:
        """Take samples of what the cell made; on a busy machine a moment after its end."""
        self._is_late = False
        made = self._names.stores & self._names.loads
        there = samples.data_in(self._namespace) if made else {}
        fresh = {
            name: value
            for name, value in there.items()
            if name in made and self._before.get(name) != id(value)
        }
        self._take(fresh, made=True)

    def notice(self) -> str:
        """What the user should know of the cell's order; waits a moment for it."""
        if not self._looked or not self._order:
            return ""
        self._read.wait(NOTICE_S)
        return self.doubts

    # ------------------------------------------------------------------------- looking

    def _take(self, wanted: dict[str, Any], *, made: bool = False) -> None:
        until_s = time.perf_counter() + BUDGET_S
        for name, value in sorted(wanted.items(), key=lambda item: samples.length_of(item[1])):
            if len(self._samples) >= DATASETS_MAX:
                self._left_out += 1
                continue
            try:
                in_time = time.perf_counter() < until_s
                sample = samples.take(name, value, with_part=in_time, made=made)
            except Exception as error:  # a value of another package may fail in any way
                caution.trouble(f"sample {type(value).__name__}", _WITHOUT, error)
                continue
            self._samples.append(sample)

    def _read_source(self, ledger: CellLedger | None, cell: Executed | None) -> None:
        try:
            self._names = names = names_of(self._source() or "")
            self._needs = with_functions(set(names.needs), self._namespace)
            self._needs &= self._namespace.keys()
            if self._order and ledger is not None and cell is not None:
                ordinary = {name for name in self._needs if not self._is_module(name)}
                self.doubts = ledger.doubts(cell, ordinary)[:_ORDER_CHARACTERS_MAX]
        except Exception as error:
            caution.trouble("uses", _WITHOUT, error)
        finally:
            self._read.set()

    def _is_module(self, name: str) -> bool:
        return isinstance(self._namespace.get(name), ModuleType)

    # ------------------------------------------------------------------------- telling

    def tell(self, runs: Iterable[tuple[Book, str]], *, last: bool) -> None:
        """Tell runs what is known by now; for the thread that remembers."""
        if self._looked and not self._read.wait(5.0 if last else 0.0):
            return
        if self._is_late:
            self._take_made()
        if self._data:
            self._describe(last=last)
        for book, run_id in runs:
            self._tell_one(book, run_id)

    def _tell_one(self, book: Book, run_id: str) -> None:
        from jupyter_mltrack import wire

        told = self._told.setdefault(run_id, set())
        fresh = []
        for entry in self._entries:
            key = (entry["dataset"]["name"], entry["dataset"]["digest"])
            if key not in told:
                told.add(key)
                fresh.append(entry)
        if fresh:
            call = wire.RunCall(
                run_id=wire.RunId(run_id),
                method="log_inputs",
                body=json.dumps({"datasets": fresh, "models": []}),
                automatic=True,
            )
            book.write_if_open(call)
        if self.doubts and run_id not in self._warned:
            self._warned.add(run_id)
            tags = {ORDER_TAG: self.doubts}
            book.write_if_open(wire.RunTags(run_id=wire.RunId(run_id), tags=tags))

    def _describe(self, *, last: bool) -> None:
        """Make datasets of the samples and, at the end, of the files."""
        source = _source_tags()
        for sample in self._samples[self._described :]:
            self._described += 1
            if sample.made or sample.name in self._needs:
                context = datasets.MADE if sample.made else datasets.USED
                self._entries.append(datasets.entry(datasets.of_sample(sample, source), context))
        if last and self._files is not None and not self._files.read and not self._names.reads:
            return
        if last and self._files is not None:
            self._describe_files(self._files)

    def _describe_files(self, opened: files.OpenedFiles) -> None:
        from jupyter_mltrack.settings import data_dir, project_root

        addresses = opened.add(self._names.reads)
        root = project_root()
        private: list[Path] = [data_dir(), *_jupyter_folders(root)]
        if self._context.workspace.artifact_root:
            from pathlib import Path as LocalPath

            private.append(LocalPath(str(self._context.workspace.artifact_root)))
        found = files.by_folder(files.data_files(opened, root, private))
        for path, group in found[: max(0, DATASETS_MAX - len(self._entries))]:
            try:
                digest, profile = files.describe(path, group)
            except OSError:
                continue  # it is gone
            place = files.shown_path(path, root)
            name = os.path.basename(path) + ("" if group == [path] else "/")
            dataset = datasets.of_file(name, place, digest, profile)
            self._entries.append(datasets.entry(dataset, datasets.FILE))
        for address in addresses[:DATASETS_MAX]:
            name = address.split("?")[0].rstrip("/").rpartition("/")[2] or address
            profile = {"note": "the address only: it was not read again"}
            digest = datasets.short_digest([address.encode()])
            dataset = datasets.of_file(name, address, digest, profile)
            self._entries.append(datasets.entry(dataset, datasets.FILE))


def _jupyter_folders(root: Path) -> list[Path]:
    """Where Jupyter keeps what is its own: MLflow looks there for the notebook's name."""
    from pathlib import Path as LocalPath

    paths = sys.modules.get("jupyter_core.paths")
    if paths is None:
        return []
    folders = (paths.jupyter_runtime_dir(), paths.jupyter_data_dir(), paths.jupyter_config_dir())
    return [folder for folder in map(LocalPath, folders) if not root.is_relative_to(folder)]


def _source_tags() -> dict[str, str]:
    """Where the run comes from, in the words that MLflow gives data that code made."""
    from jupyter_mltrack.tracking import surroundings

    return {key: value for key, value in surroundings.tags().items() if key.startswith("mlflow.")}

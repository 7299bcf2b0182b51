"""Packing an endpoint's inference log: lines into Parquet, small files into one, the oldest away.

A packed file appears whole or not at all, and what it was made of is removed after that: a reader
or another packing that meets both takes the packed one. Readers hold packing off while they read.
See `inference_log.compact`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.monitoring import inference_log

if TYPE_CHECKING:
    import pyarrow as pa

MERGED_BYTES = 16 << 20
"""Packed files of one version are joined up to this size."""
_MERGE_FROM = 8
_LOCK = "compact.lock"
_ABANDONED_S = 3_600.0
_WAIT_S = 10.0
_LOCKING = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nothing is packed meanwhile; a packing that does not end is waited for so long only."""
    try:
        handle = os.open(folder / _LOCK, _LOCKING, 0o600)
    except OSError:  # no folder, or one that cannot be written to: nobody packs it either
        yield
        return
    try:
        until_s = time.monotonic() + _WAIT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until_s:
                    break
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def pack(folder: Path, max_bytes: int) -> int:
    """Pack what is closed; arguments and answer are those of `inference_log.compact`."""
    try:
        handle = os.open(folder / _LOCK, _LOCKING, 0o600)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return 0
    try:
        packed = 0
        for path in sorted(folder.glob("*.jsonl")):
            if path.name.endswith(inference_log.CLOSED) or _is_abandoned(path):
                _pack(path)
                packed += 1
        for leftover in folder.glob(".*.part"):
            leftover.unlink(missing_ok=True)
        _join(folder)
        _drop_oldest(folder, max_bytes)
        return packed
    finally:
        os.close(handle)


def _is_abandoned(path: Path) -> bool:
    """Whether a file was left open by a process that is gone: its writer was killed."""
    with contextlib.suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime < _ABANDONED_S:
            return False
        pid = path.name.rsplit("-", 2)[1:2]
        if not pid or not pid[0].isdecimal() or not 0 < int(pid[0]) < 2**31:
            return False
        try:
            os.kill(int(pid[0]), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
    return False


def _pack(path: Path) -> None:
    made = path.with_name(f"{inference_log.stem(path)}.parquet")
    if not made.exists():
        _write(made, inference_log.parsed(path, [0]), path.stat().st_mtime_ns)
    path.unlink(missing_ok=True)


def _write(made: Path, tables: Iterator[pa.Table], mtime_ns: int) -> None:
    """Write a packed file under a hidden name first; its time is that of its newest request."""
    import pyarrow.parquet as pq

    part = made.with_name(f".{made.name}.part")
    handle = os.open(part, _MAKING, 0o600)
    with os.fdopen(handle, "wb") as file:
        with pq.ParquetWriter(file, inference_log.schema(), compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, ns=(mtime_ns, mtime_ns))
    part.rename(made)


def _join(folder: Path) -> None:
    """Join small packed files of one version, so that months are not thousands of files.

    The joined file takes the name of its newest part and holds the names of all others, which are
    removed afterwards; should that be cut short, the next packing sees them in it and goes on.
    """
    import pyarrow.parquet as pq

    by_label: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.parquet"), key=lambda one: one.stat().st_mtime_ns):
        try:
            held = (pq.read_metadata(path).metadata or {}).get(b"joined", b"")
        except (OSError, ValueError):
            continue
        for name in filter(None, held.decode().split("\n")):
            (folder / name).unlink(missing_ok=True)
        by_label.setdefault(path.name.rsplit("-", 2)[0], []).append(path)
    for paths in by_label.values():
        small: list[Path] = []
        size = 0
        for path in (one for one in paths if one.exists()):
            length = path.stat().st_size
            if length > MERGED_BYTES // 2:
                continue
            if size + length > MERGED_BYTES:
                _join_some(small)
                small, size = [], 0
            small.append(path)
            size += length
        _join_some(small)


def _join_some(paths: list[Path]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(paths) < _MERGE_FROM:
        return
    *others, newest = paths
    mtime_ns = newest.stat().st_mtime_ns
    tables = []
    for path in paths:
        with open(path, "rb") as file:
            tables.append(pq.read_table(file))
    names = "\n".join(path.name for path in others)
    joined = pa.concat_tables(tables).replace_schema_metadata({"joined": names})
    part = newest.with_name(f".{newest.name}.part")
    handle = os.open(part, _MAKING, 0o600)
    with os.fdopen(handle, "wb") as file:
        pq.write_table(joined, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, ns=(mtime_ns, mtime_ns))
    part.rename(newest)
    for path in others:
        path.unlink(missing_ok=True)


def _drop_oldest(folder: Path, max_bytes: int) -> None:
    sizes: list[tuple[int, int, Path]] = []
    for pattern in ("*.parquet", "*.jsonl"):
        for path in folder.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                sizes.append((facts.st_mtime_ns, facts.st_size, path))
    total = sum(size for _, size, _ in sizes)
    for _, size, path in sorted(sizes):
        if total <= max_bytes:
            return
        if path.suffix == ".parquet":
            path.unlink(missing_ok=True)
            total -= size

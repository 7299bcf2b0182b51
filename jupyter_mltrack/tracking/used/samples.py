"""Take from a frame or array what its digest needs, within microseconds to a few milliseconds.

What is small is copied whole. Of what is large `ROWS_MAX` rows are taken, in blocks that are spread
evenly from the first row to the last (each touched page of memory costs time), and the run says so.
The cell may change the value afterwards: a sample does not.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

ROWS_MAX = 10_000
BYTES_MAX = 4 << 20
"""Largest sample: of wide data fewer rows are taken."""
WIDTH_MAX = 1_000
"""Columns of a frame beyond this are not in its digest."""
_BLOCK_ROWS = 64
COLUMNS_MAX = 500
"""Columns beyond this are counted, not named."""


class Sample(NamedTuple):
    """What was taken of one value."""

    name: str
    kind: str
    """`frame`, `polars`, `array`, `sparse` or `tensor`."""
    rows: int
    shape: tuple[int, ...]
    dtype: str
    size_bytes: int
    """Of an array; 0 for frames."""
    columns: tuple[tuple[str, str], ...]
    """Name and type, of frames."""
    part: Any
    """The rows that were taken; None when there was no time."""
    taken: int
    """How many."""
    made: bool = False
    """Whether the cell made the value itself."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return self.part is not None and self.taken >= self.rows


def kind_of(value: object) -> str:
    """What kind of data a value is; empty for anything else."""
    kind = type(value)
    found = _kinds.get(kind)
    if found is None:
        found = next((_KNOWN[said] for said in map(_said, kind.__mro__) if said in _KNOWN), "")
        if len(_kinds) > _KINDS_MAX:
            _kinds.clear()
        _kinds[kind] = found
    return found


def data_in(namespace: dict[str, Any]) -> dict[str, Any]:
    """The values of a namespace that are data, by name; names with an underscore are private."""
    if not any(package in sys.modules for package in _PACKAGES):
        return {}
    return {
        name: value
        for name, value in namespace.copy().items()
        if kind_of(value) and not name.startswith("_") and _is_worth_it(value)
    }


def length_of(value: Any) -> int:
    """How many rows a value has: what is short is looked at first."""
    return int(value.shape[0])


def take(name: str, value: Any, *, with_part: bool = True, made: bool = False) -> Sample:
    """The sample of a value that `kind_of` knows; `with_part=False` takes its shape only."""
    kind = kind_of(value)
    if kind == "series":
        kind, value = "frame", value.to_frame(value.name if value.name is not None else name)
    shape = tuple(int(length) for length in value.shape)
    columns: tuple[tuple[str, str], ...] = ()
    if kind == "frame":
        types = value.dtypes.iloc[:COLUMNS_MAX]
        columns = tuple((str(key), str(one)) for key, one in zip(types.index, types, strict=True))
        size_bytes = 0
    elif kind == "polars":
        pairs = list(zip(value.columns, value.dtypes, strict=True))[:COLUMNS_MAX]
        columns = tuple((str(key), str(one)) for key, one in pairs)
        size_bytes = 0
    elif kind == "sparse":
        size_bytes = int(value.nnz * value.dtype.itemsize)
    elif kind == "tensor":
        size_bytes = int(value.element_size() * value.nelement())
    else:
        size_bytes = int(value.nbytes)
    rows = shape[0] if shape else 1
    part, taken = _PARTS[kind](value, shape) if with_part else (None, 0)
    dtype = "" if columns else str(value.dtype)
    return Sample(name, kind, rows, shape, dtype, size_bytes, columns, part, taken, made)


def rows_to_take(rows: int, row_bytes: int) -> int:
    """How many rows of so many bytes each are taken."""
    return min(rows, ROWS_MAX, max(1, BYTES_MAX // max(1, row_bytes)))


def spread(rows: int, count: int) -> Any:
    """Numbers of so many rows in blocks, from the first row to the last; ascending."""
    import numpy as np

    blocks = max(1, count // _BLOCK_ROWS)
    length = min(_BLOCK_ROWS, count)
    starts = np.linspace(0, rows - length, blocks).astype(np.int64)
    return (starts[:, None] + np.arange(length)).reshape(-1)


# ------------------------------------------------------------------------------- parts


def _frame(value: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    if shape[1] > WIDTH_MAX:
        value = value.iloc[:, :WIDTH_MAX]
    count = rows_to_take(shape[0], 8 * min(shape[1], WIDTH_MAX))
    if count == shape[0]:
        return value.copy(deep=True), count
    at = spread(shape[0], count)
    return value.take(at), len(at)


def _polars(value: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    """The frame itself, for no time: its memory is never changed in place."""
    if shape[1] > WIDTH_MAX:
        value = value[:, :WIDTH_MAX]
    count = rows_to_take(shape[0], 8 * min(shape[1], WIDTH_MAX))
    return value.clone(), count if count == shape[0] else len(spread(shape[0], count))


def _array(value: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    if value.nbytes <= BYTES_MAX:
        return value.copy(), shape[0]
    row_bytes = int(value.nbytes) // shape[0]
    if row_bytes > BYTES_MAX:
        return value.flat[:: int(value.nbytes) // BYTES_MAX + 1], 0
    at = spread(shape[0], rows_to_take(shape[0], row_bytes))
    return value[at], len(at)


def _sparse(value: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    found: list[Any] = [getattr(value, name, None) for name in _SPARSE_PARTS]
    arrays = [one.reshape(-1) for one in found if getattr(one, "dtype", None) is not None]
    if not arrays or arrays[0].dtype == object:  # lists of rows
        return None, 0
    if sum(one.nbytes for one in arrays) <= BYTES_MAX:
        return [one.copy() for one in arrays], shape[0]
    return [one[spread(one.size, min(one.size, ROWS_MAX))] for one in arrays], 0


def _tensor(value: Any, shape: tuple[int, ...]) -> tuple[Any, int]:
    size_bytes = int(value.element_size() * value.nelement())
    if value.device.type != "cpu":  # its device is not waited for
        return None, 0
    if size_bytes <= BYTES_MAX:
        return value.detach().clone().numpy(), shape[0]
    count = rows_to_take(shape[0], size_bytes // shape[0])
    part = value.detach()[:: -(-shape[0] // count)].clone()
    return part.numpy(), int(part.shape[0])


_PARTS = {
    "frame": _frame,
    "polars": _polars,
    "array": _array,
    "sparse": _sparse,
    "tensor": _tensor,
}


# ------------------------------------------------------------------------------- kinds


def _said(kind: type) -> tuple[str, str]:
    return (str(kind.__module__).partition(".")[0], kind.__name__)


def _is_worth_it(value: Any) -> bool:
    """Whether it is more than a number or two, and its shape can be asked for without trouble."""
    try:
        shape = value.shape
        return bool(shape) and all(length > 0 for length in shape) and sum(shape) > len(shape)
    except Exception:  # a lazy or deleted value of another package
        return False


_SPARSE_PARTS = ("data", "indices", "indptr", "row", "col", "offsets")
_PACKAGES = ("pandas", "polars", "numpy", "scipy", "torch")
_KNOWN = {
    ("pandas", "DataFrame"): "frame",
    ("pandas", "Series"): "series",
    ("polars", "DataFrame"): "polars",
    ("numpy", "ndarray"): "array",
    ("scipy", "_spbase"): "sparse",
    ("scipy", "spmatrix"): "sparse",
    ("torch", "Tensor"): "tensor",
}
_KINDS_MAX = 10_000
_kinds: dict[type, str] = {}

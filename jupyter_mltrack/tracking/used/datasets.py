"""Samples and files as the datasets that MLflow keeps with a run: name, digest, schema, profile.

The digest of a frame that was taken whole, and holds numbers and text only, is the one that
`mlflow.data.from_pandas` gives; so is that of a small array of numbers. MLflow itself is not
imported: a kernel may be without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from jupyter_mltrack.tracking.redaction import redact
from jupyter_mltrack.tracking.used.samples import COLUMNS_MAX, WIDTH_MAX, Sample, spread

CONTEXT_TAG = "mlflow.data.context"
USED, MADE, FILE = "used", "made in the cell", "file"
_NAME_MAX = 500
_MLFLOW_VALUES_MAX = 10_000
"""MLflow's digest looks at no more values of an array than this; ours at all that were taken."""
_PLAIN = (str, bytes, int, float, bool, type(None))
_TYPES = {
    "bool": "boolean",
    "boolean": "boolean",
    "float16": "float",
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "uint32": "long",
    "uint64": "long",
    "string": "string",
    "str": "string",
    "category": "string",
}
_SMALL_INTEGERS = ("int8", "int16", "int32", "uint8", "uint16")


def entry(dataset: dict[str, Any], context: str) -> dict[str, Any]:
    """One dataset as `log_inputs` takes it."""
    return {"dataset": dataset, "tags": [{"key": CONTEXT_TAG, "value": context}]}


def of_sample(sample: Sample, source: dict[str, str]) -> dict[str, Any]:
    """The dataset of a value of the notebook; `source` are the tags that say where it was made."""
    profile: dict[str, Any] = {"num_rows": sample.rows}
    schema: dict[str, Any]
    if sample.columns:
        profile["num_elements"] = sample.shape[0] * sample.shape[1]
        schema = {"mlflow_colspec": [_column(name, kind) for name, kind in sample.columns]}
    else:
        profile |= {
            "features_shape": list(sample.shape),
            "features_size": _product(sample.shape),
            "features_nbytes": sample.size_bytes,
        }
        schema = {"mlflow_tensorspec": {"features": _tensor(sample), "targets": None}}
    notes = _notes(sample)
    try:
        digest = _digest(sample)
    except Exception as error:  # values of other packages may fail in any way
        notes = [f"digest of its shape and types only: {type(error).__name__}"]
        digest = _digest(sample._replace(part=None))
    if notes:
        profile["note"] = "; ".join(notes)
    return {
        "name": redact(sample.name)[:_NAME_MAX],
        "digest": digest,
        "source_type": "code",
        "source": json.dumps({"tags": source}),
        "schema": json.dumps(schema),
        "profile": json.dumps(profile),
    }


def of_file(name: str, place: str, digest: str, profile: dict[str, Any]) -> dict[str, Any]:
    """The dataset of a file, a folder of files or an address."""
    kind = "http" if place.startswith(("http://", "https://")) else "local"
    key = "url" if kind == "http" else "uri"
    return {
        "name": redact(name)[:_NAME_MAX],
        "digest": digest,
        "source_type": kind,
        "source": json.dumps({key: redact(place)}),
        "schema": None,
        "profile": json.dumps(profile),
    }


def short_digest(parts: Iterable[bytes]) -> str:
    """Eight hexadecimal digits, as MLflow's digests are."""
    made = hashlib.md5(usedforsecurity=False)
    for part in parts:
        made.update(part)
    return made.hexdigest()[:8]


# ------------------------------------------------------------------------------ schema


def _column(name: str, kind: str) -> dict[str, Any]:
    return {"type": _type(kind), "name": redact(name), "required": True}


def _type(kind: str) -> str:
    """MLflow's word for the type of a column."""
    said = kind.lower()
    if said.startswith("datetime") or said == "date":
        return "datetime"
    if said in _SMALL_INTEGERS:
        return "integer"
    if said.startswith(("string", "categorical", "enum")):
        return "string"
    return _TYPES.get(said, "any")


def _tensor(sample: Sample) -> str:
    spec = {"dtype": sample.dtype.removeprefix("torch."), "shape": [-1, *sample.shape[1:]]}
    return json.dumps([{"type": "tensor", "tensor-spec": spec}])


def _product(shape: tuple[int, ...]) -> int:
    found = 1
    for length in shape:
        found *= length
    return found


def _notes(sample: Sample) -> list[str]:
    """What the digest and the schema leave out, in words."""
    notes = []
    if sample.part is None:
        notes.append("digest of its shape and types only")
    elif not sample.is_whole:
        if sample.taken:
            notes.append(f"digest of {sample.taken:,} of {sample.rows:,} rows")
        else:
            notes.append("digest of a part of its values")
    if sample.columns and sample.shape[1] > WIDTH_MAX and sample.part is not None:
        notes.append(f"digest of {WIDTH_MAX:,} of {sample.shape[1]:,} columns")
    if sample.columns and sample.shape[1] > COLUMNS_MAX:
        notes.append(f"{COLUMNS_MAX} of {sample.shape[1]:,} columns named")
    return notes


# ------------------------------------------------------------------------------ digest


def _digest(sample: Sample) -> str:
    if sample.part is None:
        said = json.dumps([sample.kind, sample.shape, sample.dtype, sample.columns])
        return short_digest([said.encode()])
    return _DIGESTS[sample.kind](sample)


def _of_frame(sample: Sample) -> str:
    """MLflow's digest, and that of the columns which MLflow leaves out."""
    import numpy as np
    import pandas as pd

    part = sample.part
    names = [str(name) for name in part.columns]
    numbers, texts, others = [], [], []
    for at in range(part.shape[1]):
        column = part.iloc[:, at]
        if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind in "iufc":
            numbers.append(at)
        elif _is_text(column):
            texts.append(at)
        else:
            others.append(at)
    ordered = _in_order([*numbers, *texts], part.columns, names)
    elements: list[Any] = [
        np.ascontiguousarray(pd.util.hash_pandas_object(part.iloc[:, ordered]).to_numpy()),
        np.int64(sample.rows),
        *(name.encode("utf-8", "backslashreplace") for name in names),
    ]
    elements += [_plain_bytes(part.iloc[:, at]) for at in others]
    return short_digest(elements)


def _in_order(places: list[int], labels: Any, names: list[str]) -> list[int]:
    """Places of columns in the order of their labels, as far as labels have an order."""
    try:
        return sorted(places, key=lambda at: labels[at])
    except TypeError:
        return sorted(places, key=lambda at: names[at])


def _is_text(column: Any) -> bool:
    values = column.to_numpy(dtype=object) if column.dtype.kind in "OTU" else ()
    return len(values) > 0 and all(type(value) is str for value in values)


def _plain_bytes(column: Any) -> bytes:
    """Dates, truths, categories and mixed values; of what is no plain value only its type."""
    if column.dtype.kind in "bmM":
        return bytes(column.to_numpy().tobytes())
    return _said_of(column.to_numpy(dtype=object))


def _said_of(values: Any) -> bytes:
    said = [
        repr(value) if type(value) in _PLAIN else type(value).__qualname__
        for value in values.ravel()
    ]
    return "\0".join(said).encode("utf-8", "backslashreplace")


def _of_polars(sample: Sample) -> str:
    part = sample.part
    if sample.taken < sample.rows:
        part = part[spread(sample.rows, sample.taken)]
    rows = part.hash_rows(seed=0).to_numpy().tobytes()
    return short_digest([rows, str(sample.shape).encode(), repr(sample.columns).encode()])


def _of_array(sample: Sample) -> str:
    """MLflow's digest for numbers, which it makes of mixed 64-bit words and the lengths."""
    import numpy as np

    said = _bytes_of(np.asarray(sample.part))
    return short_digest([said, *(np.int64(length).tobytes() for length in sample.shape)])


def _of_sparse(sample: Sample) -> str:
    """Digest of the values and of where they stand."""
    return short_digest([*map(_bytes_of, sample.part), str(sample.shape).encode()])


def _bytes_of(array: Any) -> bytes:
    import numpy as np

    flat = array.reshape(-1)
    if flat.dtype.kind in "bmM":
        flat = flat.view(np.uint8 if flat.dtype.kind == "b" else np.uint64)
    small = flat.size <= _MLFLOW_VALUES_MAX
    if small and flat.dtype.kind in "iuf" and flat.dtype.itemsize <= 8:
        mixed = _mixed(flat.view(f"u{flat.dtype.itemsize}").astype(np.uint64))
        return bytes(mixed.tobytes())
    return _said_of(flat) if flat.dtype.kind == "O" else bytes(flat.tobytes())


def _mixed(words: Any) -> Any:
    """The words with their bits mixed, as pandas does before it adds them up."""
    import numpy as np

    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


_DIGESTS = {
    "frame": _of_frame,
    "polars": _of_polars,
    "array": _of_array,
    "sparse": _of_sparse,
    "tensor": _of_array,
}

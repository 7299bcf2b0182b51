"""What a model gave, as columns: named as the signature says, else `prediction`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring.fitting import _arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "prediction"


class Columns:
    """Makes columns of each batch's predictions, alike from the first batch to the last.

    Args:
        signature: MLflow's `ModelSignature`, or None.
        taken: names that the output has already; a prediction of such a name gets another one.
    """

    def __init__(self, signature: Any, taken: Sequence[str]) -> None:
        outputs = getattr(signature, "outputs", None)
        self._names: list[str] = []
        self._types: list[Any] = []
        if outputs is not None and outputs.has_input_names():
            self._names = [str(one.name) for one in outputs.inputs]
        if outputs is not None and not outputs.is_tensor_spec():
            self._types = [_arrow_type(str(one.type)) for one in outputs.inputs]
        self._taken = set(taken)
        self._schema: pa.Schema | None = None
        self.renamed: list[tuple[str, str]] = []

    @property
    def names(self) -> list[str]:
        """Names of the columns; none before the first batch."""
        return [] if self._schema is None else list(self._schema.names)

    def of(self, value: Any, rows: int) -> pa.Table:
        """Predictions of `rows` rows as columns.

        Raises:
            UsageError: there are not as many, or they are no columns.
        """
        import pyarrow as pa

        found = _columns_of(value, rows)
        if self._schema is None:
            names = self._unique(self._named(list(found)))
            made = []
            for at, array in enumerate(found.values()):
                kind = self._types[at] if len(self._types) == len(found) else None
                made.append(_array(array, kind, names[at]))
            table = pa.table(dict(zip(names, made, strict=True)))
            self._schema = _without_null(table.schema)
        elif len(found) != len(self._schema):
            raise UsageError(
                f"The model gave {len(found)} columns for some rows and {len(self._schema)} for "
                "others.",
                "Score them apart, or look at what it predicts.",
            )
        arrays = [
            _array(array, field.type, field.name, strictly=True)
            for array, field in zip(found.values(), self._schema, strict=True)
        ]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        if table.num_rows != rows:
            raise UsageError(
                f"The model gave {table.num_rows} predictions for {rows} rows.",
                "Batch scoring is for models that give one prediction for each row.",
            )
        return table

    def _named(self, own: list[str]) -> list[str]:
        if len(self._names) == len(own):
            return self._names
        if all(own):
            return own
        return [NAME] if len(own) == 1 else [f"{NAME}_{at}" for at in range(len(own))]

    def _unique(self, names: list[str]) -> list[str]:
        made = []
        for name in names:
            new = name
            while new in self._taken or new in made:
                new = f"{NAME}_{new}"
            if new != name:
                self.renamed.append((name, new))
            made.append(new)
        return made


def _without_null(schema: pa.Schema) -> pa.Schema:
    """A first batch without any value says no type; numbers are what is most likely to come."""
    import pyarrow as pa

    return pa.schema([
        one.with_type(pa.float64()) if pa.types.is_null(one.type) else one for one in schema
    ])  # fmt: skip


def _columns_of(value: Any, rows: int) -> dict[str, Any]:
    """Columns by name; a name that begins with nothing is one that nobody gave."""
    import numpy as np
    import pandas as pd

    if callable(getattr(value, "toarray", None)):  # sparse
        value = value.toarray()
    if isinstance(value, pd.DataFrame):
        if all(isinstance(one, str) for one in value.columns):
            return {str(name): value[name] for name in value.columns}
        value = value.to_numpy()
    if isinstance(value, pd.Series):
        return {value.name if isinstance(value.name, str) else "": value}
    if isinstance(value, dict):
        return {str(name): np.asarray(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and value and hasattr(value[0], "model_dump"):
        value = [one.model_dump() for one in value]
    if isinstance(value, list | tuple) and value and all(isinstance(one, dict) for one in value):
        return _columns_of(pd.DataFrame(list(value)), rows)
    if isinstance(value, list | tuple):
        return {"": list(value)}
    if isinstance(value, np.ndarray):
        if value.ndim == 2 and value.shape[1] == 1:
            return {"": value[:, 0]}
        if value.ndim == 2:
            return _Unnamed((at, value[:, at]) for at in range(value.shape[1]))
        return {"": value if value.ndim == 1 else value.tolist()}
    return {"": [value]}


class _Unnamed(dict[Any, Any]):
    """Columns by number."""

    def __iter__(self) -> Any:
        return iter([""] * len(self))


def _array(values: Any, kind: Any, name: str, *, strictly: bool = False) -> Any:
    """Values as an array of Arrow; `kind` is kept to strictly only where a batch came before.

    Raises:
        UsageError: they are of several kinds, or not of the one that came before.
    """
    import pyarrow as pa

    try:
        if kind is not None:
            try:
                return _cast(_plain(values), kind)
            except pa.ArrowException:
                if strictly:
                    raise
        return _plain(values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        before = f" where {kind} came before" if strictly else ""
        raise UsageError(
            f"Predictions {clean(name)} are of several kinds{before}: {clean(str(error))}",
            "Log the model with a signature, so that its outputs have a type.",
        ) from error


def _plain(values: Any) -> Any:
    import pyarrow as pa

    found = pa.array(values, from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _cast(array: Any, kind: Any) -> Any:
    return array if array.type == kind else array.cast(kind)

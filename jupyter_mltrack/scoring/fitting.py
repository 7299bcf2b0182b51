"""Whether data fits what a model takes, said before anything is computed.

MLflow's own rules decide what is safe; two of its refusals are not shared, because nothing is lost:
whole numbers where it takes `double`, and wider whole numbers whose values fit. Columns that the
model does not take are no fault and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring.data import FrameSource, Source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SHOWN = 8


class Fit(NamedTuple):
    """How data is given to a model.

    Attributes:
        inputs: columns that the model gets, in its order; None means all as they are.
        casts: types of Arrow that some of them are brought to; nothing is lost by it.
        unused: columns that it does not get.
    """

    inputs: list[str] | None
    casts: dict[str, Any]
    unused: list[str]


class Described(Protocol):
    """Data with a name and columns."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def schema(self) -> pa.Schema:
        """Names and types of the columns."""


def arrow_types(signature: Any) -> dict[str, Any]:
    """Types of Arrow of the columns that a signature names, where Arrow has such a type."""
    found = {}
    for column in _columns(signature):
        kind = _arrow_type(str(column.type))
        if kind is not None:
            found[column.name] = kind
    return found


def _columns(signature: Any) -> list[Any]:
    inputs = getattr(signature, "inputs", None)
    if inputs is None or inputs.is_tensor_spec() or not inputs.has_input_names():
        return []
    return list(inputs.inputs)


def _arrow_type(name: str) -> Any:
    import pyarrow as pa

    kinds = {
        "double": pa.float64(),
        "float": pa.float32(),
        "long": pa.int64(),
        "integer": pa.int32(),
        "string": pa.string(),
        "boolean": pa.bool_(),
        "binary": pa.binary(),
        "datetime": pa.timestamp("ns"),
    }
    bare = name.removeprefix("DataType.")
    return kinds.get(bare)


def fit(signature: Any, source: Described, model: str) -> Fit:
    """How the data is given to the model.

    Args:
        signature: MLflow's `ModelSignature`, or None.
        source: the data; CSV files are told what to expect.
        model: how the model is called in a sentence.

    Raises:
        UsageError: columns are missing or of a wrong type; all of them are named.
    """
    types = arrow_types(signature)
    if types and getattr(source, "is_text", False):
        # bytes are no kind of CSV's
        source.expect({name: kind for name, kind in types.items() if str(kind) != "binary"})  # type: ignore[attr-defined]
    schema = source.schema()
    if not schema.names:
        raise UsageError(f"{source.name} has no columns.", "Check what is in it.")
    columns = _columns(signature)
    if not columns:
        _check_count(getattr(signature, "inputs", None), schema.names, source.name, model)
        return Fit(None, {}, [])
    missing = [one.name for one in columns if one.required and one.name not in schema.names]
    taken = [one for one in columns if one.name in schema.names]
    unused = [name for name in schema.names if name not in {one.name for one in columns}]
    wrong, casts = [], {}
    for one in taken:
        wanted = types.get(one.name)
        has = schema.field(one.name).type
        if wanted is None or _is_same(has, wanted):
            continue
        if _is_safe(has, wanted):
            casts[one.name] = wanted
        else:
            wrong.append(f"{clean(one.name)} is {_word(has)}, not {_type_word(one.type)}")
    if missing or wrong:
        raise _misfit(source.name, model, missing, wrong, unused)
    return Fit([one.name for one in taken], casts, unused)


def _misfit(
    data: str, model: str, missing: list[str], wrong: list[str], unused: list[str]
) -> UsageError:
    import difflib

    said = []
    if missing:
        said.append(f"missing {_some(missing)}")
    if wrong:
        said.append("; ".join(wrong[:_SHOWN]) + (" ..." if len(wrong) > _SHOWN else ""))
    if missing and unused:
        said.append(f"not asked for {_some(unused)}")
    folded = {name.casefold(): name for name in unused}
    pairs = []
    for name in missing:
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.8)
        pairs += [f"{clean(folded[near[0]])!r}: {clean(name)!r}"] if near else []
    renaming = f"Was it renamed? .rename(columns={{{', '.join(pairs[:3])}}}). " if pairs else ""
    return UsageError(
        f"{data} does not fit {model}: {'; '.join(said)}.",
        f"{renaming}What it takes: %mltrack models {model}",
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(clean(name) for name in names[:_SHOWN]) + more


def _check_count(inputs: Any, names: Sequence[str], data: str, model: str) -> None:
    """Where the signature names no columns, only their number can be checked."""
    if inputs is None:
        return
    first = inputs.inputs[0]
    if not inputs.is_tensor_spec():
        wanted, least = len(inputs.inputs), True
    elif len(inputs.inputs) == 1 and min(first.shape[1:], default=-1) > 0:
        wanted, least = math.prod(first.shape[1:]), False
    else:
        return
    if len(names) < wanted or (len(names) > wanted and not least):
        raise UsageError(
            f"{data} does not fit {model}: it has {len(names)} columns ({_some(names)}), the model "
            f"takes {wanted}.",
            f"Name data with those columns alone. What it takes: %mltrack models {model}",
        )


def _type_word(kind: Any) -> str:
    return str(kind).removeprefix("DataType.")


def _word(kind: Any) -> str:
    """MLflow's word for a type of Arrow."""
    import pyarrow as pa

    words = {
        "int64": "long", "uint32": "long", "int32": "integer", "int16": "integer",
        "int8": "integer", "large_string": "string", "bool": "boolean",
    }  # fmt: skip
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return "datetime with a time zone"
    if pa.types.is_temporal(kind):
        return "datetime"
    return words.get(str(kind), clean(str(kind)))


def _is_same(has: Any, wanted: Any) -> bool:
    """Whether MLflow takes the one for the other without any change."""
    import pyarrow as pa

    if has == wanted or pa.types.is_null(has):
        return True
    if pa.types.is_string(wanted) or pa.types.is_binary(wanted):
        texts = pa.types.is_string(has) or pa.types.is_large_string(has)
        texts = texts or pa.types.is_string_view(has)
        return bool(texts or (pa.types.is_large_binary(has) and pa.types.is_binary(wanted)))
    if pa.types.is_timestamp(wanted):
        return bool((pa.types.is_timestamp(has) and has.tz is None) or pa.types.is_date(has))
    return False


def _is_safe(has: Any, wanted: Any) -> bool:
    """Whether a cast keeps every value, or says which one it cannot keep."""
    import pyarrow as pa

    if pa.types.is_dictionary(has):  # categories
        return bool(_is_same(has.value_type, wanted) or _is_safe(has.value_type, wanted))
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(has))
    if pa.types.is_float64(wanted):
        return bool(
            pa.types.is_integer(has) or pa.types.is_floating(has) or pa.types.is_decimal(has)
        )
    if pa.types.is_float32(wanted):
        small = pa.types.is_integer(has) and has.bit_width <= 16
        return bool(small or pa.types.is_float16(has))
    return False


def cast_table(table: pa.Table, casts: dict[str, Any]) -> pa.Table:
    """Columns brought to what the model takes.

    Raises:
        UsageError: a value does not fit.
    """
    import pyarrow as pa

    for name, kind in casts.items():
        at = table.schema.get_field_index(name)
        try:
            table = table.set_column(at, name, table.column(at).cast(kind))
        except pa.ArrowException as error:
            raise UsageError(
                f"Column {clean(name)} holds a value that is no {_word(kind)}: {clean(str(error))}",
                "Correct the value, or log the model with a wider type in its signature.",
            ) from error
    return table


def cast_frame(frame: pd.DataFrame, casts: dict[str, Any]) -> pd.DataFrame:
    """The same for a frame; its index stays."""
    import pyarrow as pa

    if not casts:
        return frame
    changed = {}
    for name, kind in casts.items():
        column = pa.table({name: pa.array(frame[name], from_pandas=True)})
        changed[name] = cast_table(column, {name: kind}).column(0).to_pandas().to_numpy()
    return frame.assign(**changed)


def mlflow_schema(schema: pa.Schema) -> Any:
    """Columns in MLflow's types, without those that it has no word for; None where none is left."""
    from mlflow.types import ColSpec, DataType, Schema

    known = {one.name for one in DataType}
    words = [(field.name, _word(field.type)) for field in schema]
    found = [ColSpec(word, name) for name, word in words if word in known]
    return Schema(found) if found else None


def named_as_text(source: Source) -> None:
    """Give a frame text for column names, as a signature has them."""
    if isinstance(source, FrameSource):
        labels = source.frame.columns
        if any(not isinstance(one, str) for one in labels):
            source.frame = source.frame.rename(columns=str)

"""Score on Spark: MLflow's `spark_udf` over a frame, files or a table; Spark writes the rows.

A session that is there is used as it is. Without one a local session is started with this process's
own Python for its workers, on loopback only and without its web page, and stopped when the work is
done, unless the result is a frame that needs it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.scoring import fitting, local
from jupyter_mltrack.scoring.data import NamedData, OutVariable, describe
from jupyter_mltrack.scoring.predictions import NAME
from jupyter_mltrack.scoring.spark_out import TABLE, Taker
from jupyter_mltrack.scoring.spark_session import failed, quiet, session

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mltrack.scoring.score import Done, Job, Scorer

READ_ENDINGS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv",
                ".json": "json", ".jsonl": "json", ".ndjson": "json", ".orc": "orc"}  # fmt: skip
_POLL_S = 1.0
_SAMPLE_ROWS = 20
_BATCH_SETTING = "spark.sql.execution.arrow.maxRecordsPerBatch"
_GROUP_SETTINGS = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")


class SparkSource:
    """A frame of Spark, as `fitting` looks at data."""

    def __init__(self, frame: Any, name: str) -> None:
        self.frame = frame
        self.name = name
        self.rows: int | None = None

    def schema(self) -> pa.Schema:
        """Names and types of the columns, as Arrow has them."""
        from pyspark.sql.pandas.types import to_arrow_schema

        try:
            return _without_zones(to_arrow_schema(self.frame.schema))
        except Exception as error:  # a type that is Spark's alone
            raise failed(f"{self.name} cannot be given to a model", error) from error


def _without_zones(schema: pa.Schema) -> pa.Schema:
    """Spark's moments have no zone of their own: a model gets them as plain times."""
    import pyarrow as pa

    return pa.schema([
        one.with_type(pa.timestamp("ns")) if pa.types.is_timestamp(one.type) else one
        for one in schema
    ])  # fmt: skip


# ----------------------------------------------------------------------------------- data


def open_frame(spark: Any, data: Any) -> SparkSource:
    """The data as a frame of Spark; nothing of it is read yet.

    Raises:
        NotFound: there is no such file or table.
        UsageError: it is nothing that rows can be read from.
    """
    value = data.value if isinstance(data, NamedData) else data
    name = describe(data)
    if is_spark(value):
        return SparkSource(value, name)
    if isinstance(value, str | os.PathLike):
        return SparkSource(_read(spark, os.fspath(value), name), name)
    from jupyter_mltrack.scoring import data as reading

    frame = reading.frame(data)
    return SparkSource(spark.createDataFrame(reading.as_table(frame, name)), name)


def is_spark(value: Any) -> bool:
    """Whether the value is a frame of Spark."""
    module = type(value).__module__
    return module.startswith("pyspark.") and type(value).__name__ == "DataFrame"


def _read(spark: Any, words: str, name: str) -> Any:
    path = os.path.expanduser(words)
    here = os.path.exists(path)
    kind = next((READ_ENDINGS[one] for one in READ_ENDINGS if path.lower().endswith(one)), None)
    if not here and kind is None and TABLE.match(words):
        return _table(spark, words, name)
    if not here and "://" not in words and not any(mark in words for mark in "*?["):
        from jupyter_mltrack.scoring import files

        files.find(words)  # says what is near
    place = words if "://" in words else f"file://{os.path.abspath(path)}"
    try:
        if kind == "csv":
            return spark.read.csv(place, header=True, inferSchema=True)
        return getattr(spark.read, kind or "parquet")(place)
    except Exception as error:
        raise failed(f"{name} cannot be read", error) from error


def _table(spark: Any, words: str, name: str) -> Any:
    import difflib

    if spark.catalog.tableExists(words):
        return spark.table(words)
    names: list[str] = []
    with contextlib.suppress(Exception):  # some catalogs list nothing
        database = words.rpartition(".")[0]
        tables = spark.catalog.listTables(database) if database else spark.catalog.listTables()
        names = [f"{database}.{one.name}" if database else one.name for one in tables]
    near = difflib.get_close_matches(words, names, n=3, cutoff=0.5)
    hint = "This session of Spark knows no tables; say it where one that does is active."
    if near:
        hint = f"Did you mean {clean(', '.join(near))}?"
    elif names:
        hint = f"There are: {clean(', '.join(names[:10]))}"
    raise NotFound(f"There is no table and no file {name!r}.", hint)


# ------------------------------------------------------------------------------------ job


def prepare(
    scorer: Scorer, data: Any, *, out: Any, columns: Sequence[str] | None, batch_rows: int | None
) -> Job:
    """Everything checked, nothing computed; a session is there.

    Raises:
        NotFound: no such file or table.
        UsageError: the data does not fit the model, or the output cannot be what it should be.
    """
    from jupyter_mltrack.scoring.score import Job, chosen

    value = data.value if isinstance(data, NamedData) else data
    spark, end = (value.sparkSession, None) if is_spark(value) else session()
    try:
        with quiet():
            source = open_frame(spark, data)
        fit = fitting.fit(scorer.signature, source, scorer.title)
        names = list(source.frame.columns)
        kept = names if columns is None else chosen(columns, names, source.name)
        taker = Taker(spark, out, has_tables=end is None)
        schema = fitting.mlflow_schema(source.schema())
    except BaseException:
        if end is not None:
            end()
        raise

    def run(told: local.Told | None) -> Done:
        try:
            return _scored(
                spark, scorer, source, fit, kept=kept, taker=taker, batch_rows=batch_rows, told=told
            )
        finally:
            if end is not None and not isinstance(out, OutVariable):
                end()

    return Job(run, schema, end or _nothing)


def _nothing() -> None:
    """A session that was there stays."""


def _scored(
    spark: Any,
    scorer: Scorer,
    source: SparkSource,
    fit: fitting.Fit,
    *,
    kept: list[str],
    taker: Taker,
    batch_rows: int | None,
    told: local.Told | None,
) -> Done:
    """Compute and write."""
    from jupyter_mltrack.scoring.score import Done, remarks

    with quiet():
        frame, renamed = _with_predictions(spark, scorer, source, fit, kept)
    what = f"{scorer.title} failed on Spark"
    with _rows_at_a_time(spark, batch_rows), _cancelling(spark), _watched(spark, told), quiet():
        try:
            rows = taker.take(frame)
        except MltrackError:
            raise
        except Exception as error:
            raise failed(what, error) from error
    return Done(rows, list(frame.columns), remarks(fit.unused, renamed))


def _with_predictions(
    spark: Any, scorer: Scorer, source: SparkSource, fit: fitting.Fit, kept: list[str]
) -> tuple[Any, list[tuple[str, str]]]:
    """The frame with columns of predictions; and those that had to be called otherwise."""
    import mlflow.pyfunc
    from pyspark.sql import functions

    kind = None
    if getattr(scorer.signature, "outputs", None) is None:
        kind = _result_type(scorer, source, fit)
    udf = mlflow.pyfunc.spark_udf(
        spark, str(scorer.files.path), result_type=kind, env_manager="local"
    )
    words = {"int64": "bigint", "int32": "int", "double": "double", "float": "float"}
    given = []
    for name in source.frame.columns if fit.inputs is None else fit.inputs:
        column = functions.col(_quoted(name))
        if name in fit.casts:
            column = column.cast(words[str(fit.casts[name])])
        given.append(column.alias(name))
    made = source.frame.select(
        *[functions.col(_quoted(name)) for name in kept],
        udf(functions.struct(*given)).alias("__mltrack"),
    )
    return _named(made, scorer, kept)


def _named(frame: Any, scorer: Scorer, kept: list[str]) -> tuple[Any, list[tuple[str, str]]]:
    from pyspark.sql import functions, types

    kind = frame.schema["__mltrack"].dataType
    outputs = getattr(scorer.signature, "outputs", None)
    own = [str(one.name) for one in outputs.inputs] if (
        outputs is not None and outputs.has_input_names()
    ) else []  # fmt: skip
    is_struct = isinstance(kind, types.StructType)
    if is_struct:
        paths = [f"__mltrack.{_quoted(one)}" for one in kind.fieldNames()]
        names = kind.fieldNames()
    else:
        paths, names = ["__mltrack"], own if len(own) == 1 else [NAME]
    taken, renamed, columns = set(kept), [], []
    for path, name in zip(paths, names, strict=True):
        new = name
        while new in taken:
            new = f"{NAME}_{new}"
        renamed += [(name, new)] if new != name else []
        taken.add(new)
        columns.append(functions.col(path).alias(new))
    rest = [functions.col(_quoted(name)) for name in kept]
    return frame.select(*rest, *columns), renamed


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _result_type(scorer: Scorer, source: SparkSource, fit: fitting.Fit) -> Any:
    """The type of predictions of a model whose signature does not say it: of its first ones."""
    from pyspark.sql.pandas.types import from_arrow_schema, from_arrow_type

    from jupyter_mltrack.scoring.predictions import Columns
    from jupyter_mltrack.scoring.score import load

    sample = source.frame.limit(_SAMPLE_ROWS).toPandas()
    if not len(sample):
        raise UsageError(f"{source.name} has no rows.", "There is nothing to score.")
    given = sample if fit.inputs is None else fitting.cast_frame(sample[fit.inputs], fit.casts)
    try:
        value = load(scorer.files.path, scorer.title).predict(given)
    except MltrackError:
        raise
    except Exception as error:
        raise failed(f"{scorer.title} failed on the first rows", error) from error
    found = Columns(None, []).of(value, len(sample))
    if found.num_columns > 1:
        return from_arrow_schema(found.schema)
    return from_arrow_type(found.schema.field(0).type)


@contextlib.contextmanager
def _rows_at_a_time(spark: Any, rows: int | None) -> Iterator[None]:
    """Let the model have so many rows at a time; the session's own setting comes back."""
    if rows is None:
        yield
        return
    before = spark.conf.get(_BATCH_SETTING, None)
    spark.conf.set(_BATCH_SETTING, str(rows))
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(_BATCH_SETTING)
        else:
            spark.conf.set(_BATCH_SETTING, before)


@contextlib.contextmanager
def _cancelling(spark: Any) -> Iterator[None]:
    """End Spark's work when the block is interrupted; the caller's own group of jobs comes back."""
    if not hasattr(spark, "sparkContext"):
        yield
        return
    context, group = spark.sparkContext, f"mltrack-{secrets.token_hex(6)}"
    before = {name: context.getLocalProperty(name) for name in _GROUP_SETTINGS}
    context.setJobGroup(group, "score", interruptOnCancel=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            context.cancelJobGroup(group)
        raise
    finally:
        with contextlib.suppress(Exception):  # the session may be gone
            for name, value in before.items():
                context.setLocalProperty(name, value)


@contextlib.contextmanager
def _watched(spark: Any, told: local.Told | None) -> Iterator[None]:
    """Say how many of the running tasks are done, until the block ends."""
    if told is None or not hasattr(spark, "sparkContext"):
        yield
        return
    over = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        with contextlib.suppress(Exception):  # progress is no reason to fail
            tracker = spark.sparkContext.statusTracker()
            while not over.wait(_POLL_S):
                stages = [tracker.getStageInfo(one) for one in tracker.getActiveStageIds()]
                done = sum(one.numCompletedTasks for one in stages if one)
                total = sum(one.numTasks for one in stages if one)
                told(done, total, time.monotonic() - began, "tasks")

    thread = threading.Thread(target=watch, name="mltrack-spark", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""Where Spark writes predictions: a folder, a table, or a frame that is kept in its session."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from typing import Any

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring.data import OutVariable, describe

TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}\Z")


class Taker:
    """Lets Spark write the rows: to a folder, a table, or a frame that is kept.

    Args:
        spark: the session.
        out: a path, the name of a table, or an `OutVariable`.
        has_tables: the session lasts; in one that ends with the work a name is that of a folder.

    Raises:
        UsageError: there is something under that name that Spark did not write.
        NotFound: the folder around it is not there.
    """

    def __init__(self, spark: Any, out: Any, *, has_tables: bool) -> None:
        self._spark = spark
        self._out = out
        self._path = ""
        if isinstance(out, OutVariable):
            return
        words = os.fspath(out)
        lowered = words.lower()
        self._kind = "csv" if lowered.endswith(".csv") else "parquet"
        is_path = "/" in words or os.sep in words or lowered.endswith((".csv", ".parquet", ".pq"))
        if has_tables and not is_path and TABLE.match(words):
            if spark.catalog.tableExists(words):
                raise UsageError(
                    f"Table {words} is there already.",
                    f"Name another, or drop it: spark.sql('DROP TABLE {words}')",
                )
            return
        self._path = words if "://" in words else os.path.abspath(os.path.expanduser(words))
        if "://" not in words:
            self._check_folder()

    def _check_folder(self) -> None:
        from jupyter_mltrack.scoring.out import check_path

        check_path(self._path, ("",))
        if os.path.isfile(self._path):
            raise UsageError(f"{describe(self._path)} is a file.", "Spark writes a folder.")
        if os.path.isdir(self._path):
            names = set(os.listdir(self._path))
            if names and "_SUCCESS" not in names:
                raise UsageError(
                    f"{describe(self._path)} holds files that Spark did not write.",
                    "Name a folder that is new, or one that Spark wrote.",
                )

    def take(self, frame: Any) -> int:
        """Compute all rows and keep them; the count of rows."""
        from pyspark.sql import Observation, functions

        if isinstance(self._out, OutVariable):
            kept = frame.persist()
            count = int(kept.count())
            self._out.set(kept)
            return count
        seen = Observation()
        counted = frame.observe(seen, functions.count(functions.lit(1)).alias("rows"))
        if not self._path:
            counted.write.saveAsTable(os.fspath(self._out))
        elif "://" in self._path:
            self._write(counted, self._path)
        else:
            self._write_here(counted)
        return int(seen.get["rows"])

    def _write(self, frame: Any, place: str) -> None:
        writer = frame.write.mode("error")  # Spark Connect has no other word for it
        if self._kind == "csv":
            writer.csv(place, header=True)
        else:
            writer.parquet(place)

    def _write_here(self, frame: Any) -> None:
        """Beside its place first, so that an interrupted write leaves what was there."""
        folder, name = os.path.split(self._path)
        draft = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.partial")
        try:
            self._write(frame, f"file://{draft}")
            if os.path.isdir(self._path):
                shutil.rmtree(self._path)
            os.replace(draft, self._path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

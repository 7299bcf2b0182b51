"""Files that `score` reads and writes: whole or not there, of the right mode, in bounded memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_ground import customers, files

from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.scoring.out import FileOut
from jupyter_mltrack.scoring.score import score
from jupyter_mltrack.workspaces import Workspace

INTERRUPTED = """
import sys, threading, os, signal, time
import numpy as np, pandas as pd
from jupyter_mltrack.scoring import fitting, local
from jupyter_mltrack.scoring.data import open_data
from jupyter_mltrack.scoring.out import open_out
from jupyter_mltrack.scoring.predictions import Columns

class Slow:
    def predict(self, frame):
        if len(frame) < 5:
            print("at work", flush=True)
        time.sleep(0.05)
        return np.zeros(len(frame))

source = open_data("in.parquet")
try:
    local.run(Slow(), source, fitting.Fit(None, {}, []), kept=["a"], columns=Columns(None, ["a"]),
              out=open_out("out.parquet", source, ["a"]), batch_rows=4, name="slow", told=None)
except KeyboardInterrupt:
    print("interrupted", [one.name for one in threading.enumerate() if "mltrack" in one.name], flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_scoring_leaves_no_half_file_under_its_name(how: signal.Signals) -> None:
    pd.DataFrame({"a": np.zeros(10_000)}).to_parquet("in.parquet")
    Path("out.parquet").write_text("before")
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(10):
            assert child.stdout.readline() == "at work\n"
        child.send_signal(how)
        rest = child.stdout.read()
    assert Path("out.parquet").read_text() == "before"
    if how == signal.SIGINT:
        assert rest.endswith("interrupted []\n")
        assert files() == ["in.parquet", "out.parquet"]


def test_a_full_disk_is_said_and_leaves_nothing(store: Workspace) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("only Linux has /dev/full; elsewhere a disk is filled by its owner alone")

    class Full(FileOut):
        """A file on a device that is always full."""

        def _open(self, table: pa.Table) -> None:
            os.symlink("/dev/full", self._draft)
            self._file = open(self._draft, "r+b", buffering=0)  # noqa: SIM115
            self._writer_schema = table.schema
            self._writer = pq.ParquetWriter(self._file, table.schema)

    out = Full("out.parquet")
    with pytest.raises(MltrackError, match=r"out\.parquet cannot be written: No space left"):
        write_all(out)
    assert files() == []


def write_all(out: FileOut) -> None:
    try:
        out.write(pa.table({"a": np.random.default_rng(0).normal(size=100_000)}))
        out.close()
    except BaseException:
        out.abandon()
        raise


def test_the_output_has_the_mode_of_any_new_file_and_keeps_that_of_an_old_one(
    store: Workspace,
) -> None:
    before = os.umask(0o027)
    try:
        score("churn", customers(5), out="new.csv", trust=True, workspace=store)
    finally:
        os.umask(before)
    assert Path("new.csv").stat().st_mode & 0o777 == 0o640
    Path("new.csv").chmod(0o600)
    score("churn", customers(5), out="new.csv", workspace=store)
    assert Path("new.csv").stat().st_mode & 0o777 == 0o600


def test_a_parquet_file_has_dictionaries_only_of_what_repeats() -> None:
    out = FileOut("out.parquet")
    table = pa.table(
        {
            "kind": ["a", "b"] * 500,
            "id": [str(one) for one in range(1000)],
            "noise": np.random.default_rng(0).normal(size=1000),
            "price": [0.99, 1.99] * 500,
            "parts": [[1, 2]] * 1000,
        }
    )
    out.write(table)
    out.close()
    group = pq.ParquetFile("out.parquet").metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    has = {one.path_in_schema.split(".")[0]: one.has_dictionary_page for one in columns}
    assert has == {"kind": True, "id": False, "noise": False, "price": True, "parts": False}
    assert pq.read_table("out.parquet").equals(table)


def test_a_link_stays_a_link(store: Workspace) -> None:
    Path("real").mkdir()
    Path("link.csv").symlink_to("real/out.csv")
    score("churn", customers(5), out="link.csv", trust=True, workspace=store)
    assert Path("link.csv").is_symlink()
    assert sorted(os.listdir("real")) == ["out.csv"]


def test_objects_of_python_have_one_type_in_all_batches(store: Workspace) -> None:
    rows = customers(3000)
    rows["late"] = pd.Series([None] * 2999 + ["x"], dtype=object)
    rows["grows"] = pd.Series([1] * 2999 + [0.5], dtype=object)
    score("churn", rows, out="out.parquet", batch_rows=500, trust=True, workspace=store)
    found = pd.read_parquet("out.parquet")
    assert found["late"].tolist()[-1] == "x"
    assert found["grows"].tolist()[-2:] == [1.0, 0.5]
    rows["mixed"] = pd.Series([1] * 2999 + ["x"], dtype=object)
    with pytest.raises(UsageError, match="a column whose values are of several kinds"):
        score("churn", rows, out="out.parquet", trust=True, workspace=store)


MEMORY = """
import resource, sys
import numpy as np, pyarrow as pa
from jupyter_mltrack.scoring import fitting, local
from jupyter_mltrack.scoring.data import open_data
from jupyter_mltrack.scoring.out import open_out
from jupyter_mltrack.scoring.predictions import Columns
import pandas, pyarrow.parquet, pyarrow.csv

class Sum:
    def predict(self, frame):
        return frame.to_numpy().sum(axis=1)

def peak_mb():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024

before = peak_mb()
source = open_data(sys.argv[1])
names = source.schema().names
rows = local.run(Sum(), source, fitting.Fit(None, {}, []), kept=names, columns=Columns(None, names),
                 out=open_out(sys.argv[2], source, names), batch_rows=20_000, name="sum", told=None)
print(rows, peak_mb() - before)
"""


def added_mb(data: str, out: str, rows: int) -> float:
    """By how much scoring the file raises the peak of a process's memory."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, data, out], capture_output=True, text=True, check=True
    )
    count, added = done.stdout.split()
    assert int(count) == rows
    return float(added)


def test_memory_does_not_grow_with_a_parquet_file() -> None:
    rng = np.random.default_rng(0)
    part = pa.table({f"x{at}": rng.normal(size=100_000) for at in range(20)})
    found = []
    for parts in (3, 12):  # of 16 MB each
        with pq.ParquetWriter("in.parquet", part.schema) as writer:
            for _ in range(parts):
                writer.write_table(part)
        found.append(added_mb("in.parquet", "out.parquet", 100_000 * parts))
    assert found[1] < found[0] + 60, found
    assert found[1] < 250, found


def test_memory_for_a_csv_file_is_bounded() -> None:
    names = [f"x{at}" for at in range(20)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(10_000, 20)), columns=names)
    text = frame.to_csv(index=False, header=False)
    with open("in.csv", "w") as file:
        file.write(",".join(names) + "\n")
        file.writelines([text] * 50)
    assert added_mb("in.csv", "out.parquet", 500_000) < 350
    assert Path("in.csv").stat().st_size > 180 << 20


def test_a_slow_model_gets_fewer_rows_at_once_so_that_one_sees_it_move() -> None:
    from jupyter_mltrack.scoring.local import Pace

    pace = Pace(100_000)
    assert pace.rows == 1000
    pace.took(1000, 0.001)
    assert pace.rows == 10_000
    pace.took(10_000, 3.0)
    assert pace.rows == 5000
    pace.took(700, 0.001)
    assert pace.rows == 5000
    assert Pace(50).rows == 50

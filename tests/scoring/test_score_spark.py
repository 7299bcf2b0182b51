"""`score` on a real Spark: a session that is there, and one that is started for the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import patience
import pytest
from mlflow.tracking import MlflowClient
from scoring_ground import customers

from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.journal import ship
from jupyter_mltrack.scoring import spark_session
from jupyter_mltrack.scoring.data import NamedData, OutVariable
from jupyter_mltrack.scoring.score import score
from jupyter_mltrack.scoring.spark_out import Taker
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import Workspace

pyspark = pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not spark_session.has_java(), reason="there is no Java here"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def java_that_starts_soon() -> Iterator[None]:
    """A Java machine for little work: most of its time would go into making itself fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for all tests here, as a person would have one."""
    place = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTRACK_DATA_DIR", str(place / "data"))
        patch.chdir(place)
        on_interrupt = signal.getsignal(signal.SIGINT)
        made, end = spark_session.session()
        assert end is not None
        signal.signal(signal.SIGINT, on_interrupt)  # Spark's own ends its jobs first
        yield made
        end()


def direct(rows: pd.DataFrame, store: Workspace) -> list[str]:
    """Predictions as this process makes them."""
    notebook: dict[str, Any] = {}
    score("churn", rows, out=OutVariable("v", notebook), trust=True, workspace=store)
    return list(notebook["v"]["churned"])


def test_the_session_stays_on_this_machine(spark: Any) -> None:
    conf = spark.sparkContext.getConf()
    assert conf.get("spark.driver.host") == conf.get("spark.driver.bindAddress") == "127.0.0.1"
    assert spark.sparkContext.uiWebUrl is None
    assert spark_session.session() == (spark, None)


def test_files_are_scored_into_a_folder_and_the_scoring_is_a_run(
    spark: Any, store: Workspace
) -> None:
    rows = customers(300).assign(id=np.arange(300), age=7)
    Path("in.parquet").mkdir()
    rows[:100].to_parquet("in.parquet/1.parquet")
    rows[100:].to_parquet("in.parquet/2.parquet")
    report = score(
        "churn", "in.parquet", on="spark", out="out.parquet", trust=True, workspace=store,
        columns=["id", "last seen"],
    )  # fmt: skip
    assert (report.rows, report.columns) == (300, ["id", "last seen", "churned"])
    assert sorted(os.listdir()) == ["in.parquet", "out.parquet"]
    assert "_SUCCESS" in os.listdir("out.parquet")
    found = pd.read_parquet("out.parquet").sort_values("id")
    assert found["churned"].tolist() == direct(rows, store)
    ship.sync(data_dir(), workspace_id=store.id, timeout_s=20)
    assert report.run_id is not None
    run = MlflowClient(store.tracking_uri).get_run(report.run_id)
    assert (run.info.status, run.data.metrics["rows"]) == ("FINISHED", 300)
    assert run.data.params["on"] == "spark"
    # a second time: what Spark wrote may be written again
    again = score(
        "churn", "in.parquet", on="spark", out="out.parquet", workspace=store, batch_rows=50
    )
    assert again.columns == [*rows.columns, "churned"]
    assert spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch") == "10000"
    assert len(pd.read_parquet("out.parquet")) == 300


def test_a_frame_of_spark_is_scored_into_a_frame_of_spark(spark: Any, store: Workspace) -> None:
    rows = customers(40)
    notebook: dict[str, Any] = {}
    data = NamedData(spark.createDataFrame(rows), "customers")
    report = score(
        "churn", data, on="spark", out=OutVariable("scored", notebook), trust=True, workspace=store
    )
    assert (report.rows, report.data, report.out) == (40, "customers", "scored")
    assert notebook["scored"].toPandas()["churned"].tolist() == direct(rows, store)


def test_a_table_is_scored_into_a_table(spark: Any, store: Workspace) -> None:
    spark.createDataFrame(customers(30)).createOrReplaceTempView("customers")
    score("churn", "customers", on="spark", out="scores", trust=True, workspace=store)
    assert spark.table("scores").count() == 30
    with pytest.raises(UsageError, match="Table scores is there already"):
        score("churn", "customers", on="spark", out="scores", workspace=store)
    with pytest.raises(NotFound) as caught:
        score("churn", "customer", on="spark", out="other", workspace=store)
    assert caught.value.hint == "Did you mean customers?"
    spark.sql("DROP TABLE scores")


def test_csv_goes_in_and_out_and_a_local_frame_too(spark: Any, store: Workspace) -> None:
    rows = customers(20)
    rows.to_csv("in.csv", index=False)
    for data in ("in.csv", rows):
        score("churn", data, on="spark", out="out.csv", trust=True, workspace=store)
        parts = [one for one in sorted(Path("out.csv").iterdir()) if one.suffix == ".csv"]
        found = pd.concat(pd.read_csv(one) for one in parts)
        assert found["churned"].tolist() == direct(rows, store)


def test_a_model_without_a_signature_is_asked_what_it_gives(spark: Any, store: Workspace) -> None:
    rows = customers(20)
    score("unsigned", rows, on="spark", out="out.parquet", trust=True, workspace=store)
    found = pd.read_parquet("out.parquet")
    np.testing.assert_allclose(found["prediction"], rows["age"] * 2)
    report = score("twin", rows, on="spark", out="out.parquet", trust=True, workspace=store)
    assert report.columns[-1] == "prediction_age"


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"data": "nothing.parquet"}, NotFound, "There is no file"),
        ({"data": "no_table"}, NotFound, "There is no table and no file 'no_table'"),
        ({"data": customers(5).drop(columns="age")}, UsageError, "missing age"),
        ({"data": customers(5).assign(age="x")}, UsageError, "age is string, not double"),
        ({"columns": ["agee"]}, UsageError, "has no column 'agee'"),
        ({"out": "folder"}, UsageError, "holds files that Spark did not write"),
        ({"out": "./folder"}, UsageError, "holds files that Spark did not write"),
        ({"out": "nowhere/out.parquet"}, NotFound, "There is no folder"),
        ({"out": "a_file.csv"}, UsageError, "is a file"),
    ],
)
def test_bad_words_are_refused_before_spark_computes(
    spark: Any, store: Workspace, keywords: dict[str, Any], kind: type[MltrackError], message: str
) -> None:
    Path("folder").mkdir()
    Path("folder/mine.txt").touch()
    Path("a_file.csv").touch()
    given = {"data": customers(5), "out": "out.parquet", **keywords}
    if given["out"] == "folder":
        given["out"] = os.path.abspath("folder")
    with pytest.raises(kind) as caught:
        score("churn", given.pop("data"), on="spark", workspace=store, trust=True, **given)
    assert message in caught.value.message
    assert caught.value.hint
    assert sorted(os.listdir()) == ["a_file.csv", "folder"]


def test_a_failure_of_the_model_is_said_and_leaves_nothing(spark: Any, store: Workspace) -> None:
    rows = pd.DataFrame({"a": [1.0] * 50 + [-1.0]})
    with pytest.raises(MltrackError) as caught:
        score("odd", rows, on="spark", out="out.parquet", trust=True, workspace=store)
    assert "odd/1 failed on Spark: ArithmeticError: a is below zero" in caught.value.message
    assert os.listdir() == []


def test_an_interrupt_ends_sparks_work_and_leaves_nothing(spark: Any, store: Workspace) -> None:
    rows = pd.DataFrame({"a": np.zeros(200)})
    tracker = spark.sparkContext.statusTracker()
    began = time.monotonic()

    def interrupt(done: int, total: int | None, seconds: float, unit: str) -> None:
        if total:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        score(
            "slow", rows, on="spark", out="out.parquet", trust=True, workspace=store, told=interrupt
        )
    assert os.listdir() == []
    while tracker.getActiveJobsIds():
        assert time.monotonic() - began < patience.WAIT_S
        time.sleep(0.1)
    assert spark.range(3).count() == 3


def test_files_are_written_in_a_mode_that_spark_connect_takes_too(tmp_path: Path) -> None:
    said: list[str] = []

    class Writing:
        write = property(lambda self: self)

        def mode(self, word: str) -> Writing:
            said.append(word)
            return self

        def parquet(self, place: str) -> None:
            said.append(place)

    Taker(None, f"{tmp_path}/out.parquet", has_tables=False)._write(Writing(), "place")
    assert said == ["error", "place"]


def test_spark_that_is_not_there_is_said_with_what_to_install() -> None:
    program = """
import sys
sys.modules["pyspark"] = None
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring.spark_session import session
try:
    session()
except UsageError as error:
    print(error.message, error.hint)
"""
    environ = {**os.environ, "JAVA_HOME": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True
    )
    assert "Spark is not installed. Install it: pip install 'jupyter_mltrack[spark]'" in done.stdout
    done = subprocess.run(
        [sys.executable, "-c", program.replace('sys.modules["pyspark"] = None', "")],
        capture_output=True, text=True, env=environ, check=True,
    )  # fmt: skip
    assert "Spark needs Java" in done.stdout


TWICE = """
import os
import signal
from pathlib import Path
import jupyter_mltrack
from jupyter_mltrack.scoring.spark_session import session

def processes():
    places = [one for one in Path("/proc").iterdir() if one.name.isdecimal()]
    parents = {}
    for one in places:
        try:
            parents[one.name] = (one / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            pass
    return {one for one, parent in parents.items() if parent == str(os.getpid())}

def machines_left():
    return [one for one in processes() - before if "java" in Path(f"/proc/{one}/comm").read_text()]

before = processes()
report = jupyter_mltrack.score("churn", "in.parquet", on="spark", out="scores", trust=True)
print(report.rows, machines_left())
made, end = session()  # another one, as for the next scoring
print(made.range(3).count(), len(machines_left()))
end()
print(machines_left())
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_a_session_of_ones_own_is_gone_afterwards_with_its_process_and_its_interrupt(
    here: Workspace,
) -> None:
    customers(30).to_parquet("in.parquet")
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "30 []\n3 1\n[]\n"
    assert len(pd.read_parquet("scores")) == 30
    assert "incubator" not in done.stderr
    assert "incubator" in (data_dir() / "spark.log").read_text()
    assert sorted(os.listdir()) == ["in.parquet", "scores"]

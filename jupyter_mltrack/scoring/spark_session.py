"""A session of Spark: the one there is, or a local one; and Spark's errors in two lines."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError

_END_S = 10.0


def session() -> tuple[Any, Callable[[], None] | None]:
    """The session there is; or a new local one, and what ends it and its Java process.

    Raises:
        UsageError: Spark or Java is not installed.
        MltrackError: Spark does not start.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError(
            "Spark is not installed.", "Install it: pip install 'jupyter_mltrack[spark]'"
        ) from error
    found = SparkSession.getActiveSession()
    if found is None and SparkContext._active_spark_context is not None:
        found = SparkSession.builder.getOrCreate()  # another thread's
    if found is not None:
        return found, None
    if not has_java():
        raise UsageError(
            "Spark needs Java, and there is none on the PATH.",
            "Install Java 17 or newer, or set JAVA_HOME.",
        )
    try:
        with quiet():
            return _started(SparkSession)
    except Exception as error:
        raise failed("Spark did not start", error) from error


def _started(sessions: Any) -> tuple[Any, Callable[[], None]]:
    """A new local session; what its Java machine says goes to a log."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    conf = SparkConf().setAppName("jupyter_mltrack").setMaster("local[*]")
    for key, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
    }.items():
        conf.set(key, value)
    gateway = None
    if SparkContext._gateway is None:
        with open(log_file(), "wb") as log:
            gateway = launch_gateway(conf, {"stderr": log})
    before = signal.getsignal(signal.SIGINT)
    context = SparkContext(conf=conf, gateway=gateway)
    theirs = signal.getsignal(signal.SIGINT)
    context.setLogLevel("ERROR")
    made = sessions.builder.getOrCreate()
    return made, functools.partial(_end, made, gateway, (before, theirs))


def _end(spark: Any, gateway: Any, handlers: tuple[Any, Any]) -> None:
    """Stop the session, and the Java process if it was started for it; give the interrupt back."""
    from pyspark import SparkContext

    spark.stop()
    before, theirs = handlers
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is theirs
    ):
        signal.signal(signal.SIGINT, before)
    if gateway is None or SparkContext._gateway is not gateway:
        return
    SparkContext._gateway = SparkContext._jvm = None
    with contextlib.suppress(Exception):  # it ends in any case when its input does
        gateway.shutdown()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(_END_S)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def log_file() -> str:
    """Where a session that was started here says what happens in it."""
    from jupyter_mltrack.settings import data_dir, ensure_private_dir

    folder = data_dir()
    ensure_private_dir(folder)
    return str(folder / "spark.log")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without advice of MLflow and Spark on what was chosen knowingly: this Python, this pandas."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
            yield
    finally:
        logger.setLevel(before)


def has_java() -> bool:
    """Whether there is a Java that Spark would start."""
    home = os.environ.get("JAVA_HOME")
    if home:
        return os.access(os.path.join(home, "bin", "java"), os.X_OK)
    return shutil.which("java") is not None


def failed(what: str, error: Exception) -> MltrackError:
    """Spark's own error in two lines: the last cause that says something."""
    text = str(error)
    hint = "Nothing was written."
    if os.path.exists(log_file()):
        hint += f" Spark's own words: {clean(log_file())}"
    module = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", text)
    if module is not None:
        return UsageError(
            f"{what}: Spark's workers have no module {module[1]}.",
            "Start the session with PYSPARK_PYTHON set to this Python: " + clean(sys.executable),
        )
    causes = re.findall(r"^(?:[\w.]*(?:Error|Exception)): .+$", text, re.MULTILINE)
    said = causes[-1] if causes else (text.strip().splitlines() or [type(error).__name__])[0]
    return MltrackError(f"{what}: {clean(said)[:300]}", hint)

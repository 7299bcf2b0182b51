"""Models that do what they are told, and a short way to deploy them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import patience

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local import deploying, keeper_client
from jupyter_mltrack.deployments.local.spec import DeploymentSpec, Places

ODD = """
import os
import subprocess
import time

import mlflow

KEPT = []


class Odd(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        act = str(model_input["act"].iloc[0])
        if act == "exit":
            os._exit(9)
        if act == "abort":
            os.abort()
        if act == "child":
            return [subprocess.Popen(["sleep", "1000"]).pid]
        if act.startswith("sleep"):
            time.sleep(float(act[5:]))
        while act.startswith("until ") and not os.path.exists(act[6:]):
            time.sleep(0.02)
        if act == "grow":
            KEPT.append(bytearray(os.urandom(1)) * (700 << 20))
        if act == "raise":
            raise ValueError("the model does not like it")
        if act == "say":
            print("spoken by the model", flush=True)
        if act == "nan":
            return [float("nan")]
        return [os.getpid()] * len(model_input)


mlflow.models.set_model(Odd())
"""
BROKEN = """
import mlflow
import no_such_library_at_all

mlflow.models.set_model(mlflow.pyfunc.PythonModel())
"""
COLUMNS = ["a", "b", "c", "d"]
ROW = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": [[0.1, 0.2, 0.3, 0.4]]}}).encode()


def act(word: str) -> bytes:
    """Body that tells the odd model what to do."""
    return json.dumps({"dataframe_split": {"columns": ["act"], "data": [[word]]}}).encode()


def save_models(folder: Path) -> dict[str, Path]:
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(np.random.default_rng(0).random((200, 4)), columns=COLUMNS)
    target = (frame.a + frame.b > 1).astype(int)
    fitted = LogisticRegression().fit(frame, target)
    signature = mlflow.models.infer_signature(frame, fitted.predict(frame))
    found = {name: folder / name for name in ("plain", "odd", "bare", "wrong", "broken")}
    mlflow.sklearn.save_model(
        fitted,
        found["plain"],
        signature=signature,
        input_example=frame.head(2),
        pip_requirements=["mlflow", "scikit-learn"],
    )
    code = folder / "odd_model.py"
    code.write_text(ODD)
    for name, word in (("odd", "hello"), ("bare", None), ("wrong", "hello")):
        example = None if word is None else pd.DataFrame({"act": [word]})
        mlflow.pyfunc.save_model(
            found[name], python_model=str(code), input_example=example, pip_requirements=["mlflow"]
        )
    (found["wrong"] / "serving_input_example.json").write_text(act("raise").decode())
    mlflow.pyfunc.save_model(found["broken"], python_model=str(code), pip_requirements=["mlflow"])
    (found["broken"] / "odd_model.py").write_text(BROKEN)
    return found


def wait_until(holds: Callable[[], Any], limit_s: float = 120) -> Any:
    """Wait until something holds; fail loudly where it does not."""
    limit = time.monotonic() + patience.least(limit_s)
    while time.monotonic() < limit:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {patience.least(limit_s)} s")


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def process_of(job_id: str) -> int | None:
    """The process that does a job."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if job_id.encode() in Path(entry.path, "cmdline").read_bytes():
                    return int(entry.name)
    return None


class Ground:
    """A data folder with its keeper, and models to deploy."""

    def __init__(self, place: Path, models: dict[str, Path]) -> None:
        self.places = Places(place)
        self.models = models
        self.workspace = SimpleNamespace(id="0123456789ab", name="local")
        self.steps: list[tuple[str, str]] = []

    def deploy(
        self,
        name: str,
        model: str = "plain",
        label: str = "1",
        *,
        traffic: int | None = None,
        shadow: bool = False,
        **options: Any,
    ) -> wire.EndpointInfo:
        one = DeploymentSpec(
            label=label,
            model="churn",
            version=label,
            uri=f"models:/churn/{label}",
            digest=f"{model}-{label}",
            model_dir=str(self.models[model]),
        )
        return deploying.bring_up(
            name,
            self.workspace,
            one,
            options,
            traffic_percent=traffic,
            step=lambda key, _title, state, _detail="": self.steps.append((key, state)),
            shadow=shadow,
        )

    def pid_of(self, name: str, label: str | None = None) -> int:
        """Process that answers; needs the odd model."""
        while True:
            answer = keeper_client.ask(name, act("hello"))
            assert answer.status == 200, answer
            if label is None or answer.version == label:
                return int(json.loads(answer.body)["predictions"][0])

    def keeper_pid(self) -> int:
        return int((self.places.root / "keeper.lock").read_text())

    def processes(self) -> list[int]:
        """The keeper, the warm process and the replicas."""
        try:
            keeper = self.keeper_pid()
        except (OSError, ValueError):
            return []
        return [keeper, *children_of(keeper)] if alive(keeper) else []

    def request(
        self,
        name: str,
        method: str = "POST",
        path: str = "/invocations",
        body: bytes | None = ROW,
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request with the right token, Host and type, unless said otherwise; None leaves out."""
        port = keeper_client.endpoint(name).address.rpartition(":")[2]
        token = self.places.token(name).read_text()
        sent: dict[str, Any] = {
            "host": f"127.0.0.1:{port}",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        }
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=patience.WAIT_S)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in sent.items():
            if value is not None:
                for one in value if isinstance(value, list) else [value]:
                    connection.putheader(key, one)
        if body is not None and "content-length" not in sent:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, content

    def clear(self) -> None:
        for info in keeper_client.endpoints():
            keeper_client.remove(info.name)

    def quit(self) -> None:
        """End the keeper and with it everything."""
        pids = self.processes()
        if pids:
            os.kill(pids[0], 15)
        wait_until(lambda: not any(alive(pid) for pid in pids))

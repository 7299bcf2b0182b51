"""The emulator for a person to play with: `python -m tests.emulators.azure [--port N]`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import signal
import tempfile
import time
from pathlib import Path

from tests.emulators.azure import mlflow_proxy
from tests.emulators.azure.handle import Azure


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.azure", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--place", type=Path, help="folder of stores, blobs and the request log")
    parser.add_argument("--delay-ms", type=float, default=0, help="added to each request")
    parser.add_argument("--operation-s", type=float, default=3, help="how long operations take")
    parser.add_argument("--json", action="store_true", help="say where it is as one line of JSON")
    parser.add_argument("--approve", action="store_true", help="device codes are entered at once")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="azure-emulator-") as folder:
        azure = Azure(said.place or Path(folder), said.port)
        azure.switches.operation_s = said.operation_s
        azure.switches.retry_after_s = 1
        azure.switches.delay_s = said.delay_ms / 1000
        if said.approve:
            azure.login.approve_as = azure.login.ada
        mlflow_proxy.mlflow_of(azure.state).ready()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it started ends with it
        (_say_json if said.json else _explain)(azure)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            for name in (signal.SIGINT, signal.SIGTERM):  # a second one is not to stop the stopping
                signal.signal(name, signal.SIG_IGN)
            azure.stop()


def _say_json(azure: Azure) -> None:
    """For a program that started this one: addresses, environments, scope."""
    facts = {
        "origin": azure.origin,
        "environment": azure.environment,
        "signed_out": azure.signed_out,
        "scope": dataclasses.asdict(azure.scope) | {"arm_id": azure.scope.arm_id},
        "tracking_uri": azure.tracking_uri(),
        "requests": str(azure.state.place / "requests.jsonl"),
    }
    print(json.dumps(facts), flush=True)


def _explain(azure: Azure) -> None:
    """What to paste: the environment for a shell, then lines for a notebook."""
    scope = azure.scope
    print(f"Azure emulator on {azure.origin}; Ctrl+C ends it.")
    print(f"Requests are written to {azure.state.place / 'requests.jsonl'}\n")
    print("In the shell that starts JupyterLab (a service principal signs in by itself):\n")
    for name, value in azure.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print("\n(`.venv-azure/bin/jupyter lab` has the clients of Azure.)")
    print("To sign in by device code instead: unset AZURE_CLIENT_SECRET, and enter the code at")
    print(
        f"{azure.origin}/devicelogin (the browser warns of the certificate: it is made for this run)"
    )
    print("\nIn a notebook:\n")
    print("%load_ext jupyter_mltrack")
    print(
        f"%mltrack use azureml --subscription {scope.subscription_id} "
        f"--resource-group {scope.resource_group} --workspace {scope.workspace_name}\n",
        flush=True,
    )


if __name__ == "__main__":
    main()

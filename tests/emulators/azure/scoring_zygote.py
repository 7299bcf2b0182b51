"""A process with all that scoring needs imported; forks one child for each deployment.

`python scoring_zygote.py SOCKET`: each connection sends one line of JSON `{"model", "port", "log", "environment"}` and
reads the child's pid. A child serves MLflow's own scoring application for the model on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any


def _serve(asked: dict[str, Any]) -> None:
    """In the child: load the model and serve it until the end."""
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(asked["environment"])
    import mlflow
    import uvicorn
    from mlflow.pyfunc import scoring_server

    print("Initializing MLFlow model", flush=True)
    model = mlflow.pyfunc.load_model(asked["model"])
    print("Ready to score", flush=True)
    uvicorn.run(scoring_server.init(model), host="127.0.0.1", port=asked["port"])


def main() -> None:
    import mlflow.pyfunc
    import mlflow.sklearn
    import sklearn.linear_model
    import uvicorn
    from mlflow.pyfunc import scoring_server

    del mlflow, sklearn, uvicorn, scoring_server  # all that matters is that they are loaded
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1] + ".new")
    listener.listen(16)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        line, _ = listener.accept()
        with line, line.makefile("rw") as text:
            asked = json.loads(text.readline())
            pid = os.fork()
            if pid == 0:
                listener.close()
                try:
                    _serve(asked)
                except BaseException:
                    traceback.print_exc()
                sys.stdout.flush()
                os._exit(1)
            text.write(f"{pid}\n")
            text.flush()


if __name__ == "__main__":
    main()

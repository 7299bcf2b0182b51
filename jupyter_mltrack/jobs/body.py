"""What runs a cell where the job is: in a process of this machine, or on another one.

This file travels to other machines alone, so it imports nothing of this package and only what
every environment with MLflow has. It brings the cell's names, runs the cell as a notebook would
(top-level await, the value of the last line, IPython's magics where IPython is), and puts the names
that were asked back beside. A name that cannot be brought is told by its own name, not by a
traceback of pickle.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = "mltrack_job"
CELL = "cell.py"
ABOUT = "about.json"
NAMES = "names.pkl"
RETURNED = "mltrack_returned"
FRAME_ENDING = ".parquet"
CELL_NAME = "<cell>"
INPUT = "--input"
SOURCE = "source.py"
RETURN_BYTES_MAX = 2 << 30


class CannotTravel(Exception):  # says what happened, in the words of the person
    """A name cannot be brought to where the job runs, or back."""


# --------------------------------------------------------------------------------- names


def bring_names(folder: Path, namespace: dict[str, Any]) -> None:
    """Put the names that came along into the namespace of the cell.

    Raises:
        CannotTravel: this Python lacks a package, or is too different.
    """
    about = json.loads((folder / ABOUT).read_text())
    for name, module in about.get("modules", {}).items():
        namespace[name] = _module(name, module)
    _read_values(folder, namespace, about.get("python"))


def _module(name: str, module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = (
            f"The cell uses {name}, but {module} cannot be imported here: {error}. "
            "Name an environment that has it: --env conda.yaml"
        )
        raise CannotTravel(message) from error


def _read_values(folder: Path, namespace: dict[str, Any], python: Any) -> None:
    for path in sorted(folder.glob(f"*{FRAME_ENDING}")):
        import pandas as pd

        namespace[path.name[: -len(FRAME_ENDING)]] = pd.read_parquet(path)
    packed = folder / NAMES
    if not packed.exists():
        return
    import pickle

    try:
        with open(packed, "rb") as file:
            namespace.update(pickle.load(file))  # noqa: S301  # what this person's own notebook packed
    except Exception as error:
        here = list(sys.version_info[:2])
        if python and python != here:
            message = (
                f"The cell's names were packed by Python {python[0]}.{python[1]}; "
                f"here is {here[0]}.{here[1]}. Name an environment with the same Python: "
                "--env conda.yaml"
            )
        else:
            message = (
                f"The cell's names cannot be unpacked here: {type(error).__name__}: {error}. "
                "The environment may lack a package, or have another version of it."
            )
        raise CannotTravel(message) from error


def keep_names(folder: Path, namespace: dict[str, Any], names: list[str]) -> list[str]:
    """Write the names that were asked back; returns what could not be, in words."""
    folder.mkdir(parents=True, exist_ok=True)
    troubles: list[str] = []
    packed: dict[str, Any] = {}
    for name in names:
        if name not in namespace:
            troubles.append(f"{name} was not made by the cell: nothing is returned for it.")
        elif not keep_frame(folder, name, namespace[name]):
            packed[name] = namespace[name]
    while packed:
        try:
            pack(folder / NAMES, packed, RETURN_BYTES_MAX)
            break
        except CannotTravel as error:
            name = culprit(packed, RETURN_BYTES_MAX)
            kind = type(packed.pop(name)).__name__
            troubles.append(f"{name} ({kind}) cannot be returned: {error}")
            (folder / NAMES).unlink(missing_ok=True)
    return troubles


def is_frame(value: Any) -> bool:
    """Say whether it is a DataFrame of pandas; one of a class derived from it is none."""
    return type(value) is getattr(sys.modules.get("pandas"), "DataFrame", object())


def keep_frame(folder: Path, name: str, value: Any) -> bool:
    """Write a DataFrame as Parquet, if it is one that comes back the same; says whether it was."""
    if not is_frame(value):
        return False
    import pandas as pd

    path = folder / f"{name}{FRAME_ENDING}"
    try:
        value.to_parquet(path)
        same = value.equals(pd.read_parquet(path)) and not value.attrs
    except Exception:  # columns of mixed kinds, no pyarrow: pickle takes it
        same = False
    if not same:
        path.unlink(missing_ok=True)
    return same


def pack(path: Path, values: dict[str, Any], limit_bytes: int) -> int:
    """Pickle values into a file, functions and classes of the notebook with their code.

    Raises:
        CannotTravel: one of them cannot be pickled, or they are too large together.
    """
    import cloudpickle

    with open(path, "wb") as file:
        limited = _Limited(file, limit_bytes)
        try:
            cloudpickle.dump(values, limited)
        except CannotTravel:
            raise
        except Exception as error:
            raise CannotTravel(f"{type(error).__name__}: {error}"[:300]) from error
        return limited.written


def culprit(values: dict[str, Any], limit_bytes: int) -> str:
    """Return the name of the first value that cannot be packed, else of the largest one."""
    sizes: dict[str, int] = {}
    for name, value in values.items():
        try:
            sizes[name] = pack(Path(os.devnull), {name: value}, limit_bytes)
        except CannotTravel:
            return name
    return max(sizes, key=lambda name: sizes[name])


class _Limited:
    """A file that refuses to grow beyond a limit."""

    def __init__(self, file: Any, limit_bytes: int) -> None:
        self._file = file
        self._limit = limit_bytes
        self.written = 0

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        self.written += size
        if self.written > self._limit:
            raise CannotTravel(f"larger than {self._limit >> 20} MB")
        self._file.write(content)
        return size


# ---------------------------------------------------------------------------------- cell


def run_cell(folder: Path, module: ModuleType) -> None:
    """Run the cell in a module's namespace; what it raises is the caller's."""
    import ast
    import linecache

    source = (folder / CELL).read_text()
    linecache.cache[CELL_NAME] = (len(source), None, source.splitlines(keepends=True), CELL_NAME)
    if "get_ipython(" in source:
        _with_ipython(module)
    tree = ast.parse(source, CELL_NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _execute(tree, "exec", module)
    if last is not None:
        _execute(ast.Interactive([last]), "single", module)


def _execute(tree: Any, mode: str, module: ModuleType) -> None:
    import ast
    import asyncio
    import inspect

    code = compile(tree, CELL_NAME, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(_awaited(code, module))
    else:
        exec(code, module.__dict__)  # noqa: S102  # the person's own cell


async def _awaited(code: Any, module: ModuleType) -> None:
    await eval(code, module.__dict__)  # noqa: S307  # the person's own cell


def _with_ipython(module: ModuleType) -> None:
    import importlib

    try:
        shells = importlib.import_module("IPython.core.interactiveshell")
        config = importlib.import_module("traitlets.config").Config()
    except ImportError as error:
        message = "The cell uses a magic or a shell command, and IPython is not installed here."
        raise CannotTravel(message) from error
    config.HistoryManager.enabled = False
    shells.InteractiveShell.instance(
        config=config, user_module=module, user_ns=module.__dict__, colors="NoColor"
    )


def main_module() -> ModuleType:
    """Return a fresh `__main__`, so that what the cell defines can be pickled as in a notebook."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=__builtins__, display=_display)
    sys.modules["__main__"] = module
    return module


def _display(*values: Any, **_options: Any) -> None:
    for value in values:
        print(value)


# ---------------------------------------------------------------- on another machine, alone


class _Notes:
    """`log` and `track` of this package for a machine where it is not: plain MLflow calls."""

    def __init__(self, mlflow: Any) -> None:
        self._mlflow = mlflow
        self._steps: dict[str, int] = {}

    def log(self, metrics: Any, step: int | None = None) -> None:
        """Log points to the job's run."""
        values = {str(name): float(value) for name, value in dict(metrics).items()}
        if step is None:
            step = max((self._steps.get(name, -1) for name in values), default=-1) + 1
        for name in values:
            self._steps[name] = max(step, self._steps.get(name, -1))
        self._mlflow.log_metrics(values, step=step)

    def track(self, name: Any = None, **options: Any) -> Any:
        """Track a block or a function as a child of the job's run."""
        from contextlib import contextmanager

        @contextmanager
        def tracked() -> Any:
            title = name if isinstance(name, str) else getattr(name, "__name__", None)
            with self._mlflow.start_run(run_name=title, nested=True) as run:
                params = options.get("params")
                self._mlflow.log_params(params if isinstance(params, dict) else {})
                yield run

        return tracked()(name) if callable(name) else tracked()


def _stand_in(mlflow: Any) -> None:
    notes = _Notes(mlflow)
    package = ModuleType("jupyter_mltrack")
    package.__path__ = []
    package.__dict__.update(log=notes.log, track=notes.track)
    sys.modules["jupyter_mltrack"] = package
    for place, name in (("tracking.point", "log"), ("tracking.run", "track")):
        module = ModuleType(f"jupyter_mltrack.{place}")
        setattr(module, name, getattr(notes, name))
        sys.modules[module.__name__] = module
    sys.modules["jupyter_mltrack.tracking"] = ModuleType("jupyter_mltrack.tracking")


def main() -> None:
    """Run the cell of this folder as the job of a service that has made the run already."""
    folder = Path(__file__).resolve().parent
    about = json.loads((folder / ABOUT).read_text())
    code = folder.parent
    sys.path[:0] = [str(code / about.get("below", "")), str(code)]
    os.chdir(code / about.get("below", ""))
    sys.path = [one for one in sys.path if one != str(folder)]
    import mlflow

    _stand_in(mlflow)
    for name, value in about.get("params", {}).items():
        mlflow.log_param(name, value)
    if about.get("autolog"):
        mlflow.autolog(log_models=False)
    _keep_source(mlflow, folder)
    module = main_module()
    module.__dict__.update(_inputs(sys.argv[1:]))
    sys.argv[1:] = []
    rank = int(os.environ.get("RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")) or 0)
    try:
        bring_names(folder, module.__dict__)
        run_cell(folder, module)
    except CannotTravel as error:
        sys.exit(str(error))
    if rank == 0:
        _finish(mlflow, module, about)


def _inputs(words: list[str]) -> dict[str, str]:
    """Paths of inputs, as the service put them into the command: `--input NAME=PATH` each."""
    found = {}
    for word, said in itertools.pairwise(words):
        if word == INPUT:
            name, _, path = said.partition("=")
            found[name] = path
    return found


def _keep_source(mlflow: Any, folder: Path) -> None:
    """Keep the cell with its run; a job that the service began anew has it there already."""
    if (folder / SOURCE).exists():
        try:
            mlflow.log_artifact(str(folder / SOURCE), "mltrack")
        except Exception as error:
            print(f"The cell's source was not kept: {error}", file=sys.stderr)


def _finish(mlflow: Any, module: ModuleType, about: dict[str, Any]) -> None:
    """Record what the header asked for, and return names."""
    for name in about.get("variables", []):
        if name in module.__dict__:
            mlflow.log_param(name, str(module.__dict__[name])[:500])
    for name, expression in about.get("metrics", []):
        try:
            value = float(eval(expression, module.__dict__))  # noqa: S307  # the person's own words
        except Exception as error:
            print(f"--metric {name} was not logged: {error}", file=sys.stderr)
            continue
        mlflow.log_metric(name, value)
    returns = about.get("returns", [])
    if returns:
        place = Path(RETURNED).resolve()
        for trouble in keep_names(place, module.__dict__, returns):
            print(trouble, file=sys.stderr)
        mlflow.log_artifacts(str(place), RETURNED)


if __name__ == "__main__":
    main()

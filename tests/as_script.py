"""An example notebook as a script, run beside the test in a process in which importing IPython fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class AsScript:
    """One script that runs in a folder of its own.

    Args:
        name: of the example.
        folder: made for it; what it keeps for the project lies there.
        data_dir: where its journals and endpoints are; None shares the test's.
    """

    def __init__(self, name: str, folder: Path, data_dir: Path | None = None) -> None:
        from jupyter_mltrack.exporting.exporter import ScriptExporter

        blocked = folder / "blocked"
        for package in ("IPython", "ipykernel"):
            (blocked / package).mkdir(parents=True)
            (blocked / package / "__init__.py").write_text(f"raise ImportError('no {package}')\n")
        (folder / "mltrack.toml").touch()
        source, _ = ScriptExporter().from_filename(str(EXAMPLES / name))
        script = (folder / name).with_suffix(".py")
        script.write_text(source)
        path = os.pathsep.join(filter(None, [str(blocked), os.environ.get("PYTHONPATH")]))
        environ = os.environ | {"PYTHONPATH": path}
        if data_dir is not None:
            environ["MLTRACK_DATA_DIR"] = str(data_dir)
        self._output = folder / "printed.txt"
        self._errors = folder / "errors.txt"
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, script.name], cwd=folder, env=environ,
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            )  # fmt: skip

    def printed(self, timeout_s: float = 240) -> str:
        """What it has printed when it has ended well."""
        assert self._process.wait(timeout_s) == 0, self._errors.read_text()
        return self._output.read_text()

    def stop(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait(150)

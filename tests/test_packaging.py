"""What `pip install` brings: magics, panel, server extension and command, with no step to enable them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names in a wheel built from this checkout; the panel's build is taken as it lies there."""
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", str(place), str(ROOT)],
        check=True,
        env=os.environ | {"HATCH_JUPYTER_BUILDER_SKIP_NPM": "1"},
    )
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_s38_the_wheel_carries_the_built_panel_and_enables_the_server_extension(
    wheel_names: list[str],
) -> None:
    data = "jupyter_mltrack-0.1.0.data/data/"
    panel = f"{data}share/jupyter/labextensions/jupyter-mltrack/"
    assert f"{panel}package.json" in wheel_names
    assert any(name.startswith(f"{panel}static/remoteEntry") for name in wheel_names)
    assert f"{data}etc/jupyter/jupyter_server_config.d/jupyter_mltrack.json" in wheel_names


def test_the_wheel_carries_no_tests_and_nothing_of_the_build_place(wheel_names: list[str]) -> None:
    strangers = ("tests/", "benchmarks/", "node_modules", ".mltrack", "__pycache__")
    assert [name for name in wheel_names if any(part in name for part in strangers)] == []


def test_one_version_stands_everywhere() -> None:
    from importlib.metadata import version

    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert version("jupyter_mltrack") == package["version"]


def test_the_server_extension_is_enabled_by_its_installation() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        line for line in (answer.stdout + answer.stderr).splitlines() if "jupyter_mltrack" in line
    ]
    assert any("enabled" in line for line in lines), answer.stdout + answer.stderr
    assert any("OK" in line for line in lines), answer.stdout + answer.stderr


def test_the_command_is_there_as_a_subcommand_of_jupyter() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "jupyter", "mltrack", "help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "status" in answer.stdout


def test_importing_the_package_brings_nothing_heavy() -> None:
    program = (
        "import sys, jupyter_mltrack\n"
        "print(sorted({'mlflow', 'msgspec', 'sqlite3', 'numpy', 'tornado', 'IPython', 'sqlalchemy'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"

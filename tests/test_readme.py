"""The README is true: its code runs, the files it names exist, its tables are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()

BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
CELLS = [block for block in BLOCKS if block.startswith("%") and "http://" not in block]
SCRIPTS = [block for block in BLOCKS if not block.startswith("%")]


def test_the_cells_of_the_readme_run_in_one_kernel(private_place: Path) -> None:
    assert len(CELLS) >= 4
    manager, client = start_new_kernel(cwd=str(private_place / "work"))
    try:
        for cell in CELLS:
            reply = client.execute_interactive(cell, timeout=150, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", (cell, reply["content"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_the_readme_runs_without_ipython(script: str, private_place: Path) -> None:
    blocked = "import sys; sys.modules['IPython'] = None\n"
    answer = subprocess.run(
        [sys.executable, "-c", blocked + script],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_path_that_is_named_exists(text: str) -> None:
    named = set(
        re.findall(
            r"`((?:jupyter_mltrack|labextension|tests|examples|benchmarks|docs)/[\w/.-]*)`", text
        )
    )
    named |= set(re.findall(r"\]\(([\w/.-]+)\)", text))
    made_by_running = {"tests/browser/pictures/"}
    missing = [path for path in sorted(named - made_by_running) if not (ROOT / path).exists()]
    assert missing == []


def test_every_command_that_is_named_can_be_made() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([\w-]+)", README + CONTRIBUTING, flags=re.MULTILINE))
    assert named - targets == set()


def test_the_tables_are_those_of_the_code() -> None:
    from jupyter_mltrack.readme import with_tables

    assert with_tables(README) == README, (
        "the README is behind the code; this repairs it: make docs"
    )


def test_the_tables_name_every_option() -> None:
    options = "NAME --experiment --tag --param --metric --nested --parent --resume --autolog"
    for option in [
        *options.split(),
        "--system-metrics",
        "--quiet",
        "MLTrack.quiet",
        "MLTrack.autolog",
    ]:
        assert f"`{option}" in README

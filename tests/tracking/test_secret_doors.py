"""No secret goes through a door other than values: names, our own logs, what objects say of themselves."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from jupyter_mltrack import log, own_log, track, workspaces
from jupyter_mltrack.deployments.local.spec import Places, token_of
from jupyter_mltrack.tracking import redaction
from jupyter_mltrack.tracking.lines import HELD_CHARACTERS, UNENDED_CHARACTERS_MAX, LineMaker
from jupyter_mltrack.tracking.redaction import redact, redact_name

CANARY = "ghp_" + "Zz9" * 12
PASSWORD = "Canary9x7Kq2Lm"


def holding(what: bytes, *roots: Path) -> list[Path]:
    paths = [path for root in roots for path in root.rglob("*") if path.is_file()]
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # the database closed: its log has gone
            if what in path.read_bytes():
                found.append(path)
    return found


def test_s24_s25_no_name_of_a_run_or_of_what_it_logs_holds_a_secret(
    kept: Callable[..., dict[str, Any]], one_data_dir: Path
) -> None:
    with track(f"run {CANARY}", tags={f"t {CANARY}": "1"}, params={f"p {CANARY}": "1"}):
        log({f"loss {CANARY}": 0.5})
        with mlflow.start_run(run_name=CANARY, nested=True):
            mlflow.log_metric(f"m/{CANARY}", 2.0)
            mlflow.log_metrics({f"n/{CANARY}": 2.0, "plain": 1.0})
            mlflow.log_param(f"q/{CANARY}", 1)
            mlflow.set_tag(f"u/{CANARY}", CANARY)
            mlflow.set_tag("mlflow.runName", f"again {CANARY}")
    runs = kept()
    assert set(runs) == {"run [redacted: token]", "again [redacted: token]"}
    points = {name for run in runs.values() for name in run.points}
    assert points == {"loss redacted token", "m/redacted token", "n/redacted token", "plain"}
    assert holding(CANARY.encode(), Path.cwd(), one_data_dir) == []


def test_s27_names_of_metrics_are_left_as_they_are() -> None:
    for name in (
        "val_loss",
        "system/gpu_0_memory_usage_megabytes",
        "token_accuracy/layer.12.attention",
        "f" * 250,
    ):
        assert redact_name(name) == name


def test_s28_what_our_processes_log_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    said = own_log.logger("jupyter_mltrack.door")
    assert own_log.logger("jupyter_mltrack.door") is said
    assert len(said.filters) == 1
    with caplog.at_level(logging.DEBUG, "jupyter_mltrack"):
        said.warning("The store at %s is away: %r", f"http://me:{PASSWORD}@x.org", OSError(CANARY))
        said.debug(f"Authorization: Bearer {CANARY}")
        said.info("odd %d", "no number")
        try:
            raise ValueError(f"password={PASSWORD}")
        except ValueError:
            said.exception("It failed")
    assert PASSWORD not in caplog.text
    assert CANARY not in caplog.text
    assert "The store at http://me:[redacted: password]@x.org is away" in caplog.text
    assert "ValueError: password=[redacted: secret]" in caplog.text


def test_s28_all_our_modules_log_through_the_redactor() -> None:
    package = Path(own_log.__file__).parent
    wrong = [
        path.relative_to(package)
        for path in package.rglob("*.py")
        if "logging.getLogger(__name__)" in path.read_text() and path.name != "own_log.py"
    ]
    assert wrong == []


def test_s28_a_workspace_says_nothing_of_the_password_in_its_address(tmp_path: Path) -> None:
    workspace = workspaces.resolve(f"http://me:{PASSWORD}@127.0.0.1:9/x", tmp_path)
    assert PASSWORD in workspace.tracking_uri
    assert PASSWORD not in f"{workspace!r} {workspace} {workspace.name} {workspace.display_uri}"


def test_s28_the_token_of_our_endpoints_is_taken_out_of_every_text(tmp_path: Path) -> None:
    token = token_of(Places(tmp_path), "iris")
    try:
        assert token not in redact(f"curl says {token}")
    finally:
        with contextlib.suppress(KeyError):
            redaction._held.pop(token)


def test_s26_a_secret_in_a_line_without_end_is_never_cut_in_two() -> None:
    secrets = f"password = '{PASSWORD}' {CANARY} "
    before = "ab " * (UNENDED_CHARACTERS_MAX // 3 + 9)
    text = before + secrets + "cd " * 3000
    for cut in range(len(before) + 2, len(before) + len(secrets), 7):
        maker = LineMaker("stdout")
        end = cut + HELD_CHARACTERS  # so the line is cut within the secrets
        pieces = (text[: end - 1], text[end - 1 : end], text[end:])
        lines = [line for piece in pieces for line in maker.feed([(piece, 1)])] + maker.finish(9)
        told = "".join(line.text for line in lines)
        assert PASSWORD[:8] not in told
        assert CANARY[4:14] not in told

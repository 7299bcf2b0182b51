"""Huge, odd and extreme input: the cell runs on, and nothing is lost or altered in silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from jupyter_mltrack import log, track
from jupyter_mltrack.tracking import names

Keeper = Callable[..., dict[str, Any]]

ODD_NAMES = [
    *(
        "a b",
        "a/b",
        "a//b",
        "/a",
        "a/",
        "../x",
        "..",
        ".",
        "",
        " ",
        "a\nb",
        "a\tb",
        "a\0b",
        "\x1b[31m",
        "a\rb",
    ),
    *(
        "\u202eabc",
        "a\u200bb",
        "\u2066x\u2069",
        "عربى",
        "עברית",
        "日本語",
        "e\u0301",
        "😀",
        "👨‍👩‍👧",
        "\ud800",
        "\udfff x",
    ),
    *(
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "prototype",
        "<img src=x onerror=alert(1)>",
    ),
    *(
        "a'b",
        'a"b',
        "a`b",
        "a\\b",
        "$x",
        "%s",
        "{x}",
        "a=b",
        "a;b",
        "a,b",
        "a|b",
        "a?b",
        "a*b",
        "CON",
        "nul.",
    ),
    *("x" * 250, "x" * 251, "x" * 5000),
]


def test_s35_fifty_of_fifty_odd_names_are_kept_with_their_originals(kept: Keeper) -> None:
    assert len(ODD_NAMES) == 50
    with track("odd"):
        for at, name in enumerate(ODD_NAMES):
            log({name: float(at)}, step=0)
    found = kept()["odd"]
    read_back = {names.decode(key, found.tags): points for key, points in found.points.items()}
    assert read_back == {name: [(0, float(at))] for at, name in enumerate(ODD_NAMES)}


def test_s35_odd_names_within_one_point(kept: Keeper) -> None:
    with track("odd", params={"a(b": 1, "": 2}, tags={"t\n": "x\ud800y"}):
        log({name: float(at) for at, name in enumerate(ODD_NAMES)}, step=0)
    found = kept()["odd"]
    assert len(found.points) == 50
    assert {names.decode(key): value for key, value in found.params.items()} == {
        "a(b": "1",
        "": "2",
    }


@pytest.mark.parametrize(
    "value", [0.1, -0.0, 1e308, 5e-324, 1, True, 2**53 + 1, -(2**63), 10**30], ids=repr
)
def test_s34_finite_values_reach_the_store_as_mlflow_keeps_them(kept: Keeper, value: Any) -> None:
    with track("extreme"):
        log({"m": value}, step=0)
    ((_, found),) = kept()["extreme"].points["m"]
    assert found == float(value)


def test_s34_values_are_equal_bit_for_bit_when_read_from_the_journal() -> None:
    import struct

    import numpy as np

    from jupyter_mltrack.journal import JournalReader, Rows

    values = [math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324, 0.1]
    with track("bits") as run:
        for value in values:
            log({"m": value})
        log({"m": np.float32(0.1)})
        log({"m": np.array(2.5)})
        log({"m": 2**53 + 1})
        book = run.context.book
        assert book is not None
        records = JournalReader(book.journal().path).read().records
    rows = [row for r in records if isinstance(r, Rows) for row in r.values]
    expected = [*values, float(np.float32(0.1)), 2.5]
    assert [struct.pack("d", row[0]) for row in rows] == [
        struct.pack("d", value) for value in expected
    ]
    exact = [
        point.value for r in records for point in getattr(getattr(r, "event", None), "metrics", ())
    ]
    assert exact == [str(2**53 + 1)]


def test_s33_a_parameter_of_100_mb_is_cut_and_kept_whole_as_an_artifact(kept: Keeper) -> None:
    value = "0123456789abcdef" * (100 * 65536)
    with track("huge", params={"ours": value[:7000]}) as run, mlflow.start_run():
        mlflow.log_param("theirs", value)
    found = kept()["huge"]
    assert found.params == {"ours": value[:6000], "theirs": value[:6000]}
    folder = Path(f".mltrack/artifacts/{run.run_id}/artifacts/mltrack/params")
    assert sorted(path.name for path in folder.iterdir()) == ["ours.txt", "theirs.txt"]
    assert (folder / "ours.txt").read_text() == value[:7000]
    assert (folder / "theirs.txt").stat().st_size == len(value)
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_s33_ten_thousand_tags_are_kept(kept: Keeper) -> None:
    with track("tags", tags={f"t{i}": "x" for i in range(5000)}), mlflow.start_run():
        mlflow.set_tags({f"u{i}": i for i in range(5000)})
    found = kept()["tags"]
    assert len([tag for tag in found.tags if not tag.startswith("ml")]) == 10_000


def test_s33_seventy_thousand_metric_names_are_kept(kept: Keeper) -> None:
    with track("wide"):
        log({f"m{i}": float(i) for i in range(50_000)}, step=0)
        for at in range(50_000, 70_000):
            log({f"m{at}": float(at)}, step=0)
    assert len(kept(timeout_s=240)["wide"].points) == 70_000


def test_s24_secrets_of_parameters_tags_and_errors_are_nowhere_on_the_disk(
    kept: Keeper, monkeypatch: pytest.MonkeyPatch, one_data_dir: Path
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-environment-0001")
    secrets = {
        "hf_": "hf_" + "Q7" * 17,
        "password": "canary-password-0002",
        "environment": "canary-environment-0001",
        "jwt": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 30,
    }
    with (  # noqa: PT012  # a cell has many lines
        pytest.raises(ValueError, match="canary"),
        track(
            "secret",
            params={"a": secrets["hf_"], "password": secrets["password"]},
            tags={"t": secrets["jwt"]},
        ),
    ):
        with mlflow.start_run():
            mlflow.log_param("url", f"postgresql://me:{secrets['password']}@host/db")
            mlflow.set_tag("note", f"used {secrets['environment']} here")
            mlflow.log_params({"api_key": secrets["password"], "jwt2": secrets["jwt"]})
        log({"m": 1})
        raise ValueError(f"canary token={secrets['environment']}")
    kept()
    found = []
    for root in (Path.cwd(), one_data_dir):
        for path in root.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                found += [
                    (path, kind) for kind, secret in secrets.items() if secret.encode() in content
                ]
    assert found == []

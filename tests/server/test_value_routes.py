"""What comes back is what was logged: numbers bit for bit, names as they are, much of it bounded."""

from __future__ import annotations

import json
import math
import struct

import pytest

from jupyter_mltrack import wire

ODD_NUMBERS = [
    math.nan, math.inf, -math.inf, -0.0, 0.0, 1e308, -1e308, 5e-324, 0.1, 1 / 3,
    2.0**53, 1.7976931348623157e308, 123456789.123456789,
]  # fmt: skip
WHOLE_NUMBERS = [2**53 + 1, -(2**63), 2**64, 10**30, 10**400, -(10**400), 2**53]
ODD_NAMES = [
    "with space", " edges ", "a/b/c", "tab\there", "line\nbreak", "\u202eright to left", "zero\u200bwidth", "nul\x00inside",
    "x" * 5_000, "__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "é", "e\u0301", "日本語",
    "🎉", "<img src=x onerror=alert(1)>", "</script>", "'; drop table runs; --", "=cmd|' /C calc'!A0", "%00", "..", "a,b",
    "{{7*7}}", "${7*7}", "\x1b]0;x\x07",
]  # fmt: skip
NAME = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def values_of(column: dict) -> list[float]:
    """The values as a page reads them: null stands for what `nonfinite` names."""
    return [
        NAME[column["nonfinite"][str(at)]] if value is None else value
        for at, value in enumerate(column["values"])
    ]


async def series(api, workspace, run_id, **more):
    query = "&".join(
        f"{name}={value}" for name, value in {"workspace": workspace.id, **more}.items()
    )
    answer = await api(f"runs/{run_id}/series?{query}")
    assert answer.status == 200, answer.body
    return answer.json


# ---------------------------------------------------------------------------------- S34


async def test_s34_odd_numbers_come_back_bit_for_bit(api, journal, begin_run, workspace):
    run_id = begin_run(journal)
    sink = journal.sink(run_id)
    for step, value in enumerate(ODD_NUMBERS):
        sink.append({"odd": value, "plain": float(step)}, step)
    answer = await series(api, workspace, run_id)
    columns = {column["key"]: column for column in answer["columns"]}
    got = values_of(columns["odd"])
    assert [bits(value) for value in got[1:]] == [bits(value) for value in ODD_NUMBERS[1:]]
    assert math.isnan(got[0])
    assert columns["odd"]["nonfinite"] == {"0": "NaN", "1": "Infinity", "2": "-Infinity"}
    assert columns["odd"]["steps"] == list(range(len(ODD_NUMBERS)))
    assert columns["plain"]["nonfinite"] == {}


async def test_s34_whole_numbers_beyond_a_float_come_back_exactly(
    api, journal, begin_run, workspace
):
    run_id = begin_run(journal)
    points = [
        wire.MetricPoint(key="n", value=str(number), step=step, timestamp_ms=1)
        for step, number in enumerate(WHOLE_NUMBERS)
    ]
    journal.event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=points))
    (column,) = (await series(api, workspace, run_id))["columns"]
    got = [
        int(column["exact"].get(str(at)) or int(value)) for at, value in enumerate(column["values"])
    ]
    assert got == WHOLE_NUMBERS
    assert column["values"][4:6] == [None, None]
    assert column["exact"].keys() == {"0", "3", "4", "5"}


async def test_s34_the_newest_value_of_a_row_is_exact_too(api, journal, begin_run, workspace):
    run_id = begin_run(journal)
    journal.sink(run_id).append({"nan": math.nan, "zero": -0.0, "tiny": 5e-324}, 0)
    point = wire.MetricPoint(key="big", value=str(2**64 + 1), step=0, timestamp_ms=1)
    journal.event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=[point]))
    (row,) = (await api(f"live?workspace={workspace.id}")).json["runs"]
    newest = {one["key"]: (one["value"], one["text"]) for one in row["summary"]["metrics"]}
    assert newest["nan"] == (None, "nan")
    assert newest["tiny"] == (5e-324, "5e-324")
    assert newest["big"][1] == "18446744073709551617"
    assert (str(newest["zero"][0]), newest["zero"][1]) == ("-0.0", "-0.0")


# ---------------------------------------------------------------------------- S12 and S35


async def test_s35_names_of_every_kind_keep_their_points_and_come_back_unchanged(
    api, journal, begin_run, workspace
):
    run_id = begin_run(journal)
    points = [
        wire.MetricPoint(key=name, value=str(at), step=at, timestamp_ms=1)
        for at, name in enumerate(ODD_NAMES)
    ]
    journal.event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=points))
    answer = await series(api, workspace, run_id)
    assert {one["key"]: one["values"] for one in answer["columns"]} == {
        name: [at] for at, name in enumerate(ODD_NAMES)
    }


async def test_s35_a_name_can_be_asked_for_by_itself(api, journal, begin_run, workspace):
    from urllib.parse import quote

    run_id = begin_run(journal)
    points = [
        wire.MetricPoint(key=name, value=str(at), step=at, timestamp_ms=1)
        for at, name in enumerate(ODD_NAMES)
    ]
    journal.event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=points))
    for name in ODD_NAMES:
        path = (
            f"runs/{run_id}/series?workspace={workspace.id}&keys={quote(name, safe='')}&keys=none"
        )
        (column,) = (await api(path)).json["columns"]
        assert column["key"] == name


async def test_s12_markup_travels_as_json_that_no_browser_takes_for_a_page(
    api, journal, begin_run, workspace
):
    markup = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    run_id = begin_run(journal, name=markup, tags={markup: markup, "mlflow.source.name": markup})
    journal.event(wire.RunParams(run_id=wire.RunId(run_id), params={markup: markup}))
    journal.sink(run_id).append({markup: 1.0}, 0)
    (row,) = (await api(f"live?workspace={workspace.id}")).json["runs"]
    assert row["summary"]["name"] == markup
    assert row["summary"]["metrics"][0]["key"] == markup
    for path in (
        "live",
        f"runs?workspace={workspace.id}",
        f"runs/{run_id}?workspace={workspace.id}",
    ):
        answer = await api(path)
        assert answer.status == 200
        assert answer.header("content-type") == "application/json"
        assert answer.header("x-content-type-options") == "nosniff"
        assert "default-src 'none'" in answer.header("content-security-policy")
    detail = (await api(f"runs/{run_id}?workspace={workspace.id}")).json
    assert {"key": markup, "value": markup} in detail["params"]


async def test_s35_a_lone_surrogate_is_replaced_and_breaks_nothing():
    from jupyter_mltrack.server.clean import encode_json

    problem = wire.Problem(code="not_found", message="lone \ud800 one")
    assert json.loads(encode_json(problem))["message"] == "lone ? one"


# ---------------------------------------------------------------------------------- S33


async def test_s33_a_million_points_are_thinned_and_the_server_answers_meanwhile(
    api, journal, begin_run, workspace, until, stalled_share
):
    run_id = begin_run(journal)
    sink = journal.sink(run_id)
    for step in range(200_000):
        sink.append(
            {"a": step * 1.0, "b": -step * 1.0, "c": 1.0, "d": math.sin(step), "e": 2.0}, step
        )

    async def read_all():
        async def is_whole():
            answer = await series(api, workspace, run_id)
            return all(one["total"] == 200_000 for one in answer["columns"]) and answer["columns"]

        assert await until(is_whole, 30)

    stalled = await stalled_share(read_all())
    answer = await series(api, workspace, run_id)
    for column in answer["columns"]:
        assert len(column["values"]) <= 2_000
        assert column["total"] == 200_000
        assert column["steps"] == sorted(column["steps"])
        assert (column["steps"][0], column["steps"][-1]) == (0, 199_999)
    assert stalled < 0.2


async def test_s33_a_million_metric_names_cost_bounded_memory_and_say_so(
    api, journal, begin_run, workspace, until, stalled_share
):
    from jupyter_mltrack.journal.columns import RUN_COLUMNS_MAX

    run_id = begin_run(journal)
    for first in range(0, 200_000, 2_000):
        points = [
            wire.MetricPoint(key=f"metric {at}", value="1.0", step=0, timestamp_ms=1)
            for at in range(first, first + 2_000)
        ]
        journal.event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=points))

    async def read_all():
        async def is_read():
            answer = await api(f"runs/{run_id}/series?workspace={workspace.id}&keys=metric%200")
            return answer.status == 200 and answer.json["hidden_columns"] >= 50_000

        assert await until(is_read, 60)

    stalled = await stalled_share(read_all())
    answer = await api(f"runs/{run_id}/series?workspace={workspace.id}&keys=metric%200")
    assert "more metrics are kept in the store" in answer.json["note"]
    (row,) = (await api(f"live?workspace={workspace.id}")).json["runs"]
    assert len(row["summary"]["metrics"]) == 50
    assert row["summary"]["hidden_metrics"] >= RUN_COLUMNS_MAX - 50
    whole = await api(f"runs/{run_id}/series?workspace={workspace.id}")
    assert len(whole.json["columns"]) == RUN_COLUMNS_MAX
    assert len(whole.body) < 10 << 20
    assert stalled < 0.2


async def test_s33_a_parameter_of_100_mb_does_not_stop_the_server(
    api, journal, begin_run, workspace, stalled_share
):
    run_id = begin_run(journal)
    journal.event(wire.RunParams(run_id=wire.RunId(run_id), params={"big": "x" * (100 << 20)}))
    journal.sink(run_id).append({"loss": 1.0}, 0)

    async def ask():
        answer = await api("live")
        assert answer.status == 200

    assert await stalled_share(ask()) < 0.2


@pytest.mark.parametrize("count", [10_000])
async def test_s33_many_tags_make_a_row_no_longer(api, journal, begin_run, workspace, count):
    run_id = begin_run(journal)
    journal.event(
        wire.RunTags(
            run_id=wire.RunId(run_id), tags={f"tag {at}": "x" * 100 for at in range(count)}
        )
    )
    answer = await api(f"live?workspace={workspace.id}")
    assert len(answer.body) < 5_000
    assert answer.json["runs"][0]["summary"]["run_id"] == run_id

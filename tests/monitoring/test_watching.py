"""What an endpoint did over time, and how it is shown."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from jupyter_mltrack.display_text import span
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.monitoring import endpoint_folder, monitor, pictures, watching
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.verbs.watch_acts import seconds

MINUTE_MS = 60_000


def log(name: str, lines: list[dict[str, object]]) -> None:
    folder: Path = endpoint_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "endpoint.json").write_text("{}")
    default = {"id": "r", "version": "1", "status": 200, "latency_ms": 2.0, "rows": 1}
    with (folder / f"1-1-{len(list(folder.iterdir()))}.jsonl").open("w") as file:
        file.writelines(json.dumps(default | line) + "\n" for line in lines)


def outputs(*values: object) -> dict[str, object]:
    return {"columns": ["prediction"], "data": [[value] for value in values]}


def test_requests_errors_latency_and_versions_are_counted_in_their_time() -> None:
    now_ms = 10_000 * MINUTE_MS
    lines: list[dict[str, object]] = []
    for minute in range(10):
        at_ms = now_ms - (9 - minute) * MINUTE_MS - 1_000
        lines += [{"t_ms": at_ms + n, "latency_ms": float(n + 1)} for n in range(minute)]
        lines.append({"t_ms": at_ms, "status": 500, "latency_ms": 900.0, "version": "2"})
        lines.append({"t_ms": at_ms, "shadow": True, "version": "3"})
    lines.append({"t_ms": now_ms - 11 * MINUTE_MS})
    log("counted", lines)
    report = watching.watch("counted", window_s=600, buckets=10, now_ms=now_ms)
    assert (report.requests, report.errors) == (55, 10)
    assert report.counts == [minute + 1 for minute in range(10)]
    assert report.error_counts == [1] * 10
    assert report.bucket_ms == MINUTE_MS
    assert np.diff(report.times_ms).tolist() == [MINUTE_MS] * 9
    latencies = [float(n + 1) for minute in range(10) for n in range(minute)]
    assert report.p50_ms == pytest.approx(np.percentile(latencies, 50))
    assert report.p95_ms == pytest.approx(np.percentile(latencies, 95))
    assert report.p50s_ms[0] is None
    assert report.p50s_ms[9] == pytest.approx(5.0)
    assert [(one.version, one.requests, one.errors, one.shadow) for one in report.versions] == [
        ("1", 45, 0, False), ("2", 10, 10, False), ("3", 10, 0, True),
    ]  # fmt: skip


def test_the_mix_of_classes_is_shared_out_in_each_bucket() -> None:
    now_ms = 10_000 * MINUTE_MS
    lines = [
        {"t_ms": now_ms - 90_000, "outputs": outputs("no", "no", "no", "yes"), "rows": 4},
        {"t_ms": now_ms - 30_000, "outputs": outputs("yes")},
        {"t_ms": now_ms - 20_000, "outputs": outputs("yes", None), "rows": 2},
        {"t_ms": now_ms - 20_000, "outputs": outputs("no"), "shadow": True},
    ]
    log("mixed", lines)
    (mix,) = watching.watch("mixed", window_s=120, buckets=2, now_ms=now_ms).mixes
    assert (mix.name, mix.kind, mix.labels) == ("prediction", "category", ["no", "yes"])
    assert mix.shares == [[0.75, 0.0], [0.25, 1.0]]


def test_numbers_are_shared_out_over_ranges() -> None:
    now_ms = 10_000 * MINUTE_MS
    generator = np.random.default_rng(0)
    lines = [
        {"t_ms": now_ms - at * 100 - 1, "outputs": outputs(float(value))}
        for at, value in enumerate(generator.normal(size=500))
    ]
    log("ranged", lines)
    (mix,) = watching.watch("ranged", window_s=60, buckets=6, now_ms=now_ms).mixes
    assert (mix.kind, len(mix.labels)) == ("number", watching.RANGES)
    assert mix.labels[0].startswith("< ")
    assert mix.labels[-1].startswith("≥ ")
    assert np.sum(mix.shares, axis=0)[1:].tolist() == pytest.approx([1.0] * 5)
    assert np.mean(mix.shares, axis=1).tolist() == pytest.approx([0.2] * 5, abs=0.06)


def test_a_few_whole_numbers_are_classes() -> None:
    now_ms = 10_000 * MINUTE_MS
    log("whole", [{"t_ms": now_ms - 5, "outputs": outputs(0, 0, 1, 0), "rows": 4}])
    (mix,) = watching.watch("whole", window_s=60, buckets=1, now_ms=now_ms).mixes
    assert (mix.labels, mix.shares) == (["0", "1"], [[0.75], [0.25]])
    log("single", [{"t_ms": now_ms - 5, "outputs": outputs(0.0, None, 0.0), "rows": 3}])
    (mix,) = watching.watch("single", window_s=60, buckets=1, now_ms=now_ms).mixes
    assert (mix.labels, mix.shares) == (["0"], [[1.0]])


def test_many_classes_are_cut_to_the_frequent_ones() -> None:
    now_ms = 10_000 * MINUTE_MS
    names = [f"class {n}" for n in range(15) for _ in range(15 - n)]
    log("many", [{"t_ms": now_ms - 5, "outputs": outputs(*names)}])
    (mix,) = watching.watch("many", window_s=60, buckets=1, now_ms=now_ms).mixes
    assert mix.labels == [*sorted(f"class {n}" for n in range(8)), "7 others"]
    assert sum(row[0] for row in mix.shares) == pytest.approx(1)


def test_an_endpoint_without_requests_says_when_the_last_one_was() -> None:
    log("quiet", [])
    assert monitor("quiet").detail == "no requests are logged yet"
    log("quiet", [{"t_ms": int(time.time() * 1000) - 2 * 86_400_000}])
    assert monitor("quiet").detail == "no requests in this window; the last one 2 d ago"
    assert "no requests in this window" in answer("monitor quiet").plain


def test_damage_of_the_log_is_told() -> None:
    log("hurt", [{"t_ms": int(time.time() * 1000)}])
    (endpoint_folder("hurt") / "1-1-9.jsonl").write_text("{}\n{}\n")
    report = monitor("hurt")
    assert (report.requests, report.detail) == (
        1, "2 damaged lines or files of the log were skipped",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["nowhere", "../../etc", "a/b", "", "x" * 300])
def test_an_endpoint_that_is_not_there_is_said_with_those_that_are(name: str) -> None:
    log("there", [])
    with pytest.raises(NotFound) as caught:
        monitor(name)
    assert "there" in caught.value.hint


def test_without_any_endpoint_the_way_to_one_is_said() -> None:
    with pytest.raises(NotFound) as caught:
        monitor("nowhere")
    assert caught.value.hint == "Deploy a model: %mltrack deploy MODEL --to local"


def test_a_window_that_is_none_is_refused() -> None:
    log("there", [])
    for window_s, buckets in ((0, 60), (1e12, 60), (float("nan"), 60), (60, 0), (60, 10**6)):
        with pytest.raises(UsageError):
            monitor("there", window_s=window_s, buckets=buckets)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("15m", 900), ("1h", 3_600), ("1.5h", 5_400), ("7d", 604_800), ("2w", 1_209_600), (30, 30), ("90 s", 90)],
)  # fmt: skip
def test_spans_of_time_are_read(words: object, wanted: float) -> None:
    assert seconds(words) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("words", ["", "h", "-1h", "1y", "1h30m", "nan", "1" * 40])
def test_other_words_are_no_span_of_time(words: str) -> None:
    with pytest.raises(UsageError):
        seconds(words)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (3_600_000, "hour"), (900_000, "15 minutes"), (60_000, "minute"), (604_800_000, "7 days"),
        (5_400_000, "1 h 30 min"), (100_020, "1 min 40 s"), (86_400_000, "day"), (1, "second"),
        (90_061_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_spans_of_time_are_said_as_people_do(milliseconds: int, words: str) -> None:
    assert span(milliseconds) == words


def test_the_verb_draws_lines_in_plain_text_and_pictures_in_a_cell() -> None:
    now_ms = int(time.time() * 1000)
    evil = "<b>\x1b[31m"
    log("drawn", [
        {"t_ms": now_ms - at * 60_000, "status": 200 if at % 10 else 503, "outputs": outputs("yes", evil)}
        for at in range(50)
    ])  # fmt: skip
    shown = answer("monitor drawn --window 1h")
    lines = shown.plain.splitlines()
    assert lines[0] == "drawn · 50 requests · 5 failed · p50 2 ms, p95 2 ms · last hour"
    assert lines[1].startswith("requests  ")
    assert set(lines[1][19:].strip()) <= set("▁▂▃▄▅▆▇█ ")
    assert shown.html.count("<svg") == 3
    assert "<b>" not in shown.html
    assert "\x1b" not in shown.plain + shown.html
    told = json.loads(answer("monitor drawn --json").plain)
    assert sum(told["counts"]) == 50


def test_a_sparkline_has_its_peaks_and_its_gaps() -> None:
    assert pictures.sparkline([0.0, 1.0, 2.0, None, 4.0]) == "▁▂▄ █"
    assert pictures.sparkline([]) == ""
    assert pictures.sparkline([None, 0.0]) == " ▁"
    wide = pictures.sparkline([0.0] * 500 + [9.0] + [0.0] * 499, 100)
    assert (len(wide), wide.index("█")) == (100, 50)

"""The static form of a run: whole values in, two texts out."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.view import Shown, live_line, shown_runs
from jupyter_mltrack.view.card import opened
from jupyter_mltrack.view.course import KEPT_MAX, Course
from jupyter_mltrack.view.curves import Curve, curves_of, sparkline
from jupyter_mltrack.view.families import families

HOSTILE = '<img src=x onerror="boom()">\u202e\x1b[31m"\'&'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


def pictures(html: str) -> list[str]:
    """The pictures of a page, as SVG."""
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html)
    return [base64.b64decode(one, validate=True).decode() for one in found]


def column(key: str, values: list[float | None], **more: object) -> wire.Column:
    count = len(values)
    return wire.Column(
        key=key,
        steps=list(range(count)),
        timestamps_ms=[1000 + 10 * at for at in range(count)],
        values=values,
        total=count,
        **more,
    )


def shown(**more: object) -> Shown:
    known = {
        "run_id": "r" * 32, "workspace_id": "w", "name": "sweep", "status": "FINISHED",
        "start_ms": 1_000, "end_ms": 66_000,
    }  # fmt: skip
    return Shown(**{**known, **more})


@pytest.mark.parametrize(
    ("keys", "grouped"),
    [
        (["val_loss", "loss"], [("loss", ["val_loss", "loss"])]),
        (["train/acc", "val/accuracy"], [("acc", ["train/acc", "val/accuracy"])]),
        (["lr", "val", "loss"], [("loss", ["loss"]), ("lr", ["lr"]), ("val", ["val"])]),
    ],
)
def test_metrics_of_one_family_share_a_chart(
    keys: list[str], grouped: list[tuple[str, list[str]]]
) -> None:
    assert families(keys) == grouped


def test_a_run_is_a_line_with_its_courses_and_opens_to_charts_and_a_table() -> None:
    loss, acc = [1 / (at + 1) for at in range(40)], [at / 40 for at in range(40)]
    view = shown_runs([shown(columns=[column("loss", loss), column("acc", acc)], points=80)])
    line, *courses = view.plain.split("\n")
    assert line == "✓ sweep · loss 0.025 · acc 0.975 · 01:05"
    assert courses == [
        "  loss  █▃▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1 → 0.025",
        "  acc   ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███  0 → 0.975",
    ]
    tags = _Tags()
    tags.feed(view.html)
    assert tags.open == []
    assert {"details", "summary", "img", "table"} <= tags.found
    assert not {"script", "svg", "link", "iframe"} & tags.found
    assert "href" not in tags.attributes
    assert view.html.count("src=") == len(pictures(view.html)) == 2
    for picture in pictures(view.html):
        ET.fromstring(picture)
        assert picture.count("<path") == 2  # a line and its axes
        assert "<text" not in picture
    assert 'alt="Chart of loss, newest values loss 0.025"' in view.html
    live = opened(shown(), curves_of([column("loss", loss)]), as_images=False)
    assert "<img" not in live
    assert live.count("<svg") == 1


def test_hostile_names_stay_words() -> None:
    one = shown(
        name=HOSTILE, status="FAILED", error=HOSTILE, columns=[column(HOSTILE, [1.0, 2.0])],
        link="javascript:boom()", workspace_id='"><script>',
    )  # fmt: skip
    for view in (shown_runs([one]), live_line(one._replace(status="RUNNING"), 2_000)):
        tags = _Tags()
        tags.feed(view.html)
        assert not {"script", "a"} & tags.found
        assert view.html.count("<img") == len(pictures(view.html))
        assert not any("boom" in picture for picture in pictures(view.html))
        assert not any(name.startswith("on") for name in tags.attributes)
        assert "\u202e" not in view.plain + view.html
        assert "\x1b" not in view.plain + view.html
    linked = live_line(shown(link="https://store.example/#/runs/1"), 2_000).html
    assert 'href="https://store.example/#/runs/1"' in linked
    assert 'rel="noopener noreferrer"' in linked


def test_odd_values_break_the_line_and_nothing_else() -> None:
    big = 1.7e308
    odd = column(
        "odd", [1.0, None, 2.0, None, None, 3.0, 4.0], nonfinite={"1": "NaN", "3": "Infinity"}
    )
    vast = column("vast", [-big, big, 0.0])
    alone = column("alone", [5.0])
    never = column("never", [None, None], nonfinite={"0": "NaN", "1": "NaN"})
    same_step = wire.Column(
        key="timed", steps=[0, 0], timestamps_ms=[1000, 3000], values=[1.0, 2.0], total=2
    )
    curves = {one.key: one for one in curves_of([odd, vast, alone, never, same_step])}
    assert set(curves) == {"odd", "vast", "timed"}
    assert curves["timed"].steps == [0.0, 2.0]
    html = shown_runs([shown(columns=[odd, vast, alone, same_step])]).html
    drawn = [path for one in pictures(html) for path in re.findall(r'<path d="([^"]*)"', one)[1:]]
    paths = dict(zip(("odd", "timed", "vast"), drawn, strict=True))
    assert "nan" not in "".join(paths.values()).lower()
    assert sum(path.count("M") for path in paths.values()) == 5
    assert sparkline(Curve("flat", [0, 1], [2.0, 2.0])) == "▄▄"
    assert sparkline(Curve("none", [0, 1], [None, None])) == ""
    words = shown_runs([shown(columns=[never])]).html
    assert "never" in words
    assert "<img" not in words
    last = shown(columns=[column("loss", [1.0, None], nonfinite={"1": "NaN"})])
    assert shown_runs([last]).plain.startswith("✓ sweep · loss nan ·")
    assert math.isnan(last.values()["loss"])


def test_the_line_says_how_a_run_ended_and_how_far_it_is() -> None:
    failed = shown(status="FAILED", error="ValueError: shapes", points=41)
    assert shown_runs([failed]).plain == "✕ sweep · ValueError: shapes · 01:05 · 41 points kept"
    killed = shown(status="KILLED", points=1, newest={"loss": 0.5})
    assert shown_runs([killed]).plain == "■ sweep · killed · loss 0.5 · 01:05 · 1 point kept"
    progress = wire.Progress(done=12, total=50, unit="batch", label="epoch")
    running = shown(status="RUNNING", end_ms=None, progress=progress, newest={"loss": 0.5})
    assert live_line(running, 11_000).plain == "◐ sweep · loss 0.5 · epoch 12/50 batch · 00:10"


def test_a_course_of_any_length_is_thinned_alike_over_all_of_it() -> None:
    course = Course()
    count = 300_000
    for at in range(0, count, 100):
        steps = list(range(at, at + 100))
        course.extend(
            steps, steps, [1000.0 if one == 150_001 else math.sin(one / 1e4) for one in steps]
        )
    found = course.column("loss", 240)
    assert found.total == count
    assert len(found.values) <= 240
    assert (found.steps[0], found.steps[-1]) == (0, count - 1)
    assert max(value for value in found.values if value is not None) == 1000.0
    halves = sum(step < count // 2 for step in found.steps)
    assert 0.4 < halves / len(found.steps) < 0.6
    kept = course.column("loss", KEPT_MAX * 2)
    assert len(kept.values) <= KEPT_MAX + 200

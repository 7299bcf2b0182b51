"""Names come from anybody: they are shown as text, whatever they are."""

from __future__ import annotations

from typing import Any

PANEL = "#jupyter-mltrack-panel"
PAYLOADS = [
    "<img src=/trap-img onerror=alert(1)>",
    "<script>alert(2)</script>",
    "\"><svg onload=alert(3)><use href='/trap-use'/></svg>",
    "<iframe srcdoc='<script>parent.alert(4)</script>'></iframe>",
    "[x](javascript:alert(5))",
    "<a href='/trap-link'>x</a>",
]
ODD = ["__proto__", "constructor", "toString", "\u202egnirts\u2066", "a\u200bb", "x" * 5000, " ", "a/b c"]
CELL = """import jupyter_mltrack
payloads = {payloads!r}
odd = {odd!r}
with jupyter_mltrack.track(payloads[0], experiment=payloads[1],
                           params={{name: name for name in payloads + odd if name.strip()}},
                           tags={{"note": payloads[2]}}):
    for step in range(3):
        jupyter_mltrack.log({{name: float(step) for name in payloads + odd}}, step=step)
for name in payloads[1:] + odd:
    try:
        with jupyter_mltrack.track(name):
            jupyter_mltrack.log({{"loss": 1.0}}, step=0)
            raise ValueError(name)
    except ValueError:
        pass
"""


def _open_hostile(screen: Any, lab: Any) -> None:
    path = lab.project("%load_ext jupyter_mltrack", CELL.format(payloads=PAYLOADS, odd=ODD))
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.wait(screen.live_row(PAYLOADS[0], "FINISHED"))
    screen.wait(f"{PANEL} .mltrack-Search-count:has-text('{len(PAYLOADS + ODD)} runs')")


def test_s12_markup_in_names_is_shown_as_text(screen: Any, lab: Any) -> None:
    _open_hostile(screen, lab)
    first = screen.live_row(PAYLOADS[0], "FINISHED")
    screen.page.locator(first).first.scroll_into_view_if_needed()
    screen.page.click(first)
    screen.wait(".mltrack-Charts canvas")
    screen.wait(f"{PANEL} .mltrack-Params")
    screen.page.wait_for_timeout(500)
    screen.picture("hostile-names")
    screen.page.locator(f"{PANEL} .mltrack-Params").scroll_into_view_if_needed()
    screen.page.wait_for_timeout(200)
    screen.picture("hostile-parameters")
    made = screen.page.evaluate(
        """() => [...document.querySelectorAll('#jupyter-mltrack-panel *')].filter(node =>
            ['IMG', 'SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'A', 'USE', 'STYLE'].includes(node.tagName.toUpperCase())
            || [...node.attributes].some(one => one.name.startsWith('on'))).map(node => node.outerHTML)"""
    )
    assert made == []
    text = screen.page.text_content(PANEL)
    for payload in ("onerror=alert(1)", "alert(2)</script>"):
        assert payload[-12:] in text
    experiments = f'{PANEL} select[aria-label="Experiment"]'
    screen.page.wait_for_function(
        "([list, name]) => [...document.querySelector(list).options].some(one => one.text === name)",
        arg=[experiments, PAYLOADS[1]],
    )
    assert [url for url in screen.requests if "trap" in url] == []
    assert screen.dialogs == []


def test_s35_odd_names_neither_break_the_panel_nor_turn_it_around(screen: Any, lab: Any) -> None:
    _open_hostile(screen, lab)
    first = screen.live_row(PAYLOADS[0], "FINISHED")
    screen.page.locator(first).first.scroll_into_view_if_needed()
    screen.page.click(first)
    screen.wait(".mltrack-Charts canvas")
    # Charts are made as they come into view; names without a chart are counted by the run's points.
    assert screen.point_count() == 3 * len(PAYLOADS + ODD)
    text = screen.page.evaluate("() => document.querySelector('#jupyter-mltrack-panel').textContent")
    assert not set(text) & set("\u202e\u2066\u200b\x00")
    assert "gnirts" in text
    longest = screen.page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('#jupyter-mltrack-panel [title]')]
                .map(node => node.title.length))"""
    )
    assert longest <= 500
    wide = screen.page.evaluate(
        """() => { const panel = document.querySelector('#jupyter-mltrack-panel .mltrack-Body');
                   return panel.scrollWidth - panel.clientWidth; }"""
    )
    assert wide <= 0
    assert screen.page.evaluate("() => ({}).polluted === undefined && Object.prototype.loss === undefined")

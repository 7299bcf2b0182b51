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
ODD = [
    "__proto__",
    "constructor",
    "toString",
    "\u202egnirts\u2066",
    "a\u200bb",
    "x" * 5000,
    " ",
    "a/b c",
]
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
    screen.wait(f"{PANEL} .mltrack-Search-count:has-text('{len(PAYLOADS + ODD)} runs')")
    screen.page.fill(f"{PANEL} .mltrack-Search-input", "trap-img")
    screen.wait(f"{PANEL} .mltrack-Proposal")  # it covers the rows until somebody puts it away
    assert _made_by_names(screen) == []
    screen.page.keyboard.press("Escape")
    screen.wait(f"{PANEL} .mltrack-Search-count:has-text('1 run')")
    screen.page.click(screen.run_row(PAYLOADS[0], "FINISHED"))
    screen.wait(".mltrack-Charts canvas")


def _wait_for_experiment(screen: Any, name: str) -> None:
    """Wait until the panel offers it by itself."""
    options = screen.page.locator(f'{PANEL} select[aria-label="Experiment"] option')
    assert screen.until_here(lambda: name in options.all_text_contents())


def _made_by_names(screen: Any) -> list[str]:
    """Elements of the panel that only markup in a name can have made."""
    return screen.page.evaluate(
        """() => [...document.querySelectorAll('#jupyter-mltrack-panel *')].filter(node =>
            ['IMG', 'SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'A', 'USE', 'STYLE'].includes(node.tagName.toUpperCase())
            || [...node.attributes].some(one => one.name.startsWith('on'))).map(node => node.outerHTML)"""
    )


def test_s12_markup_in_names_is_shown_as_text(screen: Any, lab: Any) -> None:
    _open_hostile(screen, lab)
    screen.wait(f"{PANEL} .mltrack-Params")
    screen.page.wait_for_timeout(500)
    screen.picture("hostile-names")
    screen.page.locator(f"{PANEL} .mltrack-Params").scroll_into_view_if_needed()
    screen.page.wait_for_timeout(200)
    screen.picture("hostile-parameters")
    assert _made_by_names(screen) == []
    text = screen.page.text_content(PANEL)
    for payload in ("onerror=alert(1)", "alert(2)</script>"):
        assert payload[-12:] in text
    _wait_for_experiment(screen, PAYLOADS[1])
    screen.page.fill(f"{PANEL} .mltrack-Search-input", "")
    screen.wait(f"{PANEL} .mltrack-Search-count:has-text('{len(PAYLOADS + ODD)} runs')")
    screen.page.wait_for_timeout(300)
    assert _made_by_names(screen) == []
    # A search for the name itself is a request; what a name asks for by itself would have no query.
    assert [url for url in screen.requests if "/trap-" in url] == []
    assert screen.dialogs == []


def test_s35_odd_names_neither_break_the_panel_nor_turn_it_around(screen: Any, lab: Any) -> None:
    _open_hostile(screen, lab)
    assert screen.point_count() == 3 * len(PAYLOADS + ODD)
    text = screen.page.evaluate(
        "() => document.querySelector('#jupyter-mltrack-panel').textContent"
    )
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
    assert screen.page.evaluate(
        "() => ({}).polluted === undefined && Object.prototype.loss === undefined"
    )

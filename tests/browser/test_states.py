"""What the panel shows when there is nothing, when a store fails, and when the server is another one."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from test_accessible import serious

PANEL = "#jupyter-mltrack-panel"
LOAD = "%load_ext jupyter_mltrack"
SHORT = """%%track {name}
from jupyter_mltrack import log
for step in range(20):
    log({{"loss": 1 / (step + 1)}}, step=step)
"""


@pytest.fixture
def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def signed_out_store() -> Iterator[str]:
    """A tracking server that answers 401 to everything."""

    class Refuse(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_server_that_cannot_be_reached_is_named_with_what_waits(
    screen: Any, lab: Any, closed_port: int
) -> None:
    path = lab.project(
        LOAD, SHORT.format(name="kept"), settings=f'tracking = "http://127.0.0.1:{closed_port}"'
    )
    screen.open(path)
    screen.wait(f"{PANEL} .mltrack-Health")
    screen.wait(f'{PANEL} .mltrack-IconButton[title="Connect"]')
    screen.picture("not-connected")
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.page.wait_for_function(
        """() => /unreachable since \\d\\d:\\d\\d · \\d+ points? waiting since \\d\\d:\\d\\d/.test(
          document.querySelector('.mltrack-Health-words')?.textContent)""",
    )
    screen.wait(f'{PANEL} .mltrack-IconButton[title="Send what waits now"]')
    screen.wait(screen.run_row("kept", "FINISHED"))
    screen.picture("unreachable-light")
    screen.theme("JupyterLab Dark")
    screen.picture("unreachable-dark")
    assert serious(screen, PANEL) == []


def test_a_server_that_wants_a_sign_in_says_so(
    screen: Any, lab: Any, signed_out_store: str
) -> None:
    path = lab.project(LOAD, SHORT.format(name="kept"), settings=f'tracking = "{signed_out_store}"')
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.page.wait_for_function(
        "() => /signed out/.test(document.querySelector('.mltrack-Health-words')?.textContent)",
    )
    screen.picture("signed-out")


def test_a_page_of_another_version_asks_for_a_reload_and_stops(screen: Any, lab: Any) -> None:
    def of_another_version(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"wire_version": 999})

    screen.page.route("**/mltrack/api/status*", of_another_version)
    screen.open(lab.project("1"))
    notice = screen.wait(f"{PANEL} .mltrack-Notice")
    assert "different versions" in notice.text_content()
    screen.picture("other-version")
    asked = [url for url in screen.requests if "/mltrack/" in url]
    screen.page.wait_for_timeout(2500)
    assert [url for url in screen.requests if "/mltrack/" in url] == asked
    assert [url for url in asked if "/mltrack/api/status" not in url] == []


def test_without_the_server_extension_the_panel_says_how_to_get_it(screen: Any, lab: Any) -> None:
    screen.page.route(
        "**/mltrack/api/**", lambda route: route.fulfill(status=404, body="<html>404</html>")
    )
    screen.open(lab.project("1"))
    notice = screen.wait(f"{PANEL} .mltrack-Notice")
    assert "not running" in notice.text_content()
    screen.picture("extension-missing")


def test_a_search_shows_what_fits_and_what_is_wrong_with_it(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, *[SHORT.format(name=name) for name in ("alpha", "beta")])
    screen.open(path)
    screen.wait_kernel()
    for index in range(3):
        screen.run_cell(index)
    screen.wait(screen.run_row("beta", "FINISHED"))
    box = screen.page.locator(f"{PANEL} .mltrack-Search-input")
    box.fill("alph")
    screen.wait(screen.run_row("beta"), state="detached")
    screen.wait(screen.run_row("alpha"))
    box.fill("metrics.loss < 0.01")
    screen.page.wait_for_selector("text=No run fits the search.")
    box.fill("metrics.loss <<< 1")
    problem = screen.wait(f"{PANEL} #mltrack-search-problem")
    assert problem.text_content()
    assert box.get_attribute("aria-invalid") == "true"
    screen.picture("search-problem")
    box.fill("")
    screen.wait(screen.run_row("beta"))


@pytest.fixture
def quick_poll(lab: Any) -> Iterator[None]:
    """The user's setting that the panel asks every two seconds by itself."""
    route = "lab/api/settings/jupyter-mltrack:panel"
    lab.request(route, "PUT", {"raw": '{"pollInterval": 2}'})
    yield
    lab.request(route, "PUT", {"raw": "{}"})


@pytest.mark.usefixtures("quick_poll")
def test_the_panel_follows_runs_when_no_event_comes(screen: Any, lab: Any) -> None:
    screen.page.route_web_socket(re.compile("api/events/subscribe"), lambda ws: ws.close())
    path = lab.project(
        LOAD,
        "%%track deaf\nimport time\nfrom jupyter_mltrack import log\n"
        "for step in range(20_000):\n    log({'loss': 1 / (step + 1)}, step=step)\n    time.sleep(0.05)",
    )
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(screen.live_row("deaf", "RUNNING"))
    screen.page.click(screen.live_row("deaf"))
    screen.wait(".mltrack-Charts canvas")
    # One round of the poll finds out that nothing is announced; then it asks every second.
    for _ in range(3):
        count = screen.point_count()
        assert screen.until_here(lambda count=count: screen.point_count() > count)


def test_the_offline_notice_goes_away_when_the_server_is_back(screen: Any, lab: Any) -> None:
    screen.open(lab.project("1"))
    screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    screen.page.route("**/mltrack/api/**", lambda route: route.abort())
    screen.page.click(f'{PANEL} .mltrack-IconButton[title="Refresh"]')
    notice = screen.wait(f"{PANEL} .mltrack-Notice")
    assert "does not answer" in notice.text_content()
    screen.picture("offline")
    screen.page.unroute("**/mltrack/api/**")
    screen.page.click(f'{PANEL} .mltrack-IconButton[title="Refresh"]')
    screen.wait(f"{PANEL} .mltrack-Notice", state="detached")


def test_folded_sections_stay_folded_after_a_reload(screen: Any, lab: Any) -> None:
    screen.open(lab.project("1"))
    section = f'{PANEL} .mltrack-Section[aria-label="Live"]'
    heading = f"{section} .mltrack-Section-button"
    screen.wait(f"{section} .mltrack-Section-body")
    with screen.saved("jupyter-mltrack:folded-sections"):
        screen.page.click(heading)
        screen.wait(f"{section} .mltrack-Section-body", state="hidden")
    assert screen.page.get_attribute(heading, "aria-expanded") == "false"
    screen.page.reload()
    screen.wait(heading)
    screen.page.wait_for_function(
        "selector => document.querySelector(selector).getAttribute('aria-expanded') === 'false'",
        arg=heading,
    )

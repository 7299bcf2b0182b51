"""What a cell shows of its run: the line while it runs, and the form that stays."""

from __future__ import annotations

import re
import time
from typing import Any

import patience

RUN_MIME = "application/vnd.mltrack.run+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
COLAB = """import sys, types
colab, output = types.ModuleType("google.colab"), types.ModuleType("google.colab.output")
output.enable_custom_widget_manager = lambda: None
output._widgets = types.SimpleNamespace(_installed_url="https://widgets.example/manager.js")
sys.modules |= {"google.colab": colab, "google.colab.output": output}
"""
"""What Colab's kernel has, as far as widgets go: pages of Colab draw none without that address."""
BUSY = """%%track busy
import time
from jupyter_mltrack import log
print("first words")
step, end = 0, time.process_time() + 2.2
while time.process_time() < end:
    step += 1
    if step % 20_000 == 0:
        log({"loss": 1 / step, "<b>odd</b>": float("nan") if step % 3 else step}, step=step)
"""


def messages(kernel: Any, code: str) -> list[dict[str, Any]]:
    """The displays of a cell and their renewals, as they came."""
    message_id = kernel.start(code)
    found = []
    until = time.monotonic() + patience.WAIT_S
    while True:
        message = kernel.client.get_iopub_msg(timeout=until - time.monotonic())
        if message["parent_header"].get("msg_id") != message_id:
            continue
        content = message["content"]
        if "display_data" in message["msg_type"]:
            found.append({"update": message["msg_type"].startswith("update"), **content})
        elif message["msg_type"] in ("stream", "comm_msg", "comm_close"):
            found.append({"kind": message["msg_type"], **content})
        elif content.get("execution_state") == "idle":
            return found


def test_the_line_goes_on_while_the_main_thread_is_busy_and_then_stays(kernel: Any) -> None:
    kernel.run("from jupyter_mltrack import log")
    first, *others = messages(kernel, BUSY)
    assert not first["update"], "the line stands above what the cell prints"
    assert first["data"]["text/plain"].startswith("◐ busy · 00:")
    about = first["metadata"]["mltrack"]
    told = first["data"][RUN_MIME]
    assert (told["run_id"], told["name"]) == (about["run_id"], "busy")
    lines = [one for one in others if one.get("update")]
    assert len(lines) >= 4
    assert any("loss" in one["data"]["text/plain"] for one in lines[:3])
    assert all(RUN_MIME in one["data"] for one in lines[:-1])
    last = lines[-1]
    assert set(last["data"]) == {"text/plain", "text/html"}
    assert last["metadata"]["mltrack"] == about
    line, *courses = last["data"]["text/plain"].split("\n")
    assert re.fullmatch(r"✓ busy · loss \S+ · <b>odd</b> \S+ · 00:\d\d", line)
    assert courses[0].startswith("  loss")
    assert set(courses[0].split()[1]) <= set("▁▂▃▄▅▆▇█")
    html = last["data"]["text/html"]
    assert html.count("<details") == 1
    assert "data:image/svg+xml" in html
    assert "<table" in html
    assert "<b>odd</b>" not in html
    assert html.count("src=") == html.count("<img") == html.count('src="data:image/svg+xml;base64,')
    for word in ("<script", "url(", "@import", "onload", "<link", "http"):
        assert word not in html

    # A cell that asks for quiet shows nothing, one that asks for the end nothing before it.
    assert messages(kernel, "%%track --quiet\nlog({'loss': 1})") == []
    kernel.run("%config MLTrack.view = 'end'")
    (only,) = messages(kernel, "%%track\nlog({'loss': 1})")
    assert not only["update"]
    kernel.run("%config MLTrack.view = 'line'")
    begun, ended = messages(kernel, "%%track\nlog({'loss': 1})")
    assert set(begun["data"]) == {"text/plain", "text/html"}
    assert ended["update"]


def test_what_a_cell_clears_comes_back_at_its_end(kernel: Any) -> None:
    reply = messages(
        kernel,
        "%%track cleared\nfrom jupyter_mltrack import log\nfrom IPython.display import clear_output\n"
        "import time\nlog({'loss': 2})\nclear_output()\ntime.sleep(1.2)",
    )
    assert [one["update"] for one in reply] == [False, False]
    assert reply[-1]["data"]["text/plain"].startswith("✓ cleared · loss 2 ·")
    captured = messages(kernel, "%%capture kept\n%track inside\nlog({'loss': 3})\n")
    assert captured == []
    assert "✓ inside · loss 3" in kernel.run("kept.outputs[-1].data['text/plain']").shown


def test_a_widget_lives_while_the_cell_runs_and_leaves_the_static_form(kernel: Any) -> None:
    kernel.run(COLAB)
    seen = messages(
        kernel,
        "%%track drawn\nimport time\nfrom jupyter_mltrack import log\n"
        "for step in range(40):\n    log({'loss': 1 / (step + 1)}, step=step)\n    time.sleep(0.05)",
    )
    displays = [one for one in seen if "update" in one]
    drawn = [one for one in displays if WIDGET_MIME in one["data"]]
    manager = {"colab": {"custom_widget_manager": {"url": "https://widgets.example/manager.js"}}}
    assert drawn
    assert all(one["metadata"][WIDGET_MIME] == manager for one in drawn)
    assert set(displays[-1]["data"]) == {"text/plain", "text/html"}
    assert [one for one in seen if one.get("kind") == "comm_close"]
    states = [one["data"]["state"] for one in seen if one.get("kind") == "comm_msg"]
    assert any("<svg" in state.get("body", "") for state in states)
    kept: dict[str, str] = {}
    for state in states:
        kept |= state
    assert (kept["line"], kept["body"]) == ("", ""), "a page would save what it showed"


def test_a_million_points_leave_a_small_output(kernel: Any) -> None:
    reply = kernel.run(
        "%%track many\nfrom jupyter_mltrack import log\n"
        "keys = [f'part{at % 7}/value_{at}' for at in range(50)]\n"
        "for step in range(20_000):\n    log(dict.fromkeys(keys, (step * 7919) % 1000), step=step)\n"
    )
    (bundle,) = reply.bundles
    assert len(bundle["text/html"]) + len(bundle["text/plain"]) < 200_000
    assert bundle["text/html"].count("<img") == 16
    assert "more curves are on the run" in bundle["text/html"]

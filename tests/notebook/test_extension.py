"""Loading costs next to nothing and unloading is its mirror image, in a real kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

MEMORY_LIMIT_BYTES = 5_000_000

MEASURE = """
import gc, os, sys, time
def _rss():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
gc.collect(); _before = set(sys.modules); _memory = _rss(); _clock = time.process_time()
get_ipython().run_line_magic('load_ext', {name!r})
_spent = time.process_time() - _clock
print(_spent * 1000, _rss() - _memory, *sorted({{'mlflow', 'msgspec', 'sqlalchemy', 'numpy', 'tornado.x'}} & (set(sys.modules) - _before)))
"""

SNAPSHOT = """
import os, sys
def _hooks():
    shell = get_ipython()
    return {
        'magics': {kind: dict(table) for kind, table in shell.magics_manager.magics.items()},
        'registry': dict(shell.magics_manager.registry),
        'configurables': list(shell.configurables),
        'cleanup': list(shell.input_transformers_cleanup),
        'post': list(shell.input_transformers_post),
        'events': {name: list(hooks) for name, hooks in shell.events.callbacks.items()},
        'matchers': list(shell.Completer.custom_matchers),
        'meta_path': list(sys.meta_path),
        'environment': dict(os.environ),
        'attributes': {name for name in vars(shell) if 'mltrack' in name},
        'namespace': {name for name in shell.user_ns if not name.startswith('_')},
    }
"""


def measured(new_kernel: Any, name: str) -> tuple[float, int, list[str]]:
    kernel = new_kernel(load=False)
    reply = kernel.run(MEASURE.format(name=name))
    assert reply.status == "ok", reply.traceback
    cpu, memory, *heavy = reply.stdout.split()
    return float(cpu), int(memory), heavy


def test_loading_imports_nothing_heavy_and_stays_small(new_kernel: Any) -> None:
    _, memory_bytes, heavy = measured(new_kernel, "jupyter_mltrack")
    assert heavy == []
    assert memory_bytes <= MEMORY_LIMIT_BYTES


@pytest.mark.parametrize("uri", [None, "http://127.0.0.1:9"])
def test_unloading_puts_everything_back(
    new_kernel: Any, uri: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    kernel = new_kernel(load=False)
    assert (
        kernel.run(f"{SNAPSHOT}\nfrom IPython.core.magic import register_line_magic\n").status
        == "ok"
    )
    kernel.run("@register_line_magic\ndef mltrack(line):\n    return 'mine'\n")
    # IPython loads some of its own magics only when they are first used
    kernel.run("get_ipython().magics_manager.load_all_lazy_magics()\n_before = _hooks()")
    assert kernel.run("%load_ext jupyter_mltrack").status == "ok"
    assert (
        kernel.run("_during = _hooks()\nassert _during['magics'] != _before['magics']").status
        == "ok"
    )
    kernel.run("%%track once\nfrom jupyter_mltrack import log as _log\n_log({'x': 1.0})\n")
    kernel.run("%mltrack auto on")
    assert kernel.run("%unload_ext jupyter_mltrack").status == "ok"
    reply = kernel.run(
        "_after = _hooks()\n"
        "for _name in _before:\n"
        "    if _before[_name] != _after[_name]:\n"
        "        print(_name, _before[_name], _after[_name])\n"
    )
    assert reply.stdout == ""
    assert kernel.run("print(get_ipython().run_line_magic('mltrack', ''))").stdout == "mine\n"


def test_loading_twice_and_again_after_unloading_works(kernel: Any) -> None:
    assert kernel.run("%load_ext jupyter_mltrack\n%reload_ext jupyter_mltrack\n").status == "ok"
    reply = kernel.run("%%track again\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\n")
    assert reply.lines == ["✓ again · x 1 · 00:00"]
    assert (
        kernel.run(
            "print(sum(type(c).__name__ == 'MLTrack' for c in get_ipython().configurables))"
        ).stdout
        == "1\n"
    )


def test_config_shows_and_sets_the_options(kernel: Any) -> None:
    shown = kernel.run("%config MLTrack").stdout
    for name in ("quiet", "autolog", "params", "system_metrics", "experiment"):
        assert f"MLTrack.{name}=" in shown
    assert (
        kernel.run("%config MLTrack.experiment = 'digits'\n%config MLTrack.params = 'none'").status
        == "ok"
    )
    kernel.run("%%track set\nlr = 0.1\n")
    shown = kernel.run("%mltrack runs --all").shown
    assert "set" in shown
    assert "lr" not in kernel.run("%mltrack show set").shown
    assert kernel.run("%mltrack show set").shown.count("digits") == 1
    refused = kernel.run("%config MLTrack.params = 'sometimes'")
    assert "sometimes" in refused.stderr + refused.stdout + str(refused.traceback)
    assert "Current: 'none'" in kernel.run("%config MLTrack").stdout


def test_options_may_come_from_the_configuration_of_ipython(
    new_kernel: Any, private_place: Path
) -> None:
    profile = Path(os.environ["IPYTHONDIR"]) / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text("c.MLTrack.quiet = True\n")
    kernel = new_kernel()
    assert kernel.run("%%track quiet\nx = 1\n").lines == []


def test_help_shows_the_options_and_the_verbs(kernel: Any) -> None:
    message_id = kernel.client.execute("%%track?")
    reply = None
    while reply is None or reply["parent_header"].get("msg_id") != message_id:
        reply = kernel.client.get_shell_msg(timeout=150)
    (payload,) = reply["content"]["payload"]
    text = payload["data"]["text/plain"]
    for option in ("--experiment", "--metric", "--resume", "--no-autolog", "--system-metrics"):
        assert option in text
    assert "Record this cell as one MLflow run" in text
    assert "%mltrack VERB" in kernel.run("%mltrack help").shown


def test_tab_offers_options_verbs_experiments_and_runs(kernel: Any) -> None:
    kernel.run(
        "%%track first --experiment digits\nfrom jupyter_mltrack import log\nlog({'loss': 1.0})\n"
    )
    assert "%%track" in kernel.complete("%%tra")
    assert set(kernel.complete("%%track x --ex")) == {"--experiment"}
    assert "--system-metrics" in kernel.complete("%%track --s")
    assert kernel.complete("%%track x --experiment di") == ["digits"]
    assert "first" in kernel.complete("%%track x --parent fi")
    assert {"last", "first"} <= set(kernel.complete("%%track --resume "))
    assert "runs" in kernel.complete("%mltrack ru")
    assert "--sort" in kernel.complete("%mltrack runs --s")
    assert kernel.complete("%mltrack runs --sort l") == ["loss"]
    assert kernel.complete("%mltrack show best:l") == ["loss"]
    assert set(kernel.complete("%mltrack auto o")) == {"on", "off"}
    assert kernel.complete("%mltrack experiment d") == ["digits"]
    assert "print" in kernel.complete("pri")


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ("x --tagg a=b", "%%track: unrecognized arguments: --tagg a=b.", "Did you mean --tag?"),
        (
            "my run",
            "%%track: unrecognized arguments: run.",
            'Quote a name that holds spaces: %%track "my run".',
        ),
        ("x --tag a", "%%track: --tag 'a' has no name and value.", "Write it like --tag owner=me"),
        (
            "x --metric a=1+",
            "%%track: --metric a is no expression: '1+'.",
            "Write it like --metric",
        ),
        (
            "x --nested --resume last",
            "%%track: --nested and --resume exclude each other.",
            "Keep one of them",
        ),
        ("x --parent nobody", "No run 'nobody' in workspace", "The runs it has:"),
        ("x 'open", "%%track: No closing quotation.", "All options: %%track?"),
        (
            "x --experiment",
            "%%track: argument --experiment: expected one argument.",
            "All options: %%track?",
        ),
    ],
)
def test_a_wrong_header_is_two_lines_and_the_cell_does_not_run(
    shared_kernel: Any, header: str, message: str, hint: str
) -> None:
    reply = shared_kernel.run(f"%%track {header}\nprint('ran')\n")
    assert (reply.status, reply.stdout) == ("error", "")
    assert len(reply.traceback) == 2, reply.traceback
    assert reply.traceback[0].startswith(message)
    assert hint in reply.traceback[1]
    assert shared_kernel.run("%mltrack runs").lines == [
        "No runs here yet. Begin a cell with %%track to record one."
    ]


def test_a_broken_expression_or_missing_variable_is_told_and_the_cell_counts(kernel: Any) -> None:
    reply = kernel.run("%%track odd --metric a=1/0 --metric b=2 --param nothing\nx = 1\n")
    assert reply.status == "ok"
    assert reply.lines == ["✓ odd · b 2 · 00:00"]
    assert "--metric a=1/0 was not logged: ZeroDivisionError" in reply.stderr
    assert "--param nothing: there is no such variable." in reply.stderr


def test_hooks_that_fail_again_and_again_take_themselves_out(kernel: Any) -> None:
    kernel.run(
        "hooks = get_ipython().magics_manager.registry['MLTrack'].hooks\n"
        "def angry(info): raise RuntimeError('ours')\nhooks.every_cell = angry\n"
    )
    said = "".join(kernel.run(f"x = {number}").stderr for number in range(6))
    assert said.count("RuntimeError: ours") == 1
    assert said.count("switched off after repeated trouble") == 1
    reply = kernel.run(
        "print(hooks.pre_run_cell in get_ipython().events.callbacks['pre_run_cell'])"
    )
    assert (reply.stdout, reply.stderr) == ("False\n", "")
    reply = kernel.run("%%track late\nprint(1)\n")  # nothing would end its run: there is none
    assert (reply.stdout, reply.lines) == ("1\n", [])


def test_what_is_looked_at_may_fail_and_the_cell_and_its_run_do_not(
    kernel: Any, store: Any
) -> None:
    kernel.run(
        "import numpy as np\nX = np.zeros((5, 2))\n"
        "from jupyter_mltrack.tracking.used import datasets, files, names, samples, uses\n"
        "def angry(*a, **k): raise RuntimeError('planted')\n"
    )
    places = ("samples.take", "uses.names_of", "datasets.of_sample", "uses.words_of")
    for number, place in enumerate(places):
        kernel.run(f"kept = {place}\n{place} = angry")
        reply = kernel.run(
            f"%%track planted-{number}\nprint(X.sum())\nopen('a.txt', 'w').close()\n"
        )
        kernel.run(f"{place} = kept")
        assert (reply.status, reply.stdout) == ("ok", "0.0\n"), place
        assert reply.lines[0].startswith(f"✓ planted-{number}"), place
    assert set(store.statuses().values()) == {"FINISHED"}

"""Tab completion after `%%track`, `%track` and `%mltrack`: options, verbs, experiments, runs.

Experiments and runs come from the embedded store in milliseconds. A server is not asked while
somebody types: nothing of a workspace that is not a file on this machine is offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

_MAGIC = re.compile(r"\s*(?P<magic>%%?track|%mltrack)(?=\s)\s+(?P<rest>.*)\Z", re.DOTALL)
_RUNS_SHOWN = 30
_REPEATED = ("--tag", "--param", "--metric", "--alert", "--return", "--inputs", "--without")
_RUN_WORDS = ("last", "last~1", "best:", "worst:")


@context_matcher()  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """What may stand at the cursor, when its line is one of our magics; nothing else then."""
    found = _MAGIC.match(context.line_with_cursor[: context.cursor_position])
    if found is None:
        return {"completions": [], "suppress": False}
    words = found["rest"].split()
    typed = words.pop() if words and not found["rest"][-1:].isspace() else ""
    offered = _for_track(words) if found["magic"].endswith("%track") else _for_verb(words, typed)
    # IPython's token ends at characters such as ":", so only what follows them is put in.
    token = context.token
    lead = typed[: len(typed) - len(token)] if token and typed.endswith(token) else ""
    if not token:
        lead = typed
    texts = [text[len(lead) :] for text in offered if text.startswith(typed)]
    if typed and token == typed:  # a name that needs quotes, of which none was typed yet
        texts += [text for text in offered if text.startswith((f'"{typed}', f"'{typed}"))]
    completions = [SimpleCompletion(text=text, type="magic option") for text in texts if text]
    return {"completions": completions, "suppress": True}


def _for_track(words: list[str]) -> Iterable[str]:
    from jupyter_mltrack.notebook.options import TRACK_OPTIONS, flags

    kinds = {flag: option.kind for option in TRACK_OPTIONS for flag in option.flags}
    kind = kinds.get(words[-1]) if words else None
    if kind:
        return _of_kind(kind)
    return [flag for flag in flags() if flag not in words or flag in _REPEATED]


def _for_verb(words: list[str], typed: str) -> Iterable[str]:
    from jupyter_mltrack.verbs.table import VERB_NAMES, VERBS

    if not words:
        return VERB_NAMES
    verb = next((one for one in VERBS if one.name == words[0]), None)
    if verb is None:
        return ()
    option = verb.option(words[-1])
    if option is not None and option.value:
        return _of_kind(option.kind)
    offered = [one.name for one in verb.arguments if one.is_option and one.name not in words]
    if not typed.startswith("-"):
        for argument in verb.words:
            offered += _of_kind(argument.kind)
    return offered


def _of_kind(kind: str) -> list[str]:
    if "|" in kind:
        return kind.split("|")
    known: dict[str, Any] = {
        "verb": _verbs,
        "experiment": _experiments,
        "run": _runs,
        "model": _models,
        "endpoint": _endpoints,
        "backend": _backends,
        "job": _jobs,
        "data": _variables,
        "metric": _metrics,
        "workspace": _workspaces,
        "param": lambda: ["auto", "none"],
    }
    look = known.get(kind)
    if look is None:
        return []
    from jupyter_mltrack.errors import MltrackError

    try:
        return [str(text) for text in look()]
    except MltrackError:
        return []  # nothing to offer is no trouble while somebody types


def _verbs() -> Iterable[str]:
    from jupyter_mltrack.verbs.table import VERB_NAMES

    return VERB_NAMES


def _experiments() -> Iterable[str]:
    from jupyter_mltrack import runs

    place = _local()
    return (
        ()
        if place is None
        else [_quoted(one.name) for one in runs.list_experiments(place).experiments]
    )


def _runs() -> Iterable[str]:
    from jupyter_mltrack import runs
    from jupyter_mltrack.runs.tags import title_of

    place = _local()
    if place is None:
        return _RUN_WORDS
    page = runs.list_runs(place, limit=_RUNS_SHOWN)
    titles = (title_of(run.name, run.attempt) for run in page.runs if run.name)
    names = dict.fromkeys(_quoted(title) for title in titles)
    best = [f"best:{metric}" for metric in _metrics_of(page)]
    return [*_RUN_WORDS, *best, *names, *(run.run_id[:8] for run in page.runs)]


def _models() -> Iterable[str]:
    from jupyter_mltrack import models

    place = _local()
    if place is None:
        return ()
    found = models.list_models(place, limit=_RUNS_SHOWN).models
    aliased = [f"{one.name}@{alias.key}" for one in found for alias in one.aliases]
    numbered = [f"{one.name}/{each.version}" for one in found for each in one.versions]
    return map(_quoted, [*(one.name for one in found), *aliased, *numbered])


def _endpoints() -> Iterable[str]:
    """Names from their files: nothing is started while somebody types."""
    from jupyter_mltrack.deployments.local.spec import Places, load_all
    from jupyter_mltrack.settings import data_dir

    return [one.name for one in load_all(Places(data_dir()))]


def _backends() -> Iterable[str]:
    from jupyter_mltrack.jobs.door import names

    return [name if name == "process" else f"{name}:" for name in names()]


def _jobs() -> Iterable[str]:
    from jupyter_mltrack.jobs import folders

    found = folders.listed(_RUNS_SHOWN)
    return ["last", *(_quoted(one.name) for one in found), *(one.id[:8] for one in found)]


def _variables() -> Iterable[str]:
    """Variables of the notebook that may be data."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return ()
    return [
        name
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and _may_be_data(value)
    ]


def _may_be_data(value: Any) -> bool:
    kind = type(value)
    known = {("pandas", "DataFrame"), ("pandas", "Series"), ("numpy", "ndarray")}
    return (kind.__module__.partition(".")[0], kind.__name__) in known or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _metrics() -> Iterable[str]:
    from jupyter_mltrack import runs

    place = _local()
    return () if place is None else _metrics_of(runs.list_runs(place, limit=_RUNS_SHOWN))


def _metrics_of(page: Any) -> list[str]:
    return list(dict.fromkeys(metric.key for run in page.runs for metric in run.metrics))


def _workspaces() -> Iterable[str]:
    from jupyter_mltrack.settings import load_settings

    fixed = ["local", "sqlite:///", "http://", "https://", "azureml"]
    return [*fixed, *load_settings().workspaces]


def _local() -> Any:
    from jupyter_mltrack.tracking import choice

    place = choice.workspace()
    return place if place.database is not None else None


def _quoted(name: str) -> str:
    from jupyter_mltrack.verbs.parsing import quoted

    return quoted(name)

"""The one table of verbs: magic, command line, Python, completion and README are made from it.

A verb that is not a row here does not exist. Rows say what a person types and reads; what a verb
does is the function of the same name that `function` names. Importing this module imports nothing.
"""

from __future__ import annotations

from jupyter_mltrack.verbs.azure_rows import AZURE_VERBS
from jupyter_mltrack.verbs.deploy_rows import DEPLOY_VERBS
from jupyter_mltrack.verbs.export_rows import EXPORT_VERBS
from jupyter_mltrack.verbs.model_rows import MODEL_VERBS
from jupyter_mltrack.verbs.rows import JSON, Argument, Verb
from jupyter_mltrack.verbs.run_rows import RUN_VERBS
from jupyter_mltrack.verbs.watch_rows import WATCH_VERBS

_ACTS = "jupyter_mltrack.verbs.acts"

VERBS: tuple[Verb, ...] = (
    *RUN_VERBS,
    *MODEL_VERBS,
    *DEPLOY_VERBS,
    *AZURE_VERBS,
    *WATCH_VERBS,
    *EXPORT_VERBS,
    Verb(
        "sync",
        "Send what waits on this machine now; end the runs of kernels that are gone.",
        (Argument("--wait", "Stay until all of it is sent or nothing moves any more."), JSON),
        (("", "one round, ten seconds at most"), ("--wait", "until nothing waits")),
        f"{_ACTS}:sync",
    ),
    Verb(
        "auto",
        "Track every cell that logs or trains, without %%track.",
        (Argument("STATE", "on or off; without it, which of the two it is.", kind="on|off"),),
        (("on", "from the next cell on"), ("off", "only cells with %%track")),
        "jupyter_mltrack.notebook.auto:auto",
        notebook_only=True,
    ),
    Verb(
        "help",
        "Say what a verb does and how it is written.",
        (Argument("VERB", "The verb; without it, all of them.", kind="verb"),),
        (("", "all verbs"), ("runs", "one verb with its options and examples")),
        f"{_ACTS}:help",
    ),
)  # fmt: skip

VERB_NAMES = tuple(verb.name for verb in VERBS)


def find_verb(name: str) -> Verb:
    """The row of this name.

    Raises:
        UsageError: there is none.
    """
    for verb in VERBS:
        if verb.name == name:
            return verb
    from jupyter_mltrack.display_text import clean
    from jupyter_mltrack.errors import UsageError

    hint = f"Verbs: {', '.join(VERB_NAMES)}."
    near = nearest(name, VERB_NAMES)
    raise UsageError(
        f"There is no verb {clean(name)!r}.", f"Did you mean {near}? {hint}" if near else hint
    )


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """The known word that was probably meant; empty when none is near."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return near[0] if near else ""

"""The one table of verbs: magic, command line, Python, completion and README are made from it.

A verb that is not a row here does not exist. Rows say what a person types and reads; what a verb
does is the function of the same name that `function` names. Importing this module imports nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """One word or option of a verb.

    Attributes:
        name: `RUN` for a word, `--save` for an option.
        help: what it does, in one line.
        value: what an option takes (`NAME`); empty for a flag.
        kind: what completes it: run, model, experiment, metric, workspace, verb, or words with `|`.
        required: a word that must be there.
        rest: takes all words that are left, as they were typed.
    """

    name: str
    help: str
    value: str = ""
    kind: str = ""
    required: bool = False
    rest: bool = False

    @property
    def is_option(self) -> bool:
        """Whether it is typed with dashes."""
        return self.name.startswith("--")

    @property
    def field(self) -> str:
        """Name of the keyword that the verb's function takes."""
        return self.name.lstrip("-").replace("-", "_").lower()

    def usage(self) -> str:
        """How it is written: `[--save NAME]`, `RUN`, `[FILTER]`."""
        text = f"{self.name} {self.value}" if self.value else self.name
        return text if self.required else f"[{text}]"


class Verb(NamedTuple):
    """One row. `examples` are pairs of what is typed after the verb and what it does."""

    name: str
    help: str
    arguments: tuple[Argument, ...]
    examples: tuple[tuple[str, str], ...]
    function: str
    notebook_only: bool = False

    def usage(self) -> str:
        """How the verb is written with all it takes."""
        return " ".join([self.name, *(one.usage() for one in self.arguments)])

    def option(self, name: str) -> Argument | None:
        """The option of this name."""
        return next((one for one in self.arguments if one.name == name), None)

    @property
    def words(self) -> tuple[Argument, ...]:
        """What is typed without dashes, in its order."""
        return tuple(one for one in self.arguments if not one.is_option)


_JSON = Argument("--json", "Print the answer as JSON.")
_ACTS = "jupyter_mltrack.verbs.acts"
_SPEC = "local, a folder, sqlite:///..., http(s)://... or a name from mltrack.toml."
_FILTER = "MLflow's filter language, or plain words found in name, notebook or experiment."
_NEW_NAME = "Of the registered model; a new name makes it."
_NEWEST = "NAME/VERSION; NAME means its newest version."
_MODELS = "jupyter_mltrack.verbs.model_acts"
_SUBJECT = "A run, NAME/VERSION or NAME of a model; run: or model: before it says which."
_RUN = "Id, beginning of an id, name, last, last~2, best:METRIC or worst:METRIC."

VERBS: tuple[Verb, ...] = (
    Verb(
        "status",
        "Where runs go, how the workspace is, what runs now and what waits to be sent.",
        (_JSON,),
        (("", "the workspace, running runs and the backlog"),),
        f"{_ACTS}:status",
    ),
    Verb(
        "use",
        "Choose the workspace for the cells that follow.",
        (
            Argument("SPEC", _SPEC, kind="workspace"),
            Argument("--save", "Write it to mltrack.toml under this name and use it.", "NAME"),
            _JSON,
        ),
        (
            ("http://127.0.0.1:5000", "an MLflow server"),
            ("http://127.0.0.1:5000 --save team", "the same, kept as team for the next kernel"),
            ("local", "back to the embedded workspace of this project"),
        ),
        f"{_ACTS}:use",
    ),
    Verb(
        "experiment",
        "Choose the experiment for new runs, or list them; a new one is made with its first run.",
        (
            Argument("NAME", "Its name; without it the experiments are listed.", kind="experiment"),
            Argument("--save", "Write it to mltrack.toml too."),
            _JSON,
        ),
        (("digits", "later runs go to digits"), ("", "the experiments there are")),
        f"{_ACTS}:experiment",
    ),
    Verb(
        "runs",
        "List runs of the current experiment, newest first.",
        (
            Argument("FILTER", _FILTER, rest=True),
            Argument("--sort", "Best value first; -METRIC: worst first.", "METRIC", kind="metric"),
            Argument("--last", "The newest run only."),
            Argument("--all", "Runs of every experiment."),
            Argument("--limit", "How many rows at most; 20 if not said.", "N"),
            _JSON,
        ),
        (
            ("", "the newest 20"),
            ('"metrics.acc > 0.9" --sort loss', "a filter, and the lowest loss first"),
            ("sweep --all", "runs with sweep in their name, of every experiment"),
            ("--last --json", "the newest run, for a program"),
        ),
        f"{_ACTS}:runs",
    ),
    Verb(
        "show",
        "Show one run: status, parameters, newest metrics, tags and where it is kept.",
        (
            Argument("RUN", _RUN, kind="run", required=True),
            _JSON,
        ),
        (("last", "the newest run"), ("best:acc", "the run with the best acc")),
        f"{_ACTS}:show",
    ),
    Verb(
        "register",
        "Make a run's model the next version of a registered model.",
        (
            Argument("RUN", f"{_RUN} RUN/PATH where it logged several.", kind="run", required=True),
            Argument("NAME", _NEW_NAME, kind="model", required=True),
            _JSON,
        ),
        (("last churn", "the newest run's"), ("best:acc/model churn", "its model named model")),
        f"{_MODELS}:register",
    ),
    Verb(
        "models",
        "List registered models; show one with its versions, or a version with its files.",
        (
            Argument("MODEL", "NAME, NAME/VERSION or NAME@ALIAS.", kind="model"),
            Argument("--limit", "How many rows at most; 50 if not said.", "N"),
            _JSON,
        ),
        (("", "all of them"), ("churn", "its versions"), ("churn@champion", "files and signature")),
        f"{_MODELS}:models",
    ),
    Verb(
        "alias",
        "Point an alias at a version of a model, or take it away.",
        (
            Argument("MODEL", _NEWEST, kind="model", required=True),
            Argument("NAME", "The alias.", required=True),
            Argument("--remove", "Take it away."),
            _JSON,
        ),
        (("churn/3 champion", "churn@champion is 3"), ("churn champion --remove", "it is gone")),
        f"{_MODELS}:alias",
    ),
    Verb(
        "tag",
        "Set a tag of a run, a model or a version of a model.",
        (
            Argument("SUBJECT", _SUBJECT, kind="run", required=True),
            Argument("PAIR", "KEY=VALUE.", required=True),
            _JSON,
        ),
        (("last owner=me", "the newest run"), ("churn/3 checked=yes", "a version")),
        f"{_MODELS}:tag",
    ),
    Verb(
        "rm",
        "Delete a run, a model or a version of a model; says what, and asks.",
        (
            Argument("SUBJECT", _SUBJECT, kind="run", required=True),
            Argument("--yes", "The answer, given ahead."),
            _JSON,
        ),
        (("last", "the newest run"), ("churn/3 --yes", "a version, without a question")),
        f"{_MODELS}:rm",
    ),
    Verb(
        "sync",
        "Send what waits on this machine now; end the runs of kernels that are gone.",
        (Argument("--wait", "Stay until all of it is sent or nothing moves any more."), _JSON),
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

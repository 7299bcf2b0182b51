"""Rows of the verbs on registered models and tags; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, NEWEST, RUN, Argument, Verb

_NEW_NAME = "Of the registered model; a new name makes it."
_MODELS = "jupyter_mltrack.verbs.model_acts"
_TAGGED = "A run, NAME/VERSION or NAME of a model; run: or model: before it says which."

MODEL_VERBS = (
    Verb(
        "register",
        "Make a run's model the next version of a registered model.",
        (
            Argument("RUN", f"{RUN} RUN/PATH where it logged several.", kind="run", required=True),
            Argument("NAME", _NEW_NAME, kind="model", required=True),
            JSON,
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
            JSON,
        ),
        (("", "all of them"), ("churn", "its versions"), ("churn@champion", "files and signature")),
        f"{_MODELS}:models",
    ),
    Verb(
        "alias",
        "Point an alias at a version of a model, or take it away.",
        (
            Argument("MODEL", NEWEST, kind="model", required=True),
            Argument("NAME", "The alias.", required=True),
            Argument("--remove", "Take it away."),
            JSON,
        ),
        (("churn/3 champion", "churn@champion is 3"), ("churn champion --remove", "it is gone")),
        f"{_MODELS}:alias",
    ),
    Verb(
        "tag",
        "Set a tag of a run, a model or a version of a model.",
        (
            Argument("SUBJECT", _TAGGED, kind="run", required=True),
            Argument("PAIR", "KEY=VALUE.", required=True),
            JSON,
        ),
        (("last owner=me", "the newest run"), ("churn/3 checked=yes", "a version")),
        f"{_MODELS}:tag",
    ),
)  # fmt: skip

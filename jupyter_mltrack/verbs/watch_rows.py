"""Rows of the verbs that score data and watch models; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, NEWEST, Argument, Verb

_WATCHES = "jupyter_mltrack.verbs.watch_acts"
_NEW_DATA = "A variable, a path or address of files, or an endpoint of this machine."
_SCORES = "jupyter_mltrack.verbs.score_acts"
_DATA = "A variable, a path or address (CSV, Parquet, JSON, Arrow); with spark also a table."
_OUT = "A path (.parquet, .csv) or a variable; with spark also a folder or a table."

WATCH_VERBS = (
    Verb(
        "score",
        "Write a model's predictions for all rows of data to a file or a variable; it is a run.",
        (
            Argument("MODEL", NEWEST, kind="model", required=True),
            Argument("--data", _DATA, "DATA", kind="data", required=True),
            Argument("--out", _OUT, "OUT", kind="out", required=True),
            Argument("--on", "local or spark; local if not said.", "PLACE", kind="local|spark"),
            Argument("--columns", "Of the data, for the output; all if not said.", "A,B"),
            Argument("--batch-rows", "Rows at a time; follows from their size.", "N"),
            Argument("--trust", "Load a model that was not made here."),
            JSON,
        ),
        (
            ("churn --data customers.parquet --out scores.parquet", "file to file"),
            ("churn/3 --data frame --out scored", "variable to variable"),
            ("churn --data db.customers --on spark --out db.scores", "table to table"),
        ),
        f"{_SCORES}:score",
    ),
    Verb(
        "monitor",
        "Show requests, errors, latency and predictions of an endpoint over time.",
        (
            Argument("ENDPOINT", "Its name.", kind="endpoint", required=True),
            Argument("--window", "How far back: 15m, 1h, 7d; 1h if not said.", "SPAN"),
            Argument(
                "--every", "In Azure: watch it for drift; off ends it.", "SPAN",
                kind="hour|day|week|off",
            ),
            Argument("--reference", "In Azure: data to compare with.", "STORE/PATH"),
            Argument("--now", "In Azure: have the schedule run at once."),
            JSON,
        ),
        (("churn-local", "the last hour"), ("churn-local --window 7d", "the last week")),
        f"{_WATCHES}:monitor",
    ),
    Verb(
        "drift",
        "Compare new data with a model's training data, column by column; the report is a run.",
        (
            Argument("MODEL", NEWEST, kind="model", required=True),
            Argument("--data", _NEW_DATA, "DATA", kind="data", required=True),
            Argument("--reference", "Not the training data: data or a run.", "DATA", kind="data"),
            Argument("--truth", "True values with an id: quality metrics.", "DATA", kind="data"),
            Argument("--id", "Column that joins the truth; the request's id if none.", "COLUMN"),
            Argument("--alpha", "Chance of even one false alarm; 0.05 if not said.", "A"),
            Argument("--effect", "Least effect that counts; 0.1 if not said.", "E"),
            Argument("--columns", "Only these; the model's inputs if not said.", "A,B"),
            Argument("--window", "Of an endpoint's log the last part: 1h, 7d.", "SPAN"),
            Argument("--trust", "Load a model that was not made here, for its predictions."),
            JSON,
        ),
        (("churn --data new.parquet", "a file"), ("churn/3 --data churn-local", "an endpoint")),
        f"{_WATCHES}:drift",
    ),
)  # fmt: skip

"""Rows of the verbs on endpoints and jobs; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, YES, Argument, Verb

_MODELS = "jupyter_mltrack.verbs.model_acts"
_SUBJECT = "A run, a model, NAME/VERSION, an endpoint or job:JOB; run:, model: before it says."
_JOBS = "jupyter_mltrack.verbs.job_acts"
_ENDED_SUBJECT = "The endpoint or the job; job: before it says that it is one."
_LOGGED_SUBJECT = "ENDPOINT, ENDPOINT/VERSION or a job; job: before it says that it is one."
_DEPLOYS = "jupyter_mltrack.verbs.deploy_acts"
_ENDPOINTS = "jupyter_mltrack.verbs.endpoint_acts"
_ASKED = "A variable, a path (CSV, Parquet, JSON), or the JSON of a request."
_BACKEND = "process or azureml:CLUSTER; process if not said."

DEPLOY_VERBS = (
    Verb(
        "deploy",
        "Deploy a model and wait for its first prediction; one version beside others if told so.",
        (
            Argument("MODEL", "NAME, NAME/VERSION or NAME@ALIAS.", kind="model", required=True),
            Argument(
                "--to", "local, docker, azureml or another target; local if not said.", "TARGET"
            ),
            Argument("--name", "Of the endpoint; made from the model's if not said.", "NAME"),
            Argument("--traffic", "Percent that it answers, beside other versions.", "P"),
            Argument("--shadow", "It gets copies of requests; its answers are only kept."),
            Argument("--trust", "Run a model that was not made here."),
            Argument("--yes", "It may cost money; the answer, given ahead."),
            JSON,
        ),
        (
            ("churn", "the newest version on this machine, as churn-local"),
            ("churn@champion --name churn --replicas 2", "a version, a name, an option of local"),
            ("churn/6 --traffic 10", "a second version beside the first"),
            ("churn --to azureml --instance-type Standard_DS3_v2", "managed, in Azure ML; asks"),
        ),
        f"{_DEPLOYS}:deploy",
        other_options="TARGET",
    ),
    Verb(
        "submit",
        "Run a script elsewhere as a run of its own; this machine may be closed meanwhile.",
        (
            Argument("FILE", "A Python script, or a notebook for this machine.", required=True),
            Argument("ARGS", "After --, as they would be typed.", rest=True),
            Argument("--on", _BACKEND, "BACKEND", kind="backend"),
            Argument("--name", "Of the run; the script's if not said.", "NAME"),
            Argument("--experiment", "Of the run.", "E", kind="experiment"),
            Argument("--wait", "Stay until it has ended."),
            Argument("--yes", "Send more than 100 MB of files without a question."),
            JSON,
        ),
        (
            ("train.py --on process -- --lr 0.01", "a process of this machine"),
            ("train.ipynb -- -p lr=0.01", "a notebook with another parameter"),
            ("train.py --on azureml:cpu-cluster --env conda.yaml", "a cluster of the workspace"),
        ),
        f"{_JOBS}:submit",
        other_options="BACKEND",
    ),
    Verb(
        "jobs",
        "List jobs with their state, or show one; bring back what it returned.",
        (
            Argument("JOB", "Id, beginning of an id, name, or last.", kind="job"),
            Argument("--wait", "Stay until it has ended."),
            Argument("--get", "Bring the names that it returned into the notebook."),
            JSON,
        ),
        (("", "all of them"), ("last --wait --get", "wait for the newest, take its results")),
        f"{_JOBS}:jobs",
    ),
    Verb(
        "endpoints",
        "List endpoints with state, versions, requests and latency, or show one.",
        (Argument("NAME", "One endpoint.", kind="endpoint"), JSON),
        (("", "all of them"), ("churn-local", "the versions behind it")),
        f"{_ENDPOINTS}:endpoints",
    ),
    Verb(
        "predict",
        "Ask an endpoint.",
        (
            Argument("ENDPOINT", "Its name.", kind="endpoint", required=True),
            Argument("--data", _ASKED, "DATA", kind="data", required=True),
            JSON,
        ),
        (("churn-local --data frame", "a variable"), ("churn-local --data new.csv", "a file")),
        f"{_ENDPOINTS}:predict",
    ),
    Verb(
        "traffic",
        "Share an endpoint's requests out over its versions: promote, roll back, shadow.",
        (
            Argument("ENDPOINT", "Its name.", kind="endpoint", required=True),
            Argument("SHARES", "VERSION=PERCENT, together 100; VERSION=shadow.", rest=True),
            JSON,
        ),
        (
            ("churn-local 5=90 6=10", "a tenth to version 6"),
            ("churn-local 6=100", "promote 6; 5=100 rolls back"),
            ("churn-local 6=shadow", "copies only"),
        ),
        f"{_ENDPOINTS}:traffic",
    ),
    Verb(
        "logs",
        "Show the last lines that an endpoint or a job wrote.",
        (
            Argument("SUBJECT", _LOGGED_SUBJECT, kind="endpoint", required=True),
            Argument("--follow", "Go on until interrupted."),
            Argument("--lines", "How many; 50 if not said.", "N"),
            JSON,
        ),
        (("churn-local", "the last 50"), ("churn-local/6 --follow", "as they come")),
        f"{_ENDPOINTS}:logs",
    ),
    Verb(
        "stop",
        "End a job, or an endpoint's processes; its name, address and token are kept. Asks.",
        (
            Argument("SUBJECT", _ENDED_SUBJECT, kind="endpoint", required=True),
            YES,
            JSON,
        ),
        (("churn-local", "deploy starts it again"), ("job:last --yes", "the newest job")),
        f"{_ENDPOINTS}:stop",
    ),
    Verb(
        "rm",
        "Delete a run, a model or a version of it, an endpoint or a job; says what, and asks.",
        (
            Argument("SUBJECT", _SUBJECT, kind="run", required=True),
            YES,
            JSON,
        ),
        (("last", "the newest run"), ("churn/3 --yes", "a version, without a question")),
        f"{_MODELS}:rm",
    ),
    Verb(
        "keys",
        "Put an endpoint's key into a private file and say where; the key itself is not shown.",
        (
            Argument("ENDPOINT", "Its name.", kind="endpoint", required=True),
            Argument(
                "--regenerate", "Have it made anew first; the old one ends. Asks.", "KEY",
                kind="primary|secondary",
            ),
            YES,
            JSON,
        ),
        (("churn-azureml", "for curl and other programs"),),
        f"{_ENDPOINTS}:keys",
    ),
)  # fmt: skip

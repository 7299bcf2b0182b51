"""Rows of the verbs on workspaces and runs; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, RUN, Argument, Verb

_ACTS = "jupyter_mltrack.verbs.acts"
_COMPARES = "jupyter_mltrack.verbs.compare_acts"
_SPEC = "local, a folder, sqlite:///..., http(s)://..., azureml[:NAME] or a name from mltrack.toml."
_CONNECTS = "jupyter_mltrack.verbs.connect_acts"
_FILTER = "MLflow's filter language, or plain words found in name, notebook or experiment."

RUN_VERBS = (
    Verb(
        "status",
        "Where runs go, how the workspace is, what runs now and what waits to be sent.",
        (JSON,),
        (("", "the workspace, running runs and the backlog"),),
        f"{_ACTS}:status",
    ),
    Verb(
        "use",
        "Choose the workspace for the cells that follow.",
        (
            Argument("SPEC", _SPEC, kind="workspace"),
            Argument("--save", "Write it to mltrack.toml under this name and use it.", "NAME"),
            Argument("--subscription", "Of an Azure ML workspace.", "ID"),
            Argument("--resource-group", "Of an Azure ML workspace.", "GROUP"),
            Argument("--workspace", "Name of an Azure ML workspace.", "NAME"),
            Argument("--list", "Show the Azure ML workspaces that the account sees."),
            JSON,
        ),
        (
            ("http://127.0.0.1:5000", "an MLflow server"),
            ("http://127.0.0.1:5000 --save team", "the same, kept as team for the next kernel"),
            ("azureml", "the Azure ML workspace that config.json names, or one you pick"),
            ("azureml --list", "the Azure ML workspaces that the account sees"),
            ("local", "back to the embedded workspace of this project"),
        ),
        f"{_ACTS}:use",
    ),
    Verb(
        "login",
        "Sign in to Azure, or say who is signed in already.",
        (
            Argument("SPEC", "An Azure ML workspace, as in use.", kind="workspace"),
            Argument("--device-code", "Enter a code on a page, on any machine."),
            Argument("--browser", "Open a browser on this machine."),
            Argument("--service-principal", "Of AZURE_TENANT_ID, AZURE_CLIENT_ID and its secret."),
            Argument("--managed-identity", "Of this machine of Azure."),
            Argument("--cli", "Of az login."),
            Argument("--tenant", "The organisation, by id or domain.", "ID"),
            JSON,
        ),
        (("", "with what this machine offers, else by hand"), ("--device-code", "by hand")),
        f"{_CONNECTS}:login",
    ),
    Verb(
        "logout",
        "Forget the sign-in that was made with login.",
        (JSON,),
        (("", "tokens are removed from memory and key ring"),),
        f"{_CONNECTS}:logout",
    ),
    Verb(
        "experiment",
        "Choose the experiment for new runs, or list them; a new one is made with its first run.",
        (
            Argument("NAME", "Its name; without it the experiments are listed.", kind="experiment"),
            Argument("--save", "Write it to mltrack.toml too."),
            JSON,
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
            JSON,
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
            Argument("RUN", RUN, kind="run", required=True),
            JSON,
        ),
        (("last", "the newest run"), ("best:acc", "the run with the best acc")),
        f"{_ACTS}:show",
    ),
    Verb(
        "diff",
        "Show what differs between two runs: parameters, metrics, packages, git, source.",
        (
            Argument("RUN", RUN, kind="run", required=True),
            Argument("OTHER", "The other run, said likewise.", kind="run", required=True),
            JSON,
        ),
        (("last~1 last", "the last two runs"), ("best:acc last --json", "for a program")),
        f"{_COMPARES}:diff",
    ),
    Verb(
        "compare",
        "Show runs side by side: the parameters and metrics in which they differ.",
        (
            Argument("RUN", "Two or more, each as in show.", kind="run", required=True, rest=True),
            Argument("--all", "What is the same in all of them, too."),
            JSON,
        ),
        (("last last~1 best:acc", "three runs"), ("sweep-1 sweep-2 --all", "every row")),
        f"{_COMPARES}:compare",
    ),
)  # fmt: skip

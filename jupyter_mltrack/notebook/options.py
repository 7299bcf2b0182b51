"""The options of `%%track`, in one table: the parser, the help, the completion and the README.

Imported when the extension is loaded, so it imports nothing of weight.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class TrackOption(NamedTuple):
    """One option: how it is written, what it does, its parser's settings, what completes it."""

    usage: str
    help: str
    flags: tuple[str, ...]
    settings: dict[str, Any]
    kind: str = ""


TRACK_OPTIONS: tuple[TrackOption, ...] = (
    TrackOption(
        "NAME",
        "Name of the run; quote it when it holds spaces. The cell run again is a new run of it.",
        ("name",),
        {"nargs": "?", "metavar": "NAME"},
    ),
    TrackOption(
        "--experiment E",
        "Experiment for the run; made when there is none of this name.",
        ("--experiment",),
        {"metavar": "E"},
        "experiment",
    ),
    TrackOption(
        "--tag K=V",
        "Tag of the run; may be said more than once.",
        ("--tag",),
        {"metavar": "K=V", "action": "append", "default": []},
    ),
    TrackOption(
        "--param NAME|auto|none",
        "Record this variable as a parameter when the cell ends; auto, the default, adds the "
        "literal assignments of the cell (lr = 0.01) and of cells that are tagged `parameters`; "
        "none leaves them out.",
        ("--param",),
        {"metavar": "NAME", "action": "append", "default": []},
        "param",
    ),
    TrackOption(
        "--metric NAME=EXPR|auto|none",
        "Evaluate EXPR when the cell has succeeded and log it as this metric; auto, the default, "
        "takes a number, or a dict of numbers, that is the cell's last value; none does not.",
        ("--metric",),
        {"metavar": "NAME=EXPR", "action": "append", "default": []},
    ),
    TrackOption(
        "--nested",
        "Make the run a child of the run that is active.",
        ("--nested",),
        {"action": "store_true"},
    ),
    TrackOption(
        "--parent RUN",
        "Make the run a child of this run.",
        ("--parent",),
        {"metavar": "RUN"},
        "run",
    ),
    TrackOption(
        "--resume RUN",
        "Go on with this run and make no new one.",
        ("--resume",),
        {"metavar": "RUN"},
        "run",
    ),
    TrackOption(
        "--autolog, --no-autolog",
        "Switch MLflow's autologging on or off for this cell.",
        ("--autolog",),
        {"action": "boolean"},
    ),
    TrackOption(
        "--system-metrics",
        "Record CPU, memory, disk and network of the machine while the cell runs.",
        ("--system-metrics",),
        {"action": "store_true", "default": None},
    ),
    TrackOption(
        "--without PART",
        "Do not remember this part: source, cells, environment, git, output, figures, data or "
        "order; several with commas between them.",
        ("--without",),
        {"metavar": "PART", "action": "append", "default": []},
        "source|cells|environment|git|output|figures|data|order",
    ),
    TrackOption(
        "--alert COND",
        'Tell in JupyterLab when COND comes true: "loss > 5", "nan acc", "stalled 10m"; nan of a '
        "main metric is told anyway, unless COND is none. May be said more than once.",
        ("--alert",),
        {"metavar": "COND", "action": "append", "default": []},
    ),
    TrackOption(
        "--on BACKEND",
        "Run the cell elsewhere as a job: process (a process of this machine) or azureml:CLUSTER. "
        "The notebook stays free; the names that the cell uses go along.",
        ("--on",),
        {"metavar": "BACKEND"},
        "backend",
    ),
    TrackOption(
        "--return NAME",
        "Bring this name back into the notebook when the job has ended; may be said more than "
        "once. With --on.",
        ("--return",),
        {"metavar": "NAME", "action": "append", "default": [], "dest": "returns"},
    ),
    TrackOption(
        "--inputs NAME=PATH",
        "Data for the job: the cell finds its path in the variable NAME. With azureml a datastore "
        "path, azureml:ASSET:VERSION or a folder of this machine. With --on.",
        ("--inputs",),
        {"metavar": "NAME=PATH", "action": "append", "default": []},
    ),
    TrackOption(
        "--env ENVIRONMENT",
        "Environment of the job: conda.yaml, an image, or one of the workspace. With --on azureml.",
        ("--env",),
        {"metavar": "ENVIRONMENT"},
    ),
    TrackOption(
        "--instances N",
        "How many machines. With --on azureml.",
        ("--instances",),
        {"metavar": "N"},
    ),
    TrackOption(
        "--distribution pytorch|mpi",
        "How processes on the machines find each other. With --on azureml.",
        ("--distribution",),
        {"metavar": "pytorch|mpi"},
        "pytorch|mpi",
    ),
    TrackOption(
        "--code FOLDER",
        "Folder whose files travel; the notebook's if not said, none for none. With --on azureml.",
        ("--code",),
        {"metavar": "FOLDER"},
    ),
    TrackOption(
        "--yes",
        "Send more than 100 MB of files without a question. With --on azureml.",
        ("--yes",),
        {"action": "store_true"},
    ),
    TrackOption(
        "--quiet",
        "Print no line when the cell ends.",
        ("--quiet",),
        {"action": "store_true", "default": None},
    ),
)  # fmt: skip


def flags() -> tuple[str, ...]:
    """All options as they are typed."""
    found: list[str] = []
    for option in TRACK_OPTIONS:
        found += [flag for flag in option.flags if flag.startswith("--")]
        if option.settings.get("action") == "boolean":
            found.append("--no-" + option.flags[0].removeprefix("--"))
    return tuple(found)

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
        "literal assignments of the cell (lr = 0.01); none leaves them out.",
        ("--param",),
        {"metavar": "NAME", "action": "append", "default": []},
        "param",
    ),
    TrackOption(
        "--metric NAME=EXPR",
        "Evaluate EXPR when the cell has succeeded and log it as this metric.",
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

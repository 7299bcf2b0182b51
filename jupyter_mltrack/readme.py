"""The tables of the README, made from the tables in the code.

`python -m jupyter_mltrack.readme README.md` writes them anew between their marks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jupyter_mltrack.verbs.table import VERBS

CURE = "make docs"


def verbs_table() -> str:
    """The verbs of `%mltrack`."""
    rows = [
        [
            f"`{_escaped(verb.usage())}`",
            verb.help + (" In a notebook only." if verb.notebook_only else ""),
        ]
        for verb in VERBS
    ]
    return _markdown(("verb", "what it does"), rows)


def track_table() -> str:
    """The options of `%%track`."""
    from jupyter_mltrack.notebook.options import TRACK_OPTIONS

    rows = [[f"`{_escaped(option.usage)}`", option.help] for option in TRACK_OPTIONS]
    return _markdown(("option", "what it does"), rows)


def config_table() -> str:
    """The options of `%config MLTrack`."""
    from jupyter_mltrack.notebook.magics import UNSAID, MLTrack

    rows = [
        [f"`MLTrack.{name}`", trait.help.removesuffix(UNSAID).rstrip()]
        for name, trait in sorted(MLTrack.class_own_traits(config=True).items())
    ]
    return _markdown(("option", "what it does"), rows)


def with_tables(readme: str) -> str:
    """The README with each table between its marks made anew."""
    for name, table in (("verbs", verbs_table), ("track", track_table), ("config", config_table)):
        first, last = f"<!-- {name}: made by `{CURE}` -->\n", f"\n<!-- end {name} -->"
        head, _, rest = readme.partition(first)
        _, _, tail = rest.partition(last)
        readme = f"{head}{first}\n{table()}{last}{tail}"
    return readme


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text()))

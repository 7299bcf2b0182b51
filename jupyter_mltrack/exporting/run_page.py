"""A run as one page of HTML that stands alone: no script, no request to anywhere.

Light or dark follows the reader's system; each text that came from elsewhere is escaped.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.exporting import run_figures
from jupyter_mltrack.exporting.run_parts import facts, stored_results
from jupyter_mltrack.render import Column, pairs, table

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.render import View
    from jupyter_mltrack.workspaces import Workspace

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
pre { padding: .75rem 1rem; overflow-x: auto; border: 1px solid #8884; border-radius: 6px; }
pre, td { font: 13px/1.5 ui-monospace, monospace; }
td { overflow-wrap: anywhere; }
th { text-align: left; font-weight: 600; }
th, td { border-bottom: 1px solid #8883; }
figure { margin: 0 0 1rem; }
figure img { max-width: 100%; background: #fff; }
figcaption { font-size: 13px; opacity: .8; overflow-wrap: anywhere; }
details > summary { cursor: pointer; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def text_of(
    detail: wire.RunDetail, about: wire.RunAbout, workspace: Workspace, view: View | None
) -> str:
    """The page; `view` is its results, None takes those of its store."""
    run = detail.summary
    shown = (view or stored_results(workspace, detail)) if run.metrics else None
    sections = [
        _table_of(facts(detail, about)),
        _section("Metrics", shown.html if shown else ""),
        _section("Parameters", _table_of([(one.key, one.value) for one in detail.params])),
        _section("Figures", run_figures.html_of(detail, workspace)),
        _section("Data", _data(about.data)),
        _section("Source", _code(about.source)),
        _section("Uncommitted changes", _folded("What git does not have", about.git_diff)),
        _section("Environment", _environment(about)),
    ]
    title = escape(clean(run.name))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n" + "\n".join(filter(None, sections)) + "\n</body>\n</html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}" if content else ""


def _table_of(rows: list[tuple[str, str]]) -> str:
    return pairs("", rows).html if rows else ""


def _data(data: list[wire.DataInfo]) -> str:
    rows = [
        [one.name, " x ".join(f"{length:,}" for length in one.shape), one.digest,
         " · ".join(filter(None, (one.context, one.note)))]
        for one in data
    ]  # fmt: skip
    heads = [Column("data"), Column("shape"), Column("digest"), Column("")]
    return table(heads, rows).html if rows else ""


def _code(text: str) -> str:
    return f"<pre>{escape(clean_lines(text))}</pre>" if text.strip() else ""


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>{_code(text)}</details>" if text.strip() else ""


def clean_lines(text: str) -> str:
    """The text without characters that a reader would not see."""
    return "\n".join(clean(line.expandtabs(4)) for line in text.split("\n"))


def _environment(about: wire.RunAbout) -> str:
    rows = [("python", about.python), ("platform", about.platform)]
    rows += [(one.key, one.value) for one in about.hardware]
    shown = _table_of([row for row in rows if row[1]])
    packages = "\n".join(f"{one.key}=={one.value}" for one in about.packages)
    return shown + _folded(f"{len(about.packages)} packages", packages)

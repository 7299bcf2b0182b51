"""What the words of a `%%track` header say, checked; a wrong one is told in two lines."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mltrack.notebook.options import flags


def parsed(magic: Any, line: str) -> argparse.Namespace:
    """The words of a header.

    Raises:
        UsageError: one is not known, or has no value.
    """
    from IPython.core.error import UsageError as IPythonUsageError

    from jupyter_mltrack.display_text import clean
    from jupyter_mltrack.errors import UsageError
    from jupyter_mltrack.verbs.table import nearest

    try:
        said: argparse.Namespace = magic.parser.parse_argstring(line)
    except (IPythonUsageError, ValueError) as error:
        text = clean(str(error)).strip()
        wrong = next(
            (
                word.split("=")[0]
                for word in line.split()
                if word.startswith("--") and word.split("=")[0] not in flags()
            ),
            "",
        )
        near = nearest(wrong, flags()) if wrong else ""
        if text.startswith("unrecognized arguments: ") and not wrong:
            hint = 'Quote a name that holds spaces: %%track "my run". All options: %%track?'
        else:
            hint = (
                f"Did you mean {near}? All options: %%track?" if near else "All options: %%track?"
            )
        raise UsageError(f"%%track: {text}.", hint) from None
    for field, value in vars(said).items():
        setattr(said, field, _bare(value))
    return said


def _bare(value: Any) -> Any:
    """A word without the quotes that held it together; IPython's parser leaves them on."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    quoted = (
        isinstance(value, str) and len(value) > 1 and value[0] in "'\"" and value[0] == value[-1]
    )
    return value[1:-1] if quoted else value


def left_out(words: list[str]) -> dict[str, bool]:
    """The parts that `--without` names.

    Raises:
        UsageError: there is no such part.
    """
    from jupyter_mltrack.errors import UsageError
    from jupyter_mltrack.settings import KEPT_PARTS

    found: dict[str, bool] = {}
    for part in (one.strip() for word in words for one in word.split(",")):
        if part not in KEPT_PARTS:
            raise UsageError(
                f"%%track: --without {part[:40]!r} is nothing that a run remembers.",
                f"It remembers {', '.join(KEPT_PARTS)}.",
            )
        found[part] = False
    return found


def refuse_two(said: argparse.Namespace) -> None:
    """Refuse two ways to say which run a cell is.

    Raises:
        UsageError: there are two.
    """
    from jupyter_mltrack.errors import UsageError

    chosen = [f"--{name}" for name in ("nested", "parent", "resume") if getattr(said, name)]
    if len(chosen) > 1:
        raise UsageError(
            f"%%track: {' and '.join(chosen)} exclude each other.",
            f"Keep one of them; the run is {chosen[0]} or the other.",
        )


def refuse_job_options(said: argparse.Namespace) -> None:
    """Refuse what only a job can do.

    Raises:
        UsageError: it is asked of a cell that runs here.
    """
    from jupyter_mltrack.errors import UsageError

    chosen = [
        flag
        for flag, value in (
            ("--return", said.returns), ("--inputs", said.inputs), ("--env", said.env),
            ("--instances", said.instances), ("--distribution", said.distribution),
            ("--code", said.code),
        )
        if value
    ]  # fmt: skip
    if chosen:
        raise UsageError(
            f"%%track: {chosen[0]} is for a cell that runs elsewhere.", "Add --on process"
        )


def pair(option: str, text: str, example: str = "owner=me") -> tuple[str, str]:
    """Name and value of `K=V`.

    Raises:
        UsageError: it has none.
    """
    from jupyter_mltrack.display_text import clean
    from jupyter_mltrack.errors import UsageError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"%%track: {option} {clean(text)!r} has no name and value.",
            f"Write it like {option} {example}",
        )
    return key.strip(), value


def metric(text: str) -> tuple[str, str]:
    """Name and expression of `NAME=EXPR`.

    Raises:
        UsageError: it is no expression.
    """
    from jupyter_mltrack.errors import UsageError

    name, expression = pair("--metric", text, "acc=model.score(X,y)")
    try:
        compile(expression.strip(), "<metric>", "eval")
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"%%track: --metric {name} is no expression: {expression.strip()!r}.",
            "Write it like --metric acc=model.score(X,y), in quotes if it holds spaces.",
        ) from error
    return name, expression.strip()

"""From words to what is shown: the way that a magic and the command line share."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.render import View
from jupyter_mltrack.verbs import function_of
from jupyter_mltrack.verbs.parsing import Call, Word, parse, split_line

_KEPT = "Kept in the project's settings file."
_NOT_KEPT = "Nothing was changed for later commands and kernels: --save keeps it."


def answer(line: str, namespace: dict[str, Any] | None = None) -> View:
    """Do what a line after `%mltrack` says and return what to show.

    Args:
        line: the words.
        namespace: the notebook's variables, which data and results may be.

    Raises:
        MltrackError: it cannot be done; message and hint say why and what to do.
    """
    call = parse(split_line(line))
    return shown(call if namespace is None else _with_variables(call, namespace))


def _with_variables(call: Call, namespace: dict[str, Any]) -> Call:
    """The call with the notebook's variables in place of their names."""
    keywords = dict(call.keywords)
    for argument in call.verb.arguments:
        word = keywords.get(argument.field)
        if argument.kind not in ("data", "out") or not isinstance(word, str):
            continue
        from jupyter_mltrack.scoring.data import NamedData, OutVariable

        if argument.kind == "data" and word in namespace:
            keywords[argument.field] = NamedData(namespace[word], word)
        elif argument.kind == "out" and word.isidentifier():
            keywords[argument.field] = OutVariable(word, namespace)
    return Call(call.verb, keywords, call.as_json)


def answer_words(words: list[str]) -> View:
    """The same for the words that a terminal has split already."""
    call = parse([Word(word, word) for word in words])
    if call.verb.notebook_only:
        raise UsageError(
            f"{call.verb.name} works in a notebook only.",
            f"Type it in a cell: %mltrack {call.verb.name}",
        )
    if call.verb.name == "help":
        from jupyter_mltrack.verbs.docs import help_text
        from jupyter_mltrack.verbs.table import find_verb
        from jupyter_mltrack.verbs.views import view

        name = call.keywords.get("verb")
        return view(help_text(find_verb(name) if name else None, "jupyter mltrack"))
    found = shown(call)
    chosen = call.keywords.get("spec") or call.keywords.get("name")
    if chosen and call.verb.name in ("use", "experiment") and not call.as_json:
        from jupyter_mltrack.render import note

        found += note(_KEPT if call.keywords.get("save") else _NOT_KEPT)
    return found


def shown(call: Call) -> View:
    """Call the verb's function and draw its answer."""
    found: Any = function_of(call.verb)(**call.keywords)
    if call.as_json:
        return _json(found)
    from jupyter_mltrack.verbs.views import view

    return view(found)


def _json(found: Any) -> View:
    """The struct as strict JSON: no NaN, and characters that a terminal would obey are escaped."""
    from html import escape

    import msgspec

    compact = msgspec.json.encode(found)
    text = msgspec.json.format(compact, indent=2).decode()
    text = "".join(
        character if character.isprintable() or character == "\n" else _escaped(character)
        for character in text
    )
    return View(text, f"<pre>{escape(text)}</pre>")


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"

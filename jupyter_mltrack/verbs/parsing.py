"""Words typed after `%mltrack` or `jupyter mltrack`, read by the table of verbs.

Not argparse: a filter such as ``params.lr = '0.01'`` must arrive with its quotes, and a wrong
word must be answered by two lines that name it and what was probably meant.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.verbs.rows import Argument, Verb
from jupyter_mltrack.verbs.table import find_verb, nearest

_ATTEMPT = re.compile(r"\(\d+\)\Z")


class Word(NamedTuple):
    """One word: as it was typed, and without its quotes."""

    raw: str
    text: str


class Call(NamedTuple):
    """A verb with the keywords for its function; `as_json` says how to print the answer."""

    verb: Verb
    keywords: dict[str, Any]
    as_json: bool


def split_line(line: str) -> list[Word]:
    """The words of a line; quotes hold a word together, a backslash quotes one character.

    Raises:
        UsageError: a quotation mark has no partner.
    """
    words: list[Word] = []
    raw = text = quote = ""
    began = False
    at = 0
    while at < len(line):
        character = line[at]
        at += 1
        if quote:
            raw += character
            if character == quote:
                quote = ""
            else:
                text += character
        elif character.isspace():
            if began:
                words.append(Word(raw, text))
            raw = text = ""
            began = False
        else:
            began = True
            raw += character
            if character in "'\"":
                quote = character
            elif character == "\\" and at < len(line):
                raw += line[at]
                text += line[at]
                at += 1
            else:
                text += character
    if quote:
        raise UsageError(f"A {quote} has no partner: {clean(raw)}", "Close the quotation.")
    if began:
        words.append(Word(raw, text))
    return words


def quoted(text: str) -> str:
    """The text as `split_line` takes it for one word."""
    if text and not any(one.isspace() or one in "'\"\\" for one in text):
        return text
    for quote in "\"'":
        if quote not in text:
            return f"{quote}{text}{quote}"
    return "".join(one if one.isalnum() else f"\\{one}" for one in text)


def _with_attempts(words: list[Word]) -> list[Word]:
    """The words, `train (2)` as one: lists show the attempts of a cell like that."""
    found: list[Word] = []
    for word in words:
        if found and _ATTEMPT.match(word.raw):
            text = f"{found[-1].text} {word.text}"
            found[-1] = Word(quoted(text), text)
        else:
            found.append(word)
    return found


def parse(words: list[Word]) -> Call:
    """The verb and its keywords; no words at all mean `status`.

    Raises:
        UsageError: a word or option that the verb does not have, or one that is missing.
    """
    if not words:
        words = [Word("status", "status")]
    verb = find_verb("help" if words[0].text in ("-h", "--help") else words[0].text)
    keywords: dict[str, Any] = {}
    loose: list[Word] = []
    rest = words[1:]
    only_words = False
    while rest:
        word = rest.pop(0)
        is_short = word.raw.startswith("-") and verb.option(word.raw) is not None
        if only_words or not (word.raw.startswith("--") or is_short):
            loose.append(word)
        elif word.raw == "--":
            only_words = True
        else:
            _take_option(verb, word, rest, keywords)
    if keywords.pop("help", False):
        return Call(find_verb("help"), {"verb": verb.name}, as_json=False)
    _take_words(verb, loose, keywords)
    for option in verb.arguments:
        if option.is_option and option.required and option.field not in keywords:
            raise UsageError(f"{verb.name} needs {option.name}: {option.help}", _usage(verb))
    return Call(verb, keywords, bool(keywords.pop("json", False)))


def _take_option(verb: Verb, word: Word, rest: list[Word], keywords: dict[str, Any]) -> None:
    name, equals, inline = word.text.partition("=")
    if name == "--help":
        keywords["help"] = True
        return
    option = verb.option(name)
    if option is None and verb.other_options and name[2:].replace("-", "").isidentifier():
        takes = rest and not equals and not rest[0].raw.startswith("--")
        field = name[2:].replace("-", "_").lower()
        keywords[field] = inline if equals else rest.pop(0).text if takes else "on"
        return
    if option is None:
        known = [one.name for one in verb.arguments if one.is_option]
        near = nearest(name, known)
        options = f"Options: {', '.join(known)}." if known else "It has no options."
        raise UsageError(
            f"{verb.name} has no option {clean(name)}.",
            f"Did you mean {near}? {options}" if near else options,
        )
    if not option.value:
        if equals:
            raise UsageError(f"{name} takes no value.", _usage(verb))
        keywords[option.field] = True
        return
    if not equals:
        if not rest or rest[0].raw.startswith("--"):
            raise UsageError(f"{name} needs a value: {name} {option.value}.", _usage(verb))
        inline = rest.pop(0).text
    value = _checked(verb, option, inline)
    if option.many:
        keywords.setdefault(option.field, []).append(value)
    else:
        keywords[option.field] = value


def _take_words(verb: Verb, loose: list[Word], keywords: dict[str, Any]) -> None:
    if any(argument.kind == "run" for argument in verb.words):
        loose = _with_attempts(loose)
    for argument in verb.words:
        if argument.rest and loose and argument.kind == "run":
            keywords[argument.field] = [word.text for word in loose]
            loose = []
        elif argument.rest and loose:
            keywords[argument.field] = (
                loose[0].text if len(loose) == 1 else " ".join(word.raw for word in loose)
            )
            loose = []
        elif loose:
            keywords[argument.field] = _checked(verb, argument, loose.pop(0).text)
        elif argument.required:
            raise UsageError(f"{verb.name} needs {argument.name}: {argument.help}", _usage(verb))
    if loose:
        raise UsageError(
            f"{verb.name} does not take {clean(loose[0].text)!r}.",
            _usage(verb) + " (quote a name that holds spaces)",
        )


def _checked(verb: Verb, argument: Argument, text: str) -> str:
    allowed = argument.kind.split("|") if "|" in argument.kind else []
    if allowed and text not in allowed:
        usage = f"{argument.name} {argument.kind}" if argument.is_option else argument.kind
        raise UsageError(f"{verb.name} does not take {clean(text)!r}.", _usage(verb, usage))
    return text


def _usage(verb: Verb, words: str = "") -> str:
    return f"Write: {verb.name} {words}" if words else f"Write: {verb.usage()}"

"""The README's tables and the help texts, made from the tables in the code."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mltrack.verbs.table import VERBS, Verb


def verbs_markdown() -> str:
    """The table of verbs, as the README carries it."""
    rows = [
        [
            f"`{_escaped(verb.usage())}`",
            verb.help + (" In a notebook only." if verb.notebook_only else ""),
        ]
        for verb in VERBS
    ]
    return _markdown(("verb", "what it does"), rows)


def track_markdown() -> str:
    """The table of the options of `%%track`, as the README carries it."""
    from jupyter_mltrack.notebook.options import TRACK_OPTIONS

    rows = [[f"`{_escaped(option.usage)}`", option.help] for option in TRACK_OPTIONS]
    return _markdown(("option", "what it does"), rows)


def config_markdown() -> str:
    """The table of `%config MLTrack`, as the README carries it."""
    from jupyter_mltrack.notebook.magics import MLTrack

    rows = []
    for name, trait in sorted(MLTrack.class_own_traits(config=True).items()):
        rows.append([f"`MLTrack.{name}`", f"`{trait.default()!r}`", trait.help])
    return _markdown(("option", "default", "what it does"), rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def help_text(verb: Verb | None, prefix: str) -> str:
    """Help for one verb, or the list of all. `prefix` is what is typed before a verb."""
    if verb is None:
        wide = max(len(one.name) for one in VERBS)
        lines = [f"{prefix} VERB ...", ""]
        lines += [f"  {one.name:<{wide}}  {one.help}" for one in VERBS]
        return "\n".join([*lines, "", f"{prefix} help VERB shows options and examples."])
    lines = [f"{prefix} {verb.usage()}", "", verb.help]
    if verb.arguments:
        wide = max(len(f"{one.name} {one.value}") for one in verb.arguments)
        lines.append("")
        lines += [f"  {f'{one.name} {one.value}':<{wide}}  {one.help}" for one in verb.arguments]
    if verb.examples:
        typed = [f"{prefix} {verb.name} {words}".rstrip() for words, _ in verb.examples]
        wide = max(map(len, typed))
        lines.append("")
        lines += [
            f"  {text:<{wide}}  # {does}"
            for text, (_, does) in zip(typed, verb.examples, strict=True)
        ]
    return "\n".join(lines)

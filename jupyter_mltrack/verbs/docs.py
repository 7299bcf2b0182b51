"""The help texts, made from the table of verbs."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import Verb
from jupyter_mltrack.verbs.table import VERBS


def help_text(verb: Verb | None, prefix: str) -> str:
    """Help for one verb, or the list of all. `prefix` is what is typed before a verb."""
    if verb is None:
        wide = max(len(one.name) for one in VERBS)
        lines = [f"{prefix} VERB ...", ""]
        lines += [f"  {one.name:<{wide}}  {one.help}" for one in VERBS]
        return "\n".join([*lines, "", f"{prefix} help VERB shows options and examples."])
    lines = [f"{prefix} {verb.usage()}", "", verb.help]
    if verb.arguments:
        wide = max(len(one.title()) for one in verb.arguments)
        lines.append("")
        lines += [f"  {one.title():<{wide}}  {one.help}" for one in verb.arguments]
    if verb.examples:
        typed = [f"{prefix} {verb.name} {words}".rstrip() for words, _ in verb.examples]
        wide = max(map(len, typed))
        lines.append("")
        lines += [
            f"  {text:<{wide}}  # {does}"
            for text, (_, does) in zip(typed, verb.examples, strict=True)
        ]
    return "\n".join(lines)

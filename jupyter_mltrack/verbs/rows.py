"""What a row of the table of verbs says, and what many rows say alike.

Importing this module imports nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """One word or option of a verb.

    Attributes:
        name: `RUN` for a word, `--save` for an option.
        help: what it does, in one line.
        value: what an option takes (`NAME`); empty for a flag.
        kind: what completes it: run, model, experiment, metric, workspace, verb, or words with `|`.
        required: a word that must be there.
        rest: takes all words that are left, as they were typed.
        short: one more way to type an option: `-p`.
        many: may be said more than once; the function gets a list.
    """

    name: str
    help: str
    value: str = ""
    kind: str = ""
    required: bool = False
    rest: bool = False
    short: str = ""
    many: bool = False

    @property
    def is_option(self) -> bool:
        """Whether it is typed with dashes."""
        return self.name.startswith("--")

    @property
    def field(self) -> str:
        """Name of the keyword that the verb's function takes."""
        return self.name.lstrip("-").replace("-", "_").lower()

    def title(self) -> str:
        """All ways to write it: `--param, -p K=V`."""
        return f"{', '.join(filter(None, (self.name, self.short)))} {self.value}".rstrip()

    def usage(self) -> str:
        """How it is written: `[--save NAME]`, `RUN`, `[FILTER]`."""
        name = self.short or self.name
        text = f"{name} {self.value}" if self.value else name
        return text if self.required else f"[{text}]"


class Verb(NamedTuple):
    """One row. `examples` are pairs of what is typed after the verb and what it does."""

    name: str
    help: str
    arguments: tuple[Argument, ...]
    examples: tuple[tuple[str, str], ...]
    function: str
    notebook_only: bool = False
    other_options: str = ""
    """Whose options it takes besides its own; they go to the function as keywords."""

    def usage(self) -> str:
        """How the verb is written with all it takes."""
        others = [f"[options of {self.other_options}]"] if self.other_options else []
        return " ".join([self.name, *(one.usage() for one in self.arguments), *others])

    def option(self, name: str) -> Argument | None:
        """The option of this name, the short one too."""
        return next((one for one in self.arguments if name and name in (one.name, one.short)), None)

    @property
    def words(self) -> tuple[Argument, ...]:
        """What is typed without dashes, in its order."""
        return tuple(one for one in self.arguments if not one.is_option)


JSON = Argument("--json", "Print the answer as JSON.")
YES = Argument("--yes", "The answer, given ahead.")
RUN = (
    "Id, beginning of an id, name, NAME (2) for an attempt, last, last~2, best:METRIC, "
    "worst:METRIC."
)
NEWEST = "NAME/VERSION; NAME means its newest version."

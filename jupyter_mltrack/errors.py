"""One tree of errors; each says what happened to what, and what to do next.

    MltrackError
    ├── UsageError          the words typed are off (unknown option, unknown verb, bad value)
    ├── NotFound            no such run, experiment, workspace
    ├── Ambiguous           several fit; `choices` lists them
    ├── SettingsError       a settings file is damaged or says something unknown
    ├── WorkspaceError      a workspace cannot be used
    │   ├── Unreachable     no answer, or none in time
    │   ├── SignedOut       the answer was 401
    │   └── Denied          the answer was 403
    └── JournalError        the journal cannot be written or read

    MltrackWarning          our own trouble inside a tracked cell: it is said once, never raised

In a notebook an error is shown in two lines (message, hint), in a script as a normal traceback,
in the panel as message, hint and "copy details". The text is the same in all three.
"""

from __future__ import annotations

from collections.abc import Sequence


class MltrackError(Exception):
    """Base of all errors of this package.

    Args:
        message: what happened to what, with the value.
        hint: the next action, as a command if there is one.
        code: one of `wire.ProblemCode`.
    """

    code = "internal"

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        return str(self).splitlines()


class UsageError(MltrackError):
    """The words typed are off; `at` is the index of the character where, if that is known."""

    code = "bad_request"

    def __init__(
        self, message: str, hint: str = "", *, code: str | None = None, at: int | None = None
    ) -> None:
        super().__init__(message, hint, code=code)
        self.at = at


class NotFound(MltrackError):
    """Nothing fits the words typed."""

    code = "not_found"


class Ambiguous(MltrackError):
    """Several things fit; nothing was done."""

    code = "ambiguous"

    def __init__(self, message: str, hint: str = "", *, choices: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.choices = tuple(choices)


class SettingsError(MltrackError):
    """A settings file is damaged or says something unknown."""

    code = "bad_request"


class WorkspaceError(MltrackError):
    """A workspace cannot be used."""

    code = "store_error"


class Unreachable(WorkspaceError):
    """The workspace gave no answer, or none in time."""

    code = "store_unreachable"


class SignedOut(WorkspaceError):
    """The workspace wants a sign-in (401)."""

    code = "signed_out"


class Denied(WorkspaceError):
    """The workspace knows the account but refuses the act (403)."""

    code = "forbidden"


class JournalError(MltrackError):
    """The journal cannot be written or read."""


class MltrackWarning(UserWarning):
    """Trouble of ours inside a tracked cell; said once for each cause, and the cell runs on."""

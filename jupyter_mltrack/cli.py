"""`jupyter mltrack VERB ...`: the verbs of `%mltrack` in a terminal.

Answers go to stdout, troubles in two lines to stderr. The exit code is 0 when it was done, 2 when
the words typed are off, 1 for any other trouble.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_INTERRUPTED = 130
_DOOR = "jupyter mltrack"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words say; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        import jupyter_mltrack

        print(jupyter_mltrack.__version__)
        return 0
    from jupyter_mltrack.errors import MltrackError, UsageError
    from jupyter_mltrack.render import told_at
    from jupyter_mltrack.verbs.door import answer_words

    _limit_mlflow()
    try:
        with told_at(_DOOR):
            _print(answer_words(words).plain)
    except UsageError as error:
        return _complain(error, 2)
    except MltrackError as error:
        return _complain(error, 1)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", _INTERRUPTED)
    except BrokenPipeError:
        _close_quietly()
        return 0
    except OSError as error:
        return _complain(
            MltrackError(f"The system refused: {error}.", "Check the disk and the rights on it."), 1
        )
    return 0


def _limit_mlflow() -> None:
    """In a process of our own MLflow's client does not try for minutes nor follow redirects."""
    from jupyter_mltrack.journal.guarded_http import OWN_SETTINGS

    os.environ.update(OWN_SETTINGS)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def _complain(error: Exception, code: int) -> int:
    from jupyter_mltrack.display_text import clean

    lines = [clean(line).replace("%mltrack", _DOOR) for line in str(error).splitlines()]
    sys.stderr.write("\n".join(lines) + "\n")
    return code


def _close_quietly() -> None:
    """The reader of a pipe has gone (`| head`): nothing more is written, nothing is said."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # stays open until the process ends


if __name__ == "__main__":
    sys.exit(main())

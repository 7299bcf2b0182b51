"""The logs of the product's own processes: what they say passes the redactor first.

An address with a password, or what a service answered, may stand in the message of an error that
is not ours. The text of a traceback is made here, so that no handler makes it with the secret.
"""

from __future__ import annotations

import logging
import traceback


def logger(name: str) -> logging.Logger:
    """The logger of a module; what it says holds no secret."""
    found = logging.getLogger(name)
    if not any(isinstance(one, _Redacting) for one in found.filters):
        found.addFilter(_Redacting())
    return found


class _Redacting(logging.Filter):
    """Takes secrets out of records; lets all of them pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record before any handler sees it."""
        from jupyter_mltrack.tracking.redaction import redact

        try:
            record.msg, record.args = redact(record.getMessage()), ()
            if record.exc_info and record.exc_info[1] is not None:
                lines = traceback.format_exception(record.exc_info[1])
                record.exc_text = redact("".join(lines)).rstrip("\n")
                record.exc_info = None
        except Exception as error:  # a message whose arguments do not fit, an odd __str__
            record.msg, record.args = f"A message could not be written: {type(error).__name__}", ()
            record.exc_info = None
        return True

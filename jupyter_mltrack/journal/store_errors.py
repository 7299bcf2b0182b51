"""Read from MLflow's exceptions what helps: wait, sign in, set a run aside, set a record aside.

MLflow's exceptions carry an error code, but not the status of the HTTP answer; that comes from
`guarded_http`. When in doubt it is trouble that passes, because trouble loses nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from jupyter_mltrack.errors import Denied, MltrackError, SignedOut, Unreachable
from jupyter_mltrack.journal import guarded_http
from jupyter_mltrack.journal.store_trouble import RunRefused, StoreTrouble, plain
from jupyter_mltrack.wire import HealthState
from jupyter_mltrack.workspaces.resolve import strip_credentials

_FOR_EVER = {
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "BAD_REQUEST",
    "MALFORMED_REQUEST",
    "RESOURCE_CONFLICT",
}


class Refused(Exception):
    """The store will never take this request."""

    def __init__(self, reason: str) -> None:
        self.reason = plain(reason)
        super().__init__(self.reason)


@contextlib.contextmanager
def translated(uri: str, run_id: str = "") -> Iterator[None]:
    """Turn what MLflow and the libraries below raise into ours.

    Raises:
        StoreTrouble: it may pass.
        RunRefused: the run is missing or deleted.
        Refused: this request will never be taken.
    """
    try:
        yield
    except (StoreTrouble, RunRefused, Refused):
        raise
    except guarded_http.LostCall as error:
        raise StoreTrouble("unreachable", f"{_host(uri)} does not answer: {error}.") from error
    except MltrackError as error:
        raise _of_ours(error) from error
    except ImportError as error:
        raise StoreTrouble(
            "broken",
            f"MLflow cannot be used for {strip_credentials(uri)}: {error}.",
            "Install what it names, then: %mltrack sync",
        ) from error
    except Exception as error:
        raise _judge(uri, run_id, error) from error


def _of_ours(error: MltrackError) -> StoreTrouble:
    """What a refusal of our own way to a service means to who ships."""
    state: HealthState = "broken"
    if isinstance(error, SignedOut):
        state = "signed_out"
    elif isinstance(error, Denied):
        state = "denied"
    elif isinstance(error, Unreachable):
        state = "unreachable"
    refusal = getattr(error, "refusal", None)
    again_s = getattr(refusal, "retry_after_s", None)
    return StoreTrouble(state, error.message, error.hint, retry_after_s=again_s)


def _judge(uri: str, run_id: str, error: Exception) -> Exception:
    answer = guarded_http.newest()
    host = _host(uri)
    text = str(error)
    code = str(getattr(error, "error_code", "") or "")
    if uri.startswith(("http", "azureml:")):
        found = _judge_answer(uri, answer, text)
        if found is not None:
            return found
    if code == "RESOURCE_DOES_NOT_EXIST" and run_id:
        return RunRefused(run_id, text, missing=True)
    if "must be in the 'active' state" in text and run_id:
        return RunRefused(run_id, text, missing=False)
    if code in _FOR_EVER and not _is_database_trouble(error):
        return Refused(text)
    if isinstance(error, UnicodeError | OverflowError | TypeError | ValueError | RecursionError):
        return Refused(f"{type(error).__name__}: {text}")
    return StoreTrouble("unreachable", f"{host} cannot be reached: {_cause(text)}")


def sign_in_hint(uri: str) -> str:
    """What helps where a store wants a sign-in."""
    if uri.startswith("azureml:"):
        return "Sign in again: %mltrack login"
    return "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."


def _judge_answer(uri: str, answer: guarded_http.Answer, text: str) -> Exception | None:
    host = _host(uri)
    status = answer.status
    if status == 0:
        return StoreTrouble("unreachable", f"{host} cannot be reached: {_cause(text)}")
    if status == 401:
        return StoreTrouble("signed_out", f"{host} wants a sign-in (401).", sign_in_hint(uri))
    if status == 403:
        ask = "Ask for the right to write runs there."
        if uri.startswith("azureml:"):
            ask = 'Ask the workspace\'s owner for the role "AzureML Data Scientist".'
        return StoreTrouble("denied", f"{host} refuses to write (403).", ask)
    if 300 <= status < 400:
        return StoreTrouble(
            "broken",
            f"{host} sends to {answer.redirect_host} instead of answering; it was not followed.",
            "If that is the right place: %mltrack use with its address.",
        )
    if status == 429 or status >= 500:
        return StoreTrouble(
            "unreachable", f"{host} answered {status}.", retry_after_s=answer.retry_after_s
        )
    if not answer.is_json:
        return StoreTrouble(
            "broken",
            f"{host} answered {status} with something that is not MLflow's.",
            "Is it the sign-in page of a network? Open the address in a browser.",
        )
    if status == 200:  # JSON, but not what MLflow's messages look like
        return StoreTrouble("broken", f"{host} answered with something that is not MLflow's.")
    if status in (404, 405) and "RESOURCE_DOES_NOT_EXIST" not in text:
        return StoreTrouble(
            "broken",
            f"{host} has no MLflow at this address ({status}).",
            "Check the path of the address.",
        )
    if status in (408, 409, 421, 423, 425):
        return StoreTrouble(
            "unreachable", f"{host} answered {status}.", retry_after_s=answer.retry_after_s
        )
    return None


def _is_database_trouble(error: Exception) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__module__.startswith("sqlalchemy") and type(seen).__name__ not in (
            "DataError",
            "IntegrityError",
            "StatementError",
        ):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _host(uri: str) -> str:
    place = strip_credentials(uri).partition("://")[2] or uri
    return place.split("/")[0] or place


def _cause(text: str) -> str:
    """Return the telling part of a nested connection error."""
    for words, said in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "its name is not known"),
        ("Temporary failure in name resolution", "its name is not known"),
        ("No route to host", "no way to it"),
        ("timed out", "no answer in time"),
        ("Connection reset", "the connection was cut"),
        ("Connection aborted", "the connection was cut"),
        ("IncompleteRead", "the answer was cut off"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ):
        if words in text:
            return f"{said}."
    return plain(text)

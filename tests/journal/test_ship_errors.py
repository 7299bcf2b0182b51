"""What MLflow and the network raise becomes one safe line that says what helps."""

import pytest

from jupyter_mltrack.journal import guarded_http
from jupyter_mltrack.journal.store_errors import Refused, translated
from jupyter_mltrack.journal.store_trouble import RunRefused, StoreTrouble, plain

_HOSTILE = "\x1b]0;x\x07\r\nSet-Cookie: a=b\u202e<img src=x onerror=alert(1)>\x9b31m"


class _MlflowError(Exception):
    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.error_code = code


def _judged(uri: str, error: Exception, status: int, run_id: str = "r") -> Exception:
    guarded_http._local.answer = guarded_http.Answer(status=status, is_json=True)
    with pytest.raises((StoreTrouble, RunRefused, Refused)) as found, translated(uri, run_id):
        raise error
    return found.value


@pytest.mark.parametrize(
    ("code", "status"),
    [("INVALID_PARAMETER_VALUE", 400), ("RESOURCE_DOES_NOT_EXIST", 404), ("INTERNAL_ERROR", 0)],
)
def test_s10_no_control_character_of_a_server_reaches_a_message(code: str, status: int) -> None:
    found = _judged("http://h", _MlflowError(_HOSTILE, code), status)
    for text in (str(found), getattr(found, "message", ""), getattr(found, "reason", "")):
        assert text.isprintable()
        assert not {"\x1b", "\x07", "\x9b", "\u202e"}.intersection(text)


def test_s28_no_credential_of_an_address_or_a_header_reaches_a_message() -> None:
    text = "failed: postgresql://me:canary-1@h/db and Authorization: Bearer canary-token-2 and Basic Y2FuYXJ5LTM="
    said = plain(text)
    assert "canary" not in said
    assert "Y2Fu" not in said
    assert "postgresql://h/db" in said


def test_s09_a_message_of_megabytes_is_cut() -> None:
    assert len(plain("x " * 10_000_000)) <= 300


@pytest.mark.parametrize(
    ("uri", "code", "text", "status", "kind"),
    [
        (
            "http://h",
            "RESOURCE_DOES_NOT_EXIST",
            "RESOURCE_DOES_NOT_EXIST: Run with id=r not found",
            404,
            RunRefused,
        ),
        ("http://h", "ENDPOINT_NOT_FOUND", "no such page", 404, StoreTrouble),
        (
            "http://h",
            "INVALID_PARAMETER_VALUE",
            "Changing param values is not allowed",
            400,
            Refused,
        ),
        (
            "http://h",
            "INVALID_PARAMETER_VALUE",
            "The run r must be in the 'active' state.",
            400,
            RunRefused,
        ),
        ("http://h", "INTERNAL_ERROR", "oops", 500, StoreTrouble),
        (
            "postgresql://h/d",
            "TEMPORARILY_UNAVAILABLE",
            "server closed the connection",
            0,
            StoreTrouble,
        ),
        ("postgresql://h/d", "INVALID_PARAMETER_VALUE", "no", 0, Refused),
        ("plugin://h", "", "something new", 0, StoreTrouble),
    ],
)
def test_only_what_will_never_pass_is_given_up(
    uri: str, code: str, text: str, status: int, kind: type
) -> None:
    assert type(_judged(uri, _MlflowError(text, code), status)) is kind

"""Whatever is sent, the answer is one of ours: a problem with the right status and nothing inside out."""

from __future__ import annotations

import json
import random
import re
from urllib.parse import quote

import msgspec
import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.handler import disposition
from jupyter_mltrack.server.route import STATUS_OF_CODE
from jupyter_mltrack.server.routes import ROUTES

RUN = "d" * 32
INSIDES = re.compile(
    r"Traceback|File \"|line \d+, in |site-packages|/home/|/root/|/tmp/|/usr/|\.py\b|0x[0-9a-f]{6,}"
)
ODD = [
    "", "0", "-1", "1e999", "null", "true", "[]", "{}", "'", '"', "\\", "\x00", "\r\nSet-Cookie: a=b", "%00", "%", "%zz", "../../etc/passwd",
    "é" * 100, "🎉", "\u202e", "x" * 6_000, "9" * 400, "NaN", "inf", "<script>", "a,b,c", "*", "metrics.acc > 0.9", "metrics.`a` >", "((((", "' OR 1=1 --",
    "http://127.0.0.1/", "sqlite:///x", "ffffffffffff", "d" * 32,
]  # fmt: skip


def check(answer) -> None:
    """One of ours: known status, problem or answer, strict JSON, no insides."""
    assert answer.status < 500 or answer.status in (502, 503, 504), answer.body
    assert answer.status != 503, answer.body
    if answer.status == 400 and not answer.body:
        return  # the web server itself refused what is no HTTP
    if answer.status != 200:
        problem = msgspec.json.decode(answer.body, type=wire.Problem)
        assert STATUS_OF_CODE[problem.code] == answer.status
        assert not INSIDES.search(problem.message + problem.hint), problem
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", problem.message)
    assert len([name for name, _ in answer.headers if name == "set-cookie" and "a=b" in _]) == 0


async def test_s39_fuzzed_parameters_are_never_an_error_of_the_server(
    api, workspace, journal, begin_run
):
    dice = random.Random(39)
    begin_run(journal, run_id=RUN)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    for route in ROUTES:
        if route.method != "GET":
            continue
        names = [field.name for field in msgspec.structs.fields(route.request)] + [
            "token",
            "x",
            "__class__",
        ]
        for value in ODD:
            fields = {"workspace": workspace.id}
            fields[dice.choice(names)] = value
            if dice.random() < 0.3:
                fields[dice.choice(names)] = dice.choice(ODD)
            run_id = quote(fields.pop("run_id", RUN), safe="")
            fields.pop("token", None)
            query = "&".join(
                f"{quote(name)}={quote(text, safe='')}" for name, text in fields.items()
            )
            path = route.path.replace("{run_id}", run_id)
            answer = await api(f"{path}?{query}")
            if answer.header("content-type") == "text/html":
                assert answer.status == 404  # an empty or slashed id is no route of ours at all
                continue
            if answer.status == 302 and path.endswith("/"):
                continue  # Jupyter itself takes the slash behind an empty id away
            check(answer)


async def test_s39_queries_that_are_no_queries_are_refused(api, workspace):
    for query in (
        "%",
        "%ff",
        "a=%ff%fe",
        "=",
        "&&&",
        "workspace",
        f"workspace={workspace.id}&workspace={workspace.id}",
        "limit=1&limit=2",
    ):
        answer = await api(f"runs?{query}")
        check(answer)
        assert answer.status == 400


BODIES = [
    b"", b"null", b"[]", b"3", b'"x"', b"{", b"{}}", b"\xff\xfe", b'{"workspace_id": 3}', b'{"workspace_id": "x"}', b'{"nope": 1}',
    b"[" * 60_000, b'{"workspace_id": "\\ud800"}', b'{"workspace_id": NaN}', b"{" * 1_000,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_s39_fuzzed_bodies_are_refused(api, body):
    answer = await api("sync", "POST", body=body, headers={"Content-Type": "application/json"})
    if body == b"":
        assert answer.status == 200  # nothing said is nothing wanted
    else:
        check(answer)
        assert answer.status == 400


async def test_s39_unknown_routes_and_methods_are_404_and_405(api):
    assert (await api("nothing")).status == 404
    assert (await api(f"runs/{RUN}/nothing")).status == 404
    answer = await api("status", "PUT", body={})
    assert (answer.status, answer.json["code"], answer.header("allow")) == (
        405,
        "method_not_allowed",
        "GET",
    )


async def test_s39_an_error_that_nobody_foresaw_is_told_without_its_insides(api, app, monkeypatch):
    async def break_down(service, request):
        raise RuntimeError("/home/me/secret.py has password=hunter2")

    (row,) = [route for route in ROUTES if route.name == "getStatus"]
    monkeypatch.setitem(row.__dict__, "function", break_down)
    answer = await api("status")
    assert (answer.status, answer.json["code"]) == (503, "internal")
    assert b"secret" not in answer.body
    assert b"hunter2" not in answer.body


async def test_s39_a_url_beyond_every_measure_is_refused(api):
    answer = await api("runs?search=" + "x" * 40_000)
    assert answer.status in (400, 413, 414)


def test_the_status_of_every_code_is_in_the_table():
    codes = set(wire.ProblemCode.__args__)
    assert set(STATUS_OF_CODE) == codes
    assert 500 not in STATUS_OF_CODE.values()
    for error in MltrackError.__subclasses__():
        assert error.code in codes


async def test_the_page_of_jupyterlab_may_add_its_time_and_its_token(api, jp_serverapp):
    assert (await api("status?1763718000000")).status == 200
    token = jp_serverapp.identity_provider.token
    assert (await api(f"status?token={token}", token=None)).status == 200


# ---------------------------------------------------------------------------------- S40

HOSTILE_NAMES = [
    'a"\r\nSet-Cookie: a=b',
    "a\nb",
    "a;b.txt",
    'quote".txt',
    "naïve 日本.txt",
    "../up",
    "x" * 500,
    "\u202etxt.exe",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_s40_a_file_name_becomes_one_header_line(name):
    line = disposition(name)
    assert re.fullmatch(
        r"attachment; filename=\"[A-Za-z0-9._ -]+\"; filename\*=UTF-8''[A-Za-z0-9._~%-]+", line
    )


async def test_s40_a_parameter_with_line_breaks_adds_no_header_and_no_line_to_the_log(
    api, jp_logging_stream, workspace
):
    answer = await api(
        f"runs?workspace={workspace.id}&search=a%0d%0aSet-Cookie:%20a=b&experiment=b%0d%0aX: y".replace(
            " ", "%20"
        )
    )
    check(answer)
    assert answer.header("set-cookie") is None or "a=b" not in answer.header("set-cookie")
    assert answer.header("x") is None
    assert "\nSet-Cookie" not in jp_logging_stream.getvalue()


async def test_s40_nothing_here_redirects(api):
    for path in (
        "status?next=http://evil.example",
        "live?redirect=//evil.example",
        "//evil.example",
    ):
        answer = await api(path)
        assert not 300 <= answer.status < 400
        assert answer.header("location") is None


def test_problems_are_encoded_as_one_json_object():
    from jupyter_mltrack.server.clean import encode_json

    problem = wire.Problem(code="not_found", message="nothing")
    assert json.loads(encode_json(problem)) == {
        "code": "not_found",
        "message": "nothing",
        "hint": "",
        "retry_after_ms": None,
        "at": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "\x1b]0;x\x07",
        "\x9b31m",
        "a\x00b",
        "\u202etxt",
        "x\u2066y",
        "\ud800",
        "a\r\nb",
        "http://me:secret@host/x",
    ],
)
def test_s10_a_message_is_cleaned_whoever_made_it(text):
    from jupyter_mltrack.server.clean import clean_text

    shown = clean_text(f"before {text} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
    )
    assert "secret" not in shown


def test_a_message_does_not_go_on_without_end():
    from jupyter_mltrack.server.clean import MESSAGE_CHARACTERS_MAX, clean_text

    assert len(clean_text("x" * 1_000_000)) == MESSAGE_CHARACTERS_MAX


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/p/mltrack.toml, line 1: x", "mltrack.toml, line 1: x"),
        ("team (sqlite:////home/me/m.db) is locked", "team (m.db) is locked"),
        ("no file '/tmp/a b/c.txt'", "no file 'a b/c.txt'"),
        (
            "see http://host:5000/api/2.0/x and https://h/a/b",
            "see http://host:5000/api/2.0/x and https://h/a/b",
        ),
        ("metrics.a/b/c > 1", "metrics.a/b/c > 1"),
    ],
)
def test_s39_files_are_named_without_their_folders(text, shown):
    from jupyter_mltrack.server.clean import without_folders

    assert without_folders(text) == shown

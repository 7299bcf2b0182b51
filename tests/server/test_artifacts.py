"""Artifacts: one resolver, and no way around it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import patience
import pytest

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.artifacts import list_folder, open_file

RUN = "e" * 32
CANARY = "canary-outside"


@pytest.fixture
def root(workspace) -> Path:
    """The artifact folder of one run, with a secret on every side of it."""
    top = workspace.root / ".mltrack" / "artifacts"
    place = top / RUN / "artifacts"
    (place / "plots").mkdir(parents=True)
    (place / "model.txt").write_text("weights")
    (place / "plots" / "a.svg").write_text("<svg onload=alert(1)/>")
    for secret in (
        workspace.root / "outside-secret.txt",
        top / "secret.txt",
        top / RUN / "secret.txt",
    ):
        secret.write_text(CANARY)
    (top / RUN / "artifacts-evil").mkdir()
    (top / RUN / "artifacts-evil" / "x.txt").write_text(CANARY)
    os.symlink(workspace.root / "outside-secret.txt", place / "link.txt")
    os.symlink(workspace.root, place / "linked")
    os.symlink("/dev/zero", place / "zero")
    os.mkfifo(place / "pipe")
    return place


def uri(place: Path) -> str:
    return place.as_uri()


ESCAPES = [
    "../../../../outside-secret.txt", "../secret.txt", "../artifacts-evil/x.txt", "..", ".", "./model.txt", "plots/../../secret.txt",
    "plots/..", "..%2f..%2fsecret.txt", "%252e%252e%252fsecret.txt", "..\\..\\secret.txt", "plots\\a.svg", "/etc/passwd", "//etc/passwd",
    "file:///etc/passwd", "C:\\Windows\\win.ini", "C:/Windows/win.ini", "a\x00b", "model.txt\x00.png", "link.txt", "linked/outside-secret.txt",
    "linked", "pipe", "zero", "plots//a.svg", "plots/", "/model.txt", "model.txt/", "model.txt/x", "x" * 300, "a/" * 100 + "a", "nothing.txt", "\n", "plots",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_s13_artifact_path_outside_the_root(workspace, root, path):
    watch = patience.Watch()
    with pytest.raises(MltrackError) as refused:
        open_file(workspace, uri(root), path)
    assert refused.value.code in ("bad_request", "not_found", "forbidden")
    assert CANARY not in str(refused.value)
    assert watch.took_s < 5  # nothing was waited for, and nothing without an end was read


@pytest.mark.parametrize("path", [path for path in ESCAPES if path != "plots"])
def test_s13_no_folder_outside_the_root_is_listed(workspace, root, path):
    with pytest.raises(MltrackError) as refused:
        list_folder(workspace, uri(root), path)
    assert refused.value.code in ("bad_request", "not_found", "forbidden")


def test_s13_what_is_inside_is_listed_without_links_and_devices(workspace, root):
    listed = list_folder(workspace, uri(root), "")
    assert [(one.path, one.is_dir, one.size_bytes) for one in listed.artifacts] == [
        ("plots", True, None),
        ("model.txt", False, 7),
    ]
    inner = list_folder(workspace, uri(root), "plots")
    assert [one.path for one in inner.artifacts] == ["plots/a.svg"]


def test_s13_a_link_in_place_of_the_runs_own_folder_is_not_followed(workspace, root):
    top = root.parent.parent
    os.symlink(root.parent, top / "linked-run")
    with pytest.raises(MltrackError):
        open_file(workspace, (top / "linked-run" / "artifacts").as_uri(), "model.txt")


ELSEWHERE = [
    "file:///home", "file:///", "file:///etc", "http://127.0.0.1:1/x", "s3://bucket/x", "mlflow-artifacts:/x", "/etc", "file://evil.example/etc", "", "x",
    "file:relative", "dbfs:/x", "file:///%00",
]  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_s14_artifacts_of_a_run_that_points_elsewhere_are_refused(workspace, root, address):
    for act in (
        lambda: list_folder(workspace, address, ""),
        lambda: open_file(workspace, address, "passwd"),
    ):
        with pytest.raises(MltrackError) as refused:
            act()
        assert refused.value.code == "forbidden"


def test_s14_climbing_and_neighbouring_addresses_are_refused(workspace, root):
    top = (workspace.root / ".mltrack" / "artifacts").as_uri()
    for address in (
        f"{top}/../",
        f"{top}/%2e%2e/",
        f"{top}-evil/x",
        f"{top}/{RUN}/../../..",
        workspace.root.as_uri(),
    ):
        with pytest.raises(MltrackError) as refused:
            open_file(workspace, address, "outside-secret.txt")
        assert refused.value.code in ("forbidden", "not_found"), address


# ------------------------------------------------------------------------ through the API


@pytest.fixture
def stored_run(workspace, root) -> str:
    """A finished run in the project's store, whose artifacts are those of `root`."""
    import sqlite3

    workspace.prepare()
    with sqlite3.connect(workspace.database) as database:
        database.execute(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id, user_id)"
            " VALUES (?, 'run', 'FINISHED', 1, 2, 'active', ?, 0, 'me')",
            (RUN, uri(root)),
        )
    database.close()
    return RUN


async def test_s13_the_route_serves_a_file_as_a_download_in_a_sandbox(
    api, workspace, project, stored_run
):
    await api("workspaces?path=project/a.ipynb")
    answer = await api(f"runs/{RUN}/artifacts/file?workspace={workspace.id}&path=plots/a.svg")
    assert (answer.status, answer.body) == (200, b"<svg onload=alert(1)/>")
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.header("content-security-policy") == "sandbox; default-src 'none'"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert (
        answer.header("content-disposition")
        == "attachment; filename=\"a.svg\"; filename*=UTF-8''a.svg"
    )
    listed = (await api(f"runs/{RUN}/artifacts?workspace={workspace.id}")).json
    assert [one["path"] for one in listed["artifacts"]] == ["plots", "model.txt"]


async def test_s13_the_routes_refuse_every_escape(api, workspace, project, stored_run):
    await api("workspaces?path=project/a.ipynb")
    for path in ESCAPES:
        for spelled in {
            quote(path, safe=""),
            quote(path, safe="/"),
            quote(path, safe="%/.\\") if path.isprintable() else "",
        } - {""}:
            for act in ("file", "preview", "view"):
                answer = await api(
                    f"runs/{RUN}/artifacts/{act}?workspace={workspace.id}&path={spelled}"
                )
                assert answer.status in (400, 403, 404), (act, path, answer.body)
                assert CANARY.encode() not in answer.body
            listed = await api(f"runs/{RUN}/artifacts?workspace={workspace.id}&path={spelled}")
            assert listed.status in (400, 403, 404) or path == "plots", (path, listed.body)
            assert CANARY.encode() not in listed.body


async def test_s13_views_and_previews_follow_no_link(api, workspace, project, stored_run, root):
    (root / "a.html").symlink_to(workspace.root / "outside-secret.txt")
    await api("workspaces?path=project/a.ipynb")
    for act in ("view", "preview", "file"):
        answer = await api(f"runs/{RUN}/artifacts/{act}?workspace={workspace.id}&path=a.html")
        assert (answer.status, answer.json["code"]) == (404, "not_found")


VIEWED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.html", b"<script>alert(1)</script>", "text/html; charset=utf-8"),
        ("A.HTM", b"\xff\xfe<p>", "text/html"),
        ("a.svg", b"<svg/>", "image/svg+xml; charset=utf-8"),
    ],
)
async def test_s11_a_view_may_run_and_fetch_nothing(
    api, workspace, project, stored_run, root, name, data, media_type
):
    (root / name).write_bytes(data)
    await api("workspaces?path=project/a.ipynb")
    answer = await api(f"runs/{RUN}/artifacts/view?workspace={workspace.id}&path={name}")
    assert (answer.status, answer.body) == (200, data)
    assert answer.header("content-type") == media_type
    assert answer.header("content-security-policy") == (
        f"sandbox; {VIEWED}; frame-ancestors 'self'"
    )
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("content-disposition") is None


async def test_s11_nothing_else_and_nothing_large_is_viewed(
    api, workspace, project, stored_run, root
):
    (root / "large.html").write_bytes(b" " * ((5 << 20) + 1))
    (root / "a.pdf").write_bytes(b"%PDF-1.7")
    await api("workspaces?path=project/a.ipynb")
    view = f"runs/{RUN}/artifacts/view?workspace={workspace.id}&path="
    assert [(await api(view + name)).status for name in ("large.html", "a.pdf", "model.txt")] == [
        413,
        400,
        400,
    ]


async def test_s36_pages_of_the_server_and_of_ours_say_who_may_frame_them(
    api, workspace, project, stored_run, root, jp_serverapp
):
    (root / "a.html").write_text("<p>")
    await api("workspaces?path=project/a.ipynb")
    view = f"runs/{RUN}/artifacts/view?workspace={workspace.id}&path=a.html"
    for path in ("/login", "/nothing-here", "status", view):
        policy = (await api(path)).header("content-security-policy") or ""
        assert "frame-ancestors 'self'" in policy, path
    jp_serverapp.web_app.settings["headers"] = {
        "Content-Security-Policy": "frame-ancestors 'self' https://hub.example; report-uri /x"
    }
    policy = (await api(view)).header("content-security-policy")
    assert policy == f"sandbox; {VIEWED}; frame-ancestors 'self' https://hub.example"


async def test_the_preview_of_an_artifact_comes_through_the_route(
    api, workspace, project, stored_run
):
    await api("workspaces?path=project/a.ipynb")
    answer = await api(f"runs/{RUN}/artifacts/preview?workspace={workspace.id}&path=model.txt")
    assert answer.status == 200
    said = answer.json
    assert (said["kind"], said["text"], said["size_bytes"]) == ("text", "weights", 7)


async def test_s14_the_routes_refuse_a_run_that_points_elsewhere(
    api, workspace, project, stored_run
):
    import sqlite3

    await api("workspaces?path=project/a.ipynb")
    with sqlite3.connect(workspace.database) as database:
        database.execute("UPDATE runs SET artifact_uri = ?", (workspace.root.as_uri(),))
    database.close()
    for path in (
        "artifacts?",
        "artifacts/file?path=outside-secret.txt&",
        "artifacts/preview?path=outside-secret.txt&",
        "artifacts/view?path=a.html&",
    ):
        answer = await api(f"runs/{RUN}/{path}workspace={workspace.id}")
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
        assert str(workspace.root) not in answer.body.decode()


async def test_s40_an_artifacts_name_stays_in_its_header_line(
    api, workspace, project, stored_run, root
):
    (root / 'a";b.txt').write_text("x")
    await api("workspaces?path=project/a.ipynb")
    answer = await api(
        f"runs/{RUN}/artifacts/file?workspace={workspace.id}&path={quote('a' + chr(34) + ';b.txt')}"
    )
    assert (
        answer.header("content-disposition")
        == "attachment; filename=\"a__b.txt\"; filename*=UTF-8''a%22%3Bb.txt"
    )

"""The private copy of a model's files: whole, checked, bounded, and nothing outside of it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_mltrack import workspaces
from jupyter_mltrack.errors import NotFound, WorkspaceError
from jupyter_mltrack.models import fetching, fetching_remote
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture
def place(private_place: Path) -> Workspace:
    return workspaces.resolve("local")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "data" / "weights.bin").write_bytes(bytes(range(256)) * 16)
    return folder


def disk_bytes(folder: Path) -> int:
    return sum(one.lstat().st_size for one in folder.rglob("*") if one.is_file())


def test_the_copy_is_named_by_its_content_and_made_once(place: Workspace, model: Path) -> None:
    first = fetching.fetch(place, model.as_uri())
    again = fetching.fetch(place, str(model))
    assert first == again
    assert first.path.name == first.digest
    assert first.size_bytes == disk_bytes(model)
    assert (first.path / "data" / "weights.bin").read_bytes() == bytes(range(256)) * 16
    assert fetching.digest_of(first.path) == (first.digest, first.size_bytes)
    assert (first.path.stat().st_mode & 0o777) == 0o700


@pytest.mark.parametrize("change", ["content", "name", "more", "move"])
def test_any_change_of_the_files_is_another_content(
    place: Workspace, model: Path, change: str
) -> None:
    before = fetching.fetch(place, str(model)).digest
    weights = model / "data" / "weights.bin"
    if change == "content":
        weights.write_bytes(b"\x01" + weights.read_bytes()[1:])
    elif change == "name":
        weights.rename(model / "data" / "weights.bim")
    elif change == "more":
        (model / "empty").touch()
    else:
        weights.rename(model / "weights.bin")
    assert fetching.fetch(place, str(model)).digest != before


def test_a_copy_that_nobody_uses_goes_after_a_day(place: Workspace, model: Path) -> None:
    used = fetching.fetch(place, str(model))
    (model / "other").write_text("x")
    unused = fetching.fetch(place, str(model))
    fetching.sweep({used.digest})
    assert unused.path.is_dir()
    for one in (used, unused):
        os.utime(one.path, (0, 0))
    fetching.sweep({used.digest})
    assert (used.path.is_dir(), unused.path.is_dir()) == (True, False)


def test_files_that_are_gone_are_said_to_be(place: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        fetching.fetch(place, str(tmp_path / "nowhere"))
    assert "are gone" in caught.value.message


@pytest.mark.parametrize("kind", ["link", "linked folder", "fifo"])
def test_s15_a_link_or_a_device_among_the_files_is_refused(
    place: Workspace, model: Path, tmp_path: Path, kind: str
) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "key").write_text("canary")
    if kind == "link":
        (model / "data" / "linked").symlink_to(secret / "key")
    elif kind == "linked folder":
        (model / "linked").symlink_to(secret)
    else:
        os.mkfifo(model / "fifo")
    with pytest.raises(WorkspaceError) as caught:
        fetching.fetch(place, str(model))
    assert "a link or a device" in caught.value.message
    assert list(fetching.folder().iterdir()) == []


def test_s15_archives_among_the_files_stay_archives(
    place: Workspace, model: Path, tmp_path: Path
) -> None:
    with tarfile.open(model / "slip.tar", "w") as archive:
        entry = tarfile.TarInfo("../../../escaped")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("etc")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    with zipfile.ZipFile(model / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros", bytes(64 << 20))
    found = fetching.fetch(place, str(model))
    assert disk_bytes(found.path) == disk_bytes(model) < 200 << 10
    assert not list(tmp_path.rglob("escaped"))


ROOT = "/api/2.0/mlflow-artifacts/artifacts"


class Store(BaseHTTPRequestHandler):
    """An artifact store that says what it is told to say."""

    listing: ClassVar[dict[str, list[dict[str, object]]]] = {}
    bodies: ClassVar[dict[str, bytes]] = {}
    endless = ""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.rstrip("/") == ROOT:
            folder = parse_qs(url.query).get("path", [""])[0].removeprefix("store").strip("/")
            said = json.dumps({"files": self.listing.get(folder, [])}).encode()
            self.answer(said, "application/json")
            return
        name = url.path.removeprefix(f"{ROOT}/store/")
        if name == self.endless:
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(4096):
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                return
        elif name in self.bodies:
            self.answer(self.bodies[name], "application/octet-stream")
        else:
            self.send_error(404)

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def store() -> Iterator[tuple[type[Store], str]]:
    class Own(Store):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Own, f"http://127.0.0.1:{server.server_port}{ROOT}/store"
    server.shutdown()


def entry(path: str, size: int | None, *, is_dir: bool = False) -> dict[str, object]:
    said: dict[str, object] = {"path": path, "is_dir": is_dir}
    return said if size is None else {**said, "file_size": size}


def test_files_elsewhere_are_copied_as_those_here(
    place: Workspace, store: tuple[type[Store], str], model: Path
) -> None:
    own, uri = store
    weights = (model / "data" / "weights.bin").read_bytes()
    own.listing = {
        "": [entry("MLmodel", 12), entry("data", None, is_dir=True)],
        "data": [entry("weights.bin", len(weights))],
    }
    own.bodies = {"MLmodel": b"flavors: {}\n", "data/weights.bin": weights}
    found = fetching.fetch(place, uri)
    assert found == fetching.fetch(place, str(model))


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/cron.d/evil", "a/../../b", "..\\..\\evil", "%2e%2e/evil", "a\x00b"]
)
def test_s15_a_name_that_leads_out_of_the_folder_copies_nothing(
    place: Workspace,
    store: tuple[type[Store], str],
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, uri = store
    own.listing = {"": [entry("MLmodel", 12), entry(name, 4)]}
    own.bodies = {"MLmodel": b"flavors: {}\n", name: b"evil"}
    if name != "../outside":  # one of them in the process that does it; it takes seconds to start
        monkeypatch.setattr(fetching_remote, "download", in_this_process)
    with pytest.raises(WorkspaceError):
        fetching.fetch(place, uri)
    assert list(fetching.folder().iterdir()) == []
    assert not list(tmp_path.rglob("*evil*")) + list(tmp_path.rglob("outside"))


def in_this_process(workspace: Workspace, uri: str, draft: Path) -> None:
    """The download without a process of its own."""
    fetching_remote._download(uri, workspace.tracking_uri, draft)


def test_s15_a_body_larger_than_its_store_says_ends_there(
    place: Workspace, store: tuple[type[Store], str], private_place: Path
) -> None:
    own, uri = store
    own.listing = {"": [entry("MLmodel", 12), entry("weights.bin", 42 << 10)]}
    own.bodies = {"MLmodel": b"flavors: {}\n"}
    own.endless = "weights.bin"
    with pytest.raises(WorkspaceError) as caught:
        fetching.fetch(place, uri)
    assert "larger than the store says (43,008 bytes)" in caught.value.message
    assert disk_bytes(private_place) < 1 << 20


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("MLmodel", True),
        ("data/weights v2.bin", True),
        ("größe.txt", True),
        ("", False),
        ("/etc/passwd", False),
        ("a/../../b", False),
        ("..", False),
        ("a\\..\\b", False),
        ("%2e%2e/b", False),
        ("a\nb", False),
        ("a\x00b", False),
    ],
)
def test_s15_only_names_inside_the_folder_are_plain(name: str, plain: bool) -> None:
    assert fetching.is_plain(name) is plain


def test_a_full_disk_copies_nothing_and_says_what_would_help(model: Path, tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [unshare or "", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"']
    if (
        unshare is None
        or subprocess.run([*mount, str(disk), "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("may not mount a small file system here")
    code = (
        "import sys\n"
        "from jupyter_mltrack import workspaces\n"
        "from jupyter_mltrack.errors import WorkspaceError\n"
        "from jupyter_mltrack.models import fetching\n"
        "fetching.FREE_BYTES_LEFT = int(sys.argv[2])\n"
        "try:\n"
        "    fetching.fetch(workspaces.resolve('local'), sys.argv[1])\n"
        "except WorkspaceError as error:\n"
        "    print(error.message, error.hint, list(fetching.folder().iterdir()))\n"
    )
    (model / "data" / "weights.bin").write_bytes(bytes(2 << 20))
    environment = {**os.environ, "MLTRACK_DATA_DIR": str(disk / "data")}
    for kept_free, words in (
        ("0", ["The model has 2 MB, and ", " MB are free on this disk."]),
        (str(-(8 << 20)), ["could not be copied: No space left on device."]),
    ):
        done = subprocess.run(
            [*mount, str(disk), sys.executable, "-c", code, str(model), kept_free],
            env=environment, capture_output=True, text=True, timeout=150, check=True,
        )  # fmt: skip
        assert all(word in done.stdout for word in words), done.stdout
        assert "MLTRACK_DATA_DIR" in done.stdout
        assert done.stdout.endswith(" []\n")

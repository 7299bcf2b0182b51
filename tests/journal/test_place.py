"""Who may see and touch a journal: nobody but its user, whatever the umask and whatever lies there."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from journal_rig import WORKSPACE, points, read_all, run_python

from jupyter_mltrack.journal import (
    Journal,
    JournalReader,
    Trouble,
    lease,
    list_journals,
    owner_alive,
)
from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.place import fallback_dir


def modes(folder: Path) -> dict[str, int]:
    found = {".": stat.S_IMODE(folder.stat().st_mode)}
    for path in folder.rglob("*"):
        found[path.name] = stat.S_IMODE(path.lstat().st_mode)
    return found


@pytest.mark.parametrize("umask", ["0o000", "0o022", "0o777"])
def test_s20_files_are_private_under_any_umask(umask: str) -> None:
    out = run_python(
        f"""
        os.umask({umask})
        journal = small_segments()
        for i in range(5000):
            journal.sink("run").append({{"a": float(i)}}, i)
        time.sleep(0.2)
        print(journal.path, flush=True)
        os._exit(0)
        """
    )
    found = modes(Path(out.strip()).parents[1])
    files = {name: mode for name, mode in found.items() if "." in name[1:] or name == "lease"}
    assert len(files) > 4
    assert set(files.values()) == {0o600}
    assert {mode for name, mode in found.items() if name not in files} == {0o700}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("untouched")
    return path


def kept_elsewhere(told: list[Trouble], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Journal:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    journal = Journal(WORKSPACE)
    journal.on_write_trouble = told.append
    journal.open()
    journal.sink("run").append({"a": 1.0})
    return journal


@pytest.mark.parametrize("part", ["data", "data/journals"])
def test_s20_a_planted_link_in_place_of_a_folder_is_refused(
    private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    target = tmp_path / "victims"
    target.mkdir()
    link = private_place / part
    link.parent.mkdir(exist_ok=True, mode=0o700)
    link.symlink_to(target)
    told: list[Trouble] = []
    journal = kept_elsewhere(told, monkeypatch, tmp_path)
    assert [trouble.code for trouble in told] == ["other_folder"]
    assert list(target.iterdir()) == []
    assert private_place not in journal.path.parents
    assert [value for *_, value in points(read_all(journal.path)[0])] == [1.0]
    journal.close()


def test_s20_a_folder_that_others_may_write_is_refused(
    private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (private_place / "data").mkdir()
    (private_place / "data").chmod(0o777)
    told: list[Trouble] = []
    journal = kept_elsewhere(told, monkeypatch, tmp_path)
    assert [trouble.code for trouble in told] == ["other_folder"]
    assert list((private_place / "data").iterdir()) == []
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_s20_a_folder_of_somebody_else_is_refused(
    private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = private_place / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 12345, 12345)
    told: list[Trouble] = []
    journal = kept_elsewhere(told, monkeypatch, tmp_path)
    assert [trouble.code for trouble in told] == ["other_folder"]
    assert list(data.iterdir()) == []
    journal.close()


def test_s20_the_folder_in_the_shared_temporary_one_is_checked_too(
    private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (private_place / "data").symlink_to(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    planted = fallback_dir(private_place / "data")
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    told: list[Trouble] = []
    journal = kept_elsewhere(told, monkeypatch, tmp_path)
    assert [trouble.code for trouble in told] == ["unsafe_folder"]
    assert journal.in_memory
    assert list(planted.iterdir()) == []
    journal.close()


@pytest.mark.parametrize("name", ["00000002.seg", ".00000002.seg"])
def test_s20_a_link_planted_where_the_next_segment_goes_is_not_written_through(
    victim: Path, name: str
) -> None:
    journal = Journal.create(WORKSPACE)
    told: list[Trouble] = []
    journal.on_write_trouble = told.append
    sink = journal.sink("run")
    sink.append({"a": 0.0}, 0)
    (journal.path / name).symlink_to(victim)
    assert journal._space.go_on(journal._space.current, 0)
    sink.append({"a": 1.0}, 1)
    assert victim.read_text() == "untouched"
    found = list(points(read_all(journal.path)[0]))
    assert [step for _, step, _, _ in found] == ([0, 1] if name[0] == "." else [0])
    (journal.path / "00000002.seg").unlink()
    assert journal.sync()
    journal.close()
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize("name", ["meta.json", "00000001.seg", "lease"])
def test_s20_a_reader_follows_no_link(tmp_path: Path, name: str) -> None:
    journal = Journal.create(WORKSPACE)
    journal.sink("run").append({"a": 0.0}, 0)
    journal.close()
    moved = tmp_path / "moved"
    (journal.path / name).rename(moved)
    (journal.path / name).symlink_to(moved)
    reader = JournalReader(journal.path)
    found = list(points(reader.read().records))
    assert found == ([] if name == "00000001.seg" else [("run", 0, "a", 0.0)])
    assert not owner_alive(journal.path)
    if name == "meta.json":
        assert reader.meta.journal_id == journal.id  # from the copy in the segment


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_s21_journals_and_segments_of_another_user_are_not_read(private_place: Path) -> None:
    journal = Journal.create(WORKSPACE)
    journal.sink("run").append({"a": 0.0}, 0)
    journal.close()
    segment = journal.path / "00000001.seg"
    os.chown(segment, 12345, 12345)
    assert JournalReader(journal.path).read().records == []
    os.chown(segment, 0, 0)
    os.chown(journal.path, 12345, 12345)
    assert list_journals(private_place / "data") == []


def test_s21_a_folder_that_others_may_write_is_not_listed(private_place: Path) -> None:
    journal = Journal.create(WORKSPACE)
    journal.close()
    assert list_journals(private_place / "data") == [journal.path]
    journal.path.chmod(0o770)
    assert list_journals(private_place / "data") == []
    journal.path.chmod(0o700)
    (private_place / "data" / "journals").chmod(0o777)
    assert list_journals(private_place / "data") == []


def test_no_secret_of_the_address_is_written(private_place: Path) -> None:
    from dataclasses import replace

    workspace = replace(
        WORKSPACE,
        kind="mlflow",
        tracking_uri="https://user:canary-secret@host/",
        display_uri="https://host/",
    )
    journal = Journal.create(workspace)
    journal.sink("run").append({"a": 0.0}, 0)
    journal.close()
    assert JournalReader(journal.path).meta.tracking_uri == "https://host/"
    for path in (private_place / "data").rglob("*"):
        assert path.is_dir() or b"canary" not in path.read_bytes()


# ------------------------------------------------------------------------------ lease


def test_a_lease_lives_as_long_as_its_process(private_place: Path) -> None:
    out = run_python(
        """
        journal = Journal.create(WORKSPACE)
        assert owner_alive(journal.path)
        print(journal.path, flush=True)
        os._exit(0)
        """
    )
    assert not owner_alive(Path(out.strip()))
    assert not owner_alive(private_place / "nothing")


def test_asking_within_the_owner_does_not_drop_the_lease() -> None:
    journal = Journal.create(WORKSPACE)
    for _ in range(3):
        assert owner_alive(journal.path)
        JournalReader(journal.path).read()
    out = run_python(f"print(owner_alive({str(journal.path)!r}))")
    assert out.strip() == "True"
    journal.close()
    assert run_python(f"print(owner_alive({str(journal.path)!r}))").strip() == "False"


def test_two_who_ask_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    journal = Journal.create(WORKSPACE)
    journal.close()
    import fcntl

    with (journal.path / "lease").open("rb") as other:
        fcntl.lockf(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        out = run_python(f"print(owner_alive({str(journal.path)!r}))")
    assert out.strip() == "False"


@pytest.mark.parametrize(
    ("words", "alive"),
    [
        ("pid {pid} {mark} {boot} {host}", True),
        ("pid {pid} 1 {boot} {host}", False),
        ("pid 99999999 {mark} {boot} {host}", False),
        ("pid {pid} {mark} other-boot {host}", False),
        ("lock {pid} {mark} {boot} {host}", False),
        ("pid x y", False),
        ("", False),
    ],
)
def test_where_locks_do_not_work_the_process_itself_is_looked_for(
    tmp_path: Path, words: str, alive: bool
) -> None:
    import socket

    text = words.format(
        pid=os.getpid(),
        mark=lease.start_mark(os.getpid()),
        boot=lease.boot_id(),
        host=socket.gethostname(),
    )
    (tmp_path / "lease").write_text(text)
    assert owner_alive(tmp_path) is alive


def test_the_header_of_a_segment_tells_its_format() -> None:
    header = fmt.header(7, 123)
    assert len(header) == fmt.HEADER_BYTES
    assert fmt.header_format(header) == fmt.FORMAT
    for at in range(24):
        damaged = bytearray(header)
        damaged[at] ^= 1
        assert fmt.header_format(bytes(damaged)) is None
    assert fmt.header_format(b"") is None

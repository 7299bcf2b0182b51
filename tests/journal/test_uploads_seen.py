"""How far artifacts are on their way is seen from the folders alone, of each run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import spool, uploading, uploads_seen


def test_files_on_their_way_are_counted_of_each_run_while_they_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journals" / "one"
    journal.mkdir(parents=True)
    source = tmp_path / "file"
    source.write_bytes(b"x" * 100)
    spool.put(journal, "a", "azureml://a", [(source, f"{n}.bin") for n in range(3)])
    spool.put(journal, "b", "azureml://b", [(source, "other.bin")])
    monkeypatch.setattr(uploads_seen, "LOOK_S", 0.0)
    monkeypatch.setattr(uploads_seen, "list_journals", lambda _folder: [journal])
    monkeypatch.setattr(uploading, "NOTED_EVERY_S", 0.0)
    meta = SimpleNamespace(meta=SimpleNamespace(workspace_id="w"))
    monkeypatch.setattr("jupyter_mltrack.journal.reader.JournalReader", lambda _path: meta)
    seen = uploads_seen.UploadsSeen(tmp_path)
    assert seen.look() == {("w", "a"), ("w", "b")}
    assert seen.look() == set()

    found: list[wire.Uploads | None] = []

    def send(batch: Any, told: uploading.Outcome, moved: uploading.Moved) -> None:
        moved(batch[0], 40)
        seen.look()
        found.append(seen.runs.get((wire.WorkspaceId("w"), "a")))
        for one in batch[:2]:
            told(one, None)
        seen.look()
        found.append(seen.runs.get((wire.WorkspaceId("w"), "a")))
        for one in batch[2:]:
            told(one, None)

    ship: Any = SimpleNamespace(path=journal)
    uploads = uploading.Uploads(ship)
    uploads._send = send
    uploads._run()
    assert found == [
        wire.Uploads(files=3, sent_files=0, size_bytes=300, sent_bytes=40),
        wire.Uploads(files=3, sent_files=2, size_bytes=300, sent_bytes=200),
    ]
    assert seen.look() == {("w", "a"), ("w", "b")}
    assert seen.runs == {}

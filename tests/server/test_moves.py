"""A notebook that is renamed or moved while its kernel runs: the kernel hears of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

SAYS = """
import os
from jupyter_mltrack.tracking import surroundings
with open({told!r} + '.part', 'w') as file:
    file.write(f"{{surroundings.notebook_path()}} {{surroundings.tags()['mltrack.notebook']}}")
os.replace({told!r} + '.part', {told!r})
"""


async def test_a_kernel_knows_where_its_notebook_is_after_it_was_renamed_and_moved(
    api: Any, jp_serverapp: Any, jp_root_dir: Path, tmp_path: Path, until: Any
) -> None:
    (jp_root_dir / "pyproject.toml").touch()
    (jp_root_dir / "first").mkdir()
    (jp_root_dir / "first" / "one.ipynb").write_text('{"cells": []}')
    (jp_root_dir / "other.ipynb").write_text('{"cells": []}')
    wanted = {"path": "first/one.ipynb", "name": "one.ipynb", "type": "notebook",
              "kernel": {"name": "python3"}}  # fmt: skip
    session = (await api("/api/sessions", "POST", body=wanted)).json
    kernel_id = session["kernel"]["id"]
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    client = BlockingKernelClient(connection_file=kernel.connection_file)
    client.load_connection_file()
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    told = tmp_path / "told.txt"

    async def place() -> str:
        """What the kernel says of its notebook: the path, and the tag of a run."""
        told.unlink(missing_ok=True)
        client.execute(SAYS.format(told=str(told)))
        assert await until(told.exists, 60)
        return told.read_text()

    async def is_known(path: str) -> bool:
        return bool(await place() == f"{jp_root_dir / path} {path}")

    try:
        assert await is_known("first/one.ipynb")
        for old, new, now in (
            ("other.ipynb", "aside.ipynb", "first/one.ipynb"),  # not this kernel's
            ("first/one.ipynb", "first/two words.ipynb", "first/two words.ipynb"),
            ("first", "second", "second/two words.ipynb"),
            ("second/two words.ipynb", "top.ipynb", "top.ipynb"),
        ):
            asked = f"/api/contents/{old.replace(' ', '%20')}"
            assert (await api(asked, "PATCH", body={"path": new})).status == 200
            said = {"path": now, "name": Path(now).name}  # as JupyterLab does next
            await api(f"/api/sessions/{session['id']}", "PATCH", body=said)
            assert await until(lambda path=now: is_known(path), 20)
        (jp_root_dir / "first").mkdir()  # where the server starts this kernel, again too
        await api(f"/api/kernels/{kernel_id}/restart", "POST", body={})
        assert await until(lambda: is_known("top.ipynb"), 20)
    finally:
        client.stop_channels()
        await api(f"/api/sessions/{session['id']}", "DELETE")

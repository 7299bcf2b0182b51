"""A notebook executed from its first cell to its last, in a kernel of its own, in a thread.

Whoever waits may stop it: the cell that runs is interrupted as the stop button would, the kernel
ends as it does at home, and only one that does not is killed. When this process is killed, the
kernel sees it and ends too; what was tracked is ended by those who ship its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.tracking.surroundings import NOTEBOOK_VARIABLE

STOP_S = 20.0
"""For the kernel to end by itself after an interrupt."""
_NOT_FOR_KERNELS = ("MLTRACK_CONTEXT", "JPY_PARENT_PID", "JPY_SESSION_NAME")
CellTold = Callable[[int, Any], None]


class Execution:
    """One execution.

    Args:
        notebook: of nbformat 4; its outputs are replaced as cells run.
        path: the notebook's file; the kernel runs in its folder.
        kernel: name of the kernel; the notebook's own if empty.
        environ: what the kernel's environment has besides this process's own.
        began: called in the thread with the index of a cell that begins, and the cell.
        ended: the same for one that has ended, whatever way.
    """

    def __init__(
        self,
        notebook: Any,
        path: str,
        *,
        kernel: str = "",
        environ: Mapping[str, str],
        began: CellTold,
        ended: CellTold,
    ) -> None:
        self._notebook = notebook
        self._path = path
        self._kernel = kernel
        self._environ = dict(environ)
        self._began = began
        self._ended = ended
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="mltrack-notebook", daemon=True)
        self.at: int | None = None
        """Index of the cell that runs, or ran last."""
        self.failed_at: int | None = None
        """Index of the cell that ended the execution."""
        self.error = ""
        """Last line of its error."""
        self.trouble: BaseException | None = None
        """What ended the execution and was no cell's error."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most so long; says whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Interrupt the cell that runs and wait for the kernel to end; kill it if it does not."""
        self._ask(lambda client: client.km.interrupt_kernel())
        if not self.wait(STOP_S):
            self.kill()

    def kill(self) -> None:
        """End the kernel at once."""
        self._ask(lambda client: client.km.shutdown_kernel(now=True))
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # it has ended this very moment
                self._loop.call_soon_threadsafe(self._task.cancel)
        self.wait(STOP_S)

    def _ask(self, act: Callable[[Any], Any]) -> None:
        client, loop = self._client, self._loop
        if loop is None or client is None or client.km is None:
            return

        async def ask() -> None:
            from jupyter_core.utils import ensure_async

            if client.km is not None and await ensure_async(client.km.is_alive()):
                await ensure_async(act(client))

        with contextlib.suppress(RuntimeError, TimeoutError):
            asyncio.run_coroutine_threadsafe(ask(), loop).result(STOP_S)

    # ---------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._execute())
        except BaseException as error:
            self.trouble = error

    async def _execute(self) -> None:
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        options = {"kernel_name": self._kernel} if self._kernel else {}
        place = {"metadata": {"path": os.path.dirname(self._path)}}
        self._client = NotebookClient(
            self._notebook, timeout=None, resources=place, record_timing=True,
            on_cell_start=self._cell_began, on_cell_executed=self._cell_ended, **options,
        )  # fmt: skip
        self._client.km = self._client.create_kernel_manager()
        if getattr(self._client.km, "ipykernel", False):
            self._client.extra_arguments = ["--log-level=ERROR"]  # no word on how it is reached
        try:
            await self._client.async_execute(env=self._kernel_environ())
        except CellExecutionError as error:
            self._failed(f"{error.ename}: {error.evalue}" if error.evalue else error.ename)
        except DeadKernelError:
            self._failed("the kernel died")
        except NoSuchKernel as error:
            raise UsageError(
                f"There is no kernel {error.name!r} on this machine.",
                "Name one that is: --kernel python3. List them: jupyter kernelspec list",
            ) from error

    def _kernel_environ(self) -> dict[str, str]:
        environ = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_KERNELS}
        return {**environ, NOTEBOOK_VARIABLE: self._path, **self._environ}

    def _failed(self, error: str) -> None:
        from jupyter_mltrack.tracking.leaving import first_line

        self.failed_at = self.at
        self.error = first_line(error)

    def _cell_began(self, cell: Any, cell_index: int) -> None:
        self.at = cell_index
        self._began(cell_index, cell)

    def _cell_ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002  # nbclient names it
        note_run(cell)
        self._ended(cell_index, cell)


def note_run(cell: Any) -> None:
    """Have the cell's own metadata name its run, as its outputs do."""
    for output in cell.get("outputs", ()):
        about = output.get("metadata", {}).get("mltrack")
        if isinstance(about, Mapping) and about.get("run_id"):
            cell.metadata["mltrack"] = dict(about)
            return


def raise_trouble(error: BaseException | None) -> None:
    """Raise what ended an execution, in our words.

    Raises:
        MltrackError: there was trouble.
    """
    if error is None or isinstance(error, asyncio.CancelledError):
        return
    if isinstance(error, MltrackError):
        raise error
    raise MltrackError(
        f"The notebook could not be executed: {type(error).__name__}: {error}"[:500],
        "Run it in JupyterLab to see where it stops.",
    ) from error

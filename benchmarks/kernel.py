"""A real kernel in an empty folder, for what only a kernel can show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import clean_environment


class Kernel:
    """Executes cells and gives back what they print."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def start(self) -> None:
        from jupyter_client.manager import KernelManager

        self._manager = KernelManager(kernel_name="python3")
        self._manager.kernel_spec.argv[0] = sys.executable
        self._manager.start_kernel(cwd=str(self._place), env=clean_environment(self._place))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, source: str, timeout_s: float = 300) -> str:
        """What the cell prints to stdout; an error in the cell raises RuntimeError."""
        printed: list[str] = []
        errors: list[str] = []

        def hook(message: dict) -> None:  # type: ignore[type-arg]
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                errors.append("\n".join(content["traceback"]))

        self._client.execute_interactive(source, output_hook=hook, timeout=timeout_s)
        if errors:
            raise RuntimeError(errors[0])
        return "".join(printed)

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=False)


@contextmanager
def kernel(place: Path) -> Iterator[Kernel]:
    running = Kernel(place)
    running.start()
    try:
        yield running
    finally:
        running.stop()

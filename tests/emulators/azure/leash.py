"""Runs a command in a process group of its own and ends the whole group when the emulator is gone.

`python leash.py COMMAND ...`: the emulator holds the other end of our standard input. When that closes, because
the emulator cancels or because it died, the group gets a terminate and, a moment later, a kill.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

GRACE_S = 2.0


def leashed(command: list[str], **options: object) -> subprocess.Popen[bytes]:
    """Start `command` on a leash; `release` ends it, and so does our own death."""
    line = [sys.executable, "-I", "-S", str(Path(__file__)), *command]
    return subprocess.Popen(line, stdin=subprocess.PIPE, start_new_session=True, **options)


def release(process: subprocess.Popen[bytes], timeout_s: float = GRACE_S + 8) -> int:
    """End the command and all that it started; its exit code (negative: the signal)."""
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()
    return process.wait(timeout_s)


def _group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _watch(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _group(process, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _group(process, signal.SIGKILL)


def main() -> int:
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_watch, args=[process], daemon=True).start()
    code = process.wait()
    _group(process, signal.SIGKILL)  # what the command left behind
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

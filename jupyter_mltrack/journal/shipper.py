"""The shipper process: `python -m jupyter_mltrack.journal.shipper JOURNAL_DIR`.

Small and polite: it imports MLflow only for stores that need it, runs at low priority, waits
longer the longer a store is in trouble, and ends when the journals it follows are brought to
their end, or some time after their owners are gone while the store stays away; the next look of
anybody then goes on. It follows the journal of one kernel, those of the worker processes of
that kernel, and those of dead owners in the same workspace that nobody else looks after.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_mltrack import own_log
from jupyter_mltrack.journal import guarded_http, recovery, shipping_state
from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal.ending import remove_if_finished
from jupyter_mltrack.journal.lease import owner_alive
from jupyter_mltrack.journal.shipper_handle import SHIPPER_LOCK
from jupyter_mltrack.journal.shipping import JournalShip, run_until
from jupyter_mltrack.journal.store_trouble import StoreTrouble
from jupyter_mltrack.journal.uploading import Uploads

NICENESS = 10
POLL_S = 0.1
POLL_REMOTE_S = 0.5
POLL_IDLE_S = 0.5
ACTIVE_S = 10.0
LOOK_S = 3.0
ADOPT_AFTER_S = 6.0
BURST_S = 2.0
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30.0
RETRY_AFTER_MOST_S = 300.0
DEAD_STORE_LIMIT_S = 900.0
LOST_CALLS_MAX = 6
_log = own_log.logger("jupyter_mltrack.shipper")


class Followed:
    """One journal this process ships, with the lock that says so."""

    def __init__(self, path: Path, lock: contextlib.ExitStack) -> None:
        self.path = path
        self.lock = lock
        self.ship = JournalShip(path, allow_mlflow=True)
        self.uploads = Uploads(self.ship)
        self.done = False

    def close(self) -> None:
        """Let go of store and lock."""
        self.uploads.stop()
        self.ship.close()
        self.lock.close()


def follow(path: Path) -> Followed | None:
    """Take a journal on; None when another shipper has it or it cannot be read."""
    stack = contextlib.ExitStack()
    try:
        if stack.enter_context(notes.locked(path / SHIPPER_LOCK)):
            return Followed(path, stack)
    except Exception as error:
        _log.warning("The journal %s cannot be shipped: %s", path.name, error)
    stack.close()
    return None


class Shipper:
    """The loop of the process."""

    def __init__(self, first: Followed) -> None:
        self.first = first
        self.data_dir = first.ship.data_dir
        self.workspace_id = first.ship.meta.workspace_id
        self.followed: dict[Path, Followed] = {first.path: first}
        self.stopping = False
        self._line = _Line()
        self._failures = 0
        self._hopeless = False
        self._sent = 0
        self._next_try_s = 0.0
        self._looked_at_s = -LOOK_S
        self._active_at_s = time.monotonic()
        self._unattended: dict[Path, float] = {}
        self._alone_since_s: float | None = None
        self._poked = 0.0

    def run(self) -> None:
        """Ship until there is nothing left to do."""
        self._prepare()
        while not self.stopping:
            now_s = time.monotonic()
            if now_s - self._looked_at_s >= LOOK_S:
                self._looked_at_s = now_s
                self._look()
            if now_s >= self._next_try_s:
                self._ship_all()
            for followed in self.followed.values():
                followed.uploads.look()
            if self._may_leave():
                break
            self._wait()
        for followed in self.followed.values():
            followed.close()

    def _prepare(self) -> None:
        """Make the store ready before there is anything to send."""
        try:
            self.first.ship.store().open()
        except StoreTrouble as trouble:
            self._trouble(trouble)

    # -------------------------------------------------------------------------- shipping

    def _ship_all(self) -> None:
        moved = 0
        for followed in list(self.followed.values()):
            try:
                moved += self._ship_one(followed)
            except StoreTrouble as trouble:
                self._trouble(trouble)
                return
        self._failures = 0
        if moved:
            self._active_at_s = time.monotonic()
            shipping_state.write_health(self.data_dir, self.workspace_id, "ready")

    def _ship_one(self, followed: Followed) -> int:
        if not followed.path.is_dir():
            self._drop(followed)
            return 0
        with notes.locked(followed.path / notes.LOCK_FILE) as mine:
            if not mine:
                return 0
            ship = followed.ship
            ship.reload()
            before = ship.progress.cursor
            result = run_until(ship, time.monotonic() + BURST_S)
            if result.trouble is not None:
                raise result.trouble
            if result.done:
                ship.settle_when_idle()
            followed.done = bool(ship.progress.finished_ms)
            if followed.done:
                ship.close()
                if remove_if_finished(followed.path):
                    self._drop(followed)
            return int(result.cursor != before)

    def _drop(self, followed: Followed) -> None:
        self.followed.pop(followed.path, None)
        followed.close()

    def _trouble(self, trouble: StoreTrouble) -> None:
        """Note what is wrong and when to try again."""
        sent = sum(followed.ship.sent_requests() for followed in self.followed.values())
        if sent > self._sent:  # some got through: this is no time to wait long
            self._failures = 0
        self._sent = sent
        self._failures += 1
        self._hopeless = trouble.hopeless
        if trouble.state == "connecting":
            delay_s = min(0.05 * 2**self._failures, 1.0)
        else:
            delay_s = min(BACKOFF_FIRST_S * 2 ** (self._failures - 1), BACKOFF_MOST_S)
        delay_s *= random.uniform(0.5, 1.2)  # noqa: S311 - many kernels must not come back at once
        if trouble.retry_after_s is not None:
            delay_s = max(delay_s, min(trouble.retry_after_s, RETRY_AFTER_MOST_S))
        self._next_try_s = time.monotonic() + delay_s
        shipping_state.write_health(
            self.data_dir, self.workspace_id, trouble.state, trouble.message, trouble.hint
        )
        if self._failures == 1:
            _log.warning("%s", trouble.message)
        self._restart_if_clogged()

    def _restart_if_clogged(self) -> None:
        """Begin anew when calls that never came back pile up; the process keeps its id and line."""
        lost = sum(followed.ship.lost_calls() for followed in self.followed.values())
        if lost >= LOST_CALLS_MAX:
            os.execv(sys.executable, _command(self.first.path))  # noqa: S606

    # ------------------------------------------------------------------------- looking

    def _look(self) -> None:
        """Find journals that nobody looks after."""
        now_s = time.monotonic()
        unattended = recovery.unattended(self.data_dir, set(self.followed))
        for path, meta in unattended:
            mine = meta.workspace_id == self.workspace_id
            child = meta.parent_journal_id in {
                followed.path.name for followed in self.followed.values()
            }
            since_s = self._unattended.setdefault(path, now_s)
            alive = owner_alive(path)
            if not child and alive and now_s - since_s < ADOPT_AFTER_S:
                continue  # its own shipper may be on its way
            if mine:
                found = follow(path)
                if found is not None:
                    self.followed[path] = found
            elif not alive:
                recovery.start_once(path, meta, self.workspace_id)
        self._unattended = {
            path: since_s
            for path, since_s in self._unattended.items()
            if path in {p for p, _ in unattended}
        }

    def _may_leave(self) -> bool:
        if not self.followed:
            return True
        if any(owner_alive(path) for path in self.followed):
            self._alone_since_s = None
            return False
        now_s = time.monotonic()
        if self._alone_since_s is None:
            self._alone_since_s = now_s
            self._looked_at_s = -LOOK_S  # its workers' journals, before it leaves
        limit_s = 0.0 if self._hopeless else DEAD_STORE_LIMIT_S
        stuck = self._failures > 0 or any(
            followed.uploads.failing_since_s is not None for followed in self.followed.values()
        )
        return stuck and now_s - self._alone_since_s > limit_s

    # -------------------------------------------------------------------------- waiting

    def _wait(self) -> None:
        now_s = time.monotonic()
        remote = self.first.ship.workspace.database is None
        pause_s = POLL_REMOTE_S if remote else POLL_S
        if now_s - self._active_at_s > ACTIVE_S:
            pause_s = POLL_IDLE_S
        if self._failures:
            pause_s = max(0.02, min(POLL_S, self._next_try_s - now_s))
        message = self._line.wait(pause_s)
        if self._was_poked():
            self._hurry()
        if message is None:
            return
        if message.get("env"):
            self._take_environment(message["env"])
            self._hurry()
        self._active_at_s = time.monotonic()

    def _hurry(self) -> None:
        """Try now, however long it was meant to wait."""
        self._next_try_s = 0.0
        for followed in self.followed.values():
            followed.uploads.hurry()

    def _was_poked(self) -> bool:
        newest = max((recovery.poked_at(path) for path in self.followed), default=0.0)
        before, self._poked = self._poked, max(self._poked, newest)
        return newest > before

    def _take_environment(self, changed: dict[str, Any]) -> None:
        for name, value in changed.items():
            if name in guarded_http.OWN_SETTINGS:
                continue
            if value is None:
                os.environ.pop(name, None)
            elif isinstance(value, str):
                os.environ[name] = value
        for followed in self.followed.values():
            followed.ship.renew()


class _Line:
    """Messages of the owner on standard input, one JSON object a line."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = True

    def wait(self, pause_s: float) -> dict[str, Any] | None:
        """Wait for a message, but not longer than that; several are taken as one."""
        if not self._open:
            time.sleep(pause_s)
            return None
        ready, _, _ = select.select([0], [], [], pause_s)
        if not ready:
            return None
        try:
            data = os.read(0, 65_536)
        except OSError:
            data = b""
        if not data:
            self._open = False
            return {}
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        merged: dict[str, Any] = {"env": {}}
        for line in lines:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict) and isinstance(message.get("env"), dict):
                    merged["env"].update(message["env"])
        return merged


def _command(path: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "jupyter_mltrack.journal.shipper", str(path)]


def main(arguments: list[str]) -> int:
    """Ship the journal named; returns the exit code."""
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        print("usage: python -m jupyter_mltrack.journal.shipper JOURNAL_DIR", file=sys.stderr)
        return 2
    path = Path(os.path.abspath(arguments[0]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    first = follow(path)
    if first is None:
        return 0
    shipper = Shipper(first)

    def stop(*_: object) -> None:
        shipper.stopping = True

    signal.signal(signal.SIGTERM, stop)
    shipper.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

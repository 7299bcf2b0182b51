"""All tests in parts, some beside each other; the last lines name every test that failed.

A part that fails stops no other. A test that failed is tried once more when all parts have ended and
nothing runs beside it: kernels, servers and browsers miss a deadline on a busy machine now and then. What a
part printed is kept in a file until all have passed; of a part that failed, what counts is shown at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(".venv/bin")
AZURE = Path(".venv-azure/bin")
SHOWN_LINES = 400  # of one part that failed
CAPTURED_LINES = 15  # of what one failed test printed
REASON_LENGTH = 300  # of why one test failed, beside its name
SIGN_OF_LIFE_S = 120
TRIED_ALONE = 40  # tests of one part at most: where more fail, the machine is not to blame
ONLY_TESTS_FAILED = 1  # what pytest then exits with

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OUTCOME = re.compile(r"(?<!\S)(PASSED|FAILED|ERROR|SKIPPED|XFAIL)(?!\S)")
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error|errors|xfailed)\b")
_BAD = re.compile(r"^(?:FAILED|ERROR|\s*FAIL) +(\S.*)")
_CAPTURED = re.compile(r"^-+ Captured (\w+)")
_HEADING = re.compile(r"^(_{3,}|={3,}|-{3,}) ?")
_OF_TEST = re.compile(r"^_+ (?:ERROR at \w+ of )?(\S.*?) _+$")
_REASON = re.compile(r"^E +(\S.*)")


@dataclass
class Part:
    """One command that runs tests, and what became of it."""

    name: str
    command: list[str]  # {cache} stands for a folder where pytest keeps what failed
    alone: list[str] = field(default_factory=list)  # runs what failed once more
    again: Part | None = None  # what became of that
    seen: int = 0  # tests that ended
    exit_code: int | None = None
    took_s: float = 0.0
    lines: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)  # of pytest: what did not just pass
    process: subprocess.Popen[str] | None = None

    def run(self, folder: Path) -> None:
        """Run it to its end, its output into a file of the folder."""
        began_s = time.monotonic()
        say(f"{self.name}: begins")
        environment = os.environ | {
            "PATH": f"{ROOT / BIN}{os.pathsep}{os.environ['PATH']}",
            "HATCH_JUPYTER_BUILDER_SKIP_NPM": "1",
            "NO_COLOR": "1",
            "COLUMNS": "200",  # a name of a test is not cut short
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is imported is compiled once
        with (
            (folder / f"{self.name}.log").open("w") as log,
            subprocess.Popen(
                [word.replace("{cache}", str(folder)) for word in self.command], cwd=ROOT, env=environment, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            ) as process,
        ):  # fmt: skip
            self.process = process
            for raw in process.stdout or ():
                log.write(raw)
                self._read(_COLOUR.sub("", raw.rstrip("\n")))
        self.exit_code = process.returncode
        self.took_s = time.monotonic() - began_s
        counts = ", ".join(f"{n} {what}" for what, n in self.counts.items()) or "no test ran"
        end = "" if self.exit_code == 0 else f", exit code {self.exit_code}"
        say(f"{self.name}: {counts} in {self.took_s:.0f} s{end}")

    @property
    def running(self) -> bool:
        return self.process is not None and self.exit_code is None

    def _read(self, line: str) -> None:
        self.lines.append(line)
        if self.summary or "test summary info" in line:
            self.summary.append(line)
        elif (outcome := _OUTCOME.search(line)) and "::" in line:
            self.seen += 1
            if outcome[1] in {"FAILED", "ERROR"}:
                say(f"{self.name}: {line.strip()}")

    @property
    def counts(self) -> dict[str, int]:
        """How many passed, failed and were skipped, as the last lines say."""
        found: dict[str, int] = {}
        for line in reversed(self.lines[-30:]):
            if re.match(r"^=+ .* in [\d.]+s", line) or re.match(r"^ +Tests  ", line):
                for number, what in _COUNT.findall(line):
                    one = "failed" if what.startswith("error") else what
                    found[one] = found.get(one, 0) + int(number)
                break
        return found

    @property
    def failed(self) -> list[str]:
        """The names of what failed; the last line of its output where there are none."""
        short = [n for n, line in enumerate(self.summary) if "short test summary" in line]
        lines = self.summary[short[0] :] if short else self.lines
        named = [match[1] for line in lines if (match := _BAD.match(line))]
        if named or self.exit_code == 0:
            return list(dict.fromkeys(self._with_reason(name) for name in named))
        last = next((line for line in reversed(self.lines) if line.strip()), "it printed nothing")
        return [
            last if self.exit_code is None else f"ended with exit code {self.exit_code}: {last}"
        ]

    def _with_reason(self, name: str) -> str:
        """The test and the first line of its error, which pytest's own summary cuts short."""
        test = name.partition(" - ")[0]
        heading = test.partition("::")[2].replace("::", ".")
        inside = False
        for line in self.lines:
            if match := _OF_TEST.match(line):
                inside = match[1] == heading
            elif inside and (match := _REASON.match(line)):
                return f"{test} - {match[1][:REASON_LENGTH]}"
        return name

    def try_alone(self, folder: Path) -> None:
        """Run the tests that failed once more, with nothing beside them."""
        if self.alone and self.exit_code == ONLY_TESTS_FAILED and len(self.failed) <= TRIED_ALONE:
            self.again = Part(f"{self.name}-alone", self.alone)
            self.again.run(folder)

    @property
    def last(self) -> Part:
        """Itself, or the second try where there was one and tests ran in it."""
        return self.again if self.again is not None and self.again.seen else self

    @property
    def tried_again(self) -> list[str]:
        """Tests that passed in the end, though not at once, each with its first error."""
        if self.last is self:
            return []
        still = {name.partition(" - ")[0] for name in self.last.failed}
        return [name for name in self.failed if name.partition(" - ")[0] not in still]

    @property
    def shown(self) -> list[str]:
        """Of what a failed part printed, the failures, what they printed themselves cut short."""
        starts = [
            place
            for place, line in enumerate(self.lines)
            if re.match(r"^(=+ (FAILURES|ERRORS) =+|.*Failed Tests \d+)", line)
        ]
        lines = self.lines[starts[0] :] if starts else self.lines[-60:]
        kept: list[str] = []
        printed: list[str] = []
        inside = ""
        for line in [*lines, "==="]:
            heading = _CAPTURED.match(line)
            if heading or (inside and _HEADING.match(line)):
                kept += printed[-CAPTURED_LINES:]
                printed = []
                inside = heading[1] if heading else ""
            if inside == "log":
                continue
            (printed if inside and not heading else kept).append(line)
        kept.pop()
        left_out = len(kept) - SHOWN_LINES
        return kept if left_out <= 0 else [*kept[:SHOWN_LINES], f"... {left_out} lines more"]


def say(line: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {line}", flush=True)


def pytest_part(name: str, place: Path, *what: str, beside: Sequence[str] = ()) -> Part:
    """A part that pytest runs, with options for what runs beside each other at first."""
    command = [
        str(place / "python"), "-m", "pytest", "-v", "-ra", "--tb=short", "--disable-warnings",
        "-o", f"cache_dir={{cache}}/{name}.cache", *what,
    ]  # fmt: skip
    only = ["--last-failed", "--last-failed-no-failures=none"]
    return Part(name, [*command, *beside], alone=[*command, *only])


def lanes() -> list[list[Part]]:
    """What runs beside each other, each lane one part after the other.

    More processes than cores: most tests wait for a kernel, a server or a page. Azure's clients bound
    MLflow's version, so their tests have an environment of their own; it is made while others run. What
    the emulator does is tried in a process in which nothing of ours stands before Azure's own clients.
    """
    emulator = sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob("tests/azure/test_emul*.py")
    )
    others = ["--ignore=tests/browser", "--ignore=tests/azure"]
    return [
        [
            pytest_part("python", BIN, *others, beside=workers(3, "worksteal")),
        ],
        [
            Part("install-azure", ["make", "--no-print-directory", ".venv-azure/.installed"]),
            Part("page", ["npm", "--prefix", "labextension", "run", "--silent", "test"]),
            pytest_part("emulator", AZURE, *emulator),
            pytest_part("azure", AZURE, "tests/azure", "--ignore-glob=*/test_emul*.py"),
        ],
        [
            pytest_part("browser", BIN, "tests/browser", beside=workers(2, "loadfile")),
        ],
    ]


def workers(number: int, shared_out: str) -> list[str]:
    """Options for so many processes; what a module sets up is made once, or once for each of them."""
    return ["-n", str(number), "--dist", shared_out]


def run_lane(parts: list[Part], folder: Path) -> None:
    for part in parts:
        try:
            part.run(folder)
        except OSError as error:
            part.lines.append(f"could not be run: {error.strerror}")
            say(f"{part.name}: {part.lines[-1]}")


def run(all_lanes: list[list[Part]]) -> int:
    """Run every part, tell what failed, and return the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="mltrack-tests-"))
    parts = [part for lane in all_lanes for part in lane]
    threads = [
        threading.Thread(target=run_lane, args=(lane, folder), daemon=True) for lane in all_lanes
    ]
    for thread in threads:
        thread.start()
    told_s = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.2)
        if time.monotonic() - told_s > SIGN_OF_LIFE_S:
            told_s = time.monotonic()
            say(
                ", ".join(
                    f"{part.name}: {part.seen} tests so far" for part in parts if part.running
                )
            )
    for part in parts:
        part.try_alone(folder)
    code = tell(parts, folder)
    if code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def tell(parts: list[Part], folder: Path) -> int:
    """Print the failures, and last of all their names and the sum."""
    ended = [part.last for part in parts]
    bad = [part for part in ended if part.exit_code != 0]
    for part in bad:
        print(f"\n######## {part.name}\n" + "\n".join(part.shown))
    again = [f"  {part.name}  {name}" for part in parts for name in part.tried_again]
    if again:
        print("\nPassed alone, not beside others:\n" + "\n".join(again))
    if bad:
        print(f"\nAll that was printed: {folder}")
        names = [f"  {part.name}  {name}" for part in bad for name in part.failed]
        print("Failed:\n" + "\n".join(names))
    passed, failed, skipped = (
        sum(part.counts.get(what, 0) for part in ended) for what in ("passed", "failed", "skipped")
    )
    firsts = [part for part in parts if part.last is not part]
    passed += sum(part.counts.get("passed", 0) for part in firsts)
    skipped += sum(part.counts.get("skipped", 0) for part in firsts)
    print(f"tests: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if bad else 0


def stop(parts: list[Part]) -> None:
    """End what runs as Ctrl-C would, so that kernels and servers of the tests end too."""
    for part in parts:
        if part.process is not None and part.running:
            part.process.send_signal(signal.SIGINT)
    sys.exit(130)


if __name__ == "__main__":
    LANES = lanes()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop([part for lane in LANES for part in lane]))
    sys.exit(run(LANES))

"""What the redactor costs a line, on 100,000 ordinary lines of code and logs, one by one and together."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.measure import table, verdict


def run() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tracking"))
    import ordinary_lines

    from jupyter_mltrack.tracking.redaction import redact

    installed = ordinary_lines.installed_lines(50_000)
    lines = installed + list(ordinary_lines.made_lines(50_000))
    alone: list[float] = []
    for _ in range(2):
        begun_s = time.process_time()
        touched = sum(redact(line) != line for line in lines)
        alone.append((time.process_time() - begun_s) / len(lines) * 1e6)
    begun_s = time.process_time()
    for line in installed:
        redact(line)
    code_us = (time.process_time() - begun_s) / len(installed) * 1e6
    begun_s = time.process_time()
    for at in range(0, len(lines), 200):  # as the output of a cell is looked at
        redact("\n".join(lines[at : at + 200]))
    together_us = (time.process_time() - begun_s) / len(lines) * 1e6
    table(
        "Redaction, microseconds of processor time a line",
        ["lines", "each alone", "code alone", "200 together", "touched"],
        [(len(lines), min(alone), code_us, together_us, touched)],
    )
    slowest_us = max(min(alone), code_us, together_us)
    print(f"\nat most 20 us a line, however it comes: {verdict(slowest_us <= 20)}")
    print(f"at most one line in a thousand touched: {verdict(touched * 1000 <= len(lines))}")

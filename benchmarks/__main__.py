"""`python -m benchmarks [CASE ...]`: calls, readable, start, capture, network, kills, pixels, drift, score, deploy,
listing, panel, azure, redaction. With `--long` the panel is watched for ten minutes."""

from __future__ import annotations

import importlib
import platform
import sys
import time

CASES = (
    "calls",
    "readable",
    "start",
    "capture",
    "network",
    "kills",
    "pixels",
    "drift",
    "score",
    "deploy",
    "listing",
    "panel",
    "azure",
    "redaction",
)


def main() -> int:
    chosen = [name for name in sys.argv[1:] if name != "--long"] or CASES
    unknown = [name for name in chosen if name not in CASES]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}.\nThere are: {', '.join(CASES)}", file=sys.stderr)
        return 2
    print(
        f"Python {platform.python_version()} on {platform.platform()}, {time.strftime('%Y-%m-%d')}"
    )
    for name in chosen:
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

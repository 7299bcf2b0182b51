"""A kernel's worth of load: many runs at once, each logging many metrics at a steady pace."""

from __future__ import annotations

import random
import sys
import threading
import time


def main() -> None:
    """Arguments: runs, metrics of each, points a second of each metric, seconds."""
    import jupyter_mltrack

    runs, metrics, rate, seconds = (int(one) for one in sys.argv[1:5])
    until_s = time.monotonic() + seconds

    def train(number: int) -> None:
        chance = random.Random(number)
        keys = ["loss", *(f"m{at:02d}" for at in range(1, metrics))]
        step = 0
        with jupyter_mltrack.track(f"live-{number:02d}"):
            begun_s = time.monotonic()
            while time.monotonic() < until_s:
                jupyter_mltrack.log({key: chance.random() / (1 + step) for key in keys}, step=step)
                step += 1
                time.sleep(max(0.0, begun_s + step / rate - time.monotonic()))

    threads = [threading.Thread(target=train, args=(number,)) for number in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

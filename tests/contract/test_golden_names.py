"""Names that both languages must read alike: the samples are read by the page's tests too."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mltrack.tracking import names

GOLDEN = Path(__file__).parent / "samples" / "names.json"


def test_the_golden_names_are_what_log_writes() -> None:
    pairs = json.loads(GOLDEN.read_text())
    assert [[key, names.encode(key)] for key, _ in pairs] == pairs
    assert [names.decode(encoded) for _, encoded in pairs] == [key for key, _ in pairs]

"""Every shape of the corpus is taken out in every encoding; ordinary lines stay as they are."""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import json
import re
from urllib.parse import unquote, unquote_plus

import ordinary_lines
import pytest
import secret_corpus

from jupyter_mltrack.tracking import redaction
from jupyter_mltrack.tracking.lines import LineMaker
from jupyter_mltrack.tracking.redaction import hide_exactly, redact

ALL_ENCODINGS = secret_corpus.ENCODINGS | secret_corpus.MORE_ENCODINGS
_ESCAPE = re.compile(r"\\(?:x|u00)([0-9a-f]{2})")
_WORD = re.compile(r"[A-Za-z0-9+/_\-]{8,}")


def readings(text: str, depth: int = 2) -> set[str]:
    """What somebody who is after secrets would read in a text."""
    found = {text, unquote(text), unquote_plus(text), html.unescape(text)}
    found.add(re.sub(r"\x1b\[[0-9;]*m", "", text))
    found.add(_ESCAPE.sub(lambda code: chr(int(code[1], 16)), text))
    joined = text.replace("\\n", "").replace("\n", "").replace("-", "+").replace("_", "/")
    for word in _WORD.findall(joined):
        for begin in range(4):
            body = word[begin:]
            try:
                raw = base64.b64decode(body[: len(body) // 4 * 4])
            except binascii.Error:
                continue
            found.add(raw.decode("latin-1"))
    if depth > 1:
        found |= set(itertools.chain.from_iterable(readings(one, depth - 1) for one in [*found]))
    return found


def leaked(shape: secret_corpus.Shape, left: str) -> set[str]:
    """Stretches of a secret that can still be read."""
    parts = secret_corpus.pieces(shape.secret)
    return {part for reading in readings(left) for part in parts if part in reading}


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    shapes = secret_corpus.shapes()
    assert len({shape.name for shape in shapes}) == len(shapes) >= 200
    assert len(secret_corpus.ENCODINGS) == 5


@pytest.mark.parametrize("encoding", ALL_ENCODINGS)
def test_s24_s26_no_shape_of_the_corpus_is_left_in_any_encoding(encoding: str) -> None:
    encode = ALL_ENCODINGS[encoding]
    wrong = []
    for shape in secret_corpus.shapes():
        left = redact(encode(shape.text))
        if leaked(shape, left) or "[redacted: " not in left or redact(left) != left:
            wrong.append((shape.name, left))
    assert wrong == []


@pytest.mark.parametrize("encoding", ALL_ENCODINGS)
def test_s26_a_secret_is_taken_out_of_a_long_text_as_it_is_out_of_a_short_one(
    encoding: str,
) -> None:
    lines = [f"{redact(line)}\n" for line in ordinary_lines.installed_lines(240)]
    before, after = "".join(lines[:120]), "".join(lines[120:])
    assert len(before + after) > 4_000
    encode = ALL_ENCODINGS[encoding]
    for shape in secret_corpus.shapes()[::3]:
        text = f"{encode(shape.text)}\n\n"
        assert redact(f"{before}\n{text}{after}") == f"{before}\n{redact(text)}{after}", shape


def test_s27_what_surrounds_a_secret_stays_and_json_stays_json() -> None:
    for shape in secret_corpus.shapes():
        left = redact(shape.text)
        before, _, after = shape.text.partition(shape.secret)
        assert left.startswith(before[:4]), shape
        assert left.endswith(after[-3:].strip("\"'")[-1:]) or not after.strip(), shape
        kept = redact(json.dumps({"text": shape.text, "loss": 0.5}))
        assert kept.endswith('", "loss": 0.5}'), kept
        assert json.loads(kept)["loss"] == 0.5


def test_s26_a_secret_cut_at_any_place_into_two_prints_is_taken_out() -> None:
    for shape in secret_corpus.shapes()[::7]:
        for cut in range(1, len(shape.text)):
            maker = LineMaker("stdout")
            lines = maker.feed([(shape.text[:cut], 1), (f"{shape.text[cut:]}\n", 2)])
            left = "\n".join(line.text for line in lines + maker.finish(3))
            assert not any(part in left for part in secret_corpus.pieces(shape.secret)), (
                shape,
                cut,
            )


def test_s26_held_tokens_are_taken_out_wherever_they_begin_in_base64() -> None:
    token = "Hq7Vx2Lr9Tz4Wm1Kc8"
    hide_exactly(token)
    try:
        for before in range(7):
            for binary in (b"\xff" * before, b"a" * before):
                word = base64.b64encode(binary + token.encode() + b"\xfe\xff").decode()
                assert "[redacted" in redact(f"x {word} y"), (before, binary)
    finally:
        redaction._held.pop(token)


def test_s27_of_ordinary_lines_at_most_one_in_a_thousand_is_touched() -> None:
    made = list(ordinary_lines.made_lines(50_000))
    installed = ordinary_lines.installed_lines(50_000)
    assert len(installed) == 50_000
    for lines in (made, installed):
        touched = [(line, left) for line in lines if (left := redact(line)) != line]
        assert len(touched) <= 50, touched[:10]

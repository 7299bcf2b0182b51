"""What is written in pieces becomes lines without secrets, whatever lies between two writes."""

from __future__ import annotations

import time

import pytest

from jupyter_mltrack.tracking.lines import LineMaker

TOKEN = "ghp_" + "aB3" * 12
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq83hf9sdKJHkj2398\n-----END RSA PRIVATE KEY-----\n"


def lines_of(*batches: list[str]) -> list[str]:
    maker = LineMaker("stdout")
    found = []
    for batch in batches:
        found += maker.feed([(text, 1) for text in batch])
    return [line.text for line in [*found, *maker.finish(2)]]


def test_lines_are_taken_when_they_end() -> None:
    assert lines_of(["a", "b\nc\r\n", "\n"], ["d"], ["e"]) == ["ab", "c", "", "de"]
    maker = LineMaker("stderr")
    (line,) = maker.feed([("warn", 5), ("ing\nmore", 7)])
    assert (line.stream, line.text, line.at_ms) == ("stderr", "warning", 7)
    assert [one.text for one in maker.finish(9)] == ["more"]


def test_of_a_line_that_is_written_over_only_the_last_state_is_kept() -> None:
    maker = LineMaker("stderr")
    assert maker.feed([("\r 10%", 1), ("\r 20%", 1), ("\r 30%", 1)]) == []
    assert maker.state == " 20%"
    assert [line.text for line in maker.feed([("\r100%", 1), ("\n", 1), ("done\n", 1)])] == [
        "100%",
        "done",
    ]
    assert maker.state == ""
    assert lines_of(["step 1\r"], ["step 2\r"]) == ["step 2"]
    assert lines_of(["100%\r\n"]) == ["100%"]


def test_nested_bars_leave_one_line_for_the_outer_bar() -> None:
    inner = ["\n", "\rinner 50%", "\x1b[A"]
    written = [
        "\router 0%",
        *inner,
        *inner,
        "\router 50%",
        *inner,
        "\n\r        \x1b[A",
        "\router 100%",
        "\n",
    ]
    assert lines_of(written) == ["outer 100%"]


def test_signs_that_steer_a_terminal_are_left_out() -> None:
    assert lines_of(["\x1b[31mred\x1b[0m\x1b]0;title\x07 \x00\x08ok\u2028\n"]) == ["red ok"]


@pytest.mark.parametrize("shape", ["{}", "key {} end", "\x1b[1m{}\x1b[0m"])
def test_s26_a_secret_in_two_writes_is_seen_whole_wherever_it_is_cut(shape: str) -> None:
    text = shape.format(TOKEN)
    for at in range(len(text) + 1):
        for batches in ([[text[:at], text[at:] + "\n"]], [[text[:at]], [text[at:] + "\n"]]):
            found = "\n".join(lines_of(*batches))
            assert "aB3" not in found, (at, found)
            assert "[redacted: token]" in found


def test_s26_a_secret_is_seen_although_colours_stand_in_its_middle() -> None:
    assert TOKEN[:20] not in lines_of([f"{TOKEN[:20]}\x1b[32m{TOKEN[20:]}\n"])[0]


def test_s26_a_private_key_is_held_back_until_it_ends() -> None:
    parts = KEY.splitlines(keepends=True)
    for at in range(len(parts)):
        found = lines_of(["before\n", *parts[:at]], [*parts[at:], "after\n"])
        assert (found[0], found[-1]) == ("before", "after")
        assert "MIIE" not in "\n".join(found), at
        assert "q83h" not in "\n".join(found), at
    assert lines_of(["-----BEGIN PRIVATE KEY-----\n", "abcdef\n"]) == ["[redacted: private key]"]


def test_s26_a_value_of_the_environment_is_seen_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct-horse-battery")
    assert lines_of(["say correct-"], ["horse-battery now\n"]) == [
        "say [redacted: value of an environment variable] now"
    ]


def test_s27_ordinary_lines_stay_as_they_are() -> None:
    written = [
        "epoch 3/10 loss=0.1234 acc: 0.98\n",
        "run 3f2a9c8d7e6b5a4f3f2a9c8d7e6b5a4f\n",
        "é 漢 🙂\t|\n",
    ]
    assert lines_of(written) == [text.rstrip("\n") for text in written]


def test_a_line_without_an_end_is_taken_in_parts() -> None:
    found = lines_of([["." * 1_000] * 200][0])
    assert sum(map(len, found)) <= 200_000
    assert len(found) >= 3


def test_many_lines_are_looked_at_quickly() -> None:
    written = [f"epoch {number} loss={number / 7:.6f}\n" for number in range(20_000)]
    began_s = time.process_time()
    assert len(lines_of(written)) == 20_000
    assert time.process_time() - began_s < 2

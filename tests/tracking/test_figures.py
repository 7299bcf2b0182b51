"""Files of what cells show, and the notebook of the cells before: names, limits, what is damaged."""

from __future__ import annotations

import base64

import msgspec
import nbformat
import pytest

from jupyter_mltrack.tracking import cells, figures
from jupyter_mltrack.tracking.cells import notebook_of, redact_long
from jupyter_mltrack.tracking.figures import Display, Gallery

PNG = base64.b64encode(b"\x89PNG....").decode()
CANARY = "ghp_" + "Xx5" * 12


def named(*displays: Display) -> list[str]:
    gallery = Gallery()
    for display in displays:
        gallery.take(display)
    return list(gallery.files()[0])


def test_files_are_named_after_titles_and_numbered_where_they_repeat() -> None:
    image = {"image/png": PNG}
    drawn = {"image/png": PNG, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    assert named(
        Display(image, "Loss, by <b>epoch</b> $\\alpha$ / 0.5"),
        Display(image, "Loss, by epoch alpha 0.5"),
        Display(drawn), Display(drawn), Display(image),
        Display({"text/html": "<table></table>"}), Display({"text/html": "<p>"}),
        Display({"application/vnd.vegalite.v5+json": {"title": "Fläche"}}),
        Display({"text/plain": "only text"}),
        Display(image, f"key {CANARY}"), Display(image, "../../etc/passwd"), Display(image, "x" * 500),
    ) == [
        "loss-by-epoch-alpha-0.5.png", "loss-by-epoch-alpha-0.5-2.png",
        "figure-1.png", "figure-2.png", "image-1.png",
        "table-1.html", "output-1.html", "fläche.vegalite.json",
        "key-redacted-token.png", "etc-passwd.png", "x" * 60 + ".png",
    ]  # fmt: skip


def test_what_is_updated_is_written_anew_and_what_is_cleared_goes() -> None:
    gallery = Gallery()
    gallery.take(Display({"image/png": PNG}, "first"))
    gallery.take(Display({"text/html": "one"}, "", "id-1"))
    assert sorted(gallery.files()[0]) == ["first.png", "output-1.html"]
    gallery.take(Display({"text/html": "two"}, "", "id-1", is_update=True))
    fresh, gone = gallery.files()
    assert (list(fresh), gone) == (["output-1.html"], [])
    assert fresh["output-1.html"].endswith(b"two")
    gallery.take(Display(None))
    gallery.take(Display({"text/html": "three"}))
    fresh, gone = gallery.files()
    assert (list(fresh), gone) == (["output-1.html"], ["first.png"])


def test_what_is_beyond_a_limit_or_damaged_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FIGURE_BYTES_MAX", 1 << 20)
    monkeypatch.setattr(figures, "FIGURES_MAX", 3)
    gallery = Gallery()
    loop: dict[str, object] = {}
    loop["self"] = loop
    gallery.take(Display({"image/png": "no base64!"}))
    gallery.take(Display({"text/html": "y" * (2 << 20)}))
    gallery.take(Display({"application/json": loop}))
    gallery.take(Display({"image/png": PNG}))
    gallery.take(Display({"text/plain": "<Figure size 1x1>"}))
    assert gallery.files() == ({}, [])
    assert gallery.left_out == {
        "an output that is not what it says": 2,
        "a figure beyond the limit of 1 MB": 1,
        "a figure beyond the first 3": 1,
        "a figure that could not be drawn": 1,
    }


def test_of_a_long_session_the_newest_cells_are_kept_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cells, "CHARACTERS_MAX", 100)
    executed = ["", *(f"# {count}\n{'a' * 30}\udcff" for count in range(1, 11))]
    content, left_out = notebook_of(executed)
    notebook = nbformat.from_dict(msgspec.json.decode(content))
    nbformat.validate(notebook)
    assert left_out == "8 cells that were executed long before"
    assert notebook.cells[0].source == "*8 cells that were executed long before are not kept.*"
    assert [one.execution_count for one in notebook.cells[1:]] == [9, 10]
    assert notebook.cells[1].source.endswith("\\udcff")


def test_a_secret_on_the_border_of_two_pieces_is_found() -> None:
    for shift in range(0, 60, 7):
        text = "a = 1\n" * 5_460 + "b" * shift + f" = '{CANARY}'\n" + "c = 2\n" * 9_000
        found = redact_long(text)
        assert CANARY[:12] not in found
        assert found.count("[redacted: token]") == 1
        assert len(found) == len(text) - len(CANARY) + len("[redacted: token]")

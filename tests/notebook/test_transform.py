from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_mltrack.notebook.transform import is_tracked, rewrite_header, split_header


def transformed(cell: str) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms.append(rewrite_header)
    return manager.transform_cell(cell)


def test_the_header_becomes_a_call_and_the_body_stays_on_its_lines() -> None:
    cell = "%%track sweep --tag a=b\n\n# note\nx = await f()\n"
    assert transformed(cell) == (
        "get_ipython().run_line_magic('track', 'sweep --tag a=b')\n\n# note\nx = await f()\n"
    )


def test_a_header_continued_with_backslashes_keeps_the_line_numbers() -> None:
    cell = "%%track sweep \\\n  --tag a=b \\\n  --quiet\nx = 1\n"
    made = transformed(cell)
    assert (
        made.splitlines()[0] == "get_ipython().run_line_magic('track', 'sweep --tag a=b --quiet')"
    )
    assert made.splitlines()[3] == "x = 1"


@pytest.mark.parametrize(
    "header", ["%%track it's (odd [", "%%track why?", '%%track "a b" # c', "%%track a?b"]
)
def test_no_text_of_a_header_reaches_the_tokens_of_the_cell(header: str) -> None:
    made = transformed(f"{header}\nx = 1\n")
    compile(made, "<cell>", "exec")
    assert made.splitlines()[1] == "x = 1"


def test_a_cell_magic_under_the_header_gets_the_rest() -> None:
    assert transformed("%%track a\n%%time\nx = 1\n") == (
        "get_ipython().run_line_magic('track', 'a')\nget_ipython().run_cell_magic('time', '', 'x = 1\\n')\n"
    )


def test_a_header_under_another_cell_magic_is_left_to_it() -> None:
    assert "'%%track a\\nx = 1\\n'" in transformed("%%time\n%%track a\nx = 1\n")


@pytest.mark.parametrize(
    "cell", ["%%track?", "%%track??\n", "%%tracker\nx", "x = '%%track'\n", "%%time\nx\n", ""]
)
def test_other_cells_are_not_touched(cell: str) -> None:
    lines = cell.splitlines(keepends=True)
    assert rewrite_header(lines) == lines
    assert not is_tracked(cell)


def test_a_prompt_does_not_run_a_header_without_its_body() -> None:
    manager = TransformerManager()
    manager.cleanup_transforms.append(rewrite_header)
    assert manager.check_complete("%%track a\nx = 1")[0] == "incomplete"
    assert manager.check_complete("%%track a\nx = 1\n\n")[0] == "complete"


def test_header_and_body_can_be_told_apart() -> None:
    assert split_header("%%track a --quiet\nx = 1\ny = 2\n") == ("a --quiet", "x = 1\ny = 2\n")


def test_carriage_returns_do_no_harm() -> None:
    made = transformed("%%track a\r\nx = 1\r\n")
    assert made.splitlines()[0] == "get_ipython().run_line_magic('track', 'a')"

"""The table of verbs and what follows from it: words, help, completion, answers, files."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_mltrack
from jupyter_mltrack.errors import NotFound, SettingsError, UsageError
from jupyter_mltrack.settings import load_settings
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs import VERBS, find_verb, function_of
from jupyter_mltrack.verbs.door import answer, answer_words
from jupyter_mltrack.verbs.parsing import Word, parse, quoted, split_line
from jupyter_mltrack.verbs.saving import save_experiment, save_workspace


@pytest.fixture(autouse=True)
def nothing_chosen() -> Iterator[None]:
    yield
    choice.forget()


# ------------------------------------------------------------------------------- the table


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_a_function_that_takes_its_words(verb: Any) -> None:
    import inspect

    signature = inspect.signature(function_of(verb))
    wanted = {one.field for one in verb.arguments} - {"json"}
    if verb.other_options:
        wanted.add("options")
    assert wanted == set(signature.parameters)
    assert getattr(jupyter_mltrack, verb.name) is not None


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_example_of_a_verb_can_be_read(verb: Any) -> None:
    assert verb.examples
    for words, does in verb.examples:
        call = parse(split_line(f"{verb.name} {words}"))
        assert call.verb is verb
        assert does


def test_help_says_every_verb_and_every_option() -> None:
    text = answer("help").plain
    for verb in VERBS:
        assert verb.help in text
        one = answer(f"help {verb.name}").plain
        assert all(argument.help in one for argument in verb.arguments)
        assert answer(f"{verb.name} --help").plain == one
    assert "jupyter mltrack runs" in answer_words(["help", "runs"]).plain


# ------------------------------------------------------------------------------- the words


@pytest.mark.parametrize("text", ["a", "a b", "it's", 'a "b" c', """ '\\" """, "\\", ""])
def test_a_quoted_text_is_one_word(text: str) -> None:
    assert [word.text for word in split_line(quoted(text))] == [text]


def test_words_keep_their_quotes_where_a_filter_needs_them() -> None:
    assert split_line("""show "my run" a\\ b x='y z'""") == [
        Word("show", "show"), Word('"my run"', "my run"), Word("a\\ b", "a b"), Word("x='y z'", "x=y z"),
    ]  # fmt: skip
    call = parse(split_line("runs metrics.acc > 0.9 and params.lr = '0.01' --sort loss"))
    assert call.keywords == {"filter": "metrics.acc > 0.9 and params.lr = '0.01'", "sort": "loss"}
    call = parse(split_line('runs "metrics.acc > 0.9" --all --json'))
    assert (call.keywords, call.as_json) == ({"filter": "metrics.acc > 0.9", "all": True}, True)
    assert parse([]).verb.name == "status"
    call = parse(split_line("diff my-run my-run (2)"))
    assert call.keywords == {"run": "my-run", "other": "my-run (2)"}
    call = parse([Word("compare", "compare"), Word("my run", "my run"), Word("b (3)", "b (3)")])
    assert call.keywords == {"run": ["my run", "b (3)"]}
    assert parse(split_line("use http://x --save=team")).keywords == {
        "spec": "http://x",
        "save": "team",
    }


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("rnus", "There is no verb 'rnus'.", "Did you mean runs?"),
        ("runs --sortt loss", "runs has no option --sortt.", "Did you mean --sort?"),
        ("runs --sort", "--sort needs a value: --sort METRIC.", "Write: runs"),
        ("runs --sort --all", "--sort needs a value: --sort METRIC.", "Write: runs"),
        ("runs --last=3", "--last takes no value.", "Write: runs"),
        ("show", "show needs RUN:", "Write: show RUN"),
        ("show a b", "show does not take 'b'.", "quote a name"),
        ("auto maybe", "auto does not take 'maybe'.", "Write: auto on|off"),
        ("show 'x", "A ' has no partner: 'x", "Close the quotation."),
        ("runs --limit 0", "--limit cannot be '0'.", "Say a number from 1 to 1000."),
        ("runs --limit many", "--limit cannot be 'many'.", "Say a number from 1 to 1000."),
        ("help nothing", "There is no verb 'nothing'.", "Verbs: status,"),
        ("\x1b[31mx", "There is no verb '\\\\x1b[31mx'.", "Verbs: status,"),
        ("use", None, None),
    ],
)
def test_a_wrong_word_is_answered_in_two_lines(
    line: str, message: str | None, hint: str | None
) -> None:
    if message is None:
        assert parse(split_line(line)).keywords == {}
        return
    with pytest.raises(UsageError) as caught:
        answer(line)
    assert caught.value.message.startswith(message)
    assert hint is not None
    assert hint in caught.value.hint
    assert len(caught.value._render_traceback_()) == 2


def test_auto_is_for_notebooks() -> None:
    with pytest.raises(UsageError):
        answer_words(["auto", "on"])


# ----------------------------------------------------------------------------- the answers


def test_json_is_strict_and_has_no_nan(tmp_path: Path) -> None:
    with jupyter_mltrack.track("odd \u202e name") as run:
        run.log({"nan": float("nan"), "inf": float("inf"), "loss": 0.5})

    def refuse(text: str) -> None:
        raise AssertionError(text)

    text = answer("runs --json").plain
    page = json.loads(text, parse_constant=refuse)
    assert text.isascii() or "\u202e" not in text
    values = {value["key"]: (value["value"], value["text"]) for value in page["runs"][0]["metrics"]}
    assert values == {"loss": (0.5, "0.5"), "nan": (None, "nan"), "inf": (None, "inf")}
    assert (
        json.loads(answer("show last --json").plain, parse_constant=refuse)["summary"]["status"]
        == "FINISHED"
    )


MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;\"'"


def test_s12_markup_in_names_is_text_in_every_table() -> None:
    with jupyter_mltrack.track(
        MARKUP, tags={MARKUP: MARKUP}, params={MARKUP: MARKUP}, experiment=MARKUP
    ) as run:
        run.log({MARKUP: 1.0})
    for line in ("runs --all", "show last", "experiment"):
        html = answer(line).html
        assert "<img" not in html
        assert "<script" not in html
        assert "&lt;img" in html


def test_s35_control_and_direction_characters_do_nothing_to_a_terminal() -> None:
    name = "a\x1b]0;owned\x07\u202eb\u200bc"
    with jupyter_mltrack.track("plain", tags={"evil": name}, experiment=name) as run:
        run.log({name: 1.0})
    for line in ("runs --all", "show last", "experiment"):
        plain = answer(line).plain
        assert all(character.isprintable() or character == "\n" for character in plain)
        assert "\u202e" not in plain
    assert "a\\x1b]0;owned\\x07\\u202eb\\u200bc" in answer("show last").plain


def test_a_table_is_aligned_also_with_wide_characters() -> None:
    from jupyter_mltrack.display_text import width
    from jupyter_mltrack.render import Column, table

    lines = table(
        [Column("name"), Column("n", right=True)], [["日本", "1"], ["plain", "22"]]
    ).plain.split("\n")
    assert [width(line) for line in lines] == [9, 9, 9]


def test_runs_shows_the_current_experiment_and_sorts_best_first() -> None:
    for name, loss in (("a", 0.5), ("b", 0.1), ("c", 0.9)):
        with jupyter_mltrack.track(name) as run:
            run.log({"loss": loss})
    with jupyter_mltrack.track("d", experiment="other") as run:
        run.log({"loss": 0.0})
    assert [run.name for run in jupyter_mltrack.runs(sort="loss").runs] == ["b", "a", "c"]
    assert [run.name for run in jupyter_mltrack.runs(sort="-loss").runs] == ["c", "a", "b"]
    assert [run.name for run in jupyter_mltrack.runs(last=True, all=True).runs] == ["d"]
    with pytest.raises(NotFound) as refused:
        answer("runs --sort los")
    assert refused.value.message == "No run has a metric 'los'."
    assert refused.value.hint == "Metrics of the newest runs: loss."
    jupyter_mltrack.experiment("other")
    assert [run.name for run in jupyter_mltrack.runs().runs] == ["d"]


def test_the_table_of_runs_has_the_main_metrics_of_all_runs_first() -> None:
    with jupyter_mltrack.track("old") as run:
        run.log({"acc": 0.9})
    with jupyter_mltrack.track("new") as run:
        run.log({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "loss": 0.5})
    assert answer("runs").plain.splitlines()[0].split()[-4:] == ["loss", "acc", "a", "b"]


def test_an_experiment_that_was_chosen_and_has_no_run_is_empty_and_no_error() -> None:
    with jupyter_mltrack.track("a"):
        pass
    assert answer("experiment digits").plain == "experiment: digits · new: made with its first run"
    assert answer("runs").plain == "No runs here yet. Begin a cell with %%track to record one."
    assert "a" in answer("runs --all").plain


# ------------------------------------------------------------------------------- the files

TOML = """\
# our settings
experiment = "old"  # keep me

[workspaces]  # names
team = 'http://a'   # ours
other = "http://b"

# the end
"""


def test_saving_a_workspace_keeps_comments_and_order() -> None:
    Path("mltrack.toml").write_text(TOML)
    path = save_workspace("team", "http://new:5000")
    text = path.read_text()
    assert text == (
        TOML.replace("'http://a'", '"http://new:5000"').replace(
            '"old"  # keep me\n', '"old"  # keep me\ntracking = "team"\n'
        )
    )
    assert load_settings().tracking == "team"
    assert choice.workspace().tracking_uri == "http://new:5000"


def test_saving_makes_a_file_or_a_section_where_there_is_none() -> None:
    save_workspace("my team", "http://a")
    assert tomllib.loads(Path("mltrack.toml").read_text()) == {
        "tracking": "my team",
        "workspaces": {"my team": "http://a"},
    }
    save_experiment('dig"its\n')
    assert load_settings().experiment == 'dig"its\n'
    assert load_settings().workspaces["my team"] == "http://a"


def test_saving_into_pyproject_touches_only_our_table() -> None:
    Path("pyproject.toml").write_text(
        '[project]\nname = "x"\n\n[tool.mltrack]\nquiet = true\n\n[tool.ruff]\nline-length = 1\n'
    )
    save_workspace("team", "http://a")
    content = tomllib.loads(Path("pyproject.toml").read_text())
    assert content["tool"]["mltrack"] == {
        "quiet": True,
        "tracking": "team",
        "workspaces": {"team": "http://a"},
    }
    assert content["tool"]["ruff"] == {"line-length": 1}
    assert not Path("mltrack.toml").exists()


@pytest.mark.parametrize(
    "text",
    [
        'workspaces = {team = "http://a"}\n',
        'experiment = """\n[workspaces]\n"""\n',
        'workspaces.team = "http://a"\n',
    ],
)
def test_a_file_that_is_written_otherwise_is_never_broken(text: str) -> None:
    Path("mltrack.toml").write_text(text)
    wanted = tomllib.loads(text) | {"tracking": "team", "workspaces": {"team": "http://b"}}
    with contextlib.suppress(SettingsError):
        save_workspace("team", "http://b")
    after = Path("mltrack.toml").read_text()
    assert after == text or tomllib.loads(after) == wanted


def test_what_is_not_changed_safely_is_named_for_the_hand() -> None:
    Path("mltrack.toml").write_text('workspaces = {team = "http://a"}\n')
    with pytest.raises(SettingsError) as caught:
        save_workspace("team", "http://b")
    assert caught.value.hint == 'Add this line under [workspaces] yourself: team = "http://b"'


def test_windows_line_ends_stay() -> None:
    Path("mltrack.toml").write_bytes(b'experiment = "a"\r\nquiet = true\r\n')
    save_experiment("b")
    assert Path("mltrack.toml").read_bytes() == b'experiment = "b"\r\nquiet = true\r\n'


def test_a_damaged_file_is_refused_before_anything_is_written() -> None:
    Path("mltrack.toml").write_text("experiment = \n")
    with pytest.raises(SettingsError):
        save_experiment("b")
    assert Path("mltrack.toml").read_text() == "experiment = \n"


@pytest.mark.parametrize(
    "spec", ["http://me:secret@host", "https://h/x?token=abc", "postgresql://u:p@h/db"]
)
def test_an_address_with_a_secret_is_not_written(spec: str) -> None:
    with pytest.raises(UsageError):
        save_workspace("team", spec)
    assert not Path("mltrack.toml").exists()


@pytest.mark.parametrize("name", ["local", "", "http://x", "a:b", "a/b"])
def test_a_workspace_gets_no_name_that_reads_as_an_address(name: str) -> None:
    with pytest.raises(UsageError):
        save_workspace(name, "http://a")


def test_a_file_that_cannot_be_written_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mltrack.verbs import saving

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(saving.tempfile, "mkstemp", refuse)
    with pytest.raises(SettingsError, match="cannot be written"):
        save_experiment("b")


def test_find_verb_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no verb"):
        find_verb("")

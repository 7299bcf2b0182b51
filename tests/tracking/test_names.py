"""Any key becomes a name that MLflow takes, and can be read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_mltrack.tracking import names


def is_taken_by_mlflow(name: str) -> bool:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_metric

    try:
        _validate_metric(name, 1.0, 1, 0)
    except MlflowException:
        return False
    return True


@pytest.mark.parametrize(
    "name", ["loss", "val/loss", "a b", "a.b-c_d", "ä:ö", "日本", "__proto__", "constructor"]
)
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert names.encode(name) == name
    assert names.original_tags(name, name) == {}


@settings(max_examples=400, deadline=None)
@given(
    st.text(st.characters(exclude_categories=()), max_size=40)
    | st.text("_.x4/()a cutempy0", max_size=20)
)
@example("")
@example("/")
@example("_.x28_")
@example("_.empty_")
@example("\ud800")
@example("a_._.x4(")
def test_every_text_is_mapped_to_a_valid_name_and_back(text: str) -> None:
    name = names.encode(text)
    assert is_taken_by_mlflow(name)
    assert names.decode(name, names.original_tags(text, name)) == text


def test_different_keys_have_different_names() -> None:
    keys = ["a(b", "a_.x28_b", "a_.x5f_.x28_b", "(", "_.x28_", "", "_.empty_", "x" * 251, "x" * 252]
    assert len({names.encode(key) for key in keys}) == len(keys)


def test_a_long_key_is_cut_and_its_original_kept_in_tags() -> None:
    key = "\u202e(" * 2500
    name = names.encode(key)
    tags = names.original_tags(key, name)
    assert is_taken_by_mlflow(name)
    assert all(is_taken_by_mlflow(tag) and len(value) <= 8000 for tag, value in tags.items())
    assert names.decode(name, tags) == key


@pytest.mark.parametrize("key", [3, 2.5, None, ("a", 1), b"x"])
def test_a_key_that_is_no_text_is_taken_as_its_text(key: object) -> None:
    assert names.decode(names.encode(key)) == str(key)

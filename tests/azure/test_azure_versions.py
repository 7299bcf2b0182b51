"""Names in a store that takes each path once."""

from __future__ import annotations

import pytest

from jupyter_mltrack.azure.tracking.versions import Tree, numbered, parsed


def test_a_name_and_its_number_make_one_name_and_come_apart_again() -> None:
    for name in ("fig.png", "MLmodel", ".gitignore", "a.tar.gz", "a~b.txt", "über.md"):
        for number in (2, 17, 999_999):
            assert parsed(numbered(name, number)) == (name, number)
    for plain in ("fig.png", "a~.txt", "~2", "a~02.txt", "a~2.b.c", "a~x.png"):
        assert parsed(plain) == (plain, 0)


def test_people_are_shown_the_newest_of_each_name() -> None:
    tree = Tree(
        ["a.txt", "a~2.txt", "a~10.txt", "only~3.txt", "m/MLmodel", "m~2/MLmodel", "m~2/x/y"]
    )
    assert tree.children("") == [("a.txt", False), ("m", True), ("only~3.txt", False)]
    assert list(tree.files("")) == [
        ("a.txt", "a~10.txt"),
        ("m/MLmodel", "m~2/MLmodel"),
        ("m/x/y", "m~2/x/y"),
        ("only~3.txt", "only~3.txt"),
    ]
    assert tree.physical("a~1.txt") == "a.txt"
    assert tree.physical("a~2.txt") == "a~2.txt"
    assert tree.physical("m~1/MLmodel") == "m/MLmodel"
    assert tree.physical("m~1/x/y") is None
    assert tree.is_folder("m")
    assert not tree.is_folder("a.txt")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("new.txt", "new.txt"),
        ("a.txt", "a~3.txt"),
        ("m/MLmodel", "m~2/MLmodel~2"),
        ("m/new", "m~2/new"),
        ("deep/er/f", "deep/er/f"),
    ],
)
def test_a_new_file_gets_the_first_free_name(path: str, name: str) -> None:
    tree = Tree(["a.txt", "a~2.txt", "m/MLmodel", "m~2/MLmodel"])
    assert tree.for_writing(path) == name

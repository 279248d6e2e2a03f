"""The Sphinx extension of the pages: what it does to docstrings and defaults."""

import pytest

from helpers.book.pages.extension import _hide_paths, _set_equations_apart


def changed(text):
    lines = text.split("\n")
    _set_equations_apart(None, "function", "f", None, None, lines)
    return "\n".join(lines)


def test_equations_of_the_notes_become_blocks():
    text = "Say.\n\nNotes\n-----\nWith n neighbours,\n\n    q = |a|²\n    r = 1\n\nand no more."
    assert changed(text) == text.replace("\n\n    q", "\n\n::\n\n    q")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Say.",
        "Notes\n-----\nAs before::\n\n    q = 1\n",
        "Notes\n-----\n.. math::\n\n    q = 1\n",
        "Parameters\n----------\na : int\n    One.\n\n    Two.\n",
        "Examples\n--------\n>>> f(\n...    1)\n",
    ],
)
def test_everything_else_stays(text):
    assert changed(text) == text


def test_folders_of_this_computer_are_not_printed():
    signature, _ = _hide_paths(None, "class", "S", None, None, "(a=1, folder=PosixPath('/home/me/data'))", None)
    assert signature == "(a=1, folder=…)"
    assert _hide_paths(None, "class", "S", None, None, "(a=1)", None) is None

"""The Sphinx extension: what it does to docstrings, defaults and claims."""

from types import SimpleNamespace

import pytest

from helpers.book.extension import ClaimRole, _hide_paths, _set_equations_apart


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


def role(kind, claim):
    instance = ClaimRole()
    reporter = SimpleNamespace(error=lambda text, **options: text)
    instance.name, instance.text, instance.lineno = kind, claim, 1
    instance.inliner = SimpleNamespace(reporter=reporter)
    nodes, messages = instance.run()
    return "".join(node.astext() for node in nodes), messages


def test_claims_are_printed_with_their_unit():
    assert role("paper-value", "nuclei_fraction_ta") == ("20.1 %", [])
    assert role("paper-value", "pentagonal_total") == ("26,262", [])
    assert role("our-value", "pentagonal_total") == ("(not yet computed)", [])


def test_our_value_is_read_from_the_ledger():
    from helpers.book import ledger

    ledger.record("pentagonal_total", 26107, samples=["Ta", "Pd1", "Pd2"], rule="any tetrahedron disordered")
    assert role("our-value", "pentagonal_total") == ("26,107", [])


def test_an_unknown_claim_is_an_error():
    text, messages = role("paper-value", "nuclei")
    assert text == ""
    assert messages == ["the ledger has no claim 'nuclei'"]

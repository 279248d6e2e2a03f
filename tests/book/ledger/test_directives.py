"""The Sphinx extension of the ledger: claims within the prose, and the scoreboard."""

from types import SimpleNamespace

from helpers.book import ledger
from helpers.book.ledger.directives import ClaimRole, Scoreboard


def role(kind, claim):
    instance = ClaimRole()
    reporter = SimpleNamespace(error=lambda text, **options: text)
    instance.name, instance.text, instance.lineno = kind, claim, 1
    instance.inliner = SimpleNamespace(reporter=reporter)
    nodes, messages = instance.run()
    return "".join(node.astext() for node in nodes), messages


def test_claims_are_printed_with_their_unit():
    assert role("paper-value", "nuclei_fraction_ta") == ("20.1\u00a0%", [])
    assert role("paper-value", "pentagonal_total") == ("26,262", [])
    assert role("our-value", "pentagonal_total") == ("(not yet computed)", [])


def test_our_value_is_read_from_the_ledger():
    ledger.record("pentagonal_total", 26107, samples=["Ta", "Pd1", "Pd2"], rule="any tetrahedron disordered")
    assert role("our-value", "pentagonal_total") == ("26,107", [])


def test_an_unknown_claim_is_an_error():
    text, messages = role("paper-value", "nuclei")
    assert text == ""
    assert messages == ["the ledger has no claim 'nuclei'"]


def test_the_scoreboard_says_how_many_differ_for_the_better():
    ledger.record("precision_rmsd", 12.9, samples=["Ta"], rule="a piece")
    ledger.record("min_distance", 0.8, samples=["Ta", "Pd1", "Pd2"], rule="shortest")
    (node,) = Scoreboard.run(object.__new__(Scoreboard))
    assert '<span class="count">2</span><span class="verdict">differs</span>' in node.astext()
    assert "of them 1 for the better" in node.astext()

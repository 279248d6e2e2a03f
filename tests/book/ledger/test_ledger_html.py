"""The ledger as a page shows it: sentences, links both ways, filters, downloads, and no internal names."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import nbformat
import pytest

from helpers.book import ledger
from helpers.book.ledger import html
from helpers.data import DATA_FOLDER
from helpers.uncertainty import Estimate

PAPER = ["Ta", "Pd1", "Pd2"]
NOTEBOOKS = DATA_FOLDER.parent / "book" / "notebooks"


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.ids += [value for key, value in attrs if key == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def shown(part) -> str:
    parser = Balanced()
    parser.feed(part._repr_html_())
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    return part._repr_html_()


@pytest.fixture
def some():
    """A few records: one agrees, one differs, one is a weak test."""
    ledger.record("pentagonal_total", Estimate(26107, {"positions": 5500.0}), samples=PAPER, rule="any")
    ledger.record(
        "min_distance", 0.82, samples=PAPER, rule="shortest", why="Pairs below 2 Å.", alternatives={"inner atoms": 2.1}
    )
    ledger.record("icosahedra_total", Estimate(18.0, {"positions": 16.0}), samples=PAPER, rule="cells")


def test_every_claim_has_one_row_and_no_name_of_ours_is_seen(some):
    text = shown(html.ledger())
    assert text.count("<details") == len(ledger.claims())
    words = re.sub(r"<[^>]+>", " ", text)
    assert [name for name in ledger.claims() if name in words] == []
    assert "26,100 ± 5,500" in words
    assert "Anything between 0 and 50 would have passed" in words
    assert html.ledger(["differs"])._repr_html_().count("<details") == 1


def test_a_small_number_keeps_a_digit_more_than_the_paper_prints():
    ledger.record("corrected_atoms", 0.7001, samples=PAPER, rule="δ of the potential of Ravelo et al.")
    ledger.record("density_gain", 2.56, samples=PAPER, rule="points")
    words = re.sub(r"<[^>]+>", " ", shown(html.ledger()))
    assert "0.7\u00a0%" in words and "Difference: −0.3; the two agree up to 0.5\u00a0percentage points." in words
    assert "δ of the potential of Ravelo et al. " in words and "Δ" not in words


def test_rows_follow_the_paper(some):
    figures = re.findall(r'<span class="where">([^<]+)</span>', html.ledger()._repr_html_())
    assert figures == sorted(figures, key=ledger.tables.figure_order)
    assert figures[0] == "1a"
    assert figures[-1] == "Methods"


def test_downloads_hold_every_claim(some):
    links = re.findall(r'download="ledger\.(\w+)" href="data:[\w/]+;base64,([^"]+)"', html.ledger()._repr_html_())
    files = {kind: base64.b64decode(content).decode() for kind, content in links}
    assert len(json.loads(files["json"])) == len(ledger.claims())
    assert files["csv"].count("\n") == len(ledger.claims()) + 1


def test_differences_and_conclusions_are_sentences(some):
    text = shown(html.differences())
    assert "Any two atoms are farther apart than this." in text
    assert "0.82" in text
    standing = shown(html.standing())
    assert "Not judged yet" in standing
    assert repr(html.differences()) == "1 claim differs"


def test_every_section_that_a_claim_names_is_a_heading_of_its_notebook():
    lost = []
    for claim in ledger.claims().values():
        found = sorted(NOTEBOOKS.glob(f"{claim.notebook:02d}_*.ipynb"))
        if not claim.section or not found:
            continue
        cells = nbformat.read(found[0], as_version=4).cells
        lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
        headings = {ledger.tables.slug(re.sub(r"^#+ ", "", line)) for line in lines if line.startswith("#")}
        if claim.section not in headings:
            lost.append((claim.name, claim.section))
    assert lost == []

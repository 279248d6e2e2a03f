"""What the ledger says from our own atoms: read from what is recorded, only for claims of the paper."""

from __future__ import annotations

import pytest

from helpers import store
from helpers.book import ledger
from helpers.book.ledger import own


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    numbers = {"ours": 12.34, "uncertainty": 0.05, "published": 12.1, "published_uncertainty": None}
    claims = {"coordination_ta": numbers, "no_claim": numbers}
    claims["pentagonal_most_abundant"] = {"ours": True, "published": False}
    (tmp_path / "recorded").mkdir()
    content = {"sample": "film", "region": "row 2", "claims": claims}
    store.save_numbers(tmp_path / "recorded" / "film_structure.json", content, {})
    monkeypatch.setattr(own, "DATA_FOLDER", tmp_path)
    own.own_atoms.cache_clear()
    yield
    own.own_atoms.cache_clear()


def test_claims_are_read_and_others_left_out(recorded):
    assert set(ledger.own_atoms()) == {"coordination_ta", "pentagonal_most_abundant"}
    table = ledger.own_table().set_index("Claim")
    assert set(table["Region"]) == {"film, row 2"}
    assert sorted(table["Our own atoms"]) == ["12.340 ± 0.050", "holds"]
    assert sorted(table["Published atoms there"]) == ["12.10", "does not hold"]


def test_the_record_has_units_and_the_name_of_the_sample():
    own.own_atoms.cache_clear()
    table = ledger.own_table().set_index("Claim")
    share = ledger.claims()["edge_neighbour"].statement
    assert table.loc[share, "Region"].startswith("Ta film, ")
    assert table.loc[share, "Our own atoms"].endswith("\u00a0%")


def test_the_ledger_has_a_column_of_them(recorded):
    column = ledger.table()["Own atoms"]
    assert "12.340 ± 0.050 (film, row 2)" in set(column) and "" in set(column)
    assert "From our own atoms" in ledger.html.ledger()._repr_html_()


def test_without_a_record_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "DATA_FOLDER", tmp_path)
    own.own_atoms.cache_clear()
    assert ledger.own_table().empty and "From our own atoms" not in ledger.html.ledger()._repr_html_()
    own.own_atoms.cache_clear()

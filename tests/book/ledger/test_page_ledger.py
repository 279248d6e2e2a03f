"""The ledger of a notebook: which samples its figures show, what it records, and what stands at the end of its page."""

from __future__ import annotations

import json

import pytest

from helpers.book import ledger
from helpers.book.ledger import archive, html
from helpers.checks import UnknownName
from helpers.uncertainty import Estimate

PAPER = ["Ta", "Pd1", "Pd2"]


@pytest.fixture
def archived(tmp_path, monkeypatch):
    """An empty archive of recorded results."""
    monkeypatch.setattr(archive, "FOLDER", tmp_path / "recorded")
    archive._content.cache_clear()
    yield tmp_path / "recorded"
    archive._content.cache_clear()


def test_the_simulated_sample_stands_apart_where_measured_ones_are():
    page = ledger.page([*PAPER, "demo"])
    assert (page.samples, page.control, page.measured) == (PAPER, ["demo"], True)
    alone = ledger.page(["demo"])
    assert (alone.samples, alone.control, alone.measured) == (["demo"], [], False)


def test_passages_on_the_papers_samples_are_not_said_of_others(tmp_path, monkeypatch):
    own = tmp_path / "samples.toml"
    own.write_text('[mine]\ntitle = "m"\nshort = "m"\nelements = ["Ta"]\nkind = "particle"\n', encoding="utf-8")
    monkeypatch.setenv("AET_SAMPLES", str(own))
    assert ledger.page(["mine"]).measured is None
    assert ledger.page(["mine", "Ta"]).measured is None
    assert ledger.page(["Ta"]).measured is True


def test_rule_reason_and_readings_come_from_the_file(archived):
    page = ledger.page(PAPER)
    shares = {"Ta": Estimate(20.11, {"positions": 0.1}), "Pd1": 2.2, "Pd2": 1.8}
    page.record("nuclei_fraction", shares, readings={"Ta": {"order_alone": 22.1}})
    page.record("min_distance", 0.82, facts={"pairs": "208 in the Ta film"})
    entry = ledger.load("nuclei_fraction_ta")
    assert entry.rule == ledger.claims()["nuclei_fraction_ta"].rule
    assert entry.alternatives == {"order above 0.5 alone": 22.1}
    assert ledger.load("min_distance").why == "Pairs below 2 Å: 208 in the Ta film."
    assert repr(page.verdicts()) == "4 claims of the paper"
    html = page.verdicts()._repr_html_()
    assert html.count('href="18_ledger.html#claim-') == 4
    assert "> 2.0\u00a0Å" in html.replace("&gt;", ">")
    assert "min_distance" not in html.replace("claim-min-distance", "")


def test_what_is_not_finite_or_about_other_samples_is_not_recorded(archived):
    page = ledger.page(["Ta", "demo"])
    page.record("largest_pbn_size", float("nan"))
    page.record("five_edged_faces", 45.0)  # needs all three samples
    page.record("theta", {"Ta": 10.0, "demo": 12.0})
    assert ledger.load("largest_pbn_size") is ledger.load("five_edged_faces") is None
    assert ledger.load("theta_ta").value == 10.0
    assert "not yet" in page.verdicts()._repr_html_()


def test_a_claim_about_a_simulation_is_recorded_beside_measured_samples(archived):
    page = ledger.page(["Ta", "MD"])
    assert (page.samples, page.control) == (["Ta"], ["MD"])
    page.record("ratios_cooling", True, facts={"alpha": 1.7, "beta": 0.1})
    assert ledger.load("ratios_cooling").value is True


def test_unknown_names_and_missing_facts_are_named(archived):
    page = ledger.page(PAPER)
    with pytest.raises(UnknownName, match="did you mean 'min_distance'"):
        page.record("min_distanc", 2.0)
    with pytest.raises(UnknownName, match="no claim starts with 'nothing'"):
        page.record("nothing", {"Ta": 2.0})
    with pytest.raises(UnknownName, match=r"has no reading 'other'; claims.toml lists within_valley, few_edges, both"):
        page.record("five_edged_faces", 45.0, readings={"other": 2.0})
    with pytest.raises(UnknownName, match="give facts="):
        page.record("min_distance", 2.1)


def test_a_record_stands_in_grey_where_the_data_are_not(archived, monkeypatch, tmp_path):
    ledger.record("pentagonal_total", Estimate(26107, {"positions": 5500.0}), samples=PAPER, rule="any")
    archive.gather("abc1234", "2026-11-26")
    stored = json.loads((archived / "ledger.json").read_text())
    assert stored["records"]["pentagonal_total"]["value"] == 26107
    assert stored["origin"]["commit"] == "abc1234"
    monkeypatch.setenv("AET_RESULTS", str(tmp_path / "empty"))
    row = next(row for row in ledger.rows() if row.claim.name == "pentagonal_total")
    assert (row.verdict, row.verdict_words) == ("recorded", "recorded: within uncertainty")
    assert row.ours == "26,100 ± 5,500"
    assert ledger.counts()["recorded"] == 1
    assert ledger.counts()["within uncertainty"] == 0, "a record is no fresh verdict"
    page = ledger.page(["demo"])
    page.record("pentagonal_total", 2880)
    assert "this copy was built without the data for it" in page.verdicts()._repr_html_()


def test_curves_are_kept_of_measured_samples_only(archived, monkeypatch, tmp_path):
    page = ledger.page(PAPER)
    assert page.keep("g", {"Ta": ([1.0, 2.0], [0.123456789, 1.0]), "MD300": ([1.0], [1.0])}) == {}
    ledger.record("pdf_no_split", True, samples=PAPER, rule="t")
    archive.gather("abc", "2026-11-26")
    monkeypatch.setenv("AET_RESULTS", str(tmp_path / "empty"))
    assert ledger.page(["demo"]).keep("g", {"demo": ([1.0], [2.0])}) == {"Ta": ([1.0, 2.0], [0.12346, 1.0])}
    assert ledger.page(["demo"]).keep("unknown", {"demo": ([1.0], [2.0])}) == {}


def test_gathering_nothing_is_an_error(archived):
    with pytest.raises(FileNotFoundError, match="holds no record; run the notebooks"):
        archive.gather("abc", "2026-11-26")


def test_an_interval_that_passes_anything_is_marked_weak(archived):
    ledger.record("icosahedra_total", Estimate(18.0, {"positions": 16.0}), samples=PAPER, rule="t")
    row = next(row for row in ledger.rows() if row.claim.name == "icosahedra_total")
    assert row.verdict_words == "within uncertainty (weak test)"
    assert row.weak == "anything between 0 and 50 would have passed"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("precision_rmsd", 12.9, "differs (better)"),
        ("precision_rmsd", 30.0, "differs"),
        ("precision_rmsd", 18.2, "reproduced"),
        ("precision_identical", 99.9, "differs (better)"),
        ("precision_identical", 90.0, "differs"),
        ("nuclei_fraction_ta", 30.0, "differs"),  # neither side is better
    ],
)
def test_a_precision_may_differ_for_the_better(archived, name, value, words):
    ledger.record(name, value, samples="Ta", rule="t")
    row = next(row for row in ledger.rows() if row.claim.name == name)
    assert (row.verdict_words, row.verdict) == (words, words.removesuffix(" (better)"))
    assert (f"here: {row.ours}, which is better." in html.differences()._repr_html_()) == words.endswith("(better)")

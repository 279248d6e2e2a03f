"""The ledger judges numbers, bounds and trends, and refuses what is no claim."""

from __future__ import annotations

import csv
import io

import pytest

from helpers.book import ledger
from helpers.checks import UnknownName
from helpers.uncertainty import Estimate


def test_empty_ledger_says_not_yet():
    assert ledger.counts()["not yet"] + ledger.counts()["needs data that are not public"] == len(ledger.claims())
    assert set(ledger.table()["Ours"]) == {"–"}


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [
        (20.1, None, "reproduced"),
        (20.1499, None, "reproduced"),  # rounds to the paper's 20.1
        (20.3, 0.1, "within uncertainty"),  # 0.15 beyond the half digit, less than 2 × 0.1
        (20.3, 0.05, "differs"),
        (20.3, None, "differs"),
    ],
)
def test_verdict_of_a_number(value, uncertainty, verdict):
    got = ledger.record("nuclei_fraction_ta", value, samples="Ta", uncertainty=uncertainty, rule="test")
    assert got == verdict
    row = next(r for r in ledger.scoreboard() if r["claim"] == "nuclei_fraction_ta")
    assert row["verdict"] == verdict
    assert row["difference"] == pytest.approx(value - 20.1)


def test_verdict_of_a_bound_and_a_trend():
    samples = ["Ta", "Pd1", "Pd2"]
    assert ledger.record("min_distance", 2.05, samples=samples, rule="t") == "reproduced"
    assert ledger.record("min_distance", 1.9, samples=samples, rule="t") == "differs"
    assert ledger.record("corrected_atoms", 0.5, samples=samples, rule="t") == "reproduced"
    assert ledger.record("pdf_no_split", True, samples=samples, rule="t") == "reproduced"
    assert ledger.record("pdf_no_split", False, samples=samples, rule="t") == "differs"


def test_an_estimate_brings_its_uncertainty():
    value = Estimate(20.3, {"positions": 0.06, "cutoff": 0.08})  # 0.1 in all
    assert ledger.record("nuclei_fraction_ta", value, samples=["Ta", "Pd1"], rule="t") == "within uncertainty"
    assert ledger.load("nuclei_fraction_ta").uncertainty == pytest.approx(0.1)


def test_other_samples_leave_no_trace():
    assert ledger.record(ledger.find("nuclei_fraction", "demo"), 9.0, samples="demo", rule="t").startswith("not a")
    assert "Pd2" in ledger.record("min_distance", 2.1, samples=["Ta", "Pd1"], rule="t")
    assert ledger.load("min_distance") is None


def test_bad_records_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'min_distance'"):
        ledger.record("min_distanc", 2.0, samples="Ta", rule="t")
    with pytest.raises(TypeError, match="is a trend; expected True or False"):
        ledger.record("pdf_no_split", 1.0, samples=["Ta", "Pd1", "Pd2"], rule="t")
    with pytest.raises(ValueError, match="expected a finite number"):
        ledger.record("nuclei_fraction_ta", float("nan"), samples="Ta", rule="t")


def test_alternatives_and_digits_are_shown():
    ledger.record(
        "icosahedra_voronoi", 10.2, samples=["Ta", "Pd1", "Pd2"], uncertainty=0.213, rule="stated",
        alternatives={"published": 9.5}, why="rule unclear",
    )  # fmt: skip
    row = ledger.table().set_index("Claim").filter(like="⟨0,0,12,0⟩", axis=0).iloc[0]
    assert row["Ours"] == "10.20 ± 0.21\u00a0%"
    assert row["Difference"] == "+0.40"
    assert row["Other readings"] == "published: 9.50\u00a0%"


def test_other_readings_of_a_trend_hold_or_do_not():
    samples = ["Ta", "Pd1", "Pd2"]
    ledger.record("pdf_no_split", True, samples=samples, rule="t", alternatives={"wider": True, "narrower": False})
    row = ledger.table().set_index("Claim").filter(like="is not split", axis=0).iloc[0]
    assert row["Other readings"] == "narrower: does not hold; wider: holds"  # stored by name
    robust = ledger.robustness().set_index("Claim").filter(like="is not split", axis=0).iloc[0]
    assert robust["Robust"] == "no"


def test_claims_are_complete():
    kinds = {c.kind for c in ledger.claims().values()}
    assert kinds == {"number", "bound", "trend"}
    for claim in ledger.claims().values():
        assert claim.samples and 1 <= claim.notebook <= 18
        assert (claim.value is None) == (claim.kind == "trend")
        assert (claim.bound is None) == (claim.kind != "bound")
        assert claim.statement[0].isupper() or claim.statement[0] in "αβγθδ"
        assert claim.statement.endswith(".")
        assert not set("<>_") & set(claim.statement), "a claim is a sentence for readers"
    text = ledger.table().to_csv(index=False)
    assert len(list(csv.reader(io.StringIO(text)))) == len(ledger.claims()) + 1


def test_robustness_compares_readings():
    samples = ["Ta", "Pd1", "Pd2"]
    ledger.record("five_edged_faces", 45.5, samples=samples, rule="t", alternatives={"other": 41.0})
    ledger.record("coordination_ta", 12.2, samples="Ta", rule="t", alternatives={"other": 12.21})
    found = ledger.robustness().set_index("Claim")["Robust"]
    assert found["Share of Voronoi faces with five edges."] == "no"
    assert found["Mean coordination number."] == "yes"

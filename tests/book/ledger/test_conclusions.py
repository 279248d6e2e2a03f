"""Conclusions: judged by the records of the ledger, and by nothing else."""

from __future__ import annotations

import pytest

from helpers.book import ledger
from helpers.book.ledger import conclusions

PAPER = ["Ta", "Pd1", "Pd2"]
GROWTH = conclusions.conclusions()["density"]


def gain(value, uncertainty=None, **alternatives):
    ledger.record("density_gain", value, samples="Ta", uncertainty=uncertainty, rule="t", alternatives=alternatives)
    return conclusions.weigh(GROWTH)


def test_every_need_names_a_claim_of_its_kind():
    for conclusion in conclusions.conclusions().values():
        for name, need in conclusion.needs.items():
            claim = ledger.claims()[name]
            assert (claim.kind == "trend") == (need is True)
            if need is not True:
                assert need[0] <= claim.value <= need[1]  # the paper's own number supports its conclusion


def test_without_a_record_nothing_is_said():
    assert conclusions.weigh(GROWTH) == ("not yet", [ledger.claims()["density_gain"].statement])


def test_robust_means_by_every_reading_and_within_the_uncertainty():
    assert gain(2.5, 0.3, wide=5.0) == ("robust", [])
    verdict, against = gain(2.5, 1.5, wide=5.0)
    assert verdict == "depends on the reading"
    assert against == ["Fig. 3a, Ta film, within its uncertainty: −0.5\u00a0%"]
    verdict, against = gain(2.5, 0.3, wide=-0.2)
    assert (verdict, against) == ("depends on the reading", ["Fig. 3a, Ta film, wide: −0.2\u00a0%"])
    assert gain(-1.0)[0] == "does not stand"


@pytest.mark.parametrize(("holds", "other", "verdict"), [
    (True, True, "robust"), (True, False, "depends on the reading"), (False, True, "does not stand"),
])  # fmt: skip
def test_trends(holds, other, verdict):
    ledger.record("pentagonal_most_abundant", holds, samples=PAPER, rule="t", alternatives={"other": other})
    assert conclusions.weigh(conclusions.conclusions()["motif"])[0] == verdict


def test_the_table_counts_the_readings():
    gain(2.5, 0.3, wide=5.0, narrow=1.0)
    row = conclusions.table().set_index("Conclusion").loc[GROWTH.statement]
    assert row["Verdict"] == "robust"
    assert row["Readings"] == 3

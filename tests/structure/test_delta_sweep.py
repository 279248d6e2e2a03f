"""Sweep of delta: where one motif takes the lead over the others."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.structure import DeltaSweep


def sweep(**shares):
    """A sweep over 0.1, 0.2, … of given shares, by names such as three=[…]; six-fold ones are as rare as may be."""
    folds = {"three": 3, "four": 4, "five": 5, "six": 6}
    count = len(next(iter(shares.values())))
    fraction = {n: np.array(shares.get(name, 1e-3 * np.arange(count))) for name, n in folds.items()}
    return DeltaSweep(0.1 * np.arange(1, count + 1), np.zeros(count, int), np.zeros(count), fraction, {})


def test_a_lead_counts_from_where_it_lasts():
    found = sweep(three=[0.3, 0.1, 0.4, 0.1, 0.1], five=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert found.leads_from(5) == pytest.approx(0.4)
    assert found.leads_from(5, [4]) == pytest.approx(0.1)
    assert np.isnan(found.leads_from(3))
    with pytest.raises(ValueError, match="n=9"):
        found.leads_from(9)


def test_an_equal_share_is_no_lead():
    assert sweep(three=[0.2, 0.1], five=[0.2, 0.2]).leads_from(5) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"three": [0.5, 0.5, 0.4, 0.41]}, False),  # rises once above the limit
        ({"five": [0.6, 0.2, 0.3, 0.4]}, False),  # leads at 0.1
        ({"five": [0.1, 0.3, 0.2, 0.4]}, False),  # falls once above the limit
    ],
)
def test_triplets_lead_below_a_limit(changed, holds):
    shares = {"three": [0.4, 0.5, 0.4, 0.3], "four": [0, 0.1, 0.2, 0.3], "five": [0.1, 0.2, 0.3, 0.4]} | changed
    assert sweep(**shares).triplets_lead_below(0.2) is holds

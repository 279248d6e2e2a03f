"""Found atoms beside true ones: against the full assignment, known shifts, chains, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from helpers.atoms import compare


def dense_gain(found, truth, cutoff):
    """Largest total gain of any one-to-one matching, by the full matrix."""
    gain = cutoff**2 - ((found[:, None] - truth) ** 2).sum(axis=2)
    gain = np.maximum(gain, 0)
    return gain[linear_sum_assignment(gain, maximize=True)].sum()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.3, 1.0, 5.0]))
def test_matching_is_the_best_one(seed, n, m, cutoff):
    rng = np.random.default_rng(seed)
    found, truth = rng.uniform(0, 3, (n, 3)), rng.uniform(0, 3, (m, 3))
    result = compare(found, truth, cutoff, remove_shift=False)
    distance = np.linalg.norm(found[result.pairs[:, 0]] - truth[result.pairs[:, 1]], axis=1)
    assert np.all(distance < cutoff)
    assert len(np.unique(result.pairs[:, 0])) == len(np.unique(result.pairs[:, 1])) == len(result.pairs)
    assert len(result.pairs) + len(result.false) == n
    assert len(result.pairs) + len(result.missed) == m
    # sums of at most 40 gains of order cutoff²: rounding only
    assert (cutoff**2 - distance**2).sum() == pytest.approx(dense_gain(found, truth, cutoff), rel=1e-9, abs=1e-9)


def test_shift_missing_false_and_deviation_are_found():
    rng = np.random.default_rng(3)
    truth = np.stack(np.meshgrid(*[np.arange(6) * 2.8] * 3), axis=-1).reshape(-1, 3)
    noise = rng.normal(0, 0.1, truth.shape)
    noise -= noise[10:].mean(axis=0)
    order = rng.permutation(len(truth) - 10)
    found = np.concatenate([(truth + noise)[10:][order] + [0.3, -0.2, 0.4], [[50, 50, 50], [60, 0, 0]]])
    result = compare(found, truth)
    assert result.missed.tolist() == list(range(10))
    assert result.false.tolist() == [len(order), len(order) + 1]
    assert result.fraction == (len(truth) - 10) / len(truth)
    assert result.precision == len(order) / (len(order) + 2)
    np.testing.assert_allclose(result.shift, [0.3, -0.2, 0.4], atol=1e-12)  # the noise has no mean: rounding only
    np.testing.assert_allclose(result.deviations, noise[10:], atol=1e-12)
    assert result.rmsd == pytest.approx(np.sqrt((noise[10:] ** 2).sum(axis=1).mean()), rel=1e-12)
    np.testing.assert_allclose(result.rmsd_axes, np.sqrt((noise[10:] ** 2).mean(axis=0)), rtol=1e-12)


def test_first_pairs_are_wrong_but_the_shift_repairs_them():
    truth = np.array([[0, 0, 0], [1.6, 0, 0], [3.2, 0, 0], [20, 0, 0], [24, 0, 0], [28, 0, 0], [32, 0, 0]])
    result = compare(truth + [0.9, 0, 0], truth, cutoff=1.0)
    assert result.pairs[:, 0].tolist() == list(range(7))
    assert result.rmsd < 1e-12


def test_a_good_pair_is_not_torn_apart_for_two_distant_ones():
    result = compare([[0.0, 0, 0], [-0.9, 0, 0]], [[0, 0, 0], [0.95, 0, 0]], 1.0, remove_shift=False)
    assert result.pairs.tolist() == [[0, 0]]


def test_nothing_in_common():
    far = compare([[9, 9, 9]], [[0, 0, 0]])
    assert far.fraction == 0 and far.precision == 0 and far.false.tolist() == [0] == far.missed.tolist()
    assert np.isnan(far.rmsd) and np.isnan(far.rmsd_axes).all()


def test_large_sets_are_matched_in_the_order_of_the_truth():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 60, (20_000, 3))  # denser than atoms: many compete
    found = truth + rng.normal(0, 0.3, truth.shape)
    result = compare(found, truth)
    assert np.all(np.diff(result.pairs[:, 1]) > 0)
    again = compare(found, truth)
    np.testing.assert_array_equal(result.pairs, again.pairs)


@pytest.mark.parametrize(
    ("found", "truth", "cutoff", "words"),
    [
        ([[0, 0]], [[0, 0, 0]], 1, r"found has shape \(1, 2\); expected \(N, 3\)"),
        ([[0, 0, 0]], np.empty((0, 3)), 1, "truth holds no atoms; expected at least one to compare: give the atoms"),
        ([], [[0, 0, 0]], 1, "found holds no atoms; expected at least one to compare: lower the threshold"),
        ([[0, 0, np.nan]], [[0, 0, 0]], 1, "found holds 1 row that is not finite"),
        ([[0, 0, 0]], [[0, 0, 0]], 0, "cutoff=0; expected a positive number"),
    ],
)
def test_what_is_refused(found, truth, cutoff, words):
    with pytest.raises(ValueError, match=words):
        compare(found, truth, cutoff)

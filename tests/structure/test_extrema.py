"""Peaks and valleys of curves whose peaks are known."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.structure.extrema import extrema

R = np.arange(0.025, 12, 0.05)


def peaks(*places, width=0.3):
    """A step to one with Gaussian peaks upon it."""
    g = 1 / (1 + np.exp(-(R - 2.4) / 0.1))
    return g + sum(h * np.exp(-(((R - p) / width) ** 2) / 2) for p, h in places)


def test_single_peaks_are_found_where_they_are():
    found = extrema(R, peaks((3.0, 1.5), (5.3, 0.4), (7.7, 0.2)))
    np.testing.assert_allclose(found.peaks, [3.0, 5.3, 7.7], atol=0.05)  # one bin
    assert len(found.second_maxima) == 1
    assert 3.6 < found.valleys[0] < 4.8 < 5.9 < found.valleys[1] < 7.2


def test_a_split_second_peak_is_one_shell_with_two_maxima():
    found = extrema(R, peaks((3.0, 1.5), (5.0, 0.35), (5.75, 0.3), (7.9, 0.2), width=0.25))
    np.testing.assert_allclose(found.second_maxima, [5.0, 5.75], atol=0.1)
    assert len(found.peaks) == 3
    assert found.scaled()["maxima in the second shell"] == 2


def test_scaled_distances_do_not_depend_on_the_unit():
    g = peaks((3.0, 1.5), (5.3, 0.4), (7.7, 0.2))
    small, large = extrema(R, g).scaled(), extrema(2 * R, g).scaled()
    assert small == pytest.approx(large, abs=0.01)  # the parabola's window is 0.1 Å in both


@pytest.mark.parametrize(
    ("r", "g", "message"),
    [
        (R, R[:-1], "expected two equal lengths"),
        (R**2, R, "not equally spaced"),
        (R, np.ones_like(R), "no peak"),
    ],
)
def test_bad_curves(r, g, message):
    with pytest.raises(ValueError, match=message):
        extrema(r, g)

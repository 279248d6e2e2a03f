"""Peaks and valleys of curves whose peaks are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import find_peaks

from helpers.curves import (
    extrema,
    first_peak,
    first_valley,
    fit_peak,
    maxima,
    peak_over_slope,
    ring_means,
    second_peak,
    vertex,
)

R = np.arange(0.025, 12, 0.05)
COARSE = 0.05 + 0.1 * np.arange(120)


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


SPLIT = ((3.0, 1.5), (5.0, 0.35), (5.75, 0.3), (7.9, 0.2))


def test_a_dip_counts_if_it_is_deeper_than_its_uncertainty():
    g = peaks(*SPLIT, width=0.25)
    sure = second_peak(R, g)
    np.testing.assert_allclose(sure.maxima, [5.0, 5.75], atol=0.1)
    low, high = np.searchsorted(R, [5.0, 5.75])
    assert sure.depth == pytest.approx(g[low:high].max() - g[low : high + 1].min() - (g[low] - g[high]), abs=0.02)
    assert (sure.split, sure.error) == (True, 0.0)
    for share, split in ((0.9, True), (1.1, False)):
        unsure = second_peak(R, g, np.full(len(g), share * sure.depth / 3 / np.sqrt(2)))
        assert unsure.error == pytest.approx(share * sure.depth / 3)
        assert unsure.split is split


def test_a_gap_in_a_curve_makes_no_nan_and_a_missing_uncertainty_is_named():
    g = peaks(*SPLIT, width=0.25)
    for at in np.searchsorted(R, np.arange(4.6, 6.2, 0.1)):
        holed = g.copy()
        holed[at] = np.nan
        assert np.isfinite(second_peak(R, holed).depth)
    with pytest.raises(ValueError, match="error holds no number at 5"):
        second_peak(R, g, np.full(len(g), np.nan))


def test_a_single_or_shouldered_second_peak_is_not_split():
    single = second_peak(R, peaks((3.0, 1.5), (5.3, 0.4), (7.7, 0.2)))
    assert (single.split, single.depth, len(single.maxima)) == (False, 0.0, 1)
    assert not second_peak(R, peaks((3.0, 1.5), (5.0, 0.4), (5.6, 0.2), (7.9, 0.2), width=0.3)).split


def test_noise_alone_splits_no_peak():
    """Of 60 noisy curves with one second peak none passes: three standard deviations, and 0.02 at least."""
    random = np.random.default_rng(5)
    g = peaks((3.0, 1.5), (5.3, 0.4), (7.7, 0.2))
    for noise in (0.003, 0.02):
        curves = [g + random.normal(0, noise, len(g)) for _ in range(30)]
        assert not any(second_peak(R, curve, np.full(len(g), noise)).split for curve in curves)


def test_uncertainty_of_another_length():
    with pytest.raises(ValueError, match=r"error has shape \(3,\) and g \(240,\)"):
        second_peak(R, peaks(*SPLIT), [0.1, 0.1, 0.1])


def test_scaled_distances_do_not_depend_on_the_unit():
    g = peaks((3.0, 1.5), (5.3, 0.4), (7.7, 0.2))
    small, large = extrema(R, g).scaled(), extrema(2 * R, g).scaled()
    assert small == pytest.approx(large, abs=0.01)  # the parabola's window is 0.1 Å in both


@pytest.mark.parametrize(
    ("r", "g", "message"),
    [
        (R, R[:-1], "expected two equal lengths"),
        (R**2, R, "not equally spaced"),
        (R, np.ones_like(R), "no peak there"),
    ],
)
def test_bad_curves(r, g, message):
    with pytest.raises(ValueError, match=message):
        extrema(r, g)


def test_one_first_peak_in_all_functions():
    g = peaks((3.01, 1.5), (5.3, 0.4), (7.7, 0.2))
    assert extrema(R, g).peaks[0] == first_peak(R, g)
    # a higher second peak, as in light elements' partial distributions, takes nothing from it
    assert first_peak(R, peaks((3.0, 1.0), (5.3, 1.5))) == pytest.approx(3.0, abs=0.05)


def bumps(r, *places, width=0.35):
    """A step to one at 2.3 Å and Gaussian peaks."""
    return 1 / (1 + np.exp((2.3 - r) / 0.05)) + sum(h * np.exp(-(((r - p) / width) ** 2) / 2) for p, h in places)


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.07])
def test_peak_and_valley_between_the_points(shift):
    fine = np.arange(2.5, 8, 1e-4)
    g = bumps(COARSE, (3.0 + shift, 1.2), (5.2 + shift, 0.4))
    curve = bumps(fine, (3.0 + shift, 1.2), (5.2 + shift, 0.4))
    between = (fine > 3.2) & (fine < 5)
    # a parabola on points 0.1 Å apart: error by the fourth derivative, 1e-3 Å at the peak, 1e-2 Å at the flat valley
    assert first_peak(COARSE, g) == pytest.approx(fine[np.argmax(curve)], abs=2e-3)
    assert first_valley(COARSE, g) == pytest.approx(fine[between][np.argmin(curve[between])], abs=1e-2)


def test_the_valley_before_a_split_second_peak():
    split = bumps(COARSE, (3.0, 1.5), (5.0, 0.5), (5.7, 0.35), width=0.25)
    assert 3.7 < first_valley(COARSE, split) < 4.3


@pytest.mark.parametrize(
    ("r", "g", "message"),
    [
        (COARSE, COARSE[:-1], "expected two equal lengths"),
        (COARSE**2, COARSE, "not equally spaced"),
        (COARSE, np.zeros(120), "expected a maximum above 1"),
        (COARSE, COARSE, "expected a maximum above 1"),
        (COARSE, np.full(120, np.nan), "holds no number"),
        (COARSE[:50], bumps(COARSE, (3.0, 1.2), (5.2, 0.4))[:50], r"g ends at r=4.95 Å; expected at least 6\.\d+ Å"),
        (COARSE, bumps(COARSE, (2.5, 2.0)), "g has no valley between its first and second peak"),
    ],
)
def test_bad_pair_distributions(r, g, message):
    with pytest.raises(ValueError, match=message):
        first_valley(r, g)


def test_peak_of_a_noisy_gaussian():
    values = np.random.default_rng(3).normal(120.7, 9.0, 20_000)
    counts, edges = np.histogram(values, bins=np.arange(60, 181))
    peak = fit_peak((edges[1:] + edges[:-1]) / 2, counts, reach=20)
    # the centre of a Gaussian from n values is known to width / sqrt(n), here 0.06; the window loses some
    assert peak.position == pytest.approx(120.7, abs=0.3)
    assert peak.width == pytest.approx(9.0, rel=0.05)


def test_the_peak_asked_for():
    x = np.arange(0, 180, 1.0)
    y = np.exp(-((x - 60) ** 2) / 50) + 0.5 * np.exp(-((x - 110) ** 2) / 200)
    assert fit_peak(x, y, reach=8).position == pytest.approx(60, abs=0.1)
    assert fit_peak(x, y, within=(90, 130), reach=8).position == pytest.approx(110, abs=0.1)


def test_no_peak_gives_nan():
    x = np.arange(10.0)
    assert np.isnan(fit_peak(x, np.full(10, np.nan)).position)
    assert np.isnan(fit_peak(x, np.zeros(10)).position)
    assert np.isnan(fit_peak(x[:3], x[:3]).position)
    with pytest.raises(ValueError, match="two equal lists"):
        fit_peak(x, x[:4])


@given(
    st.lists(st.integers(-6, 6), min_size=3, max_size=40),  # integers, so that equal heights and flat tops occur
    st.integers(0, 4),
)
def test_maxima_are_those_of_scipy(heights, prominence):
    y = np.array(heights, dtype=float)
    np.testing.assert_array_equal(maxima(y, prominence=prominence), find_peaks(y, prominence=prominence)[0])


@given(st.floats(-0.45, 0.45), st.sampled_from([-2.0, 3.0]), st.integers(1, 4), st.floats(0.05, 2))
def test_the_vertex_of_a_parabola_is_exact(shift, bend, reach, step):
    x = 5 + step * np.arange(11)
    y = bend * (x - x[5] - shift * step) ** 2 + 1
    assert vertex(x, y, 5, reach) == pytest.approx(x[5] + shift * step, abs=1e-7 * step)  # rounding of y ≈ 1


def test_the_vertex_equals_the_fit_of_a_parabola():
    y = np.random.default_rng(0).normal(size=9) - 2 * (np.arange(9) - 4.0) ** 2
    a, b, _ = np.polyfit(np.arange(-3, 4), y[1:8], 2)
    assert vertex(np.arange(9.0), y, 4, 3) == pytest.approx(4 - b / (2 * a))


def test_where_there_is_no_vertex_the_point_itself_stays():
    x = np.arange(7.0)
    assert vertex(x, np.full(7, 0.3), 3, 2) == 3
    assert vertex(x, np.where(x == 4, np.nan, -((x - 3.3) ** 2)), 3) == 3
    assert vertex(x, -((x - 0.3) ** 2), 0) == 0
    assert vertex(x, -((x - 1.3) ** 2), 1, 5) == pytest.approx(1.3)  # only one neighbour on the left
    assert vertex(x, x**2, 5) == 4  # a slope's vertex is far; no farther than the neighbour


def test_a_peak_on_a_slope():
    x = np.linspace(0.25, 0.75, 101)
    y = 8 - 9 * x + np.log1p(2 * np.exp(-(((x - 0.43) / 0.04) ** 2)))
    position, height, width = peak_over_slope(x, y)
    assert position == pytest.approx(0.43, abs=1e-3)  # a fifth of a step
    assert height == pytest.approx(2, abs=0.02)  # half a step from the top at most: 2 (0.0025 / 0.04)²
    assert width == pytest.approx(2 * np.sqrt(np.log(2)) * 0.04, abs=0.01)  # two steps
    assert peak_over_slope(x, 8 - 9 * x) is None


def test_means_over_rings_are_those_of_each_ring():
    random = np.random.default_rng(1)
    ring, value = random.integers(0, 7, (6, 8)), random.normal(size=(6, 8))
    count, mean, square = ring_means(np.where(ring == 3, 2, ring), value, value**2, rings=9)
    assert len(count) == len(mean) == 9
    assert count.sum() == 48
    assert np.isnan(mean[[3, 7, 8]]).all()
    assert mean[5] == pytest.approx(value[ring == 5].mean())
    assert square[2] == pytest.approx((value[(ring == 2) | (ring == 3)] ** 2).mean())

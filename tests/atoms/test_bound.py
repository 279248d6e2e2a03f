"""The Cramér–Rao bound: against repeated noise, the dense inverse, and its own scaling."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from helpers import TiltSeries
from helpers.atoms import noise_spectrum, position_bound, refine, simulate_images
from helpers.atoms._local_bound import _invert
from helpers.atoms.bound import _inverse
from helpers.imaging import Noise

ANGLES = np.linspace(-65, 65, 15)
SHAPE, PIXEL, H, B = (48, 44), 0.4, 0.6, 5.0


def cluster(count=24, radius=6.0, seed=0):
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        new = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(new) < radius and (len(atoms) == 0 or np.linalg.norm(atoms - new, axis=1).min() > 2.1):
            atoms = np.vstack([atoms, new])
    return atoms


ATOMS = cluster()
CLEAN = 2 + simulate_images(ATOMS, ANGLES, SHAPE, PIXEL, "Ta", H, B)
SERIES = TiltSeries(CLEAN, ANGLES, PIXEL)
KNOWN = {"H": H, "B": B, "level": 2.0, "noise": "poisson"}


def test_repeated_noise_scatters_as_the_bound_says():
    rng = np.random.default_rng(0)
    bound = position_bound(ATOMS, SERIES, "Ta", weight="one", **KNOWN)
    errors = [
        refine(ATOMS, TiltSeries(rng.poisson(CLEAN), ANGLES, PIXEL), "Ta", noise="poisson").positions - ATOMS
        for _ in range(30)
    ]
    scatter = np.sqrt(np.mean(np.square(errors), axis=(0, 1)))
    # 30 draws of 24 atoms know an axis's scatter to 2.6 %; beyond that the bound is met within a tenth
    assert_allclose(scatter, np.sqrt((bound**2).mean(axis=0)), rtol=0.1)
    assert scatter[2] > 1.2 * scatter[0]  # the missing wedge


@pytest.mark.parametrize(("count", "radius"), [(24, 6.0), (70, 8.0)])
@pytest.mark.parametrize("weight", ["one", "atom"])
def test_the_local_bound_is_near_the_dense_one(count, radius, weight):
    atoms = cluster(count, radius, seed=1)
    series = TiltSeries(2 + simulate_images(atoms, ANGLES, SHAPE, PIXEL, "Ta", H, B), ANGLES, PIXEL)
    local, dense = (
        position_bound(atoms, series, "Ta", weight=weight, method=method, **KNOWN) for method in ("local", "dense")
    )
    # the variance halfway stands for that under two profiles, and what all atoms share is taken as known
    assert_allclose(local, dense, rtol=0.08)
    assert_allclose(np.sqrt((local**2).mean()), np.sqrt((dense**2).mean()), rtol=0.015)


def test_four_times_the_dose_halves_it():
    more = TiltSeries(4 * CLEAN, ANGLES, PIXEL)
    for method in ("local", "dense"):
        one = position_bound(ATOMS, SERIES, "Ta", method=method, **KNOWN)
        four = position_bound(ATOMS, more, "Ta", method=method, **{**KNOWN, "H": 4 * H, "level": 8.0})
        assert_allclose(four, one / 2, rtol=1e-3)


def test_gaussian_noise_and_a_lone_atom_follow_theory():
    atom, sigma = [[0.3, -0.2, 0.1]], 0.05
    angles = np.arange(0, 180, 12.0)
    series = TiltSeries(simulate_images(atom, angles, SHAPE, PIXEL, "Ta", H, B), angles, PIXEL)
    bound = position_bound(atom, series, "Ta", H=H, B=B, level=0.0, noise=Noise(sigma, 0.0), weight="one")
    step = 0.01
    along = [
        (simulate_images(np.add(atom, s), angles, SHAPE, PIXEL, "Ta", H, B)) for s in ([[step, 0, 0]], [[-step, 0, 0]])
    ]
    slope = (along[0].astype(float) - along[1]) / (2 * step)
    assert bound[0, 0] == pytest.approx(sigma / np.sqrt((slope**2).sum()), rel=0.01)  # uncoupled by symmetry
    assert bound[0, 0] == pytest.approx(bound[0, 2], rel=0.01)
    assert bound[0, 0] == pytest.approx(np.sqrt(2) * bound[0, 1], rel=0.02)  # half of the tilts see x


def test_white_noise_has_a_flat_spectrum_and_changes_nothing():
    counts = TiltSeries(np.random.default_rng(3).poisson(CLEAN), ANGLES, PIXEL)
    found = refine(ATOMS, counts, "Ta", noise="poisson")
    spectrum = noise_spectrum(found, bins=8)
    assert_allclose(spectrum[2:], 1.0, atol=0.1)  # the lowest rings hold few frequencies, and what the fit took
    white = position_bound(found, counts, "Ta")
    assert_allclose(position_bound(found, counts, "Ta", spectrum=np.ones(4)), white, rtol=1e-5)
    assert_allclose(position_bound(found, counts, "Ta", spectrum=np.full(4, 4.0)), 2 * white, rtol=1e-5)


def test_coloured_noise_scatters_as_the_coloured_bound_says():
    rng, sigma = np.random.default_rng(4), 0.4
    smooth = ndimage.gaussian_filter(rng.normal(size=(12, *CLEAN.shape)), (0, 0, 0.8, 0.8), mode="wrap")
    noise = sigma * smooth / smooth.std()
    white = position_bound(ATOMS, SERIES, "Ta", weight="one", **{**KNOWN, "noise": Noise(sigma, 0.0)})
    fits = [
        refine(ATOMS, TiltSeries(CLEAN + n, ANGLES, PIXEL), "Ta", noise=Noise(sigma, 0.0)) for n in noise.astype("f4")
    ]
    scatter = np.sqrt(np.mean([(f.positions - ATOMS) ** 2 for f in fits]))
    spectrum = np.mean([noise_spectrum(f) for f in fits], axis=0)
    coloured = position_bound(
        ATOMS, SERIES, "Ta", weight="one", spectrum=spectrum, **{**KNOWN, "noise": Noise(sigma, 0.0)}
    )
    assert np.sqrt((coloured**2).mean()) == pytest.approx(scatter, rel=0.12)
    assert scatter > 1.3 * np.sqrt((white**2).mean())  # noise at the atoms' own frequencies hurts


def test_an_atom_that_no_image_shows_is_unbounded():
    atoms = np.vstack([ATOMS, [[0.0, 60.0, 0.0]]])
    for method in ("local", "dense"):
        found = position_bound(atoms, SERIES, "Ta", method=method, **KNOWN)
        assert np.isinf(found[-1]).all() and np.isfinite(found[:-1]).all()


def film(seed=2):
    """Place atoms at random in a film that is wider than its images."""
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    for new in rng.uniform(-1, 1, (1500, 3)) * [11.0, 9.0, 3.0]:
        if len(atoms) == 0 or np.linalg.norm(atoms - new, axis=1).min() > 2.3:
            atoms = np.vstack([atoms, new])
    return atoms


@pytest.mark.parametrize("weight", ["one", "atom"])
def test_atoms_at_the_rim_of_a_film_leave_the_others_their_bound(weight):
    atoms, shape, angles = film(), (36, 30), np.linspace(-60, 60, 11)
    series = TiltSeries(2 + simulate_images(atoms, angles, shape, PIXEL, "Ta", H, B), angles, PIXEL)
    local, dense = (
        position_bound(atoms, series, "Ta", weight=weight, method=method, **KNOWN) for method in ("local", "dense")
    )
    inner = np.array(shape) * PIXEL / 2 - 1.5
    inside = (np.abs(atoms[:, :2]) < inner).all(axis=1)
    assert 25 < inside.sum() < 0.5 * len(atoms)
    assert np.isfinite(local[inside]).all()
    assert np.median(local[inside] / dense[inside]) == pytest.approx(1, abs=0.02)
    assert_allclose(local[inside], dense[inside], rtol=0.12)  # neighbours at the rim are cut off, or taken as known
    beyond = (np.abs(atoms[:, :2]) > inner + 2.5).any(axis=1)
    assert beyond.any()
    # the images show a trace of these at most, where tilts bring them in
    assert np.linalg.norm(local[beyond], axis=1).min() > np.median(np.linalg.norm(local[inside], axis=1))


def test_a_direction_in_which_couplings_are_too_strong_costs_the_atom_at_the_rim_alone():
    matrix = np.eye(6)
    matrix[0, 1] = matrix[1, 0] = 1.2
    kept, inverse = _invert(matrix, np.array([1.0, 0.3, 1.0, 0.9, 0.2, 1.0]))
    assert kept.tolist() == [True, False, True, True, True, True]
    assert_allclose(inverse, np.eye(5))
    kept, _ = _invert(matrix, np.ones(6))  # neither can be told
    assert kept.tolist() == [False, False, True, True, True, True]


def test_two_atoms_that_no_image_tells_apart_are_undefined_alone():
    matrix = np.diag([4.0, 1.0, 1.0])
    matrix[1, 2] = matrix[2, 1] = 1.0
    assert np.diag(_inverse(matrix)).tolist() == [0.25, np.inf, np.inf]


@pytest.mark.parametrize("method", ["local", "dense"])
def test_duplicates_are_refused(method):
    atoms = np.vstack([ATOMS, ATOMS[[7, 3]] + 0.001])
    with pytest.raises(ValueError, match="2 pairs of atoms lie at the same place, the first of them atoms 3 and 25"):
        position_bound(atoms, SERIES, "Ta", method=method, **KNOWN)


def test_what_is_not_given_is_fitted():
    counts = TiltSeries(np.random.default_rng(5).poisson(CLEAN), ANGLES, PIXEL)
    known = position_bound(ATOMS, counts, "Ta", **KNOWN)
    assert_allclose(position_bound(ATOMS, counts, "Ta", noise="poisson"), known, rtol=0.05)
    assert_allclose(position_bound(ATOMS, counts, "Ta", noise="poisson", H=H, B=B), known, rtol=0.05)


@pytest.mark.parametrize("method", ["local", "dense"])
def test_images_that_are_displaced_are_bounded_where_they_are(method):
    moved = CLEAN.copy()
    moved[::3] = np.roll(moved[::3], 3, axis=1)
    series = TiltSeries(moved, ANGLES, PIXEL)
    known = refine(ATOMS, series, "Ta", H=H, B=B, noise="poisson", shifts=True)
    assert known.shifts[::3, 0].min() > 1.5 > known.shifts[1::3, 0].max()  # less what all share
    still = position_bound(ATOMS, SERIES, "Ta", method=method, **KNOWN)
    # rolled images lose nothing, as the rim is empty; shifts, H and B were found to better than a per cent
    assert_allclose(position_bound(known, series, "Ta", method=method), still, rtol=0.02)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": "two"}, "weight='two'"),
        ({"method": "sparse"}, "method='sparse'"),
        ({"background": "flat"}, "background='flat'"),
        ({"spectrum": [1.0]}, "at least two powers"),
        ({"positions": np.empty((0, 3))}, "0 atoms"),
        ({"positions": [[400.0, 0, 0]]}, "1 atom lies outside"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        position_bound(**{"positions": ATOMS, "tilt_series": SERIES, "element": "Ta", **KNOWN, **change})

"""Classification: planted populations, several elements, invariances, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from helpers import Volume
from helpers.atoms import classify, classify_weights, find_support
from helpers.atoms._mixture import fit_mixture, two_populations
from helpers.atoms.classification import _sample_profiles


def peaks_in(heights, seed=0, size=0.4):
    """Gaussians of given heights on a jittered lattice, and where they are [Å from the centre]."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(len(heights) ** (1 / 3)))
    places = (
        np.stack(np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 3), axis=-1).reshape(-1, 3)[: len(heights)] * 3.0
    )
    places = places + rng.normal(0, 0.1, places.shape)
    n = int((side * 3 + 6) / size)
    axis = (np.arange(n) - n // 2) * size
    array = np.zeros((n, n, n))
    for place, height in zip(places, heights, strict=True):
        x, y, z = (np.exp(-((axis - p) ** 2) / 0.7) for p in place)
        array += height * x[:, None, None] * y[:, None] * z
    return Volume(array, size), places


def populations(atoms=150, false=50, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat([True, False], [atoms, false]))
    return np.where(truth, rng.normal(1, 0.1, len(truth)), np.abs(rng.normal(0.15, 0.08, len(truth)))), truth


@pytest.mark.parametrize("rule", ["published", "ours"])
def test_planted_atoms_are_told_from_false_peaks(rule):
    heights, truth = populations()
    volume, places = peaks_in(heights)
    found = classify(volume, places, rule=rule)
    np.testing.assert_array_equal(found.is_atom, truth)  # populations eight standard deviations apart
    assert found.confidence[truth].min() > 0.9 > 0.1 > found.confidence[~truth].max()
    assert set(found.species[truth]) == {0} and set(found.species[~truth]) == {-1}
    scaled = classify(Volume(1e4 * volume.array, volume.voxel_size), places, rule=rule)
    np.testing.assert_array_equal(scaled.is_atom, found.is_atom)


@pytest.mark.parametrize("rule", ["published", "ours"])
def test_two_elements_are_told_apart(rule):
    rng = np.random.default_rng(2)
    kind = rng.permutation(np.repeat([-1, 0, 1], [20, 90, 60]))
    heights = np.choose(kind + 1, [0.1, 1.0, 2.0]) * rng.normal(1, 0.07, len(kind))
    volume, places = peaks_in(heights)
    found = classify(volume, places, rule=rule, elements=["Pt", "Fe"])
    np.testing.assert_array_equal(found.species, kind)
    assert found.elements == ("Fe", "Pt")
    np.testing.assert_array_equal(found.symbols, np.array(["Fe", "Pt", ""])[kind])
    assert np.nanmin(found.species_confidence) > 0.5 and np.isnan(found.species_confidence[kind < 0]).all()
    with pytest.raises(ValueError, match="elements were not named"):
        _ = classify(volume, places).symbols


def test_profiles_are_trilinear_on_a_third_of_a_voxel():
    volume = Volume(np.random.default_rng(3).random((12, 13, 14)).astype(np.float32), 0.6)
    place = np.array([[0.13, -0.2, 0.31]])
    profile = _sample_profiles(volume, place, 0.25)
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3) / 3
    steps = steps[(steps**2).sum(axis=1) <= (0.25 / 0.6) ** 2]
    where = place / 0.6 + volume.centre + steps
    np.testing.assert_allclose(profile[0], map_coordinates(volume.array, where.T, order=1), rtol=1e-5)  # float32


def test_one_kind_ends_near_half_the_mean():
    heights = np.concatenate([np.ones(60), np.linspace(0.1, 1, 60)])
    volume, places = peaks_in(heights)
    found = classify(volume, places)
    mean = found.weight[found.is_atom].mean()
    # Σ|p − m| < Σp holds for p > m/2 where a profile keeps its shape; neighbours' tails change it a little
    assert found.weight[found.is_atom].min() == pytest.approx(mean / 2, rel=0.1)


@pytest.mark.parametrize(("atoms", "false"), [(200, 0), (200, 10), (200, 200), (208, 400)])
def test_weights_are_judged_whatever_the_share_of_false_peaks(atoms, false):
    weights, truth = populations(atoms, false)
    found = classify_weights(weights)
    np.testing.assert_array_equal(found.is_atom, truth)
    assert found.limit == pytest.approx(0.5 * np.median(weights[truth]), rel=1e-9)
    order = np.argsort(weights)
    assert np.all(np.diff(found.confidence[order]) >= -1e-12)


def test_confidence_is_the_share_of_atoms():
    rng = np.random.default_rng(5)
    truth = rng.random(20_000) < 0.6
    weights = np.where(truth, rng.normal(1, 0.2, len(truth)), rng.normal(0.3, 0.15, len(truth)))
    sure = classify_weights(weights).confidence
    for low, high in [(0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9)]:
        part = (sure >= low) & (sure < high)
        # some 150 peaks a bin: the share of atoms in it is known to 0.04
        assert truth[part].mean() == pytest.approx(sure[part].mean(), abs=0.12)


def test_mixture_recovers_its_populations():
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(1, 0.1, 4000), rng.normal(2, 0.2, 6000)])
    found = fit_mixture(values, 2)
    np.testing.assert_allclose(found.means, [1, 2], atol=0.01)  # three standard errors
    np.testing.assert_allclose(found.widths, [0.1, 0.2], rtol=0.05)
    np.testing.assert_allclose(found.shares, [0.4, 0.6], atol=0.01)
    assert two_populations(rng.normal(1, 0.1, 1000)) is None
    assert two_populations(np.ones(50)) is None


def test_support_holds_the_object_and_not_the_ground():
    volume, places = peaks_in(np.ones(216))
    inside = find_support(volume)
    radius = np.linalg.norm(np.indices(volume.array.shape).T - volume.centre, axis=-1).T * volume.voxel_size
    assert inside[radius < 6].all() and not inside[radius > 17].any()
    noise = np.vstack([places, [[-10.0, -10.0, -10.0]]])
    assert not classify(volume, noise, support=inside).is_atom[-1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v, p: classify(v, p + 100), "216 of 216 peaks lie outside the volume, the first at row 0"),
        (lambda v, p: classify(v, p, support=np.ones((3, 3, 3))), r"support has shape \(3, 3, 3\); expected that of"),
        (lambda v, p: classify(v, p, support=np.zeros(v.array.shape)), "0 peaks lie in the support"),
        (lambda v, p: classify(Volume(-v.array, v.voxel_size), p), "nowhere positive around the peaks"),
        (lambda v, p: classify(v, p, rule="mine"), "rule='mine'; expected one of"),
        (lambda v, p: classify(v, p, elements=["Fe", "Xx"]), "expected chemical symbols, each once"),
        (lambda v, p: classify(v, p, elements=0), "elements=0; expected at least one kind"),
        (lambda v, p: classify(v, p, radius=-1), "radius=-1; expected a positive number"),
        (lambda v, p: classify_weights([1, np.nan]), "1 weight is not finite, the first at 1"),
        (lambda v, p: classify_weights([-1, -2]), "the largest weight is -1; atoms have positive weights"),
        (lambda v, p: classify_weights([]), r"weights has shape \(0,\); expected \(N,\) with at least 1"),
        (lambda v, p: classify_weights([1.0, 1.0], elements=2), "more than the 2 kinds of atoms"),
        (lambda v, p: find_support(Volume(np.zeros((9, 9, 9)), 1.0)), "the volume is flat"),
    ],
)
def test_what_is_refused(call, words):
    volume, places = peaks_in(np.ones(216))
    with pytest.raises(ValueError, match=words):
        call(volume, places)

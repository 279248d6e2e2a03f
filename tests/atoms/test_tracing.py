"""Tracing: against its definition, on planted atoms, on the published volume, and on what must be refused."""

from __future__ import annotations

import naive_tracing as naive
import numpy as np
import pytest
from scipy.spatial import cKDTree

from helpers import Volume
from helpers.atoms import PeakFlag, compare, trace
from helpers.atoms import _tracing_kernels as kernels
from helpers.tomography import FilmLayout, read_layout


def grain(shape=(15, 12, 17), seed=0):
    """Smooth random hills, not cubic."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(size=shape)
    for axis in range(3):
        fine = fine + np.roll(fine, 1, axis) + np.roll(fine, -1, axis)
    return fine.astype(np.float32)


def atoms_in(shape, voxel_size, positions, width=0.6, heights=1.0):
    """Gaussians at positions [Å from the centre] in a volume."""
    axes = [(np.arange(n) - n // 2) * voxel_size for n in shape]
    array = np.zeros(shape)
    for place, height in zip(positions, np.broadcast_to(heights, len(positions)), strict=True):
        x, y, z = (np.exp(-((a - p) ** 2) / (2 * width**2)) for a, p in zip(axes, place, strict=True))
        array += height * x[:, None, None] * y[:, None] * z
    return array


def lattice(seed=0, spacing=2.8, jitter=0.2, counts=(4, 5, 6)):
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in counts], indexing="ij"), axis=-1)
    return places.reshape(-1, 3) * spacing + rng.normal(0, jitter, (np.prod(counts), 3)) + [0.7, -0.4, 0.3]


CLUSTER = atoms_in(
    (31, 31, 31), 0.4, [[0, 0, 0], [3, 0, 0], [-3, 0, 0], [0, 3, 0], [0, 0, 3]], heights=[1, 0.9, 0.9, 0.9, 0.9]
)


@pytest.mark.parametrize(("interpolation", "order"), [("linear", 1), ("spline", 3)])
def test_published_rule_equals_its_definition(interpolation, order):
    volume = grain()
    fine = naive.upsample(volume, order)
    starts = naive.maxima(fine)
    found = trace(Volume(volume, 1.0), 2.0, rule="published", interpolation=interpolation)
    assert len(found.flags) == len(starts)
    expected = {}
    for start in starts:
        offset, flag = naive.walk(fine, start)
        expected[start] = ((start + offset) / 3 - np.array(volume.shape) // 2, flag)
    order = sorted(starts, key=lambda s: -fine[s])
    # float32 values of the volume: seven digits; the walk leaves a few more behind
    np.testing.assert_allclose(found.intensity, [fine[s] for s in order], rtol=1e-5)
    flags = np.where(found.flags == PeakFlag.TOO_NEAR, 0, found.flags)
    for place, flag, start in zip(found.candidates, flags, order, strict=True):
        assert flag == expected[start][1]
        if flag == 0:
            np.testing.assert_allclose(place, expected[start][0], atol=1e-4)


@pytest.mark.parametrize("rule", ["ours", "published"])
def test_too_near_means_nearer_than_a_brighter_accepted_one(rule):
    found = trace(Volume(grain((20, 22, 24), 1), 1.0), 4.0, rule=rule, close_pairs=False, threshold=0.0)
    kept = found.positions
    distance = cKDTree(kept).query(kept, 2)[0][:, 1]
    assert distance.min() >= 4.0
    for n in np.flatnonzero(found.flags == PeakFlag.TOO_NEAR):
        before = found.accepted & (np.arange(len(found.flags)) < n)
        assert np.linalg.norm(found.candidates[before] - found.candidates[n], axis=1).min() < 4.0


@pytest.mark.parametrize(("rule", "shape"), [("ours", (41, 50, 61)), ("published", (40, 51, 60))])
def test_planted_atoms_are_found(rule, shape):
    truth = lattice(jitter=0.15)  # none nearer than 2 Å
    volume = Volume(atoms_in(shape, 0.4, truth), 0.4)
    found = trace(volume, rule=rule, threshold=0.3)
    result = compare(found.positions, truth, 0.5)
    assert result.fraction == result.precision == 1
    # neighbours' tails pull the maxima together, by the slope of exp(−r²/2σ²) at 2.2 Å over the curvature; linear
    # interpolation has a kink at every voxel besides, and draws the maximum towards it by up to a quarter voxel
    assert result.rmsd < (0.04 if rule == "ours" else 0.1)
    assert np.abs(result.shift).max() < 0.01  # the voxel of the origin is n // 2, also where n is even


def test_smoothing_keeps_noise_out():
    truth = lattice(3)
    rng = np.random.default_rng(4)
    volume = atoms_in((44, 52, 60), 0.4, truth) + rng.normal(0, 0.25, (44, 52, 60))
    found = trace(Volume(volume, 0.4))
    result = compare(found.positions, truth)
    # smoothing over 0.3 Å = 0.75 voxels leaves noise of about 0.05 against heights of 0.75: 15 standard deviations
    assert result.fraction == 1 and result.precision > 0.97
    raw = trace(Volume(volume, 0.4), smoothing=0)
    assert len(raw) > 1.5 * len(truth)


def test_close_pairs_of_strong_peaks_are_kept_and_split_peaks_are_not():
    truth = np.concatenate([lattice(counts=(3, 3, 3), spacing=5.0), [[10.0, 0, 0], [11.65, 0, 0]]])
    size = (70, 60, 60)
    whole = trace(Volume(atoms_in(size, 0.4, truth, width=0.5), 0.4))
    assert compare(whole.positions, truth, 0.5).fraction == 1
    assert len(trace(Volume(atoms_in(size, 0.4, truth, width=0.5), 0.4), close_pairs=False)) == len(truth) - 1
    weak = np.append(np.ones(len(truth) - 1), 0.5)
    split = trace(Volume(atoms_in(size, 0.4, truth, width=0.5, heights=weak), 0.4))
    assert len(split) == len(truth) - 1
    assert split.counts["too_near"] == 1


def test_result_does_not_depend_on_scale_or_shift():
    truth = lattice(5)
    array = atoms_in((44, 52, 60), 0.4, truth) + np.random.default_rng(6).normal(0, 0.1, (44, 52, 60))
    first = trace(Volume(array, 0.4)).positions
    louder = trace(Volume(1000 * array, 0.4)).positions
    np.testing.assert_allclose(louder, first, atol=1e-4)  # float32
    moved = trace(Volume(np.pad(array, ((3, 0), (0, 0), (0, 5))), 0.4)).positions
    centre = np.array(array.shape) // 2 - np.array([47, 52, 65]) // 2 + [3, 0, 0]
    np.testing.assert_allclose(np.sort(moved, axis=0), np.sort(first + 0.4 * centre, axis=0), atol=1e-4)


def test_flags_count_every_candidate():
    found = trace(Volume(grain((20, 22, 24), 1), 0.5))
    assert sum(found.counts.values()) == len(found.flags) == len(found.candidates) == len(found.intensity)
    assert len(found) == found.counts["accepted"] == len(found.positions)
    assert np.all(np.diff(found.intensity) <= 0)
    assert np.all(found.intensity[found.accepted] > found.threshold)


def test_kernel_equals_its_source():
    volume = grain((8, 9, 10))
    maxima = kernels._find_maxima(volume, np.float32(0))
    source = getattr(kernels._find_maxima, "py_func", kernels._find_maxima)
    np.testing.assert_array_equal(maxima, source(volume, np.float32(0)))
    padded = np.pad(volume, 1, constant_values=-np.inf)
    faces = [s for s in np.ndindex(3, 3, 3) if sum(k != 1 for k in s) <= 1]
    around = np.stack([np.roll(padded, np.subtract(s, 1), (0, 1, 2))[1:-1, 1:-1, 1:-1] for s in faces])
    np.testing.assert_array_equal(maxima, np.argwhere((volume == around.max(axis=0)) & (volume > 0)))


def test_a_plateau_counts_once():
    volume = np.zeros((9, 9, 9), np.float32)
    volume[4, 4, 3:6] = 1
    assert kernels._find_maxima(volume, np.float32(0)).tolist() == [[4, 4, 3]]


def test_published_area_gives_the_published_peaks(published):
    film = published("Ta", "area_volumes", area=1)
    volume, layout = film.volume("area_volumes", area=1), read_layout(film.path("layout"), (401, 351, 341))
    found = trace(volume, rule="published")
    # the published program's flags, from a run of it
    assert found.counts == {
        "accepted": 2038, "not_maximum": 4071, "wandered": 5, "too_near": 10832, "not_converged": 12, "weak": 0,
    }  # fmt: skip
    peaks = published("Ta", "peaks").read("peaks")
    peaks = (peaks.T if peaks.shape[0] == 3 else peaks) - 1
    here = found.positions / volume.voxel_size + layout.centres[0]
    distance = cKDTree(peaks).query(here)[0]
    inside = np.all(here <= [76, 56, 341], axis=1)  # its part of the film, by the published cuts
    assert inside.sum() == 1026
    assert distance[inside].max() < 1e-3  # voxels; the published program stops its optimiser earlier
    assert isinstance(layout, FilmLayout)


def test_our_rule_finds_the_published_atoms_with_fewer_others(published):
    film = published("Ta", "area_volumes", area=23)
    volume, layout = film.volume("area_volumes", area=23), read_layout(film.path("layout"), (401, 351, 341))
    model = film.model().positions - (layout.centres[22] - np.array([200, 175, 170])) * volume.voxel_size
    reach = np.array([75, 38, 1e9]) * volume.voxel_size - 5.0
    counts = {}
    for rule in ("ours", "published"):
        found = trace(volume, rule=rule).positions
        result = compare(found, model)
        inside = np.all(np.abs(model[result.pairs[:, 1]]) < reach, axis=1)
        extra = np.all(np.abs(found[result.false]) < reach, axis=1).sum()
        counts[rule] = inside.sum() / np.all(np.abs(model) < reach, axis=1).sum(), extra
    assert counts["ours"][0] > 0.975  # 98.0 %, with 132 others; the published rule has more than 1,000
    assert counts["ours"][1] < 0.3 * counts["published"][1]


@pytest.mark.parametrize(
    ("volume", "options", "words"),
    [
        (np.ones((9, 9, 9)), {}, "bare array without a voxel size"),
        (Volume(np.ones((9, 9, 9)), 0.5), {"voxel_size": 0.4}, "voxel_size=0.4 Å, but the volume states 0.5"),
        (Volume(np.zeros((9, 9, 9)), 0.5), {}, "all 729 voxels of the volume are 0; expected atoms, bright"),
        (Volume(5 * np.ones((9, 9, 9)), 0.5), {"rule": "published"}, "all 729 voxels of the volume are 5"),
        (Volume(-1 - np.indices((9, 9, 9))[0], 0.5), {"smoothing": 0}, "-9 to -1, has no local maximum above 0"),
        (Volume(-1 - np.indices((9, 9, 9))[0], 0.5), {"rule": "published"}, "has no local maximum above 0"),
        (Volume(np.ones((9, 9, 9)), 1.5), {}, "too coarse for min_distance=2 Å"),
        (Volume(np.ones((300, 9, 9)), 0.01), {}, "is 200 voxels of 0.01 Å"),
        (Volume(np.ones((9, 9, 9)), 0.1), {}, "is 20 voxels of 0.1 Å, in a volume of 9 × 9 × 9"),
        (np.full((9, 9, 9), np.nan), {"voxel_size": 0.5}, "NaN or infinity in 729 of 729 voxels, the first at"),
        (np.ones((9, 9)), {"voxel_size": 0.5}, r"expected \(x, y, z\)"),
        (Volume(grain(), 1.0), {"threshold": 1e9}, "was accepted above threshold=1e"),
        (Volume(CLUSTER, 0.4), {"min_distance": 5.0, "smoothing": 0.3}, "all 5 peaks lie within min_distance=5 Å"),
        (Volume(grain(), 1.0), {"rule": "mine"}, "rule='mine'; expected one of"),
        (Volume(grain(), 1.0), {"smoothing": -1}, "smoothing=-1; expected 0 or a positive width"),
        (Volume(grain(), 1.0), {"threshold": np.nan}, "threshold=nan; expected a finite number"),
    ],
)  # fmt: skip
def test_what_is_refused(volume, options, words):
    with pytest.raises(ValueError, match=words):
        trace(volume, **options)

"""Images of atoms: against the plain spectrum, the published ones, and the gradient against differences."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from naive_images import images_by_spectrum
from numpy.testing import assert_allclose, assert_array_equal

from helpers.atoms import simulate_images
from helpers.atoms._image_kernels import _compare, _deviance, _gather, _splat, compare
from helpers.atoms.images import ImageModel
from helpers.checks import UnknownName
from helpers.geometry.rotations import rotation_matrices
from helpers.scattering import atom_profile

ANGLES = np.array([[0.3, -61.0, -0.2], [0.0, 0.0, 0.0], [1.0, 48.0, 2.0]])


def cluster(count=9, seed=0, spread=(5.0, 4.0, 5.0)):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 3)) * spread


def test_images_equal_the_plain_spectrum():
    atoms, shape, pixel = cluster(), (72, 61), 0.42
    elements = ["Ta", "Pd", "Ta"] * 3
    H, B = np.linspace(0.5, 2.0, 9), np.linspace(4.0, 8.0, 9)
    expected = images_by_spectrum(atoms, rotation_matrices(ANGLES), shape, pixel, elements, H, B)
    found = simulate_images(atoms, ANGLES, shape, pixel, elements, H, B)
    # Gaussians are cut at 4e-6 of their height, and those of B = 4 Å² alias 2e-5 at this pixel
    assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_one_atom_has_the_profile_of_its_scattering_factor():
    pixel, B = 0.3, 5.0
    image = simulate_images([[0, 0, 0]], [0.0], (81, 80), pixel, "Pt", 1.0, B)[0]
    r = pixel * np.hypot(np.arange(81)[:, None] - 40, np.arange(80) - 40)
    expected = (B / np.pi) ** 1.5 / pixel * atom_profile("Pt", B, r)  # pixel² of the profile's plane over pixel³
    assert_allclose(image, expected, atol=3e-5 * expected.max())  # the cut of the window, as above


def test_atoms_beyond_the_edge_reach_in_and_never_come_round():
    atoms = np.array([[-6.3, 0.0, 0.0], [6.9, -5.9, 0.0], [2.0, 1.0, 0.0], [30.0, 0.0, 0.0]])
    small = simulate_images(atoms, [0.0, 20.0], (28, 26), 0.45, "Ta", 1.0, 6.0)
    large = simulate_images(atoms, [0.0, 20.0], (128, 126), 0.45, "Ta", 1.0, 6.0)
    assert_allclose(small, large[:, 50:78, 50:76], atol=3e-5 * large.max())  # tails cut 3 Å beyond a window


def test_a_shifted_object_and_linear_weights():
    atoms, shape = cluster(), (80, 70)
    one = simulate_images(atoms, [0.0], shape, 0.4, "Ta", 1.0, 6.0)
    assert_allclose(simulate_images(atoms, [0.0], shape, 0.4, "Ta", 2.5, 6.0), 2.5 * one, rtol=1e-5, atol=1e-4)
    moved = simulate_images(atoms + [0.8, -1.2, 3.0], [0.0], shape, 0.4, "Ta", 1.0, 6.0)
    assert_allclose(moved[:, 12:-12, 12:-12], np.roll(one, (2, -3), (1, 2))[:, 12:-12, 12:-12], atol=1e-5 * one.max())


def test_published_model_images(published):
    sample = published("Ta")
    path = Path(os.environ.get("AET_DATA", ""), "reference", "model_images_ta.npz")
    if not path.is_file():
        pytest.skip("needs the model images of the published algorithm")
    reference = np.load(path)
    found = simulate_images(sample.model().positions, reference["ang"], (451, 401), 0.3216, "Ta", 80.0, 6.0)
    for image, name in zip(found, ("p1", "p23", "p46"), strict=True):
        theirs = reference[name]
        # the published 9×9×9 window of 2.3 σ holds 97.5 % of a Gaussian and rings by 1 %
        assert (image * theirs).sum() / (image * image).sum() == pytest.approx(0.975, abs=0.002)
        assert np.corrcoef(image.ravel(), theirs.ravel())[0, 1] > 0.9999


def test_parts_of_a_task_make_the_whole():
    atoms = cluster(4)
    model = ImageModel.prepare(atoms, ANGLES, (30, 29), 0.5, "Ta", 6.0)
    amplitude, decay, half = model.gaussians(np.ones(4), np.full(4, 6.0))
    args = (atoms, model.lines(), amplitude, decay, half)
    counts = np.random.default_rng(1).poisson(3.0, (3, 30, 29)).astype(np.float32)
    more = (counts, np.ones((3, 3)), np.empty((0, 0, 0), np.float32), 0.7, 1.3)
    results = []
    for parts in (1, 2, 3):
        images = np.full((3, *model.grid), 7.0, np.float32)
        out, moves, sums = np.zeros((2, 4, 5)), np.zeros((3, 2)), np.zeros((3, 5))
        for part in range(parts):
            _splat(part, parts, *args, 2 * half.max() + 1, images)
        for part in range(parts):
            _gather(part, parts, *args, 2 * half.max() + 1, images, out, moves)
        for part in range(parts):
            _compare(part, parts, images, model.corner, *more, sums)
        results.append((images, out, moves, sums))
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            assert np.ptp(found) > 0
            assert_array_equal(found, expected)


@pytest.mark.parametrize(("gaussian", "poisson"), [(0.7, 1.3), (2.0, 0.0)])
def test_images_are_compared_as_written(gaussian, poisson):
    rng = np.random.default_rng(1)
    counts = rng.poisson(3.0, (2, 8, 7)).astype(np.float32)
    images, sums = rng.uniform(0, 5, (2, 12, 10)).astype(np.float32), np.zeros((2, 5))
    ground = np.array([[1.0, 0.3, -0.2], [0.8, -0.1, 0.1]])
    x, y = 2 * (np.arange(8) - 4) / 8, 2 * (np.arange(7) - 3) / 7
    mean = images[:, 2:10, 1:8] + ground[:, 0, None, None] + ground[:, 1, None, None] * x[:, None]
    mean = mean + ground[:, 2, None, None] * y
    compare(images, (2, 1), counts, ground, np.empty((0, 0, 0), np.float32), gaussian, poisson, sums)
    if poisson:
        model, data = mean + gaussian**2 / poisson, counts + gaussian**2 / poisson
        slope, value = (1 - data / model) / poisson, (model - data + data * np.log(data / model)) / poisson
    else:
        slope, value = (mean - counts) / gaussian**2, (mean - counts) ** 2 / (2 * gaussian**2)
    expected = [value, slope, slope * x[:, None], slope * y, np.abs(mean - counts)]
    assert_allclose(sums, np.sum(expected, axis=(2, 3)).T, rtol=1e-5, atol=1e-4)  # images in single precision
    assert_allclose(images[:, 2:10, 1:8], slope, rtol=1e-5, atol=1e-5)
    assert not images[:, :2].any() and not images[:, 10:].any()
    assert not images[:, :, :1].any() and not images[:, :, 8:].any()


def test_deviance_is_smooth_across_its_floor():
    deviance = getattr(_deviance, "py_func", _deviance)  # only kernels call it compiled
    for counts in (0.0, 3.0):
        below, above = deviance(0.0999999, counts, 0.1), deviance(0.1000001, counts, 0.1)
        assert_allclose(below, above, rtol=1e-4)
        value, slope = deviance(2.0, counts, 0.1)
        assert slope == pytest.approx((deviance(2.0 + 1e-6, counts, 0.1)[0] - value) / 1e-6, abs=1e-5)
    assert deviance(3.0, 3.0, 0.1) == (0.0, 0.0)


@pytest.mark.parametrize(("gaussian", "poisson"), [(0.0, 1.0), (1.5, 0.0), (1.0, 2.0)])
def test_gradient_equals_finite_differences(gaussian, poisson):
    rng = np.random.default_rng(3)
    atoms, shape, pixel = cluster(7, spread=(7.0, 6.0, 7.0)), (40, 37), 0.4  # some near or beyond the edge
    elements = ["Ta", "Pd"] * 3 + ["Ta"]
    H, B = rng.uniform(0.02, 0.06, 7), rng.uniform(4.0, 7.0, 7)
    shifts = rng.normal(0, 0.5, (3, 2))
    model = ImageModel.prepare(atoms, ANGLES, shape, pixel, elements, B, spare=0.1, dtype=np.float64)
    counts = rng.poisson(4.0, (3, *shape)).astype(np.float32)
    ground = np.array([[3.0, 0.4, -0.3]] * 3)

    def value(atoms, H, B, shifts):
        sums, gatherer = np.zeros((3, 5)), model.gatherer(atoms, H, B, shifts)
        for tilts, images in model.chunks(atoms, H, B, shifts):
            compare(images, model.corner, counts[tilts], ground[tilts], np.empty((0, 0, 0), np.float32),
                    gaussian, poisson, sums[tilts])  # fmt: skip
            gatherer.add(tilts, images)
        return sums[:, 0].sum(), gatherer.result()

    unknowns = [atoms, H, B, shifts]
    gradients = value(*unknowns)[1]
    for k, (unknown, gradient, step) in enumerate(zip(unknowns, gradients, (1e-4, 1e-6, 1e-4, 1e-4), strict=True)):
        for _ in range(4):  # along random directions
            along = rng.normal(size=unknown.shape)
            ends = [value(*unknowns[:k], unknown + s * step * along, *unknowns[k + 1 :])[0] for s in (1, -1)]
            # a central difference errs by step² times the third derivative, and by the cut windows
            assert (gradient * along).sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"positions": np.empty((0, 3))}, ValueError, "0 atoms; expected at least 1"),
        ({"positions": [[0, 0, np.nan]]}, ValueError, "not finite"),
        ({"positions": [[90.0, 0, 0]]}, ValueError, "1 atom lies outside the images of 30×30 px"),
        ({"element": "Xx"}, UnknownName, "no scattering factor for element 'Xx'"),
        ({"element": ["Ta", "Ta"]}, ValueError, "element names 2 atoms but positions holds 1"),
        ({"B": 0.0}, ValueError, "B holds values that are not positive"),
        ({"B": [1.0, 2.0]}, ValueError, r"B has shape \(2,\); expected one number, or 1"),
        ({"H": np.inf}, ValueError, "H holds values that are not finite"),
        ({"shape": (30,)}, ValueError, "expected two sizes"),
        ({"pixel_size": -1}, ValueError, "pixel_size=-1; expected a positive number"),
    ],
)
def test_refuses(change, error, words):
    good = {"positions": [[0, 0, 0]], "angles": [0.0], "shape": (30, 30), "pixel_size": 0.4, "element": "Ta"}
    with pytest.raises(error, match=words):
        simulate_images(**{**good, "H": 1.0, "B": 6.0, **change})

"""Every compiled kernel of the stage gives what its own Python source gives, on a small and uneven input."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import helpers.imaging
from helpers.imaging import _laplace_kernel, cosine, reprojection

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 13, 17)).astype(np.float32)
WAVE = np.cos(np.pi * (np.arange(4) + 0.5) * np.arange(4)[:, None] / 4).astype(np.float32)
BACK = np.ascontiguousarray(WAVE.T)
SPARE = np.empty_like(IMAGES[0])
MASKS = RNG.random(IMAGES.shape) < 0.4
COS, SIN = np.cos([-1.0, 0.1, 0.9]), np.sin([-1.0, 0.1, 0.9])
INSIDE = np.array([[4, 5], [2, 7], [1, 8], [0, 8], [1, 8], [2, 7], [3, 6], [4, 5], [4, 4]], np.int64)
SLICE = RNG.random((9, 9)).astype(np.float32)
SINOGRAMS = np.abs(RNG.normal(size=(2, 3, 9))).astype(np.float32)

#: Arguments of each kernel, and the position of the array that it fills, where it returns none.
KERNELS = {
    _laplace_kernel._fill: ((IMAGES, MASKS, 1e-6), None),
    _laplace_kernel._fill_one: ((IMAGES[0], MASKS[0], 1e-6, SPARE.copy()), 3),
    _laplace_kernel._relax: ((IMAGES[0].astype(float), MASKS[0], 0, 12, 0, 16, 1, 1.3), 0),
    cosine._multiply: ((WAVE, BACK, np.empty((4, 4), np.float32)), 2),
    cosine._sweep: ((IMAGES[0], IMAGES[1], True, WAVE, BACK, np.float32(0.7), np.float32(2.0), 2, SPARE.copy()), 8),
    cosine._two_passes: ((IMAGES[0], WAVE, BACK, np.float32(0.7), np.float32(2.0), 2, SPARE.copy()), 6),
    cosine._filter: ((IMAGES, WAVE, BACK, np.float32(0.7), np.float32(2.0), 3), None),
    reprojection._forward: ((SLICE, COS, SIN, 4.0, INSIDE, np.empty((3, 10), np.float32)), 5),
    reprojection._backward: ((np.pad(SINOGRAMS[0], ((0, 0), (0, 1))), COS, SIN, 4.0, INSIDE, SLICE.copy()), 5),
    reprojection._solve: ((SINOGRAMS[0], COS, SIN, 4.0, INSIDE, 4, 0.05, np.empty((3, 9), np.float32)), 7),
    reprojection._slices: ((SINOGRAMS, COS, SIN, 3.5, 4, 4.0), None),
}


def run(function, arguments, filled):
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    returned = function(*given)
    return returned if filled is None else given[filled]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)
def test_the_kernel_equals_its_source(kernel):
    arguments, filled = KERNELS[kernel]
    found = run(kernel, arguments, filled)
    expected = run(getattr(kernel, "py_func", kernel), arguments, filled)
    assert np.ptp(found) > 0
    # single precision, sums in another order: some roundings of the largest value
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_no_kernel_is_forgotten():
    found = set()
    for module in pkgutil.iter_modules(helpers.imaging.__path__, "helpers.imaging."):
        for value in vars(importlib.import_module(module.name)).values():
            if hasattr(value, "py_func") and value.__module__ == module.name:
                found.add(value)
    assert found <= set(KERNELS)

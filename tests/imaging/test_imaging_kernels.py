"""Every shared kernel of the stage gives what its own Python source gives, in parts or at once, on an uneven input."""

from __future__ import annotations

from types import FunctionType

import numpy as np
import pytest

from helpers.imaging import _laplace_kernel, cosine, reprojection

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 13, 17)).astype(np.float32)
WAVE = np.cos(np.pi * (np.arange(4) + 0.5) * np.arange(4)[:, None] / 4).astype(np.float32)
BACK = np.ascontiguousarray(WAVE.T)
MASKS = RNG.random(IMAGES.shape) < 0.4
COS, SIN = np.cos([-1.0, 0.1, 0.9]), np.sin([-1.0, 0.1, 0.9])
INSIDE = np.array([[4, 5], [2, 7], [1, 8], [0, 8], [1, 8], [2, 7], [3, 6], [4, 5], [4, 4]], np.int64)
SINOGRAMS = np.abs(RNG.normal(size=(3, 3, 9))).astype(np.float32)

#: Arguments of each kernel without the last one, an array like the first that it fills.
KERNELS = {
    _laplace_kernel._fill: (IMAGES, MASKS, 1e-6),
    cosine._filter: (IMAGES, WAVE, BACK, np.float32(0.7), np.float32(2.0), 3),
    reprojection._solve_slices: (SINOGRAMS, COS, SIN, 4.0, INSIDE, 4, 0.05),
}


def plain(kernel):
    """Return the source of a kernel, which calls the sources of other kernels."""
    source = getattr(kernel, "py_func", kernel)
    around = dict(source.__globals__)
    for name in source.__code__.co_names:
        if hasattr(around.get(name), "py_func"):
            around[name] = plain(around[name])
    return FunctionType(source.__code__, around)


def run(function, arguments, parts):
    found = np.full_like(arguments[0], np.nan)
    for part in range(parts):
        function(part, parts, *arguments, found)
    return found


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)
def test_the_kernel_equals_its_source(kernel):
    found = run(kernel, KERNELS[kernel], 1)
    expected = run(plain(kernel), KERNELS[kernel], 1)
    assert np.ptp(found) > 0
    # single precision, sums in another order: some roundings of the largest value
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(run(kernel, KERNELS[kernel], 2), found)

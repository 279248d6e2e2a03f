"""A coarse slice-by-slice reconstruction, good enough to align images against its own projections.

The reconstruction proper is that of the tomography stage; this one knows tilts about y only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, share


def reproject(
    images: NDArray[Any], theta: NDArray[Any], *, radius: float, iterations: int = 20, coarse: int = 2
) -> NDArray[np.float32]:
    """Return the projections of the object that agrees best with all images (T, X, Y) together.

    Every slice across the tilt axis y is found by accelerated gradient descent on the squared residuals,
    kept positive and within `radius` [px] of the axis, on pixels merged `coarse` by `coarse`.
    """
    merged = _merge(images, coarse)
    angles = np.deg2rad(theta)
    found = _slices(
        np.ascontiguousarray(merged.transpose(2, 0, 1)), angles, radius / coarse, iterations,
        _axis(images.shape[1], coarse),
    )  # fmt: skip
    return np.ascontiguousarray(found.transpose(1, 2, 0))


def _merge(images: NDArray[Any], coarse: int) -> NDArray[np.float32]:
    """Return images whose pixels are means of coarse × coarse pixels; a rest at the far edges is left out."""
    if coarse == 1:
        return np.ascontiguousarray(images, dtype=np.float32)
    t, nx, ny = images.shape
    cut = images[:, : nx - nx % coarse, : ny - ny % coarse]
    return cut.reshape(t, nx // coarse, coarse, ny // coarse, coarse).mean(axis=(2, 4), dtype=np.float32)


def _axis(size: int, coarse: int) -> float:
    """Return where the centre, pixel n // 2, comes to lie among merged pixels."""
    return (size // 2 - (coarse - 1) / 2) / coarse


def _slices(
    sinograms: NDArray[np.float32], angles: NDArray[np.float64], radius: float, iterations: int, axis: float
) -> NDArray[np.float32]:
    """Reconstruct every slice within a radius of the axis; return the projections of what is found."""
    _, tilts, n = sinograms.shape
    radius = min(radius, axis - 0.01, n - 1.01 - axis)  # every ray then meets the detector
    half = radius * radius - (np.arange(n) - axis) ** 2
    reach = np.sqrt(np.maximum(half, 0.0))
    inside = np.column_stack([np.ceil(axis - reach), np.floor(axis + reach) + 1]).astype(np.int64)
    inside[half <= 0] = 0
    longest = max(1.0, float((inside[:, 1] - inside[:, 0]).max()))
    step = 1.0 / (1.5 * tilts * longest)
    found = np.empty_like(sinograms)
    share(
        _solve_slices, len(sinograms), sinograms, np.cos(angles), np.sin(angles), axis, inside, iterations, step, found
    )
    return found


@kernel
def _forward(slice_, cos, sin, axis, inside, out):
    """out[t, u] = Σ of the slice along rays at tilt t, with u = x cos θ − z sin θ, linear between pixels."""
    for t in range(len(cos)):
        for u in range(out.shape[1]):
            out[t, u] = 0
        for i in range(len(slice_)):
            start = (i - axis) * cos[t] + axis * sin[t] + axis
            for k in range(inside[i, 0], inside[i, 1]):
                u = start - k * sin[t]
                a = int(u)
                right = slice_[i, k] * np.float32(u - a)
                out[t, a] += slice_[i, k] - right
                out[t, a + 1] += right


@kernel
def _backward(residual, cos, sin, axis, inside, out):
    """Adjoint of `_forward`."""
    for i in range(len(out)):
        for k in range(out.shape[1]):
            out[i, k] = 0
    for t in range(len(cos)):
        for i in range(len(out)):
            start = (i - axis) * cos[t] + axis * sin[t] + axis
            for k in range(inside[i, 0], inside[i, 1]):
                u = start - k * sin[t]
                a = int(u)
                out[i, k] += residual[t, a] + np.float32(u - a) * (residual[t, a + 1] - residual[t, a])


@kernel(inner=True)
def _solve(sinogram, cos, sin, axis, inside, iterations, step, model):
    """FISTA with positivity on one slice; sets `model` to the projections of what it finds."""
    tilts, n = sinogram.shape
    x, y, gradient = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32), np.empty((n, n), np.float32)
    momentum = 1.0
    for _ in range(iterations):
        _forward(y, cos, sin, axis, inside, model)
        for t in range(tilts):
            for u in range(n):
                model[t, u] -= sinogram[t, u]
        _backward(model, cos, sin, axis, inside, gradient)
        following = (1 + np.sqrt(1 + 4 * momentum * momentum)) / 2
        share = (momentum - 1) / following
        momentum = following
        for i in range(n):
            for k in range(inside[i, 0], inside[i, 1]):
                new = max(np.float32(0), np.float32(y[i, k] - step * gradient[i, k]))
                y[i, k] = new + share * (new - x[i, k])
                x[i, k] = new
    _forward(x, cos, sin, axis, inside, model)


@kernel
def _solve_slices(part, parts, sinograms, cos, sin, axis, inside, iterations, step, found):
    """`_solve` every slice of a part."""
    for j in range(part, len(sinograms), parts):
        _solve(sinograms[j], cos, sin, axis, inside, iterations, step, found[j])

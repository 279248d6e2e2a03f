"""The kernel that fills holes of images as a stretched membrane would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share

_PIXELS = 16  # pixels that take as long as a simple item


def fill(images: NDArray[np.float32], masks: NDArray[np.bool_], tolerance: float) -> NDArray[np.float32]:
    """Return images (T, X, Y) with ∇²u = 0 inside each mask, by red-black over-relaxation; values outside stay."""
    out = np.empty_like(images)
    share(_fill, min(len(images), parts_of(images.size // _PIXELS)), images, masks, tolerance, out)
    return out


@kernel(inner=True)
def _relax(u, mask, top, bottom, left, right, colour, omega):
    """Over-relax the masked pixels of one colour of the chequerboard; return the largest change."""
    nx, ny = u.shape
    largest = 0.0
    for i in range(top, bottom + 1):
        for j in range(left + (i + left + colour) % 2, right + 1, 2):
            if mask[i, j]:
                total, number = 0.0, 0
                if i > 0:
                    total += u[i - 1, j]
                    number += 1
                if i < nx - 1:
                    total += u[i + 1, j]
                    number += 1
                if j > 0:
                    total += u[i, j - 1]
                    number += 1
                if j < ny - 1:
                    total += u[i, j + 1]
                    number += 1
                change = omega * (total / number - u[i, j])
                u[i, j] += change
                largest = max(largest, abs(change))
    return largest


@kernel(inner=True)
def _fill_one(image, mask, tolerance, out):
    """Solve ∇²u = 0 inside the mask of one image, in double precision."""
    nx, ny = image.shape
    u = np.empty((nx, ny))
    for i in range(nx):
        for j in range(ny):
            u[i, j] = image[i, j]
            out[i, j] = image[i, j]
    top, bottom, left, right = nx, -nx, ny, -ny  # a plain −1 would be a type of its own
    low, high = np.inf, -np.inf
    for i in range(nx):
        for j in range(ny):
            if mask[i, j]:
                top, bottom = min(top, i), max(bottom, i)
                left, right = min(left, j), max(right, j)
            else:
                low, high = min(low, u[i, j]), max(high, u[i, j])
    if bottom < 0:
        return
    width = max(bottom - top, right - left) + 2
    omega = 2 / (1 + np.sin(np.pi / width))
    for _ in range(20 * width):
        largest = 0.0
        for colour in range(2):
            largest = max(largest, _relax(u, mask, top, bottom, left, right, colour, omega))
        if largest <= tolerance * (high - low):
            break
    for i in range(nx):
        for j in range(ny):
            out[i, j] = u[i, j]


@kernel
def _fill(part, parts, images, masks, tolerance, out):
    """Fill the images of a part."""
    for t in range(part, len(images), parts):
        _fill_one(images[t], masks[t], tolerance, out[t])

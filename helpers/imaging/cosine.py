"""Denoising by sliding cosine transforms: an open filter that needs nothing but numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, share


def cosine_filter(
    images: NDArray[Any], sigma: float, *, block: int = 16, step: int = 2, threshold: float = 2.7
) -> NDArray[np.float32]:
    """Remove white noise of standard deviation `sigma` from images (T, X, Y).

    Every block of a sliding window is written as cosine waves. A first pass keeps the waves above
    `threshold` times the noise; a second pass weighs each wave by the power that the first one found, as
    Wiener's filter does. The overlapping blocks are averaged, sparse ones with more weight.

    References
    ----------
    G. Yu, G. Sapiro, Image Processing On Line 1, 292 (2011), doi:10.5201/ipol.2011.ys-dct.
    """
    pad = ((0, 0), (block, block + step), (block, block + step))
    padded = np.pad(np.asarray(images, np.float32), pad, mode="symmetric")
    wave = np.cos(np.pi * (np.arange(block) + 0.5) * np.arange(block)[:, None] / block)
    wave *= np.sqrt(np.where(np.arange(block) == 0, 1, 2) / block)[:, None]
    wave = wave.astype(np.float32)
    waves, found = (wave, np.ascontiguousarray(wave.T)), np.empty_like(padded)
    share(_filter, len(padded), padded, *waves, np.float32(sigma), np.float32(threshold), step, found)
    return np.ascontiguousarray(found[:, block : -block - step, block : -block - step])


@kernel(inner=True)
def _multiply(a, b, out):
    """Multiply small square matrices, out = a b."""
    n = len(a)
    for i in range(n):
        for j in range(n):
            out[i, j] = 0
        for k in range(n):
            factor = a[i, k]
            for j in range(n):
                out[i, j] += factor * b[k, j]


@kernel(inner=True)
def _sweep(image, guide, second, wave, back, sigma, threshold, step, out):
    """One pass: threshold (second False) or Wiener weights from `guide`, averaged over all blocks."""
    nx, ny = image.shape
    n = len(wave)
    total, weights = np.zeros((nx, ny)), np.zeros((nx, ny))
    part, half = np.empty((n, n), np.float32), np.empty((n, n), np.float32)
    c, g = np.empty((n, n), np.float32), np.empty((n, n), np.float32)
    variance = sigma * sigma
    for x in range(0, nx - n + 1, step):
        for y in range(0, ny - n + 1, step):
            for i in range(n):
                for j in range(n):
                    part[i, j] = image[x + i, y + j]
            _multiply(wave, part, half)
            _multiply(half, back, c)  # wave · part · waveᵀ
            energy = 0.0
            if second:
                for i in range(n):
                    for j in range(n):
                        part[i, j] = guide[x + i, y + j]
                _multiply(wave, part, half)
                _multiply(half, back, g)
                g[0, 0] = 1e6 * sigma
                for i in range(n):
                    for j in range(n):
                        share = g[i, j] * g[i, j] / (g[i, j] * g[i, j] + variance)
                        c[i, j] *= share
                        energy += share * share
            else:
                for i in range(n):
                    for j in range(n):
                        if abs(c[i, j]) > threshold * sigma or i + j == 0:
                            energy += 1.0
                        else:
                            c[i, j] = 0
            _multiply(back, c, half)
            _multiply(half, wave, part)
            weight = 1.0 / energy
            for i in range(n):
                for j in range(n):
                    total[x + i, y + j] += weight * part[i, j]
                    weights[x + i, y + j] += weight
    for i in range(nx):
        for j in range(ny):
            out[i, j] = total[i, j] / weights[i, j] if weights[i, j] > 0 else image[i, j]


@kernel
def _filter(part, parts, images, wave, back, sigma, threshold, step, out):
    """Threshold pass, then Wiener pass, of the images of a part."""
    first = np.empty_like(images[0])
    for t in range(part, len(images), parts):
        for number in range(2):
            guide, found = (first, out[t]) if number else (images[t], first)
            _sweep(images[t], guide, number == 1, wave, back, sigma, threshold, step, found)

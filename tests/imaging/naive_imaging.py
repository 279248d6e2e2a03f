"""Slow, obvious versions of the imaging kernels."""

from __future__ import annotations

import numpy as np
from scipy import fft, sparse
from scipy.sparse.linalg import spsolve


def laplace(image, mask):
    """Solve ∇²u = 0 inside the mask by a direct solver; pixels beyond the image's edge count for nothing."""
    number = -np.ones(image.shape, int)
    inside = np.argwhere(mask)
    number[mask] = np.arange(len(inside))
    matrix, right = sparse.lil_matrix((len(inside), len(inside))), np.zeros(len(inside))
    for row, (i, j) in enumerate(inside):
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= a < image.shape[0] and 0 <= b < image.shape[1]:
                matrix[row, row] += 1
                if mask[a, b]:
                    matrix[row, number[a, b]] -= 1
                else:
                    right[row] += image[a, b]
    out = image.astype(float).copy()
    out[mask] = spsolve(matrix.tocsr(), right)
    return out


def cosine_filter(image, sigma, *, block, step, threshold):
    """Two passes of sliding cosine transforms with scipy's own transform."""
    padded = np.pad(image.astype(float), ((block, block + step),) * 2, mode="symmetric")

    def sweep(guide):
        total, weights = np.zeros(padded.shape), np.zeros(padded.shape)
        for i in range(0, padded.shape[0] - block + 1, step):
            for j in range(0, padded.shape[1] - block + 1, step):
                place = (slice(i, i + block), slice(j, j + block))
                c = fft.dctn(padded[place], norm="ortho")
                if guide is None:
                    share = (np.abs(c) > threshold * sigma).astype(float)
                    share[0, 0] = 1
                else:
                    power = fft.dctn(guide[place], norm="ortho") ** 2
                    power[0, 0] = 1e12 * sigma**2
                    share = power / (power + sigma**2)
                weight = 1 / (share**2).sum()
                total[place] += weight * fft.idctn(c * share, norm="ortho")
                weights[place] += weight
        return np.where(weights > 0, total / np.where(weights > 0, weights, 1), padded)

    return sweep(sweep(None))[block : -block - step, block : -block - step]


def projections(slices, theta):
    """Forward projection of (y, x, z) slices as one dense matrix per tilt."""
    ny, n, _ = slices.shape
    axis = n // 2
    out = np.zeros((ny, len(theta), n))
    for t, angle in enumerate(np.deg2rad(theta)):
        for i in range(n):
            for k in range(n):
                u = (i - axis) * np.cos(angle) - (k - axis) * np.sin(angle) + axis
                a = int(np.floor(u))
                if 0 <= a < n - 1:
                    out[:, t, a] += slices[:, i, k] * (a + 1 - u)
                    out[:, t, a + 1] += slices[:, i, k] * (u - a)
    return out

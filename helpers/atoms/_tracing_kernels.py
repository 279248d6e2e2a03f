"""Kernels of tracing: local maxima, the top of a quadratic, and who is too near to whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel

_FARTHEST = 0.7  # from the voxel of a local maximum to that of its quadratic, along an axis

ACCEPTED, NOT_MAXIMUM, WANDERED, TOO_NEAR, NOT_CONVERGED, WEAK = 0, -1, -2, -3, -4, -5


@kernel
def _find_maxima(volume, threshold):
    """Voxels above the threshold and above their 6 neighbours; outside counts as zero.

    Of neighbours that are exactly equal the first one counts.
    """
    nx, ny, nz = volume.shape
    found = []
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                value = volume[x, y, z]
                if not value > threshold:
                    continue
                if (z > 0 and volume[x, y, z - 1] >= value) or (z + 1 < nz and volume[x, y, z + 1] > value):
                    continue
                if (y > 0 and volume[x, y - 1, z] >= value) or (y + 1 < ny and volume[x, y + 1, z] > value):
                    continue
                if (x > 0 and volume[x - 1, y, z] >= value) or (x + 1 < nx and volume[x + 1, y, z] > value):
                    continue
                found.append((x, y, z))
    result = np.empty((len(found), 3), np.int64)
    for k in range(len(found)):
        result[k, 0], result[k, 1], result[k, 2] = found[k]
    return result


@kernel(inner=True)
def _inside(i, n):
    """Index i, or that of the nearest of n voxels."""
    if i < 0:
        return 0
    return i if i < n else n - 1


@kernel
def _fit_quadratics(volume, maxima, solve, offsets, heights):
    """Maximum of the quadratic fitted to the 27 voxels about each local maximum; sets offsets [voxels] and heights.

    `solve` (10, 27) gives the coefficients 1, x, y, z, x², y², z², xy, xz, yz. Beyond a face its voxels repeat.
    Where the quadratic has no maximum, the parabolas along the axes decide.
    """
    c = np.empty(10)
    nx, ny, nz = volume.shape
    for n in range(len(maxima)):
        for m in range(10):
            c[m] = 0.0
        at = 0
        for i in range(maxima[n, 0] - 1, maxima[n, 0] + 2):
            for j in range(maxima[n, 1] - 1, maxima[n, 1] + 2):
                for k in range(maxima[n, 2] - 1, maxima[n, 2] + 2):
                    value = volume[_inside(i, nx), _inside(j, ny), _inside(k, nz)]
                    for m in range(10):
                        c[m] += solve[m, at] * value
                    at += 1
        x, y, z = c[1], c[2], c[3]
        xx, yy, zz, xy, xz, yz = 2 * c[4], 2 * c[5], 2 * c[6], c[7], c[8], c[9]
        det = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
        if xx < 0 and xx * yy - xy * xy > 0 and det < 0:
            offsets[n, 0] = -((yy * zz - yz * yz) * x + (xz * yz - xy * zz) * y + (xy * yz - xz * yy) * z) / det
            offsets[n, 1] = -((xz * yz - xy * zz) * x + (xx * zz - xz * xz) * y + (xy * xz - xx * yz) * z) / det
            offsets[n, 2] = -((xy * yz - xz * yy) * x + (xy * xz - xx * yz) * y + (xx * yy - xy * xy) * z) / det
        else:
            for axis in range(3):
                offsets[n, axis] = -c[1 + axis] / (2 * c[4 + axis]) if c[4 + axis] < 0 else 0.0
        peak = volume[maxima[n, 0], maxima[n, 1], maxima[n, 2]]
        far = False
        for axis in range(3):
            if abs(offsets[n, axis]) > _FARTHEST:
                far = True
        if far:
            for axis in range(3):
                if abs(offsets[n, axis]) > _FARTHEST:
                    offsets[n, axis] = _FARTHEST if offsets[n, axis] > 0 else -_FARTHEST
            heights[n] = peak
        else:
            top = c[0] + (x * offsets[n, 0] + y * offsets[n, 1] + z * offsets[n, 2]) / 2
            heights[n] = top if top > peak else peak


@kernel
def _accept(positions, heights, threshold, usual, near, nearest, low, cells, head, following, flags):
    """Go through peaks by falling height; flag those below the threshold, and those too near to an accepted one.

    Beyond `near` a peak needs the threshold, within `nearest` nothing helps; in between it needs a height that
    rises from the threshold to the `usual` one. Accepted peaks are chained in cells of that width: `head` of each
    cell and the one `following` a peak.
    """
    here = np.empty(3, np.int64)
    for n in range(len(positions)):
        if not heights[n] > threshold:
            continue
        for axis in range(3):
            here[axis] = int((positions[n, axis] - low[axis]) / near)
        closest = np.inf
        for i in range(max(here[0] - 1, 0), min(here[0] + 2, cells[0])):
            for j in range(max(here[1] - 1, 0), min(here[1] + 2, cells[1])):
                for k in range(max(here[2] - 1, 0), min(here[2] + 2, cells[2])):
                    other = head[(i * cells[1] + j) * cells[2] + k]
                    while other >= 0:
                        d0 = positions[n, 0] - positions[other, 0]
                        d1 = positions[n, 1] - positions[other, 1]
                        d2 = positions[n, 2] - positions[other, 2]
                        closest = min(closest, d0 * d0 + d1 * d1 + d2 * d2)
                        other = following[other]
        closest = np.sqrt(closest)
        if closest < near:
            short = (near - closest) / (near - nearest) if near > nearest else 2.0
            if closest < nearest or not heights[n] > threshold + (usual - threshold) * short:
                flags[n] = TOO_NEAR
                continue
        flags[n] = ACCEPTED
        cell = (here[0] * cells[1] + here[1]) * cells[2] + here[2]
        following[n] = head[cell]
        head[cell] = n


def fit_quadratics(
    volume: NDArray[np.float32], maxima: NDArray[np.int64], solve: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the offsets (N, 3) [voxels] and heights of the maxima of fitted quadratics."""
    offsets, heights = np.zeros((len(maxima), 3)), np.empty(len(maxima))
    _fit_quadratics(volume, maxima, solve, offsets, heights)
    return offsets, heights


def accept_strongest(
    positions: NDArray[np.float64],
    heights: NDArray[np.float64],
    threshold: float,
    usual: float,
    near: float,
    nearest: float,
) -> NDArray[np.int64]:
    """Flag peaks (N, 3), which come by falling height, that are too low or too near to a higher one; see `_accept`."""
    flags = np.full(len(positions), WEAK, np.int64)
    if len(positions):
        low = positions.min(axis=0)
        cells = ((positions.max(axis=0) - low) / near).astype(np.int64) + 1
        head, following = np.full(cells.prod(), -1), np.full(len(positions), -1)
        limits = float(threshold), float(usual), float(near), float(nearest)
        _accept(positions, heights, *limits, low, cells, head, following, flags)
    return flags

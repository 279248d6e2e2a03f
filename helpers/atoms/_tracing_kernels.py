"""Kernels of tracing: local maxima, the top of a quadratic, and who is too near to whom."""

from __future__ import annotations

import numpy as np
from numba import njit

_FARTHEST = 0.7  # from the voxel of a local maximum to that of its quadratic, along an axis

ACCEPTED, NOT_MAXIMUM, WANDERED, TOO_NEAR, NOT_CONVERGED, WEAK = 0, -1, -2, -3, -4, -5


@njit(cache=True)
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


@njit(cache=True)
def _fit_quadratics(volume, maxima, solve):
    """Maximum of the quadratic fitted to the 27 voxels about each local maximum: offsets [voxels] and heights.

    `solve` (10, 27) gives the coefficients 1, x, y, z, x², y², z², xy, xz, yz. Beyond a face its voxels repeat.
    Where the quadratic has no maximum, the parabolas along the axes decide.
    """
    count = len(maxima)
    offsets, heights = np.zeros((count, 3)), np.empty(count)
    c, g = np.empty(10), np.empty(3)
    nx, ny, nz = volume.shape
    for n in range(count):
        c[:] = 0.0
        at = 0
        for i in range(maxima[n, 0] - 1, maxima[n, 0] + 2):
            for j in range(maxima[n, 1] - 1, maxima[n, 1] + 2):
                for k in range(maxima[n, 2] - 1, maxima[n, 2] + 2):
                    value = volume[min(max(i, 0), nx - 1), min(max(j, 0), ny - 1), min(max(k, 0), nz - 1)]
                    for m in range(10):
                        c[m] += solve[m, at] * value
                    at += 1
        xx, yy, zz, xy, xz, yz = 2 * c[4], 2 * c[5], 2 * c[6], c[7], c[8], c[9]
        g[:] = c[1:4]
        det = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
        if xx < 0 and xx * yy - xy * xy > 0 and det < 0:
            offsets[n, 0] = (
                -((yy * zz - yz * yz) * g[0] + (xz * yz - xy * zz) * g[1] + (xy * yz - xz * yy) * g[2]) / det
            )
            offsets[n, 1] = (
                -((xz * yz - xy * zz) * g[0] + (xx * zz - xz * xz) * g[1] + (xy * xz - xx * yz) * g[2]) / det
            )
            offsets[n, 2] = (
                -((xy * yz - xz * yy) * g[0] + (xy * xz - xx * yz) * g[1] + (xx * yy - xy * xy) * g[2]) / det
            )
        else:
            for axis in range(3):
                offsets[n, axis] = -g[axis] / (2 * c[4 + axis]) if c[4 + axis] < 0 else 0.0
        peak = volume[maxima[n, 0], maxima[n, 1], maxima[n, 2]]
        if np.abs(offsets[n]).max() > _FARTHEST:
            for axis in range(3):
                offsets[n, axis] = min(max(offsets[n, axis], -_FARTHEST), _FARTHEST)
            heights[n] = peak
        else:
            heights[n] = max(peak, c[0] + (g * offsets[n]).sum() / 2)
    return offsets, heights


@njit(cache=True)
def _accept_strongest(positions, heights, threshold, usual, near, nearest):
    """Go through peaks by falling height; flag those below the threshold, and those too near to an accepted one.

    Beyond `near` a peak needs the threshold, within `nearest` nothing helps; in between it needs a height that
    rises from the threshold to the `usual` one.
    """
    count = len(positions)
    flags = np.full(count, WEAK, np.int64)
    if count == 0:
        return flags
    low = np.empty(3)
    cells = np.empty(3, np.int64)
    for axis in range(3):
        low[axis] = positions[:, axis].min()
        cells[axis] = int((positions[:, axis].max() - low[axis]) / near) + 1
    head = np.full(cells[0] * cells[1] * cells[2], -1, np.int64)
    following = np.full(count, -1, np.int64)
    here = np.empty(3, np.int64)
    for n in range(count):
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
    return flags

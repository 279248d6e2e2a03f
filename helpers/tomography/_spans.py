"""Where lines of voxels meet the images: what the kernels of all kinds of tilt share."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

WIDTH = 64  # slices taken side by side: four vectors of AVX-512, and few enough that a tile stays in cache
SIDE = 32  # voxels along x and z of a tile
# Rows that a line of a tile takes in memory: the same row of several lines may not share a place in the cache.
LINE = SIDE + 3
TILE = np.uint64(SIDE * LINE)  # rows of a tile in memory
f4 = np.float32
one = np.uint64(1)


@njit
def span(start, slope, stop, lo, hi):
    """Part of lo ≤ j < hi where 0 ≤ start + slope j < stop."""
    first = start + slope * lo
    last = start + slope * (hi - 1)
    if 0.0 <= first < stop and 0.0 <= last < stop:
        return lo, hi
    if slope > 1e-9:
        return max(lo, math.ceil(-start / slope)), min(hi, math.ceil((stop - start) / slope))
    if slope < -1e-9:
        return max(lo, math.floor((stop - start) / slope) + 1), min(hi, math.floor(-start / slope) + 1)
    return lo, lo


@njit
def reach(line, x, nx, y, ny, z, nz):
    """Least and largest c0 i + c1 j + c2 k + c3 over a box of voxels that starts at (x, y, z)."""
    low = line[0] * x + line[1] * y + line[2] * z + line[3]
    high = low
    for slope, count in ((line[0], nx), (line[1], ny), (line[2], nz)):
        extent = slope * (count - 1)
        low += min(extent, 0.0)
        high += max(extent, 0.0)
    return low, high


@njit
def aligned(size):
    """Return zeros that begin where a line of the cache does: a vector never lies in two of them."""
    room = np.zeros(size + 16, np.float32)
    start = (-room.ctypes.data // 4) % 16
    return room[start : start + size]

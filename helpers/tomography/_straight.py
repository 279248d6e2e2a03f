"""Tilts about y alone: the weights are the same for every slice.

A pixel of one slice is a sum over voxels, a voxel a sum over pixels, and neither depends on the slice: the kernels
work on rows of `WIDTH` slices that lie side by side. Several rows are added at a time, so that the sum is loaded and
stored seldom; what limits them is one load of a row for every multiply-add.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..kernels import SAFE
from ._spans import LINE, SIDE, WIDTH, aligned, f4, span
from ._vectors import add_pairs, add_triples

_NEAR = 3  # voxels side by side that a pixel may need


@njit(fastmath=SAFE, forceinline=True)
def _find_nearest(start, fast, slow, i, at, weight):
    """For each line of a tile the first of three voxels in it that may be near u = i, and their weights."""
    inverse = 1.0 / fast
    begin = (i - start) * inverse - abs(inverse)
    for k in range(SIDE):
        m = min(max(np.floor(begin - slow * inverse * k) + 1.0, 0.0), SIDE - _NEAR + 0.0)
        away = start + slow * k + fast * m - i
        at[k] = (k * LINE + int(m)) * WIDTH
        weight[0, k] = max(f4(0.0), f4(1.0) - abs(f4(away)))
        weight[1, k] = max(f4(0.0), f4(1.0) - abs(f4(away + fast)))
        weight[2, k] = max(f4(0.0), f4(1.0) - abs(f4(away + fast * 2.0)))


@njit(fastmath=SAFE)
def project_tile(tile, start, fast, slow, n_fast, n_slow, image, first, count, column, total, at, weight):
    """image[i, column + j] += Σ over the tile's voxels (slow, fast, slice) of their share in pixel i × voxel.

    A pixel i takes from the voxels less than one pixel away from u = start + slow k + fast m. Along the axis on which
    u moves faster, by at least √½ a voxel, these are at most three in line; weights of others of the three are zero.
    """
    low = start + min(fast, 0.0) * (n_fast - 1) + min(slow, 0.0) * (n_slow - 1)
    high = start + max(fast, 0.0) * (n_fast - 1) + max(slow, 0.0) * (n_slow - 1)
    bend = min(fast, 0.0) * (n_fast - 1) - 1.0
    reach = abs(fast) * (n_fast - 1) + 2.0
    for i in range(max(1, math.floor(low)), min(image.shape[0] - 2, math.floor(high) + 1) + 1):
        total[:] = f4(0.0)
        _find_nearest(start, fast, slow, i, at, weight)
        # Lines that come near: −1 < i − start − slow k − (0 … fast (n − 1)) < 1.
        lo, hi = span(i - start - bend, -slow, reach, 0, n_slow) if abs(slow) > 1e-9 else (0, n_slow)
        add_triples(total, 0, tile, at, weight, lo, hi)
        for j in range(count):
            image[i, column + j] += total[first + j]


@njit(fastmath=SAFE)
def cut_strips(images, lines, tilts, y, ny):
    """Rows of the images over which slices y to y + WIDTH fall, one after another, zero beyond; two of zeros last."""
    nu, nv = images.shape[1:]
    strips = aligned((len(tilts) * nu + 2) * WIDTH)
    for n in range(len(tilts)):
        t = tilts[n]
        shift = y + int(lines[t, 7])
        lo = max(0, -shift)
        hi = min(ny, WIDTH, nv - shift)
        for i in range(nu):
            for j in range(lo, hi):
                strips[(n * nu + i) * WIDTH + j] = images[t, i, j + shift]
    return strips


@njit(fastmath=SAFE)
def back_project_tile(rows, strips, lines, tilts, seen, nu, x, nx, z, nz, margin, at, share):
    """rows[k, i] += Σ over the tilts of the strips, interpolated where voxel (x + i, z + k) falls.

    `seen` numbers the strips that the tile can fall on, `tilts` the tilt of each strip.
    """
    nothing = len(tilts) * nu * WIDTH  # the rows of zeros
    start, step = np.empty(len(seen)), np.empty(len(seen))
    for k in range(nz):
        for n in range(len(seen)):
            t = tilts[seen[n]]
            start[n] = lines[t, 3] + lines[t, 2] * (z + k) + lines[t, 0] * x
            step[n] = lines[t, 0]
        for i in range(nx):
            for n in range(len(seen)):
                u = start[n] + step[n] * i
                m = np.floor(u)
                inside = margin <= u < nu - 1 - margin
                at[n] = (seen[n] * nu + int(m)) * WIDTH if inside else nothing
                share[0, n] = f4(1.0) - f4(u - m)
                share[1, n] = f4(u - m)
            add_pairs(rows, (k * LINE + i) * WIDTH, strips, at, share, 0, len(seen))

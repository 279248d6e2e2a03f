"""Tilts about an axis near y: a row of voxels along y falls on a nearly straight, nearly unit-spaced line of pixels.

The line is cut into runs over which the pixel indices advance together with the voxels. Within a run a voxel's share
in its four pixels is bilinear in its place in the cell between them, (fu, fv):

    image here + fv × (next in v − here) + fu × (next in u − here) + fu fv × (what is left)

These four differences are taken once for a tile and lie side by side, so that a row of voxels needs four rows at the
same place, and projection adds to four such rows, which are differenced back afterwards.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ._spans import SAFE, SIDE, WIDTH, f4, one, reach, span

SLIP = 0.2  # most that a step along y may move u, or v beyond one pixel; shorter runs are not worth their overhead
TURN = 0.8  # most that a step along x and one along z together may move v
COLUMNS = 112  # cells in line: WIDTH + 1, and 15 × TURN + 63 × SLIP for what the rows of a tile are shifted
ROWS = 64  # cells across: 15 √2 + 63 × SLIP + 2 and some
_ROUNDING = 1e-6  # of a coordinate
_C1, _C2, _C3 = np.uint64(COLUMNS), np.uint64(2 * COLUMNS), np.uint64(3 * COLUMNS)


@njit
def corner(line, x, y, z, nu, nv):
    """First cell (i, m − j) that a tile at (x, y, z) may need, and how many rows and columns of those there are."""
    low, high = reach(line[:4], x, SIDE, y, WIDTH, z, SIDE)
    first = max(math.floor(low - _ROUNDING), 0)
    rows = min(math.floor(high + _ROUNDING) + 1, nu - 1) - first
    low, high = reach(line[4:], x, SIDE, y, 1, z, SIDE)
    slipped = (line[5] - 1.0) * (WIDTH - 1)
    shift = math.floor(low + min(slipped, 0.0) - _ROUNDING)
    columns = min(WIDTH + math.floor(high + max(slipped, 0.0) + _ROUNDING), nv - 1) - shift
    return first, shift, rows, columns


@njit(fastmath=SAFE)
def cut_cells(cells, image, first, shift, rows, columns):
    """Differences of the image in the cells of a tile."""
    lo = max(0, -shift)
    for r in range(rows):
        o = np.uint64(4 * COLUMNS * r)
        i = np.uint64(first + r)
        for c_ in range(lo, columns):
            c = np.uint64(c_)
            m = np.uint64(c_ + shift)
            here = image[i, m]
            across = image[i + one, m] - here
            along = image[i, m + one] - here
            cells[o + c] = here
            cells[o + _C1 + c] = along
            cells[o + _C2 + c] = across
            cells[o + _C3 + c] = image[i + one, m + one] - image[i + one, m] - along


@njit(fastmath=SAFE)
def fold_cells(cells, image, first, shift, rows, columns):
    """Add to the image what was gathered in the cells and empty them: the adjoint of `cut_cells`."""
    lo = max(0, -shift)
    for r in range(rows):
        o = np.uint64(4 * COLUMNS * r)
        i = np.uint64(first + r)
        # One loop for each shift of the target, for two that overlap cannot be taken as vectors.
        for c_ in range(lo, columns):
            c = np.uint64(c_)
            m = np.uint64(c_ + shift)
            both = cells[o + _C3 + c]
            image[i, m] += cells[o + c] - cells[o + _C1 + c] - (cells[o + _C2 + c] - both)
            image[i + one, m] += cells[o + _C2 + c] - both
        for c_ in range(lo, columns):
            c = np.uint64(c_)
            m = np.uint64(c_ + shift + 1)
            both = cells[o + _C3 + c]
            image[i, m] += cells[o + _C1 + c] - both
            image[i + one, m] += both
        cells[4 * COLUMNS * r : 4 * COLUMNS * (r + 1)] = f4(0.0)


@njit(forceinline=True)
def _run_end(start, slope, cell, j, hi):
    """End of the run from j on over which floor(start + slope j) stays at `cell`."""
    last = start + slope * (hi - 1)
    if cell <= last < cell + 1.0:
        return hi
    end = math.ceil((cell + 1.0 - start) / slope) if slope > 0 else math.floor((cell - start) / slope) + 1
    return min(hi, max(end, j + 1))


@njit(fastmath=SAFE, forceinline=True)
def _gather(rows, cells, at, place, lo, hi, whole, fu, gu, fv, gv, ramp):
    """rows[at + k] += the cells from `place` on, each at its (fu + gu k, fv + gv k), for lo ≤ k < hi."""
    o = np.uint64(at)
    p = np.uint64(place)
    if whole:  # what lies beyond is not used
        for k_ in range(WIDTH):
            k = np.uint64(k_)
            v = fv + gv * ramp[k]
            u = fu + gu * ramp[k]
            rows[o + k] += cells[p + k] + v * cells[p + _C1 + k] + u * (cells[p + _C2 + k] + v * cells[p + _C3 + k])
    else:
        for k_ in range(WIDTH):
            k = np.uint64(k_)
            v = fv + gv * ramp[k]
            u = fu + gu * ramp[k]
            add = cells[p + k] + v * cells[p + _C1 + k] + u * (cells[p + _C2 + k] + v * cells[p + _C3 + k])
            rows[o + k] += add if lo <= ramp[k] < hi else f4(0.0)


@njit(fastmath=SAFE, forceinline=True)
def _scatter(rows, cells, at, place, lo, hi, whole, fu, gu, fv, gv, ramp):
    """Add rows[at + k] to the cells: the adjoint of `_gather`."""
    o = np.uint64(at)
    p = np.uint64(place)
    if whole:  # what lies beyond is zero
        for k_ in range(WIDTH):
            k = np.uint64(k_)
            here = rows[o + k]
            along = (fv + gv * ramp[k]) * here
            u = fu + gu * ramp[k]
            cells[p + k] += here
            cells[p + _C1 + k] += along
            cells[p + _C2 + k] += u * here
            cells[p + _C3 + k] += u * along
    else:
        for k_ in range(WIDTH):
            k = np.uint64(k_)
            here = rows[o + k] if lo <= ramp[k] < hi else f4(0.0)
            along = (fv + gv * ramp[k]) * here
            u = fu + gu * ramp[k]
            cells[p + k] += here
            cells[p + _C1 + k] += along
            cells[p + _C2 + k] += u * here
            cells[p + _C3 + k] += u * along


@njit(fastmath=SAFE, forceinline=True)
def _find_whole(u, du, w, slip, step_u, step_w, first, shift, count, nu, nv, margin, places, shares):
    """For each row in line: its place in the cells if it is one run, else −1, and the shares at its start."""
    for i in range(SIDE):
        u0 = u + step_u * i
        w0 = w + step_w * i
        u1 = u0 + du * (count - 1)
        w1 = w0 + slip * (count - 1)
        a, m = np.floor(u0), np.floor(w0)
        one_run = a == np.floor(u1) and m == np.floor(w1)
        inside = min(u0, u1) >= margin and max(u0, u1) < nu - 1 - margin
        inside = inside and w0 >= margin and w1 + (count - 1) < nv - 1 - margin
        places[i] = 4 * COLUMNS * (int(a) - first) + int(m) - shift if one_run and inside else -1
        shares[0, i] = f4(u0 - a)
        shares[1, i] = f4(w0 - m)


@njit
def pass_tile(rows, cells, line, first, shift, x, nx, y, count, z, nz, nu, nv, margin, ramp, places, shares, forward):
    """Between the voxels of a tile and the cells of an image: projection with `forward`, else back-projection."""
    du, slip = line[1], line[5] - 1.0
    gu, gv = f4(du), f4(slip)
    for k in range(nz):
        u = line[3] + line[2] * (z + k) + line[0] * x + du * y
        w = line[7] + line[6] * (z + k) + line[4] * x + line[5] * y
        _find_whole(u, du, w, slip, line[0], line[4], first, shift, count, nu, nv, margin, places, shares)
        for i in range(nx):
            at = (k * SIDE + i) * WIDTH
            if places[i] >= 0:
                fu, fv = shares[0, i], shares[1, i]
                if forward:
                    _scatter(rows, cells, at, places[i], f4(0.0), f4(0.0), True, fu, gu, fv, gv, ramp)
                else:
                    _gather(rows, cells, at, places[i], f4(0.0), f4(0.0), True, fu, gu, fv, gv, ramp)
                continue
            u0 = u + line[0] * i
            w0 = w + line[4] * i
            lo, hi = span(u0 - margin, du, nu - 1 - 2.0 * margin, 0, count)
            lo, hi = span(w0 - margin, line[5], nv - 1 - 2.0 * margin, lo, hi)
            j = lo
            while j < hi:
                w_j = w0 + slip * j
                m = math.floor(w_j)
                a = min(max(math.floor(u0 + du * j), 0), nu - 2)
                end = _run_end(w0, slip, m, j, _run_end(u0, du, a, j, hi))
                m = min(max(m, -j), nv - 1 - end)
                place = 4 * COLUMNS * (a - first) + m - shift
                whole = j == 0 and end == count
                fu, fv, from_, to = f4(u0 - a), f4(w0 - m), f4(j), f4(end)
                if forward:
                    _scatter(rows, cells, at, place, from_, to, whole, fu, gu, fv, gv, ramp)
                else:
                    _gather(rows, cells, at, place, from_, to, whole, fu, gu, fv, gv, ramp)
                j = end

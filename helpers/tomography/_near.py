"""Tilts about an axis near y: a row of voxels along y falls on a nearly straight, nearly unit-spaced line of pixels.

Rows of a tile that begin in the same cell are taken together, so that the four sums (projection) or the four
differences (back-projection) of the cells stay in registers. A row that goes over into the next line of cells is taken
as if it stayed, and what that makes wrong from there on, which grows evenly, is mended. The few rows that begin or end
beyond the image, or slip in v, are cut into runs over which the pixel indices advance together with the voxels.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..kernels import SAFE
from ._cell_vectors import LANES, bend_rows, pass_rows
from ._cells import COLUMNS, MOST, ROWS, corner, cut_cells, fold_cells
from ._spans import LINE, SIDE, TILE, WIDTH, f4, span
from ._voxels import pass_row

_TWO, _THREE = np.uint64(2) * TILE, np.uint64(3) * TILE
_C1, _C2, _C3 = np.uint64(COLUMNS), np.uint64(2 * COLUMNS), np.uint64(3 * COLUMNS)
_ROUNDING = 1e-8  # of a coordinate


@njit
def near_room():
    """Allot once what a pass works in: of all rows, of all keys, shares."""
    return (
        np.zeros(3 * TILE, np.int64),
        np.zeros((2, TILE), np.int64),
        np.zeros(ROWS * MOST + 3, np.int64),
        np.zeros(4 * TILE, np.float32),
    )


@njit(forceinline=True)
def _run_end(start, slope, cell, j, hi):
    """End of the run from j on over which floor(start + slope j) stays at `cell`."""
    last = start + slope * (hi - 1)
    if cell <= last < cell + 1.0:
        return hi
    end = math.ceil((cell + 1.0 - start) / slope) if slope > 0 else math.floor((cell - start) / slope) + 1
    return min(hi, max(end, j + 1))


@njit(fastmath=SAFE)
def _pass_run(tile, at, cells, place, lo, hi, fu, gu, fv, gv, width, forward):
    """Between tile[at + k] and the cells from `place` on, at (fu + gu k, fv + gv k), for lo ≤ k < hi."""
    o = np.uint64(at)
    p = np.uint64(place)
    for k_ in range(width):
        k = np.uint64(k_)
        here = tile[o + k] if lo <= k_ < hi else f4(0.0)
        u, v = fu + gu * f4(k_), fv + gv * f4(k_)
        if forward:
            along = v * here
            cells[p + k] += here
            cells[p + _C1 + k] += along
            cells[p + _C2 + k] += u * here
            cells[p + _C3 + k] += u * along
        else:
            add = cells[p + k] + v * cells[p + _C1 + k] + u * (cells[p + _C2 + k] + v * cells[p + _C3 + k])
            tile[o + k] += add if lo <= k_ < hi else f4(0.0)


@njit
def _pass_odd(tile, cells, number, begin, line, first, shift, x, y, count, width, z, image, margin, forward):
    """Between one row, run by run, and the cells; voxel by voxel if it may be the rim."""
    k, i = number // LINE, number % LINE
    du, slip = line[1], line[5] - 1.0
    u = line[3] + line[2] * (z + k) + line[0] * (x + i) + du * y
    w = line[7] + line[6] * (z + k) + line[4] * (x + i) + line[5] * y
    if margin > 0.0 and abs(w - np.rint(w)) < _ROUNDING:
        pass_row(tile, number * WIDTH + begin, line, x + i, y, count, z + k, image, margin, forward)
        return
    j, hi = span(u - margin, du, image.shape[0] - 1 - 2.0 * margin, 0, count)
    while j < hi:
        a = min(max(math.floor(u + du * j), 0), image.shape[0] - 2)
        m = math.floor(w + slip * j)
        end = _run_end(w, slip, m, j, _run_end(u, du, a, j, hi))
        _pass_run(
            tile, number * WIDTH + begin, cells, 4 * COLUMNS * (a - first) + m - shift, j, end, f4(u - a), f4(du),
            f4(w - m), f4(slip), width, forward,
        )  # fmt: skip
        j = end


@njit(fastmath=SAFE, forceinline=True)
def _find_keys(u, du, w, slip, step_u, step_w, first, shift, many, margin, end, odd, found, shares, number):
    """For each row in line the number of the cell where it begins, or `odd`, or one more if it misses the image.

    Further the lower of the two cells between which it bends and whether it does, its shares where it begins, and how
    far it is beyond the next line of cells there.
    """
    rounding = _ROUNDING if margin > 0.0 else 0.0  # rows on pixels may be the rim: they are taken exactly
    down = 1.0 if du < 0.0 else 0.0
    lowest, highest = np.ceil(margin), np.floor(end) - 1.0
    most, least = max(du, 0.0), min(du, 0.0)
    for i in range(SIDE):
        u0 = u + step_u * i
        w0 = w + step_w * i
        a, m = np.floor(u0), np.floor(w0)
        fu, fv = u0 - a, w0 - m
        end_u, end_v = fu + du, fv + slip
        falls, rises = 1.0 if end_u < 0.0 else 0.0, 1.0 if end_u >= 1.0 else 0.0
        fine = (end_u >= -1.0) & (end_u < 2.0) & (end_v >= 0.0) & (end_v < 1.0)
        fine &= (fv >= rounding) & (fv <= 1.0 - rounding) & (a - falls >= lowest) & (a + rises <= highest)
        beyond = (u0 + most < margin) | (u0 + least >= end)
        key = (a - first) * many + (m - shift)
        n = np.uint64(number + i)
        found[n] = np.int64(key if fine else (odd + 1.0 if beyond else odd))
        found[n + TILE] = np.int64((a - first - down) * (4 * COLUMNS) + (m - shift))
        found[n + _TWO] = np.int64(falls + rises) if fine else 0
        shares[n] = f4(fu)
        shares[n + TILE] = f4(fv)
        shares[n + _TWO] = f4(fu) * f4(fv)
        shares[n + _THREE] = f4(-fu if du < 0.0 else fu - 1.0)


@njit
def _pass_rows(
    tile, begin, cells, line, first, shift, height, many, x, nx, y, count, width, z, nz, image, margin, room, forward
):
    """Between the voxels of a tile and the cells of an image: projection with `forward`, else back-projection.

    Of the rows of the tile, `count` slices from `begin` on are taken, in vectors `width` long.
    """
    found, lists, ends, shares = room
    order, bent = lists
    places = found[TILE:]
    du, slip = line[1], line[5] - 1.0
    gu, gv = f4(du), f4(slip)
    lanes = width // LANES
    odd = height * many
    ends[: odd + 3] = 0
    mended = np.uint64(0)
    for k in range(nz):
        u = line[3] + line[2] * (z + k) + line[0] * x + du * y
        w = line[7] + line[6] * (z + k) + line[4] * x + line[5] * y
        _find_keys(
            u, du * (count - 1), w, slip * (count - 1), line[0], line[4], first + 0.0, shift + 0.0, many + 0.0,
            margin, image.shape[0] - 1.0 - margin, odd + 0.0, found, shares, k * LINE,
        )  # fmt: skip
        for number in range(k * LINE, k * LINE + nx):
            here = np.uint64(number)
            ends[np.uint64(found[here] + 1)] += 1
            bent[mended] = number
            mended = np.uint64(mended + np.uint64(found[here + _TWO]))
    total = 0
    for key in range(odd + 3):
        total += ends[key]
        ends[key] = total
    for k in range(nz):
        for number in range(k * LINE, k * LINE + nx):
            mine = np.uint64(found[np.uint64(number)])
            order[np.uint64(ends[mine])] = number
            ends[mine] += 1
    lo = 0
    for a in range(height):
        for m in range(many):
            hi = ends[a * many + m]
            if hi > lo:
                pass_rows(forward, lanes, tile, begin, order, lo, hi, shares, cells, 4 * COLUMNS * a + m, gu, gv)
            lo = hi
    bend_rows(forward, lanes, tile, begin, bent, 0, np.int64(mended), shares, cells, places, abs(gu), gv)
    for n in range(lo, ends[odd]):
        _pass_odd(
            tile, cells, order[n], begin, line, first, shift, x, y, count, width, z, image, margin, forward
        )  # fmt: skip


@njit
def pass_tile(tile, cells, line, x, nx, y, count, z, nz, image, margin, room, forward):
    """Between the voxels of a tile and an image: projection with `forward`, else back-projection."""
    nu, nv = image.shape
    most = WIDTH
    while most > LANES and abs(line[1]) * (most - 1) >= 1.0:  # a row may go over into one more line of cells, not two
        most //= 2
    for begin in range(0, count, most):
        some = min(most, count - begin)
        width = (some + LANES - 1) // LANES * LANES
        first, shift, rows, many, low, high = corner(line, x, y + begin, width, z, nu, nv, math.ceil(margin))
        if rows <= 0 or high <= low:
            continue
        if not forward:
            cut_cells(cells, image, first, shift, rows, width + many - 1, low, high)
        _pass_rows(
            tile, begin, cells, line, first, shift, rows, many, x, nx, y + begin, some, width, z, nz, image, margin,
            room, forward,
        )  # fmt: skip
        if forward:
            fold_cells(cells, image, first, shift, rows, low, high)

"""The cells between the pixels of an image, over which a tile of the volume falls.

Within a cell, a voxel's share in the four pixels around it is bilinear in its place (fu, fv) there:

    image here + fv × (next in v − here) + fu × (next in u − here) + fu fv × (what is left)

These four differences are taken once for a tile and lie side by side, so that a row of voxels needs four rows at the
same place, and projection adds to four such rows, which are differenced back afterwards.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..kernels import SAFE
from ._spans import SIDE, WIDTH, f4, one, reach

SLIP = 0.2  # most that a step along y may move u, or v beyond one pixel; shorter runs are not worth their overhead
TURN = 0.8  # most that a step along x and one along z together may move v
COLUMNS = 112  # cells in line: WIDTH + 1, and 31 × TURN + 63 × SLIP for what the rows of a tile are shifted
ROWS = 64  # cells across: 31 √2 + 63 × SLIP + 2 and some
MOST = COLUMNS - WIDTH  # columns in which rows of a tile can begin
_ROUNDING = 1e-6  # of a coordinate
_C1, _C2, _C3 = np.uint64(COLUMNS), np.uint64(2 * COLUMNS), np.uint64(3 * COLUMNS)


@njit
def corner(line, x, y, width, z, nu, nv, rim):
    """First cell (i, m − j) that a tile at (x, y, z) may need, how many rows of them, columns and places to begin.

    The columns from `low` to `high` lie on the image, `rim` cells inside its border.
    """
    least, most = reach(line[:4], x, SIDE, y, width, z, SIDE)
    first = max(math.floor(least - _ROUNDING), 0)
    rows = min(math.floor(most + _ROUNDING) + 1, nu - 1) - first
    least, most = reach(line[4:], x, SIDE, y, 1, z, SIDE)
    slipped = (line[5] - 1.0) * (width - 1)
    shift = math.floor(least + min(slipped, 0.0) - _ROUNDING)
    many = math.floor(most + max(slipped, 0.0) + _ROUNDING) - shift + 1
    return first, shift, rows, many, max(0, rim - shift), min(width + many - 1, nv - 1 - rim - shift)


@njit(fastmath=SAFE)
def cut_cells(cells, image, first, shift, rows, wide, low, high):
    """Differences of the image in the cells of a tile, zero outside."""
    for r in range(rows):
        o = np.uint64(4 * COLUMNS * r)
        i = np.uint64(first + r)
        if low > 0 or high < wide:
            cells[4 * COLUMNS * r : 4 * COLUMNS * (r + 1)] = f4(0.0)
        for c_ in range(low, high):
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
def fold_cells(cells, image, first, shift, rows, low, high):
    """Add to the image what was gathered in the cells and empty them: the adjoint of `cut_cells`."""
    if high <= low:
        cells[: 4 * COLUMNS * rows] = f4(0.0)
        return
    for r in range(rows):
        o = 4 * COLUMNS * r
        # What is left of a column for the next one: nothing before the first, and the last leaves it beyond.
        for which in range(4):
            cells[o + which * COLUMNS + high] = f4(0.0)
            if low > 0:
                cells[o + which * COLUMNS + low - 1] = f4(0.0)
        for next_u in range(2):
            _fold_row(cells, np.uint64(o), image[first + r + next_u], shift, low, high, next_u)
        for c in range(4 * COLUMNS):
            cells[o + c] = f4(0.0)


@njit(fastmath=SAFE, forceinline=True)
def _fold_row(cells, o, line, shift, low, high, next_u):
    """Add to a row of the image what the cells on one side of it leave there."""
    if low == 0:
        both = cells[o + _C3]
        if next_u:
            line[shift] += cells[o + _C2] - both
        else:
            line[shift] += cells[o] - cells[o + _C1] - (cells[o + _C2] - both)
    for c_ in range(max(low, 1), high + 1):
        c = np.uint64(c_)
        m = np.uint64(c_ + shift)
        both = cells[o + _C3 + c]
        before = cells[o + _C3 + c - one]
        if next_u:
            line[m] += cells[o + _C2 + c] - both + before
        else:
            line[m] += (
                cells[o + c] - cells[o + _C1 + c] - (cells[o + _C2 + c] - both) + (cells[o + _C1 + c - one] - before)
            )

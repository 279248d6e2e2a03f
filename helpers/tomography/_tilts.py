"""What kind of tilt each is, and which ones a thread projects."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ._cells import SLIP, TURN

STRAIGHT, NEAR, ANY = 0, 1, 2  # kinds of tilt
_READ = 2.5  # times that a voxel could be added to an image while it is read


@njit
def kinds_of(lines):
    """Say of each tilt which way of the kernels it can take, the fastest first."""
    kinds = np.empty(len(lines), np.int64)
    for t in range(len(lines)):
        _, c1, _, _, c4, c5, c6, c7 = lines[t]
        if c1 == 0.0 and c4 == 0.0 and c6 == 0.0 and c5 == 1.0 and c7 == math.floor(c7):
            kinds[t] = STRAIGHT
        elif abs(c1) <= SLIP and abs(c5 - 1.0) <= SLIP and abs(c4) + abs(c6) <= TURN:
            kinds[t] = NEAR
        else:
            kinds[t] = ANY
    return kinds


@njit
def _from_flat_to_steep(lines):
    """Sort the tilts by how far the beam turns away from z; so few may each look for their place from the end."""
    order = np.empty(len(lines), np.int64)
    for t in range(len(lines)):
        n = t
        while n > 0 and abs(lines[order[n - 1], 2]) > abs(lines[t, 2]):
            order[n] = order[n - 1]
            n -= 1
        order[n] = t
    return order


@njit
def tilts_of(part, parts, lines, shape, nu):
    """Return the tilts of a part, all parts taking about as long.

    They are shared out from flat to steep, for only steep tilts see the far ends of a film, and every part reads all
    that its tilts see. A tilt takes as long as its rays are, and as they cross many tiles.
    """
    nx, _, nz = shape
    order = _from_flat_to_steep(lines)
    count = len(order)
    work, seen = np.zeros(count + 1), np.zeros(count + 1)
    for n in range(count):
        along, across = abs(lines[order[n], 0]) + 1e-9, abs(lines[order[n], 2]) + 1e-9
        length = min(nz / along, nx / across)
        work[n + 1] = work[n] + nu * length * (max(along, across) + along + across) / 2.0
        seen[n + 1] = _READ * nz * min(nx + 0.0, (nu + nz * across) / along)
    ends = np.arange(parts + 1) * count // parts
    for _ in range(3):  # what the parts read depends on their ends, and these on what they read
        each = work[count]
        for p in range(parts):
            each += seen[ends[p + 1]]
        each /= parts
        n, done = 0, 0.0
        for p in range(1, parts):
            done += max(each - seen[ends[p]], 0.0)
            while n < count and work[n] < done:
                n += 1
            ends[p] = n
    return order[ends[part] : ends[part + 1]]

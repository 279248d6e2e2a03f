"""Kernels of scattering: distances of all pairs, their sine transform, and atoms spread over lines and planes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share

_RUN = 2048  # distances that are computed before they are counted
_VALUES = 16  # values that are added up while a simple item would be done


def pair_distances(positions: NDArray[np.float64], per_length: float, bins: int, threads: int) -> NDArray[np.float64]:
    """Count (threads, bins) all distances between points (3, N); a pair is shared by the two nearest edges."""
    counts = np.zeros((threads, bins))
    share(_count_distances, threads, positions, per_length, counts)
    return counts


def sine_transform(q: NDArray[np.float64], r: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of weight · sin(q r) / (q r) over r, for each q: the Debye formula."""
    found = np.empty(len(q))
    share(_sine_transform, min(max(len(q), 1), parts_of(len(q) * len(r) // _VALUES)), q, r, weight, found)
    return found


def spread_along(
    positions: NDArray[np.float64], directions: NDArray[np.float64], per_length: float, cells: int
) -> NDArray[np.float64]:
    """Project points (3, N) on each direction (D, 3) and share them on a periodic line: (D, cells)."""
    lines = np.zeros((len(directions), cells))
    share(_spread_along, len(directions), positions, directions, per_length, lines)
    return lines


@kernel(inner=True)
def _distances(xs, ys, zs, x, y, z, per_length, far):
    """Distances from one point, in bins."""
    for k in range(len(xs)):
        dx, dy, dz = xs[k] - x, ys[k] - y, zs[k] - z
        far[k] = np.sqrt(dx * dx + dy * dy + dz * dz) * per_length


@kernel(inner=True)
def _divide(places, counts):
    """Share each place between the two whole numbers around it."""
    for k in range(len(places)):
        left = np.uint32(places[k])
        rest = places[k] - left
        counts[left] += 1 - rest
        counts[left + np.uint32(1)] += rest


@kernel
def _count_distances(part, parts, positions, per_length, counts):
    """Count the distances from the points of a part, every `parts`-th one, to all that follow them."""
    n = positions.shape[1]
    room = np.empty(_RUN)
    mine = np.zeros(counts.shape[1])  # apart from what other threads write
    for i in range(part, n, parts):
        x, y, z = positions[0, i], positions[1, i], positions[2, i]
        for a in range(i + 1, n, _RUN):
            b = min(a + _RUN, n)
            far = room[: b - a]
            _distances(positions[0, a:b], positions[1, a:b], positions[2, a:b], x, y, z, per_length, far)
            _divide(far, mine)
    for k in range(len(mine)):
        counts[part, k] = mine[k]


@kernel
def _sine_transform(part, parts, q, r, weight, found):
    """Sum for each q of a part."""
    for i in range(part, len(q), parts):
        total = 0.0
        for k in range(len(r)):
            x = q[i] * r[k]
            total += weight[k] * (np.sin(x) / x if x > 1e-4 else 1 - x * x / 6)
        found[i] = total


@kernel(inner=True)
def _spread_one(positions, direction, per_length, line):
    """Project points on one direction and share them on its line."""
    ex, ey, ez = direction[0] * per_length, direction[1] * per_length, direction[2] * per_length
    for i in range(positions.shape[1]):
        place = positions[0, i] * ex + positions[1, i] * ey + positions[2, i] * ez + 0.5 * len(line)
        left = np.uint32(place)
        rest = place - left
        line[left] += 1 - rest
        line[left + np.uint32(1)] += rest


@kernel
def _spread_along(part, parts, positions, directions, per_length, lines):
    """`_spread_one` along each direction of a part."""
    for d in range(part, len(directions), parts):
        _spread_one(positions, directions[d], per_length, lines[d])


@kernel
def spread_on_plane(places, phases, cells):
    """Spread points (N, 2), each with its complex weight, on a periodic grid (cells, cells) by cubic B-splines."""
    grid = np.zeros((cells, cells), np.complex128)
    across, along = np.empty(4), np.empty(4)
    for i in range(len(places)):
        x, y = int(np.floor(places[i, 0])), int(np.floor(places[i, 1]))
        _spline(places[i, 0] - x, across)
        _spline(places[i, 1] - y, along)
        for j in range(4):
            part = phases[i] * across[j]
            for k in range(4):
                grid[(x + j - 1) % cells, (y + k - 1) % cells] += part * along[k]
    return grid


@kernel(inner=True)
def _spline(rest, weights):
    """Weights of the four grid points around a place, of which the second lies `rest` before it."""
    left = 1 - rest
    weights[0] = left**3 / 6
    weights[1] = 2 / 3 - rest * rest + rest**3 / 2
    weights[2] = 2 / 3 - left * left + left**3 / 2
    weights[3] = rest**3 / 6

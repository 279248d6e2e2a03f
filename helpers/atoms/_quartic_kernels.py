"""Kernels of the published tracing: the walk of a quartic, fitted to the samples about a maximum, to its top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share
from ._tracing_kernels import ACCEPTED, NOT_CONVERGED, NOT_MAXIMUM, WANDERED
from ._upsampling_kernels import REACH, gather

_RADIUS2 = 12.25  # squared radius of the sphere that is fitted, in samples
_WIDTH2 = 9.0  # the weight of a residual is exp(−r²/9)
_CLIP = 0.5  # longest step along an axis
_TERMS = 35  # of a full quartic
_WORTH = 32  # a maximum takes as long as so many simple items


def walk_quartics(
    volume: NDArray[np.float32], taps: NDArray[np.float64], starts: NDArray[np.int64], needed: int, longest: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Let each maximum walk to that of a quartic that is weighted about where it stands.

    Returns offsets from the starts [samples] and flags; `needed` steps in a row must not be clipped, of `longest`.
    """
    offsets, flags = np.zeros((len(starts), 3)), np.zeros(len(starts), np.int64)
    across = (np.arange(7) - REACH)[:, None]
    left = _RADIUS2 - across**2 - across.T**2
    # samples of the sphere above and below each of its columns along z; −1 outside the sphere
    reach = np.where(left >= 0, np.sqrt(np.maximum(left, 0)), -1).astype(np.int64)
    orders = np.array([(i, j, k) for i in range(5) for j in range(5 - i) for k in range(5 - i - j)])
    powers = np.ones((7, 9))
    for c in range(1, 9):
        powers[:, c] = powers[:, c - 1] * across[:, 0] / REACH
    arguments = volume, taps, starts, needed, longest, powers, orders, reach, offsets, flags
    share(_walk, parts_of(_WORTH * len(starts)), *arguments)
    return offsets, flags


@kernel(inner=True)
def _moments(cube, place, powers, reach, weighted, moments, values):
    """Weighted sums of xᵃyᵇzᶜ (a + b + c ≤ 8) and of the cube times xᵃyᵇzᶜ (≤ 4) over the sphere, axis by axis."""
    for axis in range(3):
        for i in range(7):
            weighted[axis, i] = np.exp(-2 * (i - REACH - place[axis]) ** 2 / _WIDTH2)
    line = np.zeros((4, 9))
    for r in range(4):
        for i in range(REACH - r, REACH + r + 1):
            for c in range(9):
                line[r, c] += weighted[2, i] * powers[i, c]
    plane = np.empty((9, 9))
    strip = np.empty((5, 5))
    column = np.empty(5)
    moments[:] = 0.0
    values[:] = 0.0
    for i in range(7):
        plane[:] = 0.0
        strip[:] = 0.0
        for j in range(7):
            r = reach[i, j]
            if r < 0:
                continue
            column[:] = 0.0
            for k in range(REACH - r, REACH + r + 1):
                value = weighted[2, k] * cube[i, j, k]
                for c in range(5):
                    column[c] += value * powers[k, c]
            for b in range(9):
                factor = weighted[1, j] * powers[j, b]
                for c in range(9 - b):
                    plane[b, c] += factor * line[r, c]
                if b < 5:
                    for c in range(5 - b):
                        strip[b, c] += factor * column[c]
        for a in range(9):
            factor = weighted[0, i] * powers[i, a]
            for b in range(9 - a):
                for c in range(9 - a - b):
                    moments[a, b, c] += factor * plane[b, c]
            if a < 5:
                for b in range(5 - a):
                    for c in range(5 - a - b):
                        values[a, b, c] += factor * strip[b, c]


@kernel(inner=True)
def _solve_quartic(moments, values, orders, gram, coefficients):
    """Coefficients of the weighted least-squares quartic, by Cholesky."""
    for i in range(_TERMS):
        for j in range(i + 1):
            total = moments[orders[i, 0] + orders[j, 0], orders[i, 1] + orders[j, 1], orders[i, 2] + orders[j, 2]]
            for k in range(j):
                total -= gram[i, k] * gram[j, k]
            gram[i, j] = np.sqrt(total) if i == j else total / gram[j, j]
    for i in range(_TERMS):
        total = values[orders[i, 0], orders[i, 1], orders[i, 2]]
        for k in range(i):
            total -= gram[i, k] * coefficients[k]
        coefficients[i] = total / gram[i, i]
    for i in range(_TERMS - 1, -1, -1):
        total = coefficients[i]
        for k in range(i + 1, _TERMS):
            total -= gram[k, i] * coefficients[k]
        coefficients[i] = total / gram[i, i]


@kernel(inner=True)
def _newton_step(coefficients, orders, at, step):
    """Step from `at` to the stationary point of the quartic's second-order part there; return det(Hessian)."""
    g0 = g1 = g2 = 0.0
    xx = yy = zz = xy = xz = yz = 0.0
    x, y, z = at
    for n in range(_TERMS):
        i, j, k = orders[n]
        c = coefficients[n]
        px, py, pz = x**i, y**j, z**k
        dx = i * x ** (i - 1) if i > 0 else 0.0
        dy = j * y ** (j - 1) if j > 0 else 0.0
        dz = k * z ** (k - 1) if k > 0 else 0.0
        g0 += c * dx * py * pz
        g1 += c * px * dy * pz
        g2 += c * px * py * dz
        xx += c * i * (i - 1) * x ** (i - 2) * py * pz if i > 1 else 0.0
        yy += c * j * (j - 1) * y ** (j - 2) * px * pz if j > 1 else 0.0
        zz += c * k * (k - 1) * z ** (k - 2) * px * py if k > 1 else 0.0
        xy += c * dx * dy * pz
        xz += c * dx * dz * py
        yz += c * dy * dz * px
    det = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    if det != 0:
        step[0] = -((yy * zz - yz * yz) * g0 + (xz * yz - xy * zz) * g1 + (xy * yz - xz * yy) * g2) / det
        step[1] = -((xz * yz - xy * zz) * g0 + (xx * zz - xz * xz) * g1 + (xy * xz - xx * yz) * g2) / det
        step[2] = -((xy * yz - xz * yy) * g0 + (xy * xz - xx * yz) * g1 + (xx * yy - xy * xy) * g2) / det
    return det


@kernel
def _walk(part, parts, volume, taps, starts, needed, longest, powers, orders, reach, offsets, flags):
    """Let every maximum of a part walk; sets their rows of offsets and flags."""
    cube, along_x, along_xy = np.empty((7, 7, 7)), np.empty((7, 6, 6)), np.empty((7, 7, 6))
    base, weights, weighted = np.empty(4, np.int64), np.empty(4), np.empty((3, 7))
    moments, values = np.empty((9, 9, 9)), np.empty((5, 5, 5))
    gram, coefficients = np.empty((_TERMS, _TERMS)), np.empty(_TERMS)
    place, step = np.empty(3), np.empty(3)
    for n in range(part, len(starts), parts):
        gather(volume, taps, starts[n], cube, along_x, along_xy, base, weights)
        place[:] = 0.0
        unclipped = 0
        flag = NOT_CONVERGED
        for _ in range(longest):
            _moments(cube, place, powers, reach, weighted, moments, values)
            _solve_quartic(moments, values, orders, gram, coefficients)
            if _newton_step(coefficients, orders, place / REACH, step) >= 0:
                flag = NOT_MAXIMUM
                break
            clipped = False
            farthest = 0.0
            for axis in range(3):
                move = step[axis] * REACH
                if not abs(move) < _CLIP:
                    clipped = True
                    move = min(max(move, -_CLIP), _CLIP)
                place[axis] += move
                farthest = max(farthest, abs(place[axis]))
            if farthest > REACH:
                flag = WANDERED
                break
            unclipped = 0 if clipped else unclipped + 1
            if unclipped == needed:
                flag = ACCEPTED
                break
        flags[n] = flag
        for axis in range(3):
            offsets[n, axis] = place[axis]

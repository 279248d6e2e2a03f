"""Kernels of the published tracing: samples at thirds of a voxel, and the walk of a quartic to its top."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._tracing_kernels import ACCEPTED, NOT_CONVERGED, NOT_MAXIMUM, WANDERED

_UPSAMPLING = 3  # samples a voxel
_REACH = 3  # half the cube around a maximum, in samples
_RADIUS2 = 12.25  # squared radius of the sphere that is fitted, in samples
_WIDTH2 = 9.0  # the weight of a residual is exp(−r²/9)
_CLIP = 0.5  # longest step along an axis
_TERMS = 35  # of a full quartic
_CHUNK = 64


@njit(cache=True)
def _mirror(i, n):
    """Index i of an axis of n voxels, reflected at its first and last voxel."""
    i = -i if i < 0 else i
    i = 2 * (n - 1) - i if i >= n else i
    return min(max(i, 0), n - 1)


@njit(cache=True)
def _sample(taps, axis_n, u, base, weights):
    """Voxels and weights that give the sample u along an axis of n voxels; weight zero outside the samples."""
    inside = 2 <= u <= _UPSAMPLING * (axis_n - 1)  # the published grid starts at its third sample
    first = u // _UPSAMPLING
    phase = u - _UPSAMPLING * first
    for t in range(4):
        base[t] = _mirror(first - 1 + t, axis_n)
        weights[t] = taps[phase, t] if inside else 0.0


@njit(cache=True)
def _gather(volume, taps, centre, cube, along_x, along_xy, base, weights):
    """Upsample the cube of 7³ samples about a sample, axis by axis, from the voxels that it needs."""
    nx, ny, nz = volume.shape
    y0 = (centre[1] - _REACH) // _UPSAMPLING - 1
    z0 = (centre[2] - _REACH) // _UPSAMPLING - 1
    for a in range(7):
        _sample(taps, nx, centre[0] + a - _REACH, base, weights)
        for j in range(6):
            y = _mirror(y0 + j, ny)
            for k in range(6):
                z = _mirror(z0 + k, nz)
                value = 0.0
                for t in range(4):
                    value += weights[t] * volume[base[t], y, z]
                along_x[a, j, k] = value
    for b in range(7):
        u = centre[1] + b - _REACH
        _sample(taps, ny, u, base, weights)
        first = u // _UPSAMPLING - 1 - y0
        for a in range(7):
            for k in range(6):
                value = 0.0
                for t in range(4):
                    if weights[t] != 0.0:
                        value += weights[t] * along_x[a, first + t, k]
                along_xy[a, b, k] = value
    for c in range(7):
        u = centre[2] + c - _REACH
        _sample(taps, nz, u, base, weights)
        first = u // _UPSAMPLING - 1 - z0
        for a in range(7):
            for b in range(7):
                value = 0.0
                for t in range(4):
                    if weights[t] != 0.0:
                        value += weights[t] * along_xy[a, b, first + t]
                cube[a, b, c] = value


@njit(cache=True)
def _column_reach():
    """Count the samples of the sphere above and below each of its columns along z; −1 outside the sphere."""
    reach = np.full((7, 7), -1, np.int64)
    for a in range(7):
        for b in range(7):
            left = _RADIUS2 - (a - _REACH) ** 2 - (b - _REACH) ** 2
            if left >= 0:
                reach[a, b] = int(np.sqrt(left))
    return reach


@njit(cache=True)
def _quartic_orders():
    """(35, 3) powers of x, y and z of a full quartic."""
    orders = np.empty((_TERMS, 3), np.int64)
    n = 0
    for i in range(5):
        for j in range(5 - i):
            for k in range(5 - i - j):
                orders[n, 0], orders[n, 1], orders[n, 2] = i, j, k
                n += 1
    return orders


@njit(cache=True)
def _moments(cube, place, powers, reach, weighted, moments, values):
    """Weighted sums of xᵃyᵇzᶜ (a + b + c ≤ 8) and of the cube times xᵃyᵇzᶜ (≤ 4) over the sphere, axis by axis."""
    for axis in range(3):
        for i in range(7):
            weighted[axis, i] = np.exp(-2 * (i - _REACH - place[axis]) ** 2 / _WIDTH2)
    line = np.zeros((4, 9))
    for r in range(4):
        for i in range(_REACH - r, _REACH + r + 1):
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
            for k in range(_REACH - r, _REACH + r + 1):
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(parallel=True, cache=True)
def _walk_quartics(volume, taps, starts, needed, longest):
    """Let each maximum walk to that of a quartic that is weighted about where it stands.

    Returns offsets from the starts [samples], flags, and the number of steps.
    """
    count = len(starts)
    offsets = np.zeros((count, 3))
    flags = np.zeros(count, np.int64)
    orders = _quartic_orders()
    reach = _column_reach()
    powers = np.ones((7, 9))
    for i in range(7):
        for c in range(1, 9):
            powers[i, c] = powers[i, c - 1] * (i - _REACH) / _REACH
    for chunk in prange((count + _CHUNK - 1) // _CHUNK):
        cube, along_x, along_xy = np.empty((7, 7, 7)), np.empty((7, 6, 6)), np.empty((7, 7, 6))
        base, weights, weighted = np.empty(4, np.int64), np.empty(4), np.empty((3, 7))
        moments, values = np.empty((9, 9, 9)), np.empty((5, 5, 5))
        gram, coefficients = np.empty((_TERMS, _TERMS)), np.empty(_TERMS)
        place, step = np.empty(3), np.empty(3)
        for n in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, count)):
            _gather(volume, taps, starts[n], cube, along_x, along_xy, base, weights)
            place[:] = 0.0
            unclipped = 0
            flag = NOT_CONVERGED
            for _ in range(longest):
                _moments(cube, place, powers, reach, weighted, moments, values)
                _solve_quartic(moments, values, orders, gram, coefficients)
                if _newton_step(coefficients, orders, place / _REACH, step) >= 0:
                    flag = NOT_MAXIMUM
                    break
                clipped = False
                for axis in range(3):
                    move = step[axis] * _REACH
                    if not abs(move) < _CLIP:
                        clipped = True
                        move = min(max(move, -_CLIP), _CLIP)
                    place[axis] += move
                if np.abs(place).max() > _REACH:
                    flag = WANDERED
                    break
                unclipped = 0 if clipped else unclipped + 1
                if unclipped == needed:
                    flag = ACCEPTED
                    break
            flags[n] = flag
            offsets[n] = place
    return offsets, flags


@njit(cache=True)
def _upsampled_plane(coefficients, taps, u, plane, rows, base, weights):
    """One plane of samples across x, from the spline coefficients (or voxels) that it needs."""
    nx, ny, nz = coefficients.shape
    _sample(taps, nx, u, base, weights)
    for j in range(ny):
        for k in range(nz):
            value = 0.0
            for t in range(4):
                value += weights[t] * coefficients[base[t], j, k]
            rows[j, k] = value
    across = np.empty(nz)
    for v in range(plane.shape[0]):
        _sample(taps, ny, v, base, weights)
        for k in range(nz):
            across[k] = 0.0
            for t in range(4):
                across[k] += weights[t] * rows[base[t], k]
        _upsample_line(taps, across, plane[v], base, weights)


@njit(cache=True)
def _upsample_line(taps, across, line, base, weights):
    nz = len(across)
    for w in range(len(line)):
        _sample(taps, nz, w, base, weights)
        value = 0.0
        for t in range(4):
            value += weights[t] * across[base[t]]
        line[w] = value


@njit(cache=True)
def _find_upsampled_maxima(coefficients, taps, threshold):
    """Find samples above the threshold and their 6 neighbours, with three planes of samples in memory."""
    nx, ny, nz = coefficients.shape
    shape = (_UPSAMPLING * (ny - 1) + 1, _UPSAMPLING * (nz - 1) + 1)
    planes = np.zeros((3, shape[0], shape[1]))
    rows, base, weights = np.empty((ny, nz)), np.empty(4, np.int64), np.empty(4)
    found = []
    values = []
    count = _UPSAMPLING * (nx - 1) + 1
    for u in range(1, count + 1):
        if u < count:
            _upsampled_plane(coefficients, taps, u, planes[u % 3], rows, base, weights)
        else:
            planes[u % 3] = 0.0
        before, here, after = planes[(u - 2) % 3], planes[(u - 1) % 3], planes[u % 3]
        for v in range(shape[0]):
            for w in range(shape[1]):
                value = here[v, w]
                if not value > threshold or before[v, w] >= value or after[v, w] >= value:
                    continue
                if (v > 0 and here[v - 1, w] >= value) or (v + 1 < shape[0] and here[v + 1, w] >= value):
                    continue
                if (w > 0 and here[v, w - 1] >= value) or (w + 1 < shape[1] and here[v, w + 1] >= value):
                    continue
                found.append((u - 1, v, w))
                values.append(value)
    result = np.empty((len(found), 3), np.int64)
    for k in range(len(found)):
        result[k, 0], result[k, 1], result[k, 2] = found[k]
    return result, np.array(values, np.float64)

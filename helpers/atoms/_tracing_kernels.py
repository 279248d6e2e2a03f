"""Kernels of tracing: local maxima, the walk of a quartic to its maximum, and who is too near to whom."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_UPSAMPLING = 3  # samples a voxel
_REACH = 3  # half the cube around a maximum, in samples
_RADIUS2 = 12.25  # squared radius of the sphere that is fitted, in samples
_WIDTH2 = 9.0  # the weight of a residual is exp(−r²/9)
_CLIP = 0.5  # longest step along an axis
_TERMS = 35  # of a full quartic
_CHUNK = 64
_FARTHEST = 0.7  # from the voxel of a local maximum to that of its quadratic, along an axis

ACCEPTED, NOT_MAXIMUM, WANDERED, TOO_NEAR, NOT_CONVERGED, WEAK = 0, -1, -2, -3, -4, -5


@njit(cache=True)
def _find_maxima(volume, threshold, corners):
    """Voxels above the threshold and above their 6 (or, with corners, 26) neighbours; outside counts as zero.

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
                if corners and _beaten(volume, x, y, z, value):
                    continue
                found.append((x, y, z))
    result = np.empty((len(found), 3), np.int64)
    for k in range(len(found)):
        result[k, 0], result[k, 1], result[k, 2] = found[k]
    return result


@njit(cache=True)
def _beaten(volume, x, y, z, value):
    nx, ny, nz = volume.shape
    for i in range(max(x - 1, 0), min(x + 2, nx)):
        for j in range(max(y - 1, 0), min(y + 2, ny)):
            for k in range(max(z - 1, 0), min(z + 2, nz)):
                other = volume[i, j, k]
                first = (i, j, k) < (x, y, z)
                if other > value or (first and other == value):
                    return True
    return False


@njit(cache=True)
def _sample(volume, taps, axis_n, u, base, weights):
    """Voxels and weights that give the sample u along an axis of n voxels; weight zero outside the samples."""
    inside = 2 <= u <= _UPSAMPLING * (axis_n - 1)  # the published grid starts at its third sample
    first = u // _UPSAMPLING
    phase = u - _UPSAMPLING * first
    for t in range(4):
        i = first - 1 + t
        if i < 0:
            i = -i
        if i >= axis_n:
            i = 2 * (axis_n - 1) - i
        base[t] = min(max(i, 0), axis_n - 1)
        weights[t] = taps[phase, t] if inside else 0.0


@njit(cache=True)
def _gather(volume, taps, centre, cube, along_x, along_xy, base, weights):
    """Upsample the cube of 7³ samples about a sample, axis by axis, from the voxels that it needs."""
    nx, ny, nz = volume.shape
    y0 = (centre[1] - _REACH) // _UPSAMPLING - 1
    z0 = (centre[2] - _REACH) // _UPSAMPLING - 1
    for a in range(7):
        _sample(volume, taps, nx, centre[0] + a - _REACH, base, weights)
        for j in range(6):
            y = y0 + j
            y = -y if y < 0 else y
            y = 2 * (ny - 1) - y if y >= ny else y
            y = min(max(y, 0), ny - 1)
            for k in range(6):
                z = z0 + k
                z = -z if z < 0 else z
                z = 2 * (nz - 1) - z if z >= nz else z
                z = min(max(z, 0), nz - 1)
                value = 0.0
                for t in range(4):
                    value += weights[t] * volume[base[t], y, z]
                along_x[a, j, k] = value
    for b in range(7):
        u = centre[1] + b - _REACH
        _sample(volume, taps, ny, u, base, weights)
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
        _sample(volume, taps, nz, u, base, weights)
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
    """(35, 3) powers of x, y and z of a full quartic, and the place of each in a cube of powers."""
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
    _sample(coefficients, taps, nx, u, base, weights)
    for j in range(ny):
        for k in range(nz):
            value = 0.0
            for t in range(4):
                value += weights[t] * coefficients[base[t], j, k]
            rows[j, k] = value
    across = np.empty(nz)
    for v in range(plane.shape[0]):
        _sample(coefficients, taps, ny, v, base, weights)
        for k in range(nz):
            across[k] = 0.0
            for t in range(4):
                across[k] += weights[t] * rows[base[t], k]
        _upsample_line(coefficients, taps, across, plane[v], base, weights)


@njit(cache=True)
def _upsample_line(coefficients, taps, across, line, base, weights):
    nz = coefficients.shape[2]
    for w in range(len(line)):
        _sample(coefficients, taps, nz, w, base, weights)
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

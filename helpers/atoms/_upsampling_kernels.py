"""Kernels that sample a volume at thirds of a voxel: about one sample, or all of it while looking for maxima."""

from __future__ import annotations

import numpy as np

from ..kernels import kernel

UPSAMPLING = 3  # samples a voxel
REACH = 3  # half the cube around a maximum, in samples


@kernel(inner=True)
def _mirror(i, n):
    """Index i of an axis of n voxels, reflected at its first and last voxel."""
    i = -i if i < 0 else i
    i = 2 * (n - 1) - i if i >= n else i
    return min(max(i, 0), n - 1)


@kernel(inner=True)
def _sample(taps, axis_n, u, base, weights):
    """Voxels and weights that give the sample u along an axis of n voxels; weight zero outside the samples."""
    inside = 2 <= u <= UPSAMPLING * (axis_n - 1)  # the published grid starts at its third sample
    first = u // UPSAMPLING
    phase = u - UPSAMPLING * first
    for t in range(4):
        base[t] = _mirror(first - 1 + t, axis_n)
        weights[t] = taps[phase, t] if inside else 0.0


@kernel(inner=True)
def gather(volume, taps, centre, cube, along_x, along_xy, base, weights):
    """Upsample the cube of 7³ samples about a sample, axis by axis, from the voxels that it needs."""
    nx, ny, nz = volume.shape
    y0 = (centre[1] - REACH) // UPSAMPLING - 1
    z0 = (centre[2] - REACH) // UPSAMPLING - 1
    for a in range(7):
        _sample(taps, nx, centre[0] + a - REACH, base, weights)
        for j in range(6):
            y = _mirror(y0 + j, ny)
            for k in range(6):
                z = _mirror(z0 + k, nz)
                value = 0.0
                for t in range(4):
                    value += weights[t] * volume[base[t], y, z]
                along_x[a, j, k] = value
    for b in range(7):
        u = centre[1] + b - REACH
        _sample(taps, ny, u, base, weights)
        first = u // UPSAMPLING - 1 - y0
        for a in range(7):
            for k in range(6):
                value = 0.0
                for t in range(4):
                    if weights[t] != 0.0:
                        value += weights[t] * along_x[a, first + t, k]
                along_xy[a, b, k] = value
    for c in range(7):
        u = centre[2] + c - REACH
        _sample(taps, nz, u, base, weights)
        first = u // UPSAMPLING - 1 - z0
        for a in range(7):
            for b in range(7):
                value = 0.0
                for t in range(4):
                    if weights[t] != 0.0:
                        value += weights[t] * along_xy[a, b, first + t]
                cube[a, b, c] = value


@kernel(inner=True)
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


@kernel(inner=True)
def _upsample_line(taps, across, line, base, weights):
    nz = len(across)
    for w in range(len(line)):
        _sample(taps, nz, w, base, weights)
        value = 0.0
        for t in range(4):
            value += weights[t] * across[base[t]]
        line[w] = value


@kernel
def find_upsampled_maxima(coefficients, taps, threshold):
    """Find samples above the threshold and their 6 neighbours, with three planes of samples in memory."""
    nx, ny, nz = coefficients.shape
    shape = (UPSAMPLING * (ny - 1) + 1, UPSAMPLING * (nz - 1) + 1)
    planes = np.zeros((3, shape[0], shape[1]))
    rows, base, weights = np.empty((ny, nz)), np.empty(4, np.int64), np.empty(4)
    found = []
    values = []
    count = UPSAMPLING * (nx - 1) + 1
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

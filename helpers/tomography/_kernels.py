"""The kernels of projection, back-projection and reconstruction.

Inside, volumes are (z, x, y) and images (tilt, x, y), so that y, the tilt axis, is contiguous. A row of
voxels along y falls on a nearly straight, nearly unit-spaced line of pixels, because the tilt axis is
nearly y: the line is cut into runs over which the pixel indices advance together with the voxels. Within a
run the four pixels of every voxel are four shifted rows, which the compiler turns into vector
instructions. Tilts about quite another axis are treated voxel by voxel. Both give the same sums, and
forward and back-projection use the same weights, so that they are adjoint.

Images carry a border of one pixel of zeros: a voxel between the outermost pixel and the border counts in part.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

# Everything but "no NaN" and "no infinity": a NaN must stay one.
SAFE = {"contract", "nsz", "arcp", "reassoc"}
STEEP = 0.2  # runs shorter than about five voxels are not worth their overhead
f4 = np.float32
_ONE = np.uint64(1)


@njit(inline="always")
def _span(start, slope, stop, lo, hi):
    """Part of lo ≤ j < hi where 0 ≤ start + slope j < stop."""
    first = start + slope * lo
    last = start + slope * (hi - 1)
    if 0.0 <= first < stop and 0.0 <= last < stop:
        return lo, hi
    if slope > 1e-9:
        return max(lo, math.ceil(-start / slope)), min(hi, math.ceil((stop - start) / slope))
    if slope < -1e-9:
        return max(lo, math.floor((stop - start) / slope) + 1), min(hi, math.floor(-start / slope) + 1)
    return lo, lo


@njit(inline="always")
def _run_end(start, slope, cell, j, hi):
    """End of the run from j on over which floor(start + slope j) stays at `cell`."""
    last = start + slope * (hi - 1)
    if cell <= last < cell + 1.0:
        return hi
    end = math.ceil((cell + 1.0 - start) / slope) if slope > 0 else math.floor((cell - start) / slope) + 1
    return min(hi, max(end, j + 1))


@njit(inline="always")
def _straight(lines, t):
    """Whether rows of voxels fall on rows of pixels, voxel for pixel: tilt about y alone, no shift between pixels."""
    return (
        lines[t, 1] == 0.0
        and lines[t, 4] == 0.0
        and lines[t, 5] == 1.0
        and lines[t, 6] == 0.0
        and lines[t, 7] == math.floor(lines[t, 7])
    )


@njit(inline="always", fastmath=SAFE)
def _gather_straight(row, images, t, u0, v0, lo, hi):
    """`_gather` where a whole row lies between two rows of pixels."""
    i = math.floor(u0)
    fu = f4(u0 - i)
    t_ = np.uint64(t)
    i0 = np.uint64(i)
    i1 = i0 + _ONE
    j0 = np.uint64(lo)
    m0 = np.uint64(lo + v0)
    for k_ in range(hi - lo):
        k = np.uint64(k_)
        a = images[t_, i0, m0 + k]
        row[j0 + k] += a + fu * (images[t_, i1, m0 + k] - a)


@njit(inline="always", fastmath=SAFE)
def _scatter_straight(row, images, t, u0, v0, lo, hi):
    """`_scatter` where a whole row lies between two rows of pixels."""
    i = math.floor(u0)
    fu = f4(u0 - i)
    t_ = np.uint64(t)
    i0 = np.uint64(i)
    i1 = i0 + _ONE
    j0 = np.uint64(lo)
    m0 = np.uint64(lo + v0)
    for k_ in range(hi - lo):
        k = np.uint64(k_)
        b = fu * row[j0 + k]
        images[t_, i0, m0 + k] += row[j0 + k] - b
        images[t_, i1, m0 + k] += b


@njit(inline="always", fastmath=SAFE)
def _gather(row, images, t, u0, du, v0, dv, ramp, margin):
    """row[j] += image t, interpolated bilinearly at (u0 + du j, v0 + dv j)."""
    nu = images.shape[1] - 1
    nv = images.shape[2] - 1
    lo, hi = _span(u0 - margin, du, nu - 2.0 * margin, 0, row.shape[0])
    lo, hi = _span(v0 - margin, dv, nv - 2.0 * margin, lo, hi)
    slip = dv - 1.0
    steep = abs(du) > STEEP or abs(slip) > STEEP
    t_ = np.uint64(t)
    j = lo
    while j < hi:
        u = u0 + du * j
        i = min(max(math.floor(u), 0), nu - 1)
        if steep:
            v = v0 + dv * j
            m = min(max(math.floor(v), 0), nv - 1)
            fu = f4(u - i)
            fv = f4(v - m)
            a = images[t, i, m] + fv * (images[t, i, m + 1] - images[t, i, m])
            b = images[t, i + 1, m] + fv * (images[t, i + 1, m + 1] - images[t, i + 1, m])
            row[j] += a + fu * (b - a)
            j += 1
            continue
        w = v0 + slip * j
        shift = math.floor(w)
        end = _run_end(v0, slip, shift, j, _run_end(u0, du, i, j, hi))
        shift = min(max(shift, -j), nv - end)
        fu = f4(u - i)
        fv = f4(w - shift)
        i0 = np.uint64(i)
        i1 = i0 + _ONE
        j0 = np.uint64(j)
        m0 = np.uint64(j + shift)
        if du == 0.0 and slip == 0.0 and fv == f4(0.0):
            for k_ in range(end - j):
                k = np.uint64(k_)
                a = images[t_, i0, m0 + k]
                row[j0 + k] += a + fu * (images[t_, i1, m0 + k] - a)
        else:
            gu = f4(du)
            gv = f4(slip)
            for k_ in range(end - j):
                k = np.uint64(k_)
                s = ramp[k]
                pv = fv + gv * s
                a = images[t_, i0, m0 + k]
                b = images[t_, i1, m0 + k]
                a += pv * (images[t_, i0, m0 + k + _ONE] - a)
                b += pv * (images[t_, i1, m0 + k + _ONE] - b)
                row[j0 + k] += a + (fu + gu * s) * (b - a)
        j = end


@njit(inline="always", fastmath=SAFE)
def _scatter(row, images, t, u0, du, v0, dv, ramp):
    """Add row[j] to the four pixels around (u0 + du j, v0 + dv j) of image t: the adjoint of `_gather`."""
    nu = images.shape[1] - 1
    nv = images.shape[2] - 1
    lo, hi = _span(u0, du, nu, 0, row.shape[0])
    lo, hi = _span(v0, dv, nv, lo, hi)
    slip = dv - 1.0
    steep = abs(du) > STEEP or abs(slip) > STEEP
    t_ = np.uint64(t)
    j = lo
    while j < hi:
        u = u0 + du * j
        i = min(max(math.floor(u), 0), nu - 1)
        if steep:
            v = v0 + dv * j
            m = min(max(math.floor(v), 0), nv - 1)
            fu = f4(u - i)
            fv = f4(v - m)
            b = fu * row[j]
            a = row[j] - b
            images[t, i, m] += a - fv * a
            images[t, i, m + 1] += fv * a
            images[t, i + 1, m] += b - fv * b
            images[t, i + 1, m + 1] += fv * b
            j += 1
            continue
        w = v0 + slip * j
        shift = math.floor(w)
        end = _run_end(v0, slip, shift, j, _run_end(u0, du, i, j, hi))
        shift = min(max(shift, -j), nv - end)
        fu = f4(u - i)
        fv = f4(w - shift)
        i0 = np.uint64(i)
        i1 = i0 + _ONE
        j0 = np.uint64(j)
        m0 = np.uint64(j + shift)
        n = end - j
        if du == 0.0 and slip == 0.0 and fv == f4(0.0):
            for k_ in range(n):
                k = np.uint64(k_)
                b = fu * row[j0 + k]
                images[t_, i0, m0 + k] += row[j0 + k] - b
                images[t_, i1, m0 + k] += b
        else:
            # A pixel takes (1 − fv) of the voxel at its own place in the run and fv of the one before.
            gu = f4(du)
            gv = f4(slip)
            a = row[j] - fv * row[j]
            images[t_, i0, m0] += a - fu * a
            images[t_, i1, m0] += fu * a
            for k_ in range(n - 1):
                k = np.uint64(k_)
                s = ramp[k]
                before = row[j0 + k] * (fv + gv * s)
                here = row[j0 + k + _ONE]
                here -= here * (fv + gv * (s + f4(1.0)))
                b = before * (fu + gu * s) + here * (fu + gu * (s + f4(1.0)))
                images[t_, i0, m0 + k + _ONE] += before + here - b
                images[t_, i1, m0 + k + _ONE] += b
            a = row[end - 1] * (fv + gv * f4(n - 1))
            b = a * (fu + gu * f4(n - 1))
            images[t_, i0, m0 + np.uint64(n)] += a - b
            images[t_, i1, m0 + np.uint64(n)] += b
        j = end


@njit(inline="always")
def _rows_hit(lines, t, z, nx, ny, nu):
    """Range of x for which some voxel (x, ·, z) can fall on image t."""
    extent = lines[t, 1] * (ny - 1)
    start = lines[t, 3] + lines[t, 2] * z + max(extent, 0.0)
    return _span(start, lines[t, 0], nu + abs(extent), 0, nx)


@njit
def _straight_rows(lines, ny, nv):
    """Part of y that falls on each image where rows fall on rows (the border adds nothing); −1 for the other tilts."""
    first = np.full(lines.shape[0], -1)
    last = np.full(lines.shape[0], -1)
    for t in range(lines.shape[0]):
        if _straight(lines, t):
            first[t], last[t] = _span(lines[t, 7], 1.0, nv, 0, ny)
    return first, last


@njit(parallel=True, cache=True, fastmath=SAFE)
def _project(volume, lines, images, groups):
    """images[t] = Σ over voxels of the bilinear weights × volume; a thread owns whole images."""
    nz, nx, ny = volume.shape
    nt, nu, nv = images.shape
    ramp = np.arange(max(ny, 1)).astype(np.float32)
    for g in prange(groups):
        lo = np.zeros(nt, np.int64)
        hi = np.zeros(nt, np.int64)
        first_y, last_y = _straight_rows(lines, ny, nv - 1)
        for t in range(g, nt, groups):
            images[t] = f4(0.0)
        for z in range(nz):
            first = nx
            last = 0
            for t in range(g, nt, groups):
                lo[t], hi[t] = _rows_hit(lines, t, z, nx, ny, nu - 1)
                first = min(first, lo[t])
                last = max(last, hi[t])
            for x in range(first, last):
                row = volume[z, x]
                for t in range(g, nt, groups):
                    if lo[t] <= x < hi[t]:
                        u0 = lines[t, 3] + lines[t, 2] * z + lines[t, 0] * x
                        if first_y[t] >= 0:
                            if 0.0 <= u0 < nu - 1:
                                _scatter_straight(row, images, t, u0, int(lines[t, 7]), first_y[t], last_y[t])
                            continue
                        v0 = lines[t, 7] + lines[t, 6] * z + lines[t, 4] * x
                        _scatter(row, images, t, u0, lines[t, 1], v0, lines[t, 5], ramp)
        # What fell on the border is outside the image.
        for t in range(g, nt, groups):
            images[t, 0] = f4(0.0)
            images[t, nu - 1] = f4(0.0)
            images[t, :, 0] = f4(0.0)
            images[t, :, nv - 1] = f4(0.0)


@njit(inline="always")
def _gather_tilts(row, images, lines, lo, hi, first_y, last_y, z, x, ramp, margin):
    """row[:] = Σ over the tilts that can hit row (z, x)."""
    row[:] = f4(0.0)
    for t in range(images.shape[0]):
        if lo[t] <= x < hi[t]:
            u0 = lines[t, 3] + lines[t, 2] * z + lines[t, 0] * x
            if first_y[t] >= 0:
                if margin <= u0 < images.shape[1] - 1 - margin:
                    _gather_straight(row, images, t, u0, int(lines[t, 7]), first_y[t], last_y[t])
                continue
            v0 = lines[t, 7] + lines[t, 6] * z + lines[t, 4] * x
            _gather(row, images, t, u0, lines[t, 1], v0, lines[t, 5], ramp, margin)


@njit(parallel=True, cache=True, fastmath=SAFE)
def _back_project(images, lines, volume):
    """Volume = Σ over tilts of image t at the place of each voxel; a thread owns whole planes z."""
    nz, nx, ny = volume.shape
    nt, nu, nv = images.shape
    ramp = np.arange(ny).astype(np.float32)
    first_y, last_y = _straight_rows(lines, ny, nv - 1)
    for z in prange(nz):
        lo = np.empty(nt, np.int64)
        hi = np.empty(nt, np.int64)
        for t in range(nt):
            lo[t], hi[t] = _rows_hit(lines, t, z, nx, ny, nu - 1)
        for x in range(nx):
            _gather_tilts(volume[z, x], images, lines, lo, hi, first_y, last_y, z, x, ramp, 0.0)


@njit(parallel=True, cache=True, fastmath=SAFE)
def _descend(residuals, lines, x, w, z, step, a, b, c, positive, margin):
    """One step of the optimised gradient method, in place: x ← max(0, z).

    w = x − step Aᵀ residuals, z = w + a (w − w_before) + b (w − x) + c (z_before − x). With a = b = c = 0
    this is plain gradient descent, and w and z may be empty.
    """
    nz, nx, ny = x.shape
    nt, nu, nv = residuals.shape
    ramp = np.arange(ny).astype(np.float32)
    first_y, last_y = _straight_rows(lines, ny, nv - 1)
    keep = w.size > 0
    step, a, b, c = f4(step), f4(a), f4(b), f4(c)
    for k in prange(nz):
        row = np.empty(ny, np.float32)
        lo = np.empty(nt, np.int64)
        hi = np.empty(nt, np.int64)
        for t in range(nt):
            lo[t], hi[t] = _rows_hit(lines, t, k, nx, ny, nu - 1)
        for i in range(nx):
            _gather_tilts(row, residuals, lines, lo, hi, first_y, last_y, k, i, ramp, margin)
            for j in range(ny):
                here = x[k, i, j]
                down = here - step * row[j]
                new = down
                if keep:
                    new += a * (down - w[k, i, j]) + b * (down - here) + c * (z[k, i, j] - here)
                    w[k, i, j] = down
                    z[k, i, j] = new
                if positive and new < f4(0.0):
                    new = f4(0.0)
                x[k, i, j] = new

"""The kernels of projection, back-projection and reconstruction.

Inside, volumes are (z, x, y) and images (tilt, x, y), so that y, the tilt axis, is contiguous. The volume is taken in
tiles of `SIDE` × `SIDE` rows of `WIDTH` slices, small enough that a tile and the part of an image on which it falls
stay in the nearest caches while all tilts are gone through. There are three kinds of tilt: about y alone, where all
slices have the same weights (`_straight`); about an axis near y (`_near`); and any other, voxel by voxel. All give
the same sums, and forward and back-projection use the same weights, so that they are adjoint.

Images carry a border of one pixel of zeros: a voxel between the outermost pixel and the border counts in part.
Threads share a projection by tilts and a back-projection by tiles, so that no two add to the same sum, and the sums do
not depend on how many threads there are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..kernels import SAFE, kernel
from ._cells import COLUMNS, ROWS
from ._near import near_room, pass_tile
from ._spans import LINE, SIDE, WIDTH, aligned, f4, reach
from ._straight import back_project_tile, cut_strips, project_tile
from ._tickets import draw
from ._tilts import NEAR, STRAIGHT, kinds_of, tilts_of
from ._turned import cut_turned, put_turned
from ._voxels import pass_voxels

# Kernels would be compiled for each literal by itself.
BACK, FORWARD = np.int64(0), np.int64(1)  # way of a pass
NEXT, FAR = np.int64(WIDTH), np.int64(LINE * WIDTH)  # from a row of a tile to the next in its line, and to a line


@njit
def _sees(line, x, y, z, nu):
    """Whether a voxel of the tile at (x, y, z) can fall on the image."""
    low, high = reach(line, x, SIDE, y, WIDTH, z, SIDE)
    return high > 0.0 and low < nu - 1


@njit
def _cut_tile(volume, width, height, x, nx, y, count, z, nz, tile, across, along):
    """tile[i × across + k × along + slice] = volume[z + k, x + i, y + slice] for i < nx and k < nz."""
    for k in range(nz):
        for i in range(nx):
            o = np.uint64(k * along + i * across)
            p = np.uint64(((z + k) * width + x + i) * height + y)
            for j_ in range(count):
                j = np.uint64(j_)
                tile[o + j] = volume[p + j]


@njit
def _cut(volume, is_turned, nx, ny, nz, x, wide, y, count, z, deep, tile, across, along):
    """Copy a tile of the volume, which lies in memory as (z, x, y) or (x, y, z); beyond the volume it is zero."""
    if wide < SIDE or deep < SIDE:
        tile[:] = f4(0.0)
    if is_turned:
        _cut_tile(volume, nx, ny, x, wide, y, count, z, deep, tile, across, along)
    else:
        cut_turned(volume, ny, nz, x, wide, y, count, z, deep, tile, across, along)


@njit
def _turn_tile(tile, turned):
    """(z, x, slice) to (x, z, slice)."""
    for k in range(SIDE):
        for i in range(SIDE):
            o = np.uint64((k * LINE + i) * WIDTH)
            p = np.uint64((i * LINE + k) * WIDTH)
            for j_ in range(WIDTH):
                j = np.uint64(j_)
                turned[p + j] = tile[o + j]


@njit(fastmath=SAFE)
def _is_finite(numbers, begin, end):
    """Whether none of some numbers is infinite or NaN, which zero times them shows."""
    total = f4(0.0)
    for n in range(begin, end):
        total += f4(0.0) * numbers[np.uint64(n)]
    return total == f4(0.0)


@njit
def _cut_border(images, t, inside):
    """Set the border to zero, for what fell on it is outside the image; copy the rest where it is wanted without."""
    nu, nv = images.shape[1:]
    images[t, 0] = f4(0.0)
    images[t, nu - 1] = f4(0.0)
    images[t, :, 0] = f4(0.0)
    images[t, :, nv - 1] = f4(0.0)
    if len(inside) > 0:
        for i in range(nu - 2):
            for j in range(nv - 2):
                inside[t, i, j] = images[t, i + 1, j + 1]


@kernel(nogil=True, fastmath=SAFE)
def _project(part, parts, volume, shape, lines, images, inside, is_turned, finite):
    """images[t] = Σ over voxels of the bilinear weights × volume, for a part of the tilts.

    The volume, of `shape` (x, y, z), lies in memory as (z, x, y) or not. Where `inside` is not empty, it receives the
    images without their border; where `finite` is not, whether a part of the volume has neither NaN nor infinity.
    """
    nx, ny, nz = shape
    nu, nv = images.shape[1:]
    kinds = kinds_of(lines)
    mine = tilts_of(part, parts, lines, shape, nu)
    if len(finite) > 0:
        finite[part] = _is_finite(volume, len(volume) * part // parts, len(volume) * (part + 1) // parts)
    tile = aligned(SIDE * LINE * WIDTH)
    turned = aligned(SIDE * LINE * WIDTH)
    total = aligned(WIDTH)
    cells = aligned(4 * ROWS * COLUMNS)
    at = np.zeros(SIDE, np.int64)
    weight = np.zeros((3, SIDE), np.float32)
    near = near_room()
    for t in mine:
        images[t] = f4(0.0)
    for y in range(0, ny, WIDTH):
        count = min(WIDTH, ny - y)
        tile[:] = f4(0.0)
        turned[:] = f4(0.0)
        for z in range(0, nz, SIDE):
            for x in range(0, nx, SIDE):
                wide, deep = min(SIDE, nx - x), min(SIDE, nz - z)
                cut = turn = False
                for t in mine:
                    line = lines[t]
                    if not _sees(line, x, y, z, nu):
                        continue
                    steep = kinds[t] == STRAIGHT and abs(line[0]) < abs(line[2])
                    if steep and not turn:
                        if cut:
                            _turn_tile(tile, turned)
                        else:
                            _cut(volume, is_turned, nx, ny, nz, x, wide, y, count, z, deep, turned, FAR, NEXT)
                        turn = True
                    elif not steep and not cut:
                        _cut(volume, is_turned, nx, ny, nz, x, wide, y, count, z, deep, tile, NEXT, FAR)
                        cut = True
                    if kinds[t] == STRAIGHT:
                        shift = y + int(line[7])
                        first = max(0, 1 - shift)
                        last = min(count, nv - 1 - shift)
                        start = line[3] + line[0] * x + line[2] * z
                        to = images[t]
                        if steep:
                            project_tile(
                                turned, start, line[2], line[0], deep, wide, to, first, last - first, shift + first,
                                total, at, weight,
                            )  # fmt: skip
                        else:
                            project_tile(
                                tile, start, line[0], line[2], wide, deep, to, first, last - first, shift + first,
                                total, at, weight,
                            )  # fmt: skip
                    elif kinds[t] == NEAR:
                        pass_tile(tile, cells, line, x, wide, y, count, z, deep, images[t], 0.0, near, FORWARD)
                    else:
                        pass_voxels(tile, line, x, wide, y, count, z, deep, images[t], 0.0, FORWARD)
    for t in mine:
        _cut_border(images, t, inside)


@njit(fastmath=SAFE)
def _back_project_tile(tile, residuals, lines, kinds, straight, strips, i, wide, y, count, k, deep, margin, room):
    """tile[k, i, j] = Σ over the tilts of the images where voxel (i, j, k) falls."""
    nt, nu = residuals.shape[:2]
    cells, near, which, at, share = room
    tile[:] = f4(0.0)
    seen = 0
    for t in range(nt):
        line = lines[t]
        if kinds[t] == STRAIGHT or not _sees(line, i, y, k, nu):
            continue
        if kinds[t] == NEAR:
            pass_tile(tile, cells, line, i, wide, y, count, k, deep, residuals[t], margin, near, BACK)
        else:
            pass_voxels(tile, line, i, wide, y, count, k, deep, residuals[t], margin, BACK)
    for n in range(len(straight)):
        if _sees(lines[straight[n]], i, y, k, nu):
            which[seen] = n
            seen += 1
    if seen > 0:
        back_project_tile(tile, strips, lines, straight, which[:seen], nu, i, wide, k, deep, margin, at, share)


@njit
def _room(tilts):
    """Allot once what the back-projection of a tile works in."""
    return (
        aligned(4 * ROWS * COLUMNS),
        near_room(),
        np.zeros(tilts, np.int64),
        np.zeros(tilts, np.int64),
        np.zeros((2, tilts), np.float32),
    )


@njit(fastmath=SAFE)
def _descend_tile(tile, x, w, z, step, a, b, c, positive, i, wide, y, count, k, deep):
    """Take the step of `_back_project` on the voxels of a tile."""
    keep = w.size > 0
    for p in range(deep):
        for q in range(wide):
            here = x[k + p, i + q]
            for j in range(count):
                now = here[y + j]
                down = now - step * tile[(p * LINE + q) * WIDTH + j]
                new = down
                if keep:
                    last, ahead = w[k + p, i + q, y + j], z[k + p, i + q, y + j]
                    new += a * (down - last) + b * (down - now) + c * (ahead - now)
                    w[k + p, i + q, y + j] = down
                    z[k + p, i + q, y + j] = new
                if positive and new < f4(0.0):
                    new = f4(0.0)
                here[y + j] = new


@kernel(nogil=True, fastmath=SAFE)
def _back_project(part, parts, images, lines, volume, shape, x, w, z, step, a, b, c, positive, margin, tickets):
    """Volume = Σ over tilts of image t at the place of each voxel, tile by tile as `tickets` are drawn.

    Where the volume, flat, of `shape` (x, y, z), is empty, one step of the optimised gradient method on residuals
    instead, in place: x ← max(0, z) with w = x − step Aᵀ residuals, z = w + a (w − w_before) + b (w − x) +
    c (z_before − x). With a = b = c = 0 this is plain gradient descent, and w and z may be empty.
    """
    nx, ny, nz = shape
    tile = aligned(SIDE * LINE * WIDTH)
    room = _room(len(lines))
    kinds = kinds_of(lines)
    straight = np.flatnonzero(kinds == STRAIGHT)
    step, a, b, c = f4(step), f4(a), f4(b), f4(c)
    columns, layers = -(-nx // SIDE), -(-nz // SIDE)
    for n in range(len(tickets)):
        y = n * WIDTH
        count = min(WIDTH, ny - y)
        if tickets[n] >= columns * layers:
            continue
        strips = cut_strips(images, lines, straight, y, ny)
        while True:
            number = draw(tickets, n)
            if number >= columns * layers:
                break
            # Tiles that follow each other share no row of the volume, nor a line of the cache.
            i, layer = number % columns * SIDE, number // columns
            wide = min(SIDE, nx - i)
            k = nz * layer // layers
            deep = nz * (layer + 1) // layers - k
            _back_project_tile(
                tile, images, lines, kinds, straight, strips, i, wide, y, count, k, deep, margin, room
            )  # fmt: skip
            if volume.size > 0:
                put_turned(tile, volume, ny, nz, i, wide, y, count, k, deep)
            else:
                _descend_tile(tile, x, w, z, step, a, b, c, positive, i, wide, y, count, k, deep)

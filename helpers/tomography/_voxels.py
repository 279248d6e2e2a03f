"""Any tilt: voxel by voxel.

Inlined, so that no second copy of these sums is compiled that would be rounded differently.
"""

from __future__ import annotations

import math

from numba import njit

from ._spans import LINE, WIDTH, f4, span


@njit(forceinline=True)
def pass_voxels(tile, line, x, nx, y, count, z, nz, image, margin, forward):
    """Between the voxels of a tile and an image: projection with `forward`, else back-projection."""
    for k in range(nz):
        for i in range(nx):
            at = (k * LINE + i) * WIDTH
            pass_row(tile, at, line, x + i, y, count, z + k, image, margin, forward)


@njit(forceinline=True)
def pass_row(tile, at, line, x, y, count, z, image, margin, forward):
    """Between a row of voxels, the first of which is tile[at], and an image."""
    nu, nv = image.shape
    u0 = line[3] + line[2] * z + line[0] * x + line[1] * y
    v0 = line[7] + line[6] * z + line[4] * x + line[5] * y
    lo, hi = span(u0 - margin, line[1], nu - 1 - 2.0 * margin, 0, count)
    lo, hi = span(v0 - margin, line[5], nv - 1 - 2.0 * margin, lo, hi)
    for j in range(lo, hi):
        u = u0 + line[1] * j
        v = v0 + line[5] * j
        a = min(max(math.floor(u), 0), nu - 2)
        m = min(max(math.floor(v), 0), nv - 2)
        fu = f4(u - a)
        fv = f4(v - m)
        if forward:
            next_u = fu * tile[at + j]
            here = tile[at + j] - next_u
            image[a, m] += here - fv * here
            image[a, m + 1] += fv * here
            image[a + 1, m] += next_u - fv * next_u
            image[a + 1, m + 1] += fv * next_u
        else:
            here = image[a, m] + fv * (image[a, m + 1] - image[a, m])
            next_u = image[a + 1, m] + fv * (image[a + 1, m + 1] - image[a + 1, m])
            tile[at + j] += here + fu * (next_u - here)

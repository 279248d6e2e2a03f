"""How much of a shell around the atoms of a finite sample lies inside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import ring_means
from ..geometry.boxes import bounds, wrap
from ..geometry.crowding import free_axes
from ..geometry.delaunay import alpha_shape, volume_of, with_images
from ..kernels import kernel, share
from ..memory import check_memory

_SLAB = 16  # layers of voxels that a thread takes at a time, at most
_MOST_VOXELS = 3e7


def sample_shape(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, radius: float, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the atoms of a sample with surfaces, the corners (M, 4, 3) of what is inside it, and its volume [Å³].

    Along the axes where it is periodic the atoms are in the box, and the corners reach as far as spheres of radius
    `reach` about them; the volume is that in the box.
    """
    if lengths is None:
        return (positions, *alpha_shape(positions, radius))
    free = free_axes(positions, lengths)
    atoms = np.where(free, positions, wrap(positions, lengths))
    tiles, _ = with_images(atoms, lengths, np.where(free, -1.0, reach + 2 * radius))
    corners, _ = alpha_shape(tiles, radius)
    middles = corners.mean(axis=1)
    own = corners[(free | ((middles >= 0) & (middles < lengths))).all(axis=1)]
    return atoms, corners, volume_of(own)


def inside_fraction(
    positions: NDArray[np.float64], corners: NDArray[np.float64], r: NDArray[np.float64], voxel: float
) -> NDArray[np.float64]:
    """Return which part of a sphere of radius r about an atom lies inside the sample, mean over the atoms.

    The sum over atoms of the shape's indicator at x_i + Δ is a correlation, found for all Δ at once with a
    Fourier transform, then averaged over directions. Voxels hold the part of them that is inside, and atoms are
    shared among the eight nearest voxel centres, so that coarse voxels suffice: the result is smooth in r.
    """
    from scipy import fft
    from scipy.interpolate import PchipInterpolator

    voxel = max(voxel, 1e-6 * float(r[-1]))  # smaller ones overflow, and are enlarged below in any case
    reach = float(r[-1]) + 2 * voxel
    outside = np.maximum(corners.min(axis=(0, 1)) - positions, positions - corners.max(axis=(0, 1)))
    atoms = positions[(outside < reach).all(axis=1)]  # no sphere about the others meets the sample
    if len(atoms) == 0:
        return np.zeros(len(r))
    low, high = bounds(atoms)
    near = (corners.min(axis=1) < high + reach) & (corners.max(axis=1) > low - reach)
    corners = corners[near.all(axis=1)]  # of atoms that may be others, all round these or far from them
    low, high = bounds(np.concatenate([atoms, corners.reshape(-1, 3)]))
    extent = high - low
    while np.prod((extent + reach) / voxel + 4) > _MOST_VOXELS:
        voxel *= 1.1
    cube = (2 * int(reach / voxel) + 1) ** 3
    check_memory(
        32.0 * cube,
        what=f"the shape of the sample out to {float(r[-1]):g} Å about its atoms",
        instead="lower r_max, or raise voxel",
    )
    shape = [fft.next_fast_len(int(np.ceil(length)), real=True) for length in (extent + reach) / voxel + 4]
    origin = low - 1.5 * voxel  # centre of the first voxel
    mask = np.zeros(shape, dtype=np.float32)
    share(_fill_voxels, -(-shape[0] // _SLAB), (corners - origin) / voxel, mask)
    spectrum = fft.rfftn(mask, workers=-1)
    mask[:] = 0
    _share_atoms((atoms - origin) / voxel, mask)
    spectrum_of_atoms = fft.rfftn(mask, workers=-1)
    del mask
    spectrum *= np.conj(spectrum_of_atoms, out=spectrum_of_atoms)
    del spectrum_of_atoms
    inside = fft.irfftn(spectrum, shape, workers=-1)

    steps = np.arange(-int(reach / voxel), int(reach / voxel) + 1)
    near = inside[np.ix_(steps, steps, steps)].ravel() / len(positions)
    distance = np.sqrt(sum(np.square(axis, dtype=float) for axis in np.ix_(steps, steps, steps))).ravel()
    shell = np.floor(distance + 0.5).astype(np.int64)
    full = slice(0, int(reach / voxel))  # farther shells are cut by the corners of the cube
    _, radii, part = ring_means(shell, distance, near)
    return np.clip(PchipInterpolator(radii[full] * voxel, part[full])(r), 0, 1)


@kernel
def _fill_voxels(part, parts, corners, mask):
    """Fill each voxel with the part of its middle line along z that lies in tetrahedra.

    In units of voxels; voxel i reaches from i - 1/2 to i + 1/2. One call fills one slab of the mask.
    """
    start, stop = mask.shape[0] * part // parts, mask.shape[0] * (part + 1) // parts
    for t in range(len(corners)):
        x_low, x_high = _range(corners[t, 0, 0], corners[t, 1, 0], corners[t, 2, 0], corners[t, 3, 0])
        x0, x1 = max(int(np.ceil(x_low)), start), min(int(np.floor(x_high)) + 1, stop)
        if x0 >= x1:
            continue
        faces = _faces(corners[t])
        y_low, y_high = _range(corners[t, 0, 1], corners[t, 1, 1], corners[t, 2, 1], corners[t, 3, 1])
        for x in range(x0, x1):
            for y in range(int(np.ceil(y_low)), int(np.floor(y_high)) + 1):
                bottom, top = _inside_line(faces, x, y)
                if bottom < top:
                    _add_length(mask[x, y], bottom, top)


@kernel(inner=True)
def _range(a, b, c, d):
    """Least and largest of four coordinates."""
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@kernel(inner=True)
def _faces(corners):
    """Faces (4, 4) of a tetrahedron as z = c0 + c1 x + c2 y, c3 > 0 above and < 0 below.

    For an upright face c3 = 0, and c0 + c1 x + c2 y < 0 is outside.
    """
    faces = np.empty((4, 4))
    for k in range(4):
        o, p, q, r = corners[(k + 1) % 4], corners[(k + 2) % 4], corners[(k + 3) % 4], corners[k]
        ax, ay, az = p[0] - o[0], p[1] - o[1], p[2] - o[2]
        bx, by, bz = q[0] - o[0], q[1] - o[1], q[2] - o[2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        inner = nx * (r[0] - o[0]) + ny * (r[1] - o[1]) + nz * (r[2] - o[2])
        sign = -1.0 if inner > 0 else 1.0  # outward normal
        offset = nx * o[0] + ny * o[1] + nz * o[2]
        upright = nz == 0
        faces[k, 0] = sign * offset if upright else offset / nz
        faces[k, 1] = -sign * nx if upright else -nx / nz
        faces[k, 2] = -sign * ny if upright else -ny / nz
        faces[k, 3] = 0.0 if upright else sign * nz
    return faces


@kernel(inner=True)
def _inside_line(faces, x, y):
    """Where the line along z at x, y enters and leaves a tetrahedron; empty if bottom >= top."""
    bottom, top = -np.inf, np.inf
    for k in range(4):
        z = faces[k, 0] + faces[k, 1] * x + faces[k, 2] * y
        if faces[k, 3] > 0:
            top = min(top, z)
        elif faces[k, 3] < 0:
            bottom = max(bottom, z)
        elif z < 0:
            return 0.0, 0.0
    return bottom, top


@kernel(inner=True)
def _add_length(line, bottom, top):
    """Add a piece of a line to the voxels that it crosses."""
    first, last = int(np.floor(bottom + 0.5)), int(np.floor(top + 0.5))
    for iz in range(first, last + 1):
        line[iz] += min(top, iz + 0.5) - max(bottom, iz - 0.5)


@kernel
def _share_atoms(places, density):
    """Share every atom among the eight voxels around it, the nearer the more."""
    for i in range(len(places)):
        x, y, z = places[i]
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        for dx in range(2):
            for dy in range(2):
                for dz in range(2):
                    weight = abs(1 - dx - x + ix) * abs(1 - dy - y + iy) * abs(1 - dz - z + iz)
                    density[ix + dx, iy + dy, iz + dz] += weight

"""Kernels of the search for tetrahedra: four neighbours of one another whose sphere holds no further atom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry._cells import make_grid
from ..geometry.boxes import _nearest, _shift, _wrapped
from ..geometry.neighbours import Neighbours
from ..kernels import kernel, parts_of, share

_ROOM = 8  # tetrahedra per atom that a part has room for at first; it is enlarged when that is too few
_CELL = 2.5  # edge of the cells in which atoms far from the first one are looked up [Å]
_inlined_kernel = kernel(forceinline=True, error_model="numpy")  # as calls, these slow the search by an eighth


def search(
    positions: NDArray[np.float64],
    found: Neighbours,
    cutoff: float,
    delta: float,
    max_radius: float,
    tolerance: float,
    sides: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return the tetrahedra (M, 4) of `find_tetrahedra`, which explains the arguments."""
    grid = make_grid(positions, _CELL, found.box)
    limits = np.array([cutoff, delta, max_radius, tolerance])
    widest = int(found.counts.max())
    parts = parts_of(len(positions))
    room = _ROOM * (len(positions) // parts + 1)
    while True:  # only what is written takes memory
        table, counts = np.empty(4 * room * parts, np.int64), np.zeros(parts, np.int64)
        given = (positions, sides, found.offsets, found.indices, limits, grid, widest)
        share(_search, parts, *given, table.reshape(parts, room, 4), counts)
        if counts.max() <= room:
            break
        room = int(counts.max())
    _close_up(table.reshape(-1, 4), room, counts)
    table.resize(4 * int(counts.sum()), refcheck=False)  # gives back the rest
    return table.reshape(-1, 4)


@kernel(inner=True)
def _difference(positions, i, j, sides, axis):
    """Component of the vector from atom i to the nearest image of atom j."""
    return _nearest(positions[j, axis] - positions[i, axis], sides[axis])


@_inlined_kernel
def _length(x, y, z):
    return np.sqrt(x * x + y * y + z * z)


@_inlined_kernel
def _distortion(a, b, c, d, e, f):
    """Longest over mean of six edge lengths, less one."""
    longest = max(max(max(a, b), max(c, d)), max(e, f))
    return longest / ((a + b + c + d + e + f) / 6) - 1 if longest > 0 else np.nan


@kernel
def distortions(positions, tetrahedra, sides):
    """Distortion of every tetrahedron; NaN where its four atoms are in one place."""
    values = np.empty(len(tetrahedra))
    v = np.empty((3, 3))
    for row in range(len(tetrahedra)):
        i = tetrahedra[row, 0]
        for corner in range(3):
            for axis in range(3):
                v[corner, axis] = _difference(positions, i, tetrahedra[row, corner + 1], sides, axis)
        values[row] = _distortion(
            _length(v[0, 0], v[0, 1], v[0, 2]),
            _length(v[1, 0], v[1, 1], v[1, 2]),
            _length(v[2, 0], v[2, 1], v[2, 2]),
            _length(v[1, 0] - v[0, 0], v[1, 1] - v[0, 1], v[1, 2] - v[0, 2]),
            _length(v[2, 0] - v[0, 0], v[2, 1] - v[0, 1], v[2, 2] - v[0, 2]),
            _length(v[2, 0] - v[1, 0], v[2, 1] - v[1, 1], v[2, 2] - v[1, 2]),
        )
    return values


@kernel
def _search(part, parts, positions, sides, offsets, indices, limits, grid, widest, rows, counts):
    """Tetrahedra of one part of the atoms; more than there is room for are only counted."""
    start, end = len(positions) * part // parts, len(positions) * (part + 1) // parts
    counts[part] = _search_atoms(positions, sides, offsets, indices, limits, grid, start, end, widest, rows[part])


@kernel(inner=True, error_model="numpy")
def _search_atoms(positions, sides, offsets, indices, limits, grid, start, end, widest, rows):
    """Tetrahedra of some atoms, each found from its first atom; return how many there are."""
    cutoff, delta, max_radius, tolerance = limits[0], limits[1], limits[2], limits[3]
    room = len(rows)
    x = np.empty(widest)
    y = np.empty(widest)
    z = np.empty(widest)
    apart = np.empty((widest, widest))  # squared distances between the later neighbours of the first atom
    bonded = np.empty((widest, widest), np.int32)  # the later neighbours of each that follow it in the row
    degree = np.empty(widest, np.int64)
    count = 0
    for i in range(start, end):
        row = indices[offsets[i] : offsets[i + 1]]
        size = len(row)
        _gather_vectors(positions, sides, i, row, x, y, z)
        first = _list_bonds(x, y, z, row, i, cutoff * cutoff, apart, bonded, degree)
        last = 0  # the neighbour that spoilt the last candidate often spoils the next
        for j in range(first, size):
            for at_k in range(degree[j]):
                k = bonded[j, at_k]
                # b × c of the triangle, for every fourth atom
                nx = y[j] * z[k] - z[j] * y[k]
                ny = z[j] * x[k] - x[j] * z[k]
                nz = x[j] * y[k] - y[j] * x[k]
                for at_h in range(at_k + 1, degree[j]):
                    h = bonded[j, at_h]
                    if apart[k, h] > cutoff * cutoff:
                        continue
                    cx, cy, cz, limit = _sphere(
                        x[j], y[j], z[j], x[k], y[k], z[k], x[h], y[h], z[h], nx, ny, nz,
                        apart[j, k], apart[j, h], apart[k, h], delta, max_radius, tolerance,
                    )  # fmt: skip
                    if limit < 0:
                        continue
                    if last != j and last != k and last != h and _reaches(x, y, z, last, cx, cy, cz, limit):
                        continue
                    spoiler = _spoiler(x, y, z, size, j, k, h, cx, cy, cz, limit)
                    if spoiler >= 0:
                        last = spoiler
                        continue
                    if 4 * limit > cutoff * cutoff and not _is_empty(  # it reaches beyond the neighbours of i
                        positions, sides, i, row[j], row[k], row[h], cx, cy, cz, limit, cutoff, grid
                    ):
                        continue
                    if count < room:
                        rows[count, 0] = i
                        rows[count, 1] = row[j]
                        rows[count, 2] = row[k]
                        rows[count, 3] = row[h]
                    count += 1
    return count


@_inlined_kernel
def _list_bonds(x, y, z, row, i, limit, apart, bonded, degree):
    """List which later neighbours of atom i are bonded to one another; return the first later one."""
    size = len(row)
    first = size
    while first > 0 and row[first - 1] > i:
        first -= 1
    for j in range(first, size):
        found = 0
        for k in range(j + 1, size):
            square = (x[k] - x[j]) ** 2 + (y[k] - y[j]) ** 2 + (z[k] - z[j]) ** 2
            apart[j, k] = square
            bonded[j, found] = k
            found += square <= limit
        degree[j] = found
    return first


@_inlined_kernel
def _sphere(xj, yj, zj, xk, yk, zk, xh, yh, zh, nx, ny, nz, jk, jh, kh, delta, max_radius, tolerance):
    """Centre of the sphere through the origin and three atoms, and the square within which an atom lies in or on it.

    That is -1 where the tetrahedron is too distorted, flat, or its sphere too wide. n is the cross product of the
    first two atoms; jk, jh and kh are the squared distances between the three.
    """
    a, b, c = _length(xj, yj, zj), _length(xk, yk, zk), _length(xh, yh, zh)
    d, e, f = np.sqrt(jk), np.sqrt(jh), np.sqrt(kh)
    if _distortion(a, b, c, d, e, f) > delta:
        return 0.0, 0.0, 0.0, -1.0
    longest = max(max(a, max(b, c)), max(d, max(e, f)))
    volume = nx * xh + ny * yh + nz * zh  # six times, signed
    if abs(volume) <= tolerance * longest**3:
        return 0.0, 0.0, 0.0, -1.0
    # circumcentre: (a² (c×d) + b² (d×b) + c² (b×c)) / 2 b·(c×d)
    a, b, c = a * a, b * b, c * c
    scale = 0.5 / volume
    cx = scale * (a * (yk * zh - zk * yh) + b * (yh * zj - zh * yj) + c * nx)
    cy = scale * (a * (zk * xh - xk * zh) + b * (zh * xj - xh * zj) + c * ny)
    cz = scale * (a * (xk * yh - yk * xh) + b * (xh * yj - yh * xj) + c * nz)
    square = cx * cx + cy * cy + cz * cz
    if square > max_radius * max_radius:
        return 0.0, 0.0, 0.0, -1.0
    return cx, cy, cz, square + tolerance * longest**5 / abs(volume)


@_inlined_kernel
def _reaches(x, y, z, m, cx, cy, cz, limit):
    """Whether a sphere reaches atom m."""
    return (x[m] - cx) ** 2 + (y[m] - cy) ** 2 + (z[m] - cz) ** 2 <= limit


@_inlined_kernel
def _spoiler(x, y, z, size, j, k, h, cx, cy, cz, limit):
    """First neighbour in or on the sphere of a tetrahedron whose corner it is not; -1 if there is none."""
    for m in range(size):
        if _reaches(x, y, z, m, cx, cy, cz, limit) and m != j and m != k and m != h:
            return m
    return -1


@kernel(inner=True)
def _gather_vectors(positions, sides, i, row, x, y, z):
    """Vectors from atom i to the nearest images of its neighbours."""
    px, py, pz = positions[i, 0], positions[i, 1], positions[i, 2]
    for m in range(len(row)):
        x[m] = _nearest(positions[row[m], 0] - px, sides[0])
        y[m] = _nearest(positions[row[m], 1] - py, sides[1])
        z[m] = _nearest(positions[row[m], 2] - pz, sides[2])


@kernel(inner=True, error_model="numpy")
def _is_empty(positions, sides, i, j, k, h, cx, cy, cz, limit, cutoff, grid):
    """Whether the part of a sphere beyond the neighbours of i, centred at (cx, cy, cz) from i, is empty.

    That part lies within a cap: seen from i, behind the plane in which the sphere meets the one of
    radius cutoff around i.
    """
    periodic = sides[0] < np.inf
    origin, width, shape, placed = grid.origin, grid.width, grid.shape, grid.positions
    radius = np.sqrt(limit)
    distance = _length(cx, cy, cz)
    near = min(cutoff * cutoff * (1 - 1e-9) / (2 * radius), 2 * radius)  # plane of the cap, along the axis
    far = distance + radius
    rim = radius if near < distance else np.sqrt(max(cutoff * cutoff - near * near, 0.0))
    middle = (near + far) / 2
    half = (far - near) / 2 * (1 + 1e-9) + 1e-9 * radius
    rim *= 1 + 1e-9
    px, py, pz = (
        _wrapped(positions[i, 0], sides[0]),
        _wrapped(positions[i, 1], sides[1]),
        _wrapped(positions[i, 2], sides[2]),
    )
    ux, uy, uz = cx / distance, cy / distance, cz / distance
    wide = abs(ux) * half + np.sqrt(max(1 - ux * ux, 0.0)) * rim
    x0, x1 = _span(px + middle * ux - origin[0], wide, width[0], shape[0], periodic)
    wide = abs(uy) * half + np.sqrt(max(1 - uy * uy, 0.0)) * rim
    y0, y1 = _span(py + middle * uy - origin[1], wide, width[1], shape[1], periodic)
    wide = abs(uz) * half + np.sqrt(max(1 - uz * uz, 0.0)) * rim
    z0, z1 = _span(pz + middle * uz - origin[2], wide, width[2], shape[2], periodic)
    cx, cy, cz = cx + px, cy + py, cz + pz
    for ix in range(x0, x1 + 1):
        wx = ix // shape[0]
        dx = cx - _shift(wx, sides[0])
        for iy in range(y0, y1 + 1):
            wy = iy // shape[1]
            dy = cy - _shift(wy, sides[1])
            column = ((ix - wx * shape[0]) * shape[1] + iy - wy * shape[1]) * shape[2]
            for wz in range(z0 // shape[2], z1 // shape[2] + 1):  # one run of cells for each image
                dz = cz - _shift(wz, sides[2])
                low = max(z0 - wz * shape[2], 0)
                high = min(z1 - wz * shape[2], shape[2] - 1)
                for slot in range(grid.starts[column + low], grid.starts[column + high + 1]):
                    ux, uy, uz = placed[0, slot] - dx, placed[1, slot] - dy, placed[2, slot] - dz
                    if ux * ux + uy * uy + uz * uz <= limit:
                        m = grid.order[slot]
                        if m != i and m != j and m != k and m != h:
                            return False
                        ux, uy, uz = ux + cx - px, uy + cy - py, uz + cz - pz
                        if periodic and not _is_corner(positions, sides, i, m, ux, uy, uz):
                            return False
    return True


@kernel(inner=True, error_model="numpy")
def _span(centre, radius, width, count, periodic):
    """First and last cell that a sphere touches along one axis; in a box they may lie outside 0 … count - 1."""
    low = np.int64(np.floor((centre - radius) / width))
    high = np.int64(np.floor((centre + radius) / width))
    if periodic:
        return low, high
    return min(max(low, 0), count - 1), min(max(high, 0), count - 1)


@kernel(inner=True)
def _is_corner(positions, sides, i, m, x, y, z):
    """Whether (x, y, z) from atom i is the nearest image of m, a corner, and no other image of it."""
    return (
        abs(_difference(positions, i, m, sides, 0) - x) < 0.5 * sides[0]
        and abs(_difference(positions, i, m, sides, 1) - y) < 0.5 * sides[1]
        and abs(_difference(positions, i, m, sides, 2) - z) < 0.5 * sides[2]
    )


@kernel
def _close_up(rows, room, counts):
    """Move the rows of every part, of `room` rows each, to the end of those before."""
    end = counts[0]
    for part in range(1, len(counts)):
        for row in range(room * part, room * part + counts[part]):
            for corner in range(4):
                rows[end, corner] = rows[row, corner]
            end += 1

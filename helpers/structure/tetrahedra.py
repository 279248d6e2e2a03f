"""Tetrahedra: four atoms in mutual contact around an empty sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_count, check_members, check_positive
from ..geometry._pair_kernels import make_grid
from ..geometry.boxes import _nearest, _shift, _wrapped, sides_of
from ..geometry.crowding import warn_of_close_pairs
from ..geometry.neighbours import Neighbours, resolve_neighbours
from ..kernels import kernel

if TYPE_CHECKING:
    from ase import Atoms

_CHUNK = 64  # atoms whose tetrahedra one thread writes in one go
_ROOM = 28  # tetrahedra per atom that a chunk has room for at first; it is enlarged when that is too few
_CELL = 2.5  # edge of the cells in which atoms far from the first one are looked up [Å]
_inlined_kernel = kernel(inline="always")  # as calls, these make the search slower by an eighth
_COINCIDENT = 1e-6  # atoms nearer than this share a place [Å]


def find_tetrahedra(
    positions: Atoms | ArrayLike,
    cutoff: float,
    delta: float = 0.255,
    box: ArrayLike | None = None,
    *,
    neighbours: Neighbours | None = None,
    max_radius: float = 4.0,
    tolerance: float = 1e-9,
    most_neighbours: int = 200,
) -> NDArray[np.int64]:
    r"""Find the Delaunay tetrahedra whose six edges are bonds of nearly the same length.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float
        Longest edge [Å]: the first valley of the pair distribution.
    delta : float
        Largest distortion :math:`\delta = e_\max / e_\mathrm{avg} - 1` of the edge lengths.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    neighbours : Neighbours, optional
        Neighbour list with at least this cutoff, if it is known already.
    max_radius : float
        Largest circumradius [Å]; wider tetrahedra bridge open space (the alpha of an alpha shape).
    tolerance : float
        Width, relative to the size of the tetrahedron, of the band in which an atom counts as lying
        on the circumsphere. The default is far above rounding and far below any real distance; raise
        it to 1e-5 for a crystal whose coordinates were rounded.
    most_neighbours : int
        More neighbours of an atom than this are refused: the time grows with their fourth power. Atoms of a metal
        have 12 to 20 up to the first valley.

    Returns
    -------
    (M, 4) int64 array
        Atoms of each tetrahedron, ascending in each row; rows sorted. Empty, (0, 4), if there is none.

    Raises
    ------
    ValueError
        If there are fewer than four atoms, atoms coincide or all lie in one plane, a coordinate is not
        finite, `cutoff`, `delta` or `max_radius` is not positive, the box is smaller than twice the
        cutoff, or an atom has more than `most_neighbours`.

    Warns
    -----
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    Notes
    -----
    No tessellation is built. Every four atoms that are neighbours of one another (a clique of the
    neighbour graph) and pass `delta` are a candidate; a candidate is accepted if no other atom lies in
    or on its circumsphere. All tests are local, so the cost grows with the number of atoms, each atom
    is searched on its own, and a periodic box needs no images.

    An atom counts as *in or on* the sphere of centre c and radius R if
    :math:`|p - c|^2 \le R^2 + t\,L^5 / 6V`, with the longest edge L, the volume V and the tolerance t.
    The last term bounds the rounding error of the left side, which grows as the tetrahedron gets
    flat; a tetrahedron with :math:`6V \le t L^3` is flat and rejected. Where five or more atoms
    lie on one sphere, as around the octahedral holes of fcc and hcp or the cubes of a simple
    cubic crystal, the Delaunay tessellation is not unique and none of the tetrahedra that share that
    sphere is accepted: the hole stays open. What is accepted is what *every* Delaunay tessellation of
    the atoms contains, hence no two tetrahedra overlap, and the result does not depend on
    the order of the atoms nor on how they are turned. The bcc crystal has no such spheres and is
    filled. For atoms in general position the result equals that of any Delaunay code.

    References
    ----------
    A. S. Clarke and J. D. Wiley, Phys. Rev. B 35, 7350 (1987), for the distortion;
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "Polytetrahedral packing analysis".

    Examples
    --------
    >>> from helpers.structure import find_tetrahedra
    >>> corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    >>> find_tetrahedra(corners, cutoff=3.0).tolist()
    [[0, 1, 2, 3]]
    """
    positions, lengths = as_positions(positions, box, minimum=4)
    cutoff = check_positive("cutoff", cutoff)
    delta = check_positive("delta", delta)
    max_radius = check_positive("max_radius", max_radius)
    tolerance = check_positive("tolerance", tolerance)
    check_box(lengths, cutoff=cutoff)
    found = resolve_neighbours(positions, cutoff=cutoff, box=lengths, neighbours=neighbours)
    if lengths is None:
        lengths = found.box
    _refuse_coincident(found)
    _refuse_crowds(found, check_count("most_neighbours", most_neighbours))
    warn_of_close_pairs(positions, lengths)
    if lengths is None:
        _refuse_coplanar(positions, tolerance)
    sides = sides_of(lengths)
    grid = make_grid(positions, _CELL, lengths)
    room = _ROOM * _CHUNK
    while True:
        args = (positions, sides, found.offsets, found.indices, cutoff, delta, max_radius, tolerance, grid, room)
        rows, counts = _search(*args)
        if counts.max() <= room:
            return _gather(rows, counts)
        room = int(counts.max())


def tetrahedron_distortion(
    positions: Atoms | ArrayLike, tetrahedra: ArrayLike, *, box: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Distortion :math:`\delta = e_\max / e_\mathrm{avg} - 1` of every tetrahedron.

    To study many values of delta, search once with the largest and keep the tetrahedra with
    ``tetrahedron_distortion(...) <= delta``: the result is the same as that of a search for each.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].

    Returns
    -------
    (M,) float64 array
        Zero for a regular tetrahedron.

    Examples
    --------
    >>> from helpers.structure import tetrahedron_distortion
    >>> corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    >>> tetrahedron_distortion(corners, [[0, 1, 2, 3]]).round(12).tolist()
    [0.0]
    """
    positions, lengths = as_positions(positions, box)
    tetrahedra = check_members(tetrahedra, len(positions), 4, name="tetrahedra")
    flat = np.flatnonzero((np.ptp(positions[tetrahedra], axis=1) == 0).all(axis=1))
    if flat.size:
        msg = f"row {flat[0]} of tetrahedra has its four atoms in one place; expected four different atoms"
        raise ValueError(msg)
    return _distortions(positions, tetrahedra, sides_of(lengths))


def _refuse_coincident(found: Neighbours) -> None:
    if found.shortest < _COINCIDENT:
        pairs = found.closer_than(_COINCIDENT)
        msg = (
            f"{len(pairs)} pairs of atoms coincide, the first are atoms {pairs[0, 0]} and {pairs[0, 1]}; "
            "remove the duplicates"
        )
        raise ValueError(msg)


def _refuse_crowds(found: Neighbours, most: int) -> None:
    crowded = int(found.counts.max())
    if crowded > most:
        candidates = float((found.counts.astype(float) ** 3).sum() / 24)
        msg = (
            f"atom {found.counts.argmax()} has {crowded:,} neighbours within cutoff={found.cutoff:g} Å, so that up to "
            f"{candidates:.1g} groups of four would be looked at; lower the cutoff, remove what was traced twice, or "
            f"raise most_neighbours={most}"
        )
        raise ValueError(msg)


def _refuse_coplanar(positions: NDArray[np.float64], tolerance: float) -> None:
    spread = np.linalg.svd(np.cov(positions.T), compute_uv=False)
    if spread[2] <= tolerance**2 * spread[0] or spread[2] <= 1e-15 * spread[0]:
        msg = "all atoms lie in one plane; tetrahedra need a third dimension"
        raise ValueError(msg)


@kernel
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
    return longest / ((a + b + c + d + e + f) / 6) - 1


@kernel
def _distortions(positions, tetrahedra, sides):
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


@kernel(parallel=True)
def _search(positions, sides, offsets, indices, cutoff, delta, max_radius, tolerance, grid, room):
    """Tetrahedra of every chunk of atoms, each found from its first atom; more than `room` are only counted."""
    n = len(positions)
    chunks = (n + _CHUNK - 1) // _CHUNK
    rows = np.empty((chunks, room, 4), np.int32)
    counts = np.zeros(chunks, np.int64)
    widest = 0
    for i in range(n):
        widest = max(widest, offsets[i + 1] - offsets[i])
    for chunk in prange(chunks):
        x = np.empty(widest)
        y = np.empty(widest)
        z = np.empty(widest)
        apart = np.empty((widest, widest))  # squared distances between the later neighbours of the first atom
        bonded = np.empty((widest, widest), np.int32)  # the later neighbours of each that follow it in the row
        degree = np.empty(widest, np.int64)
        count = 0
        for i in range(chunk * _CHUNK, min(n, (chunk + 1) * _CHUNK)):
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
                        edges = apart[j, k], apart[j, h], apart[k, h]
                        cx, cy, cz, limit = _sphere(
                            x[j], y[j], z[j], x[k], y[k], z[k], x[h], y[h], z[h], nx, ny, nz,
                            edges, delta, max_radius, tolerance,
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
                            rows[chunk, count, 0] = i
                            rows[chunk, count, 1] = row[j]
                            rows[chunk, count, 2] = row[k]
                            rows[chunk, count, 3] = row[h]
                        count += 1
        counts[chunk] = count
    return rows, counts


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
def _sphere(xj, yj, zj, xk, yk, zk, xh, yh, zh, nx, ny, nz, edges, delta, max_radius, tolerance):
    """Centre of the sphere through the origin and three atoms, and the square within which an atom lies in or on it.

    That is -1 where the tetrahedron is too distorted, flat, or its sphere too wide. n is the cross product of the
    first two atoms; `edges` are the squared distances between the three.
    """
    a, b, c = _length(xj, yj, zj), _length(xk, yk, zk), _length(xh, yh, zh)
    d, e, f = np.sqrt(edges[0]), np.sqrt(edges[1]), np.sqrt(edges[2])
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


@kernel
def _gather_vectors(positions, sides, i, row, x, y, z):
    """Vectors from atom i to the nearest images of its neighbours."""
    px, py, pz = positions[i, 0], positions[i, 1], positions[i, 2]
    for m in range(len(row)):
        x[m] = _nearest(positions[row[m], 0] - px, sides[0])
        y[m] = _nearest(positions[row[m], 1] - py, sides[1])
        z[m] = _nearest(positions[row[m], 2] - pz, sides[2])


@kernel
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


@kernel
def _span(centre, radius, width, count, periodic):
    """First and last cell that a sphere touches along one axis; in a box they may lie outside 0 … count - 1."""
    low = np.int64(np.floor((centre - radius) / width))
    high = np.int64(np.floor((centre + radius) / width))
    if periodic:
        return low, high
    return min(max(low, 0), count - 1), min(max(high, 0), count - 1)


@kernel
def _is_corner(positions, sides, i, m, x, y, z):
    """Whether (x, y, z) from atom i is the nearest image of m, a corner, and no other image of it."""
    return (
        abs(_difference(positions, i, m, sides, 0) - x) < 0.5 * sides[0]
        and abs(_difference(positions, i, m, sides, 1) - y) < 0.5 * sides[1]
        and abs(_difference(positions, i, m, sides, 2) - z) < 0.5 * sides[2]
    )


@kernel
def _gather(rows, counts):
    """Join the tetrahedra of all chunks."""
    starts = np.zeros(len(counts) + 1, np.int64)
    for chunk in range(len(counts)):
        starts[chunk + 1] = starts[chunk] + counts[chunk]
    joined = np.empty((starts[-1], 4), np.int64)
    for chunk in range(len(counts)):
        for row in range(counts[chunk]):
            for corner in range(4):
                joined[starts[chunk] + row, corner] = rows[chunk, row, corner]
    return joined

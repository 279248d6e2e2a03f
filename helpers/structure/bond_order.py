"""Averaged bond orientational order: how crystal-like the surroundings of every atom are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_positions
from ..geometry.boxes import _nearest, sides_of
from ..geometry.crowding import keep_apart, warn_of_close_pairs
from ..geometry.neighbours import Neighbours, resolve_neighbours
from ..kernels import kernel, parts_of, share

if TYPE_CHECKING:
    from ase import Atoms

PUBLISHED_FCC = (0.190941, 0.574524)
"""Q4 and Q6 of fcc as the paper rounds them; its normalised orders are divided by these."""


@dataclass(frozen=True, eq=False)
class BondOrder:
    """Bond orientational order of every atom.

    Attributes
    ----------
    q4, q6 : (N,) arrays
        Order averaged over the atom and its neighbours.
    normalised : (N,) array
        √(q4² + q6²) over that of fcc: 1 for fcc, near 0 for a gas.
    local_q4, local_q6 : (N,) arrays
        Order of the atom's own bonds, not averaged.

    Notes
    -----
    An atom without neighbours has no bonds, so its q4 and q6 are undefined (NaN). Its `normalised` order is 0,
    as in the published arrays: whatever it is, it is no part of a crystal.
    """

    q4: NDArray[np.float64]
    q6: NDArray[np.float64]
    normalised: NDArray[np.float64]
    local_q4: NDArray[np.float64]
    local_q6: NDArray[np.float64]


def bond_order(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    *,
    neighbours: Neighbours | None = None,
    fcc: tuple[float, float] = PUBLISHED_FCC,
) -> BondOrder:
    """Compute the averaged bond orientational order of every atom.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float
        Longest bond [Å], as a rule the first valley of the pair distribution.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    neighbours : Neighbours, optional
        A list found before, instead of (or, if it reaches farther, along with) `cutoff`.
    fcc : (float, float)
        Q4 and Q6 of fcc that `normalised` is divided by. The default is the paper's, rounded to six
        digits; ``REFERENCE_ORDER["fcc"]`` is exact and gives values smaller by 5e-7.

    Returns
    -------
    BondOrder
        `q4`, `q6`, `normalised`, `local_q4`, `local_q6`, each (N,); see there for atoms
        without neighbours.

    Raises
    ------
    ValueError
        If neither cutoff nor neighbours is given, they do not fit the positions, or two atoms coincide.

    Warns
    -----
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    Notes
    -----
    With n neighbours j of atom i, in directions r_ij,

        q_lm(i) = (1 / n) Σ_j Y_lm(r_ij),   Q_lm(i) = (q_lm(i) + Σ_j q_lm(j)) / (n + 1),
        Q_l(i)  = √(4π / (2l + 1) Σ_m |Q_lm(i)|²),   l = 4 and 6.

    Real harmonics replace the complex ones: sums over m are the same, and half the numbers are enough.

    References
    ----------
    W. Lechner and C. Dellago, J. Chem. Phys. 129, 114707 (2008), doi:10.1063/1.2977970, equations 5 and 6.

    Examples
    --------
    The middle atom of thirteen in fcc order, whose neighbours lack bonds:

    >>> from helpers.structure import REFERENCE_ORDER, bond_order
    >>> shell = [(a, b, 0) for a in (1, -1) for b in (1, -1)]
    >>> shell = [(0, 0, 0), *shell, *((a, 0, b) for a, b, _ in shell), *((0, a, b) for a, b, _ in shell)]
    >>> order = bond_order(shell, 1.5)
    >>> float(order.local_q6[0].round(4)), tuple(round(q, 4) for q in REFERENCE_ORDER["fcc"])
    (0.5745, (0.1909, 0.5745))
    """
    positions, lengths = as_positions(positions, box)
    found = resolve_neighbours(positions, cutoff=cutoff, box=lengths, neighbours=neighbours)
    if found.shortest == 0:
        i, j = found.closer_than(np.nextafter(0, 1))[0]
        msg = f"atoms {i} and {j} lie in the same place, so their bond has no direction; remove one"
        raise ValueError(msg)
    if not keep_apart(found):
        warn_of_close_pairs(positions, found.box)
    parts = parts_of(len(positions))
    local, orders = np.zeros((len(positions), 22)), np.empty((4, len(positions)))
    sides = sides_of(found.box)
    share(_harmonics, parts, positions, found.offsets, found.indices, found.distances, sides, local)
    share(_orders, parts, local, found.offsets, found.indices, orders)
    local_q4, local_q6, q4, q6 = orders
    normalised = np.where(found.counts > 0, np.hypot(q4, q6) / np.hypot(*fcc), 0.0)
    return BondOrder(q4, q6, normalised, local_q4, local_q6)


@kernel(inner=True)
def _add_harmonics(x, y, z, q):
    """Add the real spherical harmonics of a unit vector, l = 4 then 6, each times √(4π / (2l + 1)).

    m = 0 first, then cosine and sine parts of m = 1 ... l: N_lm Re and Im (x + iy)^m d^m P_l / dz^m.
    """
    zz = z * z
    c1, s1 = x, y
    c2, s2 = x * x - y * y, 2 * x * y
    c3, s3 = c2 * x - s2 * y, c2 * y + s2 * x
    c4, s4 = c2 * c2 - s2 * s2, 2 * c2 * s2
    c5, s5 = c4 * x - s4 * y, c4 * y + s4 * x
    c6, s6 = c4 * c2 - s4 * s2, c4 * s2 + s4 * c2
    q[0] += (35 * zz * zz - 30 * zz + 3) / 8
    f = np.sqrt(5 / 8) * (7 * zz - 3) * z
    q[1] += f * c1
    q[2] += f * s1
    f = np.sqrt(5 / 16) * (7 * zz - 1)
    q[3] += f * c2
    q[4] += f * s2
    f = np.sqrt(35 / 8) * z
    q[5] += f * c3
    q[6] += f * s3
    f = np.sqrt(35 / 64)
    q[7] += f * c4
    q[8] += f * s4
    q[9] += (((231 * zz - 315) * zz + 105) * zz - 5) / 16
    f = np.sqrt(21 / 64) * ((33 * zz - 30) * zz + 5) * z
    q[10] += f * c1
    q[11] += f * s1
    f = np.sqrt(105 / 512) * ((33 * zz - 18) * zz + 1)
    q[12] += f * c2
    q[13] += f * s2
    f = np.sqrt(105 / 128) * (11 * zz - 3) * z
    q[14] += f * c3
    q[15] += f * s3
    f = np.sqrt(63 / 256) * (11 * zz - 1)
    q[16] += f * c4
    q[17] += f * s4
    f = np.sqrt(693 / 128) * z
    q[18] += f * c5
    q[19] += f * s5
    f = np.sqrt(231 / 512)
    q[20] += f * c6
    q[21] += f * s6


@kernel
def _harmonics(part, parts, positions, offsets, indices, distances, sides, means):
    """Mean real harmonics (N, 22) over the bonds of every atom of a part; NaN without bonds."""
    n = len(positions)
    for i in range(n * part // parts, n * (part + 1) // parts):
        mean = means[i]
        for k in range(offsets[i], offsets[i + 1]):
            j = indices[k]
            dx = _nearest(positions[j, 0] - positions[i, 0], sides[0])
            dy = _nearest(positions[j, 1] - positions[i, 1], sides[1])
            dz = _nearest(positions[j, 2] - positions[i, 2], sides[2])
            _add_harmonics(dx / distances[k], dy / distances[k], dz / distances[k], mean)
        bonds = offsets[i + 1] - offsets[i]
        for m in range(22):
            mean[m] = mean[m] / bonds if bonds else np.nan


@kernel
def _orders(part, parts, local, offsets, indices, orders):
    """Lengths (4, N) of the harmonics of the atoms, l = 4 and 6: their own, then averaged with their neighbours'."""
    n = len(local)
    total = np.empty(22)
    squares = np.empty(4)
    for i in range(n * part // parts, n * (part + 1) // parts):
        for m in range(22):
            total[m] = local[i, m]
        for k in range(offsets[i], offsets[i + 1]):
            for m in range(22):
                total[m] += local[indices[k], m]
        members = offsets[i + 1] - offsets[i] + 1
        for k in range(4):
            squares[k] = 0.0
        for m in range(22):
            place = 0 if m < 9 else 1
            squares[place] += local[i, m] * local[i, m]
            squares[2 + place] += (total[m] / members) * (total[m] / members)
        for k in range(4):
            orders[k, i] = np.sqrt(squares[k])


def shell_order(bonds: ArrayLike) -> tuple[float, float]:
    """Return Q4 and Q6 of one shell of bonds, from the angles between them.

    Parameters
    ----------
    bonds : (n, 3) array
        Bond vectors, of any lengths.

    Notes
    -----
    By the addition theorem, Q_l² = n⁻² Σ_ij P_l(cos γ_ij) over all pairs of bonds.
    """
    vectors = check_positions(bonds, name="bonds")
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = np.clip(units @ units.T, -1, 1)
    q4, q6 = (np.sqrt(legendre.legval(cosines, [0] * order + [1]).mean().clip(0)) for order in (4, 6))
    return float(q4), float(q6)


def _shells() -> dict[str, NDArray[np.float64]]:
    """Nearest neighbours of an atom in perfect structures (bcc: the nearest eight and the next six)."""
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype=float)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    fcc = np.unique(np.concatenate([signs * (1 - np.eye(3)[axis]) for axis in range(3)]), axis=0)
    height = fcc.sum(axis=1)  # layers along (1, 1, 1); hcp repeats above what lies below, mirrored
    above = fcc[height > 0.5]
    hcp = np.concatenate([fcc[height > -0.5], above - 2 / 3 * above.sum(axis=1, keepdims=True)])
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)])
    icosahedron = np.concatenate([np.roll(corners, axis, axis=1) for axis in range(3)])
    return {"fcc": fcc, "bcc": np.concatenate([signs, 2 * axes]), "hcp": hcp, "icosahedron": icosahedron}


REFERENCE_ORDER = {name: shell_order(bonds) for name, bonds in _shells().items()}
"""Q4 and Q6 of perfect fcc, bcc (14 neighbours), hcp and of the centre of an icosahedron."""

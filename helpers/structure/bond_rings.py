"""Bond rings: a second, simpler definition of n-fold order, without tetrahedra and without delta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_mask
from ..geometry.boxes import _nearest, sides_of
from ..geometry.neighbours import Neighbours, resolve_neighbours
from ..kernels import kernel, parts_of, share
from .packing import Packing, check_packing

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class BondRings:
    """The common neighbours of every bonded pair.

    Attributes
    ----------
    pairs : (P, 2) int64 array
        Bonded atoms, first < second, sorted.
    common : (P,) int64 array
        Number of atoms bonded to both.
    ring : (P,) int64 array
        n if these make a closed ring of n bonds, each bonded to exactly two of the others; else 0.
    """

    pairs: NDArray[np.int64]
    common: NDArray[np.int64]
    ring: NDArray[np.int64]

    def counts(self, mask: ArrayLike | None = None, *, longest: int = 8) -> dict[int, int]:
        """Return how many pairs have a ring of n, for n = 3 … `longest`; of the pairs in a mask, if given."""
        ring = self.ring[check_mask(mask, len(self.ring), name="mask")]
        return {n: int((ring == n).sum()) for n in range(3, longest + 1)}

    def shares(self, mask: ArrayLike | None = None, *, longest: int = 7) -> dict[int, float]:
        """Return the share of the pairs that have a ring of n [%], as `counts`; 0 where there are no pairs."""
        chosen = check_mask(mask, len(self.ring), name="mask")
        return {n: 100 * count / max(int(chosen.sum()), 1) for n, count in self.counts(chosen, longest=longest).items()}


def bond_rings(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    *,
    box: ArrayLike | None = None,
    neighbours: Neighbours | None = None,
) -> BondRings:
    """Tell for every bonded pair whether the neighbours common to both close a ring.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float
        Longest bond [Å]: the first valley of the pair distribution. May be left out with `neighbours`.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    neighbours : Neighbours, optional
        Neighbour list, if it is known already.

    Returns
    -------
    BondRings

    Notes
    -----
    Bonds are all that counts: nothing is asked of their lengths beyond the cutoff, and no sphere need be
    empty. A ring of five is the pair 1551 of the common-neighbour analysis; rings of four and six are
    1441 and 1661. In a perfect fcc crystal no pair has a ring (1421); in bcc the nearest pairs have rings
    of six and the next ones of four.

    References
    ----------
    J. D. Honeycutt and H. C. Andersen, J. Phys. Chem. 91, 4950 (1987).

    Examples
    --------
    Two atoms above and below a square of four:

    >>> from helpers.structure import bond_rings
    >>> square = [[2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, -2, 0]]
    >>> bond_rings([[0, 0, 1.4], [0, 0, -1.4], *square], 3.0).ring[0].item()
    4
    """
    positions, lengths = as_positions(positions, box)
    found = resolve_neighbours(positions, cutoff=cutoff, box=lengths, neighbours=neighbours)
    common, ring = np.zeros((2, len(found.indices)), np.int32)
    bonds = found.offsets, found.indices, found.cutoff
    share(_common_rings, parts_of(len(positions)), positions, sides_of(found.box), *bonds, common, ring)
    pairs = found.pairs
    once = pairs[:, 0] < pairs[:, 1]
    return BondRings(pairs[once].astype(np.int64), common[once].astype(np.int64), ring[once].astype(np.int64))


def ring_shares(packing: Packing, *, longest: int = 7) -> dict[int, float]:
    """Return the share of the bonds between disordered atoms whose common neighbours close a ring of n.

    Parameters
    ----------
    packing : Packing
        Its positions, cutoff and disordered atoms count; its tetrahedra do not.
    longest : int
        Longest ring.

    Returns
    -------
    dict of int to float
        For n = 3 … `longest` [%].
    """
    check_packing(packing)
    rings = bond_rings(packing.positions, packing.cutoff, box=packing.box)
    return rings.shares(packing.disordered[rings.pairs].all(axis=1), longest=longest)


def ring_agreement(packing: Packing, n: int = 5) -> float:
    """Return the share of the n-fold bipyramids of the disordered region that bond rings find again.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs.
    n : int
        Order of the bipyramids.

    Returns
    -------
    float
        Share whose caps are a bonded pair with a ring of n [%]; 0 if there are no such bipyramids.
    """
    check_packing(packing)
    rings = bond_rings(packing.positions, packing.cutoff, box=packing.box)
    known = set(map(tuple, rings.pairs[rings.ring == n].tolist()))
    caps = map(tuple, packing.motifs.fold[n].caps.tolist())
    return float(100 * np.mean([pair in known for pair in caps] or [False]))


@kernel
def _common_rings(part, parts, positions, sides, offsets, indices, cutoff, common, ring):
    """Count the common neighbours of each pair and give n if they close a ring; pairs with i > j are left 0."""
    n = len(positions)
    begin, end = n * part // parts, n * (part + 1) // parts
    widest = 0
    for i in range(begin, end):
        widest = max(widest, offsets[i + 1] - offsets[i])
    vector = np.empty((widest, 3))
    bonded = np.zeros((widest, widest), np.bool_)
    shared = np.empty(widest, np.int64)
    for i in range(begin, end):
        start = offsets[i]
        size = offsets[i + 1] - start
        for m in range(size):
            for axis in range(3):
                vector[m, axis] = _nearest(positions[indices[start + m], axis] - positions[i, axis], sides[axis])
        for m in range(size):
            for k in range(m):
                square = 0.0
                for axis in range(3):
                    square += (vector[m, axis] - vector[k, axis]) ** 2
                bonded[m, k] = square <= cutoff * cutoff
                bonded[k, m] = bonded[m, k]
        for m in range(size):
            if indices[start + m] < i:
                continue
            count = np.int64(0)
            for k in range(size):
                if k != m and bonded[m, k]:
                    shared[count] = k
                    count += 1
            common[start + m] = count
            if count >= 3 and _is_cycle(bonded, shared, count):
                ring[start + m] = count


@kernel(inner=True)
def _is_cycle(bonded, members, count):
    """Whether the members, each bonded to two others, make one ring."""
    for m in range(count):
        degree = 0
        for k in range(count):
            degree += k != m and bonded[members[m], members[k]]
        if degree != 2:
            return False
    before = -1
    here = 0
    for steps in range(1, count + 1):
        ahead = -1
        for k in range(count):
            if k != here and k != before and bonded[members[here], members[k]]:
                ahead = k
                break
        if ahead == 0:
            return steps == count
        before = here
        here = ahead
    return False

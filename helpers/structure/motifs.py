"""Motifs: tetrahedra that share faces, in open rows (triplets) and in closed rings (bipyramids)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_mask, check_members, check_whole
from ..kernels import kernel
from ._ring_kernels import FOLDS, find_rings, make_stars, write_rings
from ._triplet_kernels import find_triplets

__all__ = ["FOLDS", "Bipyramids", "Motifs", "disordered_tetrahedra", "find_motifs"]


@dataclass(frozen=True, eq=False)
class Bipyramids:
    """Rings of n face-sharing tetrahedra around a common edge.

    Attributes
    ----------
    tetrahedra : (K, n) int64 array
        Rows of the tetrahedra, in order around the ring.
    caps : (K, 2) int64 array
        The two atoms that all n tetrahedra have in common, ascending.
    ring : (K, n) int64 array
        The other atoms in order: tetrahedron m holds ring atoms m and m + 1 (the last one: n - 1 and 0).
        A ring starts with its lowest atom and goes on to the lower of that atom's two neighbours.
    """

    tetrahedra: NDArray[np.int64]
    caps: NDArray[np.int64]
    ring: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of bipyramids."""
        return len(self.caps)

    @property
    def order(self) -> int:
        """Number n of tetrahedra in each ring."""
        return self.ring.shape[1]

    @property
    def atoms(self) -> NDArray[np.int64]:
        """(K, n + 2) all atoms: first the caps, then the ring."""
        return np.concatenate([self.caps, self.ring], axis=1)

    @property
    def highest_atom(self) -> int:
        """Highest number of an atom; -1 if there are no bipyramids."""
        return int(max(self.caps.max(initial=-1), self.ring.max(initial=-1)))

    def __getitem__(self, rows: ArrayLike) -> Bipyramids:
        """Return the bipyramids that a mask, a slice or an index array picks."""
        rows = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return Bipyramids(self.tetrahedra[rows], self.caps[rows], self.ring[rows])


@dataclass(frozen=True, eq=False)
class Motifs:
    """The polytetrahedral motifs of a set of tetrahedra.

    Attributes
    ----------
    triplets : (K, 3) int64 array
        Rows of three tetrahedra; the middle one shares a face with each of the others.
    fold : mapping from n (4 … 8) to Bipyramids
        The closed rings of n tetrahedra.
    count : int
        Number of tetrahedra that were searched.
    """

    triplets: NDArray[np.int64]
    fold: Mapping[int, Bipyramids]
    count: int

    def tetrahedra(self, n: int) -> NDArray[np.int64]:
        """(K, n) rows of the tetrahedra in each motif of n; n = 3 gives the triplets."""
        return self.triplets if n == 3 else self.fold[n].tetrahedra

    @property
    def counts(self) -> dict[int, int]:
        """How many motifs of each n there are, 3 (triplets) to 8."""
        return {n: len(self.tetrahedra(n)) for n in (3, *FOLDS)}

    def select(self, tetrahedra: ArrayLike, *, rule: str = "published") -> Motifs:
        """Return the motifs that belong to a region, given as a mask over tetrahedra.

        Parameters
        ----------
        tetrahedra : (M,) bool array
            True for the tetrahedra of the region, for example those of disordered atoms.
        rule : {"published", "stated"}
            "published": a motif belongs to the region if at least one of its tetrahedra does;
            "stated": if at least half of them do.
        """
        check_choice("rule", rule, ("published", "stated"))
        mask = check_mask(tetrahedra, self.count, name="tetrahedra")

        def keep(members: NDArray[np.int64]) -> NDArray[np.bool_]:
            inside = mask[members].sum(axis=1)
            return inside >= 1 if rule == "published" else 2 * inside >= members.shape[1]

        fold = {n: motif[keep(motif.tetrahedra)] for n, motif in self.fold.items()}
        return Motifs(self.triplets[keep(self.triplets)], fold, self.count)

    def fraction(self, tetrahedra: ArrayLike | None = None) -> dict[int, float]:
        """Fraction of the tetrahedra that are part of a motif of n, for n = 3 … 8.

        Each tetrahedron counts once for each n; as it can be part of several motifs, the sum may exceed 1.

        Parameters
        ----------
        tetrahedra : (M,) bool array, optional
            Count only these tetrahedra, above and below the line. NaN if there is none.
        """
        mask = check_mask(tetrahedra, self.count, name="tetrahedra")
        total = mask.sum()
        result = {}
        for n in (3, *FOLDS):
            part = np.zeros(self.count, bool)
            part[self.tetrahedra(n)] = True
            result[n] = float((part & mask).sum() / total) if total else float("nan")
        return result


def check_bipyramids(motif: object, *, name: str = "motif") -> None:
    """Refuse anything but `Bipyramids`, all motifs or their tetrahedra for instance."""
    if not isinstance(motif, Bipyramids):
        msg = f"{name} is a {type(motif).__name__}; expected one kind, such as motifs.fold[5]"
        raise TypeError(msg)


def find_motifs(tetrahedra: ArrayLike) -> Motifs:
    """Find how tetrahedra join by their faces: triplets and closed rings of four to eight.

    Parameters
    ----------
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron, as `find_tetrahedra` gives them.

    Returns
    -------
    Motifs
        In the order of their lowest tetrahedron (bipyramids) or middle one (triplets); empty if there are none.

    Raises
    ------
    ValueError
        If a row does not hold four different atoms, or two rows hold the same four.

    Notes
    -----
    *n-fold bipyramid*: a pair of capping atoms whose tetrahedra close a ring of n around their edge.

    *Triplet*: three tetrahedra in a row, the middle one sharing a face with the first and with the last,
    while these two share none; the first or the last has no further neighbour; and none of the three
    is part of a closed walk of four to eight tetrahedra, through shared faces, that visits none twice (the
    rings around an edge are such walks; there are a few others, around a gap).

    Every bipyramid is found from its lower capping atom among the tetrahedra of that atom alone, so the
    cost grows with the number of tetrahedra and atoms work in parallel.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "Polytetrahedral packing analysis".

    Examples
    --------
    Atoms 0 and 1 cap a ring of the atoms 2 to 6.

    >>> from helpers.structure import find_motifs
    >>> motifs = find_motifs([[0, 1, 2, 3], [0, 1, 3, 4], [0, 1, 4, 5], [0, 1, 5, 6], [0, 1, 2, 6]])
    >>> motifs.counts
    {3: 0, 4: 0, 5: 1, 6: 0, 7: 0, 8: 0}
    >>> motifs.fold[5].caps.tolist(), motifs.fold[5].ring.tolist()
    ([[0, 1]], [[2, 3, 4, 5, 6]])
    """
    rows = check_members(tetrahedra, None, 4, name="tetrahedra")
    if len(rows) == 0:
        empty = {n: Bipyramids(*(np.empty((0, width), np.int64) for width in (n, 2, n))) for n in FOLDS}
        return Motifs(np.empty((0, 3), np.int64), empty, 0)
    rows = _sorted_rows(rows)
    stars = make_stars(rows)
    rings, facing, overlapping = find_rings(stars, len(rows))
    del stars  # no longer needed, and as large as what is written now
    if overlapping >= 0:
        msg = (
            f"row {overlapping} of tetrahedra has a face in common with two others on the same side; "
            "expected tetrahedra that do not overlap"
        )
        raise ValueError(msg)
    triplets = find_triplets(facing, rings.in_ring)
    del facing
    return Motifs(triplets, {n: Bipyramids(*arrays) for n, arrays in write_rings(rows, rings).items()}, len(rows))


def disordered_tetrahedra(tetrahedra: ArrayLike, disordered: ArrayLike, *, least: int = 3) -> NDArray[np.bool_]:
    """Tell which tetrahedra belong to the disordered region of a sample.

    Parameters
    ----------
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    disordered : (N,) bool array
        True for atoms outside the crystal nuclei.
    least : int
        A tetrahedron is disordered if at least this many of its four atoms are.

    Returns
    -------
    (M,) bool array
    """
    mask = check_mask(disordered, None, name="disordered")
    rows = check_members(tetrahedra, len(mask), 4, name="tetrahedra")
    return mask[rows].sum(axis=1) >= check_whole("least", least)


def _sorted_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows ascending in themselves and checked to be four different atoms, no row twice."""
    if not (rows[:, 1:] > rows[:, :-1]).all():
        rows = np.sort(rows, axis=1)
        bad = np.flatnonzero((rows[:, 1:] == rows[:, :-1]).any(axis=1))
        if bad.size:
            msg = f"row {bad[0]} of tetrahedra holds an atom twice; expected four different atoms"
            raise ValueError(msg)
    if not _is_ascending(rows):
        in_order = rows[np.lexsort(rows.T[::-1])]
        if (in_order[1:] == in_order[:-1]).all(axis=1).any():
            msg = "tetrahedra holds the same four atoms twice; remove the duplicates"
            raise ValueError(msg)
    return rows


@kernel
def _is_ascending(rows):
    """Whether each row comes after the one before it."""
    for t in range(1, len(rows)):
        for corner in range(4):
            if rows[t, corner] != rows[t - 1, corner]:
                break
        if rows[t, corner] <= rows[t - 1, corner]:
            return False
    return True

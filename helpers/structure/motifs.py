"""Motifs: tetrahedra that share faces, in open rows (triplets) and in closed rings (bipyramids)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_mask, check_members, check_whole
from ..kernels import kernel

FOLDS = (4, 5, 6, 7, 8)  # rings that count as closed

_LONGEST = FOLDS[-1]
_CHUNK = 64  # atoms or tetrahedra that one thread takes in one go


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
    starts, star = _stars(rows)
    facing, overlapping = _face_neighbours(rows, starts, star)
    if overlapping >= 0:
        msg = (
            f"row {overlapping} of tetrahedra has a face in common with two others on the same side; "
            "expected tetrahedra that do not overlap"
        )
        raise ValueError(msg)
    fold = _find_rings(rows, facing)
    in_ring = np.zeros(len(rows), bool)
    for motif in fold.values():
        in_ring[motif.tetrahedra] = True
    return Motifs(_list_triplets(facing, _middles(facing, in_ring)), fold, len(rows))


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


def _find_rings(rows: NDArray[np.int64], facing: NDArray[np.int32]) -> dict[int, Bipyramids]:
    links = np.concatenate([rows, facing], axis=1, dtype=np.int32)  # what one step needs lies in one cache line
    lengths = _measure_rings(links).ravel()
    closed = np.flatnonzero(lengths)
    lengths = lengths[closed]
    return {n: Bipyramids(*_write_rings(links, closed[lengths == n], n)) for n in FOLDS}


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


@kernel
def _stars(rows):
    """Tetrahedra around each atom of which it is not the last corner, row by row."""
    highest = 0
    for t in range(len(rows)):
        highest = max(highest, rows[t, 3])
    starts = np.zeros(highest + 2, np.int64)
    for t in range(len(rows)):
        for corner in range(3):
            starts[rows[t, corner] + 1] += 1
    for a in range(len(starts) - 1):
        starts[a + 1] += starts[a]
    place = starts[:-1].copy()
    star = np.empty(starts[-1], np.int32)
    for t in range(len(rows)):
        for corner in range(3):
            a = rows[t, corner]
            star[place[a]] = t
            place[a] += 1
    return starts, star


@kernel(parallel=True)
def _face_neighbours(rows, starts, star):
    """Tetrahedron across the face opposite to each corner, -1 if none; and a row with an overfull face, or -1.

    Each face is looked up among the tetrahedra around its lowest atom, and by that atom alone.
    """
    n_atoms = len(starts) - 1
    facing = np.full((len(rows), 4), -1, np.int32)
    chunks = (n_atoms + _CHUNK - 1) // _CHUNK
    overfull = np.full(chunks, -1, np.int64)
    widest = 0
    for a in range(n_atoms):
        widest = max(widest, starts[a + 1] - starts[a])
    for chunk in prange(chunks):
        low = np.empty(3 * widest, np.int32)
        high = np.empty(3 * widest, np.int32)
        side = np.empty(3 * widest, np.int32)
        for a in range(chunk * _CHUNK, min(n_atoms, (chunk + 1) * _CHUNK)):
            size = 0
            for s in range(starts[a], starts[a + 1]):
                t = star[s]
                if rows[t, 0] == a:
                    first, last = 1, 4
                elif rows[t, 1] == a:
                    first, last = 0, 1
                else:
                    continue
                for corner in range(first, last):  # the corners opposite to the faces whose lowest atom is a
                    low[size] = rows[t, 2] if corner <= 1 else rows[t, 1]
                    high[size] = rows[t, 3] if corner <= 2 else rows[t, 2]
                    side[size] = 4 * s + corner
                    hit = -1
                    for m in range(size):
                        if low[m] == low[size] and high[m] == high[size]:
                            hit = m
                            break
                    if hit >= 0:
                        u = star[side[hit] // 4]
                        if facing[u, side[hit] % 4] >= 0:
                            overfull[chunk] = t
                        facing[u, side[hit] % 4] = t
                        facing[t, corner] = u
                    size += 1
    return facing, overfull.max()


@kernel(parallel=True)
def _measure_rings(links):
    """Tetrahedra in the ring around each of the six edges, told by the lowest of them alone, else 0."""
    chunks = (len(links) + _CHUNK - 1) // _CHUNK
    lengths = np.zeros((len(links), 6), np.int8)
    for chunk in prange(chunks):
        walk = np.empty(_LONGEST, np.int64)
        ring = np.empty(_LONGEST, np.int64)
        for t in range(chunk * _CHUNK, min(len(links), (chunk + 1) * _CHUNK)):
            edge = 0
            for back in range(3):
                for front in range(back + 1, 4):
                    if links[t, 4 + back] > t and links[t, 4 + front] > t:
                        n = _walk_round(links, t, back, front, walk, ring)
                        if n >= FOLDS[0]:
                            lengths[t, edge] = n
                    edge += 1
    return lengths


@kernel
def _walk_round(links, t, back, front, walk, ring):
    """Walk from t around the edge of its two corners other than `back` and `front`.

    A row of `links` holds the four atoms of a tetrahedron and the four tetrahedra opposite to them.
    Returns the number of tetrahedra if the ring closes with _LONGEST at most and t is the lowest of them, else 0.
    """
    a = -1
    b = -1
    for m in range(4):
        if m != back and m != front:
            a = links[t, m] if a < 0 else a
            b = links[t, m]
    here = t
    leave = back  # the atom opposite to the face through which the walk goes on
    for n in range(_LONGEST):
        walk[n] = here
        ring[n] = links[here, leave]
        ahead = links[here, 4 + leave]
        if ahead <= t:
            return n + 1 if ahead == t else 0
        pivot = -1  # the ring atom that both tetrahedra hold; it is left behind next
        for m in range(4):
            x = links[here, m]
            if m != leave and x != a and x != b:
                pivot = x
        leave = 3
        for m in range(3):
            if links[ahead, m] == pivot:
                leave = m
        here = ahead
    return 0


@kernel
def _write_rings(links, edges, n):
    """Tetrahedra, caps and ring atoms of the rings of n; an edge is 6 t + its place in _measure_rings."""
    tetrahedra = np.empty((len(edges), n), np.int64)
    caps = np.empty((len(edges), 2), np.int64)
    ring = np.empty((len(edges), n), np.int64)
    walk = np.empty(_LONGEST, np.int64)
    atoms = np.empty(_LONGEST, np.int64)
    for k in range(len(edges)):
        t, edge = edges[k] // 6, edges[k] % 6
        back = 0 if edge < 3 else (1 if edge < 5 else 2)
        front = edge + 1 if edge < 3 else (edge - 1 if edge < 5 else 3)
        _walk_round(links, t, back, front, walk, atoms)
        cap = 0
        for m in range(4):
            if m != back and m != front:
                caps[k, cap] = links[t, m]
                cap += 1
        _put_in_order(walk, atoms, n, tetrahedra[k], ring[k])
    return tetrahedra, caps, ring


@kernel
def _put_in_order(walk, atoms, n, tetrahedra, ring):
    """Copy a ring so that it starts with its lowest atom and goes on to the lower of that one's neighbours."""
    start = 0
    for m in range(1, n):
        if atoms[m] < atoms[start]:
            start = m
    forwards = atoms[(start + 1) % n] < atoms[start - 1 if start > 0 else n - 1]
    for m in range(n):
        if forwards:
            ring[m] = atoms[(start + m) % n]
            tetrahedra[m] = walk[(start + m) % n]
        else:
            ring[m] = atoms[(start - m + n) % n]
            tetrahedra[m] = walk[(start - m - 1 + n) % n]


@kernel(parallel=True)
def _middles(facing, in_ring):
    """For every tetrahedron six bits: which pairs of its four faces lead to the ends of a triplet."""
    bits = np.zeros(len(facing), np.uint8)
    chunks = (len(facing) + _CHUNK - 1) // _CHUNK
    for chunk in prange(chunks):
        reached = np.empty(1 + 4 * 40, np.int64)  # 1 + 4 + 12 + 36 + 108 tetrahedra at most four steps away
        label = np.empty(len(reached), np.int64)
        depth = np.empty(len(reached), np.int64)
        for t in range(chunk * _CHUNK, min(len(facing), (chunk + 1) * _CHUNK)):
            if in_ring[t]:
                continue
            own = -1  # whether t is part of a closed walk: not known yet
            bit = 0
            for i in range(4):
                u = facing[t, i]
                for j in range(i + 1, 4):
                    w = facing[t, j]
                    bit += 1
                    if u < 0 or w < 0 or in_ring[u] or in_ring[w] or _face_each_other(facing, u, w):
                        continue
                    if _has_further(facing, u, t) and _has_further(facing, w, t):
                        continue
                    end = u if _has_further(facing, u, t) else w
                    if own < 0:
                        own = _in_closed_walk(facing, t, reached, label, depth)
                    if own == 0 and not (
                        _has_further(facing, end, t) and _in_closed_walk(facing, end, reached, label, depth) == 1
                    ):
                        bits[t] |= np.uint8(1 << (bit - 1))
    return bits


@kernel
def _face_each_other(facing, t, u):
    return facing[t, 0] == u or facing[t, 1] == u or facing[t, 2] == u or facing[t, 3] == u


@kernel
def _has_further(facing, t, known):
    """Whether t shares a face with any tetrahedron but a known one."""
    others = 0
    for corner in range(4):
        others += facing[t, corner] >= 0 and facing[t, corner] != known
    return others > 0


@kernel
def _in_closed_walk(facing, t, reached, label, depth):
    """1 if some walk through faces comes back to t after 4 … 8 tetrahedra and visits none twice, else 0.

    Breadth first to half the longest walk, each tetrahedron labelled by the face of t through which it was
    reached first. Two neighbours with different labels, d and e steps away, close a walk of d + e + 1.
    """
    reached[0] = t
    label[0] = -1
    depth[0] = 0
    count = 1
    at = 0
    while at < count and depth[at] < _LONGEST // 2:
        for corner in range(4):
            u = facing[reached[at], corner]
            if u < 0 or u == t:
                continue
            seen = -1
            for m in range(1, count):
                if reached[m] == u:
                    seen = m
                    break
            if seen < 0:
                reached[count] = u
                label[count] = corner if at == 0 else label[at]
                depth[count] = depth[at] + 1
                count += 1
            elif at > 0 and label[seen] != label[at]:
                steps = depth[seen] + depth[at] + 1
                if FOLDS[0] <= steps <= _LONGEST:
                    return 1
        at += 1
    return 0


@kernel
def _list_triplets(facing, bits):
    """(first, middle, last) of each triplet, first < last."""
    count = 0
    for t in range(len(bits)):
        for bit in range(6):
            count += (bits[t] >> bit) & 1
    triplets = np.empty((count, 3), np.int64)
    row = 0
    for t in range(len(bits)):
        bit = 0
        if bits[t] == 0:
            continue
        for i in range(4):
            for j in range(i + 1, 4):
                if (bits[t] >> bit) & 1:
                    triplets[row, 0] = min(facing[t, i], facing[t, j])
                    triplets[row, 1] = t
                    triplets[row, 2] = max(facing[t, i], facing[t, j])
                    row += 1
                bit += 1
    return triplets

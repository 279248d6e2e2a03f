"""Neighbours of every atom within a cutoff, found once and handed to every analysis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_positive
from ..digits import counted
from ..memory import check_memory
from . import _pair_kernels

if TYPE_CHECKING:
    from ase import Atoms

_PAIR_BYTES = 12  # of an index and a distance
_LITTLE = 16e6  # bytes for which it takes too long to ask how many are free


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Every pair of atoms no farther apart than `cutoff`, stored row by row.

    The neighbours of atom i are ``indices[offsets[i]:offsets[i + 1]]``, in ascending order and without
    i itself. Both directions are stored: if j is in row i, i is in row j at the same distance.

    Attributes
    ----------
    offsets : (N + 1,) int64 array
        Where each atom's row starts.
    indices : (M,) int32 array
        The neighbours, row after row.
    distances : (M,) float64 array
        Their distances [Å].
    cutoff : float
        Largest distance [Å]; a pair at exactly this distance counts.
    box : (3,) float64 array or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    """

    offsets: NDArray[np.int64]
    indices: NDArray[np.int32]
    distances: NDArray[np.float64]
    cutoff: float
    box: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(N,) number of neighbours of every atom."""
        return np.diff(self.offsets)

    @property
    def pairs(self) -> NDArray[np.int32]:
        """(M, 2) atoms i and j of every stored pair, in both directions, sorted."""
        first = np.repeat(np.arange(len(self), dtype=np.int32), self.counts)
        return np.column_stack([first, self.indices])

    @property
    def shortest(self) -> float:
        """Smallest distance between two atoms [Å]; infinity if no pair is within the cutoff."""
        return float(self.distances.min()) if len(self.distances) else float("inf")

    def of(self, atom: int) -> NDArray[np.int32]:
        """Return the neighbours of one atom, in ascending order."""
        if not -len(self) <= atom < len(self):
            msg = f"atom={atom} is not among the {counted(len(self), 'atom')}; expected 0 to {len(self) - 1}"
            raise IndexError(msg)
        atom %= len(self)
        return self.indices[self.offsets[atom] : self.offsets[atom + 1]]

    def closer_than(self, distance: float) -> NDArray[np.int32]:
        """Return the pairs i < j, (K, 2), whose distance is below `distance` [Å].

        Use it to find atoms that coincide, or that lie nearer than atoms can: such pairs are kept in
        the list, at the distance they have.
        """
        pairs = self.pairs[self.distances < distance]
        return pairs[pairs[:, 0] < pairs[:, 1]]

    def within(self, cutoff: float) -> Neighbours:
        """Return the same list cut down to a smaller cutoff [Å]."""
        cutoff = check_positive("cutoff", cutoff)
        if cutoff > self.cutoff:
            msg = (
                f"cutoff={cutoff:g} Å exceeds that of the neighbour list ({self.cutoff:g} Å); "
                "find the neighbours again with the larger cutoff"
            )
            raise ValueError(msg)
        keep = self.distances <= cutoff
        kept_before = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        return Neighbours(kept_before[self.offsets], self.indices[keep], self.distances[keep], cutoff, self.box)


def neighbours(positions: Atoms | ArrayLike, cutoff: float, box: ArrayLike | None = None) -> Neighbours:
    """Find every pair of atoms no farther apart than a cutoff.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å]. With a box they may lie anywhere: they are wrapped into it.
    cutoff : float
        Largest distance of a pair [Å]; a pair at exactly this distance counts.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.

    Returns
    -------
    Neighbours
        The list in compressed rows, both directions of every pair, no atom its own neighbour.

    Raises
    ------
    ValueError
        If positions are not finite (N, 3), or the cutoff is not positive or exceeds half the box.
    MemoryError
        If the pairs do not fit into memory; that is estimated before they are counted.

    Notes
    -----
    Atoms are sorted into cells not smaller than the cutoff allows, counted, then written: time and
    memory grow with the number of atoms and of pairs alone, also when a few atoms lie far away. In a
    box every pair is taken once, at its nearest image. Atoms at the same place are neighbours at
    distance 0; `Neighbours.shortest` and `Neighbours.closer_than` show them.

    Examples
    --------
    >>> from helpers.geometry.neighbours import neighbours
    >>> found = neighbours([[0, 0, 0], [3, 0, 0], [9, 0, 0]], 4.0)
    >>> found.counts.tolist(), found.of(0).tolist()
    ([1, 1, 0], [1])
    >>> neighbours([[0, 0, 0], [3, 0, 0], [9, 0, 0]], 4.0, box=10.0).of(0).tolist()
    [1, 2]
    """
    positions, lengths = as_positions(positions, box)
    cutoff = check_positive("cutoff", cutoff)
    check_box(lengths, cutoff=cutoff)
    if len(positions) >= 2**31 - 1:
        msg = f"positions holds {len(positions)} atoms; expected fewer than {2**31 - 1}"
        raise ValueError(msg)
    cells = _pair_kernels.build(positions, cutoff, lengths)
    expected = _pair_kernels.expected_pairs(cells)
    if _PAIR_BYTES * expected > _LITTLE:
        check_memory(
            _PAIR_BYTES * expected,
            what=f"about {expected:.2g} pairs of {len(positions):,} atoms within {cutoff:g} Å",
            instead="lower the cutoff, or take fewer atoms",
        )
    offsets = np.concatenate([[0], np.cumsum(_pair_kernels.count(cells))])
    indices = np.empty(offsets[-1], dtype=np.int32)
    distances = np.empty(offsets[-1])
    _pair_kernels.fill(cells, offsets, indices, distances)
    return Neighbours(offsets, indices, distances, cutoff, lengths)


def resolve_neighbours(
    positions: NDArray[np.float64],
    *,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    neighbours: Neighbours | None = None,
) -> Neighbours:
    """Return the neighbour list that an analysis was given, or find it.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    cutoff : float, optional
        Largest distance [Å]. With a given list it may be smaller than the list's own.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    neighbours : Neighbours, optional
        A list found before; used instead of searching again.

    Raises
    ------
    ValueError
        If neither cutoff nor list is given, or the list belongs to other atoms or another box.
    """
    if neighbours is None:
        if cutoff is None:
            msg = "neither cutoff nor neighbours is given; pass a cutoff [Å] or a neighbour list"
            raise ValueError(msg)
        return _find(positions, cutoff, box)
    if not isinstance(neighbours, Neighbours):
        msg = f"neighbours is a {type(neighbours).__name__}; expected the result of structure.neighbours"
        raise TypeError(msg)
    if len(neighbours) != len(positions):
        msg = (
            f"neighbours lists {counted(len(neighbours), 'atom')} but positions holds {len(positions)}; "
            "find the neighbours of these positions"
        )
        raise ValueError(msg)
    lengths = check_box(box)
    if lengths is not None and (neighbours.box is None or not np.array_equal(lengths, neighbours.box)):
        msg = (
            f"box={lengths.tolist()} differs from the box of the neighbour list "
            f"({None if neighbours.box is None else neighbours.box.tolist()}); find the neighbours in this box"
        )
        raise ValueError(msg)
    return neighbours if cutoff is None or cutoff == neighbours.cutoff else neighbours.within(cutoff)


_find = neighbours  # `neighbours` is also the name of the option above

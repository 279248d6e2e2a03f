"""Chemical short-range order: which elements an atom has as neighbours, compared with chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions, is_atoms
from ..checks import check_elements, check_mask, check_whole
from ..geometry.neighbours import Neighbours, resolve_neighbours

if TYPE_CHECKING:
    from ase import Atoms


_MOST_SHUFFLES = 10_000


@dataclass(frozen=True, eq=False)
class ChemicalOrder:
    """Neighbours by element.

    Attributes
    ----------
    elements : list of str
        Chemical symbols in alphabetical order, E of them: rows and columns of the arrays.
    counts : (E,) array of int
        Atoms of each element whose neighbours were counted.
    coordination : (E, E) array
        Mean number of neighbours of the column's element around an atom of the row's.
    order : (E, E) array
        Warren-Cowley parameter α: 0 where the column's element is as frequent around the row's as in the whole sample,
        below 0 where it is more frequent, 1 where it is absent. NaN for a row without neighbours.
    chance : (E, E) array
        Root mean square of α where the elements are shuffled among the same places; of an α of this size nothing can be
        said. NaN without shuffles.
    """

    elements: list[str]
    counts: NDArray[np.int64]
    coordination: NDArray[np.float64]
    order: NDArray[np.float64]
    chance: NDArray[np.float64]


def chemical_order(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    *,
    box: ArrayLike | None = None,
    elements: Sequence[str] | None = None,
    centres: ArrayLike | None = None,
    neighbours: Neighbours | None = None,
    shuffles: int = 50,
    seed: int = 0,
) -> ChemicalOrder:
    """Count the neighbours of each element around each element, and compare with chance.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its elements and its box, or atom positions [Å].
    cutoff : float
        Farthest neighbour [Å], as a rule the first valley of the pair distribution.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    elements : sequence of str, optional
        Chemical symbol of each atom, where positions are given as an array.
    centres : (N,) bool array, optional
        Atoms whose neighbours are counted, for instance the disordered ones; default: all.
    neighbours : Neighbours, optional
        A list found before, instead of (or, if it reaches farther, along with) `cutoff`.
    shuffles : int
        How often the elements are shuffled for `chance`; 0: never.
    seed : int
        Of the shuffles.

    Returns
    -------
    ChemicalOrder
        `elements`, `counts`, `coordination`, `order` and `chance`.

    Raises
    ------
    ValueError
        If an array of positions came without elements, they are not one for each atom, or neither cutoff nor neighbours
        is given or they do not fit the positions.

    Notes
    -----
    With Z_ab neighbours of element b around an atom of a, Z_a = Σ_b Z_ab of any element and c_b the share of b among
    all atoms,

        α_ab = 1 - Z_ab / (c_b Z_a).

    Σ_b c_b α_ab = 0 for every a. If all atoms have equally many neighbours, α_ab = α_ba. Atoms at a surface have fewer
    neighbours, which changes Z but hardly the shares of which α is made, as long as the surface has the composition
    of the whole.

    References
    ----------
    J. M. Cowley, Phys. Rev. 77, 669 (1950), doi:10.1103/PhysRev.77.669, equation 1.

    Examples
    --------
    In CsCl, all eight nearest neighbours are of the other element:

    >>> from ase.build import bulk
    >>> from helpers.structure import chemical_order
    >>> found = chemical_order(bulk("CsCl", "cesiumchloride", 4.12, cubic=True).repeat(4), 3.9)
    >>> found.elements, found.coordination.tolist(), found.order.tolist()
    (['Cl', 'Cs'], [[0.0, 8.0], [8.0, 0.0]], [[1.0, -1.0], [-1.0, 1.0]])
    """
    places, lengths = as_positions(positions, box)
    if elements is None and is_atoms(positions):
        elements = positions.get_chemical_symbols()
    if elements is None:
        msg = "positions came as an array and elements=None; expected the chemical symbol of each atom"
        raise ValueError(msg)
    names, kinds = np.unique(check_elements(elements, len(places), name="elements"), return_inverse=True)
    counted = check_mask(centres, len(places), name="centres")
    shuffles = check_whole("shuffles", shuffles)
    if shuffles > _MOST_SHUFFLES:
        msg = f"shuffles={shuffles}; expected at most {_MOST_SHUFFLES:,}, of which a hundred are enough"
        raise ValueError(msg)
    near = resolve_neighbours(places, cutoff=cutoff, box=lengths, neighbours=neighbours)
    starts = np.repeat(np.arange(len(places)), near.counts)
    kept = counted[starts]
    bonds = starts[kept], near.indices[kept]
    pairs = _count(kinds, *bonds, len(names))
    shares = np.bincount(kinds, minlength=len(names)) / len(kinds)
    counts = np.bincount(kinds[counted], minlength=len(names))
    chance = np.full(pairs.shape, np.nan)
    if shuffles:
        random = np.random.default_rng(check_whole("seed", seed))
        drawn = [_order(_count(random.permutation(kinds), *bonds, len(names)), shares) for _ in range(shuffles)]
        chance = np.sqrt(np.mean(np.square(drawn), axis=0))
    each = np.divide(pairs, counts[:, None], out=np.zeros(pairs.shape), where=counts[:, None] > 0)
    return ChemicalOrder(names.tolist(), counts, each, _order(pairs, shares), chance)


def _count(kinds: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """Count bonds by the elements at their start and end."""
    return np.bincount(kinds[start] * size + kinds[end], minlength=size * size).reshape(size, size)


def _order(pairs: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    even = pairs.sum(axis=1)[:, None] * shares
    return 1 - np.divide(pairs, even, out=np.full(pairs.shape, np.nan), where=even > 0)

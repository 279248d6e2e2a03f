"""Polytetrahedral packing: from positions to the motifs of the disordered region, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_mask, check_positive, looked_at
from ..geometry.boxes import wrap
from ..geometry.crowding import filled_box, keep_apart, look_over, warn_of_close_pairs
from ..geometry.neighbours import neighbours
from .bond_order import bond_order
from .filled_space import fill_tetrahedra
from .mass_density import DensityGrid
from .motifs import Motifs, disordered_tetrahedra, find_motifs
from .nuclei import find_nuclei
from .pair_distribution import pair_distribution
from .tetrahedra import find_tetrahedra

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class Packing:
    """The polytetrahedral packing of a model.

    Attributes
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    box : (3,) array or None
        Edge lengths of the periodic box [Å].
    cutoff : float
        Distance of the first valley [Å].
    delta : float
        Largest distortion of a tetrahedron.
    order : (N,) array
        Normalised bond order.
    disordered : (N,) bool array
        True for atoms outside the crystal nuclei.
    tetrahedra : (M, 4) int array
        All tetrahedra, as `find_tetrahedra` gives them.
    inside : (M,) bool array
        True for the tetrahedra of the disordered region.
    all_motifs : Motifs
        The motifs of the whole model.
    rule : str
        Which motifs belong to the disordered region, see `Motifs.select`.
    """

    positions: NDArray[np.float64]
    box: NDArray[np.float64] | None
    cutoff: float
    delta: float
    order: NDArray[np.float64]
    disordered: NDArray[np.bool_]
    tetrahedra: NDArray[np.int64]
    inside: NDArray[np.bool_]
    all_motifs: Motifs
    rule: str = "published"

    @cached_property
    def motifs(self) -> Motifs:
        """Motifs of the disordered region."""
        return self.all_motifs.select(self.inside, rule=self.rule)

    @property
    def tetrahedral_atoms(self) -> float:
        """Share of the disordered atoms that are corners of a tetrahedron, 0 … 1; NaN if there are none."""
        return share_of_atoms(self.tetrahedra, self.disordered)

    @property
    def fraction(self) -> dict[int, float]:
        """Share of the tetrahedra of the disordered region that are in a motif of n, for n = 3 … 8."""
        return self.motifs.fraction(self.inside)

    @property
    def in_main_motifs(self) -> NDArray[np.bool_]:
        """(M,) True for tetrahedra of the disordered region in a triplet or a four-, five- or six-fold bipyramid."""
        members = np.concatenate([self.motifs.tetrahedra(n).ravel() for n in (3, 4, 5, 6)])
        return self.inside & np.isin(np.arange(len(self.inside)), members)


def polytetrahedral_packing(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    delta: float = 0.255,
    *,
    box: ArrayLike | None = None,
    threshold: float = 0.5,
    rule: str = "published",
    disordered: ArrayLike | None = None,
) -> Packing:
    """Find the tetrahedra and motifs of a model and tell which belong to its disordered region.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float, optional
        First valley of the pair distribution [Å]; found from the model by default.
    delta : float
        Largest distortion of a tetrahedron.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å], where positions are given as an array.
    threshold : float
        Normalised bond order above which atoms may be crystal.
    rule : {"published", "stated"}
        Which motifs belong to the disordered region, see `Motifs.select`.
    disordered : (N,) bool array, optional
        True for disordered atoms, where that is known; all True keeps crystals in.

    Returns
    -------
    Packing

    Raises
    ------
    ValueError
        As `find_tetrahedra` and `find_nuclei`; if no cutoff is given, as `first_valley` too.

    Warns
    -----
    VacuumWarning
        If the box is not full of atoms: the packing is then that of a finite sample, without a box; of a slab or a
        wire, with a box that is longer where it is empty.
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "Polytetrahedral packing analysis".

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.structure import polytetrahedral_packing
    >>> turn = 2 * np.pi * np.arange(5) / 5
    >>> ring = np.column_stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 0 * turn])
    >>> found = polytetrahedral_packing([[0, 0, 1.4], [0, 0, -1.4], *ring], cutoff=3.0)
    >>> found.motifs.counts[5], found.tetrahedral_atoms
    (1, 1.0)
    """
    places, lengths = as_positions(positions, box, minimum=4)
    stated = cutoff is not None
    places, lengths = filled_box(places, lengths) if stated else look_over(places, lengths)
    if cutoff is None:  # after a look at pairs that may leave no valley to be found
        with looked_at():
            cutoff = round(pair_distribution(places, box=lengths).first_valley, 2)
    cutoff = check_positive("cutoff", cutoff)
    check_box(lengths, cutoff=cutoff)
    near = neighbours(places, cutoff, lengths)
    if stated and not keep_apart(near):
        warn_of_close_pairs(places, lengths)
    with looked_at():
        order = bond_order(places, neighbours=near).normalised
        if disordered is None:
            outside = ~find_nuclei(places, order, threshold=threshold, box=lengths)
        else:
            outside = check_mask(disordered, len(places), name="disordered")
        rows = find_tetrahedra(places, cutoff, delta, lengths, neighbours=near)
    inside = disordered_tetrahedra(rows, outside)
    return Packing(places, lengths, cutoff, float(delta), order, outside, rows, inside, find_motifs(rows), rule)


def packed_region(
    packing: Packing, grid: DensityGrid, tetrahedra: ArrayLike | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which points of a density map lie in tetrahedra, and which belong to the disordered region.

    Parameters
    ----------
    packing : Packing
        The packing of the model that the map is of.
    grid : DensityGrid
        The map, from `mass_density`.
    tetrahedra : (M,) bool array, optional
        Which tetrahedra count; those of the disordered region by default.

    Returns
    -------
    packed : bool array of the shape of the map
        True for points within one of the tetrahedra.
    region : bool array of the shape of the map
        True for points inside the sample whose nearest atom is disordered.
    """
    from scipy.spatial import cKDTree

    check_packing(packing)
    mask = packing.inside if tetrahedra is None else check_mask(tetrahedra, packing.inside.shape, name="tetrahedra")
    packed = fill_tetrahedra(packing.positions, packing.tetrahedra[mask], grid, box=packing.box)
    region = grid.inside.copy()
    points = grid.origin + grid.spacing * np.argwhere(region)
    atoms, points = wrap(packing.positions, packing.box), wrap(points, packing.box)
    nearest = cKDTree(atoms, boxsize=packing.box).query(points, workers=-1)[1]
    region[region] = packing.disordered[nearest]
    return packed, region


def check_packing(packing: object) -> None:
    """Refuse anything but a `Packing`, positions for instance."""
    if not isinstance(packing, Packing):
        msg = f"packing is a {type(packing).__name__}; expected what polytetrahedral_packing returns"
        raise TypeError(msg)


def share_of_atoms(tetrahedra: NDArray[np.int64], disordered: NDArray[np.bool_]) -> float:
    """Return the share of the disordered atoms that are corners of one of the tetrahedra; NaN if there are none."""
    corner = np.zeros(len(disordered), bool)
    corner[tetrahedra] = True
    return float(corner[disordered].mean()) if disordered.any() else float("nan")

"""A model with what the structure analysis says of each atom, for programs that show and read atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from .motifs import Motifs
from .networks import find_networks
from .packing import Packing, polytetrahedral_packing
from .voronoi import voronoi

if TYPE_CHECKING:
    from ase import Atoms

_MOTIFS = (3, 4, 5, 6)


def describe_atoms(
    model: Atoms, packing: Packing | None = None, *, cutoff: float | None = None, min_size: int = 5
) -> Atoms:
    """Return a model with columns for its structure, which `helpers.store.save_atoms` writes as extended XYZ.

    ASE gives the columns as ``atoms.arrays``, OVITO as particle properties.

    Parameters
    ----------
    model : ase.Atoms
        A model with its box; never changed.
    packing : Packing, optional
        What `polytetrahedral_packing` found in it; found anew by default.
    cutoff : float, optional
        First valley of the pair distribution [Å]; found from the model by default.
    min_size : int
        Fewest bipyramids that make a network.

    Returns
    -------
    ase.Atoms
        A copy with the columns

        - ``order``: normalised bond order, about 1 in fcc; −1 for an atom without neighbours
        - ``nucleus``: 1 for atoms of crystal nuclei
        - ``coordination``: faces of the Voronoi polyhedron; −1 where it is open
        - ``voronoi_index``: its faces with three, four, five and six edges; −1 where it is open
        - ``tetrahedra``: tetrahedra that the atom is a corner of
        - ``motifs``: triplets and four-, five- and six-fold bipyramids of the disordered region that it is in
        - ``network``: number of the largest network of pentagonal bipyramids that it is in, from 1; 0 for none

    Raises
    ------
    TypeError
        If `model` is no ASE model.
    ValueError
        If `packing` is of another number of atoms; as `polytetrahedral_packing`.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from helpers.structure import describe_atoms
    >>> atoms = describe_atoms(bulk("Cu", cubic=True) * (5, 5, 5), cutoff=3.1)
    >>> int(atoms.arrays["coordination"][0]), atoms.arrays["voronoi_index"][0].tolist()
    (12, [0, 12, 0, 0])
    """
    if not hasattr(model, "arrays"):
        msg = f"model is a {type(model).__name__}; expected ase.Atoms, such as load_sample(…).model()"
        raise TypeError(msg)
    found = polytetrahedral_packing(model, cutoff) if packing is None else packing
    if len(found.positions) != len(model):
        msg = (
            f"packing is of {counted(len(found.positions), 'atom')} but model holds {len(model)}; expected "
            "that of the model"
        )
        raise ValueError(msg)
    cells = voronoi(model)
    atoms = model.copy()
    atoms.arrays.update(
        order=np.where(np.isfinite(found.order), found.order, -1.0),
        nucleus=(~found.disordered).astype(np.int64),
        coordination=np.where(cells.closed, cells.coordination, -1),
        voronoi_index=np.where(cells.closed[:, None], cells.indices, -1),
        tetrahedra=np.bincount(found.tetrahedra.ravel(), minlength=len(atoms)),
        motifs=_count_motifs(found.motifs, found.tetrahedra, len(atoms)),
        network=_number_networks(found, min_size),
    )
    return atoms


def _count_motifs(motifs: Motifs, tetrahedra: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many motifs of each kind every atom is in."""
    columns = []
    for n in _MOTIFS:
        atoms = np.sort(tetrahedra[motifs.tetrahedra(n)].reshape(-1, 4 * n), axis=1)
        first = np.ones(atoms.shape, bool)
        first[:, 1:] = atoms[:, 1:] != atoms[:, :-1]
        columns.append(np.bincount(atoms[first], minlength=count))
    return np.column_stack(columns)


def _number_networks(packing: Packing, min_size: int) -> NDArray[np.int64]:
    """Return the number of the largest network that every atom is in: 1 for the largest of all, 0 for none."""
    number = np.zeros(len(packing.positions), np.int64)
    networks = find_networks(packing.motifs.fold[5], min_size) if 5 in packing.motifs.fold else []
    for place in range(len(networks), 0, -1):  # the largest last
        number[networks[place - 1].atoms] = place
    return number

"""Boundaries of a model: where its box goes on, and what is lost where a sample counts as finite."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .arrays import axes_in_words
from .checks import VacuumWarning

if TYPE_CHECKING:
    from ase import Atoms

_FULLEST_SHARE, _FULLEST_GAP = 0.2, 5.0  # stretch without atoms up to which they fill an edge: share, or [Å]


def empty_shares(model: Atoms) -> NDArray[np.float64]:
    """Return the widest stretch of each edge of a model's cell that holds no atom, as a share of the edge.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from helpers._boundaries import empty_shares
    >>> slab = bulk("Cu", "fcc", 3.6, cubic=True).repeat(4)
    >>> slab.set_cell([14.4, 14.4, 28.8])
    >>> empty_shares(slab).round(3).tolist()
    [0.125, 0.125, 0.562]
    """
    along = np.sort(model.get_scaled_positions(wrap=True), axis=0)
    return np.diff(along, axis=0, append=along[:1] + 1).max(axis=0)


def filled_axes(model: Atoms) -> NDArray[np.bool_]:
    """Tell along which edges of its cell the atoms of a model leave no vacuum.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from helpers._boundaries import filled_axes
    >>> filled_axes(bulk("NaCl", "rocksalt", 5.64, cubic=True)).tolist()  # planes of atoms 2.82 Å apart
    [True, True, True]
    """
    shares = empty_shares(model)
    heights = 1 / np.linalg.norm(model.cell.reciprocal().array, axis=1)
    filled: NDArray[np.bool_] = (shares <= _FULLEST_SHARE) | (shares * heights <= _FULLEST_GAP)
    return filled


def settle(atoms: Atoms, kind: str, *, sample: str, path: Path) -> Atoms:
    """Give a model the boundaries of its sample's kind, for files often do not know them.

    Raises
    ------
    ValueError
        If the sample is ``"bulk"`` and the file has no periodic box.

    Warns
    -----
    VacuumWarning
        If the file joins the atoms through the faces of a box that they fill, and the kind makes them finite.
    """
    if kind == "bulk":
        if atoms.cell.rank < 3:
            msg = f'{path.name} has no periodic box but {sample!r} has kind = "bulk"; add it, or correct kind'
            raise ValueError(msg)
        atoms.pbc = True
        return atoms
    if atoms.pbc.any() and atoms.cell.rank == 3 and len(atoms) > 1:
        joined = atoms.pbc & filled_axes(atoms)
        if joined.any():
            repeated = "repeat it there (atoms.repeat of ASE) so that fewer atoms lie at them"
            warnings.warn(
                f"{path.name} goes on periodically along {axes_in_words(joined)}, but {sample!r} has kind = {kind!r} "
                "and is taken to be finite, with edges there whose atoms lack neighbours; "
                + ('state kind = "bulk"' if joined.all() else repeated),
                VacuumWarning,
                stacklevel=4,
            )
    atoms.pbc = False
    return atoms

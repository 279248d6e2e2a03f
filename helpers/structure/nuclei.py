"""Crystal nuclei: ordered atoms that have enough ordered company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_number, check_numbers, check_positive
from ..geometry.neighbours import neighbours

if TYPE_CHECKING:
    from ase import Atoms

RADIUS = 8.0  # of the company of an atom [Å]


def find_nuclei(
    positions: Atoms | ArrayLike,
    order: ArrayLike,
    *,
    threshold: float = 0.5,
    radius: float | None = None,
    crowd: int = 13,
    support: int = 2,
    box: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Tell which atoms belong to crystal nuclei.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    order : (N,) array
        Normalised bond orientational order of every atom, from `bond_order`; NaN counts as disordered.
    threshold : float
        An atom is ordered if its order exceeds this.
    radius : float, optional
        How far the company of an atom reaches [Å]; by default 8 Å, or half of a box narrower than 16 Å.
    crowd : int
        Ordered atoms, itself counted, that an ordered atom needs within `radius`; 1 asks for none.
    support : int
        Kept atoms within `radius` that bring an ordered atom back although its own company is too small;
        0 keeps every ordered atom.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; None for a finite sample.

    Returns
    -------
    (N,) boolean array
        True for atoms of nuclei. All others are disordered.

    Raises
    ------
    ValueError
        If there is not one order an atom, or an option is out of range.

    Notes
    -----
    Three steps: ordered atoms are those above the threshold; an ordered atom in a company of fewer than
    `crowd` is set aside, which removes single atoms and specks that are ordered by chance; one that was set
    aside returns if at least `support` of the kept atoms are in its company, which restores the rims of
    nuclei. The paper states the threshold alone; the two further steps are those that give its numbers of
    crystal atoms.

    Examples
    --------
    Atoms 1, 2 and 3 have company; atom 0 is near two of them and returns, atom 5 is near one and does not:

    >>> from helpers.structure import find_nuclei
    >>> line = [(3.0 * i, 0, 0) for i in range(6)]
    >>> find_nuclei(line, [0.9, 0.9, 0.9, 0.9, 0.2, 0.9], crowd=4).tolist()
    [True, True, True, True, False, False]
    """
    positions, lengths = as_positions(positions, box, minimum=0)
    order = check_numbers(order, name="order", finite=False, expected="one order for each atom")
    if order.shape != (len(positions),):
        msg = f"order has shape {order.shape}; expected ({len(positions)},), one value an atom"
        raise ValueError(msg)
    if radius is None:
        radius = RADIUS if lengths is None else min(RADIUS, float(lengths.min()) / 2)
    radius = check_positive("radius", radius)
    check_box(lengths, cutoff=radius, name="radius")
    threshold = check_number("threshold", threshold)
    crowd, support = int(check_number("crowd", crowd, low=1)), int(check_number("support", support, low=0))
    nuclei = order > threshold
    ordered = np.flatnonzero(nuclei)
    if ordered.size == 0:
        return nuclei
    company = neighbours(positions[ordered], radius, lengths)
    kept = company.counts + 1 >= crowd
    kept_near = np.concatenate([[0], np.cumsum(kept[company.indices])])
    kept_near = kept_near[company.offsets[1:]] - kept_near[company.offsets[:-1]]
    nuclei[ordered] = kept | (kept_near >= support)
    return nuclei

"""Which elements motifs, networks and nuclei are made of, compared with chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_elements, check_mask, check_numbers
from ..digits import counted
from .motifs import Bipyramids, check_bipyramids


@dataclass(frozen=True, eq=False)
class ElementShares:
    """Which share of some places the atoms of each element hold.

    Attributes
    ----------
    elements : list of str
        Chemical symbols in alphabetical order, E of them.
    share : (E,) array
        Of the places, 0 … 1; NaN if there are none.
    even : (E,) array
        Share of each element among the atoms: what chance gives on average; NaN if there are no atoms.
    scatter : (E,) array
        Standard deviation of `share` by chance, where the elements are shuffled among the same atoms; NaN for fewer
        than two atoms, and if there are no places.
    """

    elements: list[str]
    share: NDArray[np.float64]
    even: NDArray[np.float64]
    scatter: NDArray[np.float64]


def element_shares(elements: Sequence[str], times: ArrayLike, *, among: ArrayLike | None = None) -> ElementShares:
    """Tell which elements hold the places of some structure, and which would by chance.

    Parameters
    ----------
    elements : sequence of str
        Chemical symbol of each of N atoms.
    times : (N,) array
        How often each atom takes part: a mask, as of the atoms in crystal nuclei, or how many bipyramids it caps.
    among : (N,) bool array, optional
        Atoms that could take part, whose composition is that of chance; default: all.

    Returns
    -------
    ElementShares
        `elements`, `share`, `even` and `scatter`.

    Raises
    ------
    ValueError
        If the arrays do not hold one entry for each atom, an entry of `times` is below zero, or one of an atom outside
        `among` is above zero.

    Notes
    -----
    Of M atoms with w_i places each and W = Σ w_i, let c be the share of an element among the atoms. If the elements are
    dealt to the same atoms by chance, its share of the places is c on average, and its variance is that of drawing
    without replacement,

        c (1 - c) (M Σ w_i² / W² - 1) / (M - 1).

    An atom in many motifs thus counts as one draw of much weight, not as many draws. Whether an atom takes part may
    depend on where it lies: if an element prefers the surface, where motifs are fewer, it has a lower share without any
    preference of the motifs for it. `among` leaves out the atoms that cannot take part at all.

    Examples
    --------
    >>> from helpers.structure import element_shares
    >>> found = element_shares(["Cu", "Cu", "Zr", "Zr"], [1, 1, 0, 0])
    >>> found.elements, found.share.tolist(), found.even.tolist(), found.scatter.round(4).tolist()
    (['Cu', 'Zr'], [1.0, 0.0], [0.5, 0.5], [0.2887, 0.2887])
    """
    weights = check_numbers(times, name="times", expected="a number for each atom")
    if weights.ndim != 1 or (weights < 0).any():
        msg = f"times has shape {weights.shape} and holds {weights.min(initial=0):g}; expected (N,) of at least 0"
        raise ValueError(msg)
    symbols = check_elements(elements, len(weights), name="elements", beside="times")
    could = check_mask(among, len(weights), name="among")
    if weights[~could].any():
        count = int(np.count_nonzero(weights[~could]))
        msg = f"times is above zero for {counted(count, 'atom')} outside among; expected none there"
        raise ValueError(msg)
    names, kinds = np.unique(np.asarray(symbols, dtype=str), return_inverse=True)
    most = weights.max(initial=0)
    weights, kinds = weights[could] / (1.0 if most < 1e100 else most), kinds[could]  # no square overflows
    atoms, places = len(weights), weights.sum() or np.nan
    even = np.bincount(kinds, minlength=len(names)) / (atoms or np.nan)
    share = np.bincount(kinds, weights, minlength=len(names)) / places
    unequal = np.maximum(atoms * np.square(weights).sum() - places**2, 0)  # exact where the weights are whole
    variance = even * (1 - even) * unequal / places**2 / (atoms - 1 if atoms > 1 else np.nan)
    return ElementShares(names.tolist(), share, even, np.sqrt(variance))


def motif_elements(
    motif: Bipyramids, elements: Sequence[str], *, among: ArrayLike | None = None
) -> dict[str, ElementShares]:
    """Tell which elements the caps and the rings of bipyramids are made of, and which would be by chance.

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    elements : sequence of str
        Chemical symbol of each atom of the model.
    among : (N,) bool array, optional
        Atoms that could be in them, as for `element_shares`; default: all.

    Returns
    -------
    dict of str to ElementShares
        For ``"caps"`` and ``"ring"``; an atom counts once for each bipyramid.

    Raises
    ------
    ValueError
        If the motif refers to atoms beyond `elements`, or as `element_shares`.

    Examples
    --------
    A row of four tetrahedra that closes around an edge of two Cu atoms, in a ring of Zr:

    >>> from helpers.structure import find_motifs, motif_elements
    >>> rows = [[0, 1, 2, 3], [0, 1, 2, 5], [0, 1, 3, 4], [0, 1, 4, 5]]
    >>> found = motif_elements(find_motifs(rows).fold[4], ["Cu", "Cu", "Zr", "Zr", "Zr", "Zr"])
    >>> found["caps"].share.tolist(), found["ring"].share.tolist()
    ([1.0, 0.0], [0.0, 1.0])
    """
    check_bipyramids(motif)
    if isinstance(elements, str) or not isinstance(elements, (Sequence, np.ndarray)):
        msg = f"elements={elements!r}; expected the chemical symbol of each atom of the model"
        raise ValueError(msg)
    size = len(elements)
    if motif.highest_atom >= size:
        msg = f"motif refers to atom {motif.highest_atom} but elements names {size}; name each atom of the model"
        raise ValueError(msg)
    parts = {"caps": motif.caps, "ring": motif.ring}
    return {
        part: element_shares(elements, np.bincount(atoms.ravel(), minlength=size), among=among)
        for part, atoms in parts.items()
    }

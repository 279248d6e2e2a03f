"""Sweep of delta: how tetrahedra and motifs grow with the distortion that is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checks import check_numbers, check_positive
from .motifs import FOLDS, disordered_tetrahedra, find_motifs
from .packing import Packing, check_packing, share_of_atoms
from .tetrahedra import find_tetrahedra, tetrahedron_distortion

MAIN = (3, 4, 5, 6)  # triplets and the three common bipyramids
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class DeltaSweep:
    """How the packing grows with the distortion that is allowed.

    Attributes
    ----------
    deltas : (D,) array
        Largest distortion.
    tetrahedra : (D,) int array
        Number of tetrahedra in the disordered region.
    tetrahedral_atoms : (D,) array
        Share of the disordered atoms that are corners of a tetrahedron, 0 … 1.
    fraction : mapping from n (3 … 8) to (D,) array
        Share of the tetrahedra that are in a motif of n.
    counts : mapping from n to (D,) int array
        Number of motifs of n.
    """

    deltas: NDArray[np.float64]
    tetrahedra: NDArray[np.int64]
    tetrahedral_atoms: NDArray[np.float64]
    fraction: Mapping[int, NDArray[np.float64]]
    counts: Mapping[int, NDArray[np.int64]]

    def leads_from(self, n: int, others: Sequence[int] = MAIN) -> float:
        """Return the limit from which on motifs of n hold more tetrahedra than each of the others.

        Parameters
        ----------
        n : int
            The motif.
        others : sequence of int
            Those it is compared with; n itself does not count.

        Returns
        -------
        float
            The smallest of `deltas` from which on this holds at every limit; NaN if it does not hold at the largest.

        Raises
        ------
        ValueError
            If the sweep has no such motif.

        Examples
        --------
        >>> import numpy as np
        >>> from helpers.structure import DeltaSweep
        >>> share = {3: np.array([0.3, 0.2, 0.1]), 5: np.array([0.1, 0.2, 0.4])}
        >>> DeltaSweep(np.array([0.1, 0.2, 0.3]), np.zeros(3), np.zeros(3), share, {}).leads_from(5, [3])
        0.3
        """
        unknown = {n, *others} - set(self.fraction)
        if unknown:
            msg = f"n={min(unknown)}; expected motifs of the sweep, {', '.join(map(str, self.fraction))}"
            raise ValueError(msg)
        rivals = [self.fraction[m] for m in others if m != n]
        behind = np.flatnonzero(self.fraction[n] <= np.max(rivals, axis=0))
        start = behind[-1] + 1 if len(behind) else 0
        return float(self.deltas[start]) if start < len(self.deltas) else float("nan")

    def triplets_lead_below(self, limit: float) -> bool:
        """Tell whether triplets lead below a limit, and give way to the bipyramids above it.

        Parameters
        ----------
        limit : float
            A limit of the distortion.

        Returns
        -------
        bool
            True if no four-, five- or six-fold bipyramid holds more tetrahedra than the triplets at any of `deltas`
            below the limit, and above it the share of the triplets falls while that of each bipyramid rises.
        """
        low, high = self.deltas < limit - _ROUNDING, self.deltas > limit - _ROUNDING
        lead = all((self.fraction[3] >= self.fraction[n])[low].all() for n in MAIN[1:])
        rise = all((np.diff(self.fraction[n][high]) > 0).all() for n in MAIN[1:])
        return bool(lead and (np.diff(self.fraction[3][high]) < 0).all() and rise)


def sweep_delta(packing: Packing, deltas: Sequence[float] | NDArray[np.float64]) -> DeltaSweep:
    """Repeat the search for motifs with other limits of the distortion.

    Parameters
    ----------
    packing : Packing
        The model with its cutoff and its disordered region; its `delta` plays no part.
    deltas : (D,) array
        Limits of the distortion.

    Returns
    -------
    DeltaSweep

    Notes
    -----
    Whether a sphere is empty does not depend on the limit, so the tetrahedra are found once, with the widest
    one, and sorted out.
    """
    check_packing(packing)
    limits = check_numbers(deltas, name="deltas", expected="limits of the distortion")
    if limits.ndim != 1 or len(limits) == 0:
        msg = f"deltas has shape {limits.shape}; expected a list of at least one limit"
        raise ValueError(msg)
    for limit in limits:
        check_positive("each of deltas", limit)
    rows = find_tetrahedra(packing.positions, packing.cutoff, float(limits.max()), packing.box)
    distortion = tetrahedron_distortion(packing.positions, rows, box=packing.box)
    numbers, atoms = [], []
    fraction: dict[int, list[float]] = {n: [] for n in (3, *FOLDS)}
    counts: dict[int, list[int]] = {n: [] for n in (3, *FOLDS)}
    for limit in limits:
        kept = rows[distortion <= limit]
        inside = disordered_tetrahedra(kept, packing.disordered)
        motifs = find_motifs(kept).select(inside, rule=packing.rule)
        numbers.append(int(inside.sum()))
        atoms.append(share_of_atoms(kept, packing.disordered))
        for n, share in motifs.fraction(inside).items():
            fraction[n].append(share)
            counts[n].append(motifs.counts[n])
    return DeltaSweep(
        limits,
        np.array(numbers),
        np.array(atoms),
        {n: np.array(values) for n, values in fraction.items()},
        {n: np.array(values) for n, values in counts.items()},
    )

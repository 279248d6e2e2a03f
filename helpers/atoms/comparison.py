"""How far found atoms agree with a truth: who belongs to whom, and how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from ..checks import check_positions, check_positive

_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Comparison:
    """Atoms that were found beside the true ones.

    Attributes
    ----------
    pairs : (K, 2) int array
        Row in `found` and row in `truth` of each matched pair, ascending in the truth.
    shift : (3,) array
        Mean of found minus true position over the pairs [Å].
    deviations : (K, 3) array
        Found minus true position of each pair, without the mean shift [Å].
    false, missed : int arrays
        Rows of `found` and of `truth` that have no partner.
    cutoff : float
        Largest distance of a pair [Å].
    """

    pairs: NDArray[np.int64]
    shift: NDArray[np.float64]
    deviations: NDArray[np.float64]
    false: NDArray[np.int64]
    missed: NDArray[np.int64]
    cutoff: float

    @property
    def fraction(self) -> float:
        """Matched true atoms over all true atoms."""
        return len(self.pairs) / (len(self.pairs) + len(self.missed))

    @property
    def precision(self) -> float:
        """Matched found atoms over all found atoms."""
        return len(self.pairs) / (len(self.pairs) + len(self.false))

    @property
    def rmsd(self) -> float:
        """Root mean square distance of the pairs without the mean shift [Å]; NaN without a pair."""
        return float(np.sqrt((self.deviations**2).sum(axis=1).mean())) if len(self.pairs) else float("nan")

    @property
    def rmsd_axes(self) -> NDArray[np.float64]:
        """(3,) root mean square deviation along each axis [Å]."""
        if not len(self.pairs):
            return np.full(3, np.nan)
        axes: NDArray[np.float64] = np.sqrt((self.deviations**2).mean(axis=0))
        return axes


def compare(found: ArrayLike, truth: ArrayLike, cutoff: float = 1.0, *, remove_shift: bool = True) -> Comparison:
    """Match found atoms one to one with true atoms, and measure how far apart they are.

    Parameters
    ----------
    found : (N, 3) array
        Positions to judge [Å].
    truth : (M, 3) array
        Positions to judge them by [Å].
    cutoff : float
        Largest distance of a pair [Å].
    remove_shift : bool
        Take the mean shift of the pairs off before distances are measured and pairs are chosen.

    Returns
    -------
    Comparison
        The pairs, `fraction` of the truth found, `rmsd` [Å], what is `false` and what is `missed`.

    Raises
    ------
    ValueError
        If the positions are not finite (N, 3), nothing was found, the truth is empty or the cutoff is not positive.

    Notes
    -----
    Of all one-to-one matchings the one with the largest Σ (cutoff² − distance²) is taken: each pair counts the
    more the closer it is, and no pair is torn apart only to make two distant ones. Matching and mean shift are
    repeated until the pairs no longer change. A shift that exceeds about half the distance of neighbours
    cannot be found this way: align first.

    Examples
    --------
    >>> from helpers.atoms import compare
    >>> result = compare([[0.1, 0, 0], [3.1, 0, 0], [9, 9, 9]], [[3, 0, 0], [0, 0, 0]])
    >>> result.pairs.tolist(), result.fraction, round(result.rmsd, 6), result.false.tolist()
    ([[1, 0], [0, 1]], 1.0, 0.0, [2])
    """
    for name, atoms, way in (
        ("truth", truth, "give the atoms that are known to be there"),
        ("found", found, "lower the threshold or the limit of whatever found none"),
    ):
        if np.size(atoms) == 0:
            msg = f"{name} holds no atoms; expected at least one to compare: {way}"
            raise ValueError(msg)
    truth, found = check_positions(truth, name="truth"), check_positions(found, name="found")
    cutoff = check_positive("cutoff", cutoff)
    tree = cKDTree(truth)
    shift = np.zeros(3)
    pairs = _match(found, tree, cutoff)
    for _ in range(_ROUNDS):
        if not remove_shift or not len(pairs):
            break
        shift = (found[pairs[:, 0]] - truth[pairs[:, 1]]).mean(axis=0)
        again = _match(found - shift, tree, cutoff)
        if not len(again) or np.array_equal(again, pairs):
            break
        pairs = again
    deviations = found[pairs[:, 0]] - truth[pairs[:, 1]]
    if remove_shift and len(pairs):
        shift = deviations.mean(axis=0)
        deviations = deviations - shift
    return Comparison(
        pairs,
        shift,
        deviations,
        np.setdiff1d(np.arange(len(found)), pairs[:, 0]),
        np.setdiff1d(np.arange(len(truth)), pairs[:, 1]),
        cutoff,
    )


def _match(found: NDArray[np.float64], tree: cKDTree, cutoff: float) -> NDArray[np.int64]:
    """Pairs of the matching with the largest gain, sorted by the row of the truth."""
    near = cKDTree(found).sparse_distance_matrix(tree, cutoff, output_type="ndarray")
    order = np.lexsort((near["j"], near["i"]))
    i, j, gain = near["i"][order], near["j"][order], cutoff**2 - near["v"][order] ** 2
    i, j, gain = i[gain > 0], j[gain > 0], gain[gain > 0]
    single = (np.bincount(i, minlength=len(found))[i] == 1) & (np.bincount(j, minlength=tree.n)[j] == 1)
    pairs = np.column_stack([i, j])[single]
    if not single.all():
        pairs = np.concatenate([pairs, _assign(i[~single], j[~single], gain[~single])])
    return pairs[np.argsort(pairs[:, 1], kind="stable")].astype(np.int64)


def _assign(i: NDArray[Any], j: NDArray[Any], gain: NDArray[np.float64]) -> NDArray[Any]:
    """Best matching of the pairs that compete: every atom may also stay alone, with its own stand-in."""
    rows, r = np.unique(i, return_inverse=True)
    columns, c = np.unique(j, return_inverse=True)
    n, m = len(rows), len(columns)
    # Rows: found atoms, then a stand-in of each true one; columns: true atoms, then a stand-in of each found one.
    # Every full matching has n + m edges, so that a constant on each leaves the gain alone to decide.
    row = np.concatenate([r, np.arange(n), n + np.arange(m), n + c])
    column = np.concatenate([c, m + np.arange(n), np.arange(m), m + r])
    cost = np.full(len(row), 2 * gain.max())
    cost[: len(gain)] -= gain
    picked = min_weight_full_bipartite_matching(coo_matrix((cost, (row, column)), shape=(n + m, n + m)).tocsr())
    real = (picked[0] < n) & (picked[1] < m)
    return np.column_stack([rows[picked[0][real]], columns[picked[1][real]]])

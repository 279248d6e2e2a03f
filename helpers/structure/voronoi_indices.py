"""Statistics of Voronoi indices: which occur how often, and how many edges faces have."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers, check_whole

_MOST_FACES = 1e6  # more faces than this are other numbers

#: Voronoi indices ⟨n3, n4, n5, n6⟩ that count as (distorted) icosahedra in Fig. 1d of the paper.
ICOSAHEDRAL = ((0, 0, 12, 0), (0, 1, 10, 2), (0, 2, 8, 2), (0, 2, 8, 1))


def index_populations(indices: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count how often each Voronoi index occurs.

    Parameters
    ----------
    indices : (N, 4) int array
        Voronoi indices, one row an atom.

    Returns
    -------
    indices : (K, 4) int array
        The distinct indices, most populated first; equally populated ones in ascending order.
    fractions : (K,) array
        Share of the atoms that have each; NaN-free, empty if there are no atoms.

    Examples
    --------
    >>> from helpers.structure import index_populations
    >>> found, fractions = index_populations([[0, 0, 12, 0], [0, 2, 8, 2], [0, 0, 12, 0], [0, 0, 12, 0]])
    >>> found.tolist(), fractions.tolist()
    ([[0, 0, 12, 0], [0, 2, 8, 2]], [0.75, 0.25])
    """
    rows = _rows(indices, 4)
    if len(rows) == 0:
        return np.empty((0, 4), np.int64), np.empty(0)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    ranks = np.argsort(-counts, kind="stable")
    return distinct[ranks], counts[ranks] / len(rows)


def index_fraction(indices: ArrayLike, wanted: ArrayLike = ICOSAHEDRAL) -> float:
    """Return the share of atoms whose Voronoi index is one of those wanted; NaN without atoms.

    Examples
    --------
    >>> from helpers.structure import index_fraction
    >>> index_fraction([[0, 0, 12, 0], [0, 2, 8, 2], [0, 3, 6, 4], [0, 3, 6, 3]])
    0.5
    """
    rows, wanted = _rows(indices, 4), _rows(wanted, 4)
    if len(rows) == 0:
        return float("nan")
    return float((rows[:, None] == wanted[None]).all(axis=2).any(axis=1).mean())


def edge_fractions(faces: ArrayLike, *, widest: int | None = None) -> NDArray[np.float64]:
    """Return the shares of faces with 3, 4, 5, … edges among all faces.

    Parameters
    ----------
    faces : (N, K) int array
        Number of faces with 3, 4, 5, … edges, one row an atom: `Voronoi.faces`, or `Voronoi.indices`.
    widest : int, optional
        Leave out faces with more edges than this: 6 gives shares among the faces that the Voronoi index
        names. Default: all faces.

    Returns
    -------
    (K,) array
        Shares that add up to one; NaN if there are no faces.

    Examples
    --------
    >>> from helpers.structure import edge_fractions
    >>> edge_fractions([[0, 6, 0, 8], [0, 12, 0, 0]]).round(3).tolist()
    [0.0, 0.692, 0.0, 0.308]
    """
    rows = _rows(faces, None)
    if widest is not None:
        widest = check_whole("widest", widest, low=3)
        rows = rows[:, : widest - 2]
    sums = rows.sum(axis=0)
    return sums / sums.sum() if sums.sum() else np.full(len(sums), np.nan)


def _rows(values: ArrayLike, width: int | None) -> NDArray[np.int64]:
    """Return counts as a 2D integer array, or say what came."""
    rows = check_numbers(values, name="indices", expected="whole numbers of faces")
    if rows.ndim != 2 or (width is not None and rows.shape[1] != width):
        msg = f"indices have shape {rows.shape}; expected (N, {width or 'K'})"
        raise ValueError(msg)
    if (rows != np.floor(rows)).any() or (np.abs(rows) > _MOST_FACES).any():
        msg = f"indices hold numbers up to {np.abs(rows).max():g}; expected whole numbers of faces"
        raise ValueError(msg)
    return rows.astype(np.int64)

"""What a set of positions looks like before anything is measured: atoms on one another, vacuum, a box too small."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import ClosePairsWarning, VacuumWarning, is_looked_at
from ..digits import counted
from . import _pair_kernels
from .boxes import bounds, wrap
from .neighbours import Neighbours

_COMPANY = 6  # the distance to so many neighbours lies within the first shell, also where every atom comes twice
_LOOKED_AT = 2000  # atoms that the spacing is taken from
_MANY = 2_000  # atoms from which our own search, which must be compiled once, is quicker than a tree
_NEAR = 0.5  # pairs below this share of the spacing are no two atoms
_VACUUM = 2.0  # an empty slab across the box wider than this many spacings is no part of a material
_ROOM = 40.0  # beyond twice a slab's thickness its box has at least so much [Å]: twice the farthest that is looked for
_OVERLAP = 0.05  # share of atoms that a box which is too small throws on others, at least


def spacing(positions: NDArray[np.float64], lengths: NDArray[np.float64] | None = None) -> float:
    """Return the usual distance of neighbours [Å], near the first peak of the pair distribution.

    The median, over at most 2,000 atoms, of the distance to the sixth neighbour: unlike that to the first it is right
    where atoms were traced twice. Of fewer than seven atoms the farthest counts; a single atom has none (0).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.crowding import spacing
    >>> corners = np.stack(np.meshgrid(*3 * [np.arange(0, 12, 3.0)]), axis=-1).reshape(-1, 3)
    >>> spacing(corners, np.full(3, 12.0)), spacing(np.concatenate([corners, corners + 0.1]), np.full(3, 12.0)) < 3.2
    (3.0, True)
    """
    tree, places = _tree(positions, lengths)
    company = min(_COMPANY, len(places) - 1)
    if company < 1:
        return 0.0
    chosen = places[:: max(1, len(places) // _LOOKED_AT)]
    gaps = tree.query(chosen, k=[company + 1], workers=-1)[0]
    return float(np.median(gaps))


def warn_of_close_pairs(
    positions: NDArray[np.float64],
    lengths: NDArray[np.float64] | None = None,
    *,
    usual: float | None = None,
    stacklevel: int = 3,
) -> None:
    """Warn once, with count and shortest distance, if atoms lie within half of the usual distance of neighbours.

    That is `usual` [Å], where it is known already.
    """
    if is_looked_at() or len(positions) < 3:
        return
    limit = _NEAR * (spacing(positions, lengths) if usual is None else usual)
    if limit == 0:
        return
    if len(positions) > _MANY and not _pair_kernels.count(_pair_kernels.build(positions, limit, lengths)).any():
        return
    tree, places = _tree(positions, lengths)
    gaps = tree.query(places, k=[2], distance_upper_bound=limit, workers=-1)[0]
    if not np.isfinite(gaps).any():
        return
    # a distance search per pair only where there are any
    count = (tree.count_neighbors(tree, limit * (1 - 1e-12)) - len(places)) // 2
    warnings.warn(
        f"{counted(count, 'pair of atoms', 'lie')} nearer to one another than half the usual distance "
        f"({limit:.2f} Å), the closest "
        f"{gaps.min():.2g} Å apart; if atoms were traced twice or duplicated, remove one of each pair",
        ClosePairsWarning,
        stacklevel=stacklevel,
    )


def keep_apart(found: Neighbours) -> bool:
    """Tell from a neighbour list whether `warn_of_close_pairs` has nothing to warn of, without a search of its own.

    False, too, where the list does not reach far enough to tell.
    """
    chosen = np.arange(0, len(found), max(1, len(found) // _LOOKED_AT))
    widest = int(found.counts[chosen].max(initial=0))
    if len(found) <= _COMPANY or widest < _COMPANY:
        return False
    place = found.offsets[chosen, None] + np.arange(widest)
    within = place < found.offsets[chosen + 1, None]
    gaps = np.where(within, found.distances[np.where(within, place, 0)], np.inf)
    usual = np.median(np.partition(gaps, _COMPANY - 1, axis=1)[:, _COMPANY - 1])
    return bool(np.isfinite(usual) and found.shortest >= _NEAR * usual)


def filled_box(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, *, stacklevel: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return positions and box for an analysis that takes the box to be full of atoms.

    Where a slab without atoms reaches across the box, wider than two usual distances of neighbours, the sample ends
    there: it comes back in one piece along that axis, and a warning says so. If that is so along all axes it is finite
    and has no box. Else, a slab or a wire, it keeps a box that is so long along the axes where it ends that no atom has
    an image within reach, so that whatever looks at neighbours may take it for filled; `free_axes` tells these axes.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    lengths : (3,) array or None
        Edge lengths of the box [Å].
    stacklevel : int
        Whose line the warning names.

    Raises
    ------
    ValueError
        If the atoms reach beyond the box and lie on one another when wrapped into it: the box is too small.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from helpers.geometry.crowding import filled_box
    >>> atoms = np.stack(np.meshgrid(*3 * [np.arange(0, 12, 3.0)]), axis=-1).reshape(-1, 3)
    >>> filled_box(atoms, np.full(3, 12.0))[1].tolist()
    [12.0, 12.0, 12.0]
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     print(filled_box(atoms, np.full(3, 40.0))[1], said[0].category.__name__)
    ...     print(filled_box(atoms, np.array([12.0, 12.0, 30.0]))[1])
    None VacuumWarning
    [12. 12. 58.]
    """
    return _fill(positions, lengths, stacklevel + 1)[:2]


def look_over(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, *, stacklevel: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return what `filled_box` returns, and warn of close pairs: one look at how far apart atoms are serves both."""
    positions, lengths, usual = _fill(positions, lengths, stacklevel + 1)
    warn_of_close_pairs(positions, lengths, usual=usual, stacklevel=stacklevel + 1)
    return positions, lengths


def _fill(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, stacklevel: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, float | None]:
    """Do the work of `filled_box`; return also the usual distance of neighbours, where it was looked for."""
    if lengths is None or len(positions) < 2:
        return positions, lengths, None
    usual = spacing(positions, lengths)
    low, high = bounds(positions)
    if (high - low > lengths).any():
        _refuse_small(positions, lengths, usual)
    inside, limit = wrap(positions, lengths), _VACUUM * usual
    if not any(_may_have_gap(inside[:, axis], lengths[axis], limit) for axis in range(3)):
        return positions, lengths, usual
    starts, gaps = zip(*(_widest_gap(inside[:, axis], lengths[axis]) for axis in range(3)), strict=True)
    widest = float(max(gaps))
    if widest <= limit:
        return positions, lengths, usual
    empty = np.array(gaps) > limit
    if not is_looked_at():
        axes, across = (
            " and ".join(axis for axis, flag in zip("xyz", chosen, strict=True) if flag) for chosen in (empty, ~empty)
        )
        finite = "be finite, with a surface on all sides"
        end = f"end there, and to be periodic along {across}" if across else finite
        warnings.warn(
            f"the box {np.round(lengths, 3).tolist()} Å is not filled: along {axes} up to {widest:.1f} Å hold no atom; "
            f"the sample is taken to {end}",
            VacuumWarning,
            stacklevel=stacklevel,
        )
    apart = high - low > lengths - np.array(gaps) + 1e-9  # in pieces, or beyond the box
    origin = np.where(empty, np.array(starts), 0.0)
    whole = wrap(inside - origin, lengths) + origin
    places = np.where(empty & apart, whole, positions)
    if empty.all():
        return places, None, None  # without the box atoms may lie farther apart
    most = max(_ROOM, float(lengths[~empty].max()))
    enough = np.ceil(2 * (lengths - np.array(gaps)) + most)
    return places, np.where(empty, np.maximum(lengths, enough), lengths), usual


def free_axes(positions: NDArray[np.float64], lengths: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """Tell along which axes what `filled_box` returned has surfaces.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.crowding import free_axes
    >>> atoms = np.stack(np.meshgrid(*3 * [np.arange(0, 12, 3.0)]), axis=-1).reshape(-1, 3)
    >>> free_axes(atoms, np.array([12.0, 12.0, 58.0])).tolist(), free_axes(atoms, None).tolist()
    ([False, False, True], [True, True, True])
    """
    if lengths is None:
        return np.ones(3, bool)
    low, high = bounds(positions)
    return 2 * (high - low) + _ROOM <= lengths * (1 + 1e-12)  # a filled axis leaves two usual distances at most


def _refuse_small(positions: NDArray[np.float64], lengths: NDArray[np.float64], usual: float) -> None:
    """Tell atoms that moved through the faces of their box from those that the box is too small for."""
    within = _crowded(positions, lengths, usual)
    if within > _OVERLAP and within > 2 * _crowded(positions, None, spacing(positions)):
        reach = np.ptp(positions, axis=0).round(1).tolist()
        msg = (
            f"box={lengths.round(3).tolist()} Å is too small: the atoms reach over {reach} Å, and wrapped into the box "
            f"{100 * within:.0f} % of them lie on others; give the right box, or none for a finite sample"
        )
        raise ValueError(msg)


def _crowded(positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, usual: float) -> float:
    """Return the share of atoms with another one nearer than half the usual distance."""
    limit = _NEAR * usual
    if limit > 0 and len(positions) > _MANY:
        return float((_pair_kernels.count(_pair_kernels.build(positions, limit, lengths)) > 0).mean())
    tree, places = _tree(positions, lengths)
    gaps = tree.query(places, k=[2], workers=-1)[0]
    return float((gaps < limit).mean())


def _may_have_gap(places: NDArray[np.float64], length: float, width: float) -> bool:
    """Tell, without sorting, whether a stretch without atoms may be wider: it holds two slabs of a third of that."""
    if not 0 < 3 * length < 2 * width * len(places):  # more slabs than are worth their memory
        return True
    slabs = int(np.ceil(3 * length / width)) + 1
    filled = np.zeros(slabs, bool)
    filled[np.minimum(places * (slabs / length), slabs - 1).astype(np.int64)] = True
    return bool((~filled & ~np.roll(filled, 1)).any())


def _widest_gap(places: NDArray[np.float64], length: float) -> tuple[float, float]:
    """Return where the widest stretch without atoms ends along a periodic axis, and its width."""
    ordered = np.sort(places)
    gaps = np.diff(ordered, prepend=ordered[-1] - length)
    widest = int(gaps.argmax())
    return float(ordered[widest]), float(gaps[widest])


def _tree(positions: NDArray[np.float64], lengths: NDArray[np.float64] | None) -> tuple[Any, NDArray[np.float64]]:
    """Return a search tree and the positions as it has them."""
    from scipy.spatial import cKDTree  # here, for it is slow to import

    places = wrap(positions, lengths)
    return cKDTree(places, boxsize=lengths, balanced_tree=False), places

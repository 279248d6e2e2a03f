"""Bond angles: the angle that two bonds make at their common atom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_mask, check_number
from ..geometry.boxes import _nearest, sides_of
from ..geometry.neighbours import Neighbours, resolve_neighbours
from ..kernels import kernel, parts_of, share

if TYPE_CHECKING:
    from ase import Atoms

#: Narrowest bins of an angle [degrees].
FINEST = 1e-3


def bond_angles(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    *,
    box: ArrayLike | None = None,
    neighbours: Neighbours | None = None,
    atoms: ArrayLike | None = None,
    step: float = 1.0,
    weighted: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Distribution of the angles between the bonds of an atom.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float
        Longest bond [Å]: the first valley of the pair distribution. May be left out with `neighbours`.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    neighbours : Neighbours, optional
        Neighbour list, if it is known already.
    atoms : (N,) bool array, optional
        Atoms at whose place angles are counted, and between which; all by default.
    step : float
        Width of a bin [degrees]; 180 is a multiple of it.
    weighted : bool
        Whether to divide by :math:`\sin\theta`, the density of random directions.

    Returns
    -------
    angles : (180 / step,) float64 array
        Bin centres [degrees].
    density : (180 / step,) float64 array
        Probability density [1/degree] of integral one; NaN if there is no angle.

    Examples
    --------
    >>> from helpers.structure import bond_angles
    >>> angles, density = bond_angles([[0, 0, 0], [1, 0, 0], [0, 1, 0]], 1.1, step=4.0)
    >>> angles[density.argmax()].item()
    90.0
    """
    positions, lengths = as_positions(positions, box)
    step = check_number("step", step, low=FINEST, high=180)
    bins = round(180 / step)
    if not np.isclose(bins * step, 180):
        msg = f"step={step:g} does not divide 180 degrees; choose one that does, such as 1"
        raise ValueError(msg)
    found = resolve_neighbours(positions, cutoff=cutoff, box=lengths, neighbours=neighbours)
    mask = check_mask(atoms, len(positions), name="atoms")
    counted = np.zeros((parts_of(len(positions)), bins), np.int64)
    bonds = found.offsets, found.indices, found.distances
    share(_count_angles, len(counted), positions, sides_of(found.box), *bonds, mask, counted)
    counts = counted.sum(axis=0)
    angles = step * (np.arange(bins) + 0.5)
    density = counts.astype(float)
    if weighted:
        density /= np.sin(np.radians(angles))
    total = density.sum() * step
    return angles, density / total if total else np.full(bins, np.nan)  # type: ignore[return-value]


@kernel
def _count_angles(part, parts, positions, sides, offsets, indices, distances, mask, counts):
    """Histogram of arccos(u · v / u v) over all pairs of bonds of each atom, a row for each part of the atoms."""
    n, bins = len(positions), counts.shape[1]
    begin, end = n * part // parts, n * (part + 1) // parts
    widest = 0
    for i in range(begin, end):
        widest = max(widest, offsets[i + 1] - offsets[i])
    unit = np.empty((widest, 3))
    for i in range(begin, end):
        if not mask[i]:
            continue
        size = 0
        for place in range(offsets[i], offsets[i + 1]):
            j = indices[place]
            if not mask[j] or distances[place] == 0:
                continue
            for axis in range(3):
                unit[size, axis] = _nearest(positions[j, axis] - positions[i, axis], sides[axis]) / distances[place]
            size += 1
        for m in range(size):
            for k in range(m):
                cosine = unit[m, 0] * unit[k, 0] + unit[m, 1] * unit[k, 1] + unit[m, 2] * unit[k, 2]
                angle = np.arccos(min(max(cosine, -1.0), 1.0))
                counts[part, min(int(angle / np.pi * bins), bins - 1)] += 1

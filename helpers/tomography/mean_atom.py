"""The mean atom of a volume: what a reconstruction makes of an atom, along each axis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Volume
from ..checks import check_numbers, check_positions, check_positive
from ..memory import check_memory


@dataclass(frozen=True, eq=False)
class MeanAtom:
    """What `mean_atom` returns.

    Attributes
    ----------
    distance : (D,) array
        From the atom, negative and positive [Å].
    profiles : (3, D) array
        Mean of the volume along x, y and z, one at the atom.
    """

    distance: NDArray[np.float64]
    profiles: NDArray[np.float64] = field(repr=False)

    def widths(self, *, level: float = 0.75) -> NDArray[np.float64]:
        """Full width along x, y and z at a share of the middle [Å].

        Parameters
        ----------
        level : float
            The share. Low down the neighbours add to the width.

        Returns
        -------
        (3,) array
            NaN where the profile does not fall that low.
        """
        return np.array([self._edge(p, level) + self._edge(p[::-1], level) for p in self.profiles])

    def _edge(self, profile: NDArray[np.float64], level: float) -> float:
        """Distance at which a profile first falls below a level on its right-hand side."""
        middle = len(profile) // 2
        below = np.flatnonzero(profile[middle:] < level)
        if below.size == 0:
            return float("nan")
        last = middle + below[0]
        high, low = profile[last - 1], profile[last]
        step = self.distance[1] - self.distance[0]
        return float((last - 1 - middle + (high - level) / (high - low)) * step)


def mean_atom(volume: Volume, positions: ArrayLike, *, reach: float = 2.4, step: float = 0.025) -> MeanAtom:
    """Average a volume around atoms, along lines in x, y and z.

    Parameters
    ----------
    volume : Volume
        The volume.
    positions : (N, 3) array
        Atom positions; zero is the voxel n // 2 of each axis [Å].
    reach : float
        Length of the lines to either side [Å].
    step : float
        Distance of two points on a line [Å].

    Returns
    -------
    MeanAtom
        Profiles relative to their middle.

    Raises
    ------
    ValueError
        If positions are not finite, or lengths not positive.

    Notes
    -----
    The volume is interpolated linearly; beyond its faces it is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import true_volume
    >>> from helpers.tomography import mean_atom
    >>> volume = true_volume(np.zeros((1, 3)), (24, 24, 24), 0.4)
    >>> x, y, z = mean_atom(volume, np.zeros((1, 3))).widths()
    >>> bool(abs(x - z) < 1e-3), bool(0.8 < x < 1.2)
    (True, True)
    """
    from scipy import ndimage  # here, for it is slow to import

    atoms = check_positions(positions)
    step = check_positive("step", step)
    points = check_positive("reach", reach) / step
    check_memory(
        2 * points * 40.0 * len(atoms),
        what=f"lines of {2 * points:.3g} points at {len(atoms):,} atoms",
        instead="lower reach or take a larger step",
    )
    count = round(points)
    if count < 1:
        msg = f"reach={reach:g} Å is shorter than half a step of {step:g} Å; expected several steps"
        raise ValueError(msg)
    away = step * np.arange(-count, count + 1)
    centre = (atoms / volume.voxel_size + volume.centre)[:, :, None]
    kind = np.float32 if volume.array.dtype == np.float32 else np.float64
    array = check_numbers(volume.array, name="volume", dtype=kind)
    profiles = []
    for axis in np.eye(3):
        where = centre + (away / volume.voxel_size) * axis[:, None]
        profile = ndimage.map_coordinates(array, where.transpose(1, 0, 2), order=1).mean(axis=0)
        if profile[count] == 0:
            msg = "the volume is zero at the atoms on average; expected a volume that shows them"
            raise ValueError(msg)
        profiles.append(profile / profile[count])
    return MeanAtom(away.astype(np.float64), np.array(profiles, dtype=np.float64))

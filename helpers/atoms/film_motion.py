"""Films: where atoms are in each part of a tilt series, and whether they moved in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from ..arrays import TiltSeries
from ..checks import check_positive
from ..digits import counted
from .film_area import AreaFit, fit_area
from .refinement import refine

_STEPS = 20  # of the fit to a part
_HALVES = 2


@dataclass(frozen=True, eq=False)
class AreaMotion:
    """Positions of the atoms of an area in each part of its tilt series.

    Attributes
    ----------
    positions : (N, 3) array
        Positions from all tilts [Å].
    displacements : (P, 2, N, 3) array
        Position from one part of the tilts minus that from all, for the even and for the odd tilts of each part;
        what all atoms share, an affine map of the area, is taken out [Å].
    common : (P, 2, 4, 3) array
        That map: constant, and slopes along x, y and z.
    angles : (P,) array
        Mean tilt angle of each part [degrees].
    prior : float
        Strength of the pull towards the positions from all tilts.
    """

    positions: NDArray[np.float64] = field(repr=False)
    displacements: NDArray[np.float64] = field(repr=False)
    common: NDArray[np.float64] = field(repr=False)
    angles: NDArray[np.float64]
    prior: float

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.positions)

    def moved(self) -> NDArray[np.float64]:
        """Mean square motion between parts along the tilt axis, without noise.

        Returns
        -------
        (P, P) array
            Mean over atoms of the product of what the even and what the odd tilts say of the displacement between
            two parts [Å²]. Noise of the images is independent between them and cancels on average, so that atoms that
            hold still give zero, of either sign.
        """
        even, odd = self.displacements[:, 0, :, 1], self.displacements[:, 1, :, 1]
        return ((even[:, None] - even) * (odd[:, None] - odd)).mean(axis=2)

    def scattered(self) -> NDArray[np.float64]:
        """Mean square difference along the tilt axis between the even and the odd tilts of each part: (P,) [Å²]."""
        return ((self.displacements[:, 0, :, 1] - self.displacements[:, 1, :, 1]) ** 2).mean(axis=1)

    def shared(self, edges: ArrayLike) -> NDArray[np.float64]:
        """Correlation of the motion of two atoms along the tilt axis, against their distance.

        Parameters
        ----------
        edges : (K + 1,) array
            Distances that bound the bins [Å].

        Returns
        -------
        (K,) array
            1 if the atoms of a pair move together, 0 if each goes its own way; the motion is that between the first
            and the last part, one atom's from even and the other's from odd tilts. NaN for a bin without pairs, and
            where nothing moves.
        """
        limits = np.asarray(edges, dtype=float)
        step = self.displacements[-1, :, :, 1] - self.displacements[0, :, :, 1]
        whole = float((step[0] * step[1]).mean())
        pairs = cKDTree(self.positions).query_pairs(float(limits[-1]), output_type="ndarray")
        first, second = pairs.T
        distance = np.linalg.norm(self.positions[first] - self.positions[second], axis=1)
        product = (step[0, first] * step[1, second] + step[1, first] * step[0, second]) / 2
        count, _ = np.histogram(distance, limits)
        total, _ = np.histogram(distance, limits, weights=product)
        found = np.full(len(count), np.nan)
        if whole > 0:
            found[count > 0] = total[count > 0] / count[count > 0] / whole
        return found


def find_motion(
    area: TiltSeries | AreaFit,
    element: str,
    *,
    parts: int = 3,
    margin: float = 3.0,
    prior: float | None = None,
    **options: Any,
) -> AreaMotion:
    """Locate the atoms of an area in each part of its tilt series.

    Parameters
    ----------
    area : TiltSeries or AreaFit
        Aligned images of an area of a film, in the order in which they were taken, or what `fit_area` made of them.
    element : str
        Chemical symbol.
    parts : int
        Runs of successive tilts; each needs enough of them to tell atoms apart that one image shows on top of each
        other.
    margin : float
        Atoms nearer to an edge of the images are left out [Å].
    prior : float, optional
        Pull towards the positions from all tilts, as in `refine`; that of the fit to all tilts by default.
    **options
        Handed to `locate_area`.

    Returns
    -------
    AreaMotion

    Raises
    ------
    ValueError
        If a part would have fewer than four tilts, or no atom lies off the edges.

    Notes
    -----
    The atoms are those of all tilts, and keep their weights and B. Every tilt shows the coordinate along the tilt axis,
    so parts can be compared in it; of the other two each part sees another mixture. A prior shrinks all displacements:
    judge them beside a film whose motion is known. The parts differ in tilt angle as much as in time, so that errors
    of the model that depend on the angle look like motion too.
    """
    tilts = len(area.series if isinstance(area, AreaFit) else area)
    if parts < 2 or tilts < 2 * _HALVES * parts:
        msg = f"parts={parts} of {counted(tilts, 'tilt')}; expected at least two parts of four tilts each"
        raise ValueError(msg)
    made = area if isinstance(area, AreaFit) else fit_area(area, element, **options)
    series, whole = made.series, made.fit
    strength = whole.prior if prior is None else float(prior)
    reach = np.array(series.images.shape[1:]) / 2 * series.pixel_size - check_positive("margin", margin)
    kept = made.within & (np.abs(whole.positions[:, :2]) < reach).all(axis=1)
    if kept.sum() < 5:  # an affine map has four numbers an axis
        msg = f"{counted(kept.sum(), 'atom', 'lie')} {margin:g} Å off the edges; lower margin"
        raise ValueError(msg)
    runs = np.array_split(np.arange(tilts), parts)
    moved = np.empty((parts, _HALVES, int(kept.sum()), 3))
    common = np.empty((parts, _HALVES, 4, 3))
    places = whole.positions[kept]
    terms = np.column_stack([np.ones(len(places)), places])
    for p, run in enumerate(runs):
        for half in range(_HALVES):
            chosen = run[half::_HALVES]
            few = TiltSeries(series.images[chosen], series.euler[chosen], series.pixel_size)
            fit = refine(
                whole.positions,
                few,
                element,
                H=whole.H,
                B=whole.B,
                noise=whole.noise,
                fixed=("H", "B"),
                background="none",
                outer=made.outer[chosen],
                prior=strength,
                iterations=_STEPS,
            )
            away = (fit.positions - whole.positions)[kept]
            common[p, half] = np.linalg.lstsq(terms, away, rcond=None)[0]
            moved[p, half] = away - terms @ common[p, half]
    angles = np.array([series.euler[run, 1].mean() for run in runs])
    return AreaMotion(places, moved, common, angles, strength)

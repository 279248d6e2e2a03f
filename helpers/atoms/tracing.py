"""Tracing: where in a volume the atoms are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, spline_filter

from ..arrays import Volume
from ..checks import check_choice, check_positive
from . import _tracing_kernels as _kernels
from ._quartic_kernels import walk_quartics
from ._upsampling_kernels import UPSAMPLING, find_upsampled_maxima

_SMOOTHING = 0.15  # Gaussian width of the smoothing, of the minimum distance
_NEAREST = 0.65  # of the minimum distance: nearer, two peaks are never two atoms
_LENIENT = 0.8  # of Otsu's threshold: what may be an atom is left for the classification to judge
_NEEDED, _LONGEST = 7, 15  # steps of the published walk: without a clip, in all
_COARSEST, _FINEST = 2.0, 100.0  # voxels in the minimum distance


class PeakFlag(IntEnum):
    """What became of a local maximum."""

    ACCEPTED = _kernels.ACCEPTED
    NOT_MAXIMUM = _kernels.NOT_MAXIMUM
    WANDERED = _kernels.WANDERED
    TOO_NEAR = _kernels.TOO_NEAR
    NOT_CONVERGED = _kernels.NOT_CONVERGED
    WEAK = _kernels.WEAK


@dataclass(frozen=True, eq=False)
class Trace:
    """Peaks of a volume, and every local maximum that was looked at, by falling intensity.

    Attributes
    ----------
    candidates : (M, 3) array
        Where each maximum came to rest [Å from the volume's centre].
    flags : (M,) int array
        What became of it: a `PeakFlag`, 0 where it was accepted.
    intensity : (M,) array
        Height of the peak [unit of the volume].
    threshold : float
        Least height of an accepted peak [unit of the volume].
    voxel_size : float
        Edge of a voxel [Å].
    """

    candidates: NDArray[np.float64] = field(repr=False)
    flags: NDArray[np.int64] = field(repr=False)
    intensity: NDArray[np.float64] = field(repr=False)
    threshold: float
    voxel_size: float

    def __len__(self) -> int:
        """Count the accepted peaks."""
        return int(self.accepted.sum())

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(M,) which candidates were accepted."""
        return self.flags == PeakFlag.ACCEPTED

    @property
    def positions(self) -> NDArray[np.float64]:
        """(N, 3) accepted peaks [Å from the volume's centre], the highest first."""
        return self.candidates[self.accepted]

    @property
    def counts(self) -> dict[str, int]:
        """Candidates by what became of them."""
        return {flag.name.lower(): int((self.flags == flag).sum()) for flag in PeakFlag}


def trace(
    volume: Volume | ArrayLike,
    min_distance: float = 2.0,
    *,
    rule: str = "ours",
    threshold: float | None = None,
    smoothing: float | None = None,
    close_pairs: bool = True,
    interpolation: str = "linear",
    voxel_size: float | None = None,
) -> Trace:
    """Find the atoms of a volume: local maxima, at a fraction of a voxel, not too near to each other.

    Parameters
    ----------
    volume : Volume or (X, Y, Z) array
        A reconstruction; atoms bright on a dark ground.
    min_distance : float
        Nearer than this, two peaks are one atom [Å]; but see `close_pairs`.
    rule : str
        ``"ours"`` or ``"published"``; see the notes.
    threshold : float, optional
        Least height of a peak [unit of the volume]. By default 0 for the published rule, and 0.8 of what Otsu's
        method finds between the heights of atoms and of noise for ours.
    smoothing : float, optional
        Standard deviation of the Gaussian that the volume is smoothed with first [Å]; by default 0.15 of
        `min_distance`. Used by our rule only.
    close_pairs : bool
        Keep pairs between 0.65 and 1 of `min_distance` where both peaks are as strong as atoms are. False keeps
        none. Used by our rule only.
    interpolation : str
        How the published rule upsamples: ``"linear"`` (as for the Ta film) or ``"spline"`` (the Pd particles).
    voxel_size : float, optional
        Edge of a voxel [Å], where the volume is a bare array.

    Returns
    -------
    Trace
        `.positions` (N, 3) Å from the volume's centre; `.candidates`, `.flags` and `.intensity` of every maximum.

    Raises
    ------
    ValueError
        If the volume is not finite or the same everywhere, has no voxel size or an absurd one against `min_distance`,
        holds no peak or only peaks that are all too near to one.

    Notes
    -----
    *Ours*: the volume is smoothed by a Gaussian narrower than an atom, which noise survives less than atoms do.
    Each voxel above its six neighbours is a candidate; a quadratic, weighted exp(−r²/2), is fitted to the 27 voxels
    about it (one matrix for all) and its maximum taken. By falling height, a candidate is accepted if it is above
    the threshold and no accepted peak is within `min_distance`. A nearer one, down to 0.65 of that, needs a height
    that rises linearly from the threshold to the median of all atoms: split peaks are weak, pairs of atoms are not.

    *Published* [1]_: maxima over six neighbours of the volume upsampled three times; the brightest first, a full
    quartic is fitted by least squares in a sphere of 3.5 samples, its residuals weighted exp(−r²/9) about the present
    position; a step, at most 0.5 along each axis, leads to the stationary point of its second-order part; seven
    steps in a row without a clip accept. Rejected are a Hessian with determinant ≥ 0, a walk beyond three samples,
    more than fourteen steps and no end, and what is nearer than `min_distance` to an accepted, brighter one. The fit
    is linear and is solved as such; samples are made where they are needed, so that memory does not grow with them.

    References
    ----------
    .. [1] Y. Yuan et al., Nature Materials 21, 95 (2022), https://doi.org/10.1038/s41563-021-01114-z

    Examples
    --------
    >>> from helpers.atoms import trace
    >>> import numpy as np
    >>> from helpers import Volume
    >>> grid = np.moveaxis(np.indices((25, 25, 25)) - 12, 0, -1) * 0.4
    >>> atoms = np.array([[-1.9, 0.3, 0.0], [1.0, 0.0, 0.1]])
    >>> array = sum(np.exp(-((grid - atom) ** 2).sum(axis=-1) / 0.6) for atom in atoms)
    >>> found = trace(Volume(array, 0.4))
    >>> found.positions[found.positions[:, 0].argsort()].round(1).tolist()
    [[-1.9, 0.3, 0.0], [1.0, 0.0, 0.1]]
    """
    volume = _check_volume(volume, voxel_size)
    min_distance = check_positive("min_distance", min_distance)
    check_choice("rule", rule, ("ours", "published"))
    check_choice("interpolation", interpolation, ("linear", "spline"))
    _check_scale(volume, min_distance)
    if np.ptp(volume.array) == 0:
        msg = (
            f"all {volume.array.size:,} voxels of the volume are {float(volume.array.flat[0]):g}; expected atoms, "
            "bright on a darker ground: check the reconstruction"
        )
        raise ValueError(msg)
    if threshold is not None and not np.isfinite(threshold):
        msg = f"threshold={threshold!r}; expected a finite number in the unit of the volume, or None"
        raise ValueError(msg)
    if smoothing is not None and not (np.isfinite(smoothing) and smoothing >= 0):
        msg = f"smoothing={smoothing!r}; expected 0 or a positive width [Å], or None"
        raise ValueError(msg)
    if rule == "published":
        found = _trace_published(volume, min_distance, 0.0 if threshold is None else float(threshold), interpolation)
    else:
        width = _SMOOTHING * min_distance if smoothing is None else smoothing
        found = _trace_ours(volume, min_distance, threshold, width, close_pairs)
    _check_found(found, min_distance)
    return found


def _trace_ours(
    volume: Volume, min_distance: float, threshold: float | None, smoothing: float, close_pairs: bool
) -> Trace:
    size = volume.voxel_size
    array = np.ascontiguousarray(volume.array, dtype=np.float32)
    if smoothing > 0:
        array = gaussian_filter(array, smoothing / size, mode="constant")
    maxima = _kernels._find_maxima(array, np.float32(0))
    if len(maxima) == 0:
        raise ValueError(_no_peak(volume))
    from skimage.filters import threshold_otsu

    offsets, heights = _kernels.fit_quadratics(array, maxima, _quadratic_solve())
    order = np.argsort(-heights, kind="stable")
    heights = heights[order]
    positions = (maxima + offsets)[order] * size
    split = threshold_otsu(heights) if len(heights) > 2 and np.ptp(heights) > 0 else 0.0
    limit = _LENIENT * split if threshold is None else float(threshold)
    strong = heights[heights > max(split, limit)]
    usual = float(np.median(strong)) if len(strong) else limit
    nearest = _NEAREST * min_distance if close_pairs else min_distance
    flags = _kernels.accept_strongest(positions, heights, limit, usual, min_distance, nearest)
    return Trace(positions - volume.centre * size, flags, heights, limit, size)


def _trace_published(volume: Volume, min_distance: float, threshold: float, interpolation: str) -> Trace:
    size = volume.voxel_size
    array = np.ascontiguousarray(volume.array, dtype=np.float32)
    up = UPSAMPLING
    if interpolation == "linear":
        taps = np.array([[0.0, 1 - k / up, k / up, 0.0] for k in range(up)])
        # Between voxels a linear interpolation has no strict maximum, so the voxels alone are looked at;
        # but the published grid begins at two thirds of the first voxel.
        grid = array.copy()
        for axis in range(3):
            view = np.moveaxis(grid, axis, 0)
            if len(view) > 1:
                view[0] = view[0] / 3 + view[1] * (2 / 3)
        voxels = _kernels._find_maxima(grid, np.float32(threshold))
        samples = np.where(voxels == 0, up - 1, up * voxels)
        heights = grid[tuple(voxels.T)].astype(np.float64)
    else:
        away = np.arange(up)[:, None] / up - np.arange(-1, 3)
        taps = np.where(
            np.abs(away) < 1, 2 / 3 - away**2 + np.abs(away) ** 3 / 2, np.maximum(2 - np.abs(away), 0) ** 3 / 6
        )
        array = spline_filter(array, 3, output=np.float32, mode="mirror")
        samples, heights = find_upsampled_maxima(array, taps, threshold)
    if len(samples) == 0:
        raise ValueError(_no_peak(volume, threshold))
    order = np.lexsort((samples[:, 0], samples[:, 1], samples[:, 2], -heights))
    samples, heights = np.ascontiguousarray(samples[order]), heights[order]
    offsets, flags = walk_quartics(array, taps, samples, _NEEDED, _LONGEST)
    positions = (samples + offsets) * (size / up)
    settled = np.flatnonzero(flags == PeakFlag.ACCEPTED)
    flags[settled] = _kernels.accept_strongest(
        positions[settled], np.ones(len(settled)), 0.0, 0.0, min_distance, min_distance
    )
    return Trace(positions - volume.centre * size, flags, heights, threshold, size)


def _quadratic_solve() -> NDArray[np.float64]:
    """(10, 27) matrix from the voxels about one to the coefficients of their weighted quadratic."""
    x, y, z = np.stack(np.meshgrid(*[np.arange(-1.0, 2.0)] * 3, indexing="ij")).reshape(3, -1)
    terms = np.stack([np.ones(27), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
    weights = np.exp(-(x * x + y * y + z * z) / 2)
    return np.ascontiguousarray(np.linalg.solve(terms.T @ (weights[:, None] * terms), terms.T * weights))


def _check_volume(volume: Volume | ArrayLike, voxel_size: float | None) -> Volume:
    if isinstance(volume, Volume):
        if voxel_size is not None and not np.isclose(voxel_size, volume.voxel_size):
            msg = f"voxel_size={voxel_size:g} Å, but the volume states {volume.voxel_size:g} Å; leave the argument out"
            raise ValueError(msg)
        return volume
    if voxel_size is None:
        msg = "the volume is a bare array without a voxel size; pass helpers.Volume or voxel_size= [Å]"
        raise ValueError(msg)
    return Volume(np.asarray(volume), voxel_size)


def _check_scale(volume: Volume, min_distance: float) -> None:
    voxels = min_distance / volume.voxel_size
    if voxels < _COARSEST:
        msg = (
            f"voxel_size={volume.voxel_size:g} Å is too coarse for min_distance={min_distance:g} Å; "
            "at least two voxels must fit in; check that both are in Å"
        )
        raise ValueError(msg)
    if voxels > _FINEST or voxels > max(volume.array.shape):
        msg = (
            f"min_distance={min_distance:g} Å is {voxels:.0f} voxels of {volume.voxel_size:g} Å, in a volume of "
            f"{' × '.join(map(str, volume.array.shape))}; check that both are in Å"
        )
        raise ValueError(msg)


def _no_peak(volume: Volume, threshold: float = 0.0) -> str:
    return (
        f"the volume, {volume.array.min():.4g} to {volume.array.max():.4g}, has no local maximum above {threshold:g}; "
        "atoms must be bright, on a ground near zero"
    )


def _check_found(found: Trace, min_distance: float) -> None:
    if len(found) == 0:
        msg = (
            f"none of {len(found.flags)} maxima, the highest {found.intensity.max():.4g}, was accepted above "
            f"threshold={found.threshold:g}; lower it"
        )
        raise ValueError(msg)
    near = int((found.flags == PeakFlag.TOO_NEAR).sum())
    if len(found) == 1 and near > 2:
        msg = (
            f"all {near + 1} peaks lie within min_distance={min_distance:g} Å of the highest; "
            "lower min_distance, or check the voxel size"
        )
        raise ValueError(msg)

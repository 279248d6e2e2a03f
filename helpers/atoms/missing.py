"""Missing atoms: where one more atom would explain the counts better, with or without any reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..arrays import TiltSeries, Volume
from ..checks import check_choice, check_elements, check_positions, check_positive
from ..imaging.noise import Noise
from ._evidence import Evidence, find_evidence
from ._likelihood import Likelihood, State
from ._preparing import prepare_fit
from ._start import BACKGROUNDS
from .refinement import Refinement, known_fit, refine


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places where one more atom would raise the likelihood, best first.

    Attributes
    ----------
    positions : (M, 3) array
        Where [Å].
    gain : (M,) array
        By how much the log-likelihood would grow.
    map : Volume
        Gain of one standard atom at each voxel; negative where it would do harm.
    """

    positions: NDArray[np.float64]
    gain: NDArray[np.float64]
    map: Volume = field(repr=False)


def gain_map(
    positions: ArrayLike | Refinement,
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    *,
    added: str | None = None,
    H: ArrayLike | None = None,
    B: ArrayLike | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    level: ArrayLike | None = None,
    outer: Volume | ArrayLike | None = None,
    shape: tuple[int, int, int] | None = None,
) -> Volume:
    """Map how much the log-likelihood would grow by one more atom at each voxel.

    Parameters
    ----------
    positions : (N, 3) array or Refinement
        The atoms that are known [Å]; a refinement brings H, B, background, noise and shifts along.
    tilt_series : TiltSeries
        Counts as recorded.
    element : str or sequence of str
        Chemical symbol, of all known atoms or one for each.
    added : str, optional
        Symbol of the atom that is added; by default that of the known atoms.
    H, B : float or (N,) array, optional
        Weight and damping [Å²] of the known atoms; their medians are those of the added one. Fitted by default.
    noise, background, outer
        As in `refine`.
    level : float, (T,) or (T, 3) array, optional
        Background [counts]; by default fitted.
    shape : (int, int, int), optional
        Voxels of the map, with the pixels' edge; by default those of an image, and as deep as it is wide along x.

    Returns
    -------
    Volume
        Gain of the log-likelihood.

    Raises
    ------
    ValueError
        If there are no atoms, all lie outside the images, or the added atom's element is not clear.

    Notes
    -----
    To second order the gain is ``H G − H² F / 2``. G sums over tilts the correlation of an atom's profile P with
    −∂L/∂(image), n/μ − 1 for Poisson counts n of mean μ, and F that of P² with the inverse variance, each taken where
    the voxel falls in the image: both are back-projections.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import gain_map
    >>> from helpers.atoms import simulate_images
    >>> atoms, angles = np.array([[-2.0, 0, 0], [2.0, 0, 0]]), np.arange(0, 180, 12.0)
    >>> images = 1 + simulate_images(atoms, angles, (40, 36), 0.4, "Ta", 2.0, 6.0)
    >>> one = gain_map(atoms[:1], TiltSeries(images, angles, 0.4), "Ta", H=2.0, B=6.0, noise="poisson", level=1.0)
    >>> best = np.unravel_index(one.array.argmax(), one.array.shape)
    >>> [int(i) for i in best - one.centre]
    [5, 0, 0]
    """
    likelihood, state = known_fit(
        positions, tilt_series, element, H=H, B=B, noise=noise, background=background, level=level, outer=outer
    )
    seen = positions.as_turned(tilt_series) if isinstance(positions, Refinement) else tilt_series
    found = _evidence(likelihood, state, seen, _added(element, added))
    return found.gain(float(np.median(state.H)), shape or _voxels(likelihood))


def find_missing(
    positions: ArrayLike | Refinement,
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    *,
    threshold: float = 8.0,
    min_distance: float = 1.5,
    thickness: float | None = None,
    **options: Any,
) -> Candidates:
    """Find where atoms are missing.

    Parameters
    ----------
    positions, tilt_series, element, **options
        As in `gain_map`.
    threshold : float
        Least gain of the log-likelihood; 8 is a χ² of 16 for one more atom with its three coordinates and weight.
    min_distance : float
        Nearest that a candidate may be to a known atom, or to a better candidate [Å].
    thickness : float, optional
        Depth along z within which to look [Å]; by default that of the map.

    Returns
    -------
    Candidates

    Notes
    -----
    Refine what is known with a small ``max_move`` first: an atom beside a hole may otherwise move into it, and the hole
    shows where it came from.
    """
    threshold = check_positive("threshold", threshold)
    min_distance = check_positive("min_distance", min_distance)
    volume = gain_map(positions, tilt_series, element, **options)
    known = positions.positions if isinstance(positions, Refinement) else check_positions(positions)
    places, gains = _peaks(volume, threshold, known, min_distance, thickness)
    return Candidates(places, gains, volume)


def find_from_scratch(
    tilt_series: TiltSeries,
    element: str,
    *,
    H: float | None = None,
    B: float | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    threshold: float = 8.0,
    min_distance: float = 1.5,
    cycles: int = 6,
    thickness: float | None = None,
) -> Refinement:
    """Find all atoms of a small object without any reconstruction, from the images alone.

    Each cycle maps the gain of one more atom, adds the best places, refines all, and drops atoms that fall below half
    of the median weight. It starts from one atom at the centre.

    Parameters
    ----------
    tilt_series : TiltSeries
        Counts as recorded.
    element : str
        Chemical symbol; one for all atoms.
    H, B : float, optional
        Weight and damping [Å²] of an atom. B is that of a Gaussian of 0.35 Å if not given, H then follows from it: see
        Notes. Both are refined.
    noise, background
        As in `refine`.
    threshold, min_distance, thickness
        As in `find_missing`.
    cycles : int
        Most cycles; fewer if one finds nothing.

    Returns
    -------
    Refinement

    Raises
    ------
    ValueError
        If nothing is found.

    Notes
    -----
    Without H the first weight is that of the best voxel alone: G / F of one atom in an otherwise empty field. It counts
    whatever overlaps it too, so it is too large by as much; a factor of three does no harm.
    """
    if not isinstance(element, str):
        msg = "element names several atoms; without a reconstruction all atoms are of one element"
        raise ValueError(msg)
    if cycles < 1:
        msg = f"cycles={cycles!r}; expected at least one"
        raise ValueError(msg)
    check_choice("background", background, BACKGROUNDS)
    width = 2 * (0.35 * np.pi) ** 2 if B is None else check_positive("B", B)
    atoms = np.zeros((1, 3))
    empty = _empty_field(tilt_series, element, width, noise)
    weight = _first_weight(*empty, tilt_series, element) if H is None else check_positive("H", H)
    levels = empty[1].ground
    known: Refinement | None = None
    for _ in range(cycles):
        if known is None:
            likelihood, state = prepare_fit(atoms, tilt_series, element, weight, width, noise=noise, background=levels)
            nothing = replace(state, H=np.full(1, 1e-9 * weight))  # so that every atom shows by its gain
            volume = _evidence(likelihood, nothing, tilt_series, element).gain(weight, _voxels(likelihood))
            places, _gains = _peaks(volume, threshold, np.empty((0, 3)), min_distance, thickness)
        else:
            found = find_missing(
                known,
                tilt_series,
                element,
                threshold=threshold,
                min_distance=min_distance,
                thickness=thickness,
                background=background,
            )
            places = found.positions
        if len(places) == 0:
            break
        atoms = places if known is None else np.vstack([known.positions, places])
        fitted = refine(atoms, tilt_series, element, noise=noise, background=background, per_atom=["H"], iterations=25)
        atoms = _worthy(fitted, min_distance)
        known = refine(atoms, tilt_series, element, noise=noise, background=background)
    if known is None:
        msg = f"no atom gains more than {threshold:g} of log-likelihood; lower threshold, or give H and B of an atom"
        raise ValueError(msg)
    return known


def _added(element: str | Sequence[str], added: str | None) -> str:
    if added is not None:
        return added
    kinds = {element} if isinstance(element, str) else set(check_elements(element, len(element)))
    if len(kinds) > 1:
        msg = f"the atoms are of {len(kinds)} elements; say with added= which one may be missing"
        raise ValueError(msg)
    return kinds.pop()


def _evidence(likelihood: Likelihood, state: State, tilt_series: TiltSeries, element: str) -> Evidence:
    """Return what the counts say of one more atom, of the median width of those that are known."""
    expected = likelihood.expected(state)
    residual, B = likelihood.counts - expected, float(np.median(state.B))
    return find_evidence(expected, residual, likelihood.noise, tilt_series, element, B, state.shifts)


def _voxels(likelihood: Likelihood) -> tuple[int, int, int]:
    """Return the voxels of an image, as deep as it is wide along x."""
    x, y = likelihood.model.shape
    return x, y, x


def _peaks(
    volume: Volume, threshold: float, known: NDArray[Any], min_distance: float, thickness: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return maxima of the gain above a threshold, apart from known atoms and from better ones."""
    array, voxel = np.asarray(volume.array), volume.voxel_size
    top = (array >= ndimage.maximum_filter(array, 3, mode="constant", cval=-np.inf)) & (array > threshold)
    places = np.argwhere(top)
    gains = array[top].astype(np.float64)
    if len(places) == 0:
        return np.empty((0, 3)), np.empty(0)
    fine = places.astype(np.float64)
    for axis in range(3):  # the top of the parabola through three voxels
        sides = []
        for step in (-1, 1):
            near = places.copy()
            near[:, axis] = np.clip(near[:, axis] + step, 0, array.shape[axis] - 1)
            sides.append(array[tuple(near.T)])
        bend = sides[0] - 2 * gains + sides[1]
        fine[:, axis] += np.where(bend < 0, 0.5 * (sides[0] - sides[1]) / np.where(bend < 0, bend, -1.0), 0).clip(
            -0.5, 0.5
        )
    found = (fine - volume.centre) * voxel
    order = np.argsort(-gains, kind="stable")
    found, gains = found[order], gains[order]
    keep = np.ones(len(found), dtype=bool)
    if thickness is not None:
        keep &= np.abs(found[:, 2]) <= check_positive("thickness", thickness) / 2
    if len(known):
        keep &= cKDTree(known).query(found)[0] >= min_distance
    found, gains = found[keep], gains[keep]
    keep = np.ones(len(found), dtype=bool)
    near = cKDTree(found).query_pairs(min_distance, output_type="ndarray") if len(found) else np.empty((0, 2), int)
    for i, j in near[np.lexsort((near[:, 1], near[:, 0]))] if len(near) else near:
        if keep[i]:
            keep[j] = False
    return found[keep], gains[keep]


def _empty_field(tilt_series: TiltSeries, element: str, width: float, noise: Any) -> tuple[Likelihood, State]:
    """Return a field whose only atom weighs nothing, with each tilt's background at the rim of its image."""
    likelihood, state = prepare_fit(np.zeros((1, 3)), tilt_series, element, 1e-9, width, noise=noise)
    images = likelihood.counts
    rim = np.ones(images.shape[1:], bool)
    deep = [max(1, int(n) // 16) for n in images.shape[1:]]
    rim[deep[0] : -deep[0], deep[1] : -deep[1]] = False
    ground = state.ground.copy()
    ground[:, 0] = images[:, rim].mean(axis=1)
    return likelihood, replace(state, ground=ground)


def _first_weight(likelihood: Likelihood, state: State, tilt_series: TiltSeries, element: str) -> float:
    """Return the weight of the best single atom, G / F where the gain G² / 2F is largest."""
    first, second = _evidence(likelihood, state, tilt_series, element).maps(_voxels(likelihood))
    best = np.where(first > 0, first, 0) ** 2 / np.maximum(second, 1e-6 * second.max())
    place = np.unravel_index(int(best.argmax()), best.shape)
    if first[place] <= 0:
        msg = "no voxel is brighter than the background; there is nothing to find"
        raise ValueError(msg)
    return float(first[place] / second[place])


def _worthy(fitted: Refinement, min_distance: float) -> NDArray[np.float64]:
    """Return atoms of at least half the median weight, and of pairs that are too near the heavier one."""
    order = np.argsort(-fitted.H, kind="stable")
    order = order[fitted.H[order] >= 0.5 * np.median(fitted.H)]
    atoms = fitted.positions[order]
    keep = np.ones(len(atoms), dtype=bool)
    near = cKDTree(atoms).query_pairs(min_distance, output_type="ndarray")
    for i, j in near[np.lexsort((near[:, 1], near[:, 0]))]:
        if keep[i]:
            keep[j] = False
    return atoms[keep]

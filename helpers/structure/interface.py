"""The interface between crystal nuclei and the disordered rest: how fast order fades across it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_choice, check_mask, check_number, check_numbers, check_positive, check_whole
from ..digits import counted
from ..geometry.boxes import wrap
from ..geometry.delaunay import delaunay_inside
from ..geometry.neighbours import neighbours
from ._triangles import cut_surface, triangle_distances
from .voronoi import voronoi

if TYPE_CHECKING:
    from ase import Atoms

_ROUNDING = 1e-9
_FARTHEST = 1e4  # distances from a nucleus beyond this are a slip [Å]
SURFACES = ("atoms", "crossing", "middle")


@dataclass(frozen=True, eq=False)
class InterfaceProfile:
    """Order of the atoms against their distance from the surface of the nuclei.

    Attributes
    ----------
    distance : (B,) array
        Mean distance of the atoms of each bin [Å], negative inside the nuclei.
    order : (B,) array
        Their mean order.
    error : (B,) array
        Standard error of that mean.
    counts : (B,) array
        Number of atoms in each bin.
    width : float
        Characteristic width d_c of the interface [Å]; NaN if there is nothing to fit.
    width_error : float
        Its standard error from the fit [Å].
    amplitude, background : float
        The constants a and b of the fit.
    fit_range : tuple of float
        Distances that were fitted [Å].
    distances : (N,) array
        Distance of every atom [Å]; NaN where there is no nucleus.
    """

    distance: NDArray[np.float64]
    order: NDArray[np.float64]
    error: NDArray[np.float64]
    counts: NDArray[np.int64]
    width: float
    width_error: float
    amplitude: float
    background: float
    fit_range: tuple[float, float]
    distances: NDArray[np.float64]

    def curve(self, distance: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted order at distances [Å]."""
        return _decay(np.asarray(distance, dtype=float), self.amplitude, self.width, self.background)


def interface_profile(
    positions: Atoms | ArrayLike,
    order: ArrayLike,
    nuclei: ArrayLike,
    *,
    step: float = 0.5,
    surface: str = "atoms",
    threshold: float = 0.5,
    fit_range: tuple[float, float] = (0.0, 20.0),
    max_radius: float | None = None,
    least: int = 10,
    box: ArrayLike | None = None,
) -> InterfaceProfile:
    r"""Average the order of atoms at equal distance from the nuclei and fit its decay.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    order : (N,) array
        Normalised bond orientational order.
    nuclei : (N,) bool array
        True for atoms of crystal nuclei.
    step : float
        Width of a bin of distance [Å].
    surface : {"atoms", "crossing", "middle"}
        Where the surface of a nucleus lies, see `interface_distance`.
    threshold : float
        Order at the surface, for ``surface="crossing"``.
    fit_range : pair of float
        Distances that are fitted [Å].
    max_radius : float or None
        If given, atoms whose Voronoi cell is not closed within this radius [Å] are left out: they lie at
        the free surface of the sample, and the neighbours they lack raise their order whether crystal is
        near or not. The paper excludes none.
    least : int
        Bins with fewer atoms are left out.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.

    Returns
    -------
    InterfaceProfile
        The profile and the width. Without nuclei the profile is empty and the width NaN.

    Raises
    ------
    ValueError
        If arrays do not match the positions, a number is not positive, or the fit range is empty.

    Notes
    -----
    The mean order is fitted by least squares, weighted with the standard errors, to

    .. math:: y = a\,e^{-x / d_c} + b .

    Every atom counts once, at its distance from the nearest nucleus. The standard error of the width includes
    how far the curve misses the points.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "Quantifying the crystalline-amorphous interface".
    """
    step = check_positive("step", step)
    low, high = (check_number("fit_range", end, low=-_FARTHEST, high=_FARTHEST) for end in fit_range)
    least = check_whole("least", least, low=1)
    if not low < high:
        msg = f"fit_range={fit_range}; expected two ascending distances [Å]"
        raise ValueError(msg)
    distances = interface_distance(
        positions, order, nuclei, surface=surface, threshold=threshold, box=box, farthest=high + 5
    )
    values = check_numbers(order, name="order", finite=False)
    use = np.isfinite(distances) & np.isfinite(values)
    if max_radius is not None:
        use &= np.isfinite(voronoi(positions, box=box, minimum_area=0.0, max_radius=max_radius).volumes)
    bins = np.floor(distances[use] / step + _ROUNDING).astype(np.int64)  # 0 belongs outside
    names, place, counts = np.unique(bins, return_inverse=True, return_counts=True)
    sums, squares, path = (np.bincount(place, w, len(names)) for w in (values[use], values[use] ** 2, distances[use]))
    enough = counts >= max(least, 2)
    counts, mean = counts[enough], sums[enough] / counts[enough]
    variance = np.maximum(squares[enough] / counts - mean**2, 0.0) * counts / (counts - 1)
    distance, error = path[enough] / counts, np.sqrt(variance / counts)
    inside = (distance >= low - _ROUNDING) & (distance <= high)
    fit = _fit(distance[inside], mean[inside], error[inside])
    return InterfaceProfile(distance, mean, error, counts, *fit, (low, high), distances)


def interface_distance(
    positions: Atoms | ArrayLike,
    order: ArrayLike,
    nuclei: ArrayLike,
    *,
    surface: str = "atoms",
    threshold: float = 0.5,
    max_radius: float = 4.0,
    farthest: float = 25.0,
    box: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the distance of every atom from the surface of the nearest nucleus.

    Parameters
    ----------
    positions, order, nuclei, box
        As for `interface_profile`.
    surface : {"atoms", "crossing", "middle"}
        What the surface is made of, in each Delaunay tetrahedron that has atoms of a nucleus and others
        as corners: the face, edge or corner that the atoms of the nucleus span (``"atoms"``); the polygon
        on which the order, interpolated linearly, equals the threshold (``"crossing"``); the polygon
        halfway between the two kinds of atoms (``"middle"``).
    threshold : float
        Order at the surface, for ``"crossing"``. A corner outside the nuclei whose order exceeds it,
        such as an ordered atom on its own, lies on the surface itself.
    max_radius : float
        Delaunay tetrahedra with a larger circumsphere [Å] span open space. No surface passes through them:
        where a nucleus ends at the free surface of the sample, there is no interface.
    farthest : float
        Largest distance of interest [Å]; atoms farther away get NaN. In a box, at most half of it.

    Returns
    -------
    (N,) array
        Distance [Å], negative for atoms of nuclei; NaN beyond `farthest`, or if there is no interface.

    Raises
    ------
    ValueError
        As `interface_profile`.
    """
    positions, lengths = as_positions(positions, box, minimum=5)
    check_choice("surface", surface, SURFACES)
    farthest, max_radius = check_positive("farthest", farthest), check_positive("max_radius", max_radius)
    values = check_numbers(order, name="order", finite=False)
    inside = check_mask(nuclei, len(positions), name="nuclei")
    if values.shape != (len(positions),):
        msg = f"order has shape {values.shape}; expected one value for each of {counted(len(positions), 'atom')}"
        raise ValueError(msg)
    if lengths is not None:
        farthest = min(farthest, float(lengths.min()) / 2)
    if inside.all() or not inside.any():
        return np.full(len(positions), np.nan)
    near = _near(positions, inside, 2 * max_radius, lengths)  # no other atom matters for these tetrahedra
    if len(near) < 5:
        return np.full(len(positions), np.nan)
    points, source, simplices = delaunay_inside(positions[near], lengths, max_radius)
    source = near[source]
    if lengths is not None:  # of all images of a tetrahedron, keep the one whose middle lies in the box
        middle = points[simplices].mean(axis=1)
        simplices = simplices[((middle >= 0) & (middle < lengths)).all(axis=1)]
    share = inside[source][simplices].sum(axis=1)
    mixed = simplices[(share > 0) & (share < 4)]
    if len(mixed) == 0:
        return np.full(len(positions), np.nan)
    filled = np.nan_to_num(values, nan=0.0)
    triangles = cut_surface(points, filled[source], inside[source], mixed, float(threshold), SURFACES.index(surface))
    distances = triangle_distances(positions, triangles, farthest, lengths)
    distances[distances >= farthest] = np.nan
    return np.where(inside, -distances, distances)


def smeared_step(
    positions: Atoms | ArrayLike,
    order: ArrayLike,
    nuclei: ArrayLike,
    cutoff: float,
    background: float,
    *,
    step: float = 0.5,
    box: ArrayLike | None = None,
) -> float:
    """Return the width that a sharp border would seem to have, because order is averaged over neighbours.

    Parameters
    ----------
    positions, order, nuclei, step, box
        As for `interface_profile`.
    cutoff : float
        First valley of the pair distribution [Å]: the shell over which order is averaged.
    background : float
        Order far from the nuclei.

    Returns
    -------
    float
        Width of the interface [Å], had every atom of a nucleus the mean order of all of them and every other atom that
        of the background, before each takes the mean of itself and its neighbours: the area under the decay over its
        height, for an exponential d_c. NaN without nuclei, or if too few atoms lie outside.
    """
    positions, lengths = as_positions(positions, box, minimum=5)
    inside = check_mask(nuclei, len(positions), name="nuclei")
    if inside.all() or not inside.any():
        return float("nan")
    values = check_numbers(order, name="order", finite=False, expected="one order for each atom")
    if values.shape != (len(positions),) or not np.isfinite(values[inside]).any():
        msg = (
            f"order has shape {values.shape}; expected one value for each of "
            f"{counted(len(positions), 'atom')}, known in nuclei"
        )
        raise ValueError(msg)
    background = check_number("background", background)
    shell = neighbours(positions, cutoff, lengths)
    value = np.where(inside, np.nanmean(values[inside]), background)
    sums = np.bincount(np.repeat(np.arange(len(value)), shell.counts), value[shell.indices], len(value))
    smeared = (sums + value) / (shell.counts + 1)
    profile = interface_profile(positions, smeared, inside, step=step, box=lengths)
    outside = profile.distance > 0
    excess = (profile.order - background)[outside]
    if len(excess) == 0:
        return float("nan")
    return float(np.trapezoid(excess, profile.distance[outside]) / excess[0]) if excess[0] else 0.0


def _near(
    positions: NDArray[np.float64], chosen: NDArray[np.bool_], reach: float, lengths: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    """List the atoms within reach of any of the chosen ones."""
    from scipy.spatial import cKDTree

    positions = wrap(positions, lengths)
    tree = cKDTree(positions[chosen], boxsize=lengths)
    gaps, _ = tree.query(positions, distance_upper_bound=reach * (1 + 1e-9), workers=-1)
    return np.flatnonzero(np.isfinite(gaps))


def _decay(x: NDArray[Any], a: float, width: float, b: float) -> NDArray[Any]:
    """Return a exp(-x / width) + b."""
    with np.errstate(over="ignore"):
        return a * np.exp(-x / width) + b


def _fit(x: NDArray[Any], y: NDArray[Any], error: NDArray[Any]) -> tuple[float, float, float, float]:
    """Fit a decay; return width, its error, amplitude, background: NaN if there is nothing to fit."""
    from scipy.optimize import OptimizeWarning, curve_fit

    nothing = (np.nan, np.nan, np.nan, np.nan)
    if len(x) < 5:
        return nothing
    start = (max(y[0] - y[-1], 1e-3), (x[-1] - x[0]) / 4, float(y[-1]))
    floor = np.median(error[error > 0]) if (error > 0).any() else 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimizeWarning)
        try:
            found, covariance = curve_fit(_decay, x, y, start, np.maximum(error, 0.1 * floor), maxfev=10000)
        except (RuntimeError, OptimizeWarning):
            return nothing
    if not (np.isfinite(found).all() and found[1] > 0):
        return nothing
    return float(found[1]), float(np.sqrt(covariance[1, 1])), float(found[0]), float(found[2])

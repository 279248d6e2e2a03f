"""Classification: which peaks are atoms, of which element, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, special

from ..arrays import Volume
from ..checks import check_choice, check_positions, check_positive
from ..digits import counted
from ..kernels import kernel
from ._mixture import Mixture, fit_mixture, two_populations

_SAMPLES = 3  # of a profile, a voxel
_ROUNDS = 100
_HALF = 0.5  # of the median of the atoms: below it a peak is no atom


@dataclass(frozen=True, eq=False)
class Classification:
    """Which peaks are atoms.

    Attributes
    ----------
    is_atom : (N,) bool array
        True for an atom.
    confidence : (N,) array
        Probability that it is one, from the populations of the weights.
    species : (N,) int array
        Kind of atom, 0 the lightest; −1 for what is none.
    species_confidence : (N,) array
        Probability of that kind among the kinds; NaN for what is no atom.
    weight : (N,) array
        What was judged: the sum over the profile, or the fitted weight.
    limit : float
        Weight at which a peak counts as an atom for half.
    elements : tuple of str
        Chemical symbol of each kind, where they were named.
    """

    is_atom: NDArray[np.bool_] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    species: NDArray[np.int64] = field(repr=False)
    species_confidence: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.float64] = field(repr=False)
    limit: float
    elements: tuple[str, ...] = ()

    @property
    def symbols(self) -> NDArray[np.str_]:
        """(N,) chemical symbol of each peak, ``""`` for what is no atom.

        Raises
        ------
        ValueError
            If the elements were not named.
        """
        if not self.elements:
            msg = "the elements were not named; pass elements= to the classification"
            raise ValueError(msg)
        return np.array([*self.elements, ""])[self.species]


def classify(
    volume: Volume,
    positions: ArrayLike,
    *,
    rule: str = "published",
    elements: int | Sequence[str] = 1,
    radius: float = 0.7,
    support: ArrayLike | None = None,
) -> Classification:
    """Tell atoms from other peaks by the intensity around them.

    Parameters
    ----------
    volume : Volume
        The reconstruction.
    positions : (N, 3) array
        Peaks [Å from the volume's centre].
    rule : str
        ``"published"``: K-means on intensity profiles. ``"ours"``: `classify_weights` of the profiles' sums.
    elements : int or sequence of str
        How many kinds of atoms there are, or their chemical symbols.
    radius : float
        Of the sphere that a profile is taken from [Å].
    support : (X, Y, Z) bool array, optional
        Where atoms may be, as from `find_support`; peaks outside are none.

    Returns
    -------
    Classification
        `.is_atom`, `.confidence` and `.species` of every peak.

    Raises
    ------
    ValueError
        If a peak lies outside the volume, the support has another shape, nothing is bright or fewer peaks came
        than there are classes.

    Notes
    -----
    The published rule [1]_ samples each peak on a grid of a third of a voxel in a small sphere. Classes start from
    normal populations fitted to the sums, and every peak goes to the class whose mean profile is nearest, by
    Σ|profile − mean| / Σ profile; the class of what is no atom stays at zero, so that its distance is 1. Means and
    classes are repeated until nothing changes. With one kind of atom the border lies near half the mean sum.

    References
    ----------
    .. [1] Y. Yuan et al., Nature Materials 21, 95 (2022), https://doi.org/10.1038/s41563-021-01114-z

    Examples
    --------
    >>> from helpers.atoms import classify
    >>> import numpy as np
    >>> from helpers import Volume
    >>> array = np.zeros((21, 21, 21))
    >>> array[5, 5, 5], array[15, 5, 5], array[5, 15, 5], array[15, 15, 5] = 1.0, 1.1, 0.9, 0.2
    >>> peaks = (np.array([[5, 5, 5], [15, 5, 5], [5, 15, 5], [15, 15, 5]]) - 10) * 0.5
    >>> classify(Volume(array, 0.5), peaks).is_atom.tolist()
    [True, True, True, False]
    """
    positions = check_positions(positions)
    check_choice("rule", rule, ("published", "ours"))
    radius = check_positive("radius", radius)
    names, count = _check_elements(elements)
    allowed = _inside(volume, positions, support)
    if allowed.sum() <= count:
        msg = f"{counted(allowed.sum(), 'peak', 'lie')} in the support; expected more than the {count} kinds of atoms"
        raise ValueError(msg)
    profiles = _sample_profiles(volume, positions, radius)
    sums = profiles.sum(axis=1, dtype=np.float64)
    if not sums[allowed].max() > 0:
        msg = "the volume is nowhere positive around the peaks; atoms must be bright"
        raise ValueError(msg)
    judged = classify_weights(sums[allowed], elements=elements)
    result = _spread(judged, allowed, sums, names)
    if rule == "ours":
        return result
    species = _cluster(profiles[allowed], sums[allowed], judged.species, count)
    kinds = result.species.copy()
    kinds[allowed] = species
    sure = result.species_confidence.copy()
    sure[kinds < 0] = np.nan
    fresh = (kinds >= 0) & np.isnan(sure)
    sure[fresh] = 1.0 if count == 1 else 0.5
    return Classification(kinds >= 0, result.confidence, kinds, sure, sums, judged.limit, names)


def classify_weights(weights: ArrayLike, *, elements: int | Sequence[str] = 1) -> Classification:
    """Tell atoms from false peaks by their fitted weights.

    Parameters
    ----------
    weights : (N,) array
        Weight of each peak, fitted to the images with every weight free (`refine`), in any unit.
    elements : int or sequence of str
        How many kinds of atoms there are, or their chemical symbols.

    Returns
    -------
    Classification
        `.is_atom`, `.confidence` and `.species` of every peak.

    Raises
    ------
    ValueError
        If the weights are not finite, none is positive, or there are fewer than kinds of atoms.

    Notes
    -----
    A false peak has to explain noise, an atom an atom: with one kind, what is below half the median of the atoms is
    none. The median is that of the peaks above the limit, so the two are repeated until they agree; they start from
    Otsu's threshold, so that false peaks may outnumber atoms. With several kinds, half the median of the lightest
    counts. The confidence is the share of the atoms in a mixture of two normal populations at that weight. Where
    the weights form one population only, it is the normal probability that the weight exceeds the limit, with the
    atoms' own spread.

    Examples
    --------
    >>> from helpers.atoms import classify_weights
    >>> found = classify_weights([1.0, 0.95, 0.2, 1.1, 1.05, 0.9, 0.1, 1.0])
    >>> found.is_atom.tolist()
    [True, True, False, True, True, True, False, True]
    """
    values = np.asarray(weights, dtype=np.float64)
    names, count = _check_elements(elements)
    if values.ndim != 1 or len(values) < count:
        msg = f"weights has shape {values.shape}; expected (N,) with at least {count} of them"
        raise ValueError(msg)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        msg = f"{counted(bad.size, 'weight', 'are')} not finite, the first at {bad[0]}; refine again or leave them out"
        raise ValueError(msg)
    if not values.max() > 0:
        msg = f"the largest weight is {values.max():.4g}; atoms have positive weights"
        raise ValueError(msg)
    limit, kinds = _find_limit(values, count)
    is_atom = values > limit
    atoms = values[is_atom]
    spread = 1.4826 * float(np.median(np.abs(atoms - np.median(atoms)))) if count == 1 else float(kinds.widths[0])  # type: ignore[union-attr]
    spread = max(spread, 1e-3 * abs(limit))
    both = two_populations(values) if count == 1 and not is_atom.all() else None
    if both is not None and both.means[0] < limit < both.means[1]:
        confidence = both.membership(values)[:, 1]
    else:
        confidence = special.ndtr((values - limit) / spread)
    species, sure = np.full(len(values), -1), np.full(len(values), np.nan)
    if kinds is None:
        species[is_atom], sure[is_atom] = 0, 1.0
    else:
        membership = kinds.membership(atoms)
        species[is_atom] = membership.argmax(axis=1)
        sure[is_atom] = membership.max(axis=1)
    return Classification(is_atom, confidence, species, sure, values, float(limit), names)


def find_support(volume: Volume, *, smoothing: float = 2.0, factor: float = 0.9, closing: float = 2.0) -> NDArray[Any]:
    """Find where a finite object is: smoothed, cut at a fraction of Otsu's threshold, closed.

    Parameters
    ----------
    volume : Volume
        The reconstruction, with empty space around the object.
    smoothing : float
        Standard deviation of the Gaussian [Å].
    factor : float
        Of Otsu's threshold.
    closing : float
        Radius of the ball that fills holes and dents [Å].

    Returns
    -------
    (X, Y, Z) bool array
        True inside.

    Raises
    ------
    ValueError
        If the volume is flat.
    """
    size = volume.voxel_size
    smooth = ndimage.gaussian_filter(
        volume.array.astype(np.float32), check_positive("smoothing", smoothing) / size, mode="constant"
    )
    from skimage.filters import threshold_otsu

    if np.ptp(smooth) == 0:
        msg = "the volume is flat; expected a bright object on a dark ground"
        raise ValueError(msg)
    inside = smooth > check_positive("factor", factor) * threshold_otsu(smooth)
    reach = check_positive("closing", closing) / size
    outside = ndimage.distance_transform_edt(~inside) <= reach
    closed: NDArray[np.bool_] = inside | (ndimage.distance_transform_edt(outside) > reach)
    return closed


def _find_limit(values: NDArray[np.float64], count: int) -> tuple[float, Mixture | None]:
    """Half the median of the atoms, or of the lightest kind of them."""
    from skimage.filters import threshold_otsu

    positive = values[values > 0]
    limit = _HALF * float(np.median(positive))
    if len(positive) > 3 and np.ptp(positive) > 0:
        cut = float(threshold_otsu(positive))
        # All atoms: their upper half is not half as heavy again. False ones: the heavy are twice the light at least.
        low, high = positive[positive <= cut], positive[positive > cut]
        if len(high) and len(low) and np.median(high) > 2 * np.median(low):
            limit = _HALF * float(np.median(high)) if count == 1 else cut / count
    kinds = None
    for _ in range(_ROUNDS):
        atoms = values[values > limit]
        if count == 1 or len(np.unique(atoms)) <= count:
            again = _HALF * float(np.median(atoms))
        else:
            kinds = fit_mixture(atoms, count)
            again = _HALF * float(kinds.means[0])
        if again == limit:
            break
        limit = again
    if count > 1 and kinds is None:
        msg = f"{counted(len(np.unique(values)), 'different weight')}; expected more than the {count} kinds of atoms"
        raise ValueError(msg)
    return limit, kinds


def _cluster(
    profiles: NDArray[np.float32], sums: NDArray[np.float64], species: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """K-means by Σ|profile − mean| / Σ profile, the class of non-atoms at zero."""
    for _ in range(_ROUNDS):
        distance = np.full((len(sums), count + 1), np.inf)
        distance[:, -1] = np.abs(profiles).sum(axis=1)
        for kind in range(count):
            members = species == kind
            if members.any():
                mean = profiles[members].mean(axis=0)
                distance[:, kind] = np.abs(profiles - mean).sum(axis=1)
        again = distance.argmin(axis=1)
        again[(again == count) | (sums <= 0)] = -1
        if np.array_equal(again, species):
            break
        species = again
    return species


def _sample_profiles(volume: Volume, positions: NDArray[np.float64], radius: float) -> NDArray[np.float32]:
    step = volume.voxel_size / _SAMPLES
    reach = int(radius / step)
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[(grid**2).sum(axis=1) <= (radius / step) ** 2] / _SAMPLES
    places = positions / volume.voxel_size + volume.centre
    return _profiles(np.ascontiguousarray(volume.array, dtype=np.float32), places, grid)


@kernel
def _profiles(volume, places, grid):
    """Trilinear values of the volume at each place plus each point of the grid; zero outside."""
    nx, ny, nz = volume.shape
    found = np.zeros((len(places), len(grid)), np.float32)
    for n in range(len(places)):
        for m in range(len(grid)):
            x, y, z = places[n, 0] + grid[m, 0], places[n, 1] + grid[m, 1], places[n, 2] + grid[m, 2]
            i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
            value = 0.0
            for a in range(2):
                for b in range(2):
                    for c in range(2):
                        if 0 <= i + a < nx and 0 <= j + b < ny and 0 <= k + c < nz:
                            weight = (1 - abs(x - i - a)) * (1 - abs(y - j - b)) * (1 - abs(z - k - c))
                            value += weight * volume[i + a, j + b, k + c]
            found[n, m] = value
    return found


def _inside(volume: Volume, positions: NDArray[np.float64], support: ArrayLike | None) -> NDArray[np.bool_]:
    voxel = np.rint(positions / volume.voxel_size + volume.centre).astype(np.int64)
    outside = np.any((voxel < -1) | (voxel > volume.array.shape), axis=1)  # a maximum at a face may lie beyond it
    if outside.any():
        msg = (
            f"{outside.sum()} of {counted(len(positions), 'peak')} {'lie' if outside.sum() > 1 else 'lies'} "
            "outside the volume, the first at row "
            f"{np.flatnonzero(outside)[0]}; positions count from its centre, in Å"
        )
        raise ValueError(msg)
    if support is None:
        return np.ones(len(positions), bool)
    mask = np.asarray(support, dtype=bool)
    if mask.shape != volume.array.shape:
        msg = f"support has shape {mask.shape}; expected that of the volume, {volume.array.shape}"
        raise ValueError(msg)
    return mask[tuple(np.clip(voxel, 0, np.array(mask.shape) - 1).T)]


def _spread(
    judged: Classification, allowed: NDArray[np.bool_], sums: NDArray[np.float64], names: tuple[str, ...]
) -> Classification:
    """Give what lies outside the support its place among the rest."""
    n = len(allowed)
    is_atom, confidence = np.zeros(n, bool), np.zeros(n)
    species, sure = np.full(n, -1), np.full(n, np.nan)
    is_atom[allowed], confidence[allowed] = judged.is_atom, judged.confidence
    species[allowed], sure[allowed] = judged.species, judged.species_confidence
    return Classification(is_atom, confidence, species, sure, sums, judged.limit, names)


def _check_elements(elements: int | Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Symbols, the lightest first, and how many."""
    if isinstance(elements, (int, np.integer)):
        if elements < 1:
            msg = f"elements={elements}; expected at least one kind of atom"
            raise ValueError(msg)
        return (), int(elements)
    from ase.data import atomic_numbers

    symbols = [elements] if isinstance(elements, str) else list(elements)
    unknown = [s for s in symbols if s not in atomic_numbers or s == "X"]
    if unknown or not symbols or len(set(symbols)) != len(symbols):
        msg = f"elements={symbols!r}; expected chemical symbols, each once"
        raise ValueError(msg)
    return tuple(sorted(symbols, key=atomic_numbers.__getitem__)), len(symbols)

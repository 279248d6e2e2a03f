"""What `locate` works out between its steps: lengths, noise, levels, and what fits leave unexplained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..imaging.noise import Noise, estimate_noise
from ..scattering import scattering_factor
from ._preparing import check_noise
from .bound import noise_spectrum
from .images import simulate_images
from .refinement import Refinement

COUNTS = Noise(0.0, 1.0)  # of single electrons
_SHARE = {
    "fcc": 0.5**0.5,
    "bcc": 0.75**0.5,
    "diamond": 3**0.5 / 4,
    "hcp": 1.0,
}  # nearest distance of the lattice constant
_COUNTS = 0.15  # how far the variance of Poisson counts may seem to be from their mean
_CHANCE = 3.0  # spread of smoothed images, of what noise alone gives them, that shows a signal for sure


def check_species(element: str | Sequence[str]) -> list[str]:
    """Return the chemical symbols that may occur, the lightest first, all with a scattering factor."""
    from ase.data import atomic_numbers

    symbols = [element] if isinstance(element, str) else list(element) if isinstance(element, Iterable) else []
    if not symbols or not all(isinstance(s, str) for s in symbols) or len(set(symbols)) != len(symbols):
        msg = f"element={element!r}; expected a chemical symbol, or the symbols that occur, each once"
        raise ValueError(msg)
    for symbol in symbols:
        scattering_factor(symbol, 0.0)
    return sorted(symbols, key=atomic_numbers.__getitem__)


def check_one_species(element: str) -> str:
    """Return the chemical symbol of the only element that may occur, as in an area of a film."""
    if not isinstance(element, str):
        msg = f"element={element!r}; an area of a film is located for one element only: give one chemical symbol"
        raise ValueError(msg)
    return check_species(element)[0]


def nearest_distance(element: str) -> float:
    """Return how near atoms are to each other in the element's crystal, else twice its covalent radius [Å]."""
    from ase.data import atomic_numbers, covalent_radii, reference_states

    number = atomic_numbers[element]
    state: dict[str, Any] = reference_states[number] or {}
    share = _SHARE.get(state.get("symmetry", ""))
    return float(state["a"]) * share if share else 2 * float(covalent_radii[number])


def find_noise(images: NDArray[np.float32]) -> Noise:
    """Return the noise: pure Poisson for whole counts whose variance is their mean, else what `refine` estimates."""
    mean = float(images.mean())
    if mean > 0 and images.min() >= 0 and np.array_equal(images, np.rint(images)):
        try:
            found = estimate_noise(images)
        except ValueError:
            return check_noise(None, images)
        if abs((found.gaussian**2 + found.poisson * mean) / mean - 1) < _COUNTS:
            return COUNTS
    return check_noise(None, images)


def take_off(
    images: NDArray[np.float32], sigma: float, noise: Noise
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return smoothed images without their background, and the level of each; refuse images of noise alone.

    The background is the median of what Otsu's threshold leaves below the sample.
    """
    from skimage.filters import threshold_otsu

    smooth = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="nearest")
    wide = ndimage.gaussian_filter(smooth, (0, 2 * sigma, 2 * sigma), mode="nearest")
    left = 4 * np.pi * 5 * sigma**2  # pixels that a mean is taken over
    chance = (noise.gaussian**2 + noise.poisson * max(float(np.abs(images).mean()), 0.0)) / left
    spread = float(np.mean([np.var(image) for image in wide]))
    if spread < _CHANCE * chance:
        msg = (
            f"the images vary by {spread**0.5:.3g} counts once smoothed, their noise alone by {chance**0.5:.3g}: "
            "there is no signal above the background; check the images, or use longer exposures"
        )
        raise ValueError(msg)
    split = threshold_otsu(smooth)
    levels = np.array([np.median(image[image < split]) if (image < split).any() else 0.0 for image in smooth])
    return smooth - levels[:, None, None].astype(np.float32), levels


def apart(
    positions: NDArray[np.float64],
    H: NDArray[np.float64],
    limit: float,
    two: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None,
) -> NDArray[np.bool_]:
    """Return which atoms remain when of each pair nearer than the limit the lighter one goes, the lightest first.

    `two` may say which pairs (M, 2) are two atoms all the same.
    """
    keep = np.ones(len(positions), dtype=bool)
    pairs = cKDTree(positions).query_pairs(limit, output_type="ndarray")
    if two is not None and len(pairs):
        pairs = pairs[~two(pairs)]
    lighter = np.where(H[pairs[:, 0]] < H[pairs[:, 1]], pairs[:, 0], pairs[:, 1])
    for k in np.argsort(H[lighter], kind="stable"):
        if keep[pairs[k]].all():
            keep[lighter[k]] = False
    return keep


def far_from(places: NDArray[np.float64], known: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Return which places are nearer than the limit to none of the known ones."""
    if not len(places) or not len(known):
        return np.ones(len(places), dtype=bool)
    far: NDArray[np.bool_] = cKDTree(known).query(places)[0] > limit
    return far


def unexplained(fit: Refinement) -> tuple[float, float]:
    """Return the mean square of the residual over the noise, at least 1, and what shifts of the images might gain.

    A shift along an axis with slope s of the image and variance v gains (Σ s r / v)² / 2 Σ s² / v of log-likelihood.
    """
    gaussian, poisson = fit.noise
    floor = gaussian**2 + 0.01 * poisson
    misfit, gain = 0.0, 0.0
    for image, residual in zip(fit.images, fit.residual, strict=True):
        variance = np.maximum(gaussian**2 + poisson * image, floor)
        misfit += float((residual**2 / variance).mean(dtype=float)) / len(fit.images)
        for slope in np.gradient(image):
            strength = float((slope**2 / variance).sum(dtype=float))
            gain += 0.5 * float((slope * residual / variance).sum(dtype=float)) ** 2 / max(strength, 1e-30)
    misfit = max(misfit, 1.0)
    return misfit, gain / misfit


def atom_power(fit: Refinement, pixel_size: float, element: str) -> float:
    """Return the power of the residual at the spatial frequencies of an atom's image, over that of the noise."""
    shape, spectrum = (64, 64), noise_spectrum(fit)
    profile = simulate_images([[0, 0, 0]], [0.0], shape, pixel_size, element, 1.0, float(np.median(fit.B)))[0]
    weight = np.abs(np.fft.fft2(profile)) ** 2
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n) for n in shape], indexing="ij"))
    power = np.interp(k, np.linspace(0, 0.5, len(spectrum)), spectrum)
    return max(float((weight * power).sum() / weight.sum()), 1e-30)

"""What `locate` works out between its steps: lengths, noise, levels, coarser images, and evidence for atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from ..arrays import TiltSeries, Volume
from ..imaging.noise import Noise, estimate_noise
from ..scattering import scattering_factor
from ..tomography import back_project
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

    symbols = [element] if isinstance(element, str) else list(element)
    if not symbols or not all(isinstance(s, str) for s in symbols) or len(set(symbols)) != len(symbols):
        msg = f"element={element!r}; expected a chemical symbol, or the symbols that occur, each once"
        raise ValueError(msg)
    for symbol in symbols:
        scattering_factor(symbol, 0.0)
    return sorted(symbols, key=atomic_numbers.__getitem__)


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


def coarser(images: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return every so manyeth pixel along x and y; the centre, at n // 2, stays."""
    if factor == 1:
        return images
    chosen = []
    for n in images.shape[1:]:
        before = (n // 2) // factor
        after = min((n - 1 - n // 2) // factor, before)
        chosen.append(n // 2 + factor * np.arange(-before, after + 1))
    return np.ascontiguousarray(images[:, chosen[0][:, None], chosen[1]])


def weigh(
    fit: Refinement, series: TiltSeries, element: str, H: float, factor: int, depth: int
) -> tuple[Volume, Volume, NDArray[np.float64]]:
    """Return what one more atom at each voxel gains, and half of one, and what the images know of each atom's weight.

    Returns
    -------
    gain : Volume
        Log-likelihood that an atom of weight H would gain, on voxels of so many pixels.
    half : Volume
        The same for half of it: what stays of an atom whose neighbours have moved into its place.
    information : (N,) array
        Fisher information of each atom's weight in units of H: taking it out costs information × (H_n / H − ½) as
        against leaving it in with weight H.

    Notes
    -----
    With P an atom's image, r the residual and v the variance of the counts, the gain is the back-projection of the
    correlations P ⋆ (r / v) − ½ P² ⋆ (1 / v). The variance is scaled until it explains the residual, so that errors of
    the model do not pass for atoms.
    """
    gaussian, poisson = fit.noise
    floor = gaussian**2 + 0.01 * poisson
    shape, workers = fit.images.shape[1:], get_num_threads()
    profile = simulate_images([[0, 0, 0]], [0.0], shape, series.pixel_size, element, H, float(np.median(fit.B)))[0]
    centred = np.roll(profile, [-(n // 2) for n in shape], (0, 1))
    one, square = np.conj(fft.rfft2(centred)), np.conj(fft.rfft2(centred**2))
    signal, strength, misfit = [], [], 0.0
    for image, residual in zip(fit.images, fit.residual, strict=True):
        variance = np.maximum(gaussian**2 + poisson * image, floor)
        misfit += float((residual**2 / variance).mean(dtype=float)) / len(fit.images)
        both = fft.rfft2(np.stack([residual / variance, 1 / variance]), workers=workers)
        both[0] *= one
        both[1] *= square
        both = fft.irfft2(both, s=shape, workers=workers).astype(np.float32)
        signal.append(coarser(both[:1], factor)[0])
        strength.append(coarser(both[1:], factor)[0])
    size = (*signal[0].shape, depth)
    moved = fit.shifts / factor if fit.shifts.any() else None
    angles = fit.as_turned(series).angles
    gain = back_project(np.stack(signal), angles, size, shifts=moved)
    loss = back_project(np.stack(strength), angles, size, shifts=moved)
    scale = 1 / max(misfit, 1.0)
    half = scale * (0.5 * gain - 0.125 * loss)
    gain -= 0.5 * loss
    gain *= scale
    places = fit.positions / (series.pixel_size * factor) + np.array(size) // 2
    information = scale * ndimage.map_coordinates(loss, places.T, order=1, mode="nearest")
    voxel = series.pixel_size * factor
    return Volume(gain, voxel), Volume(half, voxel), information


def apart(positions: NDArray[np.float64], H: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Return which atoms remain when of each pair nearer than the limit the lighter one goes, the lightest first."""
    keep = np.ones(len(positions), dtype=bool)
    pairs = cKDTree(positions).query_pairs(limit, output_type="ndarray")
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

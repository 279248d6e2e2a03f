"""Power spectra of images, the amorphous halo, and how steady a series is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..agreement import correlation
from ..checks import check_number, check_positive
from ..curves import peak_over_slope, ring_means
from ..digits import counted
from .noise import check_noise
from .outliers import clean_images
from .registration import edge_window, move, shift_between

_FADE = 0.25  # share of each edge that is faded, so that edges leave no cross in a spectrum
_LEAST_RINGS = 8  # fewer show no slope on both sides of a halo
_RING_SMOOTHING = 1.0  # standard deviation of the mean over neighbouring rings before a halo is sought [rings]
_PIXEL_WIDTH = 1 / (2 * np.sqrt(np.pi))  # a Gaussian so narrow leaves white noise as it is [px]
_LEAST_KEPT = 1e-6  # share of an image's variance that is its own, at least; keeps a quotient finite
_EDGE = 4  # beyond the shift, pixels that a move leaves ringing [px]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean power spectrum of a set of images.

    Attributes
    ----------
    image : (X, Y) array
        Power, zero frequency at index n // 2.
    q_x, q_y : (X,), (Y,) array
        Spatial frequencies of its axes [1/Å].
    q : (K,) array
        Radial frequency, one over the spacing [1/Å].
    radial : (K,) array
        Power averaged over rings.
    """

    image: NDArray[np.float64]
    q_x: NDArray[np.float64]
    q_y: NDArray[np.float64]
    q: NDArray[np.float64]
    radial: NDArray[np.float64]


def power_spectrum(images: ArrayLike, pixel_size: float, *, square: bool = True) -> Spectrum:
    """Return the mean power spectrum of images, in two dimensions and averaged over rings.

    Parameters
    ----------
    images : (T, X, Y) or (X, Y) array
        Images.
    pixel_size : float
        Edge of a pixel [Å].
    square : bool
        Whether to pad the images to a square, so that rings are sampled alike along x and y.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If an image is constant or not finite.

    Notes
    -----
    Each image is windowed with its mean taken off, so that its edges leave no cross in the spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import power_spectrum
    >>> spectrum = power_spectrum(np.sin(2 * np.pi * 0.25 * np.arange(64))[:, None] * np.ones(64), 0.5)
    >>> float(spectrum.q[spectrum.radial.argmax()])  # a period of 4 px of 0.5 Å
    0.5
    """
    stack = clean_images(images)
    pixel_size = check_positive("pixel_size", pixel_size)
    stack = stack.reshape(-1, *stack.shape[-2:])
    taper = edge_window(stack.shape[1:], share=_FADE)
    shape = (max(stack.shape[1:]),) * 2 if square else stack.shape[1:]
    power = np.zeros(shape)
    for image in stack:
        mean = (image * taper).sum() / taper.sum()
        power += np.abs(scipy.fft.fft2((image - mean) * taper, shape)) ** 2
    power = scipy.fft.fftshift(power) / (len(stack) * (taper**2).sum())
    q_x, q_y = (scipy.fft.fftshift(scipy.fft.fftfreq(n, pixel_size)) for n in shape)
    step = 1 / (min(shape) * pixel_size)
    ring = np.round(np.hypot(q_x[:, None], q_y) / step).astype(int)
    rings = min(shape) // 2 + 1
    radial = ring_means(ring, power)[1][:rings]
    return Spectrum(power, q_x, q_y, step * np.arange(rings), radial)


@dataclass(frozen=True, eq=False)
class Halo:
    """Ring of a disordered sample in the power spectrum of its images.

    Attributes
    ----------
    q : float
        Its radius, one over the spacing [1/Å].
    width : float
        Its full width at half its height above the slope [1/Å].
    contrast : float
        Its height over the slope on which it sits.
    """

    q: float
    width: float
    contrast: float


def find_halo(spectrum: Spectrum, *, low: float = 0.25, high: float = 0.75) -> Halo:
    """Find the amorphous halo in a power spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        As from `power_spectrum`.
    low, high : float
        Range in which to look [1/Å]: wider than the halo, free of the sample's outline.

    Returns
    -------
    Halo

    Raises
    ------
    ValueError
        If the range holds too few rings, or no ring stands out in it.

    Notes
    -----
    The logarithm of the power falls along a straight slope from `low` to `high`; the halo is the largest
    excess over it, its maximum found by a parabola through three rings.
    """
    low, high = check_number("low", low, low=0), check_number("high", high, low=0)
    inside = (spectrum.q >= low) & (spectrum.q <= high)
    if inside.sum() < _LEAST_RINGS:
        msg = f"only {counted(inside.sum(), 'ring', 'lie')} between {low:g} and {high:g} 1/Å; widen low and high"
        raise ValueError(msg)
    q = spectrum.q[inside]
    value = np.log(np.maximum(scipy.ndimage.gaussian_filter1d(spectrum.radial, _RING_SMOOTHING)[inside], 1e-300))
    found = peak_over_slope(q, value)
    if found is None:
        msg = f"no halo between {low:g} and {high:g} 1/Å: no ring stands out; look at the spectrum"
        raise ValueError(msg)
    position, contrast, width = found
    return Halo(position, width, contrast)


def stability(
    images: ArrayLike, *, noise: tuple[float, float] | None = None, smooth: float = 1.0
) -> NDArray[np.float64]:
    """Compare images of one view that were taken at different times.

    Parameters
    ----------
    images : (T, X, Y) array
        Images of one view, such as those at zero tilt before, during and after a series [counts].
    noise : (float, float), optional
        Gaussian and Poisson noise. If given, the correlations are divided by what noise alone leaves of
        them, so that one means "the same but for noise".
    smooth : float
        Standard deviation of the Gaussian that both images are smoothed with [px].

    Returns
    -------
    (T, T) array
        Correlation coefficients after registration.

    Raises
    ------
    ValueError
        If there are fewer than two images, or one is constant or not finite.
    """
    stack = clean_images(images, ndim=(3,))
    if len(stack) < 2:
        msg = f"images holds {len(stack)} image; expected two or more of one view"
        raise ValueError(msg)
    smooth = check_number("smooth", smooth, low=0, high=max(stack.shape))
    soft = scipy.ndimage.gaussian_filter(stack, (0, smooth, smooth))
    kept = np.ones(len(stack))
    if noise is not None:
        noise = check_noise(noise)
        left = 1 / (4 * np.pi * max(smooth, _PIXEL_WIDTH) ** 2)  # share of white noise's variance that is left
        for i, image in enumerate(stack):
            variance = (noise[0] ** 2 + noise[1] * np.clip(image, 0, None).mean()) * left
            kept[i] = max(_LEAST_KEPT, 1 - variance / soft[i].var())
    taper = edge_window(stack.shape[1:])
    found = np.eye(len(stack))
    for i in range(len(stack)):
        for j in range(i + 1, len(stack)):
            shift = shift_between(soft[i], soft[j], taper)
            moved = move(soft[j][None], -shift[None])[0]
            edge = int(np.ceil(np.abs(shift).max())) + _EDGE
            inner = (slice(edge, -edge), slice(edge, -edge))
            value = correlation(soft[i][inner], moved[inner]) / np.sqrt(kept[i] * kept[j])
            found[i, j] = found[j, i] = value
    return found

"""How much read-out and shot noise images carry, found from the images alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..arrays import multiplicity
from ..checks import check_choice, check_count, check_number, check_numbers
from ..curves import ring_means
from .drift import displacements, repeats
from .outliers import clean_images
from .registration import edge_window, frequencies, windowed_spectrum

_BINS = 60  # of the mean signal: narrow enough for the curve, wide enough for a variance each
_TINY = 1e-30  # noise below it is none; above its inverse no number of counts
_MOST_BINS = 100_000  # more than images have pixels for
_LEAST_PIXELS = 30  # a bin with fewer says little of a variance
_TAILS = 0.002, 0.998  # quantiles between which the bins lie, so that single bright pixels do not stretch them
_REFITS = 3  # fits, each weighted by the variance that the one before found
_FADE = 0.04  # width over which frequencies without signal fade in, so that detail does not ring [1/px]
_RIM = 0.125  # share of each edge that the window fades, and that is left out [of the edge]
_LIMITS = 0.2, 0.5  # the signal reaches the first in any image worth taking; the second is Nyquist's [1/px]
_STANDS_OUT = 0.01  # power over the floor that counts as signal [of the floor]; or three standard errors
_MEAN_OF_RINGS = 5  # rings over which the power is averaged before it is compared with the floor
_AFTER_LIMIT = 3  # rings between the last that stands out and the first taken to be free of signal
_REACH, _WIDTH = 5, 1.5  # of the Gaussian mean around a pixel; narrow, so that the level stays that of the place [px]
_HOLE_OF_FRAMES, _HOLE_OF_DETAIL = 1, 3  # pixels across that share the noise of the one in the middle [px]


class Noise(NamedTuple):
    """Read-out (Gaussian) and shot (Poisson) noise: variance = gaussian² + poisson × mean.

    Attributes
    ----------
    gaussian : float
        Standard deviation of the signal-independent noise [counts].
    poisson : float
        Variance of the signal-dependent noise over the mean signal [counts]; counts per electron.
    """

    gaussian: float
    poisson: float

    def averaged(self, frames: int) -> Noise:
        """Return the noise that is left in the mean of so many frames."""
        count = float(check_count("frames", frames))
        return Noise(self.gaussian / np.sqrt(count), self.poisson / count)

    def sigma(self, mean: ArrayLike) -> NDArray[np.float64]:
        """Return the standard deviation of the noise where the noise-free signal is `mean`."""
        return np.sqrt(self.gaussian**2 + self.poisson * np.clip(mean, 0, None))


def check_noise(noise: tuple[float, float]) -> Noise:
    """Return read-out and shot noise as `Noise` if they are two numbers, not negative and not both zero."""
    pair = check_numbers(noise, name="noise", finite=False, expected="two numbers")
    good = pair.shape == (2,) and all(n == 0 or _TINY < n < 1 / _TINY for n in pair.tolist()) and pair.any()
    if not good:
        shown = pair.tolist() if pair.size < 4 else f"an array of shape {pair.shape}"
        msg = f"noise={shown}; expected two numbers, not negative and not both zero"
        raise ValueError(msg)
    return Noise(*pair.tolist())


def estimate_noise(images: ArrayLike, *, method: str | None = None, bins: int = _BINS) -> Noise:
    """Estimate read-out and shot noise from images as they were recorded.

    Parameters
    ----------
    images : (T, F, X, Y), (T, X, Y), (F, X, Y) or (X, Y) array
        Raw images [counts]: frames of every tilt, a stack of any images, or one image. They must not have
        been interpolated, averaged or filtered, for that changes what the estimate rests on.
    method : {"frames", "detail"}, optional
        ``"frames"`` compares successive frames of one view after registration: it assumes nothing of the
        sample, and needs two frames. ``"detail"`` looks at the finest detail of each image, beyond what
        the probe transfers, and needs one image. Default: ``"frames"`` for four axes, else ``"detail"``.
    bins : int
        Bins of the mean signal.

    Returns
    -------
    Noise
        ``(gaussian, poisson)``.

    Raises
    ------
    ValueError
        If the images are constant, not finite, or show too few different signals to tell the two apart.

    Notes
    -----
    The variance of the noise is fitted as ``gaussian² + poisson · mean`` over bins of the smoothed image.
    Counts must be zero where no electron falls: take a constant offset off first.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import estimate_noise
    >>> rng = np.random.default_rng(0)
    >>> mean = 40 + 30 * np.sin(np.arange(256) / 20)[:, None] * np.ones(256)
    >>> gaussian, poisson = estimate_noise(2.0 * rng.poisson(mean / 2) + rng.normal(0, 5, mean.shape))
    >>> bool(abs(poisson / 2 - 1) < 0.1 and abs(gaussian / 5 - 1) < 0.1)
    True
    """
    return fit_noise(*noise_curve(images, method=method, bins=bins))


def noise_of(stack: NDArray[Any], *, method: str, bins: int = _BINS) -> Noise:
    """Do what `estimate_noise` does, for images that were checked."""
    return fit_noise(*_curve(stack, method, bins))


def fit_noise(mean: NDArray[Any], variance: NDArray[Any], count: NDArray[Any]) -> Noise:
    """Fit both kinds of noise to what `noise_curve` returns."""
    weight = np.sqrt(count) / variance
    design = np.stack([np.ones_like(mean), mean], axis=1)
    if np.ptp(mean) < 1e-6 * np.abs(mean).max():
        msg = "images show a single level of signal; two kinds of noise cannot be told apart from it"
        raise ValueError(msg)
    for _ in range(_REFITS):  # weights from the fitted variance, so that a bin's own scatter does not bias it
        level, slope = np.linalg.lstsq(design * weight[:, None], variance * weight, rcond=None)[0]
        if level < 0:
            level, slope = 0.0, float((weight**2 * mean * variance).sum() / (weight**2 * mean**2).sum())
        if slope < 0:
            level, slope = float((weight**2 * variance).sum() / (weight**2).sum()), 0.0
        weight = np.sqrt(count) / np.maximum(level + slope * mean, 1e-6 * variance.max())
    return Noise(float(np.sqrt(level)), float(slope))


def noise_curve(
    images: ArrayLike, *, method: str | None = None, bins: int = _BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the variance of the noise against the mean signal, the curve that `estimate_noise` fits.

    Parameters
    ----------
    images, method, bins
        As in `estimate_noise`.

    Returns
    -------
    mean, variance : (B,) array
        Mean signal [counts] and variance of the noise [counts²] of each bin.
    count : (B,) array
        Pixels in each bin.
    """
    stack = clean_images(images, ndim=(2, 3, 4))
    method = check_choice("method", method or ("frames" if stack.ndim == 4 else "detail"), ("frames", "detail"))
    if check_number("bins", bins, low=3, high=_MOST_BINS) != int(bins):
        msg = f"bins={bins!r}; expected a whole number"
        raise ValueError(msg)
    if method == "frames" and (stack.ndim < 3 or stack.shape[-3] < 2):
        msg = "method='frames' needs two or more frames of one view; use method='detail' for single images"
        raise ValueError(msg)
    return _curve(stack, method, bins)


def _curve(
    stack: NDArray[Any], method: str, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    if method == "frames":
        return _bin(*_repeats(stack.reshape(-1, *stack.shape[-3:])), bins)
    return _bin(*_finest_detail(stack.reshape(-1, *stack.shape[-2:])), bins)


def _repeats(stack: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return surrounding level, mean and squared noise of pixels that successive frames show."""
    found = []
    for a, b, rim in repeats(stack, displacements(stack)):
        inner = (slice(rim, -rim), slice(rim, -rim))
        mean = (a + b) / 2
        found.append([_surroundings(mean, _HOLE_OF_FRAMES)[inner], mean[inner], ((a - b) ** 2 / 2)[inner]])
    return tuple(np.concatenate([f[i].ravel() for f in found]) for i in range(3))  # type: ignore[return-value]


def _finest_detail(stack: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return surrounding level, mean and squared noise from the frequencies beyond any signal."""
    shape = stack.shape[1:]
    kx, ky = frequencies(shape)
    k = np.hypot(kx[:, None], ky)
    taper = edge_window(shape)
    power = sum((np.abs(windowed_spectrum(image, taper)) ** 2 for image in stack), np.zeros(k.shape))
    passed = 0.5 - 0.5 * np.cos(np.pi * np.clip((k - _signal_limit(k, power, shape)) / _FADE, 0, 1))
    share = float((passed**2 * multiplicity(shape[1])).sum() / (shape[0] * shape[1]))
    rim = [max(4, round(_RIM * n)) for n in shape]
    inner = (slice(rim[0], -rim[0]), slice(rim[1], -rim[1]))
    found = []
    for image in stack:
        detail = scipy.fft.irfft2(windowed_spectrum(image, taper) * passed, shape)
        found.append([_surroundings(image, _HOLE_OF_DETAIL)[inner], image[inner], (detail**2 / share)[inner]])
    return tuple(np.concatenate([f[i].ravel() for f in found]) for i in range(3))  # type: ignore[return-value]


def _signal_limit(k: NDArray[Any], power: NDArray[Any], shape: tuple[int, ...]) -> float:
    """Return the spatial frequency beyond which the power is flat, at most the Nyquist frequency [1/px]."""
    size = min(shape)
    ring = np.round(k * size).astype(int)
    count, radial = ring_means(ring, power)
    inside = np.arange(len(radial)) <= size // 2
    floor = np.median(radial[~inside])
    excess = scipy.ndimage.uniform_filter1d(radial / floor - 1, _MEAN_OF_RINGS)
    above = np.flatnonzero((excess > np.maximum(_STANDS_OUT, 3 / np.sqrt(_MEAN_OF_RINGS * count))) & inside)
    limit = (above.max() + _AFTER_LIMIT) / size if above.size else 0.0
    return float(np.clip(limit, *_LIMITS))


def _surroundings(image: NDArray[Any], hole: int) -> NDArray[np.float64]:
    """Return a Gaussian mean that leaves the pixel itself out, and with it the pixel's own noise.

    Bins chosen by it and averaged over the pixels' own values have no bias from noise in the level.
    """
    grid = np.arange(-_REACH, _REACH + 1)
    kernel = np.exp(-(grid[:, None] ** 2 + grid**2) / (2 * _WIDTH**2))
    kernel[np.ix_(np.abs(grid) <= hole // 2, np.abs(grid) <= hole // 2)] = 0
    return scipy.ndimage.convolve(image.astype(np.float64), kernel / kernel.sum(), mode="nearest")


def _bin(
    level: NDArray[Any], mean: NDArray[Any], square: NDArray[Any], bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return means over bins of equal width in level, leaving out bins with few pixels."""
    if level.size == 0:
        msg = "images hold no pixel beyond the rims that drift and windows spoil; expected larger images"
        raise ValueError(msg)
    low, high = np.quantile(level, _TAILS)
    if high <= low:
        low, high = level.min(), level.max() + 1e-12
    place = np.clip(((level - low) / (high - low) * bins).astype(int), -1, bins) + 1
    count, mean, square = (of_bin[1:-1] for of_bin in ring_means(place, mean, square, rings=bins + 2))
    keep = count > _LEAST_PIXELS
    if not keep.any():
        msg = f"images hold too few pixels for {bins} bins of signal; lower bins"
        raise ValueError(msg)
    return mean[keep], square[keep], count[keep]

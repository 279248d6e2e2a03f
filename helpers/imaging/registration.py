"""How far one image is displaced from another, to a small fraction of a pixel."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..arrays import multiplicity
from ..checks import check_choice, check_number, check_numbers
from .outliers import clean_images

_NEWTON_STEPS = 30  # most steps between the pixels; Newton's method needs a few
_LONGEST_STEP = 0.5  # keeps a step on the hill it began on [px]
_NEWTON_END = 1e-5  # far below what noise leaves [px]
_NEAR = 1.5  # a maximum farther from the best whole pixel than its neighbours is another hill [px]
_PAD = 16  # mirrored rim in which what a phase makes ring fades away [px]


def find_shift(
    reference: ArrayLike, image: ArrayLike, *, weight: ArrayLike | None = None, window: str = "cosine"
) -> NDArray[np.float64]:
    """Find by how much an image is displaced from a reference.

    The cross-correlation is maximised first over whole pixels, then between them by Newton's method on
    its exact Fourier series; no grid of upsampled values limits the result.

    Parameters
    ----------
    reference, image : (X, Y) array
        Two images of one view.
    weight : (X, Y//2 + 1) array, optional
        Weight of every spatial frequency, in the order of `scipy.fft.rfft2`. Default: all alike but for
        the mean, which carries no position.
    window : {"cosine", "none"}
        ``"cosine"`` fades the outer eighth of the images, so that their edges do not correlate.

    Returns
    -------
    (2,) array
        Displacement along x and y [px]: ``image(x) ≈ reference(x − shift)``.

    Raises
    ------
    ValueError
        If the shapes differ, or an image is constant or not finite.

    References
    ----------
    M. Guizar-Sicairos, S. T. Thurman, J. R. Fienup, Opt. Lett. 33, 156 (2008), doi:10.1364/OL.33.000156.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import find_shift
    >>> x, y = np.mgrid[:48, :56]
    >>> spot = lambda cx, cy: np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8)
    >>> find_shift(spot(22, 28), spot(22.3, 26.8)).round(2)
    array([ 0.3, -1.2])
    """
    first = clean_images(reference, name="reference", ndim=(2,))
    second = clean_images(image, name="image", ndim=(2,))
    if first.shape != second.shape:
        msg = f"reference is {first.shape} and image {second.shape}; expected the same shape"
        raise ValueError(msg)
    check_choice("window", window, ("cosine", "none"))
    taper = edge_window(first.shape) if window == "cosine" else np.ones(first.shape)
    if weight is None:
        return shift_between(first, second, taper)
    known = check_numbers(weight, name="weight", expected="a weight of each frequency (X, Y//2 + 1)")
    if known.shape != (first.shape[0], first.shape[1] // 2 + 1):
        msg = f"weight has shape {known.shape}; expected {(first.shape[0], first.shape[1] // 2 + 1)}"
        raise ValueError(msg)
    largest = np.abs(known).max()
    if largest == 0:
        msg = "weight is zero at every frequency; expected some that count"
        raise ValueError(msg)
    return shift_between(first, second, taper, known / largest)


def shift_between(
    reference: NDArray[Any], image: NDArray[Any], taper: NDArray[Any], weight: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Do what `find_shift` does, for float32 images that were checked and the window they are multiplied with."""
    cross = np.conj(windowed_spectrum(reference, taper)) * windowed_spectrum(image, taper)
    cross = cross * (np.ones(cross.shape) if weight is None else weight)
    cross[0, 0] = 0
    return correlation_peak(cross, reference.shape)


def edge_window(shape: tuple[int, ...], share: float = 0.125) -> NDArray[np.float64]:
    """Return a window that is one in the middle and fades to zero over `share` of each edge."""
    sides = []
    for n in shape:
        edge = max(2, round(share * n))
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
        side = np.ones(n)
        side[:edge], side[-edge:] = ramp, ramp[::-1]
        sides.append(side)
    return sides[0][:, None] * sides[1]


def windowed_spectrum(images: NDArray[Any], taper: NDArray[Any]) -> NDArray[np.complex64]:
    """Return the half-spectrum of windowed images.

    The mean of the rim is taken off first: an edge of the window that stood out would not move with the sample.
    """
    rim = (1 - taper).astype(np.float32)
    level = (images * rim).sum(axis=(-2, -1), keepdims=True) / max(float(rim.sum()), 1e-6)
    return scipy.fft.rfft2((images - level) * taper.astype(np.float32))


@cache
def frequencies(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the spatial frequencies of a half-spectrum along x and y [1/px]."""
    return scipy.fft.fftfreq(shape[0]), scipy.fft.rfftfreq(shape[1])


@cache
def _waves(shape: tuple[int, int]) -> tuple[NDArray[Any], ...]:
    """Return 2πi times the frequencies along x and y, and what turns waves of each into their first two derivatives."""
    wx, wy = (2j * np.pi * k for k in frequencies(shape))
    return wx, wy, np.stack([np.ones_like(wx), wx, wx * wx]), np.stack([np.ones_like(wy), wy, wy * wy])


def correlation_peak(cross: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the displacement at which a weighted cross-spectrum is most in phase [px].

    Sums are in the precision of the spectrum: 10⁻⁶ px in single precision, far below what noise leaves.
    """
    correlation = scipy.fft.irfft2(cross.astype(np.complex64, copy=False), shape)  # finds the pixel next to the maximum
    peak = np.array(divmod(int(correlation.argmax()), shape[1]), dtype=float)
    peak = (peak + np.array(shape) // 2) % np.array(shape) - np.array(shape) // 2
    cross = cross * multiplicity(shape[1]).astype(cross.real.dtype)
    wx, wy, along_x, along_y = _waves(shape)
    x, y = peak.tolist()
    for _ in range(_NEWTON_STEPS):
        waves = [(np.exp(w * at) * along).astype(cross.dtype) for w, at, along in ((wx, x, along_x), (wy, y, along_y))]
        sums = (waves[0] @ (cross @ waves[1].T)).real
        (_, slope_y, yy), (slope_x, xy, _), (xx, _, _) = sums.tolist()
        det = xx * yy - xy * xy
        if xx >= 0 or det <= 0:
            break  # not near a maximum: the whole-pixel answer stands
        step_x = min(max((xy * slope_y - yy * slope_x) / det, -_LONGEST_STEP), _LONGEST_STEP)
        step_y = min(max((xy * slope_x - xx * slope_y) / det, -_LONGEST_STEP), _LONGEST_STEP)
        x, y = x + step_x, y + step_y
        if max(abs(step_x), abs(step_y)) < _NEWTON_END:
            break
    shift = np.array([x, y])
    return shift if np.abs(shift - peak).max() < _NEAR else peak


def move(images: NDArray[Any], shifts: NDArray[Any], *, fill: float = 0.0) -> NDArray[np.float32]:
    """Return images displaced by `shifts` [px]; what comes in at the edges is `fill`.

    Whole pixels are copied; the rest is a phase in Fourier space, exact for images that are sampled finely
    enough, with the images' edges mirrored so that nothing wraps around.
    """
    images = check_numbers(images, name="images", dtype=np.float32, expected="images (T, X, Y)")
    places = check_numbers(shifts, name="shifts", expected="displacements (T, 2) [px]")
    if images.ndim != 3 or places.shape != (len(images), 2):
        msg = f"images has shape {images.shape} and shifts {places.shape}; expected (T, X, Y) and (T, 2)"
        raise ValueError(msg)
    places = np.clip(places, -max(images.shape) - 1, max(images.shape) + 1)  # beyond the field there is no difference
    fill = check_number("fill", fill, low=-1e38, high=1e38)
    out = np.full(images.shape, fill, dtype=np.float32)
    nx, ny = images.shape[-2:]
    big = (scipy.fft.next_fast_len(nx + 2 * _PAD, real=True), scipy.fft.next_fast_len(ny + 2 * _PAD, real=True))
    kx, ky = frequencies(big)
    widths = ((_PAD, big[0] - nx - _PAD), (_PAD, big[1] - ny - _PAD))
    for image, shift, target in zip(images, places, out, strict=True):
        whole = np.round(shift).astype(int)
        part = shift - whole
        moved = image
        if np.abs(part).max() > 1e-6:
            spectrum = scipy.fft.rfft2(np.pad(image, widths, mode="edge"))
            spectrum *= np.exp(-2j * np.pi * kx * part[0])[:, None] * np.exp(-2j * np.pi * ky * part[1])
            moved = scipy.fft.irfft2(spectrum, big)[_PAD : _PAD + nx, _PAD : _PAD + ny]
        source, place = [], []
        for n, s in zip((nx, ny), whole, strict=True):
            source.append(slice(max(0, -s), min(n, n - s)))
            place.append(slice(max(0, s), min(n, n + s)))
        if abs(whole[0]) < nx and abs(whole[1]) < ny:
            target[tuple(place)] = moved[tuple(source)]
    return out

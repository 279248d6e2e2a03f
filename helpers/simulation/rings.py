"""From a pattern of rings to one curve: the beam stop, the centre, and the mean around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage

from ..checks import check_mask, check_positive
from ..curves import ring_means

_BLUR = 2.0  # of the image that is compared with itself, turned [pixels]
_RIM = 2  # pixels around the beam stop that are left out with it
_RING = 0.65, 1.5  # what belongs to the first ring, in units of its radius
_LEAST_SLOPE = 1e-9  # least square of the slope across a ring, in units of the intensity there
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class RadialAverage:
    """Mean intensity against the length of the scattering vector.

    Attributes
    ----------
    q : (K,) array
        Mean over the pixels of a ring [1/Å].
    intensity : (K,) array
        Mean over the pixels of a ring.
    error : (K,) array
        Standard error of that mean if the pixels have the noise of counting.
    pixels : (K,) int array
        How many pixels a ring has.
    """

    q: NDArray[np.float64]
    intensity: NDArray[np.float64]
    error: NDArray[np.float64]
    pixels: NDArray[np.int64]


def find_beam_stop(counts: ArrayLike, *, threshold: float = 0.3) -> NDArray[np.bool_]:
    """Find the shadow of the beam stop in a diffraction pattern.

    Parameters
    ----------
    counts : (X, Y) array
        The pattern.
    threshold : float
        Darker than this share of the pattern's edge, where it is darkest otherwise, is shadow.

    Returns
    -------
    (X, Y) bool array
        The shadow with a rim of two pixels; pieces smaller than one pixel in a thousand are not shadow.

    Raises
    ------
    ValueError
        If the pattern is not an image of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import find_beam_stop
    >>> image = np.full((60, 60), 50.0)
    >>> image[25:35, :35] = 0
    >>> shadow = find_beam_stop(image)
    >>> bool(shadow[30, 10]), bool(shadow[10, 30])
    (True, False)
    """
    image = _check_image(counts)
    threshold = check_positive("threshold", threshold)
    smooth = ndimage.uniform_filter(image, 3)  # counts are few, and the bar of the beam stop is narrow
    middle = (np.array(image.shape) - 1) / 2
    far = np.hypot(*(np.indices(image.shape) - middle[:, None, None])) > 0.85 * middle.min()
    dark = smooth < threshold * np.median(smooth[far])
    label, count = ndimage.label(dark)
    sizes = np.bincount(label.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = sizes[label] > image.size / 1000
    return np.asarray(ndimage.binary_dilation(kept, iterations=_RIM))


def find_centre(counts: ArrayLike, shadow: ArrayLike | None = None) -> NDArray[np.float64]:
    """Find the centre of the rings of a diffraction pattern.

    Parameters
    ----------
    counts : (X, Y) array
        The pattern.
    shadow : (X, Y) bool array, optional
        Pixels to leave out.

    Returns
    -------
    (2,) array
        Index of the centre, between the pixels.

    Raises
    ------
    ValueError
        If the pattern is not an image of finite numbers, or shows no ring.

    Notes
    -----
    A pattern looks the same after half a turn about its centre: where it correlates best with itself, turned, the
    search begins. Then the first ring is fitted: the mean over rings about the present centre is taken as the curve
    I(r), and the centre moved by least squares, with the derivative of the curve, until it stays.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import find_centre
    >>> x, y = np.indices((80, 90))
    >>> ring = np.exp(-((np.hypot(x - 41.3, y - 42.8) - 20) ** 2) / 18)
    >>> find_centre(100 * ring + 1).round(1).tolist()
    [41.3, 42.8]
    """
    image = _check_image(counts)
    seen = ~check_mask(shadow, image.shape, name="shadow") if shadow is not None else np.ones(image.shape, dtype=bool)
    centre = _half_turn(image, seen)
    place = np.indices(image.shape)
    for _ in range(_ROUNDS):
        away = place - centre[:, None, None]
        r = np.hypot(*away)
        _, profile = ring_means(np.rint(r[seen]).astype(np.int64), image[seen])
        radii = np.flatnonzero(np.isfinite(profile))
        smooth = ndimage.gaussian_filter1d(np.interp(np.arange(len(profile)), radii, profile[radii]), 1.5)
        inside = np.arange(len(smooth)) < min(image.shape) / 2
        ring = int(np.argmax(smooth * np.arange(len(smooth)) ** 2 * inside))  # the rings fall faster than 1/r²
        used = seen & (r > _RING[0] * ring) & (r < _RING[1] * ring) & (r > 1)
        rim = r[used]
        steps = np.arange(len(smooth))
        value, slope = np.interp(rim, steps, smooth), np.interp(rim, steps, np.gradient(smooth))
        rows = -slope * away[:, used] / rim / np.sqrt(np.maximum(value, 1e-12))
        rest = (image[used] - value) / np.sqrt(np.maximum(value, 1e-12))
        normal = rows @ rows.T
        if ring < 3 or not np.linalg.det(normal) > (_LEAST_SLOPE * value.sum()) ** 2:
            msg = f"the pattern of shape {image.shape} shows no ring; expected one well inside, outside the shadow"
            raise ValueError(msg)
        move = np.linalg.solve(normal, rows @ rest)
        centre = centre + np.clip(move, -3, 3)
        if np.abs(move).max() < 1e-3:
            break
    return centre


def radial_average(counts: ArrayLike, centre: ArrayLike, step: float, shadow: ArrayLike | None = None) -> RadialAverage:
    """Average a diffraction pattern over rings about its centre.

    Parameters
    ----------
    counts : (X, Y) array
        The pattern.
    centre : (2,) array
        Index of the centre [pixels].
    step : float
        Width of a pixel and of a ring [1/Å].
    shadow : (X, Y) bool array, optional
        Pixels to leave out.

    Returns
    -------
    RadialAverage
        Over all whole rings that have pixels outside the shadow.

    Raises
    ------
    ValueError
        If the pattern is not an image of finite numbers, or the centre lies outside.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import radial_average
    >>> mean = radial_average(np.full((21, 21), 7.0), (10, 10), 0.1)
    >>> len(mean.q), float(mean.intensity[5])
    (10, 7.0)
    """
    image, width = _check_image(counts), check_positive("step", step)
    middle = np.asarray(centre, dtype=np.float64)
    if middle.shape != (2,) or (middle < 0).any() or (middle > np.array(image.shape) - 1).any():
        msg = f"centre={middle.tolist()} lies outside the pattern of shape {image.shape}; expected two indices"
        raise ValueError(msg)
    seen = ~check_mask(shadow, image.shape, name="shadow") if shadow is not None else np.ones(image.shape, dtype=bool)
    r = np.hypot(*(np.indices(image.shape) - middle[:, None, None]))
    whole = int(min(middle.min(), (np.array(image.shape) - 1 - middle).min()))  # farther rings are cut off
    pixels, radius, mean = ring_means(np.rint(r[seen]).astype(np.int64), r[seen], image[seen])
    kept = np.flatnonzero((pixels > 0) & (np.arange(len(pixels)) < whole))
    error = np.sqrt(np.maximum(mean[kept], 0) / pixels[kept])
    return RadialAverage(radius[kept] * width, mean[kept], error, pixels[kept])


def _check_image(counts: ArrayLike) -> NDArray[np.float64]:
    image = np.asarray(counts, dtype=np.float64)
    if image.ndim != 2 or min(image.shape) < 8 or not np.isfinite(image).all():
        msg = f"counts has shape {image.shape}; expected an image (X, Y) of finite numbers, at least 8 pixels wide"
        raise ValueError(msg)
    return image


def _half_turn(image: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the point about which half a turn changes an image least, to a pixel or so."""
    level = np.log1p(np.maximum(ndimage.gaussian_filter(image, _BLUR), 0))
    level = np.where(seen, level - level[seen].mean(), 0)
    shape = [fft.next_fast_len(2 * n, real=True) for n in image.shape]
    spectrum, weight = fft.rfft2(level, shape), fft.rfft2(seen.astype(float), shape)
    square = fft.rfft2(level**2, shape)
    products = fft.irfft2(spectrum**2, shape)  # of the image with itself, turned: sum over x of I(x) I(s − x)
    norm = fft.irfft2(square * weight, shape)
    overlap = fft.irfft2(weight**2, shape)
    least = max(1e-9 * float(norm.max()), 1e-300)
    score = np.where(overlap > 0.5 * overlap.max(), products / np.maximum(norm, least), -np.inf)
    return np.array(np.unravel_index(np.argmax(score), score.shape), dtype=np.float64) / 2

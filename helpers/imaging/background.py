"""The background under the sample, filled in from around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..arrays import TiltSeries, central
from ..checks import check_number, check_numbers
from ._laplace_kernel import fill
from .outliers import clean_images

_MARGIN = 6.0  # how far the tails of the probe reach beyond the edge of a sample, about two ångströms [px]
_SMOOTH = 3.0  # averages over about a hundred pixels, so that noise moves neither the edge nor the rim [px]
_SMOOTHEST = 1000.0  # wider than any image [px]
_FRAME = 16  # the plane is fitted to the outer sixteenth of an image, where there is no sample
_EDGE = 0.25  # where a sample begins, between the medians of background and sample: the foot of its edge
_SMALLEST = 20  # pieces smaller than the largest over this are specks
_MOST = 0.98  # share of an image that a mask may cover, to leave a rim to interpolate from
_TOLERANCE = 1e-5  # largest change of a sweep at which the membrane rests, of the range of the surroundings


def find_mask(images: ArrayLike, *, margin: float = _MARGIN, smooth: float = _SMOOTH) -> NDArray[np.bool_]:
    """Find a mask slightly larger than the sample in each image.

    Parameters
    ----------
    images : (T, X, Y) or (X, Y) array
        Images, brighter where the sample is.
    margin : float
        How far the mask reaches beyond the edge of the sample [px].
    smooth : float
        Standard deviation of the Gaussian that the images are smoothed with before thresholding [px].

    Returns
    -------
    (T, X, Y) or (X, Y) bool array
        True on the sample.

    Raises
    ------
    ValueError
        If an image is constant or not finite, or a mask leaves no background.

    Notes
    -----
    A plane is fitted to the image's rim and taken off, then Otsu's threshold splits background and sample,
    and is moved to where the edge of the sample begins: a quarter of the way between the two medians.
    Holes are filled, and pieces smaller than a twentieth of the largest are dropped.
    """
    return _masks(clean_images(images), margin, smooth)


def _masks(stack: NDArray[Any], margin: float, smooth: float) -> NDArray[np.bool_]:
    smooth = _check_smooth(smooth)
    margin = check_number("margin", margin, low=0)
    flat = stack.reshape(-1, *stack.shape[-2:])
    masks = np.stack([_mask(image, margin, smooth) for image in flat])
    _check_background(masks)
    return masks.reshape(stack.shape)


def crop_to_sample(series: TiltSeries, *, margin: float = _MARGIN) -> TiltSeries:
    """Keep what the sample covers at any tilt, with the middle of the images still in the middle.

    Most of a field serves to find the background; a reconstruction needs what the sample covers.

    Parameters
    ----------
    series : TiltSeries
        Aligned images without background.
    margin : float
        Passed to `find_mask` [px].

    Returns
    -------
    TiltSeries
        The same tilts, with an odd number of pixels along x and y where the field allows it.

    Raises
    ------
    ValueError
        If no image shows a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.imaging import crop_to_sample
    >>> x, y = np.mgrid[-40:40, -36:36]
    >>> images = np.stack([np.exp(-(((x - move) / 9) ** 2) - (y / 9) ** 2) for move in (-2, 0, 2)])
    >>> cropped = crop_to_sample(TiltSeries(images, [-30.0, 0.0, 30.0], 0.4))
    >>> nx = cropped.images.shape[1]
    >>> nx % 2, nx < 80, int(cropped.images[1].sum(axis=1).argmax()) == nx // 2
    (1, True, True)
    """
    covered = np.any(find_mask(series.images, margin=margin), axis=0)
    if not covered.any():
        msg = "no image shows a sample; expected a bright sample on a darker ground"
        raise ValueError(msg)
    reach = [np.abs(np.flatnonzero(np.any(covered, axis=1 - k)) - n // 2).max() for k, n in enumerate(covered.shape)]
    kept = central(series.images, [int(2 * r + 1) for r in reach])
    return TiltSeries(kept, series.angles, series.pixel_size)


def estimate_background(
    images: ArrayLike, *, mask: ArrayLike | None = None, margin: float = _MARGIN, smooth: float = _SMOOTH
) -> NDArray[np.float32]:
    """Estimate the background: the image itself outside the mask, its harmonic continuation inside.

    Parameters
    ----------
    images, mask, margin, smooth
        As in `subtract_background`.

    Returns
    -------
    (T, X, Y) or (X, Y) array
        Background [counts].
    """
    return _estimate(clean_images(images), mask, margin, smooth)[0]


def subtract_background(
    images: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    margin: float = _MARGIN,
    smooth: float = _SMOOTH,
    outside: bool = True,
) -> NDArray[np.float32]:
    """Subtract the background under the sample, interpolated from around it.

    Parameters
    ----------
    images : (T, X, Y) or (X, Y) array
        Denoised images [counts].
    mask : (T, X, Y) or (X, Y) bool array, optional
        True on the sample and slightly beyond; by default `find_mask`.
    margin : float
        Passed to `find_mask` [px].
    smooth : float
        Standard deviation of the Gaussian that the surroundings are averaged with before they are
        continued inwards, so that single noisy pixels on the rim count less [px].
    outside : bool
        Whether everything outside the mask becomes zero, for it is background. If not, the smoothed
        surroundings are subtracted there and what is left of the noise stays.

    Returns
    -------
    (T, X, Y) or (X, Y) array
        Images without background [counts].

    Raises
    ------
    ValueError
        If an image is constant or not finite, shapes differ, or a mask covers a whole image.

    Notes
    -----
    Inside the mask the background u solves Laplace's equation ∇²u = 0 with the surroundings as boundary
    values (zero slope where the mask meets the edge of the image), by successive over-relaxation.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import subtract_background
    >>> x, y = np.mgrid[-24:24, -24:24]
    >>> sample = 40.0 * (np.hypot(x, y) < 10)
    >>> found = subtract_background(sample + 20 + 0.1 * x)
    >>> bool(np.abs(found - sample).max() < 1)
    True
    """
    return without_background(clean_images(images), mask, margin, smooth, outside)


def without_background(
    stack: NDArray[Any],
    mask: ArrayLike | None = None,
    margin: float = _MARGIN,
    smooth: float = _SMOOTH,
    outside: bool = True,
) -> NDArray[np.float32]:
    """Do what `subtract_background` does, for images that were checked."""
    background, masks = _estimate(stack, mask, margin, smooth)
    found = stack - background
    if outside:
        found[~masks] = 0
    return found


def _estimate(
    stack: NDArray[Any], mask: ArrayLike | None, margin: float, smooth: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    if mask is None:
        masks = _masks(stack, margin, smooth)
    else:
        smooth = check_number("smooth", smooth, low=0, high=_SMOOTHEST)
        masks = check_numbers(mask, name="mask", dtype=None, expected="True on the sample")
        if masks.shape not in (stack.shape, stack.shape[-2:]):
            msg = f"mask has shape {masks.shape}; expected {stack.shape[-2:]} or that of the images"
            raise ValueError(msg)
        masks = np.array(np.broadcast_to(masks, stack.shape), dtype=bool, order="C")  # writeable, as found masks are
        _check_background(masks)
    flat, inside = stack.reshape(-1, *stack.shape[-2:]), masks.reshape(-1, *stack.shape[-2:])
    around = np.stack([_surroundings(i, m, smooth) for i, m in zip(flat, inside, strict=True)])
    background = fill(around, inside, _TOLERANCE)
    return background.reshape(stack.shape), masks


def _mask(image: NDArray[Any], margin: float, smooth: float) -> NDArray[np.bool_]:
    from skimage.filters import threshold_otsu  # here, for it is slow to import

    x, y = np.meshgrid(*(np.linspace(-1, 1, n) for n in image.shape), indexing="ij")
    rim = np.ones(image.shape, bool)
    edge = [max(2, n // _FRAME) for n in image.shape]
    rim[edge[0] : -edge[0], edge[1] : -edge[1]] = False
    design = np.stack([np.ones_like(x), x, y], axis=-1)
    plane = design @ np.linalg.lstsq(design[rim], image[rim].astype(float), rcond=None)[0]
    soft = scipy.ndimage.gaussian_filter(image - plane, smooth, mode="nearest")
    bright = soft > threshold_otsu(soft)
    if not bright.any() or bright.all():
        msg = "an image shows nothing brighter than its ground; expected a bright sample: leave such images out"
        raise ValueError(msg)
    low, high = np.median(soft[~bright]), np.median(soft[bright])
    mask = soft > low + _EDGE * (high - low)
    labels, count = scipy.ndimage.label(mask)
    if count > 1:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        mask = (sizes >= sizes.max() / _SMALLEST)[labels] & mask
    mask = scipy.ndimage.binary_fill_holes(mask)
    return scipy.ndimage.distance_transform_edt(~mask) <= margin


def _check_smooth(smooth: float) -> float:
    return check_number("smooth", smooth, low=0.01, high=_SMOOTHEST)


def _check_background(masks: NDArray[np.bool_]) -> None:
    flat = masks.reshape(-1, *masks.shape[-2:])
    share = flat.mean(axis=(1, 2))
    full = np.flatnonzero(share > _MOST)
    if full.size:
        msg = (
            f"the mask covers all but {100 * (1 - share[full[0]]):.1f} % of image {full[0]}, so there is no "
            "background to interpolate from; pass a smaller mask, a smaller margin, or a wider field of view, or turn "
            "the contrast round if the sample is dark"
        )
        raise ValueError(msg)


def _surroundings(image: NDArray[Any], mask: NDArray[np.bool_], smooth: float) -> NDArray[np.float32]:
    """Return the image averaged over its neighbourhood outside the mask."""
    weight = (~mask).astype(np.float32)
    total = scipy.ndimage.gaussian_filter(image * weight, smooth, mode="nearest") if smooth > 0 else image * weight
    share = scipy.ndimage.gaussian_filter(weight, smooth, mode="nearest") if smooth > 0 else weight
    around = np.where(mask, 0, total / np.maximum(share, 1e-6))
    mean = image[~mask].mean()
    return np.where(mask, mean, around).astype(np.float32)

"""Pixels that stand far out of an image, such as stuck ones and hits of stray radiation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..checks import check_positive
from ..series import check_images

_FACTOR = 3.0  # times as far from the median as all but the few brightest pixels lie, atoms and noise included
_FEW = 1e-3  # share of an image that may be outliers
_LEAST_FEW = 18  # two groups of them in a small image [px]
_MOST_FEW = 0.02  # share of a tiny image that may be outliers
_WIDEST = 3  # edge of the largest group; what the probe draws is wider [px]
_PAIR = 2  # pixels of a group that stands out as sharply as nothing that a probe of 0.7 px or more draws
_SHARP = 10.0  # drop at the rim of a larger group that no probe draws
_AROUND = 2  # reach of the neighbourhood that stands in for an outlier [px]
_SHOT = 8.0  # an outlier lies at least so many standard deviations of shot noise beyond the scale


class OutlierWarning(UserWarning):
    """Pixels stood far out of an image, and were replaced by what is around them."""


def find_outliers(images: ArrayLike, *, factor: float = _FACTOR) -> NDArray[np.bool_]:
    """Find single pixels and small groups of them that stand far out of everything else in an image.

    Parameters
    ----------
    images : (T, F, X, Y), (T, X, Y) or (X, Y) array
        Images.
    factor : float
        How far an outlier lies from the median of its image, over all but the few farthest pixels. The
        scale adapts to noise and structure of each image, for both are among these pixels.

    Returns
    -------
    bool array of the images' shape
        True for outliers.

    Raises
    ------
    ValueError
        If an image is not finite, or `factor` not above one.

    Notes
    -----
    The few that may be outliers are 0.1 % of an image and at least 18 pixels, though never above 2 %. Where most
    pixels are equal, as in empty space or at the lowest doses, the median of those that differ is a lower bound
    to the scale.
    The least difference is taken for one electron: where counts are few, the tail of the Poisson
    distribution is long, and an outlier lies eight standard deviations beyond the scale as well.
    Single outliers and pairs count if they stand as far out of the pixels around them, larger groups, up to 3 × 3,
    if they stand out ten times: what a probe of a width of 0.7 pixels or more draws is wider or smoother.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import find_outliers
    >>> images = np.random.default_rng(0).poisson(0.02, (2, 64, 64)).astype(float)
    >>> images[1, 40, 7] = 30
    >>> np.argwhere(find_outliers(images)).tolist()
    [[1, 40, 7]]
    """
    return _find(check_images(images, ndim=(2, 3, 4), contrast=False), _check_factor(factor))


def mend_outliers(images: ArrayLike, *, factor: float = _FACTOR) -> NDArray[np.float32]:
    """Replace outliers by the median of the pixels around them.

    Every function of this stage does so with what it is given, as `reconstruct` does.

    Parameters
    ----------
    images, factor
        As in `find_outliers`.

    Returns
    -------
    float32 array of the images' shape
        The images with their outliers replaced; never the caller's own memory if there were any.

    Raises
    ------
    ValueError
        As in `find_outliers`.

    Warns
    -----
    OutlierWarning
        If there were outliers: how many, and where the first is.
    """
    return mended(check_images(images, ndim=(2, 3, 4), contrast=False), factor=_check_factor(factor))


def clean_images(
    images: ArrayLike,
    *,
    name: str = "images",
    ndim: tuple[int, ...] = (2, 3),
    contrast: bool = True,
    stacklevel: int = 4,
) -> NDArray[np.float32]:
    """Check images as `series.check_images` does, and mend their outliers: the door of this stage."""
    stack = check_images(images, name=name, ndim=ndim, contrast=contrast)
    return mended(stack, name=name, stacklevel=stacklevel)


def mended(
    stack: NDArray[np.float32], *, name: str = "images", factor: float = _FACTOR, stacklevel: int = 3
) -> NDArray[np.float32]:
    """Do what `mend_outliers` does, for images that were checked."""
    outliers = _find(stack, factor)
    count = int(outliers.sum())
    if not count:
        return stack
    found = stack.copy()
    places = np.argwhere(outliers)
    for place in map(tuple, places):
        near = (*place[:-2], *(slice(max(0, p - _AROUND), p + _AROUND + 1) for p in place[-2:]))
        found[place] = np.median(stack[near][~outliers[near]])
    *image, x, y = (int(i) for i in places[0])
    which = {0: "", 1: "image {}, ", 2: "tilt {}, frame {}, "}[len(image)].format(*image)
    first = f"{which}pixel ({x}, {y}) with the value {stack[tuple(places[0])]:.4g}"
    warnings.warn(
        f"{name} hold {count} {'pixel that stands' if count == 1 else 'pixels that stand'} far out of everything else"
        f"{',' if count == 1 else ', the first'} at {first}; replaced by the median of the pixels around",
        OutlierWarning,
        stacklevel=stacklevel,
    )
    return found


def _check_factor(factor: float) -> float:
    if check_positive("factor", factor) <= 1:
        msg = f"factor={factor!r}; expected a number above one"
        raise ValueError(msg)
    return float(factor)


def _find(stack: NDArray[Any], factor: float) -> NDArray[np.bool_]:
    flat = stack.reshape(-1, *stack.shape[-2:])
    found = np.zeros(flat.shape, np.bool_)
    few = int(min(max(_LEAST_FEW, _FEW * flat[0].size), _MOST_FEW * flat[0].size))
    for image, outliers in zip(flat, found, strict=True):
        middle = _median(image)
        away = np.abs(image - middle).ravel()
        # too many for outliers are as far as the farthest over the factor: quicker to count than the scale is to find
        with np.errstate(over="ignore"):  # of a factor beyond reason
            reached = np.multiply(away, factor, dtype=np.float64) >= away.max()
        if np.count_nonzero(reached) > few:
            continue
        rank = max(away.size - 1 - few, 0)
        scale = float(np.partition(away, rank)[rank])
        different = away[away > 0]
        scale = max(scale, float(np.median(different)))
        shot = np.sqrt(float(different.min()) * (abs(float(middle)) + scale))
        away = away.reshape(image.shape)
        far = away > max(factor * scale, scale + _SHOT * shot)
        if far.any():
            outliers[:] = _small_groups(far, away, factor)
    return found.reshape(stack.shape)


def _median(image: NDArray[Any]) -> np.floating[Any]:
    """Return what `numpy.median` does, of finite numbers; to put one rank in place, not three, takes a sixth of it."""
    half = image.size // 2
    ranked = np.partition(image, half, axis=None)
    middle: np.floating[Any] = ranked[half] if image.size % 2 else np.mean([ranked[:half].max(), ranked[half]])
    return middle


def _small_groups(far: NDArray[np.bool_], away: NDArray[Any], factor: float) -> NDArray[np.bool_]:
    """Keep connected groups that fit into a small square and end at once, as what the probe draws does not."""
    labels, _ = scipy.ndimage.label(far, np.ones((3, 3)))
    kept = np.zeros_like(far)
    for number, box in enumerate(scipy.ndimage.find_objects(labels), 1):
        if any(side.stop - side.start > _WIDEST for side in box):
            continue
        group = labels[box] == number
        rim = away[tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)]
        around = rim[rim < away[box][group].min()]
        if away[box][group].min() > (factor if group.sum() <= _PAIR else _SHARP) * around.max(initial=0.0):
            kept[box] |= group
    return kept

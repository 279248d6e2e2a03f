"""Doubts about images and results: what can be computed with, but looks wrong."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ..digits import counted

_RIM = 16  # the outer sixteenth of an image along x shows what surrounds a particle
_GROUND = 0.25  # share of an image's total that may lie evenly under it; more costs a volume 0.02 of correlation
_UNLIKE = 2.0  # ratio of an image's total to that of the others from which they cannot show one object
_STILL = 0.005  # noisy frames of a sample that rests are found farther apart [px]
_FAR = 0.4  # share of a field; where nothing agrees, shifts up to half a field are found


class DoubtWarning(UserWarning):
    """Images or results can be computed with, but look wrong."""


def _doubt(message: str, stacklevel: int) -> None:
    """Warn on behalf of the function that calls; its `stacklevel` counts from there."""
    warnings.warn(message, DoubtWarning, stacklevel=stacklevel + 1)


def doubt_ground(images: NDArray[np.float32], *, film: str, stacklevel: int = 3) -> None:
    """Doubt images of a particle that do not fall to zero beside it, or do not have one total.

    A background that is left under the images spoils what rests on their totals or sums along rays: a
    volume explains it as well as the sample, so R stays small. Only the ends of x count, across the tilt
    axis: a wire along y is a particle too.

    Parameters
    ----------
    images : (T, X, Y) array
        Images that were checked.
    film : str
        What to pass for a sample that goes on beyond the field, for the message.
    stacklevel : int
        As in `warnings.warn`.

    Raises
    ------
    ValueError
        If the images sum to zero or less.

    Warns
    -----
    DoubtWarning
        If there is a background, the contrast is inverted, or a total differs from the others.
    """
    totals = _check_total(images)
    width = max(2, images.shape[1] // _RIM)
    rim = (images[:, :width].mean(axis=(1, 2), dtype=np.float64) + images[:, -width:].mean((1, 2), np.float64)) / 2
    mean = totals / (images.shape[1] * images.shape[2])
    share = float(np.median(rim[mean > 0] / mean[mean > 0]))
    if share > 1:
        _doubt(
            f"the images are brighter at both ends of x than in the middle (by {share - 1:.0%} of the mean): the "
            f"contrast seems inverted; turn it round and subtract the background{film}",
            stacklevel,
        )
    elif share > _GROUND:
        _doubt(
            f"{share:.0%} of the images' total lie evenly under them, as the ends of x show: a background seems to be "
            f"left; subtract it{film}",
            stacklevel,
        )
    else:
        ratio = totals / np.median(totals)
        unlike = np.flatnonzero((ratio > _UNLIKE) | (ratio < 1 / _UNLIKE))
        if unlike.size:
            _doubt(
                f"image {unlike[0]} sums to {ratio[unlike[0]]:.2g} of what most images sum to"
                f"{f', and {unlike.size - 1} more are unlike them' if unlike.size > 1 else ''}: they cannot all show "
                "one whole object; leave such images out, or scale them",
                stacklevel,
            )


def doubt_series(images: NDArray[np.float32], volume_shape: tuple[int, ...], *, stacklevel: int = 3) -> None:
    """Doubt the images of an object that is to be positive; what surrounds it counts if it fits into the field."""
    if volume_shape[0] <= images.shape[1]:
        film = ", or pass extended=True if the sample goes on beyond the field"
        doubt_ground(images, film=film, stacklevel=stacklevel + 1)
    else:
        _check_total(images)


def doubt_volume(volume: NDArray[np.float32], r_factor: float, iterations: int, *, stacklevel: int = 3) -> None:
    """Refuse a volume of zeros, and doubt one that explains the images worse than nothing would.

    Raises
    ------
    ValueError
        If the volume is empty.

    Warns
    -----
    DoubtWarning
        If R is above one.
    """
    if not volume.any():
        msg = (
            f"the volume is empty after {counted(iterations, 'iteration')} (R={r_factor:.3g}): nothing "
            "positive explains the "
            "images; turn the contrast round if the sample is dark, look at the background, or lower step="
        )
        raise ValueError(msg)
    if r_factor > 1:
        _doubt(
            f"R={r_factor:.3g} after {counted(iterations, 'iteration')}: the volume explains the images worse "
            "than nothing would; "
            "look at images, angles and shifts, or lower step=",
            stacklevel,
        )


def doubt_drift(drift: NDArray[np.float64], frames: NDArray[np.float32], *, stacklevel: int = 3) -> None:
    """Doubt displacements (T, F, 2) of frames that are all zero though the frames differ, or as large as the field."""
    if np.abs(drift).max() < _STILL and (frames != frames[:, :1]).any():
        _doubt(
            f"all frames agree best where they are, to {_STILL:g} px, though they differ: a pattern of the detector, "
            "such as stuck pixels or lines, seems to outweigh the sample; correct it, or pass drift=",
            stacklevel,
        )
    far = np.argwhere(np.ptp(drift, axis=1).max(axis=1) > _FAR * min(frames.shape[2:]))
    if far.size:
        tilt = int(far[0, 0])
        _doubt(
            f"frames of {len(far)} of {counted(len(drift), 'tilt')} were found up to "
            f"{np.ptp(drift[tilt], axis=0).max():.0f} px "
            f"apart, nearly half their field, the first at tilt {tilt}: they seem to have nothing in common; leave "
            "them out",
            stacklevel,
        )


def doubt_shifts(shifts: NDArray[np.float64], shape: tuple[int, ...], *, stacklevel: int = 3) -> None:
    """Doubt shifts (T, 2) of aligned images that are nearly as large as half their field."""
    far = np.flatnonzero((np.abs(shifts) > _FAR * np.asarray(shape)).any(axis=1))
    if far.size:
        worst = np.abs(shifts[far[0]]).max()
        _doubt(
            f"{far.size} of {len(shifts)} images were found {worst:.0f} px or more from the middle, nearly half their "
            f"field, the first at index {far[0]}: they seem to show nothing that the others show; leave them out",
            stacklevel,
        )


def _check_total(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sum of each image; refuse images that sum to nothing."""
    totals = images.sum(axis=(1, 2), dtype=np.float64)
    if totals.sum() <= 0:
        msg = (
            f"the images sum to {totals.sum():.3g}; expected a bright sample on a ground of zero: "
            "is the contrast inverted, or was too much background subtracted?"
        )
        raise ValueError(msg)
    return totals

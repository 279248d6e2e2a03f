"""All steps from raw frames to an aligned tilt series, in the paper's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from ..arrays import TiltSeries
from ..checks import check_positive
from ..digits import counted
from ..geometry.rotations import check_angles
from .align import align
from .background import without_background
from .denoise import filtered
from .drift import average, check_axis, displacements
from .noise import check_noise, noise_of
from .outliers import clean_images
from .verdicts import doubt_drift


def preprocess(
    frames: ArrayLike,
    angles: ArrayLike,
    pixel_size: float,
    *,
    method: str = "cosine",
    slow_axis: int = 0,
    noise: tuple[float, float] | None = None,
    denoising: Mapping[str, Any] | None = None,
    alignment: Mapping[str, Any] | None = None,
) -> TiltSeries:
    """Turn raw frames into an aligned tilt series with the default of every step.

    Drift is measured and corrected, the noise estimated from the frames and removed, the background
    subtracted, and the images aligned. For a look at each step, call them one by one.

    Parameters
    ----------
    frames : (T, F, X, Y) array
        F frames at each of T tilts [counts].
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ [degrees].
    pixel_size : float
        Edge of a pixel [Å].
    method : str
        Denoising method, as in `denoise`.
    slow_axis : int
        Image axis that the beam scans slowly, 0 (x) or 1 (y).
    noise : (float, float), optional
        Gaussian and Poisson noise of the raw frames; by default from `estimate_noise`.
    denoising : dict, optional
        Options for `denoise`, such as those that `tune_denoising` found.
    alignment : dict, optional
        Options for `align`.

    Returns
    -------
    TiltSeries

    Raises
    ------
    ValueError
        If the counts of tilts differ, there is one frame a tilt, or values are not finite.
    """
    stack = clean_images(frames, name="frames", ndim=(4,))
    tilts = check_angles(angles)
    if len(stack) != len(tilts):
        msg = f"frames of {counted(len(stack), 'tilt')} came with {counted(len(tilts), 'angle')}; expected one each"
        raise ValueError(msg)
    pixel_size = check_positive("pixel_size", pixel_size)
    check_axis(slow_axis)
    count = stack.shape[1]
    if count < 2:
        msg = (
            "frames holds one frame a tilt; expected two or more; single images need no more than "
            "denoise, subtract_background and align"
        )
        raise ValueError(msg)
    level = noise_of(stack, method="frames") if noise is None else check_noise(noise)
    drift = displacements(stack)
    doubt_drift(drift, stack)
    images = average(stack, drift, slow_axis)
    images = filtered(images, method, level.averaged(count), **dict(denoising or {}))
    images = without_background(images)
    return align(TiltSeries(images, tilts, pixel_size), **dict(alignment or {})).series

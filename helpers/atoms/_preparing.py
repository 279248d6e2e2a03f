"""What a fit starts from: images that were checked, the noise of their counts, and what lies around the atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..arrays import TiltSeries, Volume
from ..checks import check_choice
from ..imaging.noise import Noise, estimate_noise
from ..tomography.projection import project
from ._likelihood import Likelihood, State
from ._start import narrowest
from .images import ImageModel, check_per_atom

_NONE = np.empty((0, 0, 0), np.float32)


def prepare_fit(
    atoms: NDArray[Any],
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    H: ArrayLike | None,
    B: ArrayLike | None,
    *,
    noise: str | Noise | None = None,
    level: float = 0.0,
    outer: Volume | ArrayLike | None = None,
    spare: float = 0.0,
    background: ArrayLike | None = None,
) -> tuple[Likelihood, State]:
    """Check images, noise and what lies outside, and return the likelihood with the state to start from."""
    for name in ("images", "angles", "pixel_size"):
        if not hasattr(tilt_series, name):
            kind = type(tilt_series).__name__
            msg = f"got {kind}; expected helpers.TiltSeries(images, angles, pixel_size)"
            raise TypeError(msg)
    if not isinstance(tilt_series, TiltSeries):
        tilt_series = TiltSeries(tilt_series.images, tilt_series.angles, tilt_series.pixel_size)
    counts = tilt_series.images
    found = check_noise(noise, counts)
    pixel = tilt_series.pixel_size
    typical = 2 * (np.pi * max(0.5, 0.6 * pixel)) ** 2
    width = check_per_atom("B", typical if B is None else B, len(atoms), positive=True)
    weight = check_per_atom("H", 1.0 if H is None else H, len(atoms))
    if B is not None and width.min() < narrowest(pixel):
        msg = (
            f"B={width.min():g} Å² is narrower than pixels of {pixel:g} Å can show; expected at least "
            f"{narrowest(pixel):.2g} Å²"
        )
        raise ValueError(msg)
    model = ImageModel.prepare(
        atoms, tilt_series.angles, counts.shape[1:], pixel, element, np.maximum(width, typical), spare=spare
    )
    ground = np.zeros((len(counts), 3))
    ground[:, 0] = level
    if background is not None:
        ground[:] = np.asarray(background, dtype=float).reshape(-1, 3) if np.ndim(background) == 2 else 0.0
        if np.ndim(background) < 2:
            ground[:, 0] = background
    likelihood = Likelihood(model, counts, found, _outer_images(outer, tilt_series))
    return likelihood, State(atoms, weight, width, ground)


def check_noise(noise: str | Noise | None, counts: NDArray[np.float32]) -> Noise:
    """Return the noise that the counts are weighted by, estimated where it is not given.

    Raises
    ------
    ValueError
        If the noise is unknown or zero, or counts are negative though they should be Poisson.
    """
    if isinstance(noise, str):
        check_choice("noise", noise, ("poisson", "gaussian"))
    if noise == "poisson":
        if counts.min() < 0:
            msg = (
                f"the counts go down to {counts.min():.3g}, which no Poisson variable does; pass noise=None for "
                "images that were processed, or the Noise(gaussian, poisson) of a camera"
            )
            raise ValueError(msg)
        return Noise(0.0, 1.0)
    if noise is not None and not isinstance(noise, str):
        given = Noise(*(float(part) for part in noise))
        if not np.isfinite(given).all() or min(given) < 0 or max(given) == 0:
            msg = f"noise={tuple(given)}; expected a Gaussian and a Poisson part, positive or zero, not both 0"
            raise ValueError(msg)
        if given.poisson and np.mean(counts < -4 * given.gaussian) > 1e-3:
            msg = (
                f"{np.mean(counts < -4 * given.gaussian):.1%} of the counts lie more than four times the Gaussian "
                "noise below zero; take a constant offset off, or pass noise=None"
            )
            raise ValueError(msg)
        return given
    try:
        found = estimate_noise(counts)
    except ValueError:
        found = Noise(0.0, 0.0)
    if noise == "gaussian" or found.poisson == 0 or np.mean(counts < -4 * found.gaussian) > 1e-3:
        spread = float(np.sqrt(found.gaussian**2 + found.poisson * np.abs(counts).mean()))
    else:
        return found
    return Noise(spread or float(np.std(counts - ndimage.gaussian_filter(counts, (0, 2, 2)))) or 1.0, 0.0)


def _outer_images(outer: Volume | ArrayLike | None, tilt_series: TiltSeries) -> NDArray[np.float32]:
    """Return the images of what lies around the atoms, or an empty array."""
    if outer is None:
        return _NONE
    shape = tilt_series.images.shape
    array = np.asarray(getattr(outer, "array", outer), dtype=np.float32)
    size = getattr(outer, "voxel_size", tilt_series.pixel_size)
    if not np.isfinite(array).all():
        msg = "outer holds values that are not finite; repair them"
        raise ValueError(msg)
    if isinstance(outer, Volume) or array.shape != shape:
        if array.ndim != 3:
            msg = f"outer has shape {array.shape}; expected a volume or images of shape {shape}"
            raise ValueError(msg)
        if abs(size / tilt_series.pixel_size - 1) > 1e-6:
            msg = f"outer has voxels of {size:g} Å but the images pixels of {tilt_series.pixel_size:g} Å"
            raise ValueError(msg)
        array = project(array, tilt_series.angles, shape[1:])
    return np.ascontiguousarray(array)

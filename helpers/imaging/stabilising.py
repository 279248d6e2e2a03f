"""Counts whose noise has one size everywhere, and the way back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers
from .noise import check_noise


def stabilise(images: ArrayLike, noise: tuple[float, float]) -> NDArray[np.float32]:
    """Return images whose noise has standard deviation one everywhere (generalised Anscombe).

    Parameters
    ----------
    images : array
        Counts with ``variance = gaussian² + poisson × mean``.
    noise : (float, float)
        Gaussian and Poisson noise.
    """
    g, p = check_noise(noise)
    z = _counts(images)
    return _single(z / g if p <= 1e-9 * g else 2 / p * np.sqrt(np.clip(p * z + 0.375 * p * p + g * g, 0, None)))


def _counts(images: ArrayLike) -> NDArray[np.float64]:
    values = check_numbers(images, name="images", expected="counts")
    if values.size and np.abs(values).max() > np.finfo(np.float32).max:
        msg = f"images hold values up to {np.abs(values).max():.3g}; expected counts that single precision holds"
        raise ValueError(msg)
    return values


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return numbers in single precision, if that holds them."""
    if values.size and not np.abs(values).max() < np.finfo(np.float32).max:
        msg = "images over their noise exceed single precision; scale both to counts of electrons"
        raise ValueError(msg)
    return values.astype(np.float32)


def restore(images: ArrayLike, noise: tuple[float, float]) -> NDArray[np.float32]:
    """Return counts from stabilised and filtered images, without the bias of the plain inverse.

    Parameters
    ----------
    images : array
        What `stabilise` gave, filtered.
    noise : (float, float)
        Gaussian and Poisson noise.
    """
    g, p = check_noise(noise)
    d = _counts(images)
    if p <= 1e-9 * g:
        return _single(d * g)
    d = np.maximum(d, 2 * np.sqrt(0.375 + (g / p) ** 2) * 0.5)
    root = np.sqrt(1.5)
    exact = d * d / 4 + root / (4 * d) - 11 / (8 * d * d) + 5 * root / (8 * d**3) - 1 / 8 - (g / p) ** 2
    return _single(p * exact)

"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from ..arrays import TiltSeries
from .align import align
from .background import subtract_background
from .denoise import denoise


def warm() -> None:
    """Clean and align a few small images of a blob."""
    x = np.arange(24) - 12.0
    blob = 100 * np.exp(-(x[:, None] ** 2 + x**2) / 20)
    images = (blob + np.random.default_rng(0).normal(20, 2, (5, 24, 24))).astype(np.float32)
    clean = denoise(images, "cosine", noise=(2.0, 0.0), block=8, step=3)  # small, for tests run it as plain Python
    flat = subtract_background(clean)
    align(TiltSeries(flat, np.linspace(-40.0, 40.0, 5), 1.0))

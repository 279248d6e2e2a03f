"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from ..arrays import TiltSeries
from .angles import refine_angles
from .projection import back_project, project
from .reconstruction import reconstruct


def warm() -> None:
    """Project a small volume at pure tilts and at any angle, and reconstruct it in every way."""
    volume = np.zeros((12, 10, 12), np.float32)
    volume[4:8, 3:7, 4:8] = 1.0
    tilts = np.linspace(-50.0, 50.0, 5)
    euler = np.stack([np.full(5, 1.0), tilts, np.full(5, -2.0)], axis=1)
    far = np.array([[90.0, 20.0, 3.0]])  # about an axis far from y
    back_project(project(volume, far, (12, 12)), far, volume.shape)
    for angles in (tilts, euler):
        images = project(volume, angles)
        back_project(images, angles, volume.shape)
        series = TiltSeries(images, angles, 1.0)
        for projector in ("real", "fourier"):
            reconstruct(series, iterations=2, projector=projector, progress=False)
        reconstruct(series, iterations=2, extended=True, progress=False)
    refine_angles(series, rounds=1, iterations=2, progress=False)

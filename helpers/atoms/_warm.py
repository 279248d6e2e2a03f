"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from ..arrays import TiltSeries, Volume
from .bound import position_bound
from .classification import classify
from .confidence import confidence
from .images import simulate_images
from .refinement import refine
from .tracing import trace


def warm() -> None:
    """Trace two atoms by every rule, classify and refine them, and bound how precise they can be."""
    atoms = np.array([[0.0, 0.0, 0.0], [2.5, 1.0, 1.0]])
    grid = np.moveaxis(np.indices((21, 21, 21)) - 10, 0, -1) * 0.4
    array = sum(np.exp(-((grid - atom) ** 2).sum(axis=-1) / 0.6) for atom in atoms)
    volume = Volume(np.asarray(array, np.float32), 0.4)
    trace(volume)
    for interpolation in ("linear", "spline"):
        trace(volume, rule="published", interpolation=interpolation)
    spots = np.zeros((21, 21, 21), np.float32)
    corners = np.array([[5, 5, 5], [15, 5, 5], [5, 15, 5], [15, 15, 5]])
    spots[tuple(corners.T)] = 1.0, 1.1, 0.9, 0.2
    classify(Volume(spots, 0.5), (corners - 10) * 0.5)
    angles = np.arange(0, 180, 30.0)
    images = 1 + simulate_images(atoms, angles, (40, 36), 0.4, "Ta", H=2.0, B=6.0)
    counts = TiltSeries(np.random.default_rng(0).poisson(images).astype(np.float32), angles, 0.4)
    refine(atoms + 0.1, counts, "Ta", noise="poisson")
    confidence(atoms, counts, "Ta", H=2.0, B=6.0, noise="poisson", folds=2)
    for method in ("dense", "local"):
        position_bound(atoms, counts, "Ta", H=2.0, B=6.0, noise="poisson", level=1.0, method=method)

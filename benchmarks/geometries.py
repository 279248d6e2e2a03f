"""Sizes of reconstructions that the benchmarks of projection share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from kept import QUICK


@dataclass(frozen=True)
class Geometry:
    """Sizes of a reconstruction, what is wanted of it, and what the published program takes."""

    tilts: int
    image: tuple[int, int]
    volume: tuple[int, int, int]
    step: float  # of φ and ψ [degrees]
    goal: tuple[float, float]  # seconds an iteration, peak memory [MB]
    published: tuple[float, float] = (np.nan, np.nan)

    @property
    def angles(self) -> np.ndarray:
        """Euler angles like those of the measurement [degrees]."""
        rng = np.random.default_rng(0)
        phi, psi = self.step * rng.integers(-1, 2, (2, self.tilts))
        return np.stack([phi, np.linspace(-63.0, 56.0, self.tilts), psi], axis=1)

    @property
    def single_axis(self) -> np.ndarray:
        return self.angles[:, 1]

    def slices(self, count: int) -> Geometry:
        """Return the same with so many slices across the tilt axis, all of them seen at every tilt."""
        return replace(self, image=(self.image[0], count), volume=(self.volume[0], count, self.volume[2]))

    def fill(self):
        """Return a volume and images of noise: no program's speed depends on the values."""
        rng = np.random.default_rng(1)
        return rng.random(self.volume, np.float32), rng.random((self.tilts, *self.image), np.float32)


GEOMETRIES = {
    "example": Geometry(59, (61, 61), (437, 61, 61), 0.0, (0.1, np.nan), (8.97, 1900.0)),
    "Ta area 1": Geometry(46, (131, 61), (543, 63, 131), 0.2, (0.35, 300.0), (22.3, 4700.0)),
    "128³": Geometry(50, (128, 128), (128, 128, 128), 0.2, (0.5, np.nan)),
    "256³": Geometry(50, (256, 256), (256, 256, 256), 0.2, (4.0, 1000.0)),
}
if QUICK:
    GEOMETRIES = {"trial": Geometry(20, (61, 16), (61, 16, 31), 0.2, (0.1, np.nan))}

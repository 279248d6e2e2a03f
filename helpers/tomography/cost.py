"""What a reconstruction will take, before it is begun."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._kernels import _descend, _project
from .fourier import FourierProjector
from .projection import _groups


@dataclass(frozen=True)
class Cost:
    """Memory and time of a reconstruction.

    Attributes
    ----------
    bytes : int
        Arrays held at the peak.
    seconds : float
        All iterations, at the speed just measured; NaN for the Fourier projector.
    """

    bytes: int
    seconds: float

    def __str__(self) -> str:
        """Readable form."""
        memory = f"{self.bytes / 1e6:.0f} MB" if self.bytes < 2e9 else f"{self.bytes / 1e9:.1f} GB"
        if not np.isfinite(self.seconds):
            return memory
        amount = f"{self.seconds:.0f} s" if self.seconds < 120 else f"{self.seconds / 60:.0f} min"
        return f"{memory}, about {amount}"


def estimate_cost(
    lines: NDArray[np.float64],
    volume_shape: tuple[int, int, int],
    image_shape: tuple[int, int],
    iterations: int,
    fourier: FourierProjector | None = None,
) -> Cost:
    """Count the memory of `reconstruct` and time one step on a thin slab of the object."""
    nx, ny, nz = volume_shape
    padded = (len(lines), image_shape[0] + 2, image_shape[1] + 2)
    memory = 4 * (4 * nx * ny * nz + 4 * int(np.prod(padded)))
    if fourier is not None:
        return Cost(memory + fourier.bytes, float("nan"))
    planes = min(nz, max(2, nz // 32))
    slab = lines.copy()
    slab[:, 3] += lines[:, 2] * ((nz - planes) // 2)
    slab[:, 7] += lines[:, 6] * ((nz - planes) // 2)
    images = np.zeros(padded, np.float32)
    volume = np.zeros((planes, nx, ny), np.float32)
    work = np.zeros((2, planes, nx, ny), np.float32)
    for _ in range(2):  # the first call may compile
        begin = time.perf_counter()
        _project(volume, slab, images, _groups(len(lines)))
        _descend(images, slab, volume, work[0], work[1], 0.0, 0.0, 0.0, 0.0, True, 0.0)
        seconds = time.perf_counter() - begin
    return Cost(memory, seconds * nz / planes * iterations)

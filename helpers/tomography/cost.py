"""What a reconstruction will take, before it is begun."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..memory import as_bytes, check_memory
from ._passes import descend, project_into, workspace
from .fourier import FourierProjector

_SMALL = 3e7  # bytes, fewer than the interpreter itself takes; to ask what is free takes .1 ms
_LONG_ENOUGH = 0.1  # shortest time worth extrapolating [s]


@dataclass(frozen=True, eq=False)
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
        memory = as_bytes(self.bytes)
        if not np.isfinite(self.seconds):
            return memory
        amount = f"{self.seconds:.0f} s" if self.seconds < 120 else f"{self.seconds / 60:.0f} min"
        return f"{memory}, about {amount}"


def needed_bytes(volume_shape: tuple[int, int, int], tilts: int, image_shape: tuple[int, int]) -> int:
    """Return what `reconstruct` holds at its peak: four volumes, the images four times, and what kernels need."""
    voxels = math.prod(volume_shape)
    kept = 4 * (4 * voxels + 4 * tilts * (image_shape[0] + 2) * (image_shape[1] + 2))
    return kept + workspace(voxels, tilts, image_shape[0] + 2)


def check_volume(needed: float, volume_shape: tuple[int, ...], tilts: int) -> None:
    """Refuse an object too large for the memory that is free."""
    if needed < _SMALL:
        return
    size = " × ".join(map(str, volume_shape))
    check_memory(
        needed,
        what=f"an object of {size} voxels seen at {tilts} tilts",
        instead="lower thickness or shape, merge pixels, or take a film area by area with reconstruct_film",
    )


def estimate_cost(
    lines: NDArray[np.float64],
    volume_shape: tuple[int, int, int],
    image_shape: tuple[int, int],
    iterations: int,
    fourier: FourierProjector | None = None,
) -> Cost:
    """Count the memory of `reconstruct` and time one step on a slab of the object."""
    nz = volume_shape[2]
    padded = (len(lines), image_shape[0] + 2, image_shape[1] + 2)
    memory = needed_bytes(volume_shape, len(lines), image_shape)
    if fourier is not None:
        return Cost(memory + fourier.bytes, float("nan"))
    planes = max(min(nz, 2), nz // 16)
    # The first of three may compile. A busy computer interrupts threads for longer than a thin slab takes:
    # thicken it until that matters less.
    while True:
        seconds = min(_time_slab(lines, volume_shape, padded, planes) for _ in range(3))
        if seconds > _LONG_ENOUGH or planes == nz:
            return Cost(memory, seconds * nz / planes * iterations)
        planes = min(nz, 4 * planes)


def _time_slab(
    lines: NDArray[np.float64], volume_shape: tuple[int, int, int], padded: tuple[int, ...], planes: int
) -> float:
    """Seconds of one projection and one step on the middle planes of the object."""
    nx, ny, nz = volume_shape
    slab = lines.copy()
    slab[:, 3] += lines[:, 2] * ((nz - planes) // 2)
    slab[:, 7] += lines[:, 6] * ((nz - planes) // 2)
    images = np.zeros(padded, np.float32)
    volume, w, z = np.zeros((3, planes, nx, ny), np.float32)
    begin = time.perf_counter()
    project_into(volume, slab, images)
    descend(images, slab, volume, w, z, 0.0, 0.0, 0.0, 0.0, True, 0.0)
    return time.perf_counter() - begin

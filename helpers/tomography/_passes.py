"""The passes between volume and images, on as many threads as pay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from ..kernels import share
from ._cells import COLUMNS, ROWS
from ._kernels import _back_project, _project
from ._spans import LINE, SIDE, WIDTH

_WORTH = 1e7  # voxels × tilts a thread: what one does in 0.7 ms; waking it and filling its cache takes 0.1 ms


def project_into(
    volume: NDArray[np.float32],
    lines: NDArray[np.float64],
    images: NDArray[np.float32],
    *,
    turned: bool = True,
    inside: NDArray[np.float32] | None = None,
) -> bool:
    """Set images (T, x, y), which have a border, to the projections of a volume (z, x, y), or (x, y, z) if not turned.

    Of a volume that is not turned, the user's, return whether it is free of NaN and infinity: to look at it while it
    is read anyway takes half as long as to do so before. `inside` receives the images without their border.
    """
    nz, nx, ny = volume.shape if turned else (volume.shape[2], *volume.shape[:2])
    parts = _threads(volume.size * len(lines), len(lines))
    finite = np.ones(0 if turned else parts, bool)
    bare = np.empty((0, 0, 0), np.float32) if inside is None else inside
    flat = np.ascontiguousarray(volume).reshape(-1)
    share(_project, parts, flat, (nx, ny, nz), lines, images, bare, turned, finite)
    return bool(finite.all())


def back_project_into(images: NDArray[np.float32], lines: NDArray[np.float64], volume: NDArray[np.float32]) -> None:
    """Set a volume (x, y, z) to the back-projection of images (T, x, y)."""
    none = np.empty((0, 0, 0), np.float32)
    _share_tiles(images, lines, volume.reshape(-1), volume.shape, none, none, none, 0.0, 0.0, 0.0, 0.0, False, 0.0)


def descend(
    residuals: NDArray[np.float32],
    lines: NDArray[np.float64],
    x: NDArray[np.float32],
    w: NDArray[np.float32],
    z: NDArray[np.float32],
    *numbers: float,
) -> None:
    """Take one step of the optimised gradient method, see `_back_project`."""
    step, a, b, c, positive, margin = numbers
    shape, none = (x.shape[1], x.shape[2], x.shape[0]), np.empty(0, np.float32)
    rest = float(step), float(a), float(b), float(c), bool(positive), float(margin)
    _share_tiles(residuals, lines, none, shape, x, w, z, *rest)


def _share_tiles(
    images: NDArray[np.float32],
    lines: NDArray[np.float64],
    volume: NDArray[np.float32],
    shape: tuple[int, int, int],
    *rest: Any,
) -> None:
    """Call `_back_project` on as many threads as pay, which draw their tiles."""
    nx, ny, nz = shape
    tickets = np.zeros(-(-ny // WIDTH), np.int64)
    parts = _threads(math.prod(shape) * len(lines), -(-nx // SIDE) * -(-nz // SIDE) * len(tickets))
    share(_back_project, parts, images, lines, volume, shape, *rest, tickets)


def workspace(voxels: int, tilts: int, width: int) -> int:
    """Return the bytes that the threads of a pass hold: a tile twice, or with `WIDTH` slices of images so wide."""
    tile, cells, strips = SIDE * LINE * WIDTH, 4 * ROWS * COLUMNS, tilts * width * WIDTH
    return 4 * _threads(voxels * tilts, tilts) * (tile + cells + max(tile, strips))


def _threads(work: float, most: int) -> int:
    """Return the number of threads that have enough to do."""
    return int(max(1, min(get_num_threads(), most, work // _WORTH)))

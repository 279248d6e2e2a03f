"""The passes between volume and images, on as many threads as pay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from ._cells import COLUMNS, ROWS, SLIP, TURN
from ._kernels import ANY, NEAR, STRAIGHT, _back_project, _project
from ._spans import LINE, SIDE, WIDTH

_WORTH = 1e7  # voxels × tilts a thread: what one does in 0.7 ms; starting it and filling its cache takes 0.1 ms


def project_into(
    volume: NDArray[np.float32], lines: NDArray[np.float64], images: NDArray[np.float32], *, turned: bool = True
) -> None:
    """Set images (T, x, y) to the projections of a volume (z, x, y), or (x, y, z) if it is not turned.

    A thread takes every so many-th tilt.
    """
    kinds = _kinds(lines)
    parts = _threads(volume.size * len(lines), len(lines))
    nz, nx, ny = volume.shape if turned else (volume.shape[2], *volume.shape[:2])
    flat = np.ascontiguousarray(volume).reshape(-1)
    together(lambda part: _project(flat, (nx, ny, nz), lines, kinds, images, turned, part, parts), parts)


def back_project_into(images: NDArray[np.float32], lines: NDArray[np.float64], volume: NDArray[np.float32]) -> None:
    """Set a volume (x, y, z) to the back-projection of images (T, x, y); a thread takes a slab of planes z."""
    kinds = _kinds(lines)
    parts = _threads(volume.size * len(lines), volume.shape[2])
    ends = _slabs(volume.shape[2], parts)
    flat, none = volume.reshape(-1), np.empty((0, 0, 0), np.float32)
    rest = flat, volume.shape, none, none, none, 0.0, 0.0, 0.0, 0.0, False, 0.0
    together(lambda part: _back_project(images, lines, kinds, *rest, ends[part], ends[part + 1]), parts)


def descend(
    residuals: NDArray[np.float32],
    lines: NDArray[np.float64],
    x: NDArray[np.float32],
    w: NDArray[np.float32],
    z: NDArray[np.float32],
    *numbers: float,
) -> None:
    """Take one step of the optimised gradient method, see `_back_project`; a thread takes a slab of planes."""
    kinds = _kinds(lines)
    parts = _threads(x.size * len(lines), len(x))
    ends = _slabs(len(x), parts)
    step, a, b, c, positive, margin = numbers
    shape, none = (x.shape[1], x.shape[2], x.shape[0]), np.empty(0, np.float32)
    rest = none, shape, x, w, z, float(step), float(a), float(b), float(c), bool(positive), float(margin)
    together(lambda part: _back_project(residuals, lines, kinds, *rest, ends[part], ends[part + 1]), parts)


def workspace(voxels: int, tilts: int, width: int) -> int:
    """Return the bytes that the threads of a pass hold: a tile twice, or with `WIDTH` slices of images so wide."""
    tile, cells, strips = SIDE * LINE * WIDTH, 4 * ROWS * COLUMNS, tilts * width * WIDTH
    return 4 * _threads(voxels * tilts, tilts) * (tile + cells + max(tile, strips))


def _kinds(lines: NDArray[np.float64]) -> NDArray[np.int64]:
    """Say of each tilt which way of the kernels it can take, the fastest first."""
    whole = lines[:, 7] == np.floor(lines[:, 7])
    straight = (lines[:, [1, 4, 6]] == 0.0).all(axis=1) & (lines[:, 5] == 1.0) & whole
    near = (np.abs(lines[:, 1]) <= SLIP) & (np.abs(lines[:, 5] - 1.0) <= SLIP)
    near &= np.abs(lines[:, 4]) + np.abs(lines[:, 6]) <= TURN
    return np.select([straight, near], [STRAIGHT, NEAR], ANY).astype(np.int64)


def _slabs(planes: int, parts: int) -> list[int]:
    return [planes * part // parts for part in range(parts + 1)]


def _threads(work: float, most: int) -> int:
    """Return the number of threads that have enough to do."""
    return int(max(1, min(get_num_threads(), most, work // _WORTH)))


def together(task: Callable[[int], Any], parts: int) -> None:
    """Run the parts of a task, which set the interpreter free, on a thread each."""
    others = [threading.Thread(target=task, args=(part,)) for part in range(1, parts)]
    for other in others:
        other.start()
    try:
        task(0)
    finally:
        for other in others:
            other.join()

"""Volumes as users have them, (x, y, z), and as the kernels have them, (z, x, y)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..kernels import kernel
from ._spans import LINE, WIDTH
from ._squares import turn_part


def to_kernel(volume: NDArray[Any]) -> NDArray[np.float32]:
    """(x, y, z) to (z, x, y), contiguous."""
    array = np.ascontiguousarray(volume, dtype=np.float32)
    turned = np.empty((array.shape[2], array.shape[0], array.shape[1]), np.float32)
    _turn(array.reshape(-1), turned.reshape(-1), array.shape, True)
    return turned


def from_kernel(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """(z, x, y) to (x, y, z), contiguous."""
    array = np.empty((volume.shape[1], volume.shape[2], volume.shape[0]), np.float32)
    _turn(array.reshape(-1), np.ascontiguousarray(volume).reshape(-1), array.shape, False)
    return array


@kernel(nogil=True)
def _turn(array, turned, shape, there):
    """turned[z, x, y] = array[x, y, z], or the other way; both are flat, of `shape` (x, y, z)."""
    nx, ny, nz = shape
    for x in range(nx):
        if there:
            turn_part(array, x * ny * nz, nz, ny, nz, turned, x * ny, nx * ny)
        else:
            turn_part(turned, x * ny, nx * ny, nz, ny, array, x * ny * nz, nz)


@njit
def cut_turned(volume, ny, depth, x, nx, y, count, z, nz, tile, across, along):
    """tile[i × across + k × along + slice] = volume[x + i, y + slice, z + k] for i < nx and k < nz."""
    for i in range(nx):
        turn_part(volume, ((x + i) * ny + y) * depth + z, depth, count, nz, tile, i * across, along)


@njit
def put_turned(tile, volume, ny, depth, x, nx, y, count, z, nz):
    """volume[x, slice, z] = tile[z, x, slice] for the part of the volume at (x, y, z)."""
    for i in range(nx):
        turn_part(tile, i * WIDTH, LINE * WIDTH, nz, count, volume, ((x + i) * ny + y) * depth + z, depth)

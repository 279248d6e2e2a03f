"""Volumes as users have them, (x, y, z), and as the kernels have them, (z, x, y)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..kernels import kernel
from ._spans import LINE, WIDTH

_AT_ONCE = 8  # planes z: as many lines of the cache, which even at strides of a power of two it can hold together


def to_kernel(volume: NDArray[Any]) -> NDArray[np.float32]:
    """(x, y, z) to (z, x, y), contiguous."""
    array = np.ascontiguousarray(volume, dtype=np.float32)
    turned = np.empty((array.shape[2], array.shape[0], array.shape[1]), np.float32)
    _turn(array, turned, True)
    return turned


def from_kernel(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """(z, x, y) to (x, y, z), contiguous."""
    array = np.empty((volume.shape[1], volume.shape[2], volume.shape[0]), np.float32)
    _turn(array, volume, False)
    return array


@kernel(nogil=True)
def _turn(array, turned, there):
    """turned[z, x, y] = array[x, y, z], or the other way."""
    nx, ny, nz = array.shape
    for x_ in range(nx):
        x = np.uint64(x_)
        for first in range(0, nz, _AT_ONCE):
            for y_ in range(ny):
                y = np.uint64(y_)
                if nz - first < _AT_ONCE:
                    for z_ in range(first, nz):
                        z = np.uint64(z_)
                        if there:
                            turned[z, x, y] = array[x, y, z]
                        else:
                            array[x, y, z] = turned[z, x, y]
                elif there:
                    for z_ in range(_AT_ONCE):
                        z = np.uint64(first + z_)
                        turned[z, x, y] = array[x, y, z]
                else:
                    for z_ in range(_AT_ONCE):
                        z = np.uint64(first + z_)
                        array[x, y, z] = turned[z, x, y]


@njit
def cut_turned(volume, x, nx, y, count, z, nz, tile):
    """tile[z, x, slice] = volume[x, slice, z] for the part of the volume at (x, y, z)."""
    for i in range(nx):
        for first in range(0, nz, _AT_ONCE):
            for j_ in range(count):
                j = np.uint64(y + j_)
                o = np.uint64((first * LINE + i) * WIDTH + j_)
                for k in range(min(_AT_ONCE, nz - first)):
                    tile[o + np.uint64(k * LINE * WIDTH)] = volume[np.uint64(x + i), j, np.uint64(z + first + k)]


@njit
def put_turned(tile, volume, x, nx, y, count, z, nz):
    """volume[x, slice, z] = tile[z, x, slice] for the part of the volume at (x, y, z)."""
    for i in range(nx):
        for first in range(0, nz, _AT_ONCE):
            for j_ in range(count):
                j = np.uint64(y + j_)
                o = np.uint64((first * LINE + i) * WIDTH + j_)
                for k in range(min(_AT_ONCE, nz - first)):
                    volume[np.uint64(x + i), j, np.uint64(z + first + k)] = tile[o + np.uint64(k * LINE * WIDTH)]

"""Periodic boxes: wrapping, nearest images, and how kernels are told that there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel

NO_BOX = np.inf
"""Side of the box of a finite sample, for kernels: an image infinitely far away is never the nearest."""


def sides_of(lengths: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the sides (3,) that kernels take [Å]: those of the box, or `NO_BOX` for a finite sample.

    Examples
    --------
    >>> from helpers.geometry.boxes import sides_of
    >>> sides_of(None).tolist()
    [inf, inf, inf]
    """
    return np.full(3, NO_BOX) if lengths is None else lengths


def bounds(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the largest coordinate along each axis, (3,) each, of one or more points (N, 3).

    Axis by axis, for over the first axis of so narrow an array NumPy takes 15 times as long.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.boxes import bounds
    >>> [corner.tolist() for corner in bounds(np.array([[1.0, 5.0, 3.0], [4.0, 2.0, 3.0]]))]
    [[1.0, 2.0, 3.0], [4.0, 5.0, 3.0]]
    """
    columns = points.T
    return np.array([column.min() for column in columns]), np.array([column.max() for column in columns])


def wrap(positions: NDArray[np.float64], lengths: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return positions (..., 3) brought into the box, each coordinate in [0, length); unchanged without a box.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.boxes import wrap
    >>> wrap(np.array([[-1.0, 12.0, -1e-20]]), np.full(3, 10.0)).tolist()
    [[9.0, 2.0, 0.0]]
    """
    if lengths is None:
        return positions
    inside = positions - np.floor(positions / lengths) * lengths
    # rounding turns -1e-20 into the length itself, and the smallest number below zero stays there
    return np.where((inside >= 0) & (inside < lengths), inside, 0.0)


def nearest_image(vectors: NDArray[np.float64], lengths: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the shortest of the periodic images of vectors (..., 3); unchanged without a box.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.boxes import nearest_image
    >>> nearest_image(np.array([9.0, -6.0, 4.0]), np.full(3, 10.0)).tolist()
    [-1.0, 4.0, 4.0]
    """
    return vectors if lengths is None else vectors - lengths * np.round(vectors / lengths)


@kernel
def _wrapped(value, side):
    """Coordinate brought into [0, side); unchanged without a box."""
    if side == np.inf:
        return value
    value -= side * np.floor(value / side)
    return value if 0.0 <= value < side else 0.0


@kernel
def _nearest(value, side):
    """Shortest image of one component of a vector; unchanged without a box."""
    if side < np.inf:
        value -= side * np.round(value / side)
    return value


@kernel
def _shift(boxes, side):
    """Length of a whole number of boxes; of none, also where there is no box."""
    return boxes * side if boxes != 0 else 0.0

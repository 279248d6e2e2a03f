"""Directions of Fourier space that a tilt series does not reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry.rotations import check_euler
from ..memory import check_memory
from ._layout import _check_shape


def missing_wedge(shape: Sequence[int], angles: ArrayLike) -> NDArray[np.bool_]:
    """Find the Fourier coefficients of a volume that lie beyond the largest tilt.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels along x, y and z.
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ; only θ counts [degrees].

    Returns
    -------
    (X, Y, Z // 2 + 1) array of bool
        True inside the wedge about z, in the order of `numpy.fft.rfftn`.

    Raises
    ------
    ValueError
        If the shape is not three positive whole numbers, or angles are not finite.

    Notes
    -----
    An image at tilt θ holds the plane of Fourier space across the beam, which makes the angle θ with x. The wedge is
    what lies farther from the x–y plane than the largest of these angles, whatever its sign.

    Examples
    --------
    >>> from helpers.tomography import missing_wedge
    >>> wedge = missing_wedge((64, 8, 64), [-60.0, 0.0, 60.0])
    >>> round(float(wedge.mean()), 2)
    0.29
    """
    shape = _check_shape("shape", shape, 3)
    check_memory(
        2.0 * shape[0] * shape[1] * (shape[2] // 2 + 1) + 24.0 * shape[0] * (shape[2] // 2 + 1),
        what=f"a mask of {' × '.join(map(str, shape))} coefficients",
        instead="lower shape",
    )
    largest = np.abs(check_euler(angles)[:, 1]).max()
    q_x = np.fft.fftfreq(shape[0])[:, None, None]
    q_z = np.fft.rfftfreq(shape[2])
    away = np.degrees(np.arctan2(np.abs(q_z), np.abs(q_x)))
    return np.array(np.broadcast_to(away > largest, (shape[0], shape[1], len(q_z))))

"""Tilt angles from the atoms: how an image changes as the object turns, and the step of each tilt that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray
from scipy import fft

from ..geometry.rotations import _mean_rotation, _rotation_vectors, _vector_matrices
from ._likelihood import Likelihood, State

_TRUST = np.deg2rad(0.3)  # standard deviation of the turns that nominal angles are expected to need
_MOST_TURN = np.deg2rad(1.0)  # of one image in one step
_MOST_SHIFT = 1.0  # of one image in one step [px]


def tilt_moments(
    likelihood: Likelihood, state: State, *, shifts: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the normal equations (T, 5, 5) and right sides (T, 5) of each image's shift [px] and turn [rad].

    A turn ω, about the image's x, the image's y and the beam, moves an atom at (u, v, w) by ω × (u, v, w). The level of
    the background is free; without `shifts` the shifts are fixed.
    """
    model = likelihood.model
    qx = 2j * np.pi * np.fft.fftfreq(model.grid[0])[:, None]
    qy = 2j * np.pi * np.fft.rfftfreq(model.grid[1])
    normal, right = np.zeros((len(model.matrices), 5, 5)), np.zeros((len(model.matrices), 5))
    for t, matrix in enumerate(model.matrices):
        here, own = likelihood.tilts(slice(t, t + 1)), state.tilts(slice(t, t + 1))
        depth = state.positions @ matrix[:, 2] / model.pixel_size
        pair = [next(here.model.chunks(own.positions, H, own.B, own.shifts))[1][0] for H in (own.H, own.H * depth)]
        flat = model.crop(pair[0][None]).copy()
        spectra = fft.rfft2(np.stack(pair), workers=get_num_threads())
        slopes = fft.irfft2(np.stack([qx * spectra, qy * spectra], axis=1), s=model.grid)
        (du, dv), (deep_u, deep_v) = (model.crop(s) for s in slopes)
        move = np.zeros(2) if own.shifts is None else own.shifts[0]
        u, v = np.ix_(*(np.arange(n) - n // 2 - m for n, m in zip(model.shape, move, strict=True)))
        columns = np.stack([-du, -dv, deep_v, -deep_u, v * du - u * dv, np.ones(model.shape)]).reshape(6, -1)
        expected = here.add_ground(flat, own)
        weight = here.inverse_variance(expected).ravel()
        whole = (columns * weight) @ np.column_stack([columns.T, (here.counts - expected).ravel()])
        level = whole[:5, 5] / whole[5, 5]
        normal[t] = whole[:5, :5] - np.outer(level, whole[5, :5])
        right[t] = whole[:5, 6] - level * whole[5, 6]
    if not shifts:
        normal[:, :2] = normal[:, :, :2] = 0.0
        normal[:, [0, 1], [0, 1]] = 1.0
        right[:, :2] = 0.0
    return normal, right


def turn(
    likelihood: Likelihood, state: State, nominal: NDArray[Any], *, shifts: bool
) -> tuple[Likelihood, State, NDArray[np.float64]]:
    """Take one Gauss–Newton step in every image's turn and shift, and keep what all turn by out of it.

    Returns
    -------
    likelihood, state
        With the new rotations and shifts; the atoms turn with the object as a whole.
    uncertainty : (T, 3) array
        Standard deviation of the turns about the image's x, the image's y and the beam, with the other atoms, images
        and turns as they are [rad].
    """
    model = likelihood.model
    normal, right = tilt_moments(likelihood, state, shifts=shifts)
    so_far = _rotation_vectors(model.matrices.swapaxes(1, 2) @ nominal)
    turns = slice(2, 5)
    normal[:, turns, turns] += np.eye(3) / _TRUST**2
    right[:, turns] -= so_far / _TRUST**2
    inverse = np.linalg.inv(normal)
    steps = np.einsum("tij,tj->ti", inverse, right)
    length = np.linalg.norm(steps[:, turns], axis=1)
    steps[:, turns] *= np.minimum(1.0, _MOST_TURN / np.maximum(length, 1e-12))[:, None]
    matrices = model.matrices @ _vector_matrices(-steps[:, turns])
    common = _mean_rotation(matrices @ nominal.swapaxes(1, 2))
    moved = Likelihood(
        replace(model, matrices=common.T @ matrices), likelihood.counts, likelihood.noise, likelihood.extra
    )
    if shifts:
        step = np.clip(steps[:, :2], -_MOST_SHIFT, _MOST_SHIFT)
        state = replace(state, shifts=step if state.shifts is None else state.shifts + step)
    state = replace(state, positions=state.positions @ common)
    return moved, state, np.sqrt(np.einsum("tii->ti", inverse)[:, turns])


def turning_gain(likelihood: Likelihood, state: State, *, shifts: bool) -> float:
    """Return the log-likelihood that turns of the images might gain, beyond shifts alone where these are free."""
    normal, right = tilt_moments(likelihood, state, shifts=shifts)
    return _gain(normal, right) - _gain(normal[:, :2, :2], right[:, :2])


def _gain(normal: NDArray[Any], right: NDArray[Any]) -> float:
    """Return what the steps that solve normal equations gain."""
    return 0.5 * float(np.einsum("ti,ti->", right, np.linalg.solve(normal, right[..., None])[..., 0]))

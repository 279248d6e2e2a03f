"""One step towards better tilt angles: how a projection changes as the object turns, and by how much it should."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.rotations import _euler_axes, _nearest_euler, _vector_matrices, origin_shifts, rotation_matrices
from .projection import project

_DAMPING = 1e-3  # of Levenberg and Marquardt, relative to the diagonal; matters only where an image says nothing
_MOST_TURN = np.deg2rad(2.0)  # of one image in one round; an image turned further needs another reconstruction
_MOST_SHIFT = 2.0  # of one image in one round [px]
_NARROWEST = 0.125  # a Gaussian cut at four times its width is a single weight below this [px]
_FREE = 0.05  # a common rotation that moves the fixed angles by less than this fraction of itself is free


def _improve(
    images: NDArray[np.float32],
    volume: NDArray[np.float32],
    angles: NDArray[np.float64],
    shifts: NDArray[np.float64],
    chosen: list[int],
    move: bool,
    width: float,
    again: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return better angles, the turns to them and the change of the shifts: a Gauss–Newton step an image."""
    matrices = rotation_matrices(angles)
    axes = _euler_axes(angles)
    whole = len(chosen) == 3  # then rotation vectors in the object's frame serve better: they know no singular tilt
    frames = np.broadcast_to(np.eye(3), axes.shape) if whole else axes[:, :, chosen]
    turns = np.zeros((len(images), len(chosen)))
    change = np.zeros((len(images), 2))
    flat, weighted = _moments(volume, angles, matrices, images.shape[1:], shifts)
    for t, image in enumerate(images):
        by_turn = _by_rotation(flat[t], weighted[t], shifts[t])
        slopes = np.gradient(flat[t])
        basis = -matrices[t].T @ frames[t]  # a turn in the object's frame, seen by the detector
        columns = [*np.tensordot(basis.T, by_turn, 1), *(-slopes[0], -slopes[1]) * move, flat[t]]
        solved = _least_squares(columns, image - flat[t], width)
        turns[t] = solved[: len(chosen)]
        if move:
            change[t] = solved[len(chosen) : -1]
    turns = _without_common(turns, axes, chosen) + again
    length = np.linalg.norm(np.einsum("tij,tj->ti", frames, turns), axis=1)
    turns *= np.minimum(1.0, _MOST_TURN / np.maximum(length, 1e-12))[:, None]
    if whole:
        new = _nearest_euler(_vector_matrices(turns) @ matrices, angles)
    else:
        new = angles.copy()
        new[:, chosen] += np.rad2deg(turns)
    if move:
        change = np.clip(change, -_MOST_SHIFT, _MOST_SHIFT)
        change -= origin_shifts(change, new)
    return new, turns, change


def _moments(
    volume: NDArray[np.float32],
    angles: NDArray[np.float64],
    matrices: NDArray[np.float64],
    shape: tuple[int, ...],
    shifts: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return P = ∫ V dw and Q = ∫ w V dw for every tilt, with w the depth along the beam [voxels]."""
    size = (shape[0], shape[1])
    weighted = np.zeros((len(angles), *shape), np.float32)
    for axis, n in enumerate(volume.shape):
        place = (np.arange(n) - n // 2).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        part = project(volume * place, angles, size, shifts=shifts)
        weighted += matrices[:, axis, 2, None, None].astype(np.float32) * part
    return project(volume, angles, size, shifts=shifts), weighted


def _by_rotation(flat: NDArray[Any], weighted: NDArray[Any], shift: NDArray[Any]) -> NDArray[np.float64]:
    """(3, x, y) derivatives of a projection by R → R exp(−ω), ω in the detector's frame.

    A point at (u, v, w) moves by ω × (u, v, w): u by ω_v w − ω_w v, and v by ω_w u − ω_u w.
    """
    nx, ny = flat.shape
    u = (np.arange(nx) - nx // 2 - shift[0])[:, None]
    v = (np.arange(ny) - ny // 2 - shift[1])[None, :]
    du, dv = np.gradient(flat)
    deep_u, deep_v = np.gradient(weighted)
    return np.stack([deep_v, -deep_u, v * du - u * dv])


def _least_squares(columns: list[NDArray[Any]], difference: NDArray[Any], width: float) -> NDArray[np.float64]:
    """Solve columns · x = difference, seen through a Gaussian, with a little damping."""
    from scipy.ndimage import gaussian_filter1d  # here, for it is slow to import

    stack = np.stack([*columns, difference]).astype(np.float32)
    if width >= _NARROWEST:
        for axis in (1, 2):
            stack = gaussian_filter1d(stack, width, axis=axis, mode="constant")
    flat = stack.reshape(len(stack), -1)
    products = (flat @ flat.T).astype(np.float64)
    normal = products[:-1, :-1]
    normal[np.diag_indices_from(normal)] *= 1.0 + _DAMPING
    return np.asarray(np.linalg.lstsq(normal, products[:-1, -1], rcond=1e-12)[0], dtype=np.float64)


def _without_common(turns: NDArray[Any], axes: NDArray[Any], chosen: list[int]) -> NDArray[np.float64]:
    """Take off the rotation that all steps have in common, as far as the chosen angles can express it."""
    if len(chosen) == 3:
        return turns - turns.mean(axis=0)
    if not chosen:
        return turns
    inverse = np.linalg.pinv(axes)
    fixed = [i for i in range(3) if i not in chosen]
    moved = inverse[:, fixed, :].reshape(-1, 3) / np.sqrt(len(turns))
    _, size, directions = np.linalg.svd(moved, full_matrices=True)
    free = directions[size < _FREE]
    if len(free) == 0:
        return turns
    modes = np.einsum("tij,kj->tik", inverse[:, chosen, :], free).reshape(-1, len(free))
    common = modes @ np.linalg.lstsq(modes, turns.ravel(), rcond=None)[0]
    return np.asarray(turns - common.reshape(turns.shape), dtype=np.float64)

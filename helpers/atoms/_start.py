"""Weight, width and background by linear least squares: where a refinement starts, and how it is scaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..curves import vertex
from ._likelihood import Likelihood, State, half_fields

BACKGROUNDS = ("none", "series", "tilt", "slopes")
_STEP = 0.01  # relative step in B of the finite difference, whose error is 1e-4 of the derivative
_WIDEST = 1.5  # largest standard deviation that the scan tries [Å]
_SCANNED = 10  # tilts that the scan looks at


def narrowest(pixel_size: float) -> float:
    """Return the B of a Gaussian of 0.45 pixels, below which the grid no longer carries it [Å²]."""
    return float(2 * (0.45 * np.pi * pixel_size) ** 2)


def widest() -> float:
    """Return the largest B that is tried [Å²]."""
    return float(2 * (_WIDEST * np.pi) ** 2)


def ground_columns(background: str, tilts: int) -> list[tuple[NDArray[np.int64], int]]:
    """Return, for every unknown of the background, the tilts and the term (level, x, y) that it moves."""
    every = np.arange(tilts)
    if background == "none":
        return []
    if background == "series":
        return [(every, 0)]
    return [(every[t : t + 1], k) for t in range(tilts) for k in range(3 if background == "slopes" else 1)]


def moments(
    likelihood: Likelihood, state: State, weights: NDArray[Any] | None = None, *, width: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the normal equations of each tilt, with columns (ln weight, ln B, 1, x, y).

    Returns
    -------
    normal : (T, 5, 5) array
        Σ w D_a D_b over pixels; the derivative in ln B keeps the counts of each atom.
    right : (T, 5) array
        Σ w D_a (counts − expected).
    misfit : (T,) array
        Σ w (counts − expected)².
    """
    model = likelihood.model
    tilts = len(likelihood.counts)
    normal, right, misfit = np.zeros((tilts, 5, 5)), np.zeros((tilts, 5)), np.zeros(tilts)
    wider = state.B * (1 + _STEP)
    other = model.chunks(state.positions, state.H * (1 + _STEP) ** -1.5, wider, state.shifts) if width else None
    x, y = half_fields(model.shape)
    columns = np.zeros((5, *model.shape), np.float32)
    columns[2], columns[3], columns[4] = 1.0, x[:, None], y
    for chunk, padded in model.chunks(state.positions, state.H, state.B, state.shifts):
        images = model.crop(padded)
        changed = model.crop(next(other)[1]) if other is not None else images
        for k, t in enumerate(range(chunk.start, chunk.stop)):
            columns[0] = images[k]
            columns[1] = (changed[k] - images[k]) / _STEP
            extra = likelihood.extra[t] if likelihood.extra.size else np.float32(0)
            expected = images[k] + np.tensordot(state.ground[t].astype(np.float32), columns[2:], 1) + extra
            weight = likelihood.inverse_variance(expected) if weights is None else weights[t]
            residual = likelihood.counts[t] - expected
            scaled = (columns * weight).reshape(5, -1)
            normal[t] = scaled @ columns.reshape(5, -1).T
            right[t] = scaled @ residual.ravel()
            misfit[t] = float((weight * residual).ravel() @ residual.ravel())
    return normal, right, misfit


def assemble(
    normal: NDArray[Any], right: NDArray[Any] | None, background: str, *, weight: bool, width: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the normal equations of the shared unknowns: (ln weight, ln B, background …), those that are free."""
    tilts = len(normal)
    shared = [k for k, free in enumerate((weight, width)) if free]
    columns = [(np.arange(tilts), k) for k in shared]
    columns += [(which, 2 + k) for which, k in ground_columns(background, tilts)]
    matrix, vector = np.zeros((len(columns), len(columns))), np.zeros(len(columns))
    for p, (tp, kp) in enumerate(columns):
        if right is not None:
            vector[p] = right[tp, kp].sum()
        for q, (tq, kq) in enumerate(columns[: p + 1]):
            common = tp if len(tp) <= len(tq) else tq
            if len(tp) == 1 and len(tq) == 1 and tp[0] != tq[0]:
                continue
            matrix[p, q] = matrix[q, p] = normal[common, kp, kq].sum()
    return matrix, vector


def solve(matrix: NDArray[Any], vector: NDArray[Any]) -> NDArray[np.float64]:
    """Solve normal equations; an unknown that nothing depends on stays where it is."""
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-30))
    return np.linalg.lstsq(matrix / np.outer(scale, scale), vector / scale, rcond=1e-10)[0] / scale


def move_ground(ground: NDArray[Any], background: str, steps: NDArray[Any]) -> NDArray[np.float64]:
    """Return the background after steps in its unknowns."""
    moved = ground.copy()
    for (tilts, k), step in zip(ground_columns(background, len(ground)), steps, strict=True):
        moved[tilts, k] += step
    return moved


def fit_ground(likelihood: Likelihood, state: State, background: str) -> State:
    """Fit the background of images, such as tilts that a fit left out, to atoms that stay as they are."""
    for _ in range(2):
        normal, right, _ = moments(likelihood, state, width=False)
        matrix, vector = assemble(normal, right, background, weight=False, width=False)
        if len(vector):
            state = replace(state, ground=move_ground(state.ground, background, solve(matrix, vector)))
    return state


def find_start(likelihood: Likelihood, state: State, background: str, *, weight: bool, width: bool) -> State:
    """Fit one weight, one B and the background to images of atoms that stay where they are.

    B by a scan in which the others follow from linear least squares, then all by Gauss–Newton steps.

    Raises
    ------
    ValueError
        If the images show nothing where the atoms are.
    """
    tilts = len(likelihood.counts)
    if width:
        few = np.unique(np.linspace(0, tilts - 1, min(_SCANNED, tilts)).round().astype(int))
        part, own = likelihood.tilts(few), state.tilts(few)
        smooth = ndimage.gaussian_filter(part.counts, (0, 2, 2))
        weights = part.inverse_variance(np.maximum(smooth, 0) + 0.1 * max(float(smooth.mean()), 0.0))
        low, high = narrowest(part.model.pixel_size) / state.B.mean(), widest() / state.B.mean()
        factors = np.geomspace(low, high, max(5, int(np.ceil(np.log(high / low) / np.log(1.3)))))
        misfits = np.array([_misfit(part, own, f, background, weights) for f in factors])
        best = vertex(np.log(factors), misfits, int(np.argmin(misfits)))
        state = replace(state, B=state.B * np.exp(best), H=state.H * np.exp(-1.5 * best))
    if weight:
        smooth = ndimage.gaussian_filter(likelihood.counts, (0, 2, 2))
        weights = likelihood.inverse_variance(np.maximum(smooth, 0) + 0.1 * max(float(smooth.mean()), 0.0))
        normal, right, _ = moments(likelihood, state, weights, width=False)
        step = solve(*assemble(normal, right, background, weight=True, width=False))
        if not np.isfinite(step).all() or step[0] <= -1:
            raise ValueError(_no_signal(likelihood, state))
        ground = move_ground(state.ground, background, step[1:])
        state = replace(state, H=state.H * (1 + step[0]), ground=ground)
    for _ in range(3):
        normal, right, _ = moments(likelihood, state, width=width)
        step = solve(*assemble(normal, right, background, weight=weight, width=width))
        heavier = float(np.clip(step[0], -0.5, 0.5)) if weight else 0.0
        wider = float(np.clip(step[int(weight)], -0.3, 0.3)) if width else 0.0
        wider = float(
            np.clip(wider, *np.log(np.array([narrowest(likelihood.model.pixel_size), widest()]) / state.B.mean()))
        )
        ground = move_ground(state.ground, background, step[int(weight) + int(width) :])
        state = replace(state, H=state.H * np.exp(heavier - 1.5 * wider), B=state.B * np.exp(wider), ground=ground)
    return state


def _no_signal(likelihood: Likelihood, state: State) -> str:
    """Say that atoms would have to weigh less than nothing, and what stands against them."""
    mean = float(likelihood.counts.mean(dtype=float))
    ground = state.ground[:, 0].mean() + (float(likelihood.extra.mean(dtype=float)) if likelihood.extra.size else 0.0)
    if ground > mean:
        return (
            f"the background that was given, {ground:.4g} counts on average, is larger than the images, {mean:.4g}: "
            "nothing is left for the atoms; lower level or outer"
        )
    return (
        "the images show no signal where the atoms are (their fitted weight is negative); "
        "check positions, angles, pixel size and background"
    )


def _misfit(likelihood: Likelihood, state: State, factor: float, background: str, weights: NDArray[Any]) -> float:
    """Return chi squared where B is so many times as large, with the best weight and background."""
    wide = replace(state, B=state.B * factor, H=state.H * factor**-1.5)
    normal, right, misfit = moments(likelihood, wide, weights, width=False)
    matrix, vector = assemble(normal, right, background, weight=True, width=False)
    return float(misfit.sum() - vector @ solve(matrix, vector))

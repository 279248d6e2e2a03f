"""The optimiser: unknowns in units of their own standard deviation, moved by L-BFGS within limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ._likelihood import Likelihood, State
from ._start import assemble, ground_columns, moments, move_ground, narrowest, widest

_MEMORY = 12  # pairs of steps that L-BFGS remembers
_FAR = 1e6  # limit of an unknown that has none, in standard deviations


@dataclass(frozen=True)
class Plan:
    """What is free, within which limits, and for how long."""

    positions: bool = True
    weight: bool = True
    width: bool = True
    weight_per_atom: bool = False
    width_per_atom: bool = False
    background: str = "tilt"
    shifts: bool = False
    prior: float = 0.0
    max_move: float = 1.0
    iterations: int = 60
    tolerance: float = 1e-3


@dataclass(frozen=True, eq=False)
class Fit:
    """Where a fit ended, and the way there."""

    state: State
    value: float
    residuals: NDArray[np.float64]  # (iterations + 1, T): Σ |expected − counts|
    converged: bool
    iterations: int
    evaluations: int


class _Unknowns:
    """The vector that is optimised, and the state that it stands for.

    Positions, and weights and widths per atom, are scaled by their own Fisher information; shared unknowns by the
    Cholesky factor of their common one. The weight of an atom is ``H B^1.5``, its counts, which B hardly depends on.
    """

    def __init__(self, likelihood: Likelihood, start: State, plan: Plan):
        self.start, self.plan = start, plan
        n, t = len(start.positions), len(start.ground)
        expected = likelihood.expected(start)
        own = likelihood.information(start, expected)
        mass = start.H * start.B**1.5
        ratio = start.H / start.B
        self.lowest, self.highest = narrowest(likelihood.model.pixel_size), widest()
        weight = np.maximum(own[:, 3, 3], 1e-30) * start.B**-3
        width = own[:, 4, 4] - 3 * ratio * own[:, 3, 4] + 2.25 * ratio**2 * own[:, 3, 3]
        self.mass = mass
        place = np.einsum("nii->ni", own[:, :3, :3])
        # an atom that too little is known of must not be thrown about: at least 1e-3 of the median information
        self.place = _scale(place)
        self.weight, self.width = _scale(weight), _scale(width)
        self.blocks: list[tuple[str, int]] = []
        if plan.positions:
            self.blocks.append(("positions", 3 * n))
        if plan.weight and plan.weight_per_atom:
            self.blocks.append(("weights", n))
        if plan.width and plan.width_per_atom:
            self.blocks.append(("widths", n))
        self.common = (plan.weight and not plan.weight_per_atom, plan.width and not plan.width_per_atom)
        normal, _, _ = moments(likelihood, start, likelihood.inverse_variance(expected), width=self.common[1])
        matrix, _ = assemble(normal, None, plan.background, weight=self.common[0], width=self.common[1])
        matrix[np.diag_indices(len(matrix))] *= 1 + 1e-9
        self.factor = np.linalg.cholesky(matrix) if len(matrix) else np.zeros((0, 0))
        self.blocks.append(("shared", len(matrix)))
        if plan.shifts:
            slopes = np.gradient(likelihood.add_ground(np.zeros_like(expected), start) - expected, axis=(1, 2))
            weights = likelihood.inverse_variance(expected)
            self.moved = np.stack([np.sqrt((s * s * weights).sum(axis=(1, 2), dtype=float)) for s in slopes], axis=1)
            self.moved = np.maximum(self.moved, 1e-6 * self.moved.max())
            self.blocks.append(("shifts", 2 * t))
        self.size = sum(size for _, size in self.blocks)

    def split(self, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return views of the parts of a vector."""
        ends = np.cumsum([size for _, size in self.blocks])
        return {name: vector[end - size : end] for (name, size), end in zip(self.blocks, ends, strict=True)}

    def state(self, vector: NDArray[Any]) -> State:
        """Return what a vector stands for."""
        part, start = self.split(vector), self.start
        positions, mass, B = start.positions, self.mass, start.B
        if "positions" in part:
            positions = positions + part["positions"].reshape(-1, 3) / self.place
        if "weights" in part:
            mass = mass + part["weights"] / self.weight
        if "widths" in part:
            B = B + part["widths"] / self.width
        shared = np.linalg.solve(self.factor.T, part["shared"]) if self.factor.size else part["shared"]
        used = 0
        if self.common[0]:
            mass = mass * np.exp(shared[used])
            used += 1
        if self.common[1]:
            B = B * np.exp(shared[used])
            used += 1
        ground = move_ground(start.ground, self.plan.background, shared[used:])
        shifts = start.shifts
        if "shifts" in part:
            shifts = (0 if shifts is None else shifts) + part["shifts"].reshape(-1, 2) / self.moved
        return State(positions, mass * B**-1.5, B, ground, shifts)

    def gradient(self, state: State, sums: NDArray[Any], parts: tuple[Any, ...]) -> NDArray[np.float64]:
        """Return the gradient in the vector from that in the state."""
        place, height, width, moved = parts
        found = np.zeros(self.size)
        part = self.split(found)
        mass = height * state.B**-1.5  # at constant B
        width = width - 1.5 * state.H / state.B * height  # at constant counts
        if "positions" in part:
            part["positions"][:] = (place / self.place).ravel()
        if "weights" in part:
            part["weights"][:] = mass / self.weight
        if "widths" in part:
            part["widths"][:] = width / self.width
        shared = []
        if self.common[0]:
            shared.append(height @ state.H)
        if self.common[1]:
            shared.append(width @ state.B)
        shared += [sums[tilts, 1 + k].sum() for tilts, k in ground_columns(self.plan.background, len(sums))]
        if len(shared):
            part["shared"][:] = np.linalg.solve(self.factor, np.array(shared))
        if "shifts" in part:
            part["shifts"][:] = (moved / self.moved).ravel()
        return found

    def limits(self) -> NDArray[np.float64]:
        """Return the lowest and highest value of every unknown, (size, 2)."""
        limits = np.tile([-_FAR, _FAR], (self.size, 1))
        for side, sign in ((0, -1.0), (1, 1.0)):
            part = self.split(limits[:, side])
            if "positions" in part:
                part["positions"][:] = sign * self.plan.max_move * self.place.ravel()
        if "weights" in (part := self.split(limits[:, 0])):
            part["weights"][:] = np.minimum(0.0, -self.mass * self.weight)
        if "widths" in part:
            part["widths"][:] = np.minimum(0.0, (self.lowest - self.start.B) * self.width)
            self.split(limits[:, 1])["widths"][:] = np.maximum(0.0, (self.highest - self.start.B) * self.width)
        return limits


def _scale(information: NDArray[Any]) -> NDArray[np.float64]:
    """Return one over the standard deviation, with a floor for unknowns that hardly show."""
    return np.sqrt(np.maximum(information, max(1e-3 * float(np.median(information)), 1e-30)))


def fit(likelihood: Likelihood, start: State, plan: Plan) -> Fit:
    """Maximise the likelihood from a start.

    A step that gains less than `tolerance` an atom, in units of the log-likelihood, ends the fit: what is left then
    is small against the standard deviation of every unknown.
    """
    unknowns = _Unknowns(likelihood, start, plan)
    enough = plan.tolerance * len(start.positions)
    latest: dict[bytes, NDArray[Any]] = {}
    history: list[NDArray[Any]] = []
    values: list[float] = []

    def value(vector: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        state = unknowns.state(vector)
        sums, parts = likelihood.evaluate(state)
        found = unknowns.gradient(state, sums, parts)
        total = float(sums[:, 0].sum())
        if plan.prior and plan.positions:
            own = unknowns.split(vector)["positions"]
            total += 0.5 * plan.prior * float(own @ own)
            unknowns.split(found)["positions"][:] += plan.prior * own
        if not history:
            history.append(sums[:, 4])
            values.append(total)
        latest.clear()
        latest[vector.tobytes()] = sums[:, 4]
        return total, found

    def step(intermediate_result: Any) -> None:
        vector = intermediate_result.x
        key = vector.tobytes()
        history.append(latest[key] if key in latest else next(iter(latest.values())))
        values.append(float(intermediate_result.fun))
        if len(values) > 2 and values[-2] - values[-1] < enough and values[-3] - values[-2] < 10 * enough:
            raise StopIteration

    limits = unknowns.limits()
    options = {"maxiter": plan.iterations, "maxcor": _MEMORY, "ftol": 1e-13, "gtol": 1e-4, "maxls": 12}
    begin = np.zeros(unknowns.size)
    done = minimize(value, begin, jac=True, method="L-BFGS-B", bounds=limits, callback=step, options=options)
    state = unknowns.state(done.x)
    converged = len(values) > 1 and done.nit < plan.iterations and values[-2] - values[-1] < enough
    return Fit(state, float(done.fun), np.array(history), bool(converged), int(done.nit), int(done.nfev))


def without_gauge(state: State, matrices: NDArray[Any], pixel_size: float) -> State:
    """Move what all shifts share, one displacement of the object, from the shifts to the positions."""
    if state.shifts is None:
        return state
    rows = matrices.swapaxes(1, 2)[:, :2]
    moved = np.linalg.lstsq(rows.reshape(-1, 3), state.shifts.ravel(), rcond=None)[0]
    return replace(state, positions=state.positions + moved * pixel_size, shifts=state.shifts - rows @ moved)

"""How sure is a number: repeat it on displaced atoms and with moved settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_positions, check_positive

#: Precision of the published coordinates, r.m.s. length of the 3D error [Å] (Fig. S6c: 18 pm).
PRECISION = 0.18


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty and what that consists of."""

    value: float
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def uncertainty(self) -> float:
        """Root of the summed squares of the parts; NaN if nothing was varied."""
        return float(np.sqrt(sum(p**2 for p in self.parts.values()))) if self.parts else float("nan")

    def __str__(self) -> str:
        return f"{self.value:.4g}" + (f" ± {self.uncertainty:.2g}" if self.parts else "")


def displaced_models(
    positions: ArrayLike, repeats: int, *, precision: float = PRECISION, seed: int = 0
) -> Iterator[NDArray[np.float64]]:
    """Yield copies of a model whose atoms are displaced at random, independently and isotropically.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    repeats : int
        Number of copies.
    precision : float
        Root-mean-square length of the displacement vectors [Å].
    seed : int
        Seed of the displacements.
    """
    positions = check_positions(positions)
    sigma = check_positive("precision", precision) / np.sqrt(3)
    random = np.random.default_rng(seed)
    for _ in range(repeats):
        yield positions + random.normal(0.0, sigma, positions.shape)


def estimate(
    measure: Callable[..., Mapping[str, float]],
    positions: ArrayLike,
    settings: Mapping[str, float] | None = None,
    errors: Mapping[str, float] | None = None,
    *,
    repeats: int = 8,
    precision: float = PRECISION,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Measure a model, then again on displaced copies and with each setting moved by its error.

    Parameters
    ----------
    measure : callable
        ``measure(positions, **settings)`` returns named numbers.
    positions : (N, 3) array
        Atom positions [Å].
    settings : mapping, optional
        Settings of the measurement, such as ``{"cutoff": 4.12}``.
    errors : mapping, optional
        Uncertainty of some of the settings, in their own units.
    repeats : int
        Number of displaced copies; 0 leaves all uncertainties out.
    precision : float
        Root-mean-square length of the displacements [Å].
    seed : int
        Seed of the displacements.

    Returns
    -------
    dict of str to Estimate
        The value is that of the model as it is. Part ``"positions"`` is the r.m.s. deviation of the
        displaced copies from it (their scatter and their shift); each setting's part is half the change
        between its two moved values.
    """
    settings = dict(settings or {})
    values = dict(measure(positions, **settings))
    parts: dict[str, dict[str, float]] = {name: {} for name in values}
    if repeats > 0:
        copies = [measure(p, **settings) for p in displaced_models(positions, repeats, precision=precision, seed=seed)]
        for name, value in values.items():
            deviations = np.array([copy[name] for copy in copies]) - value
            parts[name]["positions"] = float(np.sqrt(np.mean(deviations**2)))
        for setting, error in (errors or {}).items():
            low, high = (measure(positions, **{**settings, setting: settings[setting] + s * error}) for s in (-1, 1))
            for name in values:
                parts[name][setting] = float(abs(high[name] - low[name]) / 2)
    return {name: Estimate(float(value), parts[name]) for name, value in values.items()}


def combine(estimates: list[Estimate]) -> Estimate:
    """Return the mean of independent estimates, their parts combined accordingly."""
    names = {name for e in estimates for name in e.parts}
    count = len(estimates)
    return Estimate(
        float(np.mean([e.value for e in estimates])),
        {n: float(np.sqrt(sum(e.parts.get(n, 0.0) ** 2 for e in estimates)) / count) for n in sorted(names)},
    )

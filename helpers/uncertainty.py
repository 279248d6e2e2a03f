"""How sure is a number: repeat it on displaced atoms and with moved settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import digits
from .checks import check_positions, check_positive

#: Precision of the published coordinates, r.m.s. length of the 3D error [Å] (Fig. S6c: 18 pm).
PRECISION = 0.18


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number with its uncertainty and what that consists of."""

    value: float
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def uncertainty(self) -> float:
        """Root of the summed squares of the parts; NaN if nothing was varied."""
        return float(np.sqrt(sum(p**2 for p in self.parts.values()))) if self.parts else float("nan")

    def __str__(self) -> str:
        return digits.write(self.value, self.uncertainty)


def displaced_models(
    positions: ArrayLike | Mapping[str, ArrayLike], repeats: int, *, precision: float = PRECISION, seed: int = 0
) -> Iterator[Any]:
    """Yield copies of a model whose atoms are displaced at random, independently and isotropically.

    Parameters
    ----------
    positions : (N, 3) array, or mapping from names to such arrays
        Atom positions [Å] of a model, or of several; each copy is as what is given here.
    repeats : int
        Number of copies.
    precision : float
        Root-mean-square length of the displacement vectors [Å].
    seed : int
        Seed of the displacements.
    """
    models = _checked(positions)
    sigma = check_positive("precision", precision) / np.sqrt(3)
    random = np.random.default_rng(seed)
    for _ in range(repeats):
        copies = {name: model + random.normal(0.0, sigma, model.shape) for name, model in models.items()}
        yield copies if isinstance(positions, Mapping) else copies[""]


def _checked(positions: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """Return the positions of every model by name; one alone has none."""
    models = positions if isinstance(positions, Mapping) else {"": positions}
    if not models:
        msg = "positions holds no model; expected at least one"
        raise ValueError(msg)
    return {
        name: check_positions(model, name=f"positions of {name}" if name else "positions")
        for name, model in models.items()
    }


def estimate(
    measure: Callable[..., Mapping[str, float]],
    positions: ArrayLike | Mapping[str, ArrayLike],
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
    positions : (N, 3) array, or mapping from names to such arrays
        Atom positions [Å]; of several samples by name, for numbers that are pooled over them: `measure` then takes
        a mapping too, and the atoms of all samples are displaced at once.
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

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.uncertainty import estimate
    >>> def atoms(models, weight):
    ...     return {"mass": weight * sum(map(len, models.values()))}
    >>> models = {"small": np.zeros((2, 3)), "large": np.zeros((3, 3))}
    >>> str(estimate(atoms, models, {"weight": 181.0}, {"weight": 0.5}, repeats=2)["mass"])
    '905.0 ± 2.5'
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


def combine(
    estimates: Sequence[Estimate], weights: Sequence[float] | None = None, *, common: Sequence[str] = ()
) -> Estimate:
    """Return the mean of estimates, their parts combined accordingly.

    Parameters
    ----------
    estimates : sequence of Estimate
        At least one.
    weights : sequence of float, optional
        Weight of each, such as its number of atoms; equal by default.
    common : sequence of str
        Parts that move all estimates together, such as a limit they share; these add up. All others are
        independent: their squares do.

    Raises
    ------
    ValueError
        If there is not one weight an estimate, or they do not add up to something positive.

    Examples
    --------
    >>> from helpers.uncertainty import Estimate, combine
    >>> str(combine([Estimate(1.0, {"positions": 0.3}), Estimate(2.0, {"positions": 0.4})]))
    '1.50 ± 0.25'
    """
    shares = np.ones(len(estimates)) if weights is None else np.asarray(weights, dtype=float)
    if shares.shape != (len(estimates),) or not shares.sum() > 0:
        msg = f"weights={weights!r}; expected one for each of {len(estimates)} estimates, above zero in sum"
        raise ValueError(msg)
    shares = shares / shares.sum()
    parts = {}
    for name in sorted({name for e in estimates for name in e.parts}):
        weighted = np.array([s * e.parts.get(name, 0.0) for s, e in zip(shares, estimates, strict=True)])
        parts[name] = float(weighted.sum() if name in common else np.sqrt((weighted**2).sum()))
    return Estimate(float(sum(s * e.value for s, e in zip(shares, estimates, strict=True))), parts)

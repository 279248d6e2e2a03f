"""How sure is a number: repeat it on displaced atoms and with moved settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import digits
from .arrays import is_atoms
from .checks import check_numbers, check_positions, check_positive, check_whole, looked_at

if TYPE_CHECKING:
    from ase import Atoms

#: What the displacements of one model follow: a length for all atoms, or one for each of their coordinates.
Precision = float | NDArray[np.float64]

#: Precision of the published coordinates, r.m.s. length of the 3D error [Å] (Fig. S6c: 18 pm).
PRECISION = 0.18

_MOST_REPEATS = 10_000  # displaced copies; with more, a call would not end


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


def known_precision(model: Any) -> Precision:
    """Return how precise a model's positions are: what it says itself, else what the paper says of its own.

    Parameters
    ----------
    model : ase.Atoms
        A model, of which ``uncertainty`` may be an array (N, 3): the standard deviation of each coordinate [Å].
        `Located.atoms` makes such models, and extended XYZ keeps it.

    Returns
    -------
    (N, 3) array or float
        For `displaced_models` and `estimate`. Coordinates that are not bounded, as at the rim of an image, are taken to
        be as precise as the paper's.

    Raises
    ------
    ValueError
        If the array has another shape, or holds numbers that are no standard deviations.

    Examples
    --------
    >>> from ase import Atoms
    >>> from helpers.uncertainty import known_precision
    >>> model = Atoms("Ta2", [[0, 0, 0], [2.9, 0, 0]])
    >>> known_precision(model)
    0.18
    >>> model.set_array("uncertainty", [[0.05, 0.05, 0.1], [0.06, 0.05, 0.11]], dtype=float)
    >>> known_precision(model)[:, 2].tolist()
    [0.1, 0.11]
    """
    own = getattr(model, "arrays", {}).get("uncertainty")
    if own is None:
        return PRECISION
    own = np.asarray(own, dtype=float)
    if own.shape != (len(model), 3) or not (own >= 0).all():
        msg = (
            f"the model's uncertainty has shape {own.shape} and "
            f"{digits.counted(int(np.sum(~(own >= 0))), 'value')} negative or NaN; "
            f"expected ({len(model)}, 3) standard deviations [Å]"
        )
        raise ValueError(msg)
    return np.where(np.isfinite(own), own, PRECISION / np.sqrt(3))


def displaced_models(
    positions: Atoms | ArrayLike | Mapping[str, Atoms | ArrayLike],
    repeats: int,
    *,
    precision: float | ArrayLike | Mapping[str, Precision] = PRECISION,
    seed: int = 0,
) -> Iterator[Any]:
    """Yield copies of a model whose atoms are displaced at random, independently.

    Parameters
    ----------
    positions : Atoms or (N, 3) array, or mapping from names to such
        A model or atom positions [Å], or several; each copy is as what is given here, so that a model's copy has its
        box and elements.
    repeats : int
        Number of copies.
    precision : float, (N, 3) array, or mapping from names to such
        Root-mean-square length of the displacement vectors, which then know no direction, or the standard deviation
        of every coordinate [Å]: see `known_precision`.
    seed : int
        Seed of the displacements.
    """
    given = positions if isinstance(positions, Mapping) else {"": positions}
    models = _checked(given)
    sigma = {name: _sigma(precision, name, model) for name, model in models.items()}
    repeats = check_whole("repeats", repeats)
    random = np.random.default_rng(check_whole("seed", seed))
    for _ in range(repeats):
        copies = {
            name: _moved(given[name], model + random.normal(0.0, sigma[name], model.shape))
            for name, model in models.items()
        }
        yield copies if isinstance(positions, Mapping) else copies[""]


def _moved(model: Any, places: NDArray[np.float64]) -> Any:
    """Return a model at other places, as it came: with its box and elements, or as an array."""
    if not is_atoms(model):
        return places
    copy = model.copy()
    copy.positions = places
    return copy


def _sigma(precision: Any, name: str, model: NDArray[np.float64]) -> Precision:
    """Return the standard deviation of each coordinate of a model, one for all or one for each."""
    if isinstance(precision, Mapping):
        if name not in precision:
            msg = f"precision says nothing of {name or 'the model'}; expected a value for every model"
            raise ValueError(msg)
        precision = precision[name]
    if np.ndim(precision) == 0:
        return check_positive("precision", precision) / float(np.sqrt(3))
    sigma = check_numbers(precision, name="precision", finite=False, expected="standard deviations [Å]")
    if sigma.shape != model.shape or not np.isfinite(sigma).all() or sigma.min() < 0:
        of = f" of {name}" if name else ""
        msg = (
            f"precision{of} has shape {sigma.shape}; expected a length, or finite standard deviations of shape "
            f"{model.shape}"
        )
        raise ValueError(msg)
    return sigma


def _checked(models: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return the positions of every model by name; one alone has none."""
    if not models:
        msg = "positions holds no model; expected at least one"
        raise ValueError(msg)
    return {
        name: check_positions(
            model.positions if is_atoms(model) else model, name=f"positions of {name}" if name else "positions"
        )
        for name, model in models.items()
    }


def estimate(
    measure: Callable[..., Mapping[str, float]],
    positions: Atoms | ArrayLike | Mapping[str, Atoms | ArrayLike],
    settings: Mapping[str, float] | None = None,
    errors: Mapping[str, float] | None = None,
    *,
    repeats: int = 8,
    precision: float | ArrayLike | Mapping[str, Precision] = PRECISION,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Measure a model, then again on displaced copies and with each setting moved by its error.

    Parameters
    ----------
    measure : callable
        ``measure(positions, **settings)`` returns named numbers.
    positions : Atoms or (N, 3) array, or mapping from names to such
        A model or atom positions [Å], which `measure` takes as they come; several by name, for numbers that are pooled
        over samples: `measure` then takes a mapping too, and the atoms of all samples are displaced at once.
    settings : mapping, optional
        Settings of the measurement, such as ``{"cutoff": 4.12}``.
    errors : mapping, optional
        Uncertainty of some of the settings, in their own units.
    repeats : int
        Number of displaced copies; 0 leaves all uncertainties out.
    precision : float, (N, 3) array, or mapping from names to such
        Root-mean-square length of the displacements, or the standard deviation of every coordinate [Å]: see
        `known_precision`.
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
    settings, repeats = dict(settings or {}), check_whole("repeats", repeats)
    if repeats > _MOST_REPEATS:
        msg = f"repeats={repeats:,}; expected at most {_MOST_REPEATS:,} copies: ten give their scatter to 25 %"
        raise ValueError(msg)
    values = dict(measure(positions, **settings))
    parts: dict[str, dict[str, float]] = {name: {} for name in values}
    if repeats > 0:
        models = displaced_models(positions, repeats, precision=precision, seed=seed)
        with looked_at():
            copies = [measure(p, **settings) for p in models]
        for name, value in values.items():
            deviations = np.array([copy[name] for copy in copies]) - value
            parts[name]["positions"] = float(np.sqrt(np.mean(deviations**2)))
        for setting, error in (errors or {}).items():
            with looked_at():
                low, high = (
                    measure(positions, **{**settings, setting: settings[setting] + s * error}) for s in (-1, 1)
                )
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
        msg = (
            f"weights={weights!r}; expected one for each of {digits.counted(len(estimates), 'estimate')}, "
            "above zero in sum"
        )
        raise ValueError(msg)
    shares = shares / shares.sum()
    parts = {}
    for name in sorted({name for e in estimates for name in e.parts}):
        weighted = np.array([s * e.parts.get(name, 0.0) for s, e in zip(shares, estimates, strict=True)])
        parts[name] = float(weighted.sum() if name in common else np.sqrt((weighted**2).sum()))
    return Estimate(float(sum(s * e.value for s, e in zip(shares, estimates, strict=True))), parts)

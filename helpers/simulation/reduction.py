"""From a radially averaged intensity to the structure factor, the reduced pair distribution and g(r)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_positive
from ..digits import counted
from ..scattering import scattering_factor

_TAIL = 0.5  # from this share of the largest q on, S must oscillate about 1
_TAIL_WEIGHT = 3.0  # of that demand beside the straight line near r = 0
_LINE_STEP = 0.02  # where the line is asked for [Å]
_SHORT = 0.3  # nearer to r = 0 than this share of the line, a curve's errors say nothing of the line


@dataclass(frozen=True, eq=False)
class ReducedPattern:
    """Structure and pair distribution from a measured intensity.

    Attributes
    ----------
    q, S : (K,) arrays
        Structure factor [1/Å].
    background : (K,) array
        What was taken off the intensity.
    scale : float
        Intensity of one electron scattering factor squared: what the measured one is divided by.
    r : (R,) array
        Distances [Å].
    G : (R,) array
        Reduced pair distribution, 4π ρ r (g − 1) [1/Å²], as transformed.
    g : (R,) array
        Pair distribution, corrected: zero before the first shell.
    """

    q: NDArray[np.float64]
    S: NDArray[np.float64]
    background: NDArray[np.float64]
    scale: float
    r: NDArray[np.float64]
    G: NDArray[np.float64]
    g: NDArray[np.float64]


def reduced_pair_distribution(
    q: ArrayLike, S: ArrayLike, r: ArrayLike, *, window: str = "lorch", low: float = 0.0
) -> NDArray[np.float64]:
    r"""Transform a structure factor into the reduced pair distribution.

    Parameters
    ----------
    q, S : (K,) arrays
        Structure factor at ascending q [1/Å].
    r : (R,) array
        Distances [Å].
    window : {"lorch", "none"}
        What q (S − 1) is multiplied by towards the largest q, sin(πq/q_max) / (πq/q_max) or nothing.
    low : float
        What S is taken to be below the first q, where the beam stop is.

    Returns
    -------
    (R,) array
        :math:`G(r) = (2/\pi) \int q\,(S - 1)\, w \sin(q r)\, dq = 4 \pi \rho r\,(g - 1)` [1/Å²].

    Raises
    ------
    ValueError
        If q and S are not two equal lengths of finite numbers with q ascending, or the window is unknown.

    Notes
    -----
    A range that ends at q_max shows g as if through a lens: shells are no sharper than 3.8 / q_max, with the window
    5.4 / q_max. The integral follows straight lines between the points.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import reduced_pair_distribution
    >>> q = np.arange(0, 30, 0.05)
    >>> pair = 1 + np.sinc(2.5 * q / np.pi)
    >>> r = np.arange(1.5, 4, 0.01)
    >>> float(r[reduced_pair_distribution(q, pair, r).argmax()].round(2))
    2.5
    """
    across, values = _check_curve(q, S)
    return _transform(across, across * (values - 1), np.asarray(r, dtype=np.float64), window) + _below(
        across, float(low) - 1, np.asarray(r, dtype=np.float64), window
    )


def reduce_intensity(
    q: ArrayLike,
    intensity: ArrayLike,
    element: str,
    density: float,
    *,
    r: ArrayLike | None = None,
    shortest: float = 2.2,
    order: int = 4,
    q_max: float | None = None,
    window: str = "lorch",
    inside: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> ReducedPattern:
    r"""Turn the radially averaged intensity of an element into S(q), G(r) and g(r).

    Parameters
    ----------
    q, intensity : (K,) arrays
        Mean intensity of rings at ascending q, outside the beam stop [1/Å].
    element : str
        Chemical symbol.
    density : float
        Atoms in a volume [1/Å³]; it sets the scale of the intensity.
    r : (R,) array, optional
        Distances; by default up to 20 Å in steps of 0.02 Å.
    shortest : float
        No two atoms are nearer than this [Å]: up to here G is a straight line.
    order : int
        Of the polynomial that describes the background.
    q_max : float, optional
        Largest q to use [1/Å]; by default all.
    window : {"lorch", "none"}
        As in `reduced_pair_distribution`.
    inside : callable, optional
        Share of a shell of radius r that lies inside a finite sample, mean over its atoms: ``inside(r)``. By default
        1, a sample much larger than r.

    Returns
    -------
    ReducedPattern
        `S`, `G`, `g`, the background and the scale.

    Raises
    ------
    ValueError
        If the curves do not fit or a number is out of range, or no scale makes a straight line.
    UnknownName
        If the element has no scattering factor.

    Notes
    -----
    The intensity is taken as :math:`f^2 (A\,S + P)`, with the scattering factor f and a polynomial P in q. Where no two
    atoms can be, g = 0 and :math:`G = -4 \pi \rho r`. A smooth background and a wrong scale show there and nowhere
    else, so A and P are those for which G is nearest to that line, by linear least squares, while S oscillates about 1
    over the upper half of q. The paper's program fits the background to the intensity itself and then divides G by the
    slope of a line from the origin to the foot of the first peak: the same line, drawn afterwards. What remains of the
    oscillations on the line is cut off in g, not in G.

    A finite sample has fewer pairs at large r. Below the beam stop lies its small-angle scattering, and without it
    :math:`G = 4 \pi \rho r\, \gamma\, (g - 1)` with γ = `inside`; g is corrected for it.

    References
    ----------
    D. T. Tran, G. Svensson, C.-W. Tai, J. Appl. Cryst. 50, 304 (2017), doi:10.1107/S160057671601863X. Y. Yuan et al.,
    Nat. Mater. 21, 95 (2022), Methods. J. H. Eggert et al., Phys. Rev. B 65, 174105 (2002), for the line.

    Examples
    --------
    >>> import numpy as np
    >>> import helpers
    >>> from helpers.scattering import scattering_factor
    >>> from helpers.simulation import reduce_intensity, structure_factor
    >>> model, q = helpers.load_sample("MD300").model(), np.arange(1.0, 15, 0.05)
    >>> intensity = 30 * scattering_factor("Ta", q / (2 * np.pi)) ** 2 * structure_factor(model, q).S
    >>> found = reduce_intensity(q, intensity, "Ta", len(model) / model.get_volume())
    >>> bool(abs(found.scale / 30 - 1) < 0.05)
    True
    """
    across, values = _check_curve(q, intensity, name="intensity")
    density, shortest = check_positive("density", density), check_positive("shortest", shortest)
    if q_max is not None:
        kept = across <= check_positive("q_max", q_max)
        across, values = across[kept], values[kept]
    if len(across) < 20 + order or order < 0:
        msg = (
            f"{counted(len(across), 'value of q')} up to q_max and order={order}; expected 20 values more "
            "than the order"
        )
        raise ValueError(msg)
    distance: NDArray[np.float64] = np.asarray(0.02 * np.arange(1, 1001) if r is None else r, dtype=np.float64)
    gamma = inside if inside is not None else np.ones_like
    square = scattering_factor(element, across / (2 * np.pi)) ** 2
    ratio = values / square
    powers = (across / across[-1])[:, None] ** np.arange(order + 1)
    scale, poly = _fit_line(across, ratio, powers, density, shortest, gamma, window)
    S = (ratio - powers @ poly) / scale
    G = reduced_pair_distribution(across, S, distance, window=window)
    with np.errstate(divide="ignore", invalid="ignore"):
        g = 1 + G / (4 * np.pi * density * distance * gamma(distance))
    g = np.where(distance < shortest, 0.0, g)
    return ReducedPattern(across, S, square * (powers @ poly), scale, distance, G, g)


def _fit_line(
    q: NDArray[np.float64],
    ratio: NDArray[np.float64],
    powers: NDArray[np.float64],
    density: float,
    shortest: float,
    gamma: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    window: str,
) -> tuple[float, NDArray[np.float64]]:
    """Return the scale and the polynomial that make G a straight line up to the shortest distance.

    With S = (ratio − powers c) / A, A times the demands reads: transform of q ratio = transforms of q powers times c
    plus A times (the line, and the transform of q itself). One row for each r; further rows for the tail.
    """
    r = np.arange(_SHORT * shortest, shortest, _LINE_STEP)
    columns = [_transform(q, q * column, r, window) for column in powers.T]
    ones = _transform(q, q, r, window) - _below(q, -1.0, r, window) - 4 * np.pi * density * r * gamma(r)
    matrix = np.column_stack([*columns, ones])
    target = _transform(q, q * ratio, r, window)
    tail = q > _TAIL * q[-1]
    # S − 1 has no mean and no slope there, in units of what a unit of it adds to G
    tests = np.column_stack([np.ones(tail.sum()), q[tail] / q[-1] - (1 + _TAIL) / 2]) / tail.sum()
    weight = _TAIL_WEIGHT * np.abs(ones).max()
    matrix = np.vstack([matrix, weight * (tests.T @ np.column_stack([powers[tail], np.ones(tail.sum())]))])
    target = np.append(target, weight * (tests.T @ ratio[tail]))
    size = np.linalg.norm(matrix, axis=0)
    found = np.linalg.lstsq(matrix / size, target, rcond=1e-10)[0] / size
    scale = float(found[-1])
    if not scale > 0:
        msg = f"the scale of the intensity comes to {scale:.3g}; expected a positive one: lower the order or check q"
        raise ValueError(msg)
    return scale, found[:-1]


def _transform(
    q: NDArray[np.float64], values: NDArray[np.float64], r: NDArray[np.float64], window: str
) -> NDArray[np.float64]:
    """Return (2/π) ∫ values · window · sin(q r) dq by the trapezoidal rule."""
    check_choice("window", window, ("lorch", "none"))
    shaped = values * (np.sinc(q / q[-1]) if window == "lorch" else 1.0)
    return np.asarray(2 / np.pi * np.trapezoid(shaped * np.sin(np.outer(r, q)), q, axis=1))


def _below(q: NDArray[np.float64], value: float, r: NDArray[np.float64], window: str) -> NDArray[np.float64]:
    """Return the part of G that comes from below the first q, where S − 1 has one value."""
    steps = np.linspace(0, q[0], 40)
    shaped = steps * value * (np.sinc(steps / q[-1]) if window == "lorch" else 1.0)
    return np.asarray(2 / np.pi * np.trapezoid(shaped * np.sin(np.outer(r, steps)), steps, axis=1))


def _check_curve(
    q: ArrayLike, values: ArrayLike, *, name: str = "S"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    across, up = np.asarray(q, dtype=np.float64), np.asarray(values, dtype=np.float64)
    fits = across.ndim == 1 and across.shape == up.shape and len(across) > 3
    if not fits or not np.isfinite(across).all() or not np.isfinite(up).all() or (np.diff(across) <= 0).any():
        msg = f"q has shape {across.shape} and {name} {up.shape}; expected two equal lengths, finite, q ascending"
        raise ValueError(msg)
    return across, up

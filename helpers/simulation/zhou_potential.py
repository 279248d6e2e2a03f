"""The embedded-atom potential of Zhou, Johnson and Wadley, tabulated from its published parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray

from .. import store
from ..checks import UnknownName

_POINTS = 2000  # of each table
_HARD = 0.5  # below this distance pair energy and density stay as they are [Å]
_REACH = np.sqrt(5)  # cutoff in nearest-neighbour distances: the sixth shell of an fcc crystal
_ROW = 5  # numbers a line


@dataclass(frozen=True)
class _Parameters:
    """Row of Table III of the reference, energies in eV, and what a setfl file says of the element."""

    number: int
    mass: float
    nearest: float  # r_e [Å]
    f_e: float
    rho_e: float
    rho_s: float
    alpha: float
    beta: float
    A: float
    B: float
    kappa: float
    lambda_: float
    low: tuple[float, float, float, float]  # F_n0 … F_n3
    middle: tuple[float, float, float, float]  # F_0 … F_3
    eta: float
    F_e: float


# fmt: off
_PARAMETERS = {
    "Pd": _Parameters(
        46, 106.42, 2.750897, 1.595417, 21.335246, 21.940073, 8.697397, 4.638612, 0.406763, 0.598880, 0.397263,
        0.754799, (-2.321006, -0.473983, 1.615343, -0.231681), (-2.36, 0.0, 1.481742, -1.675615), 1.130000, -2.352753,
    ),
    "Ta": _Parameters(
        73, 180.9479, 2.860082, 3.086341, 33.787168, 33.787168, 8.489528, 4.527748, 0.611679, 1.032101, 0.176977,
        0.353954, (-5.103845, -0.405524, 1.112997, -3.585325), (-5.14, 0.0, 1.640098, 0.221375), 0.848843, -5.141526,
    ),
}
# fmt: on
ELEMENTS = tuple(_PARAMETERS)


@dataclass(frozen=True, eq=False)
class Table:
    """Tables of an embedded-atom potential.

    Attributes
    ----------
    cutoff : float
        Distance of the last entry of `density` and `pair` [Å].
    most : float
        Electron density of the last entry of `embedding`.
    embedding : (K,) array
        Energy of an atom in an electron density, from none to `most` [eV].
    density : (K,) array
        Electron density that an atom adds at a distance, from 0 to `cutoff`.
    pair : (K,) array
        Distance times pair energy [Å·eV].
    """

    cutoff: float
    most: float
    embedding: NDArray[np.float64]
    density: NDArray[np.float64]
    pair: NDArray[np.float64]


def tabulate(symbol: str) -> Table:
    r"""Tabulate the potential of an element.

    Raises
    ------
    UnknownName
        If its parameters are not kept here.

    Notes
    -----
    With :math:`x = r / r_e`, pair energy and electron density are

    .. math::
        \phi(r) = \frac{A e^{-\alpha (x - 1)}}{1 + (x - \kappa)^{20}}
        - \frac{B e^{-\beta (x - 1)}}{1 + (x - \lambda)^{20}}, \qquad
        f(r) = \frac{f_e e^{-\beta (x - 1)}}{1 + (x - \lambda)^{20}},

    and the embedding energy is a polynomial in :math:`\rho / \rho_n - 1` below :math:`\rho_n = 0.85 \rho_e`, one in
    :math:`\rho / \rho_e - 1` up to :math:`1.15 \rho_e`, and
    :math:`F_e (1 - \eta \ln y)\, y^\eta` with :math:`y = \rho / \rho_s` above.

    References
    ----------
    Zhou, Johnson & Wadley, Phys. Rev. B 69, 144113 (2004), doi:10.1103/PhysRevB.69.144113, equations 1 to 6, Table III.

    Examples
    --------
    >>> from helpers.simulation.zhou_potential import tabulate
    >>> table = tabulate("Ta")
    >>> round(table.cutoff, 3), round(float(table.embedding.min()), 2)
    (6.395, -5.14)
    """
    if symbol not in _PARAMETERS:
        msg = f"the parameters of Zhou et al. for {symbol!r} are not kept here; expected {' or '.join(ELEMENTS)}"
        raise UnknownName(msg)
    p = _PARAMETERS[symbol]
    cutoff = float(_REACH * p.nearest)
    r = np.maximum(np.linspace(0, cutoff, _POINTS), _HARD)
    x = r / p.nearest
    short = np.exp(-p.alpha * (x - 1)) / (1 + (x - p.kappa) ** 20)
    long = np.exp(-p.beta * (x - 1)) / (1 + (x - p.lambda_) ** 20)
    density = p.f_e * long
    most = max(float(density.max()), 2 * p.rho_e, 100.0)
    rho = np.linspace(0, most, _POINTS)
    y = np.maximum(rho, 1e-9) / p.rho_s
    pieces = [
        polyval(rho / (0.85 * p.rho_e) - 1, p.low),
        polyval(rho / p.rho_e - 1, p.middle),
        p.F_e * (1 - p.eta * np.log(y)) * y**p.eta,
    ]
    embedding = np.select([rho < 0.85 * p.rho_e, rho < 1.15 * p.rho_e], pieces[:2], pieces[2])
    embedding[0] = 0.0  # an atom alone; the rounded parameters leave a millionth
    return Table(cutoff, most, embedding, density, r * (p.A * short - p.B * long))


def write_setfl(symbol: str, path: Path) -> None:
    """Write the potential of an element in the form ``setfl`` that LAMMPS reads (``eam/alloy``)."""
    table, p = tabulate(symbol), _PARAMETERS[symbol]
    steps = _POINTS - 1
    lines = [
        f"{symbol}, embedded-atom potential",
        "Zhou, Johnson & Wadley, Phys. Rev. B 69, 144113 (2004)",
        "tabulated from the published parameters",
        f"1 {symbol}",
        f"{_POINTS} {table.most / steps:.15e} {_POINTS} {table.cutoff / steps:.15e} {table.cutoff:.15e}",
        f"{p.number} {p.mass} {np.sqrt(2) * p.nearest:.4f} fcc",
    ]
    numbers = np.concatenate([table.embedding, table.density, table.pair])
    lines += [" ".join(f"{value:.12e}" for value in row) for row in numbers.reshape(-1, _ROW)]
    with store.replacing(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="ascii")

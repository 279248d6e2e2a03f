"""Electron scattering factors and the image of one atom, in the plane and in Fourier space."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import UnknownName, check_positive

#: Projected potential of an atom over its scattering factor, 2πħ²/(m e) [V Å²].
POTENTIAL_PER_FACTOR = 47.878009


@lru_cache(maxsize=1)
def _table() -> dict[str, NDArray[np.float64]]:
    lines = (files("helpers") / "kirkland.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split(",") for line in lines)
    return {row[0]: np.array(row[1:], dtype=np.float64).reshape(6, 2) for row in rows}


def kirkland_parameters(element: str) -> NDArray[np.float64]:
    """Return the six pairs of parameters of an element's scattering factor.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.

    Returns
    -------
    (6, 2) array
        Amplitude and width of three Lorentzians, a [1/Å] and b [1/Å²], then of three Gaussians,
        c [Å] and d [Å²].

    Raises
    ------
    UnknownName
        If the table has no such element.

    References
    ----------
    E. J. Kirkland, Advanced Computing in Electron Microscopy, Springer, Appendix C (neutral atoms).
    """
    table = _table()
    if element not in table:
        near = str(element).strip().capitalize()
        hint = f"; did you mean {near!r}?" if near in table else "; expected a symbol from H to Lr"
        msg = f"no scattering factor for element {element!r}{hint}"
        raise UnknownName(msg)
    return table[element].copy()


def scattering_factor(element: str, q: ArrayLike) -> NDArray[np.float64]:
    """Return the electron scattering factor of a neutral atom.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.
    q : array
        Spatial frequency, one over the spacing [1/Å].

    Returns
    -------
    array, shape of q
        f(q) [Å].

    Notes
    -----
    ``f(q) = Σ a_i / (q² + b_i) + Σ c_i exp(−d_i q²)``, three terms each.

    References
    ----------
    E. J. Kirkland, Advanced Computing in Electron Microscopy, Springer, Appendix C.

    Examples
    --------
    >>> from helpers.scattering import scattering_factor
    >>> scattering_factor("Ta", [0.0, 0.5, 1.5]).round(4)
    array([12.7403,  5.6755,  1.7303])
    """
    squared = np.asarray(q, dtype=np.float64)[..., None] ** 2
    amplitude, width = kirkland_parameters(element).T
    lorentzians = amplitude[:3] / (squared + width[:3])
    gaussians = amplitude[3:] * np.exp(-width[3:] * squared)
    return (lorentzians + gaussians).sum(axis=-1)


def atom_profile(element: str, B: float, r: ArrayLike) -> NDArray[np.float64]:
    """Return the radial profile of one atom in an image, its projected potential under the probe.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.
    B : float
        Damping of the scattering factor, which stands for thermal motion and the probe together [Å²].
        A Gaussian probe of standard deviation s adds 2 π² s².
    r : array
        Distance from the atom in the image plane [Å].

    Returns
    -------
    array, shape of r
        Profile p(r) [1/Å]; its integral over the plane is f(0).

    Notes
    -----
    ``p(r) = 2π ∫ f(q) exp(−B q²) J0(2π q r) q dq``, with exp(−B q²) rather than the exp(−B q²/4) of
    crystallography: B = 6 Å² here is 24 Å² there.

    Examples
    --------
    >>> from helpers.scattering import atom_profile
    >>> peak, tail = atom_profile("Ta", 6.0, [0.0, 5.0])
    >>> bool(peak > 1000 * tail)
    True
    """
    from scipy.special import j0

    B = check_positive("B", B)
    radius = np.asarray(r, dtype=np.float64)
    limit = np.sqrt(37.0 / B)  # exp(-37) is below the last digit
    # Gauss–Legendre in panels short enough for the fastest oscillation, one cycle in 1/r
    panels = max(8, int(np.ceil(2 * limit * (radius.max(initial=0.0) + 1.0))))
    node, weight = np.polynomial.legendre.leggauss(12)
    edges = np.linspace(0.0, limit, panels + 1)
    half = np.diff(edges)[:, None] / 2
    q = (edges[:-1, None] + half * (node + 1)).ravel()
    weights = (half * weight).ravel() * 2 * np.pi * q * scattering_factor(element, q) * np.exp(-B * q * q)
    return (j0(2 * np.pi * radius[..., None] * q) @ weights).reshape(radius.shape)


def damped_factor(element: str, B: float, q: ArrayLike) -> NDArray[np.float64]:
    """Return the scattering factor of an atom as thermal motion and the probe leave it.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.
    B : float
        Damping, as in `atom_profile` [Å²].
    q : array
        Spatial frequency [1/Å].

    Returns
    -------
    array, shape of q
        f(q) exp(−B q²) [Å]: the Fourier transform of `atom_profile` in the plane, and of an atom's potential in space.

    Raises
    ------
    UnknownName, ValueError
        If the element is not in the table, or B is not positive.

    Examples
    --------
    >>> from helpers.scattering import damped_factor
    >>> damped_factor("Ta", 6.0, [0.0, 0.5]).round(4)
    array([12.7403,  1.2664])
    """
    frequency = np.asarray(q, dtype=np.float64)
    return scattering_factor(element, frequency) * np.exp(-check_positive("B", B) * frequency**2)


def profile_table(element: str, B: ArrayLike, *, reach: float = 5.0, steps: int = 4096) -> NDArray[np.float64]:
    """Return the image of an atom as a table over the squared distance, for kernels that add up many atoms.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.
    B : float or array
        Damping, as in `atom_profile` [Å²].
    reach : float
        Distance beyond which the image is left out [Å]; at 5 Å and B = 6 Å² it is below 1e-4 of the peak.
    steps : int
        Entries of the table.

    Returns
    -------
    array, shape of B and (steps,)
        p(r) / f(0) [1/Å²] at r² from 0 to reach², evenly spaced in r². It ends at zero, and its integral over the
        plane is one: what lies beyond the reach is shared out rather than lost.

    Raises
    ------
    UnknownName, ValueError
        If the element is not in the table, B or the reach is not positive, or there are fewer than two steps.

    Examples
    --------
    >>> from helpers.scattering import profile_table
    >>> table = profile_table("Ta", [4.0, 6.0], steps=1000)
    >>> table.shape, bool(table[0, 0] > table[1, 0])
    ((2, 1000), True)
    """
    reach = check_positive("reach", reach)
    if int(steps) != steps or steps < 2:
        msg = f"steps={steps!r}; expected a whole number of at least two entries"
        raise ValueError(msg)
    r = np.sqrt(np.linspace(0.0, reach**2, int(steps)))
    dampings = np.asarray(B, dtype=np.float64)
    tables = [_unit_profile(element, float(damping), r) for damping in dampings.ravel()]
    return np.reshape(tables, (*dampings.shape, int(steps)))


def _unit_profile(element: str, B: float, r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Profile over r², lowered to end at zero and scaled so that its integral over the plane is one."""
    profile = atom_profile(element, B, r)
    total = np.trapezoid(np.pi * profile, r**2)
    profile = profile - profile[-1]
    return profile * (1 / total) * (total / np.trapezoid(np.pi * profile, r**2))


def cross_section(element: str, *, energy: float = 300.0, detector: tuple[float, float] = (30.0, 200.0)) -> float:
    """Return the cross-section of an atom for scattering onto an annular detector.

    Parameters
    ----------
    element : str
        Chemical symbol, H to Lr.
    energy : float
        Energy of the electrons [keV].
    detector : (float, float)
        Inner and outer angle of the detector [mrad].

    Returns
    -------
    float
        Cross-section [Å²]: electrons on the detector per atom for one electron per Å².

    Notes
    -----
    First Born approximation, ``σ = 2π λ² γ² ∫ f(q)² q dq`` between the two angles over the wavelength λ,
    with the relativistic factor γ. It grows as about Z^1.7 and shows what a pixel counts at a given dose;
    thermal diffuse scattering and channelling are left out.

    Examples
    --------
    >>> from helpers.scattering import cross_section
    >>> round(cross_section("Ta") / cross_section("Pd"), 2)
    2.33
    """
    energy = check_positive("energy", energy)
    inner, outer = (float(angle) for angle in detector)
    if not 0 <= inner < outer:
        msg = f"detector={tuple(detector)}; expected an inner angle below the outer one [mrad]"
        raise ValueError(msg)
    rest = 510.99895  # rest energy of the electron [keV]
    wavelength = 12.398419843 / np.sqrt(energy * (energy + 2 * rest))
    gamma = 1 + energy / rest
    q = np.linspace(inner, outer, 2001) * 1e-3 / wavelength
    integral = np.trapezoid(scattering_factor(element, q) ** 2 * q, q)
    return float(2 * np.pi * (wavelength * gamma) ** 2 * integral)

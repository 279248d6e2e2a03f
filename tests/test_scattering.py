"""Scattering factors and profiles: table, limits, and the two sides of the Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.special import j0

from helpers.checks import UnknownName
from helpers.scattering import (
    atom_profile,
    cross_section,
    damped_factor,
    kirkland_parameters,
    profile_table,
    scattering_factor,
)


def test_factors_of_tantalum():
    np.testing.assert_allclose(scattering_factor("Ta", [0.0, 0.5, 1.5]), [12.7403, 5.6755, 1.7303], atol=5e-5)


def test_every_element_has_a_falling_positive_factor():
    q = np.linspace(0, 3, 200)
    for symbol in ("H", "Si", "Fe", "Cu", "Pd", "Ta", "Pt", "Au", "Lr"):
        f = scattering_factor(symbol, q)
        assert (f > 0).all()
        assert (np.diff(f) < 0).all()
        assert kirkland_parameters(symbol).shape == (6, 2)


def test_unknown_element_is_named():
    with pytest.raises(UnknownName, match="did you mean 'Ta'"):
        scattering_factor("TA", 0.0)


@pytest.mark.parametrize(("element", "B"), [("Ta", 6.0), ("Si", 2.0), ("Au", 12.0)])
def test_profile_holds_the_factor_at_zero(element, B):
    r = np.linspace(0, 12, 4001)
    total = integrate.simpson(2 * np.pi * r * atom_profile(element, B, r), x=r)
    # the slowest Lorentzian has fallen to 1e-10 at 12 Å
    np.testing.assert_allclose(total, scattering_factor(element, 0.0), rtol=1e-5)


def test_profile_of_a_pure_gaussian_factor():
    """Beyond the factor, p is the transform of exp(−B q²): with large B it is that Gaussian."""
    B, r = 400.0, np.linspace(0, 15, 20)
    expected = scattering_factor("Ta", 0.0) * np.pi / B * np.exp(-(np.pi**2) * r**2 / B)
    # f falls by 3 % within the Gaussian's width 1/sqrt(2 B) in q
    np.testing.assert_allclose(atom_profile("Ta", B, r), expected, rtol=0.2, atol=0.03 * expected[0])


def test_cross_section_grows_like_z_to_the_1_7():
    exponent = np.log(cross_section("Au") / cross_section("Cu")) / np.log(79 / 29)
    assert 1.4 < exponent < 2.0  # 1.6 to 2 in the literature, after the detector's angles
    with pytest.raises(ValueError, match="inner angle below"):
        cross_section("Ta", detector=(90, 30))


def test_factors_agree_with_abtem():
    parametrisation = pytest.importorskip("abtem.parametrizations", reason="abTEM is not installed")
    factor = parametrisation.KirklandParametrization().scattering_factor("Ta")
    q = np.linspace(0.05, 2, 30)
    np.testing.assert_allclose(np.asarray(factor(q**2)), scattering_factor("Ta", q), rtol=1e-5)


def test_the_profile_is_the_transform_of_the_damped_factor():
    r = np.linspace(0, 12, 4001)
    profile = atom_profile("Ta", 6.0, r)
    for q in (0.0, 0.2, 0.6):
        found = integrate.simpson(2 * np.pi * r * profile * j0(2 * np.pi * q * r), x=r)
        # the slowest Lorentzian has fallen to 1e-10 at 12 Å
        assert found == pytest.approx(damped_factor("Ta", 6.0, q), rel=1e-5)


def test_table_follows_the_profile_and_keeps_the_mass():
    r = np.sqrt(np.linspace(0, 25.0, 4096))
    for B, table in zip((4.0, 6.0), profile_table("Ta", [4.0, 6.0]), strict=True):
        expected = atom_profile("Ta", B, r) / scattering_factor("Ta", 0.0)
        np.testing.assert_allclose(table, expected, atol=1e-3 * expected[0])  # cut off at 5 Å: 2e-5, shared out
        assert table[-1] == 0.0
        assert np.trapezoid(np.pi * table, r**2) == pytest.approx(1.0, rel=1e-12)  # the rule it was scaled by
    np.testing.assert_array_equal(profile_table("Ta", 6.0), table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"B": 0.0}, "B=0.0; expected a positive number"),
        ({"reach": -1.0}, "reach=-1.0; expected a positive"),
        ({"steps": 1}, "steps=1; expected a whole number of at least two"),
    ],
)
def test_bad_tables_are_explained(change, message):
    with pytest.raises(ValueError, match=message):
        profile_table(**{"element": "Ta", "B": 6.0, **change})

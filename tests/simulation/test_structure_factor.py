"""Structure factors: equal to the plain sum, peaks where a crystal has them, 1 for a gas, the same however turned."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial.distance import pdist, squareform
from scipy.spatial.transform import Rotation

import helpers
from helpers.checks import UnknownName
from helpers.curves import maxima
from helpers.scattering import scattering_factor
from helpers.simulation import cut_sphere, structure_factor

Q = np.linspace(0, 15, 61)


def debye(positions, q):
    """Twice the sum over all pairs."""
    distances = pdist(positions)
    return np.array([1 + 2 / len(positions) * np.sinc(one * distances / np.pi).sum() for one in q])


@pytest.fixture(scope="module")
def glass():
    return helpers.load_sample("MD300").model()


@pytest.fixture(scope="module")
def ball(glass):
    return cut_sphere(glass, 20.0).positions[:2000]


@pytest.fixture(scope="module")
def few(ball):
    return ball[np.argsort(np.linalg.norm(ball, axis=1))[:150]]


def test_all_pairs_are_the_debye_sum(ball):
    found = structure_factor(ball, Q)
    assert found.method == "debye" and found.r_max == np.inf and found.error.max() == 0
    np.testing.assert_allclose(found.S, debye(ball, Q), atol=1e-6)  # what linear sharing between bins may err


def test_two_atoms_and_one_place():
    found = structure_factor([[0, 0, 0], [0, 0, 2.5]], [0.0, 1.0, 7.0]).S
    np.testing.assert_allclose(found, 1 + np.sinc(np.array([0, 1, 7]) * 2.5 / np.pi), atol=1e-5)
    np.testing.assert_allclose(structure_factor(np.ones((3, 3)), [0.0, 5.0]).S, 3, atol=1e-9)


def test_a_crystal_scatters_at_its_reciprocal_lattice():
    crystal = bulk("Ta", a=3.3, cubic=True).repeat(12)
    q = np.arange(1, 7.5, 0.005)
    found = structure_factor(crystal, q)
    tops = maxima(found.S, prominence=0.5)
    allowed = 2 * np.pi / 3.3 * np.sqrt([2, 4, 6, 8, 10, 12, 14])  # h + k + l even
    np.testing.assert_allclose(
        q[tops], allowed[allowed < 7.5], atol=0.02
    )  # the window is 0.3 wide, the peak's slope 1/q


def test_a_gas_scatters_evenly():
    box = np.array([38.0, 40.0, 43.0])
    gas = np.random.default_rng(1).random((20_000, 3)) * box
    q = np.linspace(1, 12, 40)
    np.testing.assert_allclose(structure_factor(gas, q, box).S, 1, atol=0.1)
    error = structure_factor(gas, q, box).S - 1
    assert error.std() < 0.04  # pairs in the window: sqrt(2 rho / N * integral of 4 pi r^2 (w sinc)^2) = 0.02 at q = 2
    finite = structure_factor(gas, q)
    assert (finite.S - 1).std() < 0.05 and abs((finite.S - 1).mean()) < 0.02  # the box's own halo ends before q = 1


@pytest.mark.parametrize("method", ["debye", "directions"])
def test_order_orientation_and_place_do_not_matter(few, method):
    q = np.array([0.5, 2.7, 6.0])
    wanted = structure_factor(few, q, method=method).S
    shuffled = np.random.default_rng(2).permutation(few)
    np.testing.assert_allclose(structure_factor(shuffled, q, method=method).S, wanted, atol=1e-9)
    np.testing.assert_allclose(structure_factor(few + [30, -4, 9.5], q, method=method).S, wanted, atol=1e-6)
    turned = Rotation.from_euler("zyx", [20, 50, -70], degrees=True).apply(few)
    # directions: 2,000 are more than (q D)^2 = 400 up to q = 2.7, and leave 0.02 at 6
    atol = 1e-6 if method == "debye" else 0.03
    np.testing.assert_allclose(structure_factor(turned, q, method=method).S, wanted, atol=atol)


def test_a_box_may_be_shifted(glass):
    q = np.linspace(1, 10, 10)
    moved = glass.copy()
    moved.positions += [3.0, 40.0, -7.0]
    np.testing.assert_allclose(structure_factor(moved, q).S, structure_factor(glass, q).S, atol=1e-9)


def test_twice_as_large_scatters_at_half_the_angle(few):
    q = np.array([1.5, 3.0, 6.0])
    np.testing.assert_allclose(structure_factor(few, q).S, structure_factor(2 * few, q / 2).S, atol=2e-6)


def test_directions_agree_with_all_pairs(ball):
    found = structure_factor(ball, Q, method="directions")
    wanted = debye(ball, Q)
    np.testing.assert_allclose(found.S[:2], wanted[:2], rtol=1e-4)  # few directions suffice there
    assert (abs(found.S - wanted) < 5 * found.error + 1e-3)[1:].all()
    assert 0.005 < np.median(found.error) < 0.05  # S / sqrt(2000) = 0.02


def test_pairs_of_a_ball_are_those_of_the_glass(glass, ball):
    q = np.linspace(1.5, 12, 50)
    of_ball = structure_factor(ball, q, method="pairs")
    of_glass = structure_factor(glass, q, r_max=of_ball.r_max)
    assert of_glass.S.max() > 2.5
    assert np.sqrt(np.mean((of_ball.S - of_glass.S) ** 2)) < 0.05  # half of the glass, and a rough surface


def test_the_window_decides_how_sharp_a_peak_is(glass):
    q = np.linspace(2.2, 3.2, 101)
    with_window, without = (structure_factor(glass, q, window=window).S.max() for window in ("lorch", "none"))
    short = structure_factor(glass, q, r_max=10.0).S.max()
    assert short < with_window < without


def test_elements_add_up(few):
    names = ["Ta" if k % 3 else "Pd" for k in range(len(few))]
    q = np.array([0.7, 2.6, 5.0])
    found = structure_factor(few, q, element=names)
    f = np.array([scattering_factor(name, q / (2 * np.pi)) for name in names])  # (atoms, q)
    waves = np.sinc(squareform(pdist(few))[:, :, None] * q / np.pi)
    intensity = np.einsum("iq,jq,ijq->q", f, f, waves) / len(few)
    mean, mean_square = f.mean(axis=0), (f**2).mean(axis=0)
    np.testing.assert_allclose(found.S, (intensity - mean_square + mean**2) / mean**2, atol=1e-5)
    assert set(found.partials) == {("Pd", "Pd"), ("Pd", "Ta"), ("Ta", "Ta")}
    with pytest.raises(UnknownName, match="Xx"):
        structure_factor(few, q, element=["Xx", *names[1:]])


@pytest.mark.parametrize("method", ["debye", "directions", "pairs"])
def test_names_alone_change_nothing(few, glass, method):
    model, box = (glass.positions, glass.cell.lengths()) if method == "pairs" else (few, None)
    names = ["Ta" if k % 3 else "Pd" for k in range(len(model))]
    q = np.array([1.0, 2.6, 5.0])
    mixed = structure_factor(model, q, box, element=names, weights={"Ta": 2.0, "Pd": 2.0}, method=method)
    # the self-term of a box: N (N - 1) even pairs are one for one element, and the same for several
    np.testing.assert_allclose(mixed.S, structure_factor(model, q, box, method=method).S, atol=1e-6)


def test_one_clear_sentence(few, glass):
    with pytest.raises(ValueError, match="negative"):
        structure_factor(few, [-1.0, 2.0])
    with pytest.raises(ValueError, match="exceeds half the box"):
        structure_factor(glass, [2.0], r_max=0.51 * glass.cell.lengths()[0])
    with pytest.raises(ValueError, match="leave the box out"):
        structure_factor(glass, [2.0], method="debye")
    with pytest.raises(ValueError, match="too large for the sample"):
        structure_factor(few, [2.0], method="pairs", r_max=15.0)
    with pytest.raises(ValueError, match="not 'Ta'"):
        structure_factor(few, [2.0], element=["Ta", "Pd"] * (len(few) // 2), weights={"Pd": 1.0})
    with pytest.raises(ValueError, match="expected one of"):
        structure_factor(few, [2.0], method="fast")

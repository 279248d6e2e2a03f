"""Mass density: exact crystals, slow second versions, planted density steps, and the published film."""

from __future__ import annotations

import naive_mass_density as naive
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers.checks import VacuumWarning
from helpers.structure.filled_space import fill_tetrahedra, slice_tetrahedra
from helpers.structure.mass_density import (
    GRAMS_PER_CUBIC_CENTIMETRE,
    DensityGrid,
    atomic_density,
    density_contrast,
    mass_density,
)
from helpers.structure.tetrahedra import find_tetrahedra

A = 3.3
TANTALUM = 180.948
BULK = 2 * TANTALUM * GRAMS_PER_CUBIC_CENTIMETRE / A**3


def bcc(repeats):
    corners = np.stack(np.meshgrid(*3 * [np.arange(repeats)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return A * (corners + np.array([[0, 0, 0], [0.5, 0.5, 0.5]])).reshape(-1, 3)


def ball(radius=12.0, noise=0.0):
    atoms = bcc(9) - 4.5 * A
    atoms = atoms[np.linalg.norm(atoms, axis=1) < radius]
    return atoms + noise * np.random.default_rng(0).normal(size=atoms.shape)


def test_periodic_crystal_is_uniform():
    grid = mass_density(bcc(4), TANTALUM, 3.0, box=4 * A)
    np.testing.assert_allclose(grid.values, BULK, rtol=1e-9)
    assert grid.values.shape == (13, 13, 13)
    np.testing.assert_allclose(grid.spacing * grid.values.shape, 4 * A)


def test_finite_crystal_is_uniform_up_to_its_surface():
    # bcc spheres have radius 0.56 a = 1.84 Å: with a larger limit, dented cells at the surface count too
    atoms, tight = ball(), 1.9
    density = atomic_density(atoms, TANTALUM, max_radius=tight)
    np.testing.assert_allclose(density[np.isfinite(density)], BULK, rtol=1e-9)
    assert np.isnan(density[np.argmax(np.linalg.norm(atoms, axis=1))])
    grid = mass_density(atoms, TANTALUM, 3.0, max_radius=tight)
    np.testing.assert_allclose(grid.values[grid.inside], BULK, rtol=1e-9)
    faded = mass_density(atoms, TANTALUM, 3.0, max_radius=tight, normalised=False)
    centre = tuple(grid.nearest(np.zeros((1, 3)))[0])
    assert faded.values[centre] > 0.9 * BULK
    assert np.nanmin(faded.values) < 0.7 * BULK
    np.testing.assert_array_equal(faded.inside, grid.inside)


def test_masses_may_differ():
    atoms, box = bcc(4), 4 * A
    masses = np.where(np.arange(len(atoms)) % 2, 100.0, 50.0)
    density = atomic_density(atoms, masses, box=box)
    np.testing.assert_allclose(density, masses * GRAMS_PER_CUBIC_CENTIMETRE / (A**3 / 2), rtol=1e-9)


def test_interpolation_equals_scipy():
    # with a narrow Gaussian only the interpolation is left; with known values at all inner atoms
    atoms = ball(11.0, noise=0.15)
    density = atomic_density(atoms, TANTALUM)
    grid = mass_density(atoms, TANTALUM, 1e-3)
    expected = naive.interpolate(atoms, density, grid.axes)
    inner = np.isfinite(expected)  # points in tetrahedra all of whose atoms have closed cells
    assert inner.sum() > 500
    np.testing.assert_allclose(grid.values[inner], expected[inner], rtol=1e-9)


def test_smoothing_equals_the_sum_over_points():
    atoms = ball(9.0, noise=0.2)
    rough, smooth = (mass_density(atoms, TANTALUM, w, spacing=1.5) for w in (1e-3, 2.0))
    expected = naive.smooth(rough.values, rough.axes, 2.0)
    known = np.isfinite(expected)
    # scipy cuts the Gaussian at four standard deviations: 6e-5 of its weight along each axis
    np.testing.assert_allclose(smooth.values[known], expected[known], rtol=1e-3)


def test_widths():
    atoms = ball(10.0, noise=0.2)
    half = mass_density(atoms, TANTALUM, 3.0, kernel="fwhm")
    sigma = mass_density(atoms, TANTALUM, 3.0 / np.sqrt(8 * np.log(2)))
    np.testing.assert_allclose(half.values, sigma.values)


def test_finds_a_planted_density_step():
    # a slab squeezed by 6 % along z beside one that is not, in one periodic box
    lower, upper = bcc(6), bcc(6)
    upper[:, 2] = 6 * A + 0.94 * upper[:, 2]
    atoms = np.vstack([lower, upper])
    atoms += np.random.default_rng(1).normal(0, 0.05, atoms.shape)
    box = np.array([6 * A, 6 * A, 6 * A * 1.94])
    grid = mass_density(atoms, TANTALUM, 2.0, box=box, spacing=0.8)
    z = grid.axes[2]
    dense = np.abs(z - 9 * A) < 3
    loose = np.abs(z - 3 * A) < 3
    # middle of each slab, 7 Å from the steps; thermal noise moves a mean by far less than a per cent
    assert grid.values[:, :, dense].mean() == pytest.approx(BULK / 0.94, rel=0.01)
    assert grid.values[:, :, loose].mean() == pytest.approx(BULK, rel=0.01)
    packed = np.broadcast_to(z > 6 * A, grid.values.shape)
    ends = np.broadcast_to(dense | loose, grid.values.shape)
    contrast = density_contrast(grid, packed, ends)
    assert contrast.gain == pytest.approx(1 / 0.94 - 1, abs=0.01)
    assert contrast.share == pytest.approx(dense.sum() / (dense | loose).sum())


def test_rasteriser_equals_the_slow_one():
    random = np.random.default_rng(2)
    atoms = random.uniform(0, 10, (30, 3))
    tetrahedra = np.array([random.choice(30, 4, replace=False) for _ in range(25)])
    grid = DensityGrid(np.ones((12, 15, 11)), np.array([-1.0, -0.5, 0.3]), np.array([1.0, 0.8, 0.9]))
    np.testing.assert_array_equal(fill_tetrahedra(atoms, tetrahedra, grid), naive.fill(atoms, tetrahedra, grid.axes))
    assert not fill_tetrahedra(atoms, np.empty((0, 4), int), grid).any()


def test_rasteriser_wraps_round_the_box():
    corners = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4.0]]) + 0.13
    grid = DensityGrid(np.ones((40, 40, 40)), np.zeros(3), np.full(3, 0.25))
    inside = fill_tetrahedra(corners, [[0, 1, 2, 3]], grid, box=10.0)
    assert 0.25**3 * inside.sum() == pytest.approx(4**3 / 6, rel=0.1)  # coarse points
    moved = fill_tetrahedra(np.mod(corners + 8, 10), [[0, 1, 2, 3]], grid, box=10.0)
    np.testing.assert_array_equal(moved, np.roll(inside, (32, 32, 32), axis=(0, 1, 2)))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cuts_lie_in_the_tetrahedra(axis):
    random = np.random.default_rng(5)
    atoms = random.uniform(0, 10, (40, 3))
    tetrahedra = np.array([random.choice(40, 4, replace=False) for _ in range(60)])
    cuts = slice_tetrahedra(atoms, tetrahedra, 5.0, axis=axis)
    assert {len(c) for c in cuts} == {3, 4}
    heights = atoms[tetrahedra, axis]
    assert len(cuts) == ((heights.min(axis=1) < 5) & (heights.max(axis=1) > 5)).sum()
    # their areas integrate to the volume of the tetrahedra
    levels = np.linspace(0, 10, 401)
    areas = [sum(naive.area(c) for c in slice_tetrahedra(atoms, tetrahedra, z, axis=axis)) for z in levels]
    edges = atoms[tetrahedra[:, 1:]] - atoms[tetrahedra[:, :1]]
    assert np.trapezoid(areas, levels) == pytest.approx(np.abs(np.linalg.det(edges)).sum() / 6, rel=1e-3)


def test_turning_hardly_matters():
    atoms = ball(13.0, noise=0.2)
    before = mass_density(atoms, TANTALUM, 3.0)
    after = mass_density(Rotation.random(random_state=1).apply(atoms), TANTALUM, 3.0)
    # the grid falls otherwise on the sample: 0.1 % of the mean, and of the spread to be seen
    assert np.nanmean(after.values) == pytest.approx(np.nanmean(before.values), rel=1e-3)
    assert np.nanstd(after.values) == pytest.approx(np.nanstd(before.values), rel=0.1)


def test_empty_parts_are_nan():
    grid = DensityGrid(np.ones((2, 2, 2)), np.zeros(3), np.ones(3))
    contrast = density_contrast(grid, np.zeros((2, 2, 2), bool))
    assert np.isnan(contrast.packed) and contrast.other == 1 and contrast.share == 0
    nothing = density_contrast(grid, np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool))
    assert np.isnan(nothing.gain) and np.isnan(nothing.share)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.eye(3)}, "at least 5"),
        ({"positions": np.full((9, 3), np.inf)}, "not finite"),
        (
            {"positions": np.column_stack([np.random.default_rng(0).random((50, 2)) * 9, np.zeros(50)])},
            "no Voronoi cell is closed",
        ),
        ({"positions": np.vstack([ball(6.0), ball(6.0)[:1]])}, "another one"),
        ({"mass": -1.0}, "not positive"),
        ({"mass": [1.0, 2.0]}, "one for each"),
        ({"width": 0.0}, "width=0.0"),
        ({"spacing": np.nan}, "spacing=nan"),
        ({"max_radius": -4.0}, "max_radius"),
        ({"max_radius": 0.5}, "no Voronoi cell is closed"),
        ({"kernel": "wide"}, "'sigma', 'fwhm'"),
        ({"box": [1.0, 2.0]}, "positive lengths"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_input(change, message):
    arguments = {"positions": ball(6.0), "mass": TANTALUM, "width": 3.0, **change}
    with pytest.raises(ValueError, match=message):
        mass_density(**arguments)


def test_grids_beyond_memory_and_widths_beyond_the_sample():
    with pytest.raises(MemoryError, match="a grid of .* points 0.001 Å apart would take .*; raise spacing"):
        mass_density(ball(6.0), TANTALUM, 3.0, spacing=1e-3)
    with pytest.raises(ValueError, match=r"width=1e\+09 Å exceeds the sample, which reaches over .* Å; lower it"):
        mass_density(ball(6.0), TANTALUM, 1e9)


def test_a_ball_in_a_large_box_has_the_density_of_a_ball():
    with pytest.warns(VacuumWarning, match="is not filled"):
        boxed = mass_density(ball(8.0), TANTALUM, 3.0, box=80.0)
    np.testing.assert_array_equal(boxed.values, mass_density(ball(8.0), TANTALUM, 3.0).values)


def test_bad_tetrahedra_and_masks():
    grid = DensityGrid(np.ones((2, 2, 2)), np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match=r"expected \(M, 4\) integers"):
        fill_tetrahedra(np.eye(3), [[0, 1, 2]], grid)
    with pytest.raises(ValueError, match="expected 0 to 2"):
        fill_tetrahedra(np.eye(3), [[0, 1, 2, 3]], grid)
    with pytest.raises(ValueError, match="axis=3"):
        slice_tetrahedra(np.eye(4)[:, :3], [[0, 1, 2, 3]], 0.1, axis=3)
    with pytest.raises(ValueError, match="shape"):
        density_contrast(grid, np.zeros((3, 2, 2), bool))


def test_published_film(published):
    sample = published("Ta")
    atoms, valley = sample.model().positions, sample.first_valley
    grid = mass_density(atoms, TANTALUM, valley)
    tetrahedra = find_tetrahedra(atoms, valley)
    contrast = density_contrast(grid, fill_tetrahedra(atoms, tetrahedra, grid))
    assert contrast.gain == pytest.approx(0.0244, abs=0.0005)  # the paper: 3 %
    assert contrast.share == pytest.approx(0.416, abs=0.002)

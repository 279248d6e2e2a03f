"""Slabs and wires in a box with vacuum: like the middle of so many of their images that their edges are far away."""

from __future__ import annotations

import re
import warnings

import naive_pair_distribution as naive
import numpy as np
import pytest
from crystals import crystal
from said import of_kind
from scipy.interpolate import RegularGridInterpolator

from helpers.checks import ClosePairsWarning, VacuumWarning
from helpers.geometry.crowding import filled_box
from helpers.structure import (
    mass_density,
    pair_distribution,
    partial_pair_distributions,
    polytetrahedral_packing,
    voronoi,
)

pytestmark = pytest.mark.filterwarnings("ignore::helpers.checks.VacuumWarning")
TANTALUM = 3.0e-22  # g
AXES = {"slab": (False, False, True), "wire": (True, False, True)}


class Case:
    """Atoms in general position, their box, and the same with images along the axes that they fill."""

    def __init__(self, kind: str, bond: float = 2.9, cells: tuple[int, int, int] = (5, 5, 4)) -> None:
        random = np.random.default_rng(3)
        atoms, self.full = crystal("fcc", cells, bond)
        self.ends = np.array(AXES[kind])
        self.atoms = atoms + random.normal(0, 0.32, atoms.shape)
        self.box = self.full + 14.0 * self.ends
        steps = np.stack(np.meshgrid(*[[0] if end else [0, -1, 1] for end in self.ends]), axis=-1).reshape(-1, 1, 3)
        steps = steps[np.argsort(np.abs(steps).sum(axis=(1, 2)), kind="stable")]  # the atoms themselves first
        self.many = (self.atoms + steps * self.full).reshape(-1, 3)

    def inside(self, places):
        return (self.ends | ((places >= 0) & (places < self.full))).all(axis=1)


@pytest.fixture(params=AXES)
def case(request):
    return Case(request.param)


def test_cells_close_where_images_are(case):
    found, many = voronoi(case.atoms, 3.7, case.box), voronoi(case.many, 3.7)
    count, most = len(case.atoms), found.indices.shape[1]
    np.testing.assert_array_equal(found.indices, many.indices[:count, :most])
    np.testing.assert_array_equal(found.closed, many.closed[:count])
    np.testing.assert_allclose(found.volumes, many.volumes[:count], rtol=1e-12)  # rounding of the coordinates
    assert voronoi(case.atoms, 3.7).closed.sum() < found.closed.sum()


def test_without_a_largest_radius_no_cell_closes_across_the_vacuum(case):
    near, any_far = (voronoi(case.atoms, box=case.box, max_radius=radius) for radius in (6.0, None))
    assert near.closed.sum() <= any_far.closed.sum() < len(case.atoms)
    assert any_far.closed[near.closed].all()
    thick = np.ptp(filled_box(case.atoms, case.box)[0], axis=0)[case.ends]
    assert any_far.radii[any_far.closed].max() < thick.max() / 2 + 20


def test_tetrahedra_and_bipyramids_cross_the_faces_that_are_filled(case):
    found, many = (polytetrahedral_packing(*given, delta=0.4) for given in ((case.atoms, 3.9), (case.many, 3.9)))
    boxed = polytetrahedral_packing(case.atoms, 3.9, delta=0.4, box=case.box)
    own = case.inside(case.many[many.tetrahedra].mean(axis=1))
    assert len(found.tetrahedra) < len(boxed.tetrahedra) == own.sum()
    assert boxed.box is not None
    np.testing.assert_array_equal(boxed.box[~case.ends], case.full[~case.ends])
    for n in (4, 5, 6):
        caps = case.many[many.motifs.fold[n].caps].mean(axis=1)
        assert len(boxed.motifs.fold[n]) == case.inside(caps).sum()
    assert sum(map(len, boxed.motifs.fold.values())) >= sum(map(len, found.motifs.fold.values())) > 10


def test_shells_end_at_the_surface_alone(case):
    found = pair_distribution(case.atoms, 8.0, box=case.box, smoothing=0)
    chosen = [5, 25, 50, 75]
    places, box = filled_box(case.atoms, case.box)
    wrapped = np.where(case.ends, places, places % np.where(case.ends, 1.0, box))
    exact = naive.inside_fraction(case.many, 4.0, found.r[chosen], points=150, centres=wrapped)
    shells = 4 / 3 * np.pi * np.diff((0.1 * np.arange(81)) ** 3)
    # as of a finite sample: voxels smear the rim, and 150 points
    np.testing.assert_allclose((found.shell_volume / shells)[chosen], exact, atol=3e-3)
    again = pair_distribution(case.atoms + [3.0, 4.0, 5.0], 8.0, box=case.box, smoothing=0)
    np.testing.assert_array_equal(again.pairs, found.pairs)
    np.testing.assert_allclose(again.shell_volume, found.shell_volume, rtol=3e-3)  # other voxels
    assert again.volume == pytest.approx(found.volume, rel=1e-9)
    assert found.pairs[found.r < 4].sum() > pair_distribution(case.atoms, 8.0, smoothing=0).pairs[found.r < 4].sum()


def test_an_ideal_gas_in_a_slab_has_a_g_of_one():
    gas = np.random.default_rng(0).uniform(0, 1, (6000, 3)) * [30, 30, 12]
    found = pair_distribution(gas, 12.0, 0.5, [30, 30, 40.0], smoothing=0, tail=6)
    # six thousand pairs in the first shell that is looked at; the surface of the shape lies at the outermost atoms
    np.testing.assert_allclose(found.g[4:], 1, atol=0.02)
    assert found.volume == pytest.approx(30 * 30 * 12, rel=0.05)  # the rim beyond the outermost atoms is not in it


def test_layers_of_two_elements_have_partial_distributions_of_their_own_shells():
    """Random places in two layers: g of one element is that of its half of the slab, to the whole of it."""
    gas = np.random.default_rng(0).uniform(0, 1, (6000, 3)) * [30, 30, 12]
    elements = np.where(gas[:, 2] < 6, "Cu", "Zr")
    found = partial_pair_distributions(gas, 10.0, 0.5, box=[30, 30, 40.0], elements=elements, smoothing=0)
    upper = gas[elements == "Zr"]
    shells = naive.inside_fraction(upper, 4.0, found["Zr–Zr"].r[4:8], points=150, centres=upper[:300])
    both = naive.inside_fraction(gas, 4.0, found["Zr–Zr"].r[4:8], points=150, centres=upper[:300])
    middle = found["Zr–Zr"].g[4:8] / found["Zr–Zr"].g[4]
    np.testing.assert_allclose(middle, shells / both / (shells / both)[0], atol=0.05)
    assert found["Cu–Zr"].g[4] < 0.4 < 1.5 < found["Cu–Cu"].g[4]


def test_the_density_goes_on_through_the_faces_that_are_filled():
    case = Case("slab")
    found, many = (
        mass_density(atoms, TANTALUM, 2.0, spacing=0.5, box=box)
        for atoms, box in ((case.atoms, case.box), (case.many, None))
    )
    steps = [many.origin[k] + many.spacing[k] * np.arange(many.values.shape[k]) for k in range(3)]
    known = many.inside & np.isfinite(many.values)
    whole = RegularGridInterpolator(steps, np.where(known, many.values, np.nan), bounds_error=False)
    there = np.argwhere(found.inside)
    expected = whole(found.origin + found.spacing * there)
    values = found.values[found.inside]
    both = np.isfinite(expected) & np.isfinite(values)
    assert both.mean() > 0.7, "cells of the grid at the rim have corners outside"
    # one grid is interpolated linearly to the other, where the density changes by a fifth within the width of 2 Å
    np.testing.assert_allclose(values[both], expected[both], rtol=0.02)
    edge = there[both][:, 0] == 0
    assert edge.sum() > 500, "and they meet at the faces"


def test_images_beyond_memory_are_refused():
    case = Case("slab")
    for radius in (1e6, 1e200):
        with pytest.raises(MemoryError, match="images of 400 atoms up to .* beyond the box would take"):
            pair_distribution(case.atoms, 8.0, box=case.box, radius=radius)
    with pytest.raises(MemoryError, match="images of 400 atoms .* lower the largest radius"):
        mass_density(case.atoms, TANTALUM, 2.0, box=case.box, max_radius=1e6)


ANALYSES = {
    "voronoi": voronoi,
    "pair_distribution": pair_distribution,
    "partial_pair_distributions": lambda *given, **options: partial_pair_distributions(
        *given, elements=["Cu", "Zr"] * 200, **options
    ),
    "polytetrahedral_packing": polytetrahedral_packing,
    "mass_density": lambda atoms, width, box: mass_density(atoms, TANTALUM, width, box=box),
}


@pytest.mark.parametrize("analysis", ANALYSES)
def test_what_is_taken_for_a_slab_is_said_once_and_of_the_line_that_calls(analysis):
    case = Case("slab")
    case.atoms[1] = case.atoms[0] + [0.1, 0, 0]  # and another doubt, which is said beside it
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ANALYSES[analysis](case.atoms, 3.9, box=case.box)
    found = of_kind(said)
    assert [warning.category for warning in found] == [VacuumWarning, ClosePairsWarning]
    assert {warning.filename for warning in found} == {__file__}
    assert re.search("taken to end there, and to be periodic along x and y", str(found[0].message))

"""Models with columns for their structure: counted by hand, and read back by ASE and OVITO as they were written."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

import helpers
from helpers import store
from helpers.structure import describe_atoms, polytetrahedral_packing, voronoi

NAMES = ("order", "nucleus", "coordination", "voronoi_index", "tetrahedra", "motifs", "network")


@pytest.fixture(scope="module")
def described() -> Atoms:
    sample = helpers.load_sample("demo")
    return describe_atoms(sample.model(), cutoff=3.95)


def bipyramid() -> Atoms:
    """Seven atoms: five tetrahedra around an axis."""
    turn = 2 * np.pi * np.arange(5) / 5
    ring = np.column_stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 0 * turn])
    return Atoms("Ta7", [[0, 0, 1.4], [0, 0, -1.4], *ring])


def test_one_bipyramid_by_hand():
    atoms = describe_atoms(bipyramid(), cutoff=3.0, min_size=1)
    np.testing.assert_array_equal(atoms.arrays["tetrahedra"], [5, 5, 2, 2, 2, 2, 2])
    np.testing.assert_array_equal(atoms.arrays["motifs"], np.tile([0, 0, 1, 0], (7, 1)))
    np.testing.assert_array_equal(atoms.arrays["network"], 1)
    np.testing.assert_array_equal(atoms.arrays["coordination"], -1)  # all at the surface
    assert not describe_atoms(bipyramid(), cutoff=3.0).arrays["network"].any()  # one bipyramid is no network


def test_columns_are_those_of_the_analysis(described):
    model = helpers.load_sample("demo").model()
    packing, cells = polytetrahedral_packing(model, 3.95), voronoi(model)
    np.testing.assert_array_equal(described.arrays["nucleus"] == 0, packing.disordered)
    np.testing.assert_allclose(described.arrays["order"], packing.order)
    np.testing.assert_array_equal(described.arrays["voronoi_index"][cells.closed], cells.indices[cells.closed])
    members = [len(np.unique(packing.tetrahedra[row])) for row in packing.motifs.tetrahedra(5)]
    assert described.arrays["motifs"][:, 2].sum() == sum(members)
    assert described.arrays["network"].max() >= 1
    assert "order" not in model.arrays  # the caller's model stays as it was


def test_ase_reads_every_column_back(tmp_path, described):
    store.save_atoms(tmp_path / "atoms.xyz", described, {})
    again = read(tmp_path / "atoms.xyz")
    np.testing.assert_allclose(again.positions, described.positions, atol=1e-8)  # eight decimals
    for name in NAMES:
        np.testing.assert_allclose(again.arrays[name], described.arrays[name], atol=1e-8)
    assert again.get_chemical_symbols() == described.get_chemical_symbols()


def test_ovito_reads_every_column_back(tmp_path, described):
    ovito = pytest.importorskip("ovito.io", reason="needs ovito, which is not among the dependencies")
    store.save_atoms(tmp_path / "atoms.xyz", described, {})
    data = ovito.import_file(str(tmp_path / "atoms.xyz")).compute()
    np.testing.assert_allclose(np.asarray(data.particles.positions), described.positions, atol=1e-8)
    names = {name.lower().replace(" ", "_"): name for name in data.particles.keys()}  # noqa: SIM118
    for name in NAMES:
        np.testing.assert_allclose(np.asarray(data.particles[names[name]]), described.arrays[name], atol=1e-8)


def test_what_is_no_model():
    with pytest.raises(TypeError, match="model is a ndarray; expected ase.Atoms"):
        describe_atoms(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="packing is of 7 atoms but model holds 1502; expected that of the model"):
        describe_atoms(helpers.load_sample("demo").model(), polytetrahedral_packing(bipyramid(), 3.0))

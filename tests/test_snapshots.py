"""Snapshots: what is written comes back within the stated error, and what it came from with it."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from helpers import snapshots, store
from helpers.checks import UnknownName
from helpers.geometry.boxes import nearest_image

NOTE = store.provenance({"rate": 1e13}, seed=3)
BOX = np.array([20.0, 21.0, 22.5])


def boxes(count=400, temperatures=(5000.0, 300.0)):
    random = np.random.default_rng(1)
    made = []
    for temperature in temperatures:
        atoms = Atoms(f"Ta{count}", random.uniform(-5, 30, (count, 3)), cell=BOX, pbc=True)
        atoms.info.update(temperature=temperature, measured_temperature=1.0, potential_energy=-8.0, density=16.0)
        made.append(atoms)
    return made


def far_from(again, positions):
    """Largest difference of a coordinate, atoms matched by the nearest."""
    away = nearest_image(again.positions[:, None] - positions, BOX)
    nearest = np.linalg.norm(away, axis=2).argmin(axis=1)
    assert sorted(nearest) == list(range(len(positions)))  # each atom once
    return np.abs(away[np.arange(len(away)), nearest]).max()


@pytest.mark.parametrize("step", [snapshots.STEP, 0.001, 0.05])
def test_coordinates_come_back_within_half_a_step(tmp_path, step):
    made = boxes()
    snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE, step=step)
    again = snapshots.load_snapshots(tmp_path / "q.h5")
    for atoms, before in zip(again, made, strict=True):
        assert far_from(atoms, before.positions) <= step / 2 * (1 + 1e-9)
        assert (atoms.positions >= 0).all() and (atoms.positions < BOX).all()
        np.testing.assert_array_equal(atoms.cell.lengths(), BOX)
        assert atoms.pbc.all()
        assert atoms.info == before.info
    assert store.load_note(tmp_path / "q.h5") == NOTE


def test_the_stated_error():
    """0.4 pm r.m.s. in three dimensions: a uniform error has step / √12 along each axis."""
    assert snapshots.STEP / np.sqrt(12) * np.sqrt(3) == pytest.approx(0.004, rel=1e-12)


def test_an_atom_on_the_upper_face_stays_in_the_box(tmp_path):
    (atoms,) = boxes(2, (300.0,))
    atoms.positions = BOX - 1e-4, [0, 0, 1e-4]
    snapshots.save_snapshots(tmp_path / "q.h5", [atoms], NOTE)
    (again,) = snapshots.load_snapshots(tmp_path / "q.h5")
    assert (again.positions < BOX).all()
    assert far_from(again, atoms.positions) <= snapshots.STEP / 2


def test_one_temperature(tmp_path):
    made = boxes()
    snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE)
    cold = snapshots.load_snapshot(tmp_path / "q.h5", 300)
    np.testing.assert_array_equal(cold.positions, snapshots.load_snapshots(tmp_path / "q.h5")[1].positions)
    with pytest.raises(UnknownName, match="no snapshot at 400 K; it has"):
        snapshots.load_snapshot(tmp_path / "q.h5", 400)


def test_the_log_is_kept_in_one_piece(tmp_path):
    made = boxes()
    snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE)
    assert snapshots.load_log(tmp_path / "q.h5") == {}
    for number, atoms in enumerate(made):
        atoms.info["log"] = [{"time": 2.0 * number + k, "pressure": 0.5} for k in range(2)]
    snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE)
    log = snapshots.load_log(tmp_path / "q.h5")
    assert {key: column.tolist() for key, column in log.items()} == {"time": [0, 1, 2, 3], "pressure": [0.5] * 4}


def test_sorted_atoms_take_less_room(tmp_path):
    """16-bit coordinates in random order hardly compress; sorted ones by the information that the order held."""
    made = boxes(4000, (300.0,))
    snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE)
    with store.open_hdf5(tmp_path / "q.h5") as file:
        assert file["positions"].id.get_storage_size() < 5.2 * 4000  # of the six bytes of three coordinates


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made: made.clear(), "snapshots is empty"),
        (lambda made: made.append(Atoms("Ta2", [[0, 0, 0], [1, 1, 1]], cell=BOX, pbc=True)), r"\['Ta'\] and .*400, 2"),
        (lambda made: made[0].set_chemical_symbols(["Pd"] * 400), r"\['Pd', 'Ta'\]"),
        (lambda made: made[1].set_pbc(False), "expected a periodic box of at most 524 Å"),
        (lambda made: made[1].set_cell([600.0] * 3), "expected a periodic box of at most 524 Å, or a larger step="),
    ],
)
def test_refused(tmp_path, change, message):
    made = boxes()
    change(made)
    with pytest.raises(ValueError, match=message):
        snapshots.save_snapshots(tmp_path / "q.h5", made, NOTE)

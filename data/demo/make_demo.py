"""Make the embedded sample: a quench of Ta (quench.h5) and a particle cut from its glass (particle.xyz).

    python data/demo/make_demo.py [--checkpoint FOLDER]

Takes about half an hour on one core. With a checkpoint folder an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from helpers import store
from helpers.simulation import cut_sphere, plant_nucleus, quench, relax_particle

HERE = Path(__file__).parent
SEED = 2022
QUENCH = {"element": "Ta", "atoms": 4394, "start": 5200.0, "stop": 300.0, "rate": 1e13, "equilibration": 20.0}
RADIUS = 18.6  # of the particle [Å]: about 1,500 atoms
NUCLEUS = {"distance": 11.0, "radius": 9.0}  # of its centre from the particle's, and its own radius [Å]


def main() -> None:
    """Run the quench, cut the particle, plant the nucleus, let it settle, and store both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=None, help="folder to resume from")
    options = parser.parse_args()

    snapshots = quench(**QUENCH, seed=SEED, folder=options.checkpoint)
    note = store.provenance({**QUENCH, "potential": "Zhou 2004 (CuTa.eam.alloy of LAMMPS)"}, seed=SEED)
    store.save_snapshots(HERE / "quench.h5", snapshots, note)

    random = np.random.default_rng(SEED)
    rotation = Rotation.random(rng=random)
    direction = rotation.apply([1.0, 0.0, 0.0])
    particle = plant_nucleus(
        cut_sphere(snapshots[-1], RADIUS), NUCLEUS["distance"] * direction, NUCLEUS["radius"], rotation=rotation
    )
    particle = relax_particle(particle, 300.0, 10.0, seed=SEED)
    note = store.provenance(
        {"radius": RADIUS, "nucleus": NUCLEUS, "relaxed": "10 ps at 300 K"}, [HERE / "quench.h5"], SEED
    )
    store.save_atoms(HERE / "particle.xyz", particle, note)
    nearest = cKDTree(particle.positions).query(particle.positions, k=2)[0][:, 1].min()
    planted = particle.get_array("planted").sum()
    print(f"{len(particle)} atoms, {planted} of them planted as a crystal; nearest pair {nearest:.2f} Å")


if __name__ == "__main__":
    main()

"""Make the embedded sample: a quench of Ta (quench.h5) and a particle cut from its liquid (particle.xyz).

    python data/demo/make_demo.py [--checkpoint FOLDER]

Takes about half an hour on one core. With a checkpoint folder an interrupted run goes on where it stopped.

At 1e13 K/s a box as small as this one crystallises below 1,700 K, with this potential and each of three seeds.
The liquid is therefore cooled at that rate to 2,200 K and five times as fast from there, with another seed if a
crystal forms all the same: the cold snapshots are to be a glass.
"""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from helpers import store
from helpers.simulation import cut_sphere, plant_nucleus, quench, relax_particle
from helpers.structure import bond_order

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
GLASS = {"element": "Ta", "start": 2200.0, "stop": 300.0, "rate": 5e13, "equilibration": 2.0, "hold": 20.0}
COLD = [1700.0, 1200.0, 700.0]  # snapshots on the way to the glass [K]
SHELL, CRYSTAL, MOST = 4.0, 0.5, 0.05  # first shell [Å], order of a crystal atom, share that a glass may hold
RADIUS = 19.2  # of the particle [Å]: about 1,500 atoms
NUCLEUS = {"distance": 10.0, "radius": 9.5}  # of its centre from the particle's, and its own radius [Å]


def main() -> None:
    """Run the quench, cut the particle, plant the nucleus, let it settle, and store both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder to resume from")
    checkpoint = parser.parse_args().checkpoint

    hot = quench(**MELT, seed=SEED, folder=checkpoint and checkpoint / "melt")
    make_particle(hot[-1])
    for seed in count(SEED):
        folder = checkpoint and checkpoint / f"glass-{seed}"
        cold = quench(**GLASS, initial=hot[-1], temperatures=COLD, seed=seed, folder=folder)[1:]
        crystal = np.mean(bond_order(cold[-1].positions, SHELL, cold[-1].cell.lengths()).normalised > CRYSTAL)
        print(f"seed {seed}: {100 * crystal:.1f} % crystal at 300 K")
        if crystal < MOST:
            break
    recipe = {"melt": MELT, "glass": GLASS, "glass_seed": seed, "potential": "Zhou 2004 (CuTa.eam.alloy of LAMMPS)"}
    store.save_snapshots(HERE / "quench.h5", [*hot, *cold], store.provenance(recipe, seed=SEED))


def make_particle(liquid) -> None:
    """Cut a sphere from the liquid, plant a nucleus in its surface, and quench it to 300 K at once."""
    rotation = Rotation.random(rng=np.random.default_rng(SEED))
    direction = rotation.apply([1.0, 0.0, 0.0])
    particle = plant_nucleus(
        cut_sphere(liquid, RADIUS), NUCLEUS["distance"] * direction, NUCLEUS["radius"], rotation=rotation
    )
    particle = relax_particle(particle, 300.0, 3.0, seed=SEED)
    recipe = {"radius": RADIUS, "nucleus": NUCLEUS, "from": "melt at 2,200 K", "relaxed": "3 ps at 300 K"}
    store.save_atoms(HERE / "particle.xyz", particle, store.provenance(recipe, seed=SEED))
    nearest = cKDTree(particle.positions).query(particle.positions, k=2)[0][:, 1].min()
    planted = particle.get_array("planted").sum()
    print(f"{len(particle)} atoms, {planted} of them planted as a crystal; nearest pair {nearest:.2f} Å")


if __name__ == "__main__":
    main()

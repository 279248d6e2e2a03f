"""From the list of neighbours to networks, from ten thousand to ten million atoms of a dense glass in a box.

Goals on two quiet cores: list to motifs within 5 s and 1.5 GB at a million atoms, within 60 s and 12 GB at ten million;
sharing and networks there within 30 s more; growth linear within 20 %, by the CPU time that is the program's own, for
what the system takes to find memory depends on the machine. "list to motifs" is the sum of its three steps.

All are copies of one simulated glass of 2,000 atoms, so that an atom has as many tetrahedra and bipyramids at every
size. As much memory as a chain needs is used once before it is timed: a virtual machine takes up to 2 s to find a GB
that has lain idle, and less than 0.1 s for one that a process has just given back.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from timing import QUICK, stages

import helpers
from helpers import structure
from helpers.arrays import as_positions

CUTOFF, DELTA = 4.0, 0.255
#: Copies of the simulated glass along each direction.
COPIES = {10_000: (1, 1, 5), 100_000: (2, 5, 5), 1_000_000: (5, 10, 10), 10_000_000: (10, 20, 25)}
SIZES = list(COPIES)[:2] if QUICK else list(COPIES)
MEMORY = 900  # bytes an atom that the chain needs at most


def glass(count: int):
    """Atoms in copies of the simulated glass, each moved a little, and their box [Å]."""
    positions, box = as_positions(helpers.load_sample("MDseed1").snapshots()[-1])  # at 300 K
    copies = COPIES[count]
    steps = np.stack(np.meshgrid(*map(range, copies), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    many = (positions + steps * box).reshape(-1, 3)
    many += np.random.default_rng(0).normal(0, 0.02, many.shape)
    return many, box * np.array(copies)


def prepare(count: int):
    def chain(positions, box) -> Iterator[str]:
        near = structure.neighbours(positions, CUTOFF, box)
        yield "neighbours"
        rows = structure.find_tetrahedra(positions, CUTOFF, DELTA, box, neighbours=near)
        del near
        yield "tetrahedra"
        fivefold = structure.find_motifs(rows).fold[5]
        yield "motifs"
        structure.sharing(fivefold)
        yield "sharing"
        structure.find_networks(fivefold, positions=positions, box=box)
        yield "networks"

    list(chain(*glass(SIZES[0])))  # compiles
    positions, box = glass(count)
    np.ones(count * MEMORY, np.uint8)  # freed at once
    return lambda: chain(positions, box)


if __name__ == "__main__":
    title = "From neighbours to networks in a glass in a periodic box"
    stages(title, SIZES, prepare, lambda size: 5 if size < 200_000 else 3 if size < 2_000_000 else 1)

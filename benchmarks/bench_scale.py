"""From the list of neighbours to networks, from thirty thousand to ten million atoms of a dense glass in a box.

Goals on two quiet cores: list to motifs within 5 s and 1.5 GB at a million atoms, within 60 s and 12 GB at ten million;
sharing and networks there within 30 s more; growth linear within 20 %. "list to motifs" is the sum of its three steps.

The smallest is the simulated glass itself, all others are copies of it, so that every atom has as many tetrahedra and
bipyramids at every size. Ten thousand atoms cut from it have a seam and a sixth fewer five-fold bipyramids an atom.
What a machine takes for fresh memory counts, too: on a virtual one up to 2 s for a GB, and less than 0.1 s for memory
that a process has just given back.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from timing import QUICK, stages

import helpers
from helpers import structure
from helpers.arrays import as_positions

CUTOFF, DELTA = 4.0, 0.255
#: Copies of the simulated glass of 31,250 atoms along each direction.
COPIES = {31_250: (1, 1, 1), 125_000: (2, 2, 1), 1_000_000: (4, 4, 2), 10_000_000: (8, 8, 5)}
SIZES = list(COPIES)[:2] if QUICK else list(COPIES)


def glass(count: int):
    """Atoms of the simulated glass or of copies of it, each moved a little, and their box [Å]."""
    positions, box = as_positions(helpers.load_sample("MD300").model())
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

    list(chain(*glass(31_250)))  # compiles
    positions, box = glass(count)
    return lambda: chain(positions, box)


if __name__ == "__main__":
    title = "From neighbours to networks in a glass in a periodic box"
    stages(title, SIZES, prepare, lambda size: 5 if size < 200_000 else 3 if size < 2_000_000 else 1)

"""Perfect crystals and clusters that several tests build on."""

from __future__ import annotations

import numpy as np

#: Atoms of a cell, its edges, and its nearest-neighbour distance, all in units of the first edge.
CELLS = {
    "sc": ([[0, 0, 0]], [1, 1, 1], 1.0),
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], [1, 1, 1], np.sqrt(3) / 2),
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], [1, 1, 1], np.sqrt(0.5)),
    "hcp": ([[0, 0, 0], [0.5, 0.5, 0], [0.5, 5 / 6, 0.5], [0, 1 / 3, 0.5]], [1, np.sqrt(3), np.sqrt(8 / 3)], 1.0),
}


def crystal(name, repeats, bond=3.0):
    """Positions and box of a crystal with a given nearest-neighbour distance [Å]."""
    atoms, edges, nearest = CELLS[name]
    steps = np.stack(np.meshgrid(*(np.arange(n) for n in repeats), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    edges = np.array(edges) * bond / nearest
    return ((np.array(atoms) + steps) * edges).reshape(-1, 3), edges * repeats


def icosahedron(bond=3.0):
    """An atom and its twelve neighbours, the centre first; edges of the surface have length `bond`."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [np.roll([0, a, b * golden], k) for k in range(3) for a in (-1, 1) for b in (-1, 1)]
    return np.vstack([[0, 0, 0], corners]) * bond / 2

"""A packing made of given tetrahedra, for tests of what is done with them."""

from __future__ import annotations

import numpy as np

from helpers.checks import check_box
from helpers.structure import Packing, find_motifs


def packing_of(positions, rows, box=None):
    """Packing with these tetrahedra, all of them disordered; its cutoff, delta and order are unknown."""
    atoms, count = np.asarray(positions, dtype=float), len(positions)
    order, every = np.full(count, np.nan), np.ones(count, bool)
    rows = np.asarray(rows).reshape(-1, 4)
    return Packing(
        atoms, check_box(box), np.nan, np.nan, order, every, rows, np.ones(len(rows), bool), find_motifs(rows)
    )

"""Atoms planted in a ball, whose images the tests of atoms make and read back."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def planted(count=40, seed=0):
    """Positions in a ball, no two nearer than 2 Å."""
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        new = rng.uniform(-7, 7, 3)
        if np.linalg.norm(new) < 7 and (len(atoms) == 0 or np.linalg.norm(atoms - new, axis=1).min() > 2.0):
            atoms = np.vstack([atoms, new])
    return atoms

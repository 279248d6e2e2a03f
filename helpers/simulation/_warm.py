"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from .diffraction import diffraction_pattern
from .microscope import acquire
from .random_packing import dense_random_packing
from .structure_factor import structure_factor


def warm() -> None:
    """Image a few atoms, pack a few spheres, and scatter from them."""
    acquire(np.eye(3), [0.0, 10.0], shape=16)
    packed, box = dense_random_packing(64, 0.055, fraction=0.4)
    structure_factor(packed, [0.0, 2.7], box)
    structure_factor(packed, [0.0, 2.7])
    structure_factor(packed, [0.0, 2.7], method="directions", directions=2)
    diffraction_pattern(packed, "Ta", shape=16, step=0.5, orientations=1)

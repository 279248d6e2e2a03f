"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from .microscope import acquire
from .random_packing import dense_random_packing


def warm() -> None:
    """Image a few atoms and pack a few spheres."""
    acquire(np.eye(3), [0.0, 10.0], shape=16)
    dense_random_packing(64, 0.055, fraction=0.4)

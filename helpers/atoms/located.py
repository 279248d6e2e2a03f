"""What `locate` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..arrays import Volume
from ..imaging.noise import Noise
from ._likelihood import half_fields
from .refinement import Refinement

if TYPE_CHECKING:
    from ase import Atoms


class Origin(IntEnum):
    """How an atom was found."""

    TRACED = 0
    MISSING = 1


@dataclass(frozen=True)
class Step:
    """One step of the way.

    Attributes
    ----------
    name : str
        What was done.
    atoms : int
        Atoms after it.
    r_factor : float
        R after it; NaN where nothing was fitted.
    seconds : float
        Time that it took [s].
    """

    name: str
    atoms: int
    r_factor: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Located:
    """Atoms, how sure they are, and what they leave unexplained.

    Attributes
    ----------
    positions : (N, 3) array
        Positions from the centre of the field, y along the tilt axis [Å].
    elements : (N,) array of str
        Chemical symbol of each atom.
    H : (N,) array
        Weight of each atom: the height of its Gaussian in a voxel [counts].
    B : (N,) array
        Damping of each atom [Å²].
    uncertainty : (N, 3) array
        Standard deviation of each coordinate: the Cramér–Rao bound with the spectrum of what is left unexplained [Å].
        Infinite for atoms at the rim of the images that these cannot tell: see `position_bound`.
    confidence : (N,) array
        Probability that it is an atom, from tilts left out of the fit or from all: see `locate`.
    r_factor : (K,) array
        R before each iteration of the last fit, and at its end.
    background : (T, 3) array
        Background of each tilt: level, and slopes along x and y per half-field [counts]; `ground` holds all of it.
    residual : (T, X, Y) array
        Counts minus expected counts.
    volume : Volume
        The reconstruction that was traced.
    flags : (N,) int array
        How each atom was found: an `Origin`, 0 where it was traced.
    history : tuple of Step
        What was done, with atoms, R and time.
    refinement : Refinement
        The last fit, with all that belongs to it.
    """

    positions: NDArray[np.float64]
    elements: NDArray[np.str_]
    H: NDArray[np.float64]
    B: NDArray[np.float64]
    uncertainty: NDArray[np.float64] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    r_factor: NDArray[np.float64] = field(repr=False)
    background: NDArray[np.float64] = field(repr=False)
    residual: NDArray[np.float32] = field(repr=False)
    volume: Volume = field(repr=False)
    flags: NDArray[np.int64] = field(repr=False)
    history: tuple[Step, ...] = field(repr=False)
    refinement: Refinement = field(repr=False)

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.positions)

    def atoms(self) -> Atoms:
        """Return the model with its ``uncertainty`` (N, 3) [Å] and ``confidence`` (N,) as arrays.

        `helpers.store.save_atoms` writes them as extended XYZ; `structure.known_precision` reads the uncertainty.
        """
        from ase import Atoms

        model = Atoms(list(self.elements), self.positions)
        model.set_array("uncertainty", self.uncertainty)
        model.set_array("confidence", self.confidence)
        return model

    @property
    def ground(self) -> NDArray[np.float32]:
        """(T, X, Y) background of each image [counts]: level, slopes, and what is uneven or lies outside."""
        fit = self.refinement
        x, y = half_fields(fit.images.shape[1:])
        ground = self.background[:, :1, None] + self.background[:, 1:2, None] * x[:, None]
        images = (ground + self.background[:, 2:, None] * y).astype(np.float32)
        return images + fit.outer if fit.outer.size else images

    @property
    def noise(self) -> Noise:
        """Noise that the counts were weighted by."""
        return self.refinement.noise

"""Distortion: how far bipyramids are from the ideal shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..geometry.boxes import nearest_image
from .motifs import Bipyramids

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class Distortion:
    """The three kinds of bonds of n-fold bipyramids, and their tilt.

    Attributes
    ----------
    alpha : (K,) float64 array
        Distance between the two capping atoms [Å].
    beta : (K, 2 n) float64 array
        Distances from either cap to the ring atoms [Å].
    gamma : (K, n) float64 array
        Distances between successive ring atoms [Å].
    theta : (K,) float64 array
        Angle between the line of the caps and the normal of the ring's mean plane [degrees], 0 … 90;
        0 for the ideal bipyramid.
    """

    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    gamma: NDArray[np.float64]
    theta: NDArray[np.float64]

    @property
    def alpha_over_gamma(self) -> NDArray[np.float64]:
        """(K,) alpha over the mean gamma of the same bipyramid."""
        return self.alpha / self.gamma.mean(axis=1)

    @property
    def beta_over_gamma(self) -> NDArray[np.float64]:
        """(K,) mean beta over mean gamma of the same bipyramid."""
        return self.beta.mean(axis=1) / self.gamma.mean(axis=1)


def distortion(positions: Atoms | ArrayLike, bipyramids: Bipyramids, box: ArrayLike | None = None) -> Distortion:
    r"""Measure the bonds of bipyramids and the tilt of their axis.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    bipyramids : Bipyramids
        Bipyramids of one kind, as in ``find_motifs(tetrahedra).fold[5]``.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].

    Returns
    -------
    Distortion

    Notes
    -----
    The mean plane of the ring is the least-squares plane through its atoms: its normal is the direction
    in which they spread least. Five regular tetrahedra leave a gap of 7.4°; closed evenly, at equal
    :math:`\beta` and :math:`\gamma`, they give

    .. math:: \alpha / \gamma = 2 \sqrt{1 - 1 / (2 \sin 36°)^2} = 1.0515, \qquad \beta / \gamma = 1.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), figure 4.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.structure import Bipyramids, distortion
    >>> turn = 2 * np.pi * np.arange(5) / 5
    >>> ring = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) / (2 * np.sin(np.pi / 5))
    >>> atoms = np.vstack([[0, 0, 0.5257], [0, 0, -0.5257], ring])
    >>> five = Bipyramids(np.arange(5)[None], np.array([[0, 1]]), np.arange(2, 7)[None])
    >>> shape = distortion(atoms, five)
    >>> shape.alpha_over_gamma.round(3).tolist(), shape.theta.round(6).tolist()
    ([1.051], [0.0])
    """
    positions, lengths = as_positions(positions, box)
    if not isinstance(bipyramids, Bipyramids):
        msg = f"bipyramids is a {type(bipyramids).__name__}; expected one kind, such as motifs.fold[5]"
        raise TypeError(msg)
    n = bipyramids.order
    if len(bipyramids) == 0:
        none = np.empty(0)
        return Distortion(none, np.empty((0, 2 * n)), np.empty((0, n)), none)
    if bipyramids.atoms.max() >= len(positions):
        msg = (
            f"bipyramids refer to atom {bipyramids.atoms.max()} but positions holds {len(positions)}; "
            "pass the positions in which they were found"
        )
        raise ValueError(msg)
    vectors = nearest_image(positions[bipyramids.atoms] - positions[bipyramids.caps[:, :1]], lengths)  # from a cap
    axis, ring = vectors[:, 1], vectors[:, 2:]
    alpha = np.linalg.norm(axis, axis=1)
    beta = np.concatenate([np.linalg.norm(ring, axis=2), np.linalg.norm(ring - axis[:, None], axis=2)], axis=1)
    gamma = np.linalg.norm(ring - np.roll(ring, -1, axis=1), axis=2)
    spread = ring - ring.mean(axis=1, keepdims=True)
    normal = np.linalg.eigh(np.einsum("kia,kib->kab", spread, spread))[1][:, :, 0]
    along = np.abs((axis * normal).sum(axis=1))
    across = np.linalg.norm(np.cross(axis, normal), axis=1)
    return Distortion(alpha, beta, gamma, np.degrees(np.arctan2(across, along)))

"""Distortion: how far bipyramids are from the ideal shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_count, check_members, check_positive, check_whole
from ..curves import fit_peak
from ..geometry.boxes import _nearest, sides_of
from ..kernels import kernel, parts_of, share
from ..memory import check_memory
from .motifs import Bipyramids, check_bipyramids

if TYPE_CHECKING:
    from ase import Atoms


_SWEEPS, _ZERO = 12, 1e-40  # of Jacobi's rotations; what is left of the other elements, squared


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

    def averages(self) -> dict[str, tuple[float, float]]:
        """Return α/γ and β/γ of all bipyramids by ways of averaging other than the mean over the bipyramids.

        Returns
        -------
        dict of str to (float, float)
            α/γ and β/γ: ``median`` over the bipyramids, the peak of their distribution (``most_frequent``), mean or
            median bond over mean or median ring bond of all (``mean_over_mean``, ``median_over_median``), and the mean
            over the bipyramids of each bond over the median ring bond of its own (``over_median_ring``).
        """
        beta, gamma = self.beta, np.median(self.gamma, axis=1)
        return {
            "median": (float(np.median(self.alpha_over_gamma)), float(np.median(self.beta_over_gamma))),
            "most_frequent": (_mode(self.alpha_over_gamma, 0.2), _mode(self.beta_over_gamma, 0.05)),
            "mean_over_mean": (
                float(self.alpha.mean() / self.gamma.mean()),
                float(beta.mean() / self.gamma.mean()),
            ),
            "median_over_median": (
                float(np.median(self.alpha) / np.median(self.gamma)),
                float(np.median(beta) / np.median(self.gamma)),
            ),
            "over_median_ring": (float((self.alpha / gamma).mean()), float((beta.T / gamma).mean())),
        }

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
    check_bipyramids(bipyramids, name="bipyramids")
    n = bipyramids.order
    if len(bipyramids) == 0:
        none = np.empty(0)
        return Distortion(none, np.empty((0, 2 * n)), np.empty((0, n)), none)
    if bipyramids.highest_atom >= len(positions):
        msg = (
            f"bipyramids refer to atom {bipyramids.highest_atom} but positions holds {len(positions)}; "
            "pass the positions in which they were found"
        )
        raise ValueError(msg)
    caps = check_members(bipyramids.caps, len(positions), 2, name="caps of bipyramids")
    ring = check_members(bipyramids.ring, len(positions), n, name="ring of bipyramids")
    count = len(caps)
    alpha, beta, gamma, theta = np.empty(count), np.empty((count, 2 * n)), np.empty((count, n)), np.empty(count)
    share(_measure, parts_of(count), positions, caps, ring, sides_of(lengths), alpha, beta, gamma, theta)
    return Distortion(alpha, beta, gamma, theta)


@kernel
def _measure(part, parts, positions, caps, ring, sides, alpha, beta, gamma, theta):
    """Bonds and tilt [degrees] of the bipyramids of one part."""
    n = ring.shape[1]
    vectors = np.empty((n + 1, 3))  # from the first cap: to the second, then to the ring
    spread, turned = np.empty((3, 3)), np.empty((3, 3))
    for k in range(len(caps) * part // parts, len(caps) * (part + 1) // parts):
        first = caps[k, 0]
        for m in range(n + 1):
            atom = caps[k, 1] if m == 0 else ring[k, m - 1]
            for axis in range(3):
                vectors[m, axis] = _nearest(positions[atom, axis] - positions[first, axis], sides[axis])
        ax, ay, az = vectors[0, 0], vectors[0, 1], vectors[0, 2]
        alpha[k] = _length(ax, ay, az)
        for m in range(n):
            x, y, z = vectors[m + 1, 0], vectors[m + 1, 1], vectors[m + 1, 2]
            after = m + 2 if m < n - 1 else 1
            beta[k, m] = _length(x, y, z)
            beta[k, n + m] = _length(x - ax, y - ay, z - az)
            gamma[k, m] = _length(x - vectors[after, 0], y - vectors[after, 1], z - vectors[after, 2])
        _spread_of(vectors, spread)
        least = _least_axis(spread, turned)
        nx, ny, nz = turned[0, least], turned[1, least], turned[2, least]
        across = _length(ay * nz - az * ny, az * nx - ax * nz, ax * ny - ay * nx)
        theta[k] = np.degrees(np.arctan2(across, abs(ax * nx + ay * ny + az * nz)))


@kernel(inner=True)
def _length(x, y, z):
    return np.sqrt(x * x + y * y + z * z)


@kernel(inner=True)
def _spread_of(vectors, spread):
    """Sum of the products (3, 3) of the components of all vectors but the first, taken from their mean."""
    n = len(vectors) - 1
    for a in range(3):
        mean = 0.0
        for m in range(1, n + 1):
            mean += vectors[m, a]
        for m in range(1, n + 1):
            vectors[m, a] -= mean / n
    for a in range(3):
        for b in range(3):
            total = 0.0
            for m in range(1, n + 1):
                total += vectors[m, a] * vectors[m, b]
            spread[a, b] = total


@kernel(inner=True)
def _least_axis(matrix, turned):
    """Turn a symmetric matrix (3, 3) until it is diagonal; return the column of `turned` for the least value.

    Jacobi's rotations: each makes one pair of elements zero, and what is left shrinks faster and faster.
    """
    for a in range(3):
        for b in range(3):
            turned[a, b] = 1.0 if a == b else 0.0
    for _ in range(_SWEEPS):
        rest = matrix[0, 1] ** 2 + matrix[0, 2] ** 2 + matrix[1, 2] ** 2
        if rest <= _ZERO * (matrix[0, 0] ** 2 + matrix[1, 1] ** 2 + matrix[2, 2] ** 2):
            break
        for p in range(2):
            for q in range(p + 1, 3):
                if matrix[p, q] == 0:
                    continue
                ratio = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
                t = 1 / (abs(ratio) + np.sqrt(1 + ratio * ratio))
                t = t if ratio >= 0 else -t
                c = 1 / np.sqrt(1 + t * t)
                s = t * c
                matrix[p, p] -= t * matrix[p, q]
                matrix[q, q] += t * matrix[p, q]
                matrix[p, q] = 0.0
                r = 3 - p - q  # the third axis; only the upper half is kept
                low, high = (min(p, r), max(p, r)), (min(q, r), max(q, r))
                one, other = matrix[low[0], low[1]], matrix[high[0], high[1]]
                matrix[low[0], low[1]] = c * one - s * other
                matrix[high[0], high[1]] = s * one + c * other
                for a in range(3):
                    one, other = turned[a, p], turned[a, q]
                    turned[a, p] = c * one - s * other
                    turned[a, q] = s * one + c * other
    least = 0
    for a in range(1, 3):
        if matrix[a, a] < matrix[least, least]:
            least = a
    return least


def noise_tilt(gamma: float, precision: float, *, count: int = 4000, seed: int = 0) -> float:
    """Return the mean tilt that errors of position alone give ideal pentagonal bipyramids.

    Parameters
    ----------
    gamma : float
        Length of the ring bonds [Å].
    precision : float
        Root-mean-square length of the displacements [Å].
    count : int
        Number of displaced bipyramids.
    seed : int
        Seed of the displacements.

    Returns
    -------
    float
        Mean angle between the line of the caps and the normal of the ring [degrees].

    Examples
    --------
    >>> from helpers.structure import noise_tilt
    >>> noise_tilt(3.0, 1e-6) < 1e-3
    True
    """
    gamma, precision = check_positive("gamma", gamma), check_positive("precision", precision)
    count, seed = check_count("count", count), check_whole("seed", seed)
    check_memory(2000.0 * count, what=f"{count:,} displaced bipyramids", instead="take fewer")
    turn = 2 * np.pi * np.arange(5) / 5
    ring = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) / (2 * np.sin(np.pi / 5))
    perfect = gamma * np.vstack([[0, 0, 0.5257], [0, 0, -0.5257], ring])
    atoms = perfect + np.random.default_rng(seed).normal(0, precision / np.sqrt(3), (count, 7, 3))
    each = np.arange(7 * count).reshape(-1, 7)
    bipyramids = Bipyramids(np.zeros((count, 5), int), each[:, :2], each[:, 2:])
    return float(distortion(atoms.reshape(-1, 3), bipyramids).theta.mean())


def _mode(values: NDArray[np.float64], reach: float) -> float:
    """Peak of a distribution of ratios."""
    heights, edges = np.histogram(values, bins=60, range=(0.6, 1.4))
    return fit_peak((edges[1:] + edges[:-1]) / 2, heights, reach=reach).position

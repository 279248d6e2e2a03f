"""Pair distribution of finite samples and periodic boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_number, check_positive
from ..curves import first_peak, first_valley
from ..digits import counted
from ..geometry import _pair_kernels
from ..geometry.crowding import free_axes, look_over
from ..memory import check_memory
from ._sample_shape import inside_fraction, sample_shape

if TYPE_CHECKING:
    from ase import Atoms


_LEAST_PAIRS = 200  # ordered pairs of neighbours from which a first valley can be told
_LEAST_REACH = 8.0  # the second valley of most metals lies before it [Å]
REACH = 20.0  # of a pair distribution, where nothing else is said [Å]


class TooFewAtoms(ValueError):
    """So few atoms that a distribution says nothing."""


@dataclass(frozen=True, eq=False)
class PairDistribution:
    """How often two atoms lie a distance apart, compared with atoms spread evenly.

    Attributes
    ----------
    r : (K,) array
        Centres of the shells [Å].
    g : (K,) array
        Pair distribution, smoothed and scaled; NaN where no shell about any atom lies inside the sample.
    raw : (K,) array
        The same before smoothing.
    pairs : (K,) int64 array
        Ordered pairs of atoms in each shell.
    shell_volume : (K,) array
        Volume of the shell that lies inside the sample, mean over the atoms [Å³].
    volume : float
        Volume of the sample or the box [Å³].
    scale : float
        What the ratio of the counts to those of evenly spread atoms was multiplied by (1 in a box).
    """

    r: NDArray[np.float64]
    g: NDArray[np.float64]
    raw: NDArray[np.float64]
    pairs: NDArray[np.int64]
    shell_volume: NDArray[np.float64]
    volume: float
    scale: float

    @property
    def first_peak(self) -> float:
        """Distance of the first maximum [Å], see `first_peak`."""
        return first_peak(self.r, self.g)

    @property
    def first_valley(self) -> float:
        """Distance of the first minimum [Å], see `first_valley`; `TooFewAtoms` where pairs are too few to tell."""
        try:
            valley = first_valley(self.r, self.g)
        except ValueError:
            if self.pairs.sum() < _LEAST_PAIRS:
                valley = np.inf
            else:
                raise
        near = int(self.pairs[self.r < valley].sum())
        if near < _LEAST_PAIRS:
            msg = (
                f"{counted(near // 2, 'pair of neighbours', 'are')} too few to find the first valley; state "
                "it, or take a larger "
                "sample"
            )
            raise TooFewAtoms(msg)
        return valley


def pair_distribution(
    positions: Atoms | ArrayLike,
    r_max: float | None = None,
    step: float = 0.1,
    box: ArrayLike | None = None,
    *,
    smoothing: float = 1.5,
    radius: float = 4.0,
    voxel: float = 0.5,
    tail: float = 0.5,
    shape_of: PairDistribution | None = None,
    most_pairs: float = 5e9,
) -> PairDistribution:
    """Compute the pair distribution of a finite sample or of a periodic box.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å]. Of a part of a sample, give that part alone: its own shape is used.
    r_max : float, optional
        Largest distance [Å]; by default that of `shape_of`, or 20 Å, or less where the sample is small: half of the
        narrowest side of a box, or 0.7 times the diameter of a ball with the radius of gyration of a finite sample,
        but no less than 8 Å. Across the whole of a particle there are so few pairs that their ratio to even ones says
        nothing, and is higher than the first peak.
    step : float
        Thickness of a shell [Å].
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    smoothing : float
        Standard deviation of the Gaussian that smooths g [shells], cut at two of them; 0 for none.
    radius : float
        Largest circumscribed sphere of the tetrahedra that make up a finite sample [Å].
    voxel : float
        Grid on which the sample's shape is correlated with its atoms [Å]; coarser where the sample would need
        more than 3e7 voxels.
    tail : float
        The mean of g over the last `tail` [Å] is scaled to 1 in a finite sample.
    shape_of : PairDistribution, optional
        Earlier result for a finite sample of the same shape, whose volumes are taken over: when atoms are moved by
        fractions of an ångström, again and again, this saves nine tenths of the time.
    most_pairs : float
        More pairs of atoms than this, minutes of work, are refused before they are counted.

    Returns
    -------
    PairDistribution
        `r` and `g`, with the counts and volumes they come from.

    Raises
    ------
    ValueError
        If fewer than two atoms came, r_max exceeds half the box, the box is too small for the atoms, a finite sample
        has no volume, an option is out of range, or more pairs than `most_pairs` are to be expected.
    MemoryError
        If there are more shells than fit into memory.

    Warns
    -----
    VacuumWarning
        If the box is not full of atoms: where it is empty the sample is taken to end.
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    Notes
    -----
    In a box, g_k = P_k / (N (N - 1) V_k / V) with P_k ordered pairs in shell k of volume V_k: 1 for an ideal gas.

    A finite sample ends, so only the part of each shell that lies inside it counts:
    g_k ∝ P_k / Σ_i V_k(i), where V_k(i) is the volume of the shell about atom i inside the alpha shape of the
    atoms, the union of those Delaunay tetrahedra whose circumscribed spheres are no larger than `radius`. Atoms
    at the surface lie on the rim of that shape, with half their own volume outside, so density is not well
    defined; g is scaled to a mean of 1 over the last `tail` ångströms instead. g approaches 1 slowly: in the
    paper's samples, a tail of 2 Å makes it larger by about 0.5 %. In crystals, whose g still swings at 20 Å,
    take a longer tail.

    A slab or a wire in a box with vacuum goes on periodically along the axes that it fills, and ends along the others:
    its shape is that of enough of its images, the atoms are those in the box.

    Where a whole shell is outside the sample for every atom, g is NaN.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), doi:10.1038/s41563-021-01114-z, Fig. 1c.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.structure import pair_distribution
    >>> atoms = np.random.default_rng(1).uniform(0, 20, (2000, 3))
    >>> gas = pair_distribution(atoms, r_max=10.0, step=1.0, box=20.0, smoothing=0)
    >>> bool(np.all(np.abs(gas.g[2:] - 1) < 0.02)), gas.r[:2].tolist()
    (True, [0.5, 1.5])
    """
    positions, lengths = as_positions(positions, box, minimum=2)
    positions, lengths = look_over(positions, lengths)
    if r_max is None:
        r_max = _reach(positions, lengths, shape_of)
    r_max, step = check_positive("r_max", r_max), check_positive("step", step)
    radius, voxel, tail = (
        check_positive("radius", radius),
        check_positive("voxel", voxel),
        check_positive("tail", tail),
    )
    check_box(lengths, cutoff=r_max, name="r_max")
    threads = numba.get_num_threads()
    check_memory(
        8 * (threads + 12) * r_max / step,
        what=f"{r_max / step:.3g} shells of {step:g} Å",
        instead="raise step, or lower r_max",
    )
    bins = int(r_max / step + 1e-6)
    if bins < 1:
        msg = f"step={step:g} Å exceeds r_max={r_max:g} Å; expected at least one shell"
        raise ValueError(msg)
    smoothing = check_number("smoothing", smoothing, low=0, high=bins)
    edges: NDArray[np.float64] = step * np.arange(bins + 1, dtype=np.float64)
    r: NDArray[np.float64] = edges[:-1] + step / 2
    shell_volume: NDArray[np.float64] = 4 / 3 * np.pi * np.diff(edges**3)
    cells = _pair_kernels.build(positions, float(edges[-1]), lengths)
    expected = _pair_kernels.expected_pairs(cells)
    if expected > check_positive("most_pairs", most_pairs):
        msg = (
            f"{len(positions):,} atoms have about {expected:.2g} pairs within r_max={r_max:g} Å, more than "
            f"most_pairs={most_pairs:.2g}; lower r_max, or raise most_pairs and wait"
        )
        raise ValueError(msg)
    pairs = 2 * _pair_kernels.histogram(cells, step, bins)
    ends = bool(free_axes(positions, lengths).any())
    if lengths is not None and not ends:
        volume = float(np.prod(lengths))
    elif shape_of is not None:
        if len(shape_of.r) != bins or not np.allclose(shape_of.r, r):
            msg = (
                f"shape_of has {len(shape_of.r)} shells up to {shape_of.r[-1]:g} Å; expected {bins} up to {r[-1]:g} Å, "
                "computed with the same r_max and step"
            )
            raise ValueError(msg)
        shell_volume, volume = shape_of.shell_volume, shape_of.volume
    else:
        atoms, corners, volume = sample_shape(positions, lengths, radius, float(edges[-1]))
        shell_volume = shell_volume * inside_fraction(atoms, corners, r, voxel)
    even = len(positions) * (len(positions) - 1) / volume * shell_volume
    raw = np.divide(pairs, even, out=np.full(bins, np.nan), where=even > 0)
    scale = _scale(raw, round(tail / step)) if ends else 1.0
    raw *= scale
    return PairDistribution(r, _smooth(raw, smoothing), raw, pairs, shell_volume, volume, scale)


def _reach(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, shape_of: PairDistribution | None
) -> float:
    """Return how far to count where nobody says it [Å]."""
    if shape_of is not None:
        return float(shape_of.r[-1] + shape_of.r[0])  # centres of the last and the first shell: the last edge
    if lengths is not None:
        return min(REACH, float(lengths.min()) / 2)
    diameter = 2 * np.sqrt(5 / 3 * positions.var(axis=0).sum())  # of a ball with this radius of gyration
    return float(np.clip(0.7 * diameter, _LEAST_REACH, REACH))


def _scale(raw: NDArray[np.float64], tail: int) -> float:
    """Return the factor that brings the mean over the last shells to 1."""
    known = raw[np.isfinite(raw)][-max(tail, 1) :]
    mean = known.mean() if len(known) else 0.0  # none where the atoms are a point beside the shells
    return 1 / float(mean) if mean > 0 else 1.0


def _smooth(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Gaussian mean over neighbouring shells, ends repeated; shells without a value stay so and do not count."""
    reach = int(2 * width + 0.5)
    if reach == 0:
        return values.copy()
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    known = np.isfinite(values)
    sums, weight = (
        np.convolve(np.pad(part, reach, mode="edge"), weights, mode="valid")
        for part in (np.where(known, values, 0.0), known.astype(float))
    )
    return np.divide(sums, weight, out=np.full(len(values), np.nan), where=known)

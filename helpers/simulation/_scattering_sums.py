"""Three ways to sum over the pairs of atoms: all distances, the near ones, or waves along sampled directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ..checks import check_box, check_choice, check_positive
from ..geometry import _pair_kernels
from ..memory import check_memory
from ..structure.pair_distribution import pair_distribution
from . import _scattering_kernels as kernels

#: Atoms of each element, in alphabetical order.
Groups = dict[str, NDArray[np.int64]]
#: Partial structure factors by pairs of elements.
Partials = dict[tuple[str, str], NDArray[np.float64]]

_PHASE = 0.01  # q times the width of a bin of all distances: linear sharing then errs by less than 1e-6
_FINE = 1e-3  # width of a bin of near distances [Å]
_REACH = 20.0  # up to where pairs of a finite sample count, if it is that large [Å]
_SHELLS = 100  # in which the shape of a finite sample is measured
_LEAST_INSIDE = 0.05  # of the farthest shell
_LINE_PHASE = 0.25  # largest q times the cell of a line: what is folded back is below 1e-5
_AT_A_TIME = 64  # directions


def _partials(
    groups: Groups, count: Callable[[NDArray[np.int64]], NDArray[np.float64]]
) -> Iterator[tuple[tuple[str, str], NDArray[np.float64], int, int]]:
    """Yield each pair of elements with its histogram of unordered pairs and the numbers of atoms.

    The pairs between two elements are those of both together less those within each.
    """
    own = {name: count(members) for name, members in groups.items()}
    for a, b in combinations_with_replacement(groups, 2):
        both = own[a] if a == b else count(np.concatenate([groups[a], groups[b]])) - own[a] - own[b]
        yield (a, b), both, len(groups[a]), len(groups[b])


def from_distances(atoms: NDArray[np.float64], groups: Groups, q: NDArray[np.float64]) -> Partials:
    """Sum over all pairs of a finite sample."""
    longest = float(np.linalg.norm(np.ptp(atoms, axis=0)))
    width = max(min(_PHASE / max(q.max(), 1e-6), longest / 16), longest / 2**26, 1e-12)
    bins = int(longest / width) + 3
    edges = width * np.arange(bins, dtype=np.float64)
    threads = numba.get_num_threads()
    check_memory(8.0 * bins * (threads + 4), what=f"{bins:,} bins of distances", instead="lower the largest q")

    def count(members: NDArray[np.int64]) -> NDArray[np.float64]:
        columns = np.ascontiguousarray(atoms[members].T)
        return np.asarray(kernels.pair_distances(columns, 1 / width, bins, threads).sum(axis=0))

    found = {}
    for pair, counts, one, other in _partials(groups, count):
        used = counts != 0
        ordered = len(atoms) / (one * other) * (2 if pair[0] == pair[1] else 1)
        found[pair] = 1 + ordered * kernels.sine_transform(q, edges[used], counts[used])
    return found


def from_pairs(
    atoms: NDArray[np.float64],
    box: NDArray[np.float64] | None,
    groups: Groups,
    q: NDArray[np.float64],
    r_max: float | None,
    window: str,
) -> tuple[Partials, float]:
    """Sum over near pairs, less what evenly spread atoms would give."""
    extent = float(np.ptp(atoms, axis=0).max())
    reach = (min(_REACH, extent / 3) if box is None else float(box.min()) / 2) if r_max is None else r_max
    reach = check_positive("r_max", reach)
    check_box(box, cutoff=reach)
    check_choice("window", window, ("lorch", "none"))
    if box is None and reach > extent:
        msg = f"r_max={reach:g} Å exceeds the sample's extent of {extent:g} Å; lower it"
        raise ValueError(msg)
    threads = numba.get_num_threads()
    check_memory(
        8.0 * reach / _FINE * (threads + 8), what=f"bins of distances up to {reach:g} Å", instead="lower r_max"
    )
    bins = max(int(reach / _FINE), 1)
    edges = reach / bins * np.arange(bins + 1, dtype=np.float64)
    r = (edges[1:] + edges[:-1]) / 2
    inside, volume = (1.0, float(np.prod(box))) if box is not None else _inside(atoms, r, reach)
    even = inside * 4 / 3 * np.pi * np.diff(edges**3) / volume
    weight = (np.sinc(r / reach) if window == "lorch" else 1.0) / inside

    def count(members: NDArray[np.int64]) -> NDArray[np.float64]:
        if len(members) < 2:
            return np.zeros(bins)
        cells = _pair_kernels.build(atoms[members], reach, box)
        counts = _pair_kernels.histogram(cells, reach / bins, bins)
        return np.asarray(counts, dtype=np.float64)

    found = {}
    for pair, counts, one, other in _partials(groups, count):
        same = pair[0] == pair[1]
        excess = counts * (2 if same else 1) - (one * (one - 1) if same else one * other) * even
        found[pair] = 1 + len(atoms) / (one * other) * kernels.sine_transform(q, r, excess * weight)
    return found, reach


def _inside(atoms: NDArray[np.float64], r: NDArray[np.float64], reach: float) -> tuple[NDArray[np.float64], float]:
    """Return how much of a shell lies in a finite sample, mean over the atoms, and the volume that makes g go to 1."""
    step = reach / _SHELLS
    shape = pair_distribution(atoms, r_max=reach, step=step, smoothing=0, tail=reach / 4)
    share = shape.shell_volume / (4 / 3 * np.pi * ((shape.r + step / 2) ** 3 - (shape.r - step / 2) ** 3))
    if not share.min() > _LEAST_INSIDE:
        msg = f"r_max={reach:g} Å is too large for the sample: of such a shell {share.min():.0%} lie inside; lower it"
        raise ValueError(msg)
    return np.interp(r, shape.r, share), shape.volume * shape.scale


def from_directions(
    atoms: NDArray[np.float64],
    groups: Groups,
    q: NDArray[np.float64],
    count: int,
    factors: dict[str, NDArray[np.float64]],
) -> tuple[Partials, NDArray[np.float64]]:
    """Average over directions: the atoms on a line along each, and its Fourier transform."""
    middle = (atoms.min(axis=0) + atoms.max(axis=0)) / 2
    longest = 2 * float(np.linalg.norm(atoms - middle, axis=1).max())
    cell = max(_LINE_PHASE / max(q.max(), 1e-6), longest / 2**24)
    cells = fft.next_fast_len(int(2.1 * longest / cell) + 8, real=True)  # twice, for distances have both signs
    check_memory(
        8.0 * cells * (_AT_A_TIME * (1.5 * len(groups) + 2) + 6) + 24.0 * count,
        what=f"waves along {min(count, _AT_A_TIME)} directions of {cells:,} cells",
        instead="lower the largest q or the number of directions",
    )
    columns = {name: np.ascontiguousarray((atoms[members] - middle).T) for name, members in groups.items()}
    k = 2 * np.pi * np.arange(cells // 2 + 1) / (cells * cell)
    spread = np.sinc(k * cell / (2 * np.pi)) ** 4  # what sharing between two cells does to the intensity
    pairs = list(combinations_with_replacement(groups, 2))
    sums = {pair: np.zeros(len(k)) for pair in pairs}
    mean_factor = {name: np.interp(k, q, f) for name, f in factors.items()} if len(q) > 1 else factors
    square = np.zeros(len(k))
    normals = sphere_points(count)
    for start in range(0, count, _AT_A_TIME):
        some = normals[start : start + _AT_A_TIME]
        waves = {name: fft.rfft(kernels.spread_along(c, some, 1 / cell, cells), axis=1) for name, c in columns.items()}
        total = np.zeros((len(some), len(k)))
        for a, b in pairs:
            power = (waves[a] * waves[b].conj()).real / spread
            sums[a, b] += power.sum(axis=0)
            scale = len(atoms) / (len(groups[a]) * len(groups[b])) * (1 if a == b else 2)
            total += scale * mean_factor[a] * mean_factor[b] * power
        square += (total**2).sum(axis=0)
        del waves
    found, mean = {}, np.zeros(len(k))
    for a, b in pairs:
        scale = len(atoms) / (len(groups[a]) * len(groups[b]))
        mean += scale * mean_factor[a] * mean_factor[b] * (1 if a == b else 2) * sums[a, b] / count
        line = fft.irfft(sums[a, b] / count, cells)
        distance = cell * np.arange(cells // 2 + 1)
        line = line[: len(distance)] * np.where(distance > 0, 2, 1)
        self_term = len(atoms) / len(groups[a]) if a == b else 0
        found[a, b] = 1 - self_term + scale * _cosines(q, distance, line)
    variance = np.maximum(square / count - mean**2, 0) / max(count - 1, 1)
    return found, np.interp(q, k, np.sqrt(variance))


def _cosines(q: NDArray[np.float64], u: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.cos(one * u) @ weight for one in q])


def sphere_points(count: int) -> NDArray[np.float64]:
    """Return directions (count, 3) spread evenly over a half sphere, along a golden spiral.

    Examples
    --------
    >>> from helpers.simulation._scattering_sums import sphere_points
    >>> sphere_points(100)[:, 2].mean().round(2).item()
    0.5
    """
    z = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - z * z)
    return np.column_stack([across * np.cos(turn), across * np.sin(turn), z])

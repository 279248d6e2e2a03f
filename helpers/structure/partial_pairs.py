"""Partial pair distributions: how often atoms of two elements lie a distance apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions, is_atoms
from ..checks import check_elements, check_whole, looked_at
from ..geometry import _pair_kernels
from ..geometry.crowding import free_axes, look_over
from ._sample_shape import inside_fraction, sample_shape
from .pair_distribution import PairDistribution, _smooth, pair_distribution

if TYPE_CHECKING:
    from ase import Atoms


def partial_pair_distributions(
    positions: Atoms | ArrayLike,
    r_max: float | None = None,
    step: float = 0.1,
    *,
    box: ArrayLike | None = None,
    elements: Sequence[str] | None = None,
    least: int = 20,
    smoothing: float = 1.5,
    radius: float = 4.0,
    voxel: float = 0.5,
    **options: Any,
) -> dict[str, PairDistribution]:
    """Compute the pair distributions between the elements of a sample.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its elements and its box, or atom positions [Å].
    r_max, step, box, smoothing, radius, voxel
        As for `pair_distribution`.
    elements : sequence of str, optional
        Chemical symbol of each atom, where positions are given as an array.
    least : int
        Elements of fewer atoms are left out.
    **options
        Further options of `pair_distribution`.

    Returns
    -------
    dict of str to PairDistribution
        By pairs such as ``"Pd–Ta"``, symbols in alphabetical order. Empty for a sample of one element.

    Raises
    ------
    ValueError
        As `pair_distribution`; if an array of positions came without elements, or they are not one for each atom.

    Notes
    -----
    For elements a and b, g_ab = P_ab / (N_a (N_b - δ_ab) V_k / V) with P_ab ordered pairs of an atom of a with one of b
    in shell k, and V_k the volume of the shell, in a finite sample the mean over the atoms of a of its part inside the
    sample. A finite sample's are multiplied by the same scale as the pair distribution of all atoms. With shares c of
    the atoms, Σ_ab c_a c_b g_ab is nearly the pair distribution of all of them.

    Examples
    --------
    In rock salt, unlike neighbours are nearer than like ones:

    >>> from ase.build import bulk
    >>> from helpers.structure import partial_pair_distributions
    >>> salt = bulk("NaCl", "rocksalt", 5.64, cubic=True).repeat(4)
    >>> found = partial_pair_distributions(salt, 8.0)
    >>> {pair: round(p.first_peak, 2) for pair, p in found.items()}
    {'Cl–Cl': 3.95, 'Cl–Na': 2.85, 'Na–Na': 3.95}
    """
    places, lengths = as_positions(positions, box, minimum=2)
    if elements is None and is_atoms(positions):
        elements = positions.get_chemical_symbols()
    if elements is None:
        msg = "positions came as an array and elements=None; expected the chemical symbol of each atom"
        raise ValueError(msg)
    kinds = np.array(check_elements(elements, len(places), name="elements"))
    places, lengths = look_over(places, lengths)
    with looked_at():
        shape: dict[str, Any] = {"smoothing": smoothing, "radius": radius, "voxel": voxel}
        whole = pair_distribution(places, r_max, step, lengths, **shape, **options)
    names, counts = np.unique(kinds, return_counts=True)
    names = names[counts >= max(check_whole("least", least), 2)]
    if len(names) < 2:
        return {}
    reach, bins = float(step * len(whole.r)), len(whole.r)
    pairs = {
        (a, b): _count(places[(kinds == a) | (kinds == b)], reach, step, bins, lengths) for a, b in _couples(names)
    }
    volumes = dict.fromkeys(names, whole.shell_volume)
    if free_axes(places, lengths).any():
        atoms, corners, _ = sample_shape(places, lengths, radius, reach)
        shells = 4 / 3 * np.pi * np.diff((step * np.arange(bins + 1)) ** 3)
        volumes = {n: shells * inside_fraction(atoms[kinds == n], corners, whole.r, voxel) for n in names}
    found = {}
    for a, b in _couples(names):
        inside = pairs[a, b] if a == b else pairs[a, b] - pairs[a, a] - pairs[b, b]  # both orders of a pair
        n_a, n_b = np.count_nonzero(kinds == a), np.count_nonzero(kinds == b)
        even = n_a * (n_b - 1) * volumes[a] if a == b else n_a * n_b * (volumes[a] + volumes[b])
        even = even / whole.volume
        raw = whole.scale * np.divide(inside, even, out=np.full(bins, np.nan), where=even > 0)
        shell = (volumes[a] + volumes[b]) / 2
        found[f"{a}–{b}"] = PairDistribution(
            whole.r, _smooth(raw, smoothing), raw, inside, shell, whole.volume, whole.scale
        )
    return found


def _couples(names: NDArray[Any]) -> list[tuple[str, str]]:
    return [(str(a), str(b)) for a, b in combinations_with_replacement(names, 2)]


def _count(
    positions: NDArray[np.float64], reach: float, step: float, bins: int, lengths: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    """Count the ordered pairs in each shell."""
    cells = _pair_kernels.build(positions, reach, lengths)
    return 2 * _pair_kernels.histogram(cells, step, bins)

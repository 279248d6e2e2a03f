"""Structure factors of finite samples and periodic boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_choice, check_count, check_elements
from ..scattering import scattering_factor
from ._scattering_sums import Groups, Partials, from_directions, from_distances, from_pairs

if TYPE_CHECKING:
    from ase import Atoms

_MOST_PAIRS = 2e10  # half a minute on one core; more than that, and directions are sampled


@dataclass(frozen=True, eq=False)
class StructureFactor:
    """How strongly atoms scatter together, compared with the same atoms far apart.

    Attributes
    ----------
    q : (K,) array
        Length of the scattering vector, 2π over the spacing [1/Å].
    S : (K,) array
        Structure factor; of several elements the sum of the partial ones, weighted by what each element scatters.
    error : (K,) array
        Standard error from the spread over directions; zero where no directions were sampled.
    partials : dict of (str, str) to (K,) array
        Partial structure factors of Faber and Ziman, by pairs of elements in alphabetical order; of one element, S.
    method : str
        How it was computed: ``"debye"``, ``"pairs"`` or ``"directions"``.
    r_max : float
        Largest distance that counts [Å]; infinite if all pairs do. Peaks are no sharper than about 2π over it.
    """

    q: NDArray[np.float64]
    S: NDArray[np.float64]
    error: NDArray[np.float64]
    partials: Partials = field(repr=False)
    method: str
    r_max: float


def structure_factor(
    positions: Atoms | ArrayLike,
    q: ArrayLike,
    box: ArrayLike | None = None,
    *,
    method: str = "auto",
    element: str | Sequence[str] | None = None,
    weights: Mapping[str, float | ArrayLike] | None = None,
    r_max: float | None = None,
    window: str = "lorch",
    directions: int = 2000,
) -> StructureFactor:
    r"""Compute the isotropic structure factor of a finite sample or of a periodic box.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its elements and its box, or atom positions [Å].
    q : (K,) array
        Lengths of the scattering vector, 2π over the spacing [1/Å].
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    method : {"auto", "debye", "pairs", "directions"}
        What is computed, see Notes. By default ``"pairs"`` in a box; in a finite sample ``"debye"``, or
        ``"directions"`` if it has more than 200,000 atoms.
    element : str or sequence of str, optional
        Chemical symbol of all atoms or one for each; those of the model by default. An array without it is of one kind.
    weights : dict, optional
        What each of several elements scatters, a number (a neutron's scattering length) or an array of the shape of q.
        By default the electron scattering factors.
    r_max : float, optional
        Of ``"pairs"``: largest distance that counts [Å]; by default half the smallest edge of the box, in a finite
        sample a third of its extent and at most 20 Å.
    window : {"lorch", "none"}
        Of ``"pairs"``: what the pairs are weighted by towards r_max, sin(πr/r_max) / (πr/r_max) or nothing.
    directions : int
        Of ``"directions"``: how many.

    Returns
    -------
    StructureFactor
        `q`, `S` and how they were computed.

    Raises
    ------
    ValueError
        If q is negative or not finite, a box is too small for r_max, or a method does not fit the sample.
    UnknownName
        If an element has no scattering factor and no weight is given.

    Notes
    -----
    ``"debye"``: all that a finite sample scatters, averaged over its orientations,
    :math:`S = 1 + N^{-1} \sum_{i \ne j} \sin(q r_{ij}) / (q r_{ij})`, with no density and no end of the sum. Towards
    q = 0 it grows to N: that is the sample as a whole. All distances are counted in bins, each shared between two of
    them, which changes S by less than 1e-6; the time grows with N².

    ``"directions"``: the same sum as the mean of :math:`|\sum_i \exp(i q\, n \cdot r_i)|^2 / N` over evenly spread
    directions n. The time grows with N; the error of so few directions is returned.

    ``"pairs"``: what the medium scatters, without the end of the sample,
    :math:`S = 1 + N^{-1} \sum_k (P_k - E_k)\, w(r_k) \sin(q r_k) / (q r_k)`, with the ordered pairs :math:`P_k` up to
    r_max, and the number :math:`E_k` that evenly spread atoms would have in the same box or the same shape (see
    `structure.pair_distribution`). In a finite sample both are divided by the part of the shell that lies inside. The
    window w smooths S over about 2π / r_max; nearer to q = 0, S depends on a small difference of large numbers.

    Of several elements, :math:`S = \sum_{ab} c_a c_b f_a f_b S_{ab} / (\sum_a c_a f_a)^2`, the structure factor of
    Faber and Ziman: the intensity over N, less :math:`\langle f^2 \rangle - \langle f \rangle^2`, over
    :math:`\langle f \rangle^2`.

    References
    ----------
    P. Debye, Ann. Phys. 351, 809 (1915), doi:10.1002/andp.19153510606. T. E. Faber, J. M. Ziman, Phil. Mag. 11, 153
    (1965), doi:10.1080/14786436508211931. E. Lorch, J. Phys. C 2, 229 (1969), doi:10.1088/0022-3719/2/2/305.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import structure_factor
    >>> pair = structure_factor([[0, 0, 0], [0, 0, 2.0]], [0.0, np.pi / 2, 3.0])
    >>> np.allclose(pair.S, [2, 1, 1 + np.sin(6) / 6])
    True
    """
    atoms, lengths = as_positions(positions, box, minimum=2)
    across = _check_q(q)
    groups = _by_element(positions, element, len(atoms))
    auto = "debye" if len(atoms) ** 2 / 2 <= _MOST_PAIRS else "directions"
    check_choice("method", method, ("auto", "debye", "pairs", "directions"))
    if method == "auto":
        method = auto if lengths is None else "pairs"
    factors = _factors(groups, weights, across)
    error = np.zeros(len(across))
    reach = np.inf
    if method == "pairs":
        partials, reach = from_pairs(atoms, lengths, groups, across, r_max, window)
    elif lengths is not None:
        msg = f"method={method!r} sums over a finite sample, but there is a box; take 'pairs', or leave the box out"
        raise ValueError(msg)
    elif method == "debye":
        partials = from_distances(atoms, groups, across)
    else:
        partials, error = from_directions(atoms, groups, across, check_count("directions", directions), factors)
    return StructureFactor(across, _total(partials, factors), error, partials, method, reach)


def _check_q(q: ArrayLike) -> NDArray[np.float64]:
    across = np.atleast_1d(np.asarray(q, dtype=np.float64))
    if across.ndim != 1 or across.size == 0 or not np.isfinite(across).all() or (across < 0).any():
        msg = f"q has shape {across.shape} and values that may be negative or not finite; expected lengths [1/Å]"
        raise ValueError(msg)
    return np.ascontiguousarray(across)


def _by_element(model: Atoms | ArrayLike, element: str | Sequence[str] | None, count: int) -> Groups:
    """Return which atoms are of each element, in alphabetical order."""
    if element is None:
        element = model.get_chemical_symbols() if hasattr(model, "get_chemical_symbols") else ["X"] * count
    names = np.array(check_elements(element, count))
    return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}


def _factors(
    groups: Groups, weights: Mapping[str, float | ArrayLike] | None, q: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return concentration times scattering factor of each element over the sum of all."""
    total = sum(len(members) for members in groups.values())
    if len(groups) == 1:
        return {name: np.ones(len(q)) for name in groups}
    missing = set() if weights is None else set(groups) - set(weights)
    if missing:
        msg = f"weights holds {', '.join(map(repr, weights or {}))} but not {', '.join(map(repr, sorted(missing)))}"
        raise ValueError(msg)
    made = {
        name: len(members)
        / total
        * (
            scattering_factor(name, q / (2 * np.pi))
            if weights is None
            else np.broadcast_to(np.asarray(weights[name], dtype=np.float64), q.shape)
        )
        for name, members in groups.items()
    }
    mean = np.sum(list(made.values()), axis=0)
    return {name: part / mean for name, part in made.items()}


def _total(partials: Partials, factors: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Add up the partial structure factors."""
    parts = (factors[a] * factors[b] * (1 if a == b else 2) * S for (a, b), S in partials.items())
    return np.asarray(sum(parts), dtype=np.float64)

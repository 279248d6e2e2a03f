"""Omission: what a model would be if some of its atoms had not been found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_choice, check_positive
from ..digits import counted
from ..geometry.boxes import nearest_image
from ..geometry.neighbours import neighbours

if TYPE_CHECKING:
    from ase import Atoms

WAYS = ("random", "loose", "pairs", "merged", "surface")


def omit_atoms(
    positions: Atoms | ArrayLike,
    share: float,
    *,
    way: str = "random",
    cutoff: float = 4.0,
    box: ArrayLike | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    r"""Leave out a share of the atoms, in one of several ways in which atoms could escape a reconstruction.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    share : float
        Share of the atoms to leave out, from 0 to below 1.
    way : {"random", "loose", "pairs", "merged", "surface"}
        - ``random``: each atom is as likely as any other to be missing, as if its weight came by chance;
        - ``loose``: atoms with few others around them, whose peaks stand on the lowest ground;
        - ``pairs``: two neighbours at a time;
        - ``merged``: the two atoms of the shortest bonds are taken for one between them;
        - ``surface``: atoms near the surface of a finite model.
    cutoff : float
        Reach of the first shell [Å]: of bonds, of what is around an atom, and of the surface.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    seed : int
        Seed of the choice.

    Returns
    -------
    (K, 3) float64 array
        The atoms that are left [Å]; of merged ones the middle.

    Raises
    ------
    ValueError
        If the share or the way is out of range, there are too few bonds, or a box has no surface.

    Notes
    -----
    With ``loose``, an atom is :math:`e` times as likely to be missing for each standard deviation by which the sum of
    :math:`\exp(-r^2 / 2 w^2)` over its neighbours, :math:`w` a third of the cutoff, is below the mean. With
    ``surface`` it is as many times less likely for each cutoff of its depth below the convex hull.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import omit_atoms
    >>> model = helpers.load_sample("demo").model()
    >>> len(model), [len(omit_atoms(model, 0.1, way=way)) for way in ("random", "merged", "surface")]
    (1502, [1352, 1352, 1352])
    """
    places, lengths = as_positions(positions, box, minimum=4)
    check_choice("way", way, WAYS)
    cutoff = check_positive("cutoff", cutoff)
    if not 0 <= share < 1:
        msg = f"share={share!r}; expected a number from 0 to below 1"
        raise ValueError(msg)
    missing = round(share * len(places))
    random = np.random.default_rng(seed)
    if way in ("pairs", "merged"):
        bonds = _disjoint_bonds(places, lengths, cutoff, missing if way == "merged" else -(-missing // 2), way, random)
        kept = np.ones(len(places), bool)
        if way == "pairs":
            kept[bonds.ravel()[:missing]] = False
            return places[kept]
        kept[bonds[:, 1]] = False
        middle = places.copy()
        middle[bonds[:, 0]] += nearest_image(places[bonds[:, 1]] - places[bonds[:, 0]], lengths) / 2
        return middle[kept]
    tendency = {"random": _none, "loose": _looseness, "surface": _nearness_to_surface}[way](places, lengths, cutoff)
    lots = tendency + random.gumbel(size=len(places))  # the largest lots: drawn without replacement, as exp(tendency)
    kept = np.ones(len(places), bool)
    kept[np.argsort(-lots)[:missing]] = False
    return places[kept]


def _disjoint_bonds(
    places: NDArray[np.float64],
    lengths: NDArray[np.float64] | None,
    cutoff: float,
    count: int,
    way: str,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Return `count` bonds without a common atom: any, or the shortest first."""
    near = neighbours(places, cutoff, lengths)
    once = near.pairs[:, 0] < near.pairs[:, 1]
    pairs, distances = near.pairs[once], near.distances[once]
    free = np.ones(len(places), bool)
    chosen: list[NDArray[np.int64]] = []
    for bond in random.permutation(len(pairs)) if way == "pairs" else np.argsort(distances, kind="stable"):
        if len(chosen) == count:
            break
        if free[pairs[bond]].all():
            free[pairs[bond]] = False
            chosen.append(pairs[bond])
    if len(chosen) < count:
        msg = (
            f"way={way!r} needs {counted(count, 'bond')} without a common atom, the model has {len(chosen)}; "
            "lower share="
        )
        raise ValueError(msg)
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)


def _none(places: NDArray[np.float64], lengths: NDArray[np.float64] | None, cutoff: float) -> NDArray[np.float64]:
    return np.zeros(len(places))


def _looseness(places: NDArray[np.float64], lengths: NDArray[np.float64] | None, cutoff: float) -> NDArray[np.float64]:
    """How far what is around an atom is below the mean, in standard deviations."""
    near = neighbours(places, cutoff, lengths)
    weight = np.exp(-((3 * near.distances / cutoff) ** 2) / 2)
    around = np.bincount(near.pairs[:, 0], weight, minlength=len(places))
    return (around.mean() - around) / max(float(around.std()), 1e-12)


def _nearness_to_surface(
    places: NDArray[np.float64], lengths: NDArray[np.float64] | None, cutoff: float
) -> NDArray[np.float64]:
    """Depth below the convex hull in units of the cutoff, negative."""
    from scipy.spatial import ConvexHull

    if lengths is not None:
        msg = "way='surface' in a periodic box, which has none; cut a particle from it first"
        raise ValueError(msg)
    faces = ConvexHull(places).equations
    return np.max([places @ face[:3] + face[3] for face in faces], axis=0) / cutoff

"""Dense random packings of equal spheres: disorder without chemistry, to compare samples with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import check_positive
from ..geometry.neighbours import Neighbours, neighbours
from ..interrupts import explained
from ..kernels import kernel, parts_of, share
from ..memory import check_memory

RANDOM_CLOSE = 0.63  # fraction of space that spheres fill just before a random arrangement jams
_SKIN = 0.3  # the neighbour list reaches this many diameters beyond contact
_SPHERES = 8  # spheres among their neighbours take as long as a simple item


def dense_random_packing(
    count: int,
    density: float,
    *,
    fraction: float = RANDOM_CLOSE,
    seed: int = 0,
    overlap: float = 0.01,
    max_steps: int = 5_000,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Pack equal spheres at random, as densely as they jam, in a periodic cube.

    Parameters
    ----------
    count : int
        Number of spheres.
    density : float
        Number density [1/Å³]; that of the sample to compare with.
    fraction : float
        Share of space that the spheres fill; it fixes their diameter. Random packings jam near 0.64; the
        nearer to that, the longer it takes.
    seed : int
        Seed of the starting positions.
    overlap : float
        Stop when no two spheres overlap by more than this share of a diameter, or no force is left.
    max_steps : int
        Stop after this many steps in any case.

    Returns
    -------
    positions : (count, 3) float64 array
        Centres [Å], within the box.
    box : (3,) float64 array
        Edge lengths [Å].

    Raises
    ------
    ValueError
        If there are fewer than 64 spheres, or `density` or `fraction` are out of range.
    MemoryError
        If the spheres are too many for the memory that is free.

    Notes
    -----
    Points placed at random repel each other while closer than the diameter d, with the energy
    :math:`\frac{1}{2} \sum (1 - r / d)^2`, and move downhill until the overlaps are gone or cannot shrink any
    further (FIRE). A quench this fast leaves no time to crystallise.

    References
    ----------
    C. S. O'Hern et al., Phys. Rev. E 68, 011306 (2003); E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006).

    Examples
    --------
    >>> from helpers.simulation import dense_random_packing
    >>> positions, box = dense_random_packing(64, 0.055, fraction=0.5)
    >>> positions.shape, round(float(64 / box.prod()), 3)
    ((64, 3), 0.055)
    """
    if int(count) != count or count < 64:
        msg = f"count={count!r}; expected a whole number of at least 64 spheres"
        raise ValueError(msg)
    density = check_positive("density", density)
    if not 0 < fraction < 0.74:
        msg = f"fraction={fraction!r}; expected a share of space above 0 and below 0.74, where crystals are"
        raise ValueError(msg)
    check_memory(
        600.0 * count,
        what=f"a packing of {count:.0f} spheres and its list of neighbours",
        instead="take fewer spheres",
    )
    side = (count / density) ** (1 / 3)
    diameter = (6 * fraction / (np.pi * density)) ** (1 / 3)
    box = np.full(3, side / diameter)  # in diameters from here on
    positions = np.random.default_rng(seed).random((int(count), 3)) * box
    with explained(
        lambda: "the packing was stopped before it was at rest and nothing is kept; lower count or max_steps"
    ):
        relaxed = _relax(positions, box, overlap, max_steps)
    return (relaxed % box) * diameter, box * diameter


def _relax(
    positions: NDArray[np.float64], box: NDArray[np.float64], overlap: float, max_steps: int
) -> NDArray[np.float64]:
    """Move downhill in the repulsion energy by damped dynamics (FIRE)."""
    velocity = np.zeros_like(positions)
    step, mixing, downhill = 0.2, 0.1, 0
    found = _list(positions, box)
    origin = positions.copy()
    for _ in range(max_steps):
        if ((positions - origin) ** 2).sum(axis=1).max() > (_SKIN / 2) ** 2:
            found, origin = _list(positions, box), positions.copy()
        force, depth = _repulsion(positions, box, found.offsets, found.indices)
        speed, strength = np.sqrt((velocity**2).sum()), np.sqrt((force**2).sum())
        if depth.max() < overlap or strength < 1e-9 * np.sqrt(len(positions)):
            break
        if (force * velocity).sum() > 0:
            downhill += 1
            velocity = (1 - mixing) * velocity + mixing * speed / strength * force
            if downhill > 5:
                step, mixing = min(step * 1.1, 1.0), mixing * 0.99
        else:
            downhill, step, mixing = 0, step * 0.5, 0.1
            velocity[:] = 0.0
        velocity += step * force
        move = step * velocity
        positions = positions + move * min(1.0, 0.1 / max(np.abs(move).max(), 1e-300))
    return positions


def _repulsion(
    positions: NDArray[np.float64], box: NDArray[np.float64], offsets: NDArray[np.int64], indices: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the force (1 - r) r̂ on every sphere (N, 3) and its deepest overlap (N,); diameters are 1."""
    force, depth = np.zeros_like(positions), np.zeros(len(positions))
    share(_push_all, parts_of(len(positions) // _SPHERES), positions, box, offsets, indices, force, depth)
    return force, depth


def _list(positions: NDArray[np.float64], box: NDArray[np.float64]) -> Neighbours:
    return neighbours(positions, 1 + _SKIN, box)


@kernel(inner=True)
def _push(i, positions, box, offsets, indices, force):
    """Add (1 - r) r̂ from each overlapping neighbour to the force on sphere i; return the deepest overlap."""
    depth = 0.0
    for place in range(offsets[i], offsets[i + 1]):
        j = indices[place]
        x = _across(positions[i, 0] - positions[j, 0], box[0])
        y = _across(positions[i, 1] - positions[j, 1], box[1])
        z = _across(positions[i, 2] - positions[j, 2], box[2])
        square = x * x + y * y + z * z
        if 0.0 < square < 1.0:
            length = np.sqrt(square)
            depth = max(depth, 1 - length)
            force[0] += (1 - length) / length * x
            force[1] += (1 - length) / length * y
            force[2] += (1 - length) / length * z
    return depth


@kernel(inner=True)
def _across(x, side):
    """Distance to the nearest image along an axis."""
    return x - side * np.rint(x / side)


@kernel
def _push_all(part, parts, positions, box, offsets, indices, force, depth):
    """`_push` the spheres of a part."""
    n = len(positions)
    for i in range(n * part // parts, n * (part + 1) // parts):
        depth[i] = _push(i, positions, box, offsets, indices, force[i])

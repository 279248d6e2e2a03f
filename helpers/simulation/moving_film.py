"""Films with a known truth whose atoms need not hold still while they are imaged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import TiltSeries
from ..atoms import simulate_images
from ..checks import check_positions, check_positive
from ..digits import counted
from ..geometry.rotations import check_euler, rotation_matrices
from ..memory import check_memory

_BEYOND = 6.0  # atoms so far outside the images do not reach into them [Å]
_MODES = 200  # waves that a common motion is made of
_LEAST = 0.1  # weight below which no atom falls


@dataclass(frozen=True, eq=False)
class MovingFilm:
    """Atoms of a film at each tilt.

    Attributes
    ----------
    positions : (T, N, 3) array
        Where the atoms are at each tilt [Å].
    weights : (T, N) array
        Their weights.
    shifts : (T, 2) array
        Displacement of each image [px].
    angles : (T, 3) array
        True Euler angles [degrees].
    element : str
        Chemical symbol.
    B : float
        Damping [Å²].
    """

    positions: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    shifts: NDArray[np.float64] = field(repr=False)
    angles: NDArray[np.float64]
    element: str
    B: float

    @property
    def mean(self) -> NDArray[np.float64]:
        """(N, 3) mean position of each atom [Å]."""
        mean: NDArray[np.float64] = self.positions.mean(axis=0)
        return mean

    def image(
        self,
        shape: tuple[int, int],
        pixel_size: float,
        *,
        centre: ArrayLike = (0.0, 0.0, 0.0),
        noise: float = 0.0,
        seed: int = 0,
    ) -> TiltSeries:
        """Image an area of the film.

        Parameters
        ----------
        shape : (int, int)
            Pixels of an image along x and y.
        pixel_size : float
            Edge of a pixel [Å].
        centre : (3,) array
            Where the area's middle lies [Å]; at every tilt it is shown in the middle of the image.
        noise : float
            Standard deviation of white noise, of the mean signal.
        seed : int
            Seed of the noise.

        Returns
        -------
        TiltSeries
        """
        size = check_positive("pixel_size", pixel_size)
        middle = np.asarray(centre, dtype=float)
        reach = np.asarray(shape) * size / 2 + _BEYOND
        images = np.empty((len(self.angles), *shape), np.float32)
        for t, axes in enumerate(rotation_matrices(self.angles)[:, :, :2]):
            atoms = self.positions[t] - middle + axes @ (self.shifts[t] * size)
            near = (np.abs(atoms @ axes) < reach).all(axis=1)
            images[t] = simulate_images(
                atoms[near], self.angles[t : t + 1], shape, size, self.element, self.weights[t, near], self.B
            )[0]
        scatter = np.random.default_rng(seed).normal(0, noise * images.mean(dtype=float), images.shape)
        return TiltSeries((images + scatter).astype(np.float32), self.angles, size)


def move_film(
    positions: ArrayLike,
    angles: ArrayLike,
    *,
    element: str = "Ta",
    B: float = 6.0,
    walk: float = 0.0,
    together: float = 0.0,
    flicker: float = 0.0,
    shift: float = 0.0,
    seed: int = 0,
) -> MovingFilm:
    """Let the atoms of a film move while a tilt series is taken.

    Parameters
    ----------
    positions : (N, 3) array
        Mean positions [Å].
    angles : (T,) or (T, 3) array
        Tilt angles in the order of the images [degrees].
    element : str
        Chemical symbol.
    B : float
        Damping, as in `atoms.simulate_images` [Å²].
    walk : float
        How far an atom gets during the series by equal random steps, r.m.s. along an axis [Å].
    together : float
        Distance over which atoms move together; 0 lets each go its own way [Å].
    flicker : float
        How far an atom's weight gets, of 1, by random steps of its own, r.m.s.
    shift : float
        Standard deviation of each image's displacement along an axis [px].
    seed : int
        Seed of all of them.

    Returns
    -------
    MovingFilm

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import move_film
    >>> film = move_film([[0, 0, 0], [3.0, 0, 0]], np.linspace(-60, 60, 9), walk=0.3, seed=1)
    >>> film.positions.shape, bool(np.allclose(film.mean, [[0, 0, 0], [3, 0, 0]]))
    ((9, 2, 3), True)
    >>> film.image((31, 25), 0.4).images.shape
    (9, 31, 25)
    """
    atoms = check_positions(positions)
    euler = check_euler(angles)
    tilts, count = len(euler), len(atoms)
    check_memory(
        100.0 * tilts * count,
        what=f"the paths of {counted(count, 'atom')} over {counted(tilts, 'tilt')}",
        instead="take fewer of either",
    )
    random = np.random.default_rng(seed)
    steps = np.zeros((tilts, 1, 3))
    if walk and together:
        waves = random.normal(0, 1 / check_positive("together", together), (_MODES, 3))
        phases = random.uniform(0, 2 * np.pi, _MODES)
        modes = np.cos(atoms @ waves.T + phases) * np.sqrt(2 / _MODES)
        steps = np.einsum("nm,tmk->tnk", modes, random.normal(size=(tilts, _MODES, 3)), optimize=True)
    elif walk:
        steps = random.normal(size=(tilts, count, 3))
    paths = _walk(steps, walk)
    weights = 1.0 + np.broadcast_to(
        _walk(random.normal(size=(tilts, count if flicker else 1)), flicker), (tilts, count)
    )
    shifts = random.normal(size=(tilts, 2)) * shift
    return MovingFilm(atoms + paths, np.maximum(weights, _LEAST), shifts, euler, element, float(B))


def _walk(steps: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Paths about zero whose ends are `length` apart, r.m.s., where the steps have unit variance."""
    paths = np.cumsum(steps, axis=0) * (length / np.sqrt(max(len(steps) - 1, 1)))
    centred: NDArray[np.float64] = paths - paths.mean(axis=0)
    return centred

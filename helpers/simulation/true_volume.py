"""The volume that a perfect tomography of an atomic model would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Volume
from ..checks import check_elements, check_positions, check_positive
from ..memory import check_memory
from ..scattering import damped_factor

_BATCH = 256  # atoms whose waves are added at once


def true_volume(
    positions: ArrayLike,
    shape: tuple[int, int, int],
    voxel_size: float,
    *,
    element: str | Sequence[str] = "Ta",
    B: float = 6.0,
) -> Volume:
    """Put atoms on a grid, each as the virtual microscope would see it in three dimensions.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions; zero is the voxel n // 2 of each axis [Å].
    shape : (int, int, int)
        Voxels along x, y and z.
    voxel_size : float
        Edge of a voxel [Å].
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    B : float
        Damping exp(−B q²) of the scattering factor [Å²], as in `acquire`.

    Returns
    -------
    Volume
        float32; an atom adds up to its f(0) [Å].

    Raises
    ------
    ValueError
        If positions are not finite or a parameter makes no sense.
    MemoryError
        If the volume is too large for the memory that is free.

    Notes
    -----
    V = Σ_j ∫ f(q) exp(−B q²) exp(2πi q·(r − r_j)) d³q, summed exactly over the frequencies of the grid. Atoms near a
    face reach round to the opposite one.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.simulation import true_volume
    >>> volume = true_volume([[0.0, 0.0, 0.8]], (16, 16, 20), 0.4)
    >>> [int(i) for i in np.unravel_index(volume.array.argmax(), volume.array.shape)]
    [8, 8, 12]
    """
    atoms = check_positions(positions)
    size = check_positive("voxel_size", voxel_size)
    damping = check_positive("B", B)
    if len(shape) != 3 or min(shape) < 1:
        msg = f"shape={shape!r}; expected three positive whole numbers"
        raise ValueError(msg)
    names = np.array(check_elements(element, len(atoms)))
    waves_bytes = 8.0 * shape[0] * shape[1] * (shape[2] // 2 + 1)
    check_memory(
        6 * waves_bytes + 8.0 * _BATCH * sum(shape) + 16.0 * _BATCH * shape[0] * shape[1],
        what=f"the waves of a volume of {' × '.join(map(str, shape))} voxels",
        instead="lower shape or take larger voxels",
    )
    q = [np.fft.fftfreq(n, size) for n in shape[:2]] + [np.fft.rfftfreq(shape[2], size)]
    squared = q[0][:, None, None] ** 2 + q[1][:, None] ** 2 + q[2] ** 2
    spectrum = np.zeros(squared.shape, np.complex64)
    for name in np.unique(names):
        kind = atoms[names == name]
        waves = np.zeros((squared.shape[0] * squared.shape[1], squared.shape[2]), np.complex64)
        for start in range(0, len(kind), _BATCH):
            part = kind[start : start + _BATCH]
            x, y, z = (
                np.exp(-2j * np.pi * np.outer(part[:, i] + (shape[i] // 2) * size, q[i])).astype(np.complex64)
                for i in range(3)
            )
            waves += (x[:, :, None] * y[:, None, :]).reshape(len(part), -1).T @ z
        spectrum += waves.reshape(squared.shape) * damped_factor(str(name), damping, np.sqrt(squared))
    return Volume(np.fft.irfftn(spectrum, shape, axes=(0, 1, 2)).astype(np.float32), size)

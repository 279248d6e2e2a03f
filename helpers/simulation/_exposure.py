"""Kernels of the virtual microscope: what falls on each pixel while the beam scans and the sample drifts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, share


def expose(
    atoms: NDArray[np.float64],
    species: NDArray[np.int64],
    table: NDArray[np.float64],
    reach: float,
    centres: NDArray[np.float64],
    velocities: NDArray[np.float64],
    size: tuple[int, int],
    slow_axis: int,
    terms: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the electrons expected in every frame (T, F, X, Y).

    They are Σ_j p(|x − d(t) − x_j|²) over the atoms, with the displacement d(t) = centre + velocity (t − ½).
    """
    tilts, frames = centres.shape[:2]
    out = np.empty((tilts, frames, *size), np.float32)
    share(_scan, tilts * frames, atoms, species, table, reach, centres, velocities, slow_axis, terms, out)
    return out


@kernel
def _ground(terms, x, y):
    """Background at x, y in half-fields: level (1 + a x + b y + c cos(kx + α) cos(ky + β))."""
    wave = terms[3] * np.cos(terms[6] * x + terms[4]) * np.cos(terms[6] * y + terms[5])
    return max(0.0, terms[0] * (1.0 + terms[1] * x + terms[2] * y + wave))


@kernel(inner=True)
def _scan_one(atoms, species, table, reach, centre, velocity, slow_axis, terms, frame):
    """Add background and atoms (N, 2) to one frame (X, Y) of zeros."""
    nx, ny = frame.shape
    last = table.shape[1] - 1
    scale = last / (reach * reach)
    slow = nx if slow_axis == 0 else ny
    cx, cy = centre[0] + nx // 2, centre[1] + ny // 2
    vx, vy = velocity[0] / slow, velocity[1] / slow
    if terms[0] > 0:
        for i in range(nx):
            for j in range(ny):
                line = (i if slow_axis == 0 else j) - 0.5 * slow
                frame[i, j] = _ground(terms, 2 * (i - cx - vx * line) / nx, 2 * (j - cy - vy * line) / ny)
    wide_x = reach + 0.5 * abs(velocity[0])
    wide_y = reach + 0.5 * abs(velocity[1])
    for n in range(len(atoms)):
        x, y, kind = atoms[n, 0] + cx, atoms[n, 1] + cy, species[n]
        i0, i1 = max(0, int(np.ceil(x - wide_x))), min(nx - 1, int(np.floor(x + wide_x)))
        j0, j1 = max(0, int(np.ceil(y - wide_y))), min(ny - 1, int(np.floor(y + wide_y)))
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                line = (i if slow_axis == 0 else j) - 0.5 * slow
                dx, dy = i - x - vx * line, j - y - vy * line
                place = (dx * dx + dy * dy) * scale
                if place < last:
                    k = int(place)
                    frame[i, j] += table[kind, k] + (place - k) * (table[kind, k + 1] - table[kind, k])


@kernel
def _scan(part, parts, atoms, species, table, reach, centres, velocities, slow_axis, terms, out):
    """Expose the frames of a part, in double precision each."""
    tilts, frames, nx, ny = out.shape
    for image in range(part, tilts * frames, parts):
        t, f = image // frames, image % frames
        frame = np.zeros((nx, ny))
        _scan_one(atoms[t], species, table, reach, centres[t, f], velocities[t], slow_axis, terms[t], frame)
        for i in range(nx):
            for j in range(ny):
                out[t, f, i, j] = frame[i, j]

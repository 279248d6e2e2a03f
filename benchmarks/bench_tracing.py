"""Tracing beside scikit-image's peak_local_max, scipy's maximum filter and trackpy: time, memory, atoms missed.

``sub-area`` is a volume of the size of the film's first area with some 2,000 atoms, ``large`` one of 280³ voxels with
20,000: jittered lattices of Gaussians with noise. Goals: sub-area under 3 s and 300 MB, large under 4 s. The peers get
the same smoothed volume and our threshold, and find voxels only; ``error`` is the share of the atoms that have no peak
within 1 Å, false ones not counted. Peers that are not installed are left out: ``pip install trackpy``.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from timing import QUICK, Case, compare

from helpers import Volume, atoms

VOXEL = 0.3216
SHAPES = {"sub-area": (131, 61, 131), "large": (120, 120, 120) if QUICK else (280, 280, 280)}
SPACING = {"sub-area": 2.7, "large": 3.15}  # of the lattice [Å]


def scene(task: str) -> tuple[Volume, np.ndarray]:
    """Atoms on a jittered lattice with noise, and where they are."""
    shape, spacing = np.array(SHAPES[task]), SPACING[task]
    rng = np.random.default_rng(0)
    counts = ((shape * VOXEL - 4) / spacing).astype(int)
    places = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in counts], indexing="ij"), axis=-1)
    places = places.reshape(-1, 3) * spacing + rng.normal(0, 0.2, (np.prod(counts), 3))
    array = np.zeros(shape, np.float32)
    window = np.arange(-6, 7)
    for place in places / VOXEL + shape // 2:
        voxel = np.rint(place).astype(int)
        cut = tuple(slice(max(v - 6, 0), v + 7) for v in voxel)
        lines = [np.exp(-(((window + v - p) * VOXEL) ** 2) / 0.7) for v, p in zip(voxel, place, strict=True)]
        lines = [line[max(6 - v, 0) :][: n - max(v - 6, 0)] for line, v, n in zip(lines, voxel, shape, strict=True)]
        array[cut] += lines[0][:, None, None] * lines[1][:, None] * lines[2]
    array += rng.normal(0, 0.15, shape).astype(np.float32)
    return Volume(array, VOXEL), places


def missed(task: str):
    """Return the share of atoms without a peak."""

    def error(positions: np.ndarray) -> float:
        return 1 - atoms.compare(positions, scene(task)[1]).fraction

    return error


def prepare_ours(task: str, rule: str):
    def prepare():
        volume, _ = scene(task)
        atoms.trace(Volume(volume.array[:20, :20, :20], VOXEL), rule=rule)
        return lambda: atoms.trace(volume, rule=rule).positions

    return prepare


def prepare_skimage(task: str):
    def prepare():
        from skimage.feature import peak_local_max

        volume, _ = scene(task)
        limit = atoms.trace(Volume(volume.array[:60, :60, :60], VOXEL)).threshold

        def call():
            smooth = gaussian_filter(volume.array, 0.3 / VOXEL, mode="constant")
            found = peak_local_max(smooth, min_distance=5, threshold_abs=limit, exclude_border=False)
            return (found - volume.centre) * VOXEL

        return call

    return prepare


def prepare_scipy(task: str):
    def prepare():
        volume, _ = scene(task)
        limit = atoms.trace(Volume(volume.array[:60, :60, :60], VOXEL)).threshold

        def call():
            smooth = gaussian_filter(volume.array, 0.3 / VOXEL, mode="constant")
            found = np.argwhere((smooth == maximum_filter(smooth, 3)) & (smooth > limit))
            return (found - volume.centre) * VOXEL

        return call

    return prepare


def prepare_trackpy(task: str):
    def prepare():
        import trackpy

        volume, _ = scene(task)

        def call():
            found = trackpy.locate(volume.array, diameter=7, separation=5, percentile=50, max_iterations=10)
            return (found[["z", "y", "x"]].to_numpy() - volume.centre) * VOXEL

        return call

    return prepare


CASES = [
    Case(task, program, prepare, missed(task), repeats=1 if program == "published" else None)
    for task in SHAPES
    for program, prepare in {
        "ours": prepare_ours(task, "ours"),
        **({"published": prepare_ours(task, "published")} if task == "sub-area" else {}),
        "scikit-image": prepare_skimage(task),
        "scipy": prepare_scipy(task),
        "trackpy": prepare_trackpy(task),
    }.items()
]

if __name__ == "__main__":
    errors = dict.fromkeys(SHAPES, "share of atoms missed")
    compare("Tracing", CASES, repeats=3, errors=errors)

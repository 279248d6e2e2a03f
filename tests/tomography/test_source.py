"""Compiled kernels against their own source: the same calls with and without numba's compiler."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from helpers import TiltSeries
from helpers.imaging.verdicts import DoubtWarning
from helpers.tomography import back_project, project, reconstruct
from helpers.tomography.fourier import FourierProjector

# Rows on rows, short and long runs, voxel by voxel, beyond the rim: every branch.
ANGLES = np.array([[0, 0, 0], [0, 37, 0], [0.2, -63, 0.4], [-5, 20, 4], [9, 50, -8], [90, 20, 3], [10, 80, -70]])


def results():
    """Every kernel of the stage on a tiny object without equal sides."""
    rng = np.random.default_rng(3)
    volume = rng.random((6, 7, 5), dtype=np.float32)
    images = rng.random((len(ANGLES), 5, 8), dtype=np.float32)
    shifts = rng.normal(scale=0.7, size=(len(ANGLES), 2))
    series = TiltSeries(project(volume, ANGLES), ANGLES, 1.0)
    found = {
        "projected": project(volume, ANGLES, (5, 8), shifts=shifts),
        "back-projected": back_project(images, ANGLES, volume.shape, shifts=shifts),
        "Fourier": FourierProjector(ANGLES, volume.shape, (5, 8)).project(volume.transpose(2, 0, 1).copy()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtWarning)  # noise that fills the images looks like a background
        for edges in ("inside", "shared"):
            for fast in (True, False):
                options = {"iterations": 3, "accelerate": fast, "edges": edges, "progress": False}
                found[f"reconstructed {edges} {fast}"] = reconstruct(series, shape=volume.shape, **options).volume.array
    return found


def test_compiled_kernels_equal_their_source(tmp_path):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, __file__, tmp_path / "source.npz"], check=True, env=environment)
    with np.load(tmp_path / "source.npz") as source:
        for name, compiled in results().items():
            # a few dozen roundings of single precision, in another order
            np.testing.assert_allclose(compiled, source[name], atol=2e-5 * source[name].max(), err_msg=name)


if __name__ == "__main__":
    np.savez(Path(sys.argv[1]), **results())

"""What simulations refuse before they allocate it, and what they say when stopped."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import memory
from helpers.simulation import (
    acquire,
    dense_random_packing,
    diffraction,
    diffraction_pattern,
    move_film,
    multislice,
    multislice_images,
    random_packing,
    structure_factor,
    true_volume,
)

ATOMS = np.array([[-1.6, 0.8, 2.0], [1.2, -1.0, -2.0], [0.0, 3.0, 0.0]])
MICROSCOPE = {"pixel_size": 0.4, "shape": (17, 15), "progress": False}


@pytest.mark.parametrize(
    "call",
    [
        lambda: acquire(ATOMS, [0.0], shape=10**6),
        lambda: acquire(ATOMS, [0.0], pixel_size=1e-4),
        lambda: acquire(ATOMS, [0.0], frames=10**7),
        lambda: true_volume(ATOMS, (4000, 4000, 4000), 0.4),
        lambda: move_film(np.zeros((10**6, 3)), np.linspace(-60, 60, 100), walk=0.1),
        lambda: dense_random_packing(10**9, 0.055),
        lambda: structure_factor(ATOMS * 1e5, [1e6]),
        lambda: structure_factor(ATOMS * 1e5, [1e6], method="directions"),
        lambda: structure_factor(ATOMS, [1.0], 1e9, r_max=4e8),
        lambda: diffraction_pattern(ATOMS, "Ta", shape=10**5),
    ],
)
def test_what_exceeds_the_memory_is_refused_before_it_is_allocated(call, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 5e8)
    with pytest.raises(MemoryError, match=r"would take [\d.,]+ [MGT]B of memory but 500 MB are free; \w+"):
        call()


def test_waves_that_exceed_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(multislice, "_load", lambda: None)  # abTEM is not needed to say so
    monkeypatch.setattr(memory, "free_memory", lambda: 2e9)
    with pytest.raises(MemoryError, match=r"the waves of 17 × 15 beam positions would take .*narrow the detector"):
        multislice_images(ATOMS, [0.0], "Ta", detector=(30.0, 1e5), **MICROSCOPE)


def test_a_reach_beyond_a_finite_sample_is_refused():
    with pytest.raises(ValueError, match="r_max=1e\\+09 Å exceeds the sample's extent of 4 Å; lower it"):
        structure_factor(ATOMS, [1.0], method="pairs", r_max=1e9)


def stop(*_, **__):
    raise KeyboardInterrupt


def test_a_simulation_that_is_stopped_says_what_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(multislice, "_load", lambda: None)
    seen = []

    def image(*_):
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return np.full((17, 15), float(len(seen)), np.float32)

    monkeypatch.setattr(multislice._Setup, "image", image)
    path = tmp_path / "images.h5"
    options = {**MICROSCOPE, "detector": (30.0, 70.0), "blur": 0.0}
    with pytest.raises(KeyboardInterrupt, match=r"after 2 of 4 tilts; .*images\.h5 keeps them, and the same call goes"):
        multislice_images(ATOMS, [0.0, 20.0, 40.0, 60.0], "Ta", checkpoint=path, **options)
    series = multislice_images(ATOMS, [0.0, 20.0, 40.0, 60.0], "Ta", checkpoint=path, **options)
    assert series.images[:, 0, 0].tolist() == [1.0, 2.0, 4.0, 5.0]
    seen[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt, match=r"after 0 of 4 tilts and nothing is kept; pass checkpoint="):
        multislice_images(ATOMS, [0.0, 20.0, 40.0, 60.0], "Ta", **options)


def test_calculations_without_a_state_say_so(monkeypatch):
    monkeypatch.setattr(random_packing, "_repulsion", stop)
    with pytest.raises(KeyboardInterrupt, match="the packing was stopped before it was at rest and nothing is kept"):
        dense_random_packing(64, 0.055)
    monkeypatch.setattr(diffraction, "_wave", stop)
    with pytest.raises(KeyboardInterrupt, match="stopped after 0 of 100 orientations and nothing is kept"):
        diffraction_pattern(ATOMS, "Ta", shape=32, step=0.3)

"""Multislice images of a few atoms: where they are, how bright, and what a checkpoint keeps."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers import store
from helpers.simulation import multislice_images
from helpers.simulation.multislice import _Setup

ATOMS = np.array([[-1.6, 0.8, 2.0], [1.2, -1.0, -2.0]])
# a coarse grid, a narrow detector and few beam positions: seconds instead of hours
QUICK = {"pixel_size": 0.4, "shape": (17, 15), "detector": (30.0, 70.0), "blur": 0.0, "progress": False}


@pytest.fixture(scope="module")
def series():
    pytest.importorskip("abtem", reason="abTEM is not installed: pip install 'amorphous-packing[multislice]'")
    return multislice_images(ATOMS, [0.0, 60.0], "Ta", **QUICK)


def centroid(image, near, pixel=0.4):
    """Centre of the light around a place [Å]."""
    x, y = np.meshgrid(*(pixel * (np.arange(n) - n // 2) for n in image.shape), indexing="ij")
    weight = image * (np.hypot(x - near[0], y - near[1]) < 1.2)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_atoms_are_where_the_geometry_of_the_book_puts_them(series):
    for image, theta in zip(series.images, np.deg2rad([0.0, 60.0]), strict=True):
        for x, y, z in ATOMS:
            place = np.array([x * np.cos(theta) - z * np.sin(theta), y])
            # pixels of 0.4 Å sample an atom of 0.6 Å, and a square of light has no more than a tenth of a pixel of bias
            assert_allclose(centroid(image, place), place, atol=0.06)


def test_images_are_fractions_of_the_beam(series):
    assert series.images.dtype == np.float32
    assert series.images.min() >= 0
    assert 0.005 < series.images.max() < 0.5


def test_plane_waves_and_beams_agree(series):
    waves = multislice_images(ATOMS, [0.0], "Ta", interpolation=1, **QUICK)
    beams = multislice_images(ATOMS, [0.0], "Ta", interpolation=0, **QUICK)
    # the same physics; the wave matrix is cut at the antialiasing limit
    assert_allclose(waves.images, beams.images, atol=0.02 * beams.images.max())


def test_blur_keeps_the_light(series):
    wide = multislice_images(ATOMS, [0.0], "Ta", **{**QUICK, "blur": 0.4})
    assert wide.images.max() < series.images[0].max()
    assert wide.images.sum() == pytest.approx(series.images[0].sum(), rel=0.02)


def test_a_checkpoint_goes_on_and_refuses_other_atoms(series, tmp_path, monkeypatch):
    path = tmp_path / "images.h5"
    whole = multislice_images(ATOMS, [0.0, 60.0], "Ta", checkpoint=path, **QUICK)
    assert_allclose(whole.images, series.images, rtol=1e-5)
    with store.open_hdf5(path) as file:
        images, done = file["images"][()], file["done"][()]
    note = store.load_note(path)
    images[1], done[1] = 0, False
    with store.new_hdf5(path, note) as file:
        file.create_dataset("images", data=images)
        file.create_dataset("done", data=done)
    calls = []
    real = _Setup.image
    monkeypatch.setattr(_Setup, "image", lambda self, *args: calls.append(1) or real(self, *args))
    again = multislice_images(ATOMS, [0.0, 60.0], "Ta", checkpoint=path, **QUICK)
    assert len(calls) == 1
    assert_allclose(again.images, whole.images, rtol=1e-5)
    with pytest.raises(ValueError, match=r"images\.h5 was made"):
        multislice_images(ATOMS + 0.1, [0.0, 60.0], "Ta", checkpoint=path, **QUICK)


def setup(**change):
    given = {
        "symbols": ["Ta"], "pixel_size": 0.4, "shape": (100, 100), "energy": 300.0, "convergence": 25.0,
        "detector": (30.0, 200.0), "slice_thickness": 2.0, "phonons": 0, "thermal": 0.0, "seed": 0,
    }  # fmt: skip
    return _Setup(**{**given, **change})


def test_wavelength_and_grid():
    assert setup().wavelength == pytest.approx(0.019687, rel=1e-4)  # tabulated for 300 kV
    assert setup(energy=200.0).wavelength == pytest.approx(0.025079, rel=1e-4)
    box = np.array([46.0, 40.0])
    grid = setup().grid(box, 4)
    assert all(n % 4 == 0 for n in grid)
    for n, b in zip(grid, box, strict=True):  # two thirds of the Nyquist frequency still holds the outer angle
        assert 2 / 3 * setup().wavelength * n / (2 * b) > 0.2


def test_plane_waves_are_taken_where_they_are_fewer():
    assert setup().interpolation(np.array([46.0, 46.0]), 40.0) == 4
    assert setup(shape=(4, 4)).interpolation(np.array([8.0, 8.0]), 6.0) == 0


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "abtem", None)
    with pytest.raises(ImportError, match=r"pip install 'amorphous-packing\[multislice\]'"):
        multislice_images(ATOMS, [0.0], "Ta", **QUICK)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"detector": (80.0, 30.0)}, "larger outer angle"),
        ({"blur": -1.0}, "blur=-1.0"),
        ({"phonons": -1}, "phonons=-1"),
        ({"interpolation": -2}, "interpolation=-2"),
        ({"pixel_size": 0.0}, "pixel_size"),
        ({"element": ["Ta", "Ta", "Pd"]}, "names 3 atoms but positions holds 2"),
        ({"positions": np.empty((0, 3))}, "0 atoms"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        multislice_images(**{"positions": ATOMS, "angles": [0.0], "element": "Ta", **QUICK, **change})

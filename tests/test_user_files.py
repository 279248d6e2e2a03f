"""Tilt series as users have them: images in any format, angles beside them, described in a TOML file of their own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from microscope_files import write_stack

import helpers
from helpers import AngleUnitWarning, imaging, simulation
from helpers.readers import PixelSizeWarning
from helpers.tomography import TiltAxisWarning

ANGLES = np.linspace(-60.0, 60.0, 9)
STATING = (".mrc", ".dm3", ".emd", ".h5")  # formats that keep the size of a pixel
PIXEL = 0.4


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Nine images (T, X, Y) of 15 random atoms, wider along x than along y so that swapped axes show."""
    atoms = np.random.default_rng(3).uniform(-6, 6, (15, 3))
    raw = simulation.acquire(atoms, ANGLES, shape=(56, 48), misalignment=0.0, angle_error=0.0, background=0.0, seed=2)
    return raw.truth.images


def own(folder, name, images, *, angles="a.rawtlt", stated=None, pixel_size=PIXEL):
    """Write the files of a sample called Mine, and load it."""
    write_stack(folder / name, images, stated)
    if not (folder / angles).exists():
        (folder / angles).write_text("\n".join(f"{a:.2f}" for a in ANGLES) + "\n")
    size = f"pixel_size = {pixel_size}\n" if pixel_size else ""
    (folder / "my.toml").write_text(
        f'[Mine]\nelements = ["Ta"]\nkind = "particle"\n{size}files.tilt_series = "{name}"\nfiles.angles = "{angles}"\n'
    )
    return helpers.load_sample("Mine", file=folder / "my.toml")


@pytest.mark.parametrize("suffix", [".mrc", ".dm3", ".emd", ".tif", ".tiff", ".h5", ".npy"])
def test_every_format_gives_the_same_series(tmp_path, images, suffix):
    stated = PIXEL if suffix in STATING else None
    sample = own(tmp_path, f"s{suffix}", images, stated=stated, pixel_size=None if stated else PIXEL)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        series = sample.tilt_series()
    np.testing.assert_array_equal(series.images, images)  # float32 is kept as it is
    np.testing.assert_array_equal(series.angles, ANGLES)
    assert series.pixel_size == pytest.approx(PIXEL, rel=1e-6)  # DM3 keeps single precision


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "# tilt\n" + "\n".join(map(str, ANGLES))),
        ("a.tlt", "\n".join(f"  {a:8.2f}" for a in ANGLES)),
        ("a.csv", "phi,theta,psi\n" + "\n".join(f"0,{a},0" for a in ANGLES)),
    ],
)
def test_angles_of_any_kind(tmp_path, images, name, text):
    (tmp_path / name).write_text(text)
    series = own(tmp_path, "s.mrc", images, angles=name, stated=PIXEL).tilt_series()
    np.testing.assert_array_equal(series.euler[:, 1], ANGLES)


def test_counts_must_match(tmp_path, images):
    with pytest.raises(ValueError, match="s.mrc: 8 images but 9 angles; one angle per image is needed"):
        own(tmp_path, "s.mrc", images[1:]).tilt_series()
    with pytest.raises(ValueError, match=r"s.npy: 48 images but 9 angles; .*moveaxis\(images, -1, 0\)"):
        own(tmp_path, "s.npy", np.moveaxis(images, 0, -1)[:48]).tilt_series()


def test_angles_in_radians_are_noticed(tmp_path, images):
    (tmp_path / "rad.txt").write_text("\n".join(map(str, np.deg2rad(ANGLES))))
    with pytest.warns(AngleUnitWarning, match=r"1.05 degrees; if these are radians, pass numpy.rad2deg"):
        own(tmp_path, "s.mrc", images, angles="rad.txt").tilt_series()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "s.h5: 1 of 9 images holds NaN or infinity, the first at index 4"),
        (7.0, "s.h5 is constant in 1 of 9 images, the first at index 4; leave these images and their angles out"),
    ],
)
def test_bad_images_are_named(tmp_path, images, value, message):
    bad = images.copy()
    bad[4] = value
    with pytest.raises(ValueError, match=message):
        own(tmp_path, "s.h5", bad).tilt_series()


def test_another_pixel_size_than_the_file_states(tmp_path, images):
    with pytest.warns(PixelSizeWarning, match="s.mrc states pixels of 0.4 Å but pixel_size=0.07 Å"):
        assert own(tmp_path, "s.mrc", images, stated=PIXEL, pixel_size=0.07).tilt_series().pixel_size == 0.07


def test_an_unknown_pixel_size_is_asked_for(tmp_path, images):
    with pytest.raises(ValueError, match="s.tif does not state its pixel size"):
        own(tmp_path, "s.tif", images, pixel_size=None).tilt_series()


def test_a_tilt_axis_along_x_is_noticed(tmp_path, images):
    series = own(tmp_path, "s.npy", np.swapaxes(images, 1, 2)).tilt_series()
    with pytest.warns(TiltAxisWarning, match=r"pass numpy.swapaxes\(images, 1, 2\)"):
        imaging.align(series, rounds=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        imaging.align(own(tmp_path, "s.mrc", images).tilt_series(), rounds=0)


def test_a_single_image_is_no_series(tmp_path, images):
    with pytest.raises(ValueError, match=r"s.npy holds an array of shape \(56, 48\), a single image; expected"):
        own(tmp_path, "s.npy", images[0]).tilt_series()


def test_own_series_goes_through_to_a_volume(tmp_path, images):
    sample = own(tmp_path, "s.dm3", images, stated=PIXEL, pixel_size=None)
    volume = helpers.tomography.reconstruct(imaging.align(sample.tilt_series()).series, iterations=3).volume
    assert volume.voxel_size == pytest.approx(PIXEL)
    assert volume.array.max() > 5 * volume.array.std()

"""The public door: images and tilt series are taken, or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from said import nothing_said, of_kind

from helpers import TiltSeries
from helpers.series import TiltAxisWarning, axis_evidence, check_images, check_series, check_tilts

IMAGES = np.random.default_rng(0).random((5, 9, 12))


def particle(tilts=9):
    """Images of three points that turn about y."""
    angles = np.linspace(-60, 60, tilts)
    x, y = np.mgrid[:40, :40] - 20.0
    points = np.array([[8.0, -9.0, 2.0], [-5.0, 3.0, 7.0], [1.0, 10.0, -8.0]])
    turned = np.cos(np.deg2rad(angles))[:, None] * points[:, 0] - np.sin(np.deg2rad(angles))[:, None] * points[:, 2]
    across = (x[..., None] - turned[:, None, None]) ** 2
    return np.exp(-(across + (y[..., None] - points[:, 1]) ** 2) / 6).sum(axis=-1), angles


@pytest.mark.parametrize("kind", [np.float64, np.int16, np.float32])
def test_images_become_contiguous_single_precision(kind):
    images = (100 * IMAGES).astype(kind)[:, ::-1]
    found = check_images(images)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, images.astype(np.float32))


def spoilt(value, *indices):
    images = IMAGES.copy()
    for index in indices:
        images[index] = value
    return images


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (IMAGES[0, 0], {}, r"images has shape \(12,\); expected \(X, Y\) or \(T, X, Y\)"),
        (IMAGES, {"ndim": (4,), "name": "frames"}, r"frames has shape \(5, 9, 12\); expected \(T, F, X, Y\)"),
        (IMAGES[:0], {}, r"shape \(0, 9, 12\)"),
        (IMAGES[:, :7], {}, "7×12 px; expected at least 8×8"),
        (spoilt(np.nan, (2, 3, 4), (4, 0, 0)), {}, "NaN or infinity in 2 of 5 images, the first at index 2"),
        (spoilt(np.inf, (1, 3, 4)), {}, "NaN or infinity in 1 of 5 images, at index 1"),
        (spoilt(-np.inf, (1, 8, 11)), {"contrast": False}, "NaN or infinity in 1 of 5"),
        (spoilt(np.inf, 3), {}, "NaN or infinity"),
        (spoilt(2.0, 1, 3), {}, "hold 2 constant images of 5, the first at index 1; leave them out"),
        (np.zeros((9, 9)), {"name": "image"}, r"image is constant \(0 everywhere\); expected an image"),
        (spoilt(np.nan, 0)[0], {"name": "image"}, "image holds NaN or infinity; repair it"),
        (IMAGES[0, :, :5], {"name": "image"}, "image is 9×5 px; expected at least 8×8"),
        (np.ma.masked_greater(IMAGES, 0.9), {}, r"images is masked in .* places; expected real counts \(X, Y\) or"),
        (IMAGES + 0j, {}, "images holds complex numbers; expected real counts"),
        ("no", {}, "images holds values of type"),
        ([[1.0], [1.0, 2.0]], {}, "images is no array of numbers"),
    ],
)
def test_bad_images_are_named(images, options, message):
    with pytest.raises(ValueError, match=message):
        check_images(images, **options)


def test_frames_are_counted_one_by_one():
    frames = np.stack([IMAGES, spoilt(0.0, 2)])
    with pytest.raises(ValueError, match="hold 1 constant image of 10, at tilt 1, frame 2; leave it out"):
        check_images(frames, ndim=(4,))
    assert check_images(frames, ndim=(4,), contrast=False).shape == (2, 5, 9, 12)


def test_bad_series_are_named():
    with pytest.raises(TypeError, match=r"got ndarray; expected helpers.TiltSeries\(images, angles, pixel_size\)"):
        check_series(IMAGES)
    with pytest.raises(ValueError, match="holds 2 images; expected at least 3"):
        check_series(TiltSeries(IMAGES[:2], [0.0, 40.0], 0.4), minimum=3)
    with pytest.raises(ValueError, match="all 5 angles are equal"):
        check_tilts(TiltSeries(IMAGES, np.full(5, 30.0), 0.4))
    with pytest.raises(ValueError, match="2 of 5 images are constant, the first at index 1"):
        check_series(TiltSeries(spoilt(2.0, 1, 3), np.arange(0, 50, 10), 0.4))


def test_the_wrong_axis_is_told_from_the_right_one():
    images, angles = particle()
    assert axis_evidence(images) < 0.1
    assert axis_evidence(np.swapaxes(images, 1, 2)) > 10
    with nothing_said():
        check_series(TiltSeries(images, angles, 0.4))
        check_series(TiltSeries(np.swapaxes(images[:4], 1, 2), angles[:4], 0.4))  # too few to judge
        check_series(TiltSeries(np.swapaxes(images, 1, 2), angles / 7, 0.4))  # tilted too little
    with pytest.warns(TiltAxisWarning, match=r"pass numpy.swapaxes\(images, 1, 2\)") as caught:
        check_series(TiltSeries(np.swapaxes(images, 1, 2), angles, 0.4))
    assert len(of_kind(caught, TiltAxisWarning)) == 1

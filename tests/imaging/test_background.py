import numpy as np
import pytest
from naive_imaging import laplace
from planted import raw

from helpers.arrays import TiltSeries, central
from helpers.imaging import crop_to_sample, estimate_background, find_mask, subtract_background
from helpers.imaging._laplace_kernel import fill


def test_filling_equals_a_direct_solver():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(24, 31)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[4:15, 6:25] = True
    mask[9:20, :9] = True  # meets the edge of the image
    mask[10, 12] = False  # an island of background
    found = fill(np.where(mask, 0, image)[None], mask[None], 1e-7)[0]
    np.testing.assert_allclose(found, laplace(image, mask), atol=1e-4)


def test_a_harmonic_background_is_filled_in_exactly():
    """x² − y², x y and planes solve the five-point equation as they solve Laplace's."""
    x, y = np.mgrid[-30:31, -35:36]
    background = (0.02 * (x**2 - y**2) + 0.03 * x * y + 0.2 * x - 0.1 * y + 50).astype(np.float32)
    mask = np.hypot(x, y) < 22
    image = background + 40 * (np.hypot(x, y) < 18)
    found = subtract_background(image, mask=mask, smooth=1e-9)
    np.testing.assert_allclose(found[mask], (image - background)[mask], atol=0.02)  # of 100 counts
    assert not found[~mask].any()


def test_filled_values_stay_within_those_around():
    frames = raw().frames[:2].mean(axis=1)
    mask = find_mask(frames)
    background = estimate_background(frames, mask=mask)
    for image, inside in zip(background, mask, strict=True):
        assert image[~inside].min() - 1e-3 <= image[inside].min()
        assert image[inside].max() <= image[~inside].max() + 1e-3


def test_mask_holds_the_sample_and_little_more():
    truth = raw().truth
    sample = truth.images[4:9]
    mask = find_mask(sample + truth.background[4:9])
    lost = 1 - (sample * mask).sum() / sample.sum()
    assert lost < 0.005
    area = np.pi * (10.4 / 0.4 + 3 + 6) ** 2  # radius of the packing, reach of an atom, margin
    assert mask.sum(axis=(1, 2)).max() < 1.25 * area


def test_background_is_removed_from_noise_free_images():
    truth = raw().truth
    sample, ground = truth.images[3:10], truth.background[3:10]
    found = subtract_background(sample + ground)
    left = np.sqrt(((found - sample) ** 2).mean())
    variation = ground.std(axis=(1, 2)).mean()
    assert left < 0.4 * variation  # a bump of the background under the sample cannot be known
    np.testing.assert_allclose(found.sum(axis=(1, 2)), sample.sum(axis=(1, 2)), rtol=0.1)


def test_one_image_equals_the_stack_of_one():
    image = raw().frames[0].mean(axis=0)
    np.testing.assert_array_equal(subtract_background(image), subtract_background(image[None])[0])


def test_outside_may_be_kept():
    image = raw().frames[0].mean(axis=0)
    mask = find_mask(image)
    kept = subtract_background(image, mask=mask, outside=False)
    assert kept[~mask].std() > 0
    assert abs(kept[~mask].mean()) < 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask": np.ones((92, 92), bool)}, "covers all but 0.0 % of image 0"),
        ({"mask": np.ones((3, 3), bool)}, r"mask has shape \(3, 3\); expected \(92, 92\)"),
        ({"images": np.ones((92, 92))}, "constant"),
        ({"images": np.full((92, 92), np.nan)}, "NaN"),
        ({"margin": -1.0}, "margin=-1.0"),
        ({"margin": 400.0}, "no background to interpolate from"),
        ({"smooth": 0.0}, "smooth=0.0"),
    ],
)
def test_bad_input_is_explained(arguments, message):
    given = {"images": raw().frames[0].mean(axis=0), **arguments}
    with pytest.raises(ValueError, match=message):
        subtract_background(**given)


def test_a_crop_keeps_the_sample_and_its_middle():
    x, y = np.mgrid[-45:45, -40:40]
    shifts = np.array([-3.0, 0.0, 2.0])
    images = np.stack([np.exp(-(((x - move) ** 2 + y**2) / 9**2)) for move in shifts])
    series = TiltSeries(images, [-30.0, 0.0, 30.0], 0.4)
    cropped = crop_to_sample(series)
    nx, ny = cropped.images.shape[1:]
    assert nx < 90
    assert ny < 80
    np.testing.assert_array_equal(cropped.images, central(series.images, (nx, ny)))
    lost = images.sum() - cropped.images.sum()
    assert (
        lost < 3e-3 * images.sum()
    )  # the mask ends 6 px beyond the foot of the edge, where a Gaussian is not yet zero
    assert crop_to_sample(series, margin=10).images.shape[1] == nx + 8

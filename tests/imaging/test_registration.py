import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import raw
from skimage.registration import phase_cross_correlation

from helpers.imaging import find_shift, move

shifts = st.tuples(st.floats(-4, 4), st.floats(-4, 4))


@pytest.fixture(scope="module")
def image():
    return raw().truth.images[6]


@settings(max_examples=20, deadline=None)
@given(shifts)
def test_a_planted_shift_is_found_exactly(shift):
    image = raw().truth.images[6]
    found = find_shift(image, move(image[None], np.array([shift]))[0])
    # the window is fixed while the sample moves: below 0.01 px for a sample with a margin
    np.testing.assert_allclose(found, shift, atol=0.01)


def test_exchanging_the_images_reverses_the_shift(image):
    other = move(image[None], np.array([[1.3, -0.6]]))[0]
    np.testing.assert_allclose(find_shift(image, other), -find_shift(other, image), atol=1e-3)


def test_agrees_with_the_upsampled_search(image):
    """scikit-image scans a grid of 1/100 px, so half of that is the most by which the two may differ."""
    other = move(image[None], np.array([[0.37, -1.81]]))[0]
    theirs = -phase_cross_correlation(image, other, upsample_factor=100, normalization=None)[0]
    np.testing.assert_allclose(find_shift(image, other, window="none"), theirs, atol=0.0051)


@settings(max_examples=10, deadline=None)
@given(shifts)
def test_moving_there_and_back_changes_nothing(shift):
    image = raw().truth.images[6]
    there = move(image[None], np.array([shift]))
    back = move(there, -np.array([shift]))[0]
    # detail beyond the finest wave is lost at half pixels; 0.5 % of the peak here
    np.testing.assert_allclose(back[8:-8, 8:-8], image[8:-8, 8:-8], atol=5e-3 * image.max())


@settings(max_examples=20, deadline=None)
@given(shifts)
def test_moving_is_exact_for_what_pixels_resolve(shift):
    """A Gaussian of 2 px is band-limited to single precision: its moved image is known."""
    x, y = np.mgrid[:40, :48]

    def spot(at):
        return np.exp(-((x - 19.0 - at[0]) ** 2 + (y - 25.0 - at[1]) ** 2) / 8)

    np.testing.assert_allclose(move(spot((0, 0))[None], np.array([shift]))[0], spot(shift), atol=1e-5)


def test_whole_pixels_are_copied(image):
    moved = move(image[None], np.array([[2.0, -3.0]]))[0]
    np.testing.assert_array_equal(moved[2:, :-3], image[:-2, 3:])
    assert not moved[:2].any()
    assert not moved[:, -3:].any()


def test_a_shift_beyond_the_image_leaves_nothing(image):
    assert not move(image[None], np.array([[500.0, 0.0]])).any()


def test_what_cannot_be_registered_is_explained(image):
    with pytest.raises(ValueError, match="expected the same shape"):
        find_shift(image, image[:-1])
    with pytest.raises(ValueError, match="image is constant"):
        find_shift(image, np.ones_like(image))
    with pytest.raises(ValueError, match="NaN or infinity"):
        find_shift(image, np.full_like(image, np.nan))
    with pytest.raises(ValueError, match="at least 8×8"):
        find_shift(image[:4], image[:4])

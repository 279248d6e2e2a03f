"""Films whose atoms move: how far, how many together, and what the images show."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.atoms import simulate_images
from helpers.simulation import move_film

ANGLES = np.linspace(-60, 60, 25)
PLACES = np.random.default_rng(0).uniform(-20, 20, (500, 3))


def test_a_still_film_is_the_plain_image():
    film = move_film(PLACES, ANGLES)
    plain = simulate_images(PLACES, ANGLES, (41, 31), 0.4, "Ta", 1.0, 6.0)
    np.testing.assert_allclose(film.image((41, 31), 0.4).images, plain, rtol=1e-3, atol=1e-4 * plain.max())
    np.testing.assert_allclose(film.mean, PLACES, atol=1e-12)


def test_walks_end_as_far_away_as_asked_and_keep_the_mean():
    film = move_film(PLACES, ANGLES, walk=0.3, seed=1)
    np.testing.assert_allclose(film.mean, PLACES, atol=1e-9)
    gone = film.positions[-1] - film.positions[0]
    np.testing.assert_allclose(gone.std(), 0.3, rtol=0.06)  # of 1,500 numbers: 2 %
    first, second = gone[::2].ravel(), gone[1::2].ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


def test_neighbours_walk_together():
    pairs = np.concatenate([PLACES, PLACES + [0.5, 0, 0], PLACES + [15.0, 0, 0]])
    film = move_film(pairs, ANGLES, walk=0.3, together=5.0, seed=1)
    own, near, far = np.split(film.positions[-1] - film.positions[0], 3)
    assert np.corrcoef(own.ravel(), near.ravel())[0, 1] > 0.98
    assert abs(np.corrcoef(own.ravel(), far.ravel())[0, 1]) < 0.3  # exp(−15²/50) and what 200 waves leave


def test_weights_change_about_one():
    film = move_film(PLACES, ANGLES, flicker=0.2, seed=2)
    np.testing.assert_allclose(film.weights.mean(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose((film.weights[-1] - film.weights[0]).std(), 0.2, rtol=0.15)


def test_an_image_is_displaced_by_its_shift():
    film = move_film([[0.0, 0.0, 0.0]], ANGLES, shift=1.5, seed=4)
    images = film.image((41, 41), 0.4).images
    grid = np.arange(41) - 20
    mass = images.sum(axis=(1, 2))
    centres = np.stack([(images.sum(axis=2) * grid).sum(axis=1), (images.sum(axis=1) * grid).sum(axis=1)]) / mass
    np.testing.assert_allclose(centres.T, film.shifts, atol=0.02)  # tails beyond the edge


def test_an_area_is_shown_about_its_centre_with_noise():
    film = move_film(PLACES, ANGLES)
    centred = move_film(PLACES - [3.0, 1.0, -2.0], ANGLES)
    there = film.image((31, 21), 0.4, centre=[3.0, 1.0, -2.0]).images
    np.testing.assert_allclose(there, centred.image((31, 21), 0.4).images, rtol=1e-3, atol=1e-3)
    noisy = film.image((31, 21), 0.4, centre=[3.0, 1.0, -2.0], noise=0.2, seed=1).images
    np.testing.assert_allclose((noisy - there).std(), 0.2 * there.mean(), rtol=0.05)


def test_what_is_refused():
    with pytest.raises(ValueError, match="together"):
        move_film(PLACES, ANGLES, walk=0.1, together=-1.0)

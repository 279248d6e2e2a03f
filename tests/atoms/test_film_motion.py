"""Shifts that areas of a film agree on, and motion during the series: against films whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

import helpers
from helpers import TiltSeries
from helpers.atoms import AreaMotion, find_film_shifts, find_motion, fit_area
from helpers.atoms.film_shifts import combine_shifts
from helpers.geometry import rotation_matrices
from helpers.simulation import move_film

PIXEL, SHAPE, THICKNESS = 0.4, (55, 41), 12.0
ANGLES = np.linspace(-63.0, 56.0, 24)  # the wedge of the paper's film, with half as many tilts
APART = (SHAPE[0] / 2 + 1) * PIXEL  # middles of two areas that do not overlap, from the film's [Å]


def glass():
    """Cut a film that is larger than two areas out of the project's own glass."""
    model = helpers.load_sample("MD300").model()
    model.wrap()
    box = model.cell.lengths()
    copies = np.stack(np.meshgrid(np.arange(-1, 1), np.arange(-1, 1), [0], indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = (model.positions[None] + copies[:, None] * box).reshape(-1, 3) - [0, 0, box[2] / 2]
    return atoms[(np.abs(atoms) < [40.0, 13.0, THICKNESS / 2]).all(axis=1)]


def fits_of(film, noise=0.1, sides=(-1, 1)):
    areas = [film.image(SHAPE, PIXEL, centre=[side * APART, 0, 0], noise=noise, seed=side + 1) for side in sides]
    return {n: fit_area(series, "Ta", thickness=45) for n, series in enumerate(areas, 1)}


def free_of_gauge(shifts):
    rows = rotation_matrices(ANGLES).swapaxes(1, 2)[:, :2]
    return shifts - rows @ np.linalg.lstsq(rows.reshape(-1, 3), shifts.ravel(), rcond=None)[0]


@pytest.fixture(scope="module")
def shifted():
    film = move_film(glass(), ANGLES, shift=0.5, seed=3)
    return film, fits_of(film)


@pytest.fixture(scope="module")
def still():
    return find_motion(fits_of(move_film(glass(), ANGLES), sides=(1,))[1], "Ta")


def test_areas_agree_on_planted_shifts(shifted):
    film, fits = shifted
    found = find_film_shifts(fits, "Ta", progress=False)
    truth = free_of_gauge(film.shifts)
    assert found.numbers == (1, 2) and found.areas.shape == (2, 24, 2) and found.shifts.shape == (24, 2)
    assert (found.agreement > 0.8).all()
    for axis in (0, 1):
        assert np.corrcoef(found.shifts[:, axis], truth[:, axis])[0, 1] > 0.85
    # positions were fitted to the displaced images and are held by their prior: a round takes off half and more
    assert np.sqrt(((found.shifts - truth) ** 2).mean()) < 0.6 * np.sqrt((truth**2).mean())
    assert (found.uncertainty[0] > found.uncertainty[12]).all()  # less sure at high tilt


def test_moving_the_images_back_explains_them_better(shifted):
    fits = shifted[1]
    found = find_film_shifts(fits, "Ta", progress=False)
    again = fit_area(found.undo(fits[1].series), "Ta", thickness=45)
    assert again.fit.r_factor[-1] < fits[1].fit.r_factor[-1]


def test_what_areas_do_not_agree_on_is_no_shift():
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.3, (4, 40, 2))
    common = random.normal(0, 0.5, (40, 2)) * [1, 0]
    angles = np.linspace(-60, 60, 40)
    shifts, error = combine_shifts(noise + common, angles)
    assert np.abs(shifts[:, 1]).max() < 0.15  # nothing in common along y: drawn to zero, or nearly
    rest = shifts[:, 0] - common[:, 0]
    assert np.sqrt((rest**2).mean()) < 1.2 * 0.3 / 2  # the error of a mean of four, and a fifth more by chance
    assert error[0, 0] > error[20, 0] > 0


def test_images_move_back_by_what_they_were_displaced(shifted):
    found = find_film_shifts(shifted[1], "Ta", progress=False)
    spot = np.zeros((24, 21, 21))
    spot[:, 10, 10] = 1.0
    back = found.undo(TiltSeries(spot, ANGLES, PIXEL)).images
    grid = np.arange(21) - 10
    centre = np.stack([(back.sum(axis=axis) * grid).sum(axis=1) for axis in (2, 1)], axis=1)
    np.testing.assert_allclose(centre, -found.shifts, atol=0.05)  # cubic splines ring a little


def test_atoms_that_hold_still_do_not_move(still):
    assert still.displacements.shape == (3, 2, len(still), 3)
    # the noise of both halves is independent and cancels; errors of the model that few tilts share remain
    assert np.abs(still.moved()).max() < 0.6 * still.scattered().mean()
    np.testing.assert_array_equal(np.diag(still.moved()), 0.0)
    # an affine map fits nothing any more
    terms = np.column_stack([np.ones(len(still)), still.positions])
    np.testing.assert_allclose(np.einsum("nk,phna->phka", terms, still.displacements), 0.0, atol=1e-6)


def test_a_walk_is_seen_and_grows_with_time(still):
    film = move_film(glass(), ANGLES, walk=0.5, seed=1)
    moved = find_motion(fits_of(film, sides=(1,))[1], "Ta").moved()
    assert moved[0, 2] > 5 * np.abs(still.moved()).max()
    assert moved[0, 2] > max(moved[0, 1], moved[1, 2])
    assert moved[0, 2] < 0.5**2  # the thirds' means are nearer than the ends, and the prior holds back


def test_neighbours_that_move_together_share_their_motion():
    """Motion is planted in the result itself: waves for all, or each atom its own."""
    random = np.random.default_rng(0)
    places = random.uniform(-10, 10, (400, 3))
    wave = np.stack([np.zeros(400), np.sin(places[:, 0] / 3), np.zeros(400)], axis=1)
    alone = random.normal(size=(400, 3))

    def motion(step):
        parts = np.stack([0 * step, 0 * step, step])
        return AreaMotion(places, np.repeat(parts[:, None], 2, axis=1), np.zeros((3, 2, 4, 3)), np.arange(3.0), 0.0)

    edges = [0.0, 2.0, 4.0]
    assert (motion(wave).shared(edges) > 0.6).all()
    assert (np.abs(motion(alone).shared(edges)) < 0.15).all()
    assert np.isnan(motion(0 * wave).shared(edges)).all()


SERIES = TiltSeries(np.ones((6, 15, 15)), np.linspace(-50, 50, 6), PIXEL)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: find_film_shifts({1: SERIES}, "Ta"), "got 1 area; expected at least two"),
        (lambda: find_motion(SERIES, "Ta"), r"parts=3 of 6 tilts; expected at least two parts of four"),
        (lambda: find_motion(SERIES, "Ta", parts=1), r"parts=1 of 6 tilts"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_areas_of_two_films_are_refused(shifted):
    fit = shifted[1][1]
    other = TiltSeries(fit.series.images, fit.series.euler + 1, PIXEL)
    with pytest.raises(ValueError, match="area 2 has other tilt angles or pixels"):
        find_film_shifts({1: fit, 2: other}, "Ta", progress=False)


def test_an_area_without_atoms_off_its_edges_is_refused(shifted):
    with pytest.raises(ValueError, match="0 atoms lie 50 Å off the edges; lower margin"):
        find_motion(shifted[1][1], "Ta", margin=50)

"""Films: layouts, joining without seams, areas cut out of a series, and a planted film found again."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from helpers import TiltSeries, Volume
from helpers.store import save_volume
from helpers.tomography import (
    FilmLayout,
    correlation,
    cut_area,
    overlap,
    project,
    read_layout,
    reconstruct_film,
    stitch,
    tile_film,
)

RNG = np.random.default_rng(8)
ANGLES = np.linspace(-60, 60, 21)
SHAPE = (81, 49, 15)


def film(margin=60):
    """A film of blobs that goes on beyond the part of interest, and that part."""
    nx, ny, nz = SHAPE
    whole = np.zeros((nx + 2 * margin, ny + 2 * margin, nz), np.float32)
    spots = RNG.integers(0, whole.shape, (2500, 3))
    whole[tuple(spots.T)] = 1.0
    whole[:, :, [0, 1, -2, -1]] = 0.0
    whole = ndimage.gaussian_filter(whole, 1.2)
    return whole, whole[margin : margin + nx, margin : margin + ny]


@pytest.fixture(scope="module")
def imaged():
    whole, truth = film()
    images = project(whole, ANGLES, shape=(101, 69))
    return TiltSeries(images, ANGLES, 0.5), truth


def layout():
    return tile_film(SHAPE, (35, 31), overlap=0.3)


# layouts


def test_areas_cover_the_film_and_end_with_it():
    plan = layout()
    seen = np.zeros(SHAPE[:2], int)
    for number in plan.numbers:
        seen[plan.box(number)[:2]] += 1
    assert (seen > 0).all()
    assert seen.max() <= 6
    boxes = [plan.box(n) for n in plan.numbers]
    assert min(b[0].start for b in boxes) == 0
    assert max(b[0].stop for b in boxes) == SHAPE[0]


def test_neighbours_share_what_was_asked():
    plan = tile_film((200, 40, 11), (51, 39), overlap=0.4)
    for first, second in plan.neighbours():
        a, b = plan.box(first)[0], plan.box(second)[0]
        assert a.stop - b.start >= 0.4 * 51 - 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tile_film(SHAPE, (99, 31)), "do not fit"),
        (lambda: tile_film(SHAPE, (35, 31), overlap=0.95), "overlap=0.95"),
        (lambda: FilmLayout(np.array([[2, 5, 5]]), np.array([[3, 3, 3]]), (11, 11, 11)), "reaches beyond the film"),
        (lambda: FilmLayout(np.zeros((2, 3)), np.zeros((1, 3)), (5, 5, 5)), r"expected \(A, 3\) both"),
        (lambda: FilmLayout([[2, 2, 2]], [[1, 1, 1]], (5, 5)), r"shape=\(5, 5\); expected 3 positive whole numbers"),
        (lambda: layout().box(99), "no area 99"),
        (lambda: cut_area(TiltSeries(np.ones((3, 20, 20)), [-10, 0, 10], 1.0), layout(), 1), "beyond the image"),
    ],
)
def test_bad_layouts_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_published_layout(published):
    sample = published("Ta", "layout")
    plan = read_layout(sample.path("layout"), (401, 351, 341))
    assert len(plan.numbers) == 65
    rows, counts = np.unique(plan.centres[:, 1], return_counts=True)
    assert rows.tolist() == [30, 87, 187, 277, 322]  # counted from 0
    assert counts.tolist() == [16, 13, 10, 10, 16]


# joining


def test_pieces_of_one_volume_join_to_that_volume():
    plan, volume = layout(), RNG.random(SHAPE).astype(np.float32)
    pieces = {n: Volume(volume[plan.box(n)], 0.5) for n in plan.numbers}
    joined = stitch(pieces, plan)
    assert joined.covered.all()
    assert joined.missing == ()
    np.testing.assert_allclose(joined.array, volume, rtol=1e-5)  # weights of float32 that add up to one


def test_a_seam_is_smooth_where_areas_disagree():
    plan = tile_film((61, 31, 5), (35, 31), overlap=0.2)
    assert len(plan.numbers) == 2
    levels = {n: Volume(np.full(plan.size(n), float(n)), 0.5) for n in plan.numbers}
    across = stitch(levels, plan).array[:, 15, 2]
    assert across[0] == 1 and across[-1] == 2
    assert (np.diff(across) >= -1e-6).all()
    assert np.diff(across).max() < 0.35  # a pasted seam would jump by one


def test_an_area_without_data_is_left_out_and_named():
    plan, volume = layout(), np.ones(SHAPE, np.float32)
    pieces = {n: Volume(volume[plan.box(n)], 0.5) for n in plan.numbers if n != 1}
    joined = stitch(pieces, plan)
    assert joined.missing == (1,)
    assert not joined.covered[0, 0]
    assert (joined.array[~joined.covered] == 0).all()
    np.testing.assert_allclose(joined.array[joined.covered], 1, rtol=1e-6)


def test_a_piece_of_the_wrong_size_is_named():
    with pytest.raises(ValueError, match="area 1 has shape"):
        stitch({1: Volume(np.ones((3, 3, 3)), 0.5)}, layout())
    with pytest.raises(ValueError, match="do not overlap"):
        overlap(*2 * [Volume(np.ones(layout().size(1)), 0.5)], tile_film((200, 31, 15), (35, 31), overlap=0.0), (1, 5))


# a planted film


def test_an_area_shows_what_lies_in_it(imaged):
    series, truth = imaged
    plan = layout()
    flat = cut_area(series, plan, 2)
    middle = len(ANGLES) // 2
    box = plan.box(2)
    np.testing.assert_allclose(flat.images[middle], truth[box].sum(axis=2), atol=1e-4)  # at zero tilt nothing moves


def test_the_film_is_found_again_and_resumed(imaged, tmp_path):
    series, truth = imaged
    plan = tile_film(SHAPE, (41, 49), overlap=0.3)
    areas = {n: partial(cut_area, series, plan, n) for n in plan.numbers}
    found = reconstruct_film(areas, plan, iterations=20, folder=tmp_path, progress=False)
    inner = (slice(8, -8), slice(8, -8))
    assert correlation(found.array[inner], truth[inner]) > 0.9  # a missing wedge of 60°
    assert found.covered.all()
    assert set(found.r_factor) == set(plan.numbers)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = reconstruct_film(areas, plan, iterations=20, folder=tmp_path, progress=False)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written  # nothing is computed twice
    assert again.r_factor == pytest.approx(found.r_factor)
    np.testing.assert_array_equal(again.array, found.array)


def test_workers_and_shares_give_the_same_film(imaged, tmp_path):
    series, _ = imaged
    plan = tile_film(SHAPE, (41, 49), overlap=0.2)
    areas = {n: partial(cut_area, series, plan, n) for n in plan.numbers}
    alone = reconstruct_film(areas, plan, iterations=3, progress=False)
    reconstruct_film(areas, plan, iterations=3, only=[1], folder=tmp_path, progress=False)
    shared = reconstruct_film(areas, plan, iterations=3, folder=tmp_path, workers=2, progress=False)
    assert shared.r_factor == pytest.approx(alone.r_factor, rel=1e-3)
    np.testing.assert_allclose(shared.array, alone.array, rtol=1e-4, atol=1e-5)  # sums in another order


def test_bad_films_are_named(imaged):
    series, _ = imaged
    plan = layout()
    with pytest.raises(ValueError, match=r"no areas \[99\]"):
        reconstruct_film({99: series}, plan, progress=False)
    with pytest.raises(ValueError, match="none of the areas has data"):
        reconstruct_film({}, plan, progress=False)
    with pytest.raises(ValueError, match=r"area 1 has images of \(101, 69\)"):
        reconstruct_film({1: series}, plan, progress=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iterations": 4}, "with iterations=3"),
        ({"positivity": False}, "without positivity"),
        ({"data": 1.1}, "with other images"),
    ],
)
def test_stored_areas_of_another_run_are_refused(imaged, tmp_path, change, words):
    series, _ = imaged
    plan = tile_film((35, 31, 15), (35, 31))
    area = TiltSeries(series.images[:, :35, :31], series.angles, series.pixel_size)
    reconstruct_film({1: area}, plan, iterations=3, folder=tmp_path, progress=False)
    if "data" in change:
        area = TiltSeries(change["data"] * area.images, area.angles, area.pixel_size)
        change = {}
    with pytest.raises(ValueError, match=rf"area_01.h5 was made {words}; remove it or name another place"):
        reconstruct_film({1: area}, plan, **{"iterations": 3, "folder": tmp_path, "progress": False, **change})


def test_stored_areas_can_be_joined_later(tmp_path):
    plan = layout()
    for n in plan.numbers:
        save_volume(tmp_path / f"area_{n:02d}.h5", Volume(np.full(plan.size(n), 2.0), 0.5), {})
    joined = reconstruct_film({}, plan, folder=tmp_path, progress=False)
    np.testing.assert_allclose(joined.array, 2.0, rtol=1e-6)

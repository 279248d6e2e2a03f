"""Films traced area by area: against the whole film, at the seams, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from helpers import Volume
from helpers.atoms import Trace, compare, merge_traces, trace, trace_film
from helpers.store import save_volume
from helpers.tomography import FilmLayout, read_layout

SIZE = 0.4
SHAPE = (90, 70, 40)
#: Two rows: three areas and two, overlapping by 10 and 12 voxels.
LAYOUT = FilmLayout(
    [[19, 20, 20], [44, 20, 20], [69, 20, 20], [25, 49, 20], [63, 49, 20]],
    [[17, 20, 19], [17, 20, 19], [17, 20, 19], [24, 20, 19], [24, 20, 19]],
    SHAPE,
)


@pytest.fixture(scope="module")
def film():
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*[np.arange(n) * 2.8 for n in (12, 9, 4)], indexing="ij"), axis=-1).reshape(-1, 3)
    places = places - places.mean(axis=0) + rng.normal(0, 0.15, places.shape) + [0.1, 0.2, 0]
    axes = [(np.arange(n) - n // 2) * SIZE for n in SHAPE]
    array = np.zeros(SHAPE, np.float32)
    for place in places:
        x, y, z = (np.exp(-((a - p) ** 2) / 0.72) for a, p in zip(axes, place, strict=True))
        array += (x[:, None, None] * y[:, None] * z).astype(np.float32)
    return array, places


def areas_of(array):
    return {n: Volume(np.ascontiguousarray(array[LAYOUT.box(n)]), SIZE) for n in LAYOUT.numbers}


@pytest.mark.parametrize("rule", ["ours", "published"])
def test_areas_give_what_the_whole_film_gives(film, rule):
    array, places = film
    options = {"rule": rule, "threshold": 0.3, "min_distance": 1.8}
    whole = trace(Volume(array, SIZE), **options)
    joined = trace_film(areas_of(array), LAYOUT, progress=False, **options)
    inside = np.all(np.abs(places) < [17, 13, 7], axis=1)
    assert compare(joined.positions, places[inside], 0.5, remove_shift=False).fraction == 1
    # at a cut an area's smoothing sees zeros beyond it; 4 voxels further in, nothing of that is left
    result = compare(joined.positions, whole.positions[np.abs(whole.positions[:, 1]) < 12], 0.1, remove_shift=False)
    assert result.fraction == 1 and result.rmsd < 0.02
    assert len(joined) <= len(whole) + 5
    assert joined.merged.max() > 1 and joined.missing == ()
    assert set(joined.areas.tolist()) == set(LAYOUT.numbers)


def test_sources_may_be_files_or_functions(film, tmp_path):
    array, _ = film
    given = areas_of(array)
    save_volume(tmp_path / "1.h5", given[1], {})
    first = trace_film({1: given[1], 2: given[2]}, LAYOUT, progress=False)
    again = trace_film({1: tmp_path / "1.h5", 2: lambda: given[2]}, LAYOUT, progress=False)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert first.missing == (3, 4, 5)


def one(places, size=SIZE):
    places = np.array(places, dtype=float)
    return Trace(places, np.zeros(len(places), np.int64), np.arange(len(places))[::-1] + 1.0, 0.0, size)


def test_duplicates_become_their_mean_and_others_stay():
    # the middle of the overlap of areas 1 and 2 is voxel 31.5 of the film
    shift = 25 * SIZE  # between their centres
    left = one([[12.4 * SIZE, 0, 0], [12 * SIZE, 3, 0], [15 * SIZE, 0, 3]])
    right = one([[12.8 * SIZE - shift, 0, 0], [13 * SIZE - shift, -3, 0]])
    found = merge_traces({2: right, 1: left}, LAYOUT)
    origin = (LAYOUT.centres[0] - np.array(SHAPE) // 2) * SIZE
    expected = np.array([[12.6 * SIZE, 0, 0], [12 * SIZE, 3, 0], [13 * SIZE, -3, 0]]) + origin
    np.testing.assert_allclose(found.positions, expected, atol=1e-12)  # the third of the left lies beyond its part
    assert found.merged.tolist() == [2, 1, 1] and found.areas.tolist() == [1, 1, 2]
    apart = merge_traces({2: right, 1: left}, LAYOUT, merge_distance=0.1)
    assert apart.merged.tolist() == [1, 1, 1, 1]
    # two peaks of one area are never merged
    assert len(merge_traces({1: one([[0, 0, 0], [0.5, 0, 0]])}, LAYOUT)) == 2


def test_what_is_refused(film):
    given = areas_of(film[0])
    with pytest.raises(ValueError, match="no area was traced; give at least one"):
        trace_film({}, LAYOUT, progress=False)
    with pytest.raises(ValueError, match=r"area 1 has shape \(49, 41, 39\); the layout states \(35, 41, 39\)"):
        trace_film({1: given[4]}, LAYOUT, progress=False)
    with pytest.raises(ValueError, match="no area 9; the layout has 1 to 5"):
        merge_traces({9: one([[0, 0, 0]])}, LAYOUT)
    with pytest.raises(ValueError, match=r"voxels of \[0.4, 0.5\] Å; expected one size"):
        merge_traces({1: one([[0, 0, 0]]), 2: one([[0, 0, 0]], 0.5)}, LAYOUT)


def test_published_areas_give_the_published_peaks(published):
    film = published("Ta", "area_volumes", area=1)
    layout = read_layout(film.path("layout"), (401, 351, 341))
    given = {n: (lambda n=n: film.volume("area_volumes", area=n)) for n in (1, 2, 3)}
    traces = {n: trace(source(), rule="published") for n, source in given.items()}
    found = merge_traces(traces, layout, merge_distance=1e-6)  # the published file still holds the duplicates
    peaks = published("Ta", "peaks").read("peaks")
    peaks = ((peaks.T if peaks.shape[0] == 3 else peaks) - 1 - np.array([200, 175, 170])) * film.pixel_size
    # to where the fourth area begins, and below the next row; the published cut along y lies half a voxel lower
    far = (np.array([112, 56]) - [200, 175]) * film.pixel_size
    there = found.positions[np.all(found.positions[:, :2] <= far, axis=1)]
    assert len(there) == 1026 + 305 + 318
    assert cKDTree(peaks).query(there)[0].max() < 1e-3 * film.pixel_size
    merged = merge_traces(traces, layout)
    assert 0 < len(found) - len(merged) < 0.1 * len(found)
    pairs = cKDTree(merged.positions).query_pairs(0.9 * 3 * film.pixel_size, output_type="ndarray")
    assert np.all(merged.areas[pairs[:, 0]] == merged.areas[pairs[:, 1]])

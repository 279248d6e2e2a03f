"""A film located area by area: against a known truth, at the seam, from where it stopped, and what must be refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial import cKDTree

import helpers
from helpers import TiltSeries
from helpers.atoms import compare, load_area, locate_area, locate_film, merge_areas, save_area, simulate_images
from helpers.atoms.film_area import AreaAtoms
from helpers.tomography import FilmLayout, read_layout

PIXEL, THICKNESS = 0.4, 12.0
ANGLES = np.linspace(-63.0, 56.0, 24)  # the wedge of the paper's film, with half as many tilts
SHAPE = (71, 47, 35)
LAYOUT = FilmLayout([[24, 23, 17], [46, 23, 17]], [[24, 23, 17]] * 2, SHAPE)
RIM = 3.0  # atoms nearer to the edge of an area along y share their images with atoms that no image shows whole [Å]


def glass_film():
    """Cut a film that is much larger than the areas out of the project's own glass."""
    glass = helpers.load_sample("MD300").model()
    glass.wrap()
    box = glass.cell.lengths()
    steps = [np.arange(-1, 3), np.arange(2), [0]]
    copies = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3) * box
    atoms = (glass.positions[None] + copies[:, None]).reshape(-1, 3) - [box[0], box[1], box[2] / 2]
    return atoms[(np.abs(atoms) < [60.0, 14.0, THICKNESS / 2]).all(axis=1)]


def middle(number):
    return (LAYOUT.centres[number - 1] - np.array(SHAPE) // 2) * PIXEL


def images_of(atoms, number, noise, seed=0):
    size = LAYOUT.size(number)[:2]
    clean = simulate_images(atoms - middle(number), ANGLES, size, PIXEL, "Ta", 1.0, 6.0)
    scatter = np.random.default_rng(seed + number).normal(0, noise * clean.mean(), clean.shape)
    return TiltSeries(clean + scatter, ANGLES, PIXEL)


@pytest.fixture(scope="module")
def truth():
    return glass_film()


@pytest.fixture(scope="module")
def located(truth, tmp_path_factory):
    """Both areas, with white noise of 15 % of the mean signal, and where they are stored.

    Tilts that agree but for noise need no prior; one of 0.3 makes 15 pm of 10.
    """
    folder = tmp_path_factory.mktemp("film")
    areas = {n: images_of(truth, n, 0.15) for n in LAYOUT.numbers}
    return locate_film(areas, LAYOUT, "Ta", folder=folder, prior=0.0, progress=False), areas, folder


def inside(positions, spare=RIM):
    """Which atoms lie in the film's images, off its edges."""
    return (np.abs(positions[:, :2]) < np.array(SHAPE[:2]) * PIXEL / 2 - spare).all(axis=1)


def test_all_atoms_are_found_none_is_false_and_none_is_double(located, truth):
    film = located[0]
    found = compare(film.positions, truth[inside(truth, 0.0)], remove_shift=False)
    here = truth[inside(truth, 0.0)]
    assert not inside(here[found.missed]).any()
    assert not inside(film.positions[found.false]).any()
    seam = np.abs(film.positions[:, 0]) < 4 * PIXEL
    assert film.merged.max() == 2 and film.merged[seam].max() == 2 and film.merged[~seam].max() == 1
    assert cKDTree(film.positions).query(film.positions, 2)[0][:, 1].min() > 1.5
    assert set(film.areas.tolist()) == {1, 2} and film.missing == () and set(film.r_factor) == {1, 2}


def test_left_out_tilts_support_the_atoms(located, truth):
    film = located[0]
    kept = inside(film.positions)
    assert (film.gain[kept] > 0).mean() > 0.99
    assert np.median(film.confidence[kept]) > 0.99
    np.testing.assert_allclose(film.H[kept].mean(), 1.0, rtol=0.15)  # B, which noise widens, takes a part


def test_the_bound_tells_the_scatter(located, truth):
    film = located[0]
    here = truth[inside(truth, 0.0)]
    found = compare(film.positions, here, remove_shift=False)
    kept = inside(here[found.pairs[:, 1]])
    ratio = found.deviations[kept] / film.uncertainty[found.pairs[kept, 0]]
    # 1 if the bound were met; it takes for known what lies around the area, which the reconstruction knows roughly
    assert 0.9 < np.sqrt((ratio**2).mean()) < 1.5


def test_a_film_goes_on_where_it_stopped(located, truth, monkeypatch):
    film, areas, folder = located
    monkeypatch.setattr("helpers.atoms.film_area.reconstruct", lambda *a, **k: pytest.fail("located again"))
    again = locate_film(areas, LAYOUT, "Ta", folder=folder, prior=0.0, progress=False)
    np.testing.assert_array_equal(again.positions, film.positions)
    alone = locate_film(areas, LAYOUT, "Ta", folder=folder, only=[2], prior=0.0, progress=False)
    np.testing.assert_array_equal(alone.gain, film.gain)
    with pytest.raises(ValueError, match=r"area_01.h5 was made .*prior"):
        locate_film(areas, LAYOUT, "Ta", folder=folder, prior=1.0, progress=False)
    with pytest.raises(ValueError, match=r"area_01.h5 was made .*images"):
        locate_film({1: images_of(truth, 1, 0.1)}, LAYOUT, "Ta", folder=folder, prior=0.0, progress=False)


def test_a_model_carries_what_is_known_of_each_atom(located, tmp_path):
    film = located[0]
    path = tmp_path / "located.xyz"
    helpers.store.save_atoms(path, film.to_atoms(), {})
    atoms = helpers.store.load_atoms(path)
    assert set(atoms.symbols) == {"Ta"} and len(atoms) == len(film)
    np.testing.assert_allclose(atoms.arrays["uncertainty"], film.uncertainty, atol=1e-7)  # eight decimals are written
    np.testing.assert_array_equal(atoms.arrays["areas"], film.areas)


def one(places, H=1.0, size=PIXEL):
    places = np.array(places, dtype=float)
    n = len(places)
    each = np.full(n, H)
    return AreaAtoms(places, each, 6.0, np.full((n, 3), H), each, each, 0.1, 0.2, 0.3, places, each, size)


def test_duplicates_become_their_mean_and_what_lies_beyond_a_seam_goes():
    # the seam is at voxel 35.5, half a voxel off the film's centre; the areas' centres lie at 24 and 46
    left = one([[11.1 * PIXEL, 0, 0], [0, 0, 0], [18 * PIXEL, 0, 0]], 1.0)
    right = one([[-10.5 * PIXEL, 0, 0], [0, 0, 0]], 3.0)
    film = merge_areas({2: right, 1: left}, LAYOUT, "Ta")
    expected = np.array([[0.3 * PIXEL, 0, 0], middle(1), middle(2)])
    np.testing.assert_allclose(film.positions, expected, atol=1e-12)
    assert film.merged.tolist() == [2, 1, 1] and film.areas.tolist() == [1, 1, 2]
    for name in ("H", "gain", "confidence"):
        assert getattr(film, name).tolist() == [2.0, 1.0, 3.0]
    assert film.uncertainty.tolist() == [[2.0] * 3, [1.0] * 3, [3.0] * 3]
    apart = merge_areas({1: left, 2: right}, LAYOUT, "Ta", merge_distance=0.1, min_distance=0.1)
    assert apart.merged.tolist() == [1, 1, 1, 1]
    lighter = merge_areas({1: left, 2: right}, LAYOUT, "Ta", merge_distance=0.1)
    assert lighter.H.tolist() == [1.0, 3.0, 3.0]  # the left one of the pair went


def test_an_area_is_read_as_it_was_written(tmp_path):
    area = one([[0.1, 0.2, 0.3]])
    save_area(tmp_path / "area.h5", area, {"area": 1})
    again = load_area(tmp_path / "area.h5")
    np.testing.assert_array_equal(again.positions, area.positions)
    assert again.B == area.B and isinstance(again.B, float)
    helpers.store.save_volume(tmp_path / "volume.h5", helpers.Volume(np.zeros((3, 3, 3)), 1.0), {})
    with pytest.raises(ValueError, match=r"volume.h5 holds no positions, .* remove it or name another place"):
        load_area(tmp_path / "volume.h5")


SMALL = TiltSeries(np.ones((6, 49, 40)), np.arange(6.0), PIXEL)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: locate_film({3: SMALL}, LAYOUT, "Ta"), ValueError, r"no areas \[3\]; it has 1 to 2"),
        (lambda: locate_film({}, LAYOUT, "Ta", progress=False), ValueError, "none of the areas has data"),
        (lambda: locate_film({1: SMALL}, LAYOUT, "Ta", progress=False), ValueError, r"states \(49, 47\)"),
        (lambda: locate_film({1: SMALL}, LAYOUT, "Ta", itertions=3), TypeError, "unexpected option 'itertions'"),
        (lambda: merge_areas({1: one([[0, 0, 0]]), 2: one([[0, 0, 0]], size=0.5)}, LAYOUT, "Ta"), ValueError, "0.5"),
        (lambda: merge_areas({3: one([[0, 0, 0]])}, LAYOUT, "Ta"), ValueError, "no area 3"),
    ],
)
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.slow
def test_a_published_area_gives_the_published_atoms(published):
    number, shape = 23, (401, 351, 341)
    sample = published("Ta", "areas", area=number)
    layout = read_layout(published("Ta", "layout").path("layout"), shape)
    series = sample.tilt_series("areas", area=number)
    film = locate_film({number: series}, layout, "Ta", progress=False)
    first, last = (layout.centres[number - 1] + s * layout.halves[number - 1] for s in (-1, 1))
    low, high = ((end - np.array(shape) // 2) * series.pixel_size for end in (first, last))
    model = sample.model().positions
    near = ((model > low) & (model < high))[:, :2].all(axis=1)
    result = compare(film.positions, model[near])
    deep = np.minimum(model[near] - low, high - model[near])[:, :2].min(axis=1) > 5
    hit = np.isin(np.arange(near.sum()), result.pairs[:, 1])
    assert hit[deep].mean() > 0.95


KILLED = """
import os, signal, sys
import numpy as np
from helpers import TiltSeries
from helpers.atoms import locate_film, simulate_images
from helpers.tomography import tile_film

atoms, angles = np.array([[-3.0, 0, 0], [0, 0.5, 0], [3.0, 0, 0.5]]), np.arange(-60, 61, 12.0)
plan = tile_film((41, 25, 15), (31, 25))

def area(number):
    if number == 1 and sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    middle = (plan.centres[number] - [20, 12, 7]) * 0.4
    return TiltSeries(simulate_images(atoms - middle, angles, (31, 25), 0.4, "Ta", 1.0, 6.0), angles, 0.4)

areas = {n + 1: (lambda n=n: area(n)) for n in (0, 1)}
np.save(sys.argv[3], locate_film(areas, plan, "Ta", folder=sys.argv[1], progress=False).positions)
"""


def test_a_process_that_is_killed_keeps_the_areas_that_it_has_located(tmp_path):
    def run(folder, what):
        command = [sys.executable, "-c", KILLED, str(tmp_path / folder), what, str(tmp_path / f"{folder}.npy")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run("killed", "die").returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["area_01.h5"]
    before = (tmp_path / "killed" / "area_01.h5").read_bytes()
    for folder in ("killed", "whole"):
        done = run(folder, "live")
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed" / "area_01.h5").read_bytes() == before
    np.testing.assert_array_equal(np.load(tmp_path / "killed.npy"), np.load(tmp_path / "whole.npy"))


@pytest.mark.parametrize("element", [["Ta", "Pd"], [], 3, ["Ta"]])
def test_an_area_is_of_one_element(element):
    series = TiltSeries(np.random.default_rng(0).random((11, 31, 25)), np.linspace(-60, 60, 11), 0.4)
    with pytest.raises(ValueError, match="an area of a film is located for one element only: give one chemical symbol"):
        locate_area(series, element)

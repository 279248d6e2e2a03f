"""The whole way from images to atoms, on truths that were planted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from helpers import TiltSeries, Volume, store
from helpers.atoms import Origin, compare, locate, refine, simulate_images
from helpers.atoms._evidence import coarser
from helpers.atoms._locating import apart, find_noise, nearest_distance
from helpers.atoms._way import Way
from helpers.checks import UnknownName
from helpers.imaging.noise import Noise
from helpers.uncertainty import known_precision

PIXEL, B = 0.4, 5.0
ANGLES = np.arange(0.0, 180.0, 6.0)


def cluster(count=40, seed=0, distance=2.6, radius=6.5):
    """Place atoms at random, none nearer than a distance to another one."""
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        place = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(place) < radius and (np.linalg.norm(atoms - place, axis=1) > distance).all():
            atoms = np.vstack([atoms, place])
    return atoms - atoms.mean(axis=0)


def series(atoms, element="Ta", H=0.5, seed=1, level=1.0, shape=(56, 50), angles=ANGLES):
    """Count electrons of a set of atoms on a uniform background."""
    images = level + simulate_images(atoms, angles, shape, PIXEL, element, H, B)
    return TiltSeries(np.random.default_rng(seed).poisson(images), angles, PIXEL)


@pytest.fixture(scope="module")
def found():
    return locate(series(cluster()), "Ta", progress=False)


def test_finds_every_atom_within_the_bound(found):
    result = compare(found.positions, cluster())
    assert len(result.pairs) == len(found) == 40
    # 120 coordinates scatter by 1 / sqrt(240) = 6 % about the bound; three times that
    assert result.rmsd < 1.2 * np.sqrt((found.uncertainty**2).sum(axis=1).mean())
    assert found.confidence.min() > 0.9
    assert found.noise == Noise(0.0, 1.0)
    assert not found.refinement.turned and not found.refinement.outer.size  # nothing speaks for angles, nor unevenness


@pytest.mark.parametrize("confidence", ["left-out", "fit"])
def test_false_peaks_that_are_kept_are_not_believed(confidence, monkeypatch):
    judge = Way.judge
    monkeypatch.setattr(Way, "thin", lambda *_: False)
    monkeypatch.setattr(Way, "judge", lambda way, fit: (np.ones(len(fit.H), bool), *judge(way, fit)[1:]))
    found = locate(series(cluster()), "Ta", confidence=confidence, progress=False)
    result = compare(found.positions, cluster())
    assert len(result.pairs) == 40 and len(result.false) == 2  # noise of the reconstruction
    assert found.confidence[result.pairs[:, 0]].min() > 0.99
    assert found.confidence[result.false].max() <= 0.5  # one half where the kept tilts leave no weight to judge
    assert ("left-out tilts" in [step.name for step in found.history]) == (confidence == "left-out")


def test_reports_what_it_did_and_what_is_left(found):
    assert found.uncertainty.shape == found.positions.shape
    assert found.background[:, 0] == pytest.approx(1.0, abs=0.1)  # ten standard deviations of a level of 2,800 counts
    assert found.residual.shape == (30, 56, 50)
    assert abs(found.residual.mean()) < 0.02
    assert found.history[0].name == "reconstruction"
    assert found.history[-1].atoms == 40
    assert set(found.elements) == {"Ta"}
    signal = np.abs(series(cluster()).images - found.background[:, :1, None]).sum(axis=(1, 2))
    assert found.r_factor[-1] == pytest.approx(np.mean(np.abs(found.residual).sum((1, 2)) / signal), rel=1e-3)
    assert found.volume.voxel_size == PIXEL


def test_a_model_keeps_how_sure_it_is(found, tmp_path):
    store.save_atoms(tmp_path / "model.xyz", found.atoms(), {"sample": "planted"})
    model = store.load_atoms(tmp_path / "model.xyz")
    np.testing.assert_allclose(model.positions, found.positions, atol=1e-7)  # digits of extended XYZ
    np.testing.assert_allclose(model.arrays["uncertainty"], found.uncertainty, atol=1e-7)
    np.testing.assert_allclose(model.arrays["confidence"], found.confidence, atol=1e-7)
    np.testing.assert_allclose(known_precision(model), found.uncertainty, atol=1e-7)


def test_restores_what_a_given_volume_lacks():
    places = (np.indices((56, 50, 56)) - np.array([28, 25, 28])[:, None, None, None]) * PIXEL
    volume = sum(np.exp(-((places - atom[:, None, None, None]) ** 2).sum(axis=0)) for atom in cluster()[1:])
    found = locate(series(cluster()), "Ta", volume=Volume(volume, PIXEL), progress=False)
    pairs = compare(found.positions, cluster()).pairs
    assert len(pairs) == len(found) == 40
    assert np.flatnonzero(found.flags == Origin.MISSING).tolist() == [pairs[0, 0]]  # the first atom of the truth


def test_an_atom_whose_place_its_neighbours_took_is_found():
    truth = cluster(60, seed=2, distance=2.5, radius=6.8)
    middle = np.linalg.norm(truth, axis=1).argmin()
    start = np.delete(truth, middle, axis=0)
    away = truth[middle] - start
    near = np.argsort(np.linalg.norm(away, axis=1))[:3]
    start[near] += [[0.35], [0.16], [0.16]] * away[near]  # by 0.9 and twice 0.4 Å, nearer than two atoms may be
    counts = series(truth, H=3.0)
    way = Way(counts, ["Ta"], Noise(0.0, 1.0), "tilt", False, None, False, False, None, False)
    way.flags, way.depth = np.zeros(59, int), 56
    way.fit = refine(start, counts, "Ta", noise="poisson", fixed=["positions"])
    assert way.fill(way.fit)
    assert len(way.fit.H) == 60
    assert compare(way.fit.positions, truth).rmsd < 0.05
    assert not way.fill(refine(truth, counts, "Ta", noise="poisson"))  # nothing is missing


def with_near_pairs(distances):
    """Plant a second atom beside some of those of a cluster, each in the direction where there is most room."""
    atoms = cluster(36, seed=3, distance=2.9, radius=6.8)
    rng = np.random.default_rng(0)
    for k, distance in enumerate(distances):
        away = rng.normal(size=(200, 3))
        places = atoms[k] + distance * away / np.linalg.norm(away, axis=1, keepdims=True)
        gaps = np.linalg.norm(np.delete(atoms, k, axis=0) - places[:, None], axis=2).min(axis=1)
        atoms = np.vstack([atoms, places[gaps.argmax()]])
    return atoms


def test_two_atoms_that_look_like_one_are_told_apart():
    truth = with_near_pairs([1.5, 1.7, 1.9, 2.1])  # tracing takes all of them for one, 2.0 Å apart or less
    found = locate(series(truth, H=2.0), "Ta", confidence="fit", progress=False)
    result = compare(found.positions, truth)
    assert len(result.pairs) == len(found) == 40
    assert result.rmsd < 1.3 * np.sqrt((found.uncertainty**2).sum(axis=1).mean())  # 6 % by chance; pairs are not linear
    assert any("split" in step.name for step in found.history)
    coarse = locate(series(truth, H=2.0), "Ta", min_distance=2.3, confidence="fit", progress=False).positions
    assert pdist(coarse).min() > 0.9 * 2.3  # a distance that was asked for is kept


def test_an_atom_of_a_crowd_is_doubted_once():
    truth = with_near_pairs([1.9, 2.1])
    counts = series(truth, H=2.0)
    way = Way(counts, ["Ta"], Noise(0.0, 1.0), "tilt", False, None, False, False, None, False)
    way.flags, way.depth = np.zeros(38, int), 56
    way.fit = refine(truth, counts, "Ta", noise="poisson", per_atom=["H"])
    typical = np.median(way.fit.H)
    weights = way.fit.H.copy()
    weights[[5, 36]] *= 0.6  # one that has room, and one of a pair
    way.fit = replace(way.fit, H=weights)
    assert way.thin(np.full(38, 1000.0), typical)
    assert len(way.fit.H) == 37 and len(compare(way.fit.positions, truth).pairs) >= 36
    assert np.linalg.norm(way.fit.positions - truth[5], axis=1).min() < 0.1  # what has room stays
    assert not way.thin(np.full(37, 1000.0), typical)
    way.sift()  # and finds that it was an atom
    assert len(way.fit.H) == len(compare(way.fit.positions, truth).pairs) == 38


def test_nothing_depends_on_the_dose():
    for H in (0.25, 5.0):
        result = compare(locate(series(cluster(), H=H), "Ta", progress=False).positions, cluster())
        assert len(result.pairs) == 40 and not len(result.false)


@pytest.mark.parametrize("noise", [None, "gaussian"])
def test_filtered_images_are_not_taken_for_less_noisy_ones(noise):
    counts = series(cluster())
    smooth = TiltSeries(ndimage.gaussian_filter(counts.images, (0, 1, 1)), ANGLES, PIXEL)
    found = locate(smooth, "Ta", noise=noise, confidence="fit", progress=False)
    result = compare(found.positions, cluster())
    assert len(result.pairs) == len(found) == 40
    # what the filter left of the noise at an atom's size, not the 5 % of its fine detail
    level = counts.images.mean()  # the atoms, where it is read, are brighter
    assert found.noise.sigma(level) == pytest.approx(level**0.5, rel=0.4)
    assert not found.refinement.turned and not found.refinement.outer.size
    # the noise of 40 atoms is known to 20 %, their scatter to 6 %, and an even noise is not quite that of counts
    assert result.rmsd == pytest.approx(np.sqrt((found.uncertainty**2).sum(axis=1).mean()), rel=0.3)


def test_takes_processed_images_and_a_missing_wedge():
    angles = np.linspace(-70.0, 70.0, 30)
    images = simulate_images(cluster(), angles, (56, 50), PIXEL, "Ta", 1.0, B)
    noisy = TiltSeries(images + np.random.default_rng(3).normal(0, 3.0, images.shape), angles, PIXEL)
    found = locate(noisy, "Ta", progress=False)
    result = compare(found.positions, cluster())
    assert len(result.pairs) == len(found) == 40
    assert found.noise.gaussian == pytest.approx(3.0, rel=0.1)
    assert found.uncertainty[:, 2].mean() > 1.2 * found.uncertainty[:, 0].mean()  # the wedge lies along z


def test_finds_images_that_are_displaced():
    moved = series(cluster(), H=3.0).images.copy()
    for k in range(0, len(moved), 3):
        moved[k] = np.roll(moved[k], 1, axis=1)
    found = locate(TiltSeries(moved, ANGLES, PIXEL), "Ta", progress=False)
    along = found.refinement.shifts[:, 1]
    assert np.median(along[::3]) - np.median(np.delete(along, np.s_[::3])) == pytest.approx(1.0, abs=0.05)
    assert len(compare(found.positions, cluster()).pairs) == 40


def test_film_larger_than_its_images():
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(np.arange(-15, 16), np.arange(-4, 5), np.arange(-1, 2)), axis=-1).reshape(-1, 3)
    film = 2.9 * grid + rng.normal(0, 0.15, grid.shape)
    angles, shape = np.linspace(-60.0, 60.0, 24), (60, 52)
    images = simulate_images(film, angles, shape, PIXEL, "Ta", 1.0, B)
    noisy = TiltSeries(images + rng.normal(0, 5.0, images.shape), angles, PIXEL)
    found = locate(noisy, "Ta", extended=True, thickness=36, progress=False)
    uncertainty, found = found.uncertainty, found.positions
    inside = np.array([8.0, 7.0])  # atoms within 3 Å of the rim leave some images at high tilt
    result = compare(found, film[(np.abs(film[:, :2]) < inside).all(axis=1)])
    assert not len(result.missed)
    assert not len(compare(found[(np.abs(found[:, :2]) < inside).all(axis=1)], film).false)
    assert result.rmsd < 0.15
    known = uncertainty[(np.abs(found[:, :2]) < inside).all(axis=1)]
    assert np.isfinite(known).all() and not np.isnan(uncertainty).any()


def test_tells_elements_by_their_weight():
    atoms = cluster(36, seed=4)
    symbols = np.where(np.arange(36) % 2, "Fe", "Pt")
    images = 1 + simulate_images(atoms, ANGLES, (56, 50), PIXEL, list(symbols), np.where(symbols == "Pt", 4.0, 1.5), B)
    found = locate(TiltSeries(np.random.default_rng(0).poisson(images), ANGLES, PIXEL), ["Pt", "Fe"], progress=False)
    pairs = compare(found.positions, atoms).pairs
    assert len(pairs) == len(found) == 36
    assert (found.elements[pairs[:, 0]] == symbols[pairs[:, 1]]).all()


def test_noise_of_counts_is_recognised():
    rng = np.random.default_rng(0)
    mean = 1 + simulate_images(cluster(), ANGLES, (56, 50), PIXEL, "Ta", 0.5, B)
    counts = rng.poisson(mean).astype(np.float32)
    assert find_noise(counts) == Noise(0.0, 1.0)
    assert find_noise((2 * counts).astype(np.float32)).poisson == pytest.approx(2.0, rel=0.1)
    assert find_noise((mean + rng.normal(0, 2, mean.shape)).astype(np.float32)).gaussian == pytest.approx(2.0, rel=0.1)


def test_nearest_distances_are_those_of_crystals():
    # lattice constants of Ta 3.31 (bcc), Si 5.43 (diamond), Au 4.08 Å (fcc)
    assert nearest_distance("Ta") == pytest.approx(3.31 * 0.75**0.5)
    assert nearest_distance("Si") == pytest.approx(5.43 * 3**0.5 / 4)
    assert nearest_distance("Au") == pytest.approx(4.08 * 0.5**0.5)


@pytest.mark.parametrize("length", [8, 9, 10, 11, 12, 13])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_coarser_images_keep_the_centre(length, factor):
    image = np.zeros((1, length, length + 1), np.float32)
    image[0, length // 2, (length + 1) // 2] = 1
    small = coarser(image, factor)[0]
    assert small[small.shape[0] // 2, small.shape[1] // 2] == 1


def test_of_a_pair_the_lighter_goes():
    atoms = np.array([[0, 0, 0], [1.0, 0, 0], [1.9, 0, 0], [5, 0, 0]])
    assert apart(atoms, np.array([1.0, 0.4, 0.9, 0.1]), 1.5).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"element": "Xx"}, UnknownName, "no scattering factor"),
        ({"element": ["Ta", "Ta"]}, ValueError, "each once"),
        ({"images": "noise"}, ValueError, "no signal above the background"),
        ({"images": "negative", "noise": "poisson"}, ValueError, "no Poisson variable"),
        ({"images": "few"}, ValueError, "holds 5 images"),
        ({"min_distance": -1.0}, ValueError, "min_distance"),
        ({"confidence": "sure"}, ValueError, "confidence='sure'"),
        ({"images": "bare"}, TypeError, "expected helpers.TiltSeries"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(change, error, words):
    good = series(cluster())
    noise = np.random.default_rng(0).poisson(5.0, good.images.shape)
    made = {
        "noise": TiltSeries(noise, ANGLES, PIXEL),
        "negative": TiltSeries(good.images - 3, ANGLES, PIXEL),
        "few": TiltSeries(good.images[:5], ANGLES[:5], PIXEL),
        "bare": good.images,
    }
    options = {"element": "Ta", **change}
    with pytest.raises(error, match=words):
        locate(made.get(options.pop("images", ""), good), options.pop("element"), progress=False, **options)


def test_published_counts_of_amorphous_silicon(published):
    sample = published("aSi208", "tilt_series")
    found = locate(sample.tilt_series(), "Si", progress=False)
    result = compare(found.positions, sample.model("truth").positions)
    assert len(result.pairs) == len(found) == 208
    assert result.rmsd < 0.098  # its authors reached 0.173 Å; the bound is 0.093

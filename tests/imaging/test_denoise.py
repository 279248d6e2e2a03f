import importlib
import importlib.util
import shutil
import sys

import numpy as np
import pytest
from naive_imaging import cosine_filter as slow_cosine_filter
from planted import raw

from helpers import memory
from helpers.imaging import Noise, correct_drift, correlation, denoise, move, restore, stabilise, tune_denoising
from helpers.imaging.cosine import cosine_filter

HAS_BM3D = importlib.util.find_spec("bm3d") is not None
needs_bm3d = pytest.mark.skipif(not HAS_BM3D, reason="bm3d, free for non-commercial use, not installed")
METHODS = ["cosine", "nlm", pytest.param("bm3d", marks=needs_bm3d)]


@pytest.fixture(scope="module")
def scene():
    """Averaged image of the three frames at one tilt, what it should be, its noise, and one to tune on."""
    series, other = raw(), raw(seed=12)
    noise = Noise(series.truth.gaussian, series.truth.poisson).averaged(3)

    def still(s, tilt):
        both = s.truth.images[tilt] + s.truth.background[tilt]
        return move(both[None], s.truth.shifts[tilt][None])[0]

    def seen(s, tilt):
        return correct_drift(s.frames[tilt], drift=s.truth.drifts[tilt])

    return seen(series, 4), still(series, 4), noise, seen(other, 9), still(other, 9)


def error(image, truth):
    inner = np.s_[8:-8, 8:-8]
    return float(np.sqrt(((image - truth)[inner] ** 2).mean()))


@pytest.mark.parametrize("method", METHODS)
def test_tuned_filter_beats_the_best_gaussian(scene, method):
    """Options are tuned on another tilt of another exposure; the Gaussian is given the truth itself."""
    image, truth, noise, other, other_truth = scene
    inner = np.s_[8:-8, 8:-8]
    grid = {"strength": (1.0, 1.3)} if method == "bm3d" else None  # a second each
    tuning = tune_denoising(other_truth[inner], noise, method=method, noisy=other[inner], grid=grid)
    found = denoise(image, method, noise=noise, **tuning.options)
    best = min(error(denoise(image, "gaussian", noise=noise, width=w), truth) for w in np.arange(0.4, 2, 0.1))
    assert error(found, truth) < 0.95 * best
    assert error(found, truth) < 0.6 * error(image, truth)


def test_tuning_reports_the_best_of_what_it_tried(scene):
    _, truth, noise, *_ = scene
    tuning = tune_denoising(truth, noise, method="gaussian", grid={"width": (0.3, 0.9, 3.0)}, seed=4)
    scores = [row["score"] for row in tuning.tried]
    assert len(scores) == 3
    assert tuning.score == max(scores)
    assert tuning.options == {"width": 0.9}


def test_cosine_filter_equals_the_slow_one():
    image = np.random.default_rng(0).normal(size=(21, 26)) + np.sin(np.arange(26) / 3)
    options = {"block": 8, "step": 2, "threshold": 2.7}
    fast = cosine_filter(image[None], 1.0, **options)[0]
    # single precision in blocks of 8 × 8
    np.testing.assert_allclose(fast, slow_cosine_filter(image, 1.0, **options), atol=2e-5)


def test_cosine_filter_keeps_a_level_and_removes_most_noise():
    noise = np.random.default_rng(1).normal(size=(64, 64))
    found = cosine_filter((noise + 50)[None], 1.0)[0]
    assert abs(found.mean() - 50 - noise.mean()) < 0.02
    assert found.std() < 0.25  # what a mean over a block of 16 × 16 in the first pass cannot tell from signal


def test_stabilised_noise_has_unit_size():
    rng = np.random.default_rng(2)
    for mean in (20.0, 100.0, 1000.0):
        image = 2.0 * rng.poisson(mean / 2.0, (300, 300)) + rng.normal(0, 5, (300, 300))
        assert abs(stabilise(image, (5.0, 2.0)).std() - 1) < 0.02  # 90,000 pixels: 0.24 %


def test_restoring_the_mean_is_unbiased():
    rng = np.random.default_rng(3)
    for mean in (5.0, 30.0, 300.0):
        image = 1.5 * rng.poisson(mean / 1.5, (600, 600)) + rng.normal(0, 4, (600, 600))
        found = restore(stabilise(image, (4.0, 1.5)).mean(dtype=float), (4.0, 1.5))
        standard_error = np.sqrt(16 + 1.5 * mean) / 600
        assert abs(found - image.mean()) < 0.01 * mean + 4 * standard_error


def test_noise_without_shot_part_needs_no_transform():
    image = np.random.default_rng(4).normal(size=(16, 16))
    np.testing.assert_allclose(restore(stabilise(image, (2.0, 0.0)), (2.0, 0.0)), image, rtol=1e-6)


def test_noise_is_estimated_where_none_is_given():
    frame = raw().frames[3, 0]
    given = denoise(frame, "cosine", noise=(raw().truth.gaussian, raw().truth.poisson))
    assert correlation(denoise(frame, "cosine"), given) > 0.99


@pytest.mark.parametrize("method", ["cosine", "nlm", "gaussian"])
def test_a_stack_equals_its_images_one_by_one(method):
    frames = raw().frames[:2, 0]
    together = denoise(frames, method, noise=(4.0, 1.5))
    alone = np.stack([denoise(f, method, noise=(4.0, 1.5)) for f in frames])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@needs_bm3d
def test_processes_give_the_bits_of_one():
    frames = raw().frames[:3, 0, :32, :32]
    alone = denoise(frames, "bm3d", noise=(4.0, 1.5), workers=1)
    np.testing.assert_array_equal(denoise(frames, "bm3d", noise=(4.0, 1.5), workers=2), alone)


@needs_bm3d
def test_the_death_of_a_process_is_said(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="a process that runs BM3D died, .*workers=1"):
        denoise(raw().frames[:3, 0, :32, :32], "bm3d", noise=(4.0, 1.5), workers=2)


def test_without_bm3d_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ImportError, match=r"non-commercial.*amorphous-packing\[denoise\].*method='cosine'"):
        denoise(raw().frames[0, 0], "bm3d")


def test_a_plain_install_denoises(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    frame, noise = raw().frames[0, 0], (4.0, 1.5)
    np.testing.assert_array_equal(denoise(frame, noise=noise), denoise(frame, "cosine", noise=noise))
    assert "block" in tune_denoising(frame, noise, grid={"block": (16,)}).options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "magic"}, "method='magic'; expected one of 'cosine', 'bm3d'"),
        ({"width": 2.0}, "'cosine' has no option width; its options: block, step"),
        ({"noise": (-1.0, 0.5)}, "expected two numbers, not negative"),
        ({"noise": (0.0, 0.0)}, "not both zero"),
        ({"workers": 0}, "workers=0; expected a positive whole number"),
        ({"strength": 0.0}, "strength=0.0"),
        ({"images": np.ones((16, 16))}, "constant"),
        ({"images": np.full((16, 16), np.inf)}, "NaN or infinity"),
        ({"images": np.zeros(16)}, r"shape \(16,\)"),
    ],
)
def test_bad_input_is_explained(arguments, message):
    given = {"images": raw().frames[0, 0], "method": "cosine", "noise": (4.0, 1.5), **arguments}
    with pytest.raises(ValueError, match=message):
        denoise(**given)


def test_tuning_needs_matching_images():
    with pytest.raises(ValueError, match="expected the same"):
        tune_denoising(raw().frames[0, 0], (1, 1), method="gaussian", noisy=raw().frames[0, 0, :-1])


def test_a_stop_and_a_lack_of_memory_are_explained(monkeypatch):
    image = np.random.default_rng(0).poisson(30, (3, 24, 24))

    def stop(*_, **__):
        raise KeyboardInterrupt

    denoising = importlib.import_module("helpers.imaging.denoise")  # the function of that name hides it
    monkeypatch.setitem(denoising._METHODS, "gaussian", (stop, {"width": 1.0}))
    with pytest.raises(KeyboardInterrupt, match="denoising was stopped after 0 of 3 images and nothing is kept"):
        denoise(image, "gaussian", noise=(0.0, 1.0))
    with pytest.raises(KeyboardInterrupt, match="the search was stopped after 0 choices and nothing is kept; pass a"):
        tune_denoising(image, (0.0, 1.0), method="gaussian")
    monkeypatch.setattr(memory, "free_memory", lambda: 1e3)
    with pytest.raises(MemoryError, match=r"1,728 pixels in double precision would take .*fewer images at a time"):
        denoise(image, noise=(0.0, 1.0))

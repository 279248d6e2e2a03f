import numpy as np
import pytest
from planted import raw

from helpers.imaging import correct_drift, drift, measure_drift, move


def rms(error):
    return float(np.sqrt((error**2).mean()))


def test_drift_between_frames_is_recovered():
    """0.1 px r.m.s. is the goal; three noisy frames of 260 atoms leave about 0.05."""
    series = raw()
    assert rms(measure_drift(series.frames) - series.truth.drifts) < 0.1


def test_better_frames_give_better_drift():
    series = raw(dose=8e5)
    # 0.005 px, what is left of the fixed window and of the spread of the atoms over the lines
    assert rms(measure_drift(series.frames) - series.truth.drifts) < 0.02


def test_single_precision_costs_nothing_that_noise_leaves(monkeypatch):
    """Sums of ten thousand terms in single precision move a maximum by some 10⁻⁷ px; noise does by 0.05."""
    frames = raw().frames
    found = measure_drift(frames)
    register = drift._register
    monkeypatch.setattr(drift, "_register", lambda spectra, *rest: register(spectra.astype(np.complex128), *rest))
    assert 0 < np.abs(measure_drift(frames) - found).max() < 1e-5


def test_large_drift_is_recovered():
    series = raw(drift=6.0, seed=2)
    assert rms(measure_drift(series.frames) - series.truth.drifts) < 0.15


def test_one_tilt_equals_the_stack_of_one():
    frames = raw().frames[:1]
    np.testing.assert_array_equal(measure_drift(frames)[0], measure_drift(frames[0]))
    np.testing.assert_array_equal(correct_drift(frames)[0], correct_drift(frames[0]))


@pytest.mark.parametrize("slow_axis", [0, 1])
def test_slow_scan_distortion_is_undone(slow_axis):
    """Without noise, the corrected image is the still one, several times nearer than an average."""
    series = raw(dose=1e10, gaussian=0.0, background=0.0, drift=3.0, slow_axis=slow_axis, seed=3)
    truth = series.truth
    still = move(truth.images, truth.shifts)
    inner = np.s_[:, 12:-12, 12:-12]

    def error(**options):
        images = correct_drift(series.frames, slow_axis=slow_axis, **options)
        return rms((images - still)[inner]) / rms(still[inner])

    full, between, none = (
        error(),
        error(slow_scan=False),
        rms((series.frames.mean(1) - still)[inner]) / rms(still[inner]),
    )
    assert full < 0.01  # cubic splines at 2.5 px an atom's radius
    assert full < 0.3 * between < 0.3 * none


def test_known_drift_is_used_as_given():
    series = raw(dose=1e8)
    truth = series.truth.drifts
    by_truth, by_search = (correct_drift(series.frames, drift=d) for d in (truth, None))
    assert rms(by_truth - by_search) < 0.01 * rms(by_truth)


def test_still_frames_stay_as_they_are():
    """A copy of a frame has not moved, and averaging two copies gives the frame."""
    frame = raw().frames[0, 0]
    pair = np.stack([frame, frame])
    np.testing.assert_allclose(measure_drift(pair), 0, atol=1e-6)
    np.testing.assert_allclose(correct_drift(pair), frame, rtol=1e-4, atol=1e-3)  # spline through its own knots


def test_callers_frames_stay_unchanged():
    frames = raw().frames[:2].copy()
    correct_drift(frames)
    np.testing.assert_array_equal(frames, raw().frames[:2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[:, :1], "one frame a tilt; expected two or more, or pass drift="),
        (lambda f: f[0, 0], r"shape \(92, 92\); expected \(T, X, Y\) or \(T, F, X, Y\)"),
        (lambda f: np.where(f == f[0, 0, 0, 0], np.nan, f), "NaN or infinity in 1 of"),
        (lambda f: np.ones_like(f), "constant images of 6"),
    ],
)
def test_bad_frames_are_explained(change, message):
    frames = raw().frames[:2].copy()
    with pytest.raises(ValueError, match=message):
        correct_drift(change(frames))


def test_bad_options_are_explained():
    frames = raw().frames[:2]
    with pytest.raises(ValueError, match="slow_axis=3"):
        correct_drift(frames, slow_axis=3)
    with pytest.raises(ValueError, match=r"expected a finite \(T, F, 2\) for 2×3 frames"):
        correct_drift(frames, drift=np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="crop=4"):
        measure_drift(frames, crop=4)


def test_one_frame_with_known_drift_is_corrected():
    frames = raw().frames[:2, :1]
    assert correct_drift(frames, drift=np.zeros((2, 1, 2))).shape == (2, 92, 92)

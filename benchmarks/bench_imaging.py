"""The imaging stage beside scikit-image and BM3D, on raw frames whose truth is known.

Drift and alignment: error in px r.m.s.; denoising: error in counts r.m.s. BM3D's package (``pip install bm3d``) is
free for non-commercial use only and left out where it is not installed.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from timing import QUICK, Case, apart, compare

import helpers
from helpers import imaging, simulation

UPSAMPLE = 20  # steps of 0.05 px, as the paper's search
SHOWN = slice(20, 21 if QUICK else 26)  # images that are denoised


@cache
def raw():
    """Frames of the embedded sample: 46 tilts, three frames each."""
    return apart(lambda: simulation.image_sample(helpers.load_sample("demo"), seed=2022))


@cache
def noise():
    return apart(lambda: imaging.estimate_noise(raw().frames).averaged(raw().frames.shape[1]))


@cache
def series():
    """The frames after drift correction, denoising and background, displaced as they came."""

    def make():
        images = imaging.denoise(imaging.correct_drift(raw().frames), "cosine", noise=level)
        return imaging.subtract_background(images)

    level = noise()
    images = apart(make)
    return helpers.TiltSeries(images, raw().angles, raw().pixel_size)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


# --- drift ----------------------------------------------------------------------------------------


def drift_ours():
    frames = raw().frames
    imaging.measure_drift(frames[:1])
    return lambda: imaging.measure_drift(frames)


def drift_skimage(normalization):
    """Register every frame with the first one of its tilt, on the grid of the paper's search."""

    def prepare():
        from skimage.registration import phase_cross_correlation

        frames = raw().frames

        def run():
            found = np.zeros((*frames.shape[:2], 2))
            for t, (first, *others) in enumerate(frames):
                for f, other in enumerate(others, start=1):
                    options = {"upsample_factor": UPSAMPLE, "normalization": normalization}
                    found[t, f] = -phase_cross_correlation(first, other, **options)[0]
            return found - found.mean(axis=1, keepdims=True)

        return run

    return prepare


def drift_error(found):
    return rms(found - raw().truth.drifts)


# --- alignment ------------------------------------------------------------------------------------


def align_ours(rounds):
    def prepare():
        tilts = series()
        imaging.align(tilts, rounds=min(rounds, 1))
        return lambda: imaging.align(tilts, rounds=rounds).shifts

    return prepare


def align_skimage():
    """Register every image with the one before it, as is common, and add up."""
    from skimage.registration import phase_cross_correlation

    images = series().images

    def run():
        options = {"upsample_factor": UPSAMPLE, "normalization": None}
        steps = [-phase_cross_correlation(a, b, **options)[0] for a, b in pairwise(images)]
        return np.cumsum([np.zeros(2), *steps], axis=0)

    return run


def alignment_error(shifts):
    error = shifts - raw().truth.shifts
    return rms(error - imaging.origin_shifts(error, raw().angles))


# --- denoising ------------------------------------------------------------------------------------


def denoised(method, **options):
    def prepare():
        if method == "bm3d":
            import bm3d  # noqa: F401
        images, level = imaging.correct_drift(raw().frames[SHOWN]), noise()
        imaging.denoise(images[:1, :64, :64], method, noise=level, **options)
        return lambda: imaging.denoise(images, method, noise=level, **options)

    return prepare


def denoising_error(images):
    truth = raw().truth
    still = imaging.move((truth.images + truth.background)[SHOWN], truth.shifts[SHOWN])
    return rms((images - still)[:, 10:-10, 10:-10])


CASES = [
    Case("drift", "ours", drift_ours, drift_error),
    Case("drift", "scikit-image", drift_skimage(None), drift_error),
    Case("drift", "scikit-image phase", drift_skimage("phase"), drift_error),
    Case("alignment", "ours", align_ours(10), alignment_error),
    Case("alignment", "no rounds", align_ours(0), alignment_error),
    Case("alignment", "scikit-image", align_skimage, alignment_error),
    Case("denoising", "cosine", denoised("cosine"), denoising_error),
    Case("denoising", "scikit-image nlm", denoised("nlm", strength=0.8, smooth=0.7), denoising_error),
    Case("denoising", "scipy gaussian", denoised("gaussian", width=0.8), denoising_error),
    Case("denoising", "bm3d", denoised("bm3d", strength=1.1), denoising_error),
    Case("denoising", "bm3d in one process", denoised("bm3d", strength=1.1, workers=1), denoising_error, repeats=2),
]

if __name__ == "__main__":
    tilts, frames, *size = raw().frames.shape
    of = f"{tilts} tilts, {frames} frames of {size[0]} × {size[1]} px; {SHOWN.stop - SHOWN.start} images denoised"
    series(), noise()  # here, so that no program's process makes them again
    errors = {"drift": "r.m.s. error [px]", "alignment": "r.m.s. error [px]", "denoising": "r.m.s. error [counts]"}
    compare(of, CASES, errors=errors)

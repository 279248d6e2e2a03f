"""From raw frames to an aligned tilt series: drift, noise, background, alignment, power spectra."""

from ..agreement import correlation
from ..geometry.rotations import origin_shifts
from .align import Alignment, align
from .background import crop_to_sample, estimate_background, find_mask, subtract_background
from .denoise import denoise
from .drift import correct_drift, measure_drift
from .invariants import centre_of_mass, common_line
from .noise import Noise, estimate_noise, noise_curve
from .outliers import OutlierWarning, find_outliers, mend_outliers
from .preprocess import preprocess
from .registration import find_shift, move
from .spectrum import Halo, Spectrum, find_halo, power_spectrum, stability
from .stabilising import restore, stabilise
from .tuning import Tuning, tune_denoising
from .verdicts import DoubtWarning

__all__ = [
    "Alignment",
    "DoubtWarning",
    "Halo",
    "Noise",
    "OutlierWarning",
    "Spectrum",
    "Tuning",
    "align",
    "centre_of_mass",
    "common_line",
    "correct_drift",
    "correlation",
    "crop_to_sample",
    "denoise",
    "estimate_background",
    "estimate_noise",
    "find_halo",
    "find_mask",
    "find_outliers",
    "find_shift",
    "measure_drift",
    "mend_outliers",
    "move",
    "noise_curve",
    "origin_shifts",
    "power_spectrum",
    "preprocess",
    "restore",
    "stabilise",
    "stability",
    "subtract_background",
    "tune_denoising",
]

"""The search for the options of a denoising method that suit images of a given noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ..agreement import correlation
from ..checks import check_choice
from ..interrupts import explained
from ..series import check_images
from ._denoisers import METHODS
from .denoise import filtered
from .noise import check_noise

_GRIDS: dict[str, dict[str, Sequence[float]]] = {
    "cosine": {"strength": (0.8, 0.9, 1.0, 1.1, 1.2, 1.4), "block": (8, 16)},
    "bm3d": {"strength": (0.8, 0.9, 1.0, 1.1, 1.2, 1.4)},
    "nlm": {"strength": (0.4, 0.6, 0.8, 1.0, 1.3), "smooth": (0.5, 0.7, 0.9)},
    "gaussian": {"width": tuple(np.arange(0.4, 2.01, 0.1).round(2))},
}


@dataclass(frozen=True, eq=False)
class Tuning:
    """Best options of a denoising method, and the score of every choice that was tried.

    Attributes
    ----------
    options : dict
        To hand on: ``denoise(images, method, noise=noise, **tuning.options)``.
    score : float
        Correlation of the denoised with the noise-free image at the best options.
    tried : list of dict
        Every choice with its score.
    """

    options: dict[str, float]
    score: float
    tried: list[dict[str, float]]


def tune_denoising(
    clean: ArrayLike,
    noise: tuple[float, float],
    *,
    method: str = "cosine",
    grid: Mapping[str, Sequence[float]] | None = None,
    noisy: ArrayLike | None = None,
    seed: int = 0,
) -> Tuning:
    """Find the options of a denoising method that suit images of a given noise.

    A simulated image is given the noise, denoised with every choice of options, and compared with the
    noise-free image; the choice with the highest correlation wins.

    Parameters
    ----------
    clean : (X, Y) or (T, X, Y) array
        Noise-free images like the real ones, of a simulation [counts].
    noise : (float, float)
        Gaussian and Poisson noise of the images that are to be denoised.
    method : str
        As in `denoise`.
    grid : dict, optional
        Values to try of each option; by default a range that suits the method.
    noisy : array, optional
        The images with noise, if they were made another way, such as by the virtual microscope and the
        same drift correction. By default noise is drawn here.
    seed : int
        Seed of the noise.

    Returns
    -------
    Tuning
        ``options``, ``score`` and all that was ``tried``.

    Raises
    ------
    ValueError
        If the shapes differ or an image is constant.
    """
    truth = check_images(clean, name="clean")
    check_choice("method", method, tuple(METHODS))
    gaussian, poisson = check_noise(noise)
    if noisy is None:
        rng = np.random.default_rng(seed)
        mean = np.clip(truth, 0, None).astype(np.float64)
        shot = poisson * rng.poisson(mean / poisson) if poisson > 0 else mean
        noisy = shot + rng.normal(scale=gaussian, size=mean.shape)
    given = check_images(noisy, name="noisy")
    if given.shape != truth.shape:
        msg = f"noisy has shape {given.shape} and clean {truth.shape}; expected the same"
        raise ValueError(msg)
    choices = dict(grid or _GRIDS[method])
    tried: list[dict[str, float]] = []
    advice = "the search was stopped after {} choices and nothing is kept; pass a smaller grid="
    with explained(lambda: advice.format(len(tried))):
        for values in product(*choices.values()):
            options = dict(zip(choices, map(float, values), strict=True))
            found = filtered(given, method, noise, **options)  # type: ignore[arg-type]
            tried.append({**options, "score": correlation(found, truth)})
    best = max(tried, key=lambda row: row["score"])
    return Tuning({k: v for k, v in best.items() if k != "score"}, best["score"], tried)

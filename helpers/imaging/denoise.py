"""Denoising of images with read-out and shot noise, and the search for its best parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..agreement import correlation
from ..checks import check_choice, check_number, check_numbers
from ..interrupts import explained
from ..memory import check_memory
from ..series import check_images
from .cosine import cosine_filter
from .noise import Noise, check_noise, noise_of
from .outliers import clean_images


def denoise(
    images: ArrayLike,
    method: str = "cosine",
    *,
    noise: tuple[float, float] | None = None,
    strength: float = 1.0,
    progress: bool = False,
    **options: float,
) -> NDArray[np.float32]:
    """Remove read-out and shot noise from images.

    The counts are first changed so that their noise has the same size everywhere, then filtered, then
    changed back without bias.

    Parameters
    ----------
    images : (T, X, Y) or (X, Y) array
        Images [counts].
    method : {"cosine", "bm3d", "nlm", "gaussian"}
        ``"cosine"``: sliding cosine transforms with Wiener weights, open and our own. ``"bm3d"``: block
        matching and 3D filtering, the paper's; needs the package ``bm3d``, which is free for non-commercial
        use only. ``"nlm"``: non-local means of scikit-image on lightly smoothed images. ``"gaussian"``: a
        Gaussian filter, for comparison.
    noise : (float, float), optional
        Gaussian and Poisson noise of these images, as from `estimate_noise`. For the mean of F frames give
        ``estimate_noise(frames).averaged(F)``. By default estimated from the images, which holds only if
        they were neither averaged with interpolation nor filtered.
    strength : float
        Noise that the filter removes, over the noise there is. `tune_denoising` finds the best.
    progress : bool
        Whether to show a progress bar.
    **options
        ``block`` (16) and ``step`` (2) [px] for ``"cosine"``; ``smooth`` (0.6), ``patch`` (5) and ``reach``
        (8) [px] for ``"nlm"``; ``width`` (1.0) [px] for ``"gaussian"``.

    Returns
    -------
    (T, X, Y) or (X, Y) array
        Denoised images [counts].

    Raises
    ------
    ImportError
        If ``method="bm3d"`` and the package is not installed.
    ValueError
        If the images are constant or not finite, or an option is unknown.

    Notes
    -----
    Generalised Anscombe transform ``z → (2/p) √(p z + 3p²/8 + g²)`` with Poisson p and Gaussian g; its
    inverse is the closed-form approximation of the exact unbiased one.

    References
    ----------
    K. Dabov et al., IEEE Trans. Image Process. 16, 2080 (2007), doi:10.1109/TIP.2007.901238.
    M. Mäkitalo, A. Foi, IEEE Trans. Image Process. 22, 91 (2013), doi:10.1109/TIP.2012.2202675.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import denoise
    >>> clean = 50 + 20 * np.sin(np.arange(64) / 4)[:, None] * np.ones(64)
    >>> noisy = clean + np.random.default_rng(0).normal(0, 5, clean.shape)
    >>> bool((denoise(noisy, noise=(5.0, 0.0)) - clean).std() < 1.5)
    True
    """
    return filtered(clean_images(images), method, noise, strength=strength, progress=progress, **options)


def filtered(
    stack: NDArray[Any],
    method: str,
    noise: tuple[float, float] | None = None,
    *,
    strength: float = 1.0,
    progress: bool = False,
    **options: float,
) -> NDArray[np.float32]:
    """Do what `denoise` does, for images that were checked."""
    from tqdm.auto import tqdm  # here, for it is slow to import

    check_choice("method", method, tuple(_METHODS))
    strength = check_number("strength", strength, low=_LEAST["width"], high=_MOST)
    run, defaults = _METHODS[method]
    unknown = set(options) - set(defaults)
    if unknown:
        known = ", ".join(defaults) or "none"
        msg = f"method {method!r} has no option {', '.join(sorted(unknown))}; its options: {known}"
        raise ValueError(msg)
    for name, value in options.items():
        check_number(name, value, low=_LEAST[name], high=_MOST)
    if method == "bm3d":
        _import_bm3d()
    gaussian, poisson = check_noise(noise_of(stack, method="detail") if noise is None else noise)
    check_memory(
        _BYTES * stack.size, what=f"{stack.size:,} pixels in double precision", instead="denoise fewer images at a time"
    )
    stable = stabilise(stack, Noise(gaussian, poisson))
    single = stable.ndim == 2
    stable = stable[None] if single else stable
    out = np.empty_like(stable)
    batch = 1 if progress or method != "cosine" else len(stable)
    done = 0

    def advice() -> str:
        return f"denoising was stopped after {done} of {len(stable)} images and nothing is kept; pass a few at a time"

    with explained(advice):
        for start in tqdm(range(0, len(stable), batch), disable=not progress, desc=method, unit="image"):
            part = slice(start, start + batch)
            out[part] = run(stable[part], strength, **{**defaults, **options})
            done = min(start + batch, len(stable))
    found = restore(out, Noise(gaussian, poisson))
    return found[0] if single else found


def stabilise(images: ArrayLike, noise: tuple[float, float]) -> NDArray[np.float32]:
    """Return images whose noise has standard deviation one everywhere (generalised Anscombe).

    Parameters
    ----------
    images : array
        Counts with ``variance = gaussian² + poisson × mean``.
    noise : (float, float)
        Gaussian and Poisson noise.
    """
    g, p = check_noise(noise)
    z = _counts(images)
    return _single(z / g if p <= 1e-9 * g else 2 / p * np.sqrt(np.clip(p * z + 0.375 * p * p + g * g, 0, None)))


def _counts(images: ArrayLike) -> NDArray[np.float64]:
    values = check_numbers(images, name="images", expected="counts")
    if values.size and np.abs(values).max() > np.finfo(np.float32).max:
        msg = f"images hold values up to {np.abs(values).max():.3g}; expected counts that single precision holds"
        raise ValueError(msg)
    return values


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return numbers in single precision, if that holds them."""
    if values.size and not np.abs(values).max() < np.finfo(np.float32).max:
        msg = "images over their noise exceed single precision; scale both to counts of electrons"
        raise ValueError(msg)
    return values.astype(np.float32)


def restore(images: ArrayLike, noise: tuple[float, float]) -> NDArray[np.float32]:
    """Return counts from stabilised and filtered images, without the bias of the plain inverse.

    Parameters
    ----------
    images : array
        What `stabilise` gave, filtered.
    noise : (float, float)
        Gaussian and Poisson noise.
    """
    g, p = check_noise(noise)
    d = _counts(images)
    if p <= 1e-9 * g:
        return _single(d * g)
    d = np.maximum(d, 2 * np.sqrt(0.375 + (g / p) ** 2) * 0.5)
    root = np.sqrt(1.5)
    exact = d * d / 4 + root / (4 * d) - 11 / (8 * d * d) + 5 * root / (8 * d**3) - 1 / 8 - (g / p) ** 2
    return _single(p * exact)


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
    check_choice("method", method, tuple(_METHODS))
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


def _import_bm3d() -> Any:
    try:
        import bm3d
    except ImportError:
        msg = (
            "method='bm3d' needs the package bm3d, which is free for non-commercial use: "
            "pip install 'amorphous-packing[denoise]', or choose method='cosine'"
        )
        raise ImportError(msg) from None
    return bm3d


def _bm3d(images: NDArray[Any], strength: float) -> NDArray[Any]:
    module = _import_bm3d()
    return np.stack([module.bm3d(image.astype(np.float64), sigma_psd=strength) for image in images])


def _cosine(images: NDArray[Any], strength: float, block: float, step: float) -> NDArray[Any]:
    block = int(min(block, min(images.shape[1:])))
    return cosine_filter(images, strength, block=block, step=int(step))


def _nlm(images: NDArray[Any], strength: float, smooth: float, patch: float, reach: float) -> NDArray[Any]:
    from skimage.restoration import denoise_nl_means

    out = []
    for image in images:
        # what is left of unit white noise after a Gaussian of this width; half of it suits textures
        left = 1 / (2 * np.sqrt(np.pi) * max(smooth, 0.28))
        softened = scipy.ndimage.gaussian_filter(image, smooth)
        out.append(
            denoise_nl_means(
                softened, patch_size=int(patch), patch_distance=int(reach), h=strength * left, fast_mode=True
            )
        )
    return np.stack(out)


def _gaussian(images: NDArray[Any], strength: float, width: float) -> NDArray[Any]:
    return scipy.ndimage.gaussian_filter(images, (0, strength * width, strength * width))


_METHODS: dict[str, tuple[Callable[..., NDArray[Any]], dict[str, float]]] = {
    "cosine": (_cosine, {"block": 16, "step": 2}),
    "bm3d": (_bm3d, {}),
    "nlm": (_nlm, {"smooth": 0.6, "patch": 5, "reach": 8}),
    "gaussian": (_gaussian, {"width": 1.0}),
}
_LEAST = {"block": 2.0, "step": 1.0, "smooth": 0.01, "patch": 1.0, "reach": 1.0, "width": 0.01}
_BYTES = 60.0  # a pixel takes on its way through the stabilising transform and back
_MOST = 64.0  # of options [px] and of the strength; larger ones only take longer
_GRIDS: dict[str, dict[str, Sequence[float]]] = {
    "cosine": {"strength": (0.8, 0.9, 1.0, 1.1, 1.2, 1.4), "block": (8, 16)},
    "bm3d": {"strength": (0.8, 0.9, 1.0, 1.1, 1.2, 1.4)},
    "nlm": {"strength": (0.4, 0.6, 0.8, 1.0, 1.3), "smooth": (0.5, 0.7, 0.9)},
    "gaussian": {"width": tuple(np.arange(0.4, 2.01, 0.1).round(2))},
}

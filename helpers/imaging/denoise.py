"""Denoising of images with read-out and shot noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_count, check_number
from ..digits import counted
from ..interrupts import explained
from ..memory import check_memory
from ._denoisers import METHODS as _METHODS
from ._denoisers import bm3d_in_processes, processes_for, require_bm3d
from .noise import Noise, check_noise, noise_of
from .outliers import clean_images
from .stabilising import restore, stabilise

_LEAST = {"block": 2.0, "step": 1.0, "smooth": 0.01, "patch": 1.0, "reach": 1.0, "width": 0.01}
_BYTES = 60.0  # a pixel takes on its way through the stabilising transform and back
_MOST = 64.0  # of options [px] and of the strength; larger ones only take longer


def denoise(
    images: ArrayLike,
    method: str = "cosine",
    *,
    noise: tuple[float, float] | None = None,
    strength: float = 1.0,
    progress: bool = False,
    workers: int | None = None,
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
    workers : int, optional
        Processes that share the images by BM3D, whose results do not depend on it; by default one for each core, if
        there are images enough. The other methods take what threads there are.
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
    Of the images of a simulated particle (three frames of 8000 electrons per Å², averaged) the cosine transforms leave
    0.95 of the r.m.s. error of BM3D, either with its default strength, in 1/20 of its time; from 0.87 (a high dose) to
    1.04 (crystals, whose blocks repeat) elsewhere.

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
    return filtered(
        clean_images(images), method, noise, strength=strength, progress=progress, workers=workers, **options
    )


def filtered(
    stack: NDArray[Any],
    method: str,
    noise: tuple[float, float] | None = None,
    *,
    strength: float = 1.0,
    progress: bool = False,
    workers: int | None = None,
    **options: float,
) -> NDArray[np.float32]:
    """Do what `denoise` does, for images that were checked."""
    from tqdm.auto import tqdm  # here, for it is slow to import

    check_choice("method", method, tuple(_METHODS))
    strength = check_number("strength", strength, low=_LEAST["width"], high=_MOST)
    if workers is not None:
        workers = check_count("workers", workers)
    run, defaults = _METHODS[method]
    unknown = set(options) - set(defaults)
    if unknown:
        known = ", ".join(defaults) or "none"
        msg = f"method {method!r} has no option {', '.join(sorted(unknown))}; its options: {known}"
        raise ValueError(msg)
    for name, value in options.items():
        check_number(name, value, low=_LEAST[name], high=_MOST)
    if method == "bm3d":
        require_bm3d()
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
        return (
            f"denoising was stopped after {done} of {counted(len(stable), 'image')} and nothing is kept; pass "
            "a few at a time"
        )

    def parts() -> Iterator[tuple[slice, NDArray[Any]]]:
        sharing = processes_for(len(stable), workers) if method == "bm3d" else 1
        if sharing > 1:
            for t, image in enumerate(bm3d_in_processes(stable, strength, sharing)):
                yield slice(t, t + 1), image
        else:
            for start in range(0, len(stable), batch):
                part = slice(start, start + batch)
                yield part, run(stable[part], strength, **{**defaults, **options})

    with explained(advice), tqdm(total=len(stable), disable=not progress, desc=method, unit="image") as bar:
        for part, images in parts():
            out[part] = images
            done = min(part.stop, len(stable))
            bar.update(done - bar.n)
    found = restore(out, Noise(gaussian, poisson))
    return found[0] if single else found

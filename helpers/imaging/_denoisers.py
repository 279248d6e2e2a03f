"""The filters behind `denoise`: each takes images with noise of unit size and returns them without."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, cast

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import NDArray

from ._bm3d_process import filter_image
from .cosine import cosine_filter

_SHARE = 3  # images that make up for starting a process


def require_bm3d() -> None:
    """Say how to get the package that the paper's filter needs, if it is not there."""
    try:
        import bm3d  # noqa: F401
    except ImportError:
        msg = (
            "method='bm3d' needs the package bm3d, which is free for non-commercial use: "
            "pip install 'amorphous-packing[denoise]', or choose method='cosine'"
        )
        raise ImportError(msg) from None


def processes_for(images: int, workers: int | None) -> int:
    """Return how many processes share images by BM3D: as many as asked for, or as cores, none without work."""
    if workers is not None:
        return min(workers, images)
    from numba import get_num_threads

    return max(1, min(get_num_threads(), images // _SHARE))


def bm3d_in_processes(images: NDArray[Any], strength: float, workers: int) -> Iterator[NDArray[Any]]:
    """Yield each filtered image in turn, as `_bm3d` would give it, from several processes.

    Raises
    ------
    RuntimeError
        If one of the processes dies.
    """
    root = str(Path(__file__).parents[2])
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", f"from {__package__}._bm3d_process import main; main()"]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings)
        for _ in range(workers)
    ]
    idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    for process in running:
        idle.put(process)

    def ask(image: NDArray[Any]) -> NDArray[Any]:
        process = idle.get()
        to, back = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            pickle.dump((image.astype(np.float64), strength), to)
            to.flush()
            answer: NDArray[Any] = pickle.load(back)
        except (EOFError, OSError) as error:
            msg = "a process that runs BM3D died, perhaps for want of memory; call again with workers=1"
            raise RuntimeError(msg) from error
        finally:
            idle.put(process)
        return answer

    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(ask, images)
    finally:
        for process in running:
            process.kill()
        pool.shutdown(cancel_futures=True)
        for process in running:
            process.communicate()


def _bm3d(images: NDArray[Any], strength: float) -> NDArray[Any]:
    return np.stack([filter_image(image.astype(np.float64), strength) for image in images])


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


#: Each filter and the defaults of its options.
METHODS: dict[str, tuple[Callable[..., NDArray[Any]], dict[str, float]]] = {
    "cosine": (_cosine, {"block": 16, "step": 2}),
    "bm3d": (_bm3d, {}),
    "nlm": (_nlm, {"smooth": 0.6, "patch": 5, "reach": 8}),
    "gaussian": (_gaussian, {"width": 1.0}),
}

"""The areas of a film, each reconstructed for itself, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numba

from ..arrays import TiltSeries, Volume, central
from ..store import provenance, save_volume
from .reconstruction import reconstruct

Source = TiltSeries | Callable[[], TiltSeries]


def run_areas(
    tasks: list[tuple[Any, ...]], workers: int, folder: Path | None
) -> Iterable[tuple[int, Volume | Path, float]]:
    """Yield number, volume or file, and R of each area that is to be reconstructed."""
    if workers == 1 or len(tasks) < 2:
        yield from map(_reconstruct_area, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    threads = max(1, numba.get_num_threads() // workers)
    with ProcessPoolExecutor(workers, get_context("spawn"), numba.set_num_threads, (threads,)) as pool:
        try:
            yield from pool.map(_reconstruct_area, tasks)
        except BrokenProcessPool:
            kept = "nothing is kept without folder=" if folder is None else f"{folder} keeps the finished areas"
            msg = (
                f"one of the {workers} processes that reconstruct areas died, perhaps for want of memory; "
                f"{kept}: call again with fewer workers"
            )
            raise RuntimeError(msg) from None


def _reconstruct_area(task: tuple[Any, ...]) -> tuple[int, Volume | Path, float]:
    """Reconstruct one area; return its volume, or the file that holds it."""
    number, source, size, path, options = task
    series = source() if callable(source) else source
    if series.images.shape[1:] != size[:2]:
        msg = f"area {number} has images of {series.images.shape[1:]} pixels; the layout states {size[:2]}"
        raise ValueError(msg)
    extent = {"extended": True, "thickness": size[2]} if "shape" not in options else {}
    result = reconstruct(series, **{**extent, "progress": False, **options})
    volume = central(result.volume, size)
    if path is None:
        return number, volume, result.final_r_factor
    note = {"area": number, "r_factor": result.final_r_factor}
    save_volume(path, volume, {**area_origin(series, size, options), **note})
    return number, path, result.final_r_factor


def area_origin(source: Source, size: tuple[int, int, int], options: Mapping[str, Any]) -> dict[str, Any]:
    """Note everything that decides what an area looks like."""
    series = source() if callable(source) else source
    decisive = {k: v for k, v in options.items() if k not in ("progress", "checkpoint", "checkpoint_every")}
    data = {"images": series.images, "angles": series.angles, "pixel_size": series.pixel_size, "size": size}
    return provenance({**decisive, **data})

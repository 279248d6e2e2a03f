"""The published film, 55 areas, reconstructed and joined by two processes.

The goal is the whole film in 8 minutes on two cores. Where its images are not in the folder that AET_DATA names, noise
in areas of the same sizes takes their place: time and memory follow from the sizes and the number of iterations alone.
R then says nothing and is left out. ``QUICK=1`` takes two areas. A second table shows R of each area beside what its
images hold.
"""

from __future__ import annotations

import functools
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numba
import numpy as np
from timing import QUICK, record

import helpers
from helpers import digits, store, tomography

FILM = (401, 351, 341)  # voxels
ROWS = {(131, 61): 16, (151, 77): 13, (161, 57): 10, (131, 57): 16}  # pixels of an image: areas with published images
TILTS, STEP = 46, 0.2  # of the measurement, and of its angles φ and ψ [degrees]
GOAL = 480.0  # seconds
Areas = Mapping[int, Callable[[], helpers.TiltSeries]]


def published() -> tuple[tomography.FilmLayout, Areas] | None:
    """Layout and images of the film, if they are on this computer."""
    sample = helpers.load_sample("Ta")
    if not sample.has("layout", download=False):
        return None
    plan = tomography.read_layout(sample.path("layout"), FILM)
    take = functools.partial(sample.tilt_series, "areas")
    areas = {n: functools.partial(take, area=n) for n in plan.numbers if sample.has("areas", download=False, area=n)}
    return (plan, areas) if areas else None


def simulated() -> tuple[tomography.FilmLayout, Areas]:
    """Areas of the same sizes, and noise for their images."""
    sizes = np.array([(x, y, x) for (x, y), count in ROWS.items() for _ in range(count)])
    middle = np.array(FILM) // 2
    places = middle + np.stack([np.arange(len(sizes)) - len(sizes) // 2, *np.zeros((2, len(sizes)), int)], axis=1)
    plan = tomography.FilmLayout(places, sizes // 2, FILM)
    return plan, {n: functools.partial(noise, n, plan.size(n)[:2]) for n in plan.numbers}


def noise(number: int, shape: tuple[int, int]) -> helpers.TiltSeries:
    """Images with the same total at every tilt."""
    rng = np.random.default_rng(number)
    phi, psi = STEP * rng.integers(-1, 2, (2, TILTS))
    images = 1.0 + rng.random((TILTS, *shape), np.float32)
    images /= images.mean(axis=(1, 2), keepdims=True)
    return helpers.TiltSeries(images, np.stack([phi, np.linspace(-63.0, 56.0, TILTS), psi], axis=1), 0.322)


def used() -> tuple[float, float]:
    """CPU seconds of this process and of those that it started, and the largest memory of one of those [MB]."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return sum(use.ru_utime + use.ru_stime for use in (mine, theirs)), theirs.ru_maxrss / unit


def main() -> None:
    real = published()
    plan, areas = real or simulated()
    chosen = list(areas)[:2] if QUICK else list(areas)
    first = areas[chosen[0]]()
    tomography.reconstruct(first, iterations=1, extended=True, progress=False)  # compiles
    workers = min(2, numba.get_num_threads())
    with tempfile.TemporaryDirectory() as folder:
        start, (start_cpu, _) = time.perf_counter(), used()
        film = tomography.reconstruct_film(areas, plan, only=chosen, folder=folder, workers=workers, progress=False)
        seconds, (cpu, memory) = time.perf_counter() - start, used()
        rows = list(of_areas(film, plan, areas, Path(folder))) if real else []
    r = list(film.r_factor.values())
    row = {
        "film": f"{'Ta' if real else 'noise'}, {len(r)} areas", "processes": workers, "seconds": seconds,
        "CPU": cpu - start_cpu, "goal": GOAL * len(r) / sum(ROWS.values()), "memory of one": memory,
        "lowest R": min(r) if real else None, "median R": float(np.median(r)) if real else None,
        "highest R": max(r) if real else None,
    }  # fmt: skip
    units = {"film": "", "processes": "", "seconds": "s", "CPU": "s", "goal": "s", "memory of one": "MB"}
    note = (
        "50 accelerated iterations of each area, stored, read again and joined, once; the start of the processes is "
        "in it. The goal is eight minutes for 55 areas on two cores"
    )
    record("A film from its areas", [row], {**units, "lowest R": "", "median R": "", "highest R": ""}, note=note)
    if rows:
        record_areas(rows)


def of_areas(
    film: tomography.Film, plan: tomography.FilmLayout, areas: Areas, folder: Path
) -> Iterator[dict[str, float | None]]:
    """What the images of each area hold, its R, and how alike our volume and the published one are."""
    sample = helpers.load_sample("Ta")
    heights = sorted(set(plan.centres[:, 1]))
    for number, r in film.r_factor.items():
        counts = np.abs(areas[number]().images).mean(axis=(1, 2))
        alike = None
        if sample.has("area_volumes", download=False, area=number):
            ours = store.load_volume(folder / f"area_{number:02d}.h5")
            alike = tomography.correlation(ours, sample.volume("area_volumes", area=number))
        row = heights.index(plan.centres[plan.numbers.index(number), 1]) + 1
        yield {
            "area": number, "row": f"row {row}", "counts": float(counts.mean()), "emptiest image": float(counts.min()),
            "R": r, "R × √counts": r * float(np.sqrt(counts.mean())), "correlation": alike,
        }  # fmt: skip


def record_areas(rows: list[dict[str, float | None]]) -> None:
    """Keep R of the areas beside what their images hold."""
    counts, r = (np.array([row[key] for row in rows], float) for key in ("counts", "R"))
    alike = [row["correlation"] for row in rows if row["correlation"] is not None]
    note = (
        "Counts a pixel, their mean over the tilts and that of the emptiest image. R is the mean over the tilts of the "
        "misfit relative to what an image holds, so that it rises where the film ends and images are nearly empty"
    )
    if len(rows) > 2:
        power = np.polyfit(np.log(counts), np.log(r), 1)[0]
        note += f": as the counts to the power of {digits.write(power, places=2)}, where noise of counting gives −½"
    if alike:
        note += (
            ". Correlation is that with the published volume, after 500 plain iterations: "
            f"{min(alike):.3f} to {max(alike):.3f} in the {len(alike)} areas whose volume is on this computer"
        )
    columns = dict.fromkeys(("area", "row", "counts", "emptiest image", "R", "R × √counts", "correlation"), "")
    plot = {"kind": "lines", "x": "counts", "y": "R", "series": "row", "log": "xy"}
    record("R where the film ends", sorted(rows, key=lambda row: row["counts"] or 0.0), columns, plot=plot, note=note)


if __name__ == "__main__":
    main()

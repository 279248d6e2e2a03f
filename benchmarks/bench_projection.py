"""An iteration of RESIRE, and what its two kernels, projection and gradient step, reach of the computer's limits.

First table: an iteration of `helpers.tomography.reconstruct` with all three angles of a tilt, beside its goal and the
published program. Second: the two kernels where the axis is more and more off y. Third: what share of the arithmetic
and of the memory's speed they reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numba
import numpy as np
from geometries import GEOMETRIES, Geometry
from numba import njit
from timing import _peak, _reset_peak, record

import helpers
from helpers import tomography
from helpers.tomography._layout import _detector_lines
from helpers.tomography._passes import descend, project_into

REPEATS = 7
TURNS = (0.0, 0.2, 1.0, 3.0)  # φ and ψ of tilts about an axis that is not quite y [degrees]


@njit(fastmath=True)
def _triad(a, b, c, repeats):
    for r in range(repeats):
        s = np.float32(r)
        for i in range(a.shape[0]):
            a[i] = b[i] + s * c[i]


@njit(fastmath=True)
def _multiply_add(x, repeats):
    """Eight fused multiply-adds a number and nothing else, many numbers at a time."""
    a = np.float32(0.5)
    for r in range(repeats):
        b = np.float32(r)
        for i in range(x.shape[0]):
            y = x[i]
            y = (((y * a + b) * a + b) * a + b) * a + b
            x[i] = (((y * a + b) * a + b) * a + b) * a + b


def best(function: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Shortest time and shortest CPU time of several calls [s]."""
    function()
    seconds, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        function()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return min(seconds), min(cpu)


def ceilings() -> tuple[float, float, float]:
    """What one core does a second: multiply-adds, bytes in the nearest cache, bytes in memory."""
    x = np.ones(2048, np.float32)
    near = np.ones((3, 2048), np.float32)
    far = np.ones((3, 1 << 26), np.float32)
    return (
        8 * len(x) * 20_000 / best(lambda: _multiply_add(x, 20_000))[1],
        near.nbytes * 50_000 / best(lambda: _triad(*near, 50_000))[1],
        far.nbytes / best(lambda: _triad(*far, 1), 3)[1],
    )


def iteration(geometry: Geometry) -> tuple[float, float, float]:
    """Seconds and CPU seconds of an iteration, set-up shared out, and the memory of the reconstruction [MB]."""
    _, images = geometry.fill()
    series = helpers.TiltSeries(images, geometry.angles, 1.0)

    def take(count):
        return tomography.reconstruct(series, iterations=count, shape=geometry.volume, progress=False)

    take(1)
    before = _reset_peak()
    take(3)
    memory = _peak() - before
    seconds, cpu = best(lambda: take(10), 3)
    return seconds / 10, cpu / 10, memory / 1e6


def kernels(geometry: Geometry) -> dict[str, tuple[float, float, float, float]]:
    """CPU seconds, multiply-adds, bytes in the nearest cache and bytes in memory of both kernels.

    Counted for every voxel that falls on an image, per tilt. For a tilt about y alone a voxel is shared by two pixels,
    with one multiply-add and one load each, for the sums stay in registers. Else it is shared by four: projection loads
    the voxel, for its sums stay in registers as well; back-projection loads and stores the voxel.
    Memory sees the volume once, and the three volumes of the accelerated step once in and once out.
    """
    lines = _detector_lines(geometry.angles, geometry.volume, geometry.image, None)
    nx, ny, nz = geometry.volume
    images = np.empty((geometry.tilts, geometry.image[0] + 2, geometry.image[1] + 2), np.float32)
    x, w, z = np.ones((3, nz, nx, ny), np.float32)
    project = best(lambda: project_into(x, lines, images))[1]
    pairs = float(images.sum(dtype=float))
    images[:] = 0
    down = best(lambda: descend(images, lines, x, w, z, 0.0, 0.1, 0.1, 0.1, True, 0.0))[1]
    across = 4 if geometry.step else 2
    words = (1, 2) if geometry.step else (2, 2)
    return {
        "project": (project, across * pairs, 4 * words[0] * pairs, x.nbytes),
        "descend": (down, across * pairs, 4 * words[1] * pairs, 6 * x.nbytes),
    }


def known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def main() -> None:
    rows: list[dict] = []
    for name, geometry in GEOMETRIES.items():
        seconds, cpu, memory = iteration(geometry)
        (goal, goal_memory), (published, published_memory) = geometry.goal, geometry.published
        rows.append(
            {
                "object": name, "seconds": seconds, "CPU": cpu, "goal": goal, "memory": memory,
                "goal of memory": known(goal_memory), "published": known(published),
                "published memory": known(published_memory),
            }
        )  # fmt: skip
    note = (
        f"Shortest of 3 runs of 10 iterations, {numba.get_num_threads()} threads. The published program, unaccelerated "
        "and on a computer of this class, took 3.1 h for 500 iterations of Ta area 1, which 50 accelerated ones replace"
    )
    units = {"seconds": "s", "CPU": "s", "goal": "s", "memory": "MB", "goal of memory": "MB", "published": "s"}
    record("An iteration of RESIRE", rows, {"object": "", **units, "published memory": "MB"}, note=note)

    rows = []
    for name, geometry in [*GEOMETRIES.items()][1:3] or GEOMETRIES.items():
        plain: dict[str, float] = {}
        for turn in TURNS:
            cpu = {kernel: found[0] for kernel, found in kernels(replace(geometry, step=turn)).items()}
            plain = plain or cpu
            ratios = {f"{kernel} over 0°": cpu[kernel] / plain[kernel] for kernel in cpu}
            rows.append({"object": name, "φ and ψ": turn, **cpu, **ratios})
    units = {"object": "", "φ and ψ": "°", "project": "s", "descend": "s", "project over 0°": "", "descend over 0°": ""}
    note = (
        f"CPU time of all tilts in one pass, shortest of {REPEATS}; each φ and ψ is 0 or the angle stated, of either "
        "sign. At 0° every slice has the same weights"
    )
    record("Tilts about an axis that is not quite y", rows, units, note=note)

    limits, rows = ceilings(), []
    for name, geometry in GEOMETRIES.items():
        for angles, one in {"": geometry, ", θ only": replace(geometry, step=0.0)}.items():
            if angles and not geometry.step:
                continue
            for kernel, (cpu, *counts) in kernels(one).items():
                shares = [100 * count / cpu / limit for count, limit in zip(counts, limits, strict=True)]
                of = dict(zip(("arithmetic", "cache", "memory"), shares, strict=True))
                rows += [
                    {"kernel": f"{kernel}, {name}{angles}", "CPU": cpu, "limit": limit, "share": share}
                    for limit, share in of.items()
                ]
    note = (
        f"One core does at most {limits[0] / 1e9:.0f} thousand million multiply-adds a second in single precision, and "
        f"a triad moves {limits[1] / 1e9:.0f} GB/s in the nearest cache and {limits[2] / 1e9:.0f} GB/s in memory"
    )
    columns = {"kernel": "", "CPU": "s", "limit": "", "share": "%"}
    record("Shares of the computer's limits that the kernels reach", rows, columns, note=note)


if __name__ == "__main__":
    main()

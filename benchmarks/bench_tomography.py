"""Projection and back-projection beside ASTRA's CPU projectors and scikit-image, and an iteration of RESIRE.

First table: one projection and one back-projection of the whole object about the tilt axis alone, which is all that
the others know; they take it slice by slice. ASTRA's CPU projectors use one thread, so ours is given one as well;
``2 x`` are two threads, which for ASTRA take two slices at a time. ``ASTRA matrix`` is ASTRA's matrix of one slice,
which scipy applies to all of them: fast, but for this geometry only. scikit-image is slow, so it is compared on
eight slices. Peers that are not installed are left out: ``pip install astra-toolbox``.

Second table: an iteration of `helpers.tomography.reconstruct` with all three angles of a tilt, beside its goal and
the published program. Third: what share of the arithmetic and of the memory's speed its two kernels reach.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numba
import numpy as np
from numba import njit
from timing import QUICK, Case, _peak, _reset_peak, compare, record

import helpers
from helpers import tomography
from helpers.tomography._layout import _detector_lines
from helpers.tomography._passes import descend, project_into

REPEATS = 7
FEW = 8  # slices for scikit-image


@dataclass(frozen=True)
class Geometry:
    """Sizes of a reconstruction, what is wanted of it, and what the published program takes."""

    tilts: int
    image: tuple[int, int]
    volume: tuple[int, int, int]
    step: float  # of φ and ψ [degrees]
    goal: tuple[float, float]  # seconds an iteration, peak memory [MB]
    published: tuple[float, float] = (np.nan, np.nan)

    @property
    def angles(self) -> np.ndarray:
        """Euler angles like those of the measurement [degrees]."""
        rng = np.random.default_rng(0)
        phi, psi = self.step * rng.integers(-1, 2, (2, self.tilts))
        return np.stack([phi, np.linspace(-63.0, 56.0, self.tilts), psi], axis=1)

    @property
    def single_axis(self) -> np.ndarray:
        return self.angles[:, 1]

    def slices(self, count: int) -> Geometry:
        """Return the same with so many slices across the tilt axis, all of them seen at every tilt."""
        return replace(self, image=(self.image[0], count), volume=(self.volume[0], count, self.volume[2]))

    def fill(self):
        """Return a volume and images of noise: no program's speed depends on the values."""
        rng = np.random.default_rng(1)
        return rng.random(self.volume, np.float32), rng.random((self.tilts, *self.image), np.float32)


GEOMETRIES = {
    "example": Geometry(59, (61, 61), (437, 61, 61), 0.0, (0.1, np.nan), (8.97, 1900.0)),
    "Ta area 1": Geometry(46, (131, 61), (543, 63, 131), 0.2, (0.35, 300.0), (22.3, 4700.0)),
    "128³": Geometry(50, (128, 128), (128, 128, 128), 0.2, (0.5, np.nan)),
    "256³": Geometry(50, (256, 256), (256, 256, 256), 0.2, (4.0, 1000.0)),
}
if QUICK:
    GEOMETRIES = {"trial": Geometry(20, (61, 16), (61, 16, 31), 0.2, (0.1, np.nan))}


# --- beside other programs ------------------------------------------------------------------------


def ours(threads):
    """Projection and back-projection through the public functions."""

    def of(geometry):
        def prepare():
            numba.set_num_threads(min(threads, numba.get_num_threads()))
            volume, images = geometry.fill()

            def run():
                tomography.project(volume, geometry.single_axis, geometry.image)
                tomography.back_project(images, geometry.single_axis, geometry.volume)

            run()
            return run

        return prepare

    return of


def astra_geometries(geometry):
    import astra

    nx, _, nz = geometry.volume
    grid = astra.create_vol_geom(nz, nx)
    return astra, grid, astra.create_proj_geom("parallel", 1.0, geometry.image[0], np.deg2rad(geometry.single_axis))


def astra_slices(kernel, threads):
    """One of ASTRA's CPU projectors, forward and back, on every slice across the tilt axis."""

    def of(geometry):
        def prepare():
            astra, grid, beams = astra_geometries(geometry)
            volume, images = geometry.fill()
            volume = np.ascontiguousarray(volume.transpose(1, 2, 0))  # slice, z, x
            images = np.ascontiguousarray(images.transpose(2, 0, 1))  # slice, tilt, x
            projector = astra.create_projector(kernel, beams, grid)

            def apply(kind, role, of_volume, of_images):
                config = astra.astra_dict(kind)
                config["ProjectorId"] = projector
                config[role] = astra.data2d.link("-vol", grid, of_volume)
                config["ProjectionDataId"] = astra.data2d.link("-sino", beams, of_images)
                algorithm = astra.algorithm.create(config)
                astra.algorithm.run(algorithm)
                astra.algorithm.delete(algorithm)
                astra.data2d.delete([config[role], config["ProjectionDataId"]])

            def run():
                there, back = np.empty_like(images), np.empty_like(volume)

                def one(y):
                    apply("FP", "VolumeDataId", volume[y], there[y])
                    apply("BP", "ReconstructionDataId", back[y], images[y])

                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(one, range(len(volume))))

            run()
            return run

        return prepare

    return of


def astra_matrix(threads):
    """The matrix of one slice from ASTRA, times all slices at once, and its transpose; a thread takes some rows."""

    def of(geometry):
        def prepare():
            astra, grid, beams = astra_geometries(geometry)
            matrix = astra.matrix.get(astra.projector.matrix(astra.create_projector("linear", beams, grid)))
            matrix = matrix.astype(np.float32)
            volume, images = geometry.fill()
            volume = np.ascontiguousarray(volume.transpose(2, 0, 1)).reshape(-1, geometry.volume[1])
            images = np.ascontiguousarray(images.reshape(-1, geometry.image[1]))

            def parts(whole):
                ends = [whole.shape[0] * n // threads for n in range(threads + 1)]
                return [whole[a:b] for a, b in itertools.pairwise(ends)]

            there, back = parts(matrix), parts(matrix.T.tocsr())

            def run():
                if threads == 1:
                    return there[0] @ volume, back[0] @ images
                with ThreadPoolExecutor(threads) as pool:
                    return list(pool.map(lambda n: (there[n] @ volume, back[n] @ images), range(threads)))

            return run

        return prepare

    return of


def skimage_slices(geometry):
    """`radon` and an unfiltered `iradon` of one slice, as square as they want it; repeated for every slice."""

    def prepare():
        from skimage.transform import iradon, radon

        nx, ny, nz = geometry.volume
        volume, _ = geometry.fill()
        side = max(nx, nz)
        image = np.zeros((side, side), np.float32)
        image[:nz, :nx] = volume[:, 0].T
        sinogram = np.zeros((side, geometry.tilts), np.float32)

        def run():
            for _ in range(ny):
                radon(image, geometry.single_axis, circle=True)
                iradon(sinogram, geometry.single_axis, output_size=side, filter_name=None, circle=True)

        return run

    return prepare


PROGRAMS = {"ours": ours(1), "ASTRA matrix": astra_matrix(1), "ASTRA linear": astra_slices("linear", 1)}
SLOWER = {"ASTRA line": astra_slices("line", 1), "ASTRA strip": astra_slices("strip", 1)}
ON_TWO = {"ours": ours(2), "ASTRA matrix": astra_matrix(2), "ASTRA linear": astra_slices("linear", 2)}
SLICES = {"ours": ours(1), "scikit-image": skimage_slices}

CASES = [
    Case(task, program, prepare(geometry.slices(slices)), repeats=None if program in ("ours", "ASTRA matrix") else 2)
    for name, geometry in GEOMETRIES.items()
    for task, programs, slices in (
        (name, PROGRAMS | (SLOWER if name in ("example", "Ta area 1") else {}), geometry.image[1]),
        (f"{name}, 2 threads", ON_TWO, geometry.image[1]),
        (f"{name}, {FEW} slices", SLICES, FEW),
    )
    for program, prepare in programs.items()
]


# --- an iteration, and what the computer could do at most -----------------------------------------


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
    the voxel, and loads and stores four sums; back-projection loads four differences, and loads and stores the voxel.
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
    words = (9, 6) if geometry.step else (2, 2)
    return {
        "project": (project, across * pairs, 4 * words[0] * pairs, x.nbytes),
        "descend": (down, across * pairs, 4 * words[1] * pairs, 6 * x.nbytes),
    }


def known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def report() -> None:
    """Keep the second and the third table."""
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
    compare("Projection and back-projection about one axis", CASES)
    report()

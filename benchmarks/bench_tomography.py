"""Projection and back-projection beside ASTRA's CPU projectors and scikit-image.

One projection and one back-projection of the whole object about the tilt axis alone, which is all that the others know;
they take it slice by slice. ASTRA's CPU projectors use one thread, so ours is given one as well; ``2 threads``, which
for ASTRA take two slices at a time. ``ASTRA matrix`` is ASTRA's matrix of one slice, which scipy applies to all of
them: fast, but for this geometry only. scikit-image is slow, so it is compared on eight slices. Peers that are not
installed are left out: ``pip install astra-toolbox``.

A turn is as many calls as fill a fifth of a second, as the iterations of a reconstruction do. A call of 10 ms by
itself, after a rest, measures how soon the system wakes the second core: that takes up to 5 ms.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from geometries import GEOMETRIES
from timing import Case, compare

from helpers import tomography

FEW = 8  # slices for scikit-image
SPAN = 0.2  # seconds of a turn


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
    Case(
        task,
        program,
        prepare(geometry.slices(slices)),
        repeats=None if program in ("ours", "ASTRA matrix") else 2,
        span=SPAN,
    )
    for name, geometry in GEOMETRIES.items()
    for task, programs, slices in (
        (name, PROGRAMS | (SLOWER if name in ("example", "Ta area 1") else {}), geometry.image[1]),
        (f"{name}, 2 threads", ON_TWO, geometry.image[1]),
        (f"{name}, {FEW} slices", SLICES, FEW),
    )
    for program, prepare in programs.items()
]


if __name__ == "__main__":
    compare("Projection and back-projection about one axis", CASES)

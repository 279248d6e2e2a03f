"""Projection by the Fourier slice theorem, as the published RESIRE computes it; kept for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers
from ..geometry.rotations import rotation_matrices
from ..kernels import kernel, share
from ..memory import check_memory

_WORTH = 2e4  # points of a slice: what one thread does in a millisecond or two, many times what starting one takes
_FINEST = 100.0  # times the volume's size; no grid beyond fits into memory


class FourierProjector:
    """Projects a volume by sampling central slices of its oversampled Fourier transform.

    Parameters
    ----------
    angles : (T,) or (T, 3) array
        Tilt angles [degrees].
    volume_shape : (int, int, int)
        Voxels along x, y and z.
    image_shape : (int, int)
        Pixels of an image along x and y.
    oversampling : (float, float, float)
        How much larger the transformed grid is along x, y and z; from 1 to 100.

    Notes
    -----
    A slice is interpolated linearly between the eight nearest Fourier coefficients, which weighs the object
    by a wide sinc² about its centre: the projection is approximate, and bilinear back-projection is not its
    adjoint. `project` needs neither the oversampled grid nor that approximation.
    """

    def __init__(
        self,
        angles: ArrayLike,
        volume_shape: tuple[int, int, int],
        image_shape: tuple[int, int],
        *,
        oversampling: tuple[float, float, float] = (1.5, 3.0, 3.0),
    ) -> None:
        expected = f"three numbers from 1 to {_FINEST:g}"
        ratios = check_numbers(oversampling, name="oversampling", finite=False, expected=expected)
        if ratios.shape != (3,) or not ((ratios >= 1) & (ratios <= _FINEST)).all():
            msg = f"oversampling={oversampling!r}; expected {expected}"
            raise ValueError(msg)
        self.matrices = rotation_matrices(angles)
        self.volume_shape = volume_shape
        self.image_shape = image_shape
        self.grid = tuple(round(n * ratio) for n, ratio in zip(volume_shape, ratios.tolist(), strict=True))

    @property
    def bytes(self) -> int:
        """Memory that one projection takes: the padded volume and its transform."""
        x, y, z = self.grid
        return 4 * x * y * z + 8 * x * z * (y // 2 + 1)

    def check(self) -> None:
        """Refuse a grid too large for the memory that is free."""
        check_memory(
            self.bytes,
            what=f"a Fourier grid of {' × '.join(map(str, self.grid))} points",
            instead="lower oversampling or the object's size, or take projector='real', which needs no grid",
        )

    def project(self, volume: NDArray[np.float32]) -> NDArray[np.float32]:
        """Project a volume given as (z, x, y); return images (T, x, y)."""
        import scipy.fft  # here, for it is slow to import

        gx, gy, gz = self.grid
        padded = np.zeros((gz, gx, gy), np.float32)
        # The centre goes to index 0: each axis is split there and its first part moved to the end.
        parts = [((n // 2, n, 0), (0, n // 2, g - n // 2)) for n, g in zip(volume.shape, padded.shape, strict=True)]
        for z0, z1, z2 in parts[0]:
            for x0, x1, x2 in parts[1]:
                for y0, y1, y2 in parts[2]:
                    target = (slice(z2, z2 + z1 - z0), slice(x2, x2 + x1 - x0), slice(y2, y2 + y1 - y0))
                    padded[target] = volume[z0:z1, x0:x1, y0:y1]
        transform = scipy.fft.rfftn(padded, workers=-1)
        del padded
        nx, ny = self.image_shape
        rows = (np.arange(nx) - nx // 2) % gx
        columns = (np.arange(ny) - ny // 2) % gy
        images = np.empty((len(self.matrices), nx, ny), np.float32)
        plane = np.empty((gx, gy // 2 + 1), np.complex64)
        for image, matrix in zip(images, self.matrices, strict=True):
            self._cut(transform, matrix, plane)
            full = scipy.fft.irfft2(plane, s=(gx, gy), workers=-1)
            image[:] = full[np.ix_(rows, columns)]
        return images

    def _cut(self, transform: NDArray[Any], matrix: NDArray[np.float64], plane: NDArray[np.complex64]) -> None:
        """Fill a plane with the central slice of a transform; a part is every so many-th row."""
        share(_slice, get_num_threads() if plane.size > _WORTH else 1, transform, self.grid[1], matrix, plane)


@kernel(nogil=True)
def _slice(part, parts, transform, ny, matrix, plane):
    """plane[a, b] = transform at matrix · (a/nx, b/ny, 0), trilinear, zero beyond the grid, for every so many-th a."""
    nz, nx, _ = transform.shape
    for a in range(part, nx, parts):
        ka = (a if a < nx - nx // 2 else a - nx) / nx
        for b in range(plane.shape[1]):
            kb = b / ny
            fx = (matrix[0, 0] * ka + matrix[0, 1] * kb) * nx
            fy = (matrix[1, 0] * ka + matrix[1, 1] * kb) * ny
            fz = (matrix[2, 0] * ka + matrix[2, 1] * kb) * nz
            ix = int(np.floor(fx))
            iy = int(np.floor(fy))
            iz = int(np.floor(fz))
            total = np.complex64(0.0)
            for corner in range(8):
                jx = ix + (corner & 1)
                jy = iy + ((corner >> 1) & 1)
                jz = iz + (corner >> 2)
                weight = (1.0 - abs(fx - jx)) * (1.0 - abs(fy - jy)) * (1.0 - abs(fz - jz))
                inside = -(nx // 2) <= jx < nx - nx // 2 and -(ny // 2) <= jy < ny - ny // 2
                if weight > 0.0 and inside and -(nz // 2) <= jz < nz - nz // 2:
                    value = transform[jz % nz, jx % nx, jy] if jy >= 0 else np.conj(transform[-jz % nz, -jx % nx, -jy])
                    total += np.float32(weight) * value
            plane[a, b] = total

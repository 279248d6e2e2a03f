"""Images of atoms: Gaussians under their scattering factor, and the exact gradient of what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ..checks import check_elements, check_positions, check_positive
from ..digits import counted
from ..geometry.rotations import rotation_matrices
from ..scattering import scattering_factor
from ._image_kernels import gather, splat

_SIGMAS = 5.0  # half a window; the Gaussian is 4e-6 of its height there, little enough for a line search
_TAIL = 3.0  # reach of the scattering factor's tails beyond the window, 1e-5 of the height for most elements [Å]
_CHUNK = 1_600_000  # pixels of a few tilts that are in memory at a time
_GROUPS = 8  # independent sums of the gradient, fixed so that results do not depend on the number of threads


def simulate_images(
    positions: ArrayLike,
    angles: ArrayLike,
    shape: tuple[int, int],
    pixel_size: float,
    element: str | Sequence[str],
    H: ArrayLike,
    B: ArrayLike,
) -> NDArray[np.float32]:
    """Image a set of atoms: the linear model that positions are refined with.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions from the object's centre, with y the tilt axis and z the beam at zero tilt [Å].
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    shape : (int, int)
        Pixels of an image along x and y.
    pixel_size : float
        Edge of a pixel [Å].
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    H : float or (N,) array
        Weight, of all atoms or one for each: the height of the Gaussian in a voxel [counts].
    B : float or (N,) array
        Damping exp(−B q²) by thermal motion and the probe, of all atoms or one for each [Å²].

    Returns
    -------
    (T, X, Y) array
        Images as float32, in the unit of H; coordinate zero is at pixel n // 2.

    Raises
    ------
    ValueError
        If there are no atoms, all lie outside the images, or a value makes no sense.
    UnknownName
        If an element has no scattering factor.

    Notes
    -----
    An atom is the Gaussian ``H exp(−π² r² / B)`` on a grid of voxels, r in Å, summed along the beam and filtered by
    Kirkland's scattering factor f(q) in Å without its unit. Its image has the Fourier transform
    ``H (B / π)^1.5 f(q) exp(−B q²)`` over the cube of the pixel size, so its counts add up to
    ``H (B / π)^1.5 f(0) / pixel_size³``. B = 6 Å² here is 24 Å² in crystallography. Gaussians are cut 5 standard
    deviations from the nearest pixel, and what falls outside the images is lost.

    References
    ----------
    Yuan et al., Nature Materials 21, 95 (2022), Methods. E. J. Kirkland, Advanced Computing in Electron Microscopy,
    Springer, Appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.atoms import simulate_images
    >>> images = simulate_images([[0, 0, 0]], [0.0, 60.0], (48, 40), 0.4, "Ta", H=1.0, B=6.0)
    >>> bool(abs(images.sum(axis=(1, 2)) / (12.7403 * (6 / np.pi) ** 1.5 / 0.4**3) - 1).max() < 1e-4)
    True
    """
    atoms = check_positions(positions)
    model = ImageModel.prepare(atoms, angles, shape, pixel_size, element, B)
    weight = check_per_atom("H", H, len(atoms))
    width = check_per_atom("B", B, len(atoms), positive=True)
    images = np.empty((len(model.matrices), *model.shape), np.float32)
    for tilts, padded in model.chunks(atoms, weight, width):
        images[tilts] = model.crop(padded)
    return images


def check_per_atom(name: str, value: ArrayLike, count: int, *, positive: bool = False) -> NDArray[np.float64]:
    """Return one finite number for each atom, from one for all or one for each."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        array = np.full(count, float(array))
    if array.shape != (count,):
        msg = f"{name} has shape {array.shape}; expected one number, or {count}, one for each atom"
        raise ValueError(msg)
    if not np.isfinite(array).all() or (positive and array.min() <= 0):
        kind = "positive, finite" if positive else "finite"
        msg = f"{name} holds values that are not {kind}; expected {kind} numbers"
        raise ValueError(msg)
    return np.ascontiguousarray(array)


@dataclass(eq=False)
class ImageModel:
    """A tilt series to be: geometry, a grid with a margin, and the filters of the elements.

    The margin holds the windows and tails of atoms near and beyond the edges, and keeps the periodic filter from
    bringing them in on the other side; a field with an empty rim needs none.
    """

    matrices: NDArray[np.float64]  # (T, 3, 3)
    shape: tuple[int, int]
    pixel_size: float
    margin: NDArray[np.int64]  # (2, 2): before and after, along x and y
    grid: tuple[int, int]
    members: list[NDArray[np.int64]]  # atoms of each element
    filters: list[NDArray[Any]]  # (GX, GY // 2 + 1) each
    dtype: type = np.float32

    @classmethod
    def prepare(
        cls,
        atoms: NDArray[np.float64],
        angles: ArrayLike,
        shape: tuple[int, int],
        pixel_size: float,
        element: str | Sequence[str],
        B: ArrayLike,
        *,
        spare: float = 0.0,
        dtype: type = np.float32,
    ) -> ImageModel:
        """Check everything and lay out the grid; `spare` is how far atoms may still move [Å]."""
        size = tuple(int(n) for n in np.atleast_1d(np.asarray(shape)))
        if len(size) != 2 or min(size) < 2:
            msg = f"shape={shape!r}; expected two sizes of at least 2 px"
            raise ValueError(msg)
        pixel_size = check_positive("pixel_size", pixel_size)
        width = check_per_atom("B", B, len(atoms), positive=True)
        kinds, species = np.unique(check_elements(element, len(atoms)), return_inverse=True)
        matrices = rotation_matrices(angles)
        reach = (_SIGMAS * gaussian_sigma(width.max()) + _TAIL) / pixel_size
        margin = np.empty((2, 2), dtype=np.int64)
        places = np.einsum("nk,tka->atn", atoms, matrices[:, :, :2]) / pixel_size
        inside = np.ones((len(matrices), len(atoms)), dtype=bool)
        for axis in (0, 1):
            before = places[axis] + size[axis] // 2  # distances from the outermost pixels, negative beyond them
            after = size[axis] - 1 - before
            inside &= (before > -0.5) & (after > -0.5)
            for side, distance in enumerate((before, after)):
                nearest = distance[distance > -reach].min(initial=reach)
                margin[axis, side] = int(np.ceil(np.clip(reach + spare / pixel_size - nearest, 0, reach)))
        if not inside.any():
            msg = (
                f"{'all ' if len(atoms) > 1 else ''}{counted(len(atoms), 'atom', 'lie')} outside the images "
                f"of {size[0]}×{size[1]} px; "
                "positions are in Å from the centre of the field"
            )
            raise ValueError(msg)
        grid = tuple(fft.next_fast_len(int(n + m), real=True) for n, m in zip(size, margin.sum(axis=1), strict=True))
        q = np.hypot(np.fft.fftfreq(grid[0], pixel_size)[:, None], np.fft.rfftfreq(grid[1], pixel_size))
        filters: list[NDArray[Any]] = [scattering_factor(str(kind), q).astype(dtype) for kind in kinds]
        members = [np.flatnonzero(species == k) for k in range(len(kinds))]
        return cls(matrices, size, pixel_size, margin, grid, members, filters, dtype)

    @property
    def corner(self) -> tuple[int, int]:
        """Where the field begins in the grid."""
        return int(self.margin[0, 0]), int(self.margin[1, 0])

    def crop(self, padded: NDArray[Any]) -> NDArray[Any]:
        """Return the field without the margin."""
        i, j = self.corner
        return padded[:, i : i + self.shape[0], j : j + self.shape[1]]

    def lines(self, shifts: NDArray[Any] | None = None) -> NDArray[np.float64]:
        """(T, 2, 4) coefficients of the pixel coordinates in the grid, from x, y, z in Å and one."""
        found = np.empty((len(self.matrices), 2, 4))
        found[:, :, :3] = self.matrices[:, :, :2].transpose(0, 2, 1) / self.pixel_size
        found[:, :, 3] = [n // 2 + c for n, c in zip(self.shape, self.corner, strict=True)]
        if shifts is not None:
            found[:, :, 3] += shifts
        return found

    def gaussians(self, weight: NDArray[Any], width: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Height in a pixel, decay [1/px²] and half a window [px] of each atom."""
        amplitude = weight * np.sqrt(width / np.pi) / self.pixel_size
        decay = np.pi**2 * self.pixel_size**2 / width
        half = np.ceil(_SIGMAS * gaussian_sigma(width) / self.pixel_size).astype(np.int64)
        return amplitude, decay, half

    def chunks(
        self, atoms: NDArray[Any], weight: NDArray[Any], width: NDArray[Any], shifts: NDArray[Any] | None = None
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the images of a few tilts at a time, on the grid with its margin."""
        lines = self.lines(shifts)
        amplitude, decay, half = self.gaussians(weight, width)
        workers = get_num_threads()
        count = max(2 * workers, _CHUNK // (self.grid[0] * self.grid[1]))
        for start in range(0, len(lines), count):
            tilts = slice(start, min(start + count, len(lines)))
            images: NDArray[Any] = np.empty((tilts.stop - start, *self.grid), self.dtype)
            total = None
            for member, factor in zip(self.members, self.filters, strict=True):
                one = len(self.members) == 1
                args = (atoms, amplitude, decay, half) if one else (a[member] for a in (atoms, amplitude, decay, half))
                r, a, d, h = args
                splat(r, lines[tilts], a, d, h, images)
                spectrum = fft.rfft2(images, workers=workers)
                spectrum *= factor
                total = spectrum if total is None else total + spectrum
            yield tilts, fft.irfft2(total, s=self.grid, workers=workers, overwrite_x=True)

    def gatherer(
        self, atoms: NDArray[Any], weight: NDArray[Any], width: NDArray[Any], shifts: NDArray[Any] | None = None
    ) -> Gatherer:
        """Return what collects the gradient from residual images, a few tilts at a time."""
        return Gatherer(self, atoms, weight, width, self.lines(shifts))


class Gatherer:
    """Gradient of L with respect to positions, H, B and shifts, from ∂L/∂(image) on the grid."""

    def __init__(
        self, model: ImageModel, atoms: NDArray[Any], weight: NDArray[Any], width: NDArray[Any], lines: NDArray[Any]
    ):
        self.model, self.atoms, self.weight, self.width, self.all_lines = model, atoms, weight, width, lines
        self.sums = np.zeros((_GROUPS, len(atoms), 5))
        self.moves = np.zeros((len(lines), 2))

    def add(self, tilts: slice, residuals: NDArray[Any]) -> None:
        """Take in ∂L/∂(image) of a few tilts, zero in the margin."""
        model, lines, workers = self.model, self.all_lines[tilts], get_num_threads()
        amplitude, decay, half = model.gaussians(self.weight, self.width)
        spectrum = fft.rfft2(residuals, workers=workers)
        last = len(model.members) - 1
        for k, (member, factor) in enumerate(zip(model.members, model.filters, strict=True)):
            part = np.multiply(spectrum, factor, out=spectrum) if k == last else spectrum * factor
            images = fft.irfft2(part, s=model.grid, workers=workers, overwrite_x=True)
            moves = np.zeros((len(lines), 2))
            if last == 0:
                gather(self.atoms, lines, amplitude, decay, half, images, self.sums, moves)
            else:
                sums = np.zeros((_GROUPS, len(member), 5))
                a, d, h = amplitude[member], decay[member], half[member]
                gather(self.atoms[member], lines, a, d, h, images, sums, moves)
                self.sums[:, member] += sums
            self.moves[tilts] += moves

    def result(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """∂L/∂ positions (N, 3) [1/Å], H (N,), B (N,) [1/Å²] and shifts (T, 2) [1/px]."""
        total = self.sums.sum(axis=0)
        amplitude, decay, _ = self.model.gaussians(self.weight, self.width)
        per_weight = total[:, 3] * np.sqrt(self.width / np.pi) / self.model.pixel_size
        # d/dB of A(B) exp(−decay(B) ρ²): A grows as √B and the decay falls as 1/B
        per_width = (0.5 * amplitude * total[:, 3] + decay * total[:, 4]) / self.width
        return total[:, :3], per_weight, per_width, self.moves


def gaussian_sigma(B: ArrayLike) -> NDArray[np.float64]:
    """Return the standard deviation of the Gaussian exp(−π² r² / B) [Å]."""
    return np.sqrt(np.asarray(B, dtype=np.float64) / 2) / np.pi

"""What the counts say of a set of atoms: the likelihood, its gradient, and how sharp it is in every unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray
from scipy import fft

from ..imaging.noise import Noise
from ..kernels import kernel
from ._image_kernels import compare
from .images import ImageModel

_NONE = np.empty((0, 0, 0), np.float32)
_WIDTHS = 6  # classes of B that curvatures are computed for, where it differs between atoms


@dataclass(frozen=True, eq=False)
class State:
    """Everything that the expected counts follow from."""

    positions: NDArray[np.float64]  # (N, 3) [Å]
    H: NDArray[np.float64]  # (N,)
    B: NDArray[np.float64]  # (N,) [Å²]
    ground: NDArray[np.float64]  # (T, 3): level and slopes in x and y per half-field [counts]
    shifts: NDArray[np.float64] | None = None  # (T, 2) [px]

    def tilts(self, chosen: NDArray[Any] | slice) -> State:
        """Return the state of some of the tilts."""
        return replace(self, ground=self.ground[chosen], shifts=None if self.shifts is None else self.shifts[chosen])


@dataclass(eq=False)
class Likelihood:
    """Counts, the geometry that they were taken in, their noise, and what else lies in the images."""

    model: ImageModel
    counts: NDArray[np.float32]  # (T, X, Y)
    noise: Noise
    extra: NDArray[np.float32]  # (T, X, Y) expected counts that are not of these atoms, or empty

    def tilts(self, chosen: NDArray[Any] | slice) -> Likelihood:
        """Return the likelihood of some of the tilts."""
        extra = self.extra[chosen] if self.extra.size else self.extra
        model = replace(self.model, matrices=self.model.matrices[chosen])
        return Likelihood(model, np.ascontiguousarray(self.counts[chosen]), self.noise, extra)

    def evaluate(self, state: State, *, gradient: bool = True) -> tuple[NDArray[np.float64], Any]:
        """Return sums (T, 5) of each tilt and the gradient in positions, H, B and shifts.

        The sums are half the deviance, its derivatives in the three parts of the background, and Σ |residual|.
        """
        args = (state.positions, state.H, state.B, state.shifts)
        sums = np.zeros((len(self.counts), 5))
        gatherer = self.model.gatherer(*args) if gradient else None
        for tilts, images in self.model.chunks(*args):
            extra = self.extra[tilts] if self.extra.size else _NONE
            one = sums[tilts]
            compare(images, self.model.corner, self.counts[tilts], state.ground[tilts], extra, *self.noise, one)
            if gatherer is not None:
                gatherer.add(tilts, images)
        return sums, None if gatherer is None else gatherer.result()

    def expected(self, state: State) -> NDArray[np.float32]:
        """Return the expected counts (T, X, Y)."""
        images = np.empty(self.counts.shape, np.float32)
        for tilts, padded in self.model.chunks(state.positions, state.H, state.B, state.shifts):
            images[tilts] = self.model.crop(padded)
        return self.add_ground(images, state)

    def add_ground(self, images: NDArray[np.float32], state: State) -> NDArray[np.float32]:
        """Add background and extra counts to images of the atoms, in place."""
        x, y = half_fields(self.model.shape)
        for t, (level, along_x, along_y) in enumerate(state.ground):
            images[t] += (level + along_x * x[:, None] + along_y * y).astype(np.float32)
        if self.extra.size:
            images += self.extra
        return images

    def inverse_variance(self, expected: NDArray[Any]) -> NDArray[np.float32]:
        """Return the weight of every pixel where so many counts are expected."""
        floor = 0.01 * self.noise.poisson + self.noise.gaussian**2 if self.noise.poisson else 0.0
        variance = self.noise.gaussian**2 + self.noise.poisson * np.asarray(expected, np.float32)
        return (1.0 / np.maximum(variance, floor, dtype=np.float32)).astype(np.float32)

    def information(self, state: State, expected: NDArray[Any] | None = None, *, spectrum: Any = None) -> NDArray[Any]:
        """Return each atom's own Fisher information, (N, 5, 5) in x, y, z [1/Å], H and B [1/Å²].

        With w the inverse variance and P_a the derivative of an atom's image, the sum of ``w P_a P_b`` over the
        pixels of all images is the correlation of w with the product of two profiles, taken at the atom.
        `spectrum` (GX, GY // 2 + 1) weights the profiles by the square root of a noise spectrum.
        """
        model = self.model
        weights = self.inverse_variance(self.expected(state) if expected is None else expected)
        lines = model.lines(state.shifts)
        found = np.zeros((len(state.positions), 5, 5))
        i, j = model.corner
        padded = np.zeros(model.grid, np.float32)
        kinds = list(self.kinds(state.B))
        products = [profile_products(model, element, B, spectrum) for element, B, _ in kinds]
        for t in range(len(weights)):
            padded[i : i + model.shape[0], j : j + model.shape[1]] = weights[t]
            transform = fft.rfft2(padded, workers=get_num_threads())
            for (_, _, members), product in zip(kinds, products, strict=True):
                maps = fft.irfft2(transform * product, s=model.grid, workers=get_num_threads())
                _sample_information(maps, state.positions, lines[t], state.H, members, found)
        return found

    def kinds(self, B: NDArray[Any]) -> list[tuple[NDArray[Any], float, NDArray[np.int64]]]:
        """Group atoms by scattering factor and B: the filter, a typical B and the atoms."""
        groups = []
        for members, factor in zip(self.model.members, self.model.filters, strict=True):
            own = B[members]
            edges = np.unique(np.quantile(own, np.linspace(0, 1, _WIDTHS + 1))) if np.ptp(own) > 1e-9 else own[:1]
            label = np.clip(np.searchsorted(edges, own, side="right") - 1, 0, max(len(edges) - 2, 0))
            groups += [(factor, float(own[label == k].mean()), members[label == k]) for k in np.unique(label)]
        return groups


def half_fields(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the pixels, in units of half the field."""
    return tuple(2.0 * (np.arange(n) - n // 2) / n for n in shape)  # type: ignore[return-value]


def atom_spectra(model: ImageModel, factor: NDArray[Any], B: float) -> NDArray[np.complex128]:
    """Return the spectra of an atom's image of H = 1 at pixel 0, derived by u, v [1/Å], H, B: (4, GX, GY // 2 + 1)."""
    qx = np.fft.fftfreq(model.grid[0], model.pixel_size)[:, None]
    qy = np.fft.rfftfreq(model.grid[1], model.pixel_size)
    q2 = qx**2 + qy**2
    height = (B / np.pi) ** 1.5 / model.pixel_size**3 * factor * np.exp(-B * q2)
    return np.stack([-2j * np.pi * qx * height, -2j * np.pi * qy * height, height, (1.5 / B - q2) * height])


#: The ten products of two of the four derivatives.
PAIRS = [(a, b) for a in range(4) for b in range(a, 4)]


def profile_products(model: ImageModel, factor: NDArray[Any], B: float, spectrum: Any = None) -> NDArray[np.complex64]:
    """Return the conjugate spectra (10, GX, GY // 2 + 1) of the products of two derivatives, as in `PAIRS`."""
    spectra = atom_spectra(model, factor, B)
    if spectrum is not None:
        spectra = spectra * np.sqrt(spectrum)
    profiles = fft.irfft2(spectra, s=model.grid)
    return np.stack([np.conj(fft.rfft2(profiles[a] * profiles[b])) for a, b in PAIRS]).astype(np.complex64)


@kernel(inner=True)
def _cubic(f):
    """Weights of the four points around a place a fraction f past the second one (Catmull and Rom)."""
    return (
        ((-0.5 * f + 1.0) * f - 0.5) * f,
        (1.5 * f - 2.5) * f * f + 1.0,
        ((-1.5 * f + 2.0) * f + 0.5) * f,
        (0.5 * f - 0.5) * f * f,
    )


@kernel(inner=True)
def _turned(maps, position, line, weight, turn, block, out):
    """Add one tilt's information of an atom, turned from the detector to x, y, z."""
    nx, ny = maps.shape[1:]
    u = line[0, 0] * position[0] + line[0, 1] * position[1] + line[0, 2] * position[2] + line[0, 3]
    v = line[1, 0] * position[0] + line[1, 1] * position[1] + line[1, 2] * position[2] + line[1, 3]
    i = int(np.floor(u))
    j = int(np.floor(v))
    if i < -1 or j < -1 or i > nx or j > ny:
        return
    cu = _cubic(u - i)
    cv = _cubic(v - j)
    k = 0
    for a in range(4):
        for b in range(a, 4):
            value = 0.0
            for di in range(4):
                for dj in range(4):
                    value += cu[di] * cv[dj] * maps[k, (i + di - 1) % nx, (j + dj - 1) % ny]
            block[a, b] = value
            block[b, a] = value
            k += 1
    # rows of the Jacobian from (x, y, z, H, B) to (u, v, H, B); the image of an atom is linear in H
    edge = np.sqrt(line[0, 0] ** 2 + line[0, 1] ** 2 + line[0, 2] ** 2)
    for axis in range(3):
        turn[0, axis] = weight * line[0, axis] / edge
        turn[1, axis] = weight * line[1, axis] / edge
    turn[2, 3] = 1.0
    turn[3, 4] = weight
    for p in range(5):
        for q in range(5):
            total = 0.0
            for a in range(4):
                for b in range(4):
                    total += turn[a, p] * block[a, b] * turn[b, q]
            out[p, q] += total


@kernel
def _sample_information(maps, positions, line, weight, members, out):
    """Add one tilt's information of each atom. One thread does: the transforms that make the maps take far longer."""
    turn, block = np.zeros((4, 5)), np.zeros((4, 4))
    for m in range(len(members)):
        n = members[m]
        _turned(maps, positions[n], line, weight[n], turn, block, out[n])

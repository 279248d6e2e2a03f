"""Evidence for atoms: what the likelihood gains by one more, or by two in place of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray
from scipy import fft, ndimage

from ..arrays import TiltSeries, Volume
from ..imaging.noise import Noise
from ..tomography.projection import back_project
from ._likelihood import atom_spectra
from .images import ImageModel
from .refinement import Refinement


@dataclass(frozen=True, eq=False)
class Evidence:
    """What images say of one more atom at any place.

    With P an atom's image for a weight of one, r the residual and v the variance of the counts, an atom of weight H
    gains H G − H² F / 2 to second order. G and F add up, over the images, `signal` and `strength` where the atom falls.
    """

    signal: NDArray[np.float32]  # (T, X, Y): correlation P ⋆ (r / v)
    strength: NDArray[np.float32]  # (T, X, Y): P² ⋆ (1 / v)
    misfit: float  # mean of r² / v
    model: ImageModel  # of one atom
    profile: NDArray[Any]  # spectrum of P
    angles: NDArray[np.float64]
    shifts: NDArray[np.float64] | None

    def maps(self, voxels: tuple[int, int, int], factor: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return G and F on voxels of so many pixels."""
        shifts = None if self.shifts is None else self.shifts / factor
        images = (coarser(part, factor) for part in (self.signal, self.strength))
        first, second = (back_project(part, self.angles, voxels, shifts=shifts) for part in images)
        return first, second

    def gain(self, H: float, voxels: tuple[int, int, int], factor: int = 1) -> Volume:
        """Map what an atom of weight H gains."""
        first, second = self.maps(voxels, factor)
        return Volume(H * first - 0.5 * H * H * second, self.model.pixel_size * factor)

    def information(self, places: NDArray[Any]) -> NDArray[np.float64]:
        """Return F, the Fisher information of a weight at each place."""
        return np.asarray(self._sample(self.strength, places, (0, 0)).sum(axis=0))

    def bending(self, places: NDArray[Any]) -> NDArray[np.float64]:
        """Return the second derivatives of G, (N, 3, 3): where they are positive, two halves gain by moving apart."""
        near = {(i, j): self._sample(self.signal, places, (i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        flat = np.empty((*near[0, 0].shape, 2, 2))
        flat[..., 0, 0] = near[1, 0] - 2 * near[0, 0] + near[-1, 0]
        flat[..., 1, 1] = near[0, 1] - 2 * near[0, 0] + near[0, -1]
        flat[..., 0, 1] = flat[..., 1, 0] = (near[1, 1] - near[1, -1] - near[-1, 1] + near[-1, -1]) / 4
        rows = self.model.matrices[:, :, :2]
        return np.asarray(np.einsum("tia,tnab,tjb->nij", rows, flat, rows)) / self.model.pixel_size**2

    def two_for_one(
        self, first: NDArray[Any], second: NDArray[Any], weights: NDArray[Any], information: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Return what pairs of atoms gain over one atom of the best weight at their centre or at one of their places.

        As if all other atoms stayed where they are, and with noise that agrees with neither: half of what the images
        of two and of one differ by, in units of the noise.

        Parameters
        ----------
        first, second : (N, 3) array
            Places of both [Å].
        weights : (N, 2) array
            Weight of each.
        information : (N,) array
            Fisher information of a weight there.
        """
        apart = second - first
        share = (weights[:, 1] / weights.sum(axis=1))[:, None]
        one, other = weights.T
        whole = self._overlap(apart)
        centre = one * self._overlap(share * apart) + other * self._overlap((1 - share) * apart)
        best = np.maximum.reduce([centre, one + other * whole, other + one * whole])
        return np.asarray(0.5 * information * (one**2 + other**2 + 2 * one * other * whole - best**2))

    def _overlap(self, apart: NDArray[Any]) -> NDArray[np.float64]:
        """Return the overlap of two atoms' images, 1 at the same place, averaged over the images."""
        overlap = fft.irfft2(np.abs(self.profile) ** 2, s=self.model.grid)
        moved = np.einsum("tia,ni->atn", self.model.matrices[:, :, :2], apart) / self.model.pixel_size
        values = ndimage.map_coordinates(overlap / overlap[0, 0], moved.reshape(2, -1), mode="grid-wrap")
        return np.asarray(values.reshape(moved.shape[1:]).mean(axis=0))

    def _sample(self, images: NDArray[Any], places: NDArray[Any], offset: tuple[int, int]) -> NDArray[np.float64]:
        """Return the values (T, N) of images where places fall, or so many pixels beside; 0 outside."""
        lines = self.model.lines(self.shifts)
        lines[:, :, 3] += np.array(offset) - self.model.corner
        points = np.einsum("tak,nk->tan", lines[:, :, :3], places) + lines[:, :, 3:]
        found = [ndimage.map_coordinates(i, p, mode="constant") for i, p in zip(images, points, strict=True)]
        return np.array(found, dtype=np.float64)


def find_evidence(
    expected: NDArray[np.float32],
    residual: NDArray[np.float32],
    noise: Noise,
    series: TiltSeries,
    element: str,
    B: float,
    shifts: NDArray[np.float64] | None,
) -> Evidence:
    """Correlate what a model leaves unexplained with the image of an atom."""
    gaussian, poisson = noise
    floor, workers = gaussian**2 + 0.01 * poisson, get_num_threads()
    shape, origin = expected.shape[1:], np.zeros((1, 3))
    one = ImageModel.prepare(origin, series.angles, (shape[0], shape[1]), series.pixel_size, element, B, spare=1e3)
    profile = atom_spectra(one, one.filters[0], B)[2]
    square = fft.rfft2(fft.irfft2(profile, s=one.grid) ** 2)
    kernels = np.conj(np.stack([profile, square])).astype(np.complex64)
    signal, strength = (np.empty(expected.shape, np.float32) for _ in range(2))
    i, j = one.corner
    wide, misfit = np.zeros((2, *one.grid), np.float32), 0.0
    for t, (image, left) in enumerate(zip(expected, residual, strict=True)):
        weight = 1 / np.maximum(gaussian**2 + poisson * image, floor)
        misfit += float((left**2 * weight).mean(dtype=float)) / len(expected)
        wide[:, i : i + shape[0], j : j + shape[1]] = left * weight, weight
        both = fft.irfft2(fft.rfft2(wide, workers=workers) * kernels, s=one.grid, workers=workers)
        signal[t], strength[t] = one.crop(both)
    return Evidence(signal, strength, misfit, one, profile, series.angles, shifts)


def refined_evidence(fit: Refinement, series: TiltSeries, element: str) -> Evidence:
    """Return what a refinement leaves unexplained, for an atom of its median width."""
    shifts = fit.shifts if fit.shifts.any() else None
    B = float(np.median(fit.B))
    return find_evidence(fit.images, fit.residual, fit.noise, fit.as_turned(series), element, B, shifts)


def coarser(images: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return every so manyeth pixel along x and y; the centre, at n // 2, stays."""
    if factor == 1:
        return images
    chosen = []
    for n in images.shape[1:]:
        before = (n // 2) // factor
        after = min((n - 1 - n // 2) // factor, before)
        chosen.append(n // 2 + factor * np.arange(-before, after + 1))
    return np.ascontiguousarray(images[:, chosen[0][:, None], chosen[1]])

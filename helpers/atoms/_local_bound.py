"""The bound of many atoms: a Fisher matrix cut into slabs, of which only neighbours share anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.linalg import cho_factor, cho_solve

from ..kernels import parts_of, share
from ._bound_kernels import _couple, _sort_cells
from ._likelihood import Likelihood, State, atom_spectra

_FINE = 4  # points per pixel of the tables of correlations
_FAINT = 3e-3  # correlation of two profiles, of their own, below which they count as apart
_ADDED = (0.0, 1e-4, 1e-3, 1e-2)  # to the unit diagonal of a matrix that approximations left not positive
_LEAST = 1e-3  # share of a profile's square in an image below which the image shows nothing of the atom
_UNSEEN = 0.02  # sum of these shares over all images below which no image does
_ALIKE = 0.1  # difference of two such shares, of the mean over the images, that tells atoms at the rim from others
_WORTH = 32  # an atom among its neighbours takes as long as so many simple items


@dataclass(frozen=True, eq=False)
class _Geometry:
    """Where the atoms fall in each image, sorted into cells, and the weights there."""

    places: NDArray[np.float64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    low: NDArray[np.float64]
    cells: NDArray[np.int64]


def own_information(likelihood: Likelihood, state: State, weight: str, **options: Any) -> NDArray[np.float64]:
    """Return the atoms' own blocks in x, y, z and, where each has its own, H."""
    size = 4 if weight == "atom" else 3
    return likelihood.information(state, **options)[:, :size, :size]


def local_covariance(likelihood: Likelihood, state: State, weight: str) -> NDArray[np.float64]:
    """Return each atom's covariance from a Fisher matrix cut into slabs, of which only neighbours share anything."""
    model = likelihood.model
    expected = likelihood.expected(state)
    own = own_information(likelihood, state, weight, expected=expected)
    kinds, tables, reach, squares = _tables(likelihood, state)
    geometry = _sort(likelihood, state, reach)
    maps, shares = _weights(likelihood, expected, geometry, squares)
    lines = model.matrices[:, :, :2].transpose(0, 2, 1).copy()
    g, size = geometry, own.shape[1]
    args = (
        g.places,
        g.order,
        g.starts,
        g.low,
        g.cells,
        reach,
        lines,
        state.H,
        kinds,
        tables,
        _FINE,
        reach,
        maps,
        shares,
    )
    scale = 1 / np.sqrt(np.maximum(np.einsum("nii->ni", own), 1e-30))
    seen = np.flatnonzero((np.einsum("nii->ni", own) > 0).all(axis=1) & ((shares[:, :, 2] ** 2).sum(axis=0) > _UNSEEN))
    slabs = _slabs(model.matrices, state.positions, seen, reach * model.pixel_size)
    known: list[NDArray[Any]] = []  # what slab k and those before it say of slab k: its inverse
    before = np.empty((0, 0))
    passed: list[NDArray[Any]] = []  # the way from slab k to the next
    for k, slab in enumerate(slabs):
        after = slabs[k + 1] if k + 1 < len(slabs) else slab[:0]
        both = np.concatenate([slab, after])
        column = np.full(len(own), -1)
        column[both] = np.arange(len(both))
        shared = np.zeros((len(slab), len(both), size, size))
        share(_couple, parts_of(_WORTH * len(slab)), slab, column, *args, shared)
        shared[np.arange(len(slab)), np.arange(len(slab))] = own[slab]
        shared *= scale[slab][:, None, :, None] * scale[both][None, :, None, :]
        matrix = shared.transpose(0, 2, 1, 3).reshape(size * len(slab), size * len(both))
        here, there = matrix[:, : size * len(slab)], matrix[:, size * len(slab) :]
        here = 0.5 * (here + here.T)
        if k:
            here -= before.T @ passed[-1]
        kept, inverse = _invert(here, (shares[:, slab, 2] ** 2).mean(axis=0))
        if not kept.all():  # go on as if the others were not there
            slabs[k] = slab = slab[kept]
            rows = np.repeat(kept, size)
            there = there[rows]
            if k:
                passed[-1] = passed[-1][:, rows]
        known.append(inverse.astype(np.float32))
        passed.append(inverse @ there)
        before = there
        if k:
            passed[k - 1] = passed[k - 1].astype(np.float32)
    covariance = np.empty_like(own)
    covariance[:] = np.diag(np.full(size, np.inf))
    later = None
    for k in range(len(slabs) - 1, -1, -1):
        slab, full = slabs[k], known[k].astype(np.float64)
        if later is not None:
            full += passed[k] @ later @ passed[k].T
        later = full
        blocks = full.reshape(len(slab), size, len(slab), size)[np.arange(len(slab)), :, np.arange(len(slab)), :]
        covariance[slab] = blocks * (scale[slab][:, :, None] * scale[slab][:, None, :])
    return covariance


def _slabs(
    matrices: NDArray[Any], positions: NDArray[Any], seen: NDArray[Any], thickness: float
) -> list[NDArray[np.int64]]:
    """Cut atoms across the tilt axis into slabs at least so thick that only neighbours overlap in any image [Å].

    The tilt axis is the direction that the beams of all tilts are most nearly perpendicular to.
    """
    beams = matrices[:, :, 2]
    axis = np.linalg.eigh(beams.T @ beams)[1][:, 0]
    along = positions[seen] @ axis
    number = ((along - along.min()) / thickness).astype(int)
    return [seen[number == k] for k in np.unique(number)]


def _weights(
    likelihood: Likelihood, expected: NDArray[Any], geometry: _Geometry, squares: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return roots of mean inverse variances (T, 3, GX, GY), and of the shares (T, N, 3) of atoms in the images.

    The means are over what an image holds of the square of an atom's image derived by u, by v and not at all; the
    shares say how much that is. Two profiles share no more than the root of what an image holds of either; with the
    mean halfway between them alone, atoms beyond the rim would share more.
    """
    model = likelihood.model
    field = np.zeros(model.grid, np.float32)
    model.crop(field[None])[:] = 1.0
    held = np.clip(fft.irfft2(fft.rfft2(field) * squares, s=model.grid), 0.0, 1.0)
    maps = np.zeros((len(expected), 3, *model.grid), np.float32)
    shares = np.empty((*geometry.places.shape[:2], 3))
    for t, weights in enumerate(likelihood.inverse_variance(expected)):
        model.crop(field[None])[:] = weights
        mean = fft.irfft2(fft.rfft2(field) * squares, s=model.grid) / np.maximum(held, _LEAST)
        maps[t] = np.sqrt(np.where(held > _LEAST, np.maximum(mean, 0.0), 0.0))
        for r in range(3):
            shares[t, :, r] = ndimage.map_coordinates(held[r], geometry.places[t].T, order=1, mode="constant")
    shares[shares < _LEAST] = 0.0
    return maps, np.sqrt(shares)


def _invert(matrix: NDArray[Any], shares: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which atoms remain, and the inverse of their part of a matrix in units of its diagonal.

    Where the matrix is not positive, it gets the least addition that makes it so. If that is much, those atoms go that
    carry a direction in which it is not positive, and that the images hold least of.
    """
    kept = np.ones(len(shares), dtype=bool)
    while kept.any():
        rows = np.repeat(kept, len(matrix) // len(shares))
        part = matrix[np.ix_(rows, rows)]
        for extra in _ADDED:
            try:
                factor = cho_factor(part + extra * np.eye(len(part)), lower=True, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            return kept, cho_solve(factor, np.eye(len(part)), check_finite=False)
        values, vectors = np.linalg.eigh(part)
        atoms = np.flatnonzero(kept)
        for vector in vectors[:, values <= max(-_ADDED[-1], values[0])].T:
            carried = (vector.reshape(len(atoms), -1) ** 2).sum(axis=1)
            carriers = atoms[carried >= 0.5 * carried.max()]
            kept[carriers[shares[carriers] <= shares[carriers].min() + _ALIKE]] = False
    return kept, np.empty((0, 0))


def _tables(likelihood: Likelihood, state: State) -> tuple[NDArray[Any], NDArray[Any], float, NDArray[Any]]:
    """Return each atom's kind, correlations of the kinds' profiles (K, K, 3, 3, M, M), their reach, and filters.

    The filters (3, GX, GY // 2 + 1) take means over the squares of a profile derived by u, by v and not at all.
    """
    model = likelihood.model
    groups = likelihood.kinds(state.B)
    kinds = np.zeros(len(state.positions), np.int64)
    spectra = []
    for k, (factor, B, members) in enumerate(groups):
        kinds[members] = k
        spectra.append(atom_spectra(model, factor, B)[[0, 1, 2]])
    fine = tuple(_FINE * n for n in model.grid)
    common = fft.irfft2(np.abs(spectra[0][2]) ** 2, s=model.grid)
    strong = np.fft.fftshift(np.abs(common) > _FAINT * common[0, 0])
    rows, columns = np.nonzero(strong)
    reach = float(np.hypot(rows - model.grid[0] // 2, columns - model.grid[1] // 2).max()) + 1.0
    half = int(np.ceil(reach * _FINE)) + 2
    tables = np.empty((len(groups), len(groups), 3, 3, 2 * half + 1, 2 * half + 1), np.float32)
    row = np.arange(-half, half + 1)
    for a, one in enumerate(spectra):
        for b, other in enumerate(spectra):
            for r in range(3):
                for s in range(3):
                    wide = np.zeros((fine[0], fine[1] // 2 + 1), complex)
                    product = one[r] * np.conj(other[s])
                    top = (model.grid[0] + 1) // 2
                    wide[:top, : product.shape[1]] = product[:top]
                    wide[top - model.grid[0] :, : product.shape[1]] = product[top:]
                    table = fft.irfft2(wide, s=fine) * _FINE**2
                    tables[a, b, r, s] = table[np.ix_(row % fine[0], row % fine[1])]
    profiles = fft.irfft2(spectra[0], s=model.grid) ** 2
    profiles /= profiles.sum(axis=(1, 2), keepdims=True)
    return kinds, tables, reach, np.conj(fft.rfft2(profiles)).astype(np.complex64)


def _sort(likelihood: Likelihood, state: State, size: float) -> _Geometry:
    """Sort the atoms of every image into cells of a size [px]."""
    model = likelihood.model
    lines = model.lines(state.shifts)
    places = np.einsum("nk,tak->tna", state.positions, lines[:, :, :3]) + lines[:, None, :, 3]
    low = places.min(axis=1)
    cells = ((places.max(axis=1) - low) / size).astype(np.int64) + 1
    order = np.empty(places.shape[:2], np.int64)
    starts = np.zeros((len(places), int(cells.prod(axis=1).max()) + 1), np.int64)
    for t in range(len(places)):
        _sort_cells(places[t], low[t], cells[t], size, order[t], starts[t, : cells[t].prod() + 1])
    return _Geometry(np.ascontiguousarray(places), order, starts, low, cells)

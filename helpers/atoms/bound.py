"""How precise positions can be: the Cramér–Rao bound of every atom and axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import cKDTree

from ..arrays import TiltSeries, Volume
from ..checks import check_choice, check_positions
from ..imaging.noise import Noise
from ._bound_kernels import _couple, _sort_cells
from ._likelihood import Likelihood, State, atom_spectra
from ._start import BACKGROUNDS, assemble, find_start, ground_columns, moments
from .refinement import Refinement, prepare_fit

_FINE = 4  # points per pixel of the tables of correlations
_FAINT = 3e-3  # correlation of two profiles, of their own, below which they count as apart
_ADDED = (0.0, 1e-4, 1e-3, 1e-2)  # to the unit diagonal of a matrix that approximations left not positive
_SINGULAR = 1e-6  # of the diagonal, below which a direction counts as undefined
_CARRIED = 1e-3  # of an undefined direction that makes an atom undefined
_LEAST = 1e-3  # share of a profile's square in an image below which the image shows nothing of the atom
_UNSEEN = 0.02  # sum of these shares over all images below which no image does
_ALIKE = 0.1  # difference of two such shares, of the mean over the images, that tells atoms at the rim from others
_SAME = 0.02  # distance of two atoms at the same place [Å]
_DENSE = 100  # atoms up to which all couplings are kept


@dataclass(frozen=True, eq=False)
class _Geometry:
    """Where the atoms fall in each image, sorted into cells, and the weights there."""

    places: NDArray[np.float64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    low: NDArray[np.float64]
    cells: NDArray[np.int64]


def position_bound(
    positions: ArrayLike | Refinement,
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    *,
    H: ArrayLike | None = None,
    B: ArrayLike | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    level: ArrayLike | None = None,
    weight: str = "atom",
    spectrum: ArrayLike | None = None,
    outer: Volume | ArrayLike | None = None,
    method: str | None = None,
) -> NDArray[np.float64]:
    """Bound the standard deviation of each atom's position from below.

    Parameters
    ----------
    positions : (N, 3) array or Refinement
        Atom positions [Å]; a refinement brings H, B, background and noise along.
    tilt_series : TiltSeries
        The images. Their counts serve where something is not given.
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    H, B : float or (N,) array, optional
        Weight and damping [Å²], as in `simulate_images`; by default fitted to the images.
    noise : {"poisson", "gaussian"} or Noise, optional
        How counts scatter, as in `refine`.
    background : {"tilt", "series", "slopes", "none"}
        Background that is unknown, as in `refine`.
    level : float, (T,) or (T, 3) array, optional
        Background [counts]; by default fitted to the images.
    weight : {"atom", "one"}
        Whether each atom has a weight of its own to find, or all have one.
    spectrum : (K,) array, optional
        Power of the weighted noise at K spatial frequencies from zero to the Nyquist frequency, 1 for white noise of
        the variance that the counts were given: see `noise_spectrum`. Frequencies beyond take the last value.
    outer : Volume or array, optional
        What else lies in the images, as in `refine`.
    method : {"dense", "local"}, optional
        ``"dense"`` inverts the full Fisher matrix, with the background, B and a common weight; ``"local"`` is for any
        number of atoms. Default: dense up to 100 atoms.

    Returns
    -------
    (N, 3) array
        Smallest standard deviation along x, y and z of an estimate without bias [Å]. Infinite for an atom that
        the images show nothing of or cannot tell from others, as happens at the rim of a film; the others are bounded
        as if it were known.

    Raises
    ------
    ValueError
        If there are no atoms, two lie at the same place, all lie outside the images, or an option is unknown.

    Notes
    -----
    The Fisher information of two unknowns is the sum over all pixels of the product of the derivatives of the expected
    counts over the variance; the bound is the root of the diagonal of its inverse. The local method cuts the
    atoms into slabs across the tilt axis, as thick as an atom's image is wide, so that only neighbouring slabs share
    information, and eliminates one after the other. It keeps all couplings of positions and weights of atoms, with the
    variance halfway between two atoms, and leaves out those with what all share (background, B, a common weight): 1 to
    2 % less than the dense bound for 24 to 250 atoms, up to 10 % less within 2 Å of the rim of a film. With coloured
    noise, an optimum for white noise has the covariance F⁻¹ M F⁻¹, M being the information of profiles weighted by the
    spectrum, taken block by block.

    References
    ----------
    A. Alania et al., Ultramicroscopy 181, 134 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import position_bound
    >>> from helpers.atoms import simulate_images
    >>> atoms, angles = [[0, 0, 0], [4.0, 1.0, 0.0]], np.arange(-60, 61, 20.0)
    >>> images = 1 + simulate_images(atoms, angles, (48, 40), 0.4, "Ta", 2.0, 6.0)
    >>> bound = position_bound(atoms, TiltSeries(images, angles, 0.4), "Ta", H=2.0, B=6.0, noise="poisson", level=1.0)
    >>> bool((bound[:, 2] > bound[:, 0]).all())  # the missing wedge lies along z
    True
    """
    if isinstance(positions, Refinement):
        known = positions
        H = known.H if H is None else H
        B = known.B if B is None else B
        noise = known.noise if noise is None else noise
        level = known.background if level is None else level
        positions = known.positions
    atoms = check_positions(positions)
    _check_apart(atoms)
    check_choice("background", background, BACKGROUNDS)
    check_choice("weight", weight, ("atom", "one"))
    method = check_choice("method", method or ("dense" if len(atoms) <= _DENSE else "local"), ("dense", "local"))
    likelihood, state = prepare_fit(atoms, tilt_series, element, H, B, noise=noise, outer=outer, background=level)
    if H is None or B is None or level is None:
        free = background if level is None else "none"
        state = find_start(likelihood, state, free, weight=H is None, width=B is None)
    if method == "dense":
        covariance = _dense(likelihood, state, background, weight)
    else:
        covariance = _local(likelihood, state, weight)
    if spectrum is not None:
        covariance = _coloured(likelihood, state, covariance, weight, _on_grid(likelihood, spectrum))
    return np.sqrt(np.einsum("nii->ni", covariance[:, :3, :3]))


def _check_apart(atoms: NDArray[Any]) -> None:
    """Refuse atoms at the same place."""
    pairs = cKDTree(atoms).query_pairs(_SAME, output_type="ndarray")
    if len(pairs):
        first, second = sorted(pairs[np.lexsort(pairs.T[::-1])[0]])
        msg = (
            f"{len(pairs)} pairs of atoms lie at the same place, the first of them atoms {first} and {second}; "
            "remove duplicates"
        )
        raise ValueError(msg)


def noise_spectrum(refinement: Refinement, *, bins: int = 24) -> NDArray[np.float64]:
    """Measure the spectrum of what a refinement leaves unexplained.

    Parameters
    ----------
    refinement : Refinement
        As from `refine`; its residual holds noise and errors of the model alike.
    bins : int
        Spatial frequencies from zero to the Nyquist frequency.

    Returns
    -------
    (bins,) array
        Mean power of the residual over the standard deviation that the counts were given: 1 where it is white noise
        of that size.
    """
    if bins < 2:
        msg = f"bins={bins!r}; expected at least two"
        raise ValueError(msg)
    gaussian, poisson = refinement.noise
    variance = np.maximum(gaussian**2 + poisson * refinement.images, gaussian**2 + 0.01 * poisson)
    scaled = refinement.residual / np.sqrt(variance)
    shape = scaled.shape[1:]
    window = np.hanning(shape[0] + 2)[1:-1, None] * np.hanning(shape[1] + 2)[1:-1]
    k = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    place = np.minimum(np.round(k / 0.5 * (bins - 1)).astype(int), bins - 1).ravel()
    inside = (k <= 0.5).ravel()
    power = np.zeros(bins)
    for image in scaled:
        square = np.abs(fft.rfft2(image * window)) ** 2
        power += np.bincount(place[inside], square.ravel()[inside], minlength=bins)
    count = np.bincount(place[inside], minlength=bins) * len(scaled) * (window**2).sum()
    return power / np.maximum(count, 1e-30)


def _on_grid(likelihood: Likelihood, spectrum: ArrayLike) -> NDArray[np.float64]:
    """Return a radial spectrum on the grid of the filters."""
    values = np.asarray(spectrum, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all() or values.min() < 0:
        msg = f"spectrum has shape {values.shape}; expected at least two powers, zero or positive"
        raise ValueError(msg)
    grid = likelihood.model.grid
    k = np.hypot(np.fft.fftfreq(grid[0])[:, None], np.fft.rfftfreq(grid[1]))
    return np.interp(k, np.linspace(0, 0.5, len(values)), values)


def _own(likelihood: Likelihood, state: State, weight: str, **options: Any) -> NDArray[np.float64]:
    """Return the atoms' own blocks in x, y, z and, where each has its own, H."""
    size = 4 if weight == "atom" else 3
    return likelihood.information(state, **options)[:, :size, :size]


def _inverse(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Invert a symmetric matrix in units of its diagonal, infinite on the diagonal of what it leaves undefined."""
    scale = np.sqrt(np.diag(matrix))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    defined = values > _SINGULAR
    inverse = (vectors[:, defined] / values[defined]) @ vectors[:, defined].T / np.outer(scale, scale)
    lost = (vectors[:, ~defined] ** 2).sum(axis=1) > _CARRIED
    inverse[lost, lost] = np.inf
    return np.asarray(inverse)


def _local(likelihood: Likelihood, state: State, weight: str) -> NDArray[np.float64]:
    """Return each atom's covariance from a Fisher matrix cut into slabs, of which only neighbours share anything."""
    model = likelihood.model
    expected = likelihood.expected(state)
    own = _own(likelihood, state, weight, expected=expected)
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
        _couple(slab, column, *args, shared)
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


def _dense(likelihood: Likelihood, state: State, background: str, weight: str) -> NDArray[np.float64]:
    """Return each atom's block of the inverse of the full Fisher matrix."""
    model, count = likelihood.model, len(state.positions)
    size = 4 if weight == "atom" else 3
    expected = likelihood.expected(state)
    weights = likelihood.inverse_variance(expected)
    normal, _, _ = moments(likelihood, state, weights)
    shared, _ = assemble(normal, None, background, weight=weight == "one", width=True)
    columns = ground_columns(background, len(weights))
    total = size * count
    fisher = np.zeros((total + len(shared), total + len(shared)))
    fisher[total:, total:] = shared
    spectra = np.empty((count, 4, model.grid[0], model.grid[1] // 2 + 1), np.complex64)
    for factor, B, members in likelihood.kinds(state.B):
        spectra[members] = atom_spectra(model, factor, B)
    qx, qy = np.fft.fftfreq(model.grid[0])[:, None], np.fft.rfftfreq(model.grid[1])
    lines = model.lines(state.shifts)
    terms = np.stack(np.broadcast_arrays(1.0, *np.ix_(*_half_fields(model.shape))))
    for t, matrix in enumerate(model.matrices):
        places = state.positions @ lines[t, :, :3].T + lines[t, :, 3]
        derivatives = np.empty((count, size, *model.shape), np.float32)
        width = np.zeros(model.shape)
        image = np.zeros(model.shape)
        for n, (u, v) in enumerate(places):
            if not (-1 < u < model.grid[0] and -1 < v < model.grid[1]):  # beyond the margin, out of sight
                derivatives[n] = 0.0
                continue
            moved = spectra[n] * np.exp(-2j * np.pi * (qx * u + qy * v)).astype(np.complex64)
            du, dv, one, dB = model.crop(fft.irfft2(moved, s=model.grid))
            for axis in range(3):
                derivatives[n, axis] = state.H[n] * (matrix[axis, 0] * du + matrix[axis, 1] * dv)
            if size == 4:
                derivatives[n, 3] = one
            image += state.H[n] * one
            width += state.H[n] * (state.B[n] * dB - 1.5 * one)  # in ln B, with constant counts
        rows = derivatives.reshape(total, -1)
        scaled = rows * weights[t].ravel()
        fisher[:total, :total] += scaled @ rows.T
        common = ([image] if weight == "one" else []) + [width]
        for k, column in enumerate(common):
            fisher[:total, total + k] += scaled @ column.ravel().astype(np.float32)
        for k, (tilts, term) in enumerate(columns, start=len(common)):
            if t in tilts:
                fisher[:total, total + k] += scaled @ terms[term].ravel().astype(np.float32)
    fisher[total:, :total] = fisher[:total, total:].T
    blocks = np.zeros((count, size, size))
    blocks[:] = np.diag(np.full(size, np.inf))
    seen = np.flatnonzero(np.diag(fisher)[:total].reshape(count, size).min(axis=1) > 0)
    rows = np.concatenate([(seen[:, None] * size + np.arange(size)).ravel(), np.arange(total, len(fisher))])
    inverse = _inverse(fisher[np.ix_(rows, rows)])
    for k, atom in enumerate(seen):
        block = inverse[k * size : (k + 1) * size, k * size : (k + 1) * size]
        if np.isfinite(block).all():
            blocks[atom] = block
    return blocks


def _half_fields(shape: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    return tuple(2.0 * (np.arange(n) - n // 2) / n for n in shape)  # type: ignore[return-value]


def _coloured(
    likelihood: Likelihood, state: State, covariance: NDArray[Any], weight: str, spectrum: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the covariance under coloured noise: with V the white one, V^½ (A^-½ M A^-½) V^½ atom by atom."""
    expected = likelihood.expected(state)
    own = _own(likelihood, state, weight, expected=expected)
    noisy = _own(likelihood, state, weight, expected=expected, spectrum=spectrum)
    seen = np.isfinite(covariance).all(axis=(1, 2))
    found = covariance.copy()
    roots = []
    for blocks, power in ((covariance[seen], 0.5), (own[seen], -0.5)):
        values, vectors = np.linalg.eigh(blocks)
        roots.append(np.einsum("nik,nk,njk->nij", vectors, np.maximum(values, 1e-30) ** power, vectors))
    both = roots[0] @ roots[1]
    found[seen] = both @ noisy[seen] @ both.swapaxes(1, 2)
    return found

"""Areas of a film: the atoms of each located by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..arrays import TiltSeries, central
from ..checks import check_positive
from ..imaging.noise import Noise
from ..series import check_series
from ..store import new_hdf5, open_hdf5
from ..tomography import project, reconstruct
from ._locating import apart, atom_power, check_one_species
from .bound import noise_spectrum, position_bound
from .classification import classify_weights
from .confidence import confidence
from .images import gaussian_sigma, simulate_images
from .refinement import Refinement, refine
from .tracing import trace

PAIR = 0.9  # of the minimum distance: refined atoms that are nearer are one
_RIM = 1.5  # atoms are modelled as far beyond the edges of an area, so that those inside are whole [Å]
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class AreaAtoms:
    """Atoms of one area of a film.

    Attributes
    ----------
    positions : (N, 3) array
        Positions from the centre of the area, y along the tilt axis [Å].
    H : (N,) array
        Weight of each atom: the height of its Gaussian in a voxel [unit of the images].
    B : float
        Damping of all atoms [Å²].
    uncertainty : (N, 3) array
        Cramér–Rao bound of each coordinate, with the spectrum of what is left unexplained [Å]; infinite at the ends
        of the area along the tilt axis, where no image shows more than half of an atom.
    gain : (N,) array
        Log-likelihood that the atom adds to tilts that were left out of the fit.
    confidence : (N,) array
        1 / (1 + exp(−gain)).
    r_factor : float
        R of the atoms and of what lies around the area.
    outer : float
        Share of the images' signal that comes from around the area.
    prior : float
        Strength of the pull towards the traced positions.
    peaks : (M, 3) array
        Traced peaks [Å].
    peak_weights : (M,) array
        Weight of each peak, all of them fitted together.
    voxel_size : float
        Edge of a pixel [Å].
    """

    positions: NDArray[np.float64]
    H: NDArray[np.float64] = field(repr=False)
    B: float
    uncertainty: NDArray[np.float64] = field(repr=False)
    gain: NDArray[np.float64] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    r_factor: float
    outer: float
    prior: float
    peaks: NDArray[np.float64] = field(repr=False)
    peak_weights: NDArray[np.float64] = field(repr=False)
    voxel_size: float

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.positions)


def locate_area(
    tilt_series: TiltSeries,
    element: str,
    *,
    folds: int = 4,
    **options: Any,
) -> AreaAtoms:
    """Locate the atoms of one area of a film that goes on beyond the images.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images of the area, background subtracted.
    element : str
        Chemical symbol.
    folds : int
        Parts that the tilts are dealt into for `confidence`.
    **options
        Handed to `fit_area`: thickness, iterations, min_distance, smoothing, least, prior, background.

    Returns
    -------
    AreaAtoms

    Raises
    ------
    TypeError, ValueError
        If the series cannot be reconstructed, or no peak of the volume has a weight in the images.
    UnknownName
        If the element has no scattering factor.

    Notes
    -----
    1. `tomography.reconstruct` of the extended object. 2. What lies outside the area and a rim of 1.5 Å is projected;
    fits add it to the expected images. 3. `trace`. 4. `refine` all peaks, each with its own weight, by least squares;
    out go light ones, then the lighter of close pairs, and the rest is fitted again from where it was traced, until
    nothing goes. 5. Each atom's gain of left-out tilts (`confidence`) and its bound (`position_bound`).

    The noise is what the reconstruction leaves unexplained. Its residual is not white, so gains are divided by its
    power at the spatial frequencies of an atom: a chance coincidence then has the spread that a log-likelihood has.
    A positive gain is needed but does not prove an atom: what lies around the area, and where fits start, comes from
    all tilts, and density that the tilts agree on gains whether it is an atom or a part of one that moved. Compare it
    with the gain of the other atoms.
    """
    made = fit_area(tilt_series, element, **options)
    series, fit, outer, background = made.series, made.fit, made.outer, made.background
    judged = confidence(fit, series, element, background=background, outer=outer, folds=folds)
    spectrum = noise_spectrum(fit)
    gain = judged.gain / atom_power(fit, series.pixel_size, element)
    bound = _bound(fit, series, element, spectrum, background)
    within = made.within
    return AreaAtoms(
        positions=fit.positions[within],
        H=fit.H[within],
        B=float(fit.B[0]),
        uncertainty=bound[within],
        gain=gain[within],
        confidence=expit(gain[within]),
        r_factor=float(fit.r_factor[-1]),
        outer=float(np.abs(outer).sum(dtype=float) / np.abs(series.images).sum(dtype=float)),
        prior=fit.prior,
        peaks=made.peaks,
        peak_weights=made.peak_weights,
        voxel_size=series.pixel_size,
    )


@dataclass(frozen=True, eq=False)
class AreaFit:
    """The fit that `locate_area` ends with, and what else lies in the images.

    Attributes
    ----------
    series : TiltSeries
        The images.
    fit : Refinement
        Of the atoms that are kept, those just beyond the edges among them.
    outer : (T, X, Y) array
        Images of what lies around the area.
    within : (N,) bool array
        Which atoms of the fit lie in the area.
    peaks, peak_weights
        As in `AreaAtoms`.
    background : str
        Background that was fitted.
    """

    series: TiltSeries
    fit: Refinement
    outer: NDArray[np.float32] = field(repr=False)
    within: NDArray[np.bool_] = field(repr=False)
    peaks: NDArray[np.float64] = field(repr=False)
    peak_weights: NDArray[np.float64] = field(repr=False)
    background: str


def fit_area(
    tilt_series: TiltSeries,
    element: str,
    *,
    thickness: int | None = None,
    iterations: int = 50,
    min_distance: float = 2.0,
    smoothing: float = 0.5,
    least: float | None = None,
    prior: float | str = 0.3,
    background: str = "none",
) -> AreaFit:
    """Reconstruct, trace and refine an area: steps 1 to 4 of `locate_area`.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images of the area, background subtracted.
    element : str
        Chemical symbol.
    thickness : int, optional
        Voxels along z; by default as many as an image has along x.
    iterations : int
        Updates of the reconstruction; more would fit the noise.
    min_distance : float
        As in `trace`; of refined atoms nearer than 0.9 of it the lighter goes [Å].
    smoothing : float
        Standard deviation of the Gaussian that the volume is traced under [px].
    least : float, optional
        Least weight of an atom, of the median; by default what `classify_weights` finds, half of it.
    prior, background
        As in `refine`. Tilts of a film disagree more than noise explains: without a prior atoms follow that.

    Returns
    -------
    AreaFit

    Raises
    ------
    TypeError, ValueError, UnknownName
        As in `locate_area`.
    """
    element = check_one_species(element)
    series = check_series(tilt_series)
    size = series.pixel_size
    spacing = check_positive("min_distance", min_distance)
    whole = reconstruct(series, iterations=iterations, extended=True, thickness=thickness, progress=False).volume
    field_of_view = series.images.shape[1:]
    rim = 2 * int(np.ceil(_RIM / size))
    inside = central(whole, (field_of_view[0] + rim, field_of_view[1] + rim, whole.array.shape[2]))
    total = project(whole.array, series.angles, field_of_view)
    outer = total - project(inside.array, series.angles, field_of_view)
    noise = Noise(float(np.sqrt(np.mean((total - series.images) ** 2, dtype=float))) or 1.0, 0.0)
    peaks = trace(inside, spacing, smoothing=smoothing * size).positions
    fitting: dict[str, Any] = {"noise": noise, "background": background, "outer": outer, "prior": prior}
    fit = first = refine(peaks, series, element, per_atom="H", iterations=20, **fitting)
    kept = np.arange(len(peaks))
    for _ in range(_ROUNDS):
        stays = _stays(fit, spacing, least)
        if stays.all():
            break
        kept = kept[stays]
        fitting |= {"H": fit.H[stays], "B": float(fit.B[0]), "prior": first.prior}
        fit = refine(peaks[kept], series, element, per_atom="H", iterations=20, **fitting)
    shape = np.array([*field_of_view, whole.array.shape[2]])
    voxels = np.rint(fit.positions / size) + shape // 2
    within = np.all((voxels >= 0) & (voxels < shape), axis=1)
    return AreaFit(series, fit, outer, within, first.positions, first.H, background)


#: What `locate_area` takes besides images and element, with defaults.
AREA_OPTIONS: dict[str, Any] = {**(fit_area.__kwdefaults__ or {}), **(locate_area.__kwdefaults__ or {})}


def save_area(path: str | Path, area: AreaAtoms, note: Mapping[str, Any]) -> None:
    """Write the atoms of an area as HDF5, with a note of where they come from."""
    with new_hdf5(path, note) as file:
        for entry in fields(area):
            file.create_dataset(entry.name, data=getattr(area, entry.name))


def load_area(path: str | Path) -> AreaAtoms:
    """Read what `save_area` wrote."""
    names = [entry.name for entry in fields(AreaAtoms)]
    with open_hdf5(path) as file:
        absent = [name for name in names if name not in file]
        if absent:
            msg = f"{Path(path).name} holds no {', '.join(absent)} of an area's atoms; remove it or name another place"
            raise ValueError(msg)
        found: dict[str, Any] = {name: file[name][()] for name in names}
    for name, value in found.items():
        if not np.ndim(value):
            found[name] = float(value)
    return AreaAtoms(**found)


def _stays(fit: Refinement, spacing: float, least: float | None) -> NDArray[np.bool_]:
    """Tell which atoms are heavy enough; if all are, which are not the lighter one of a pair that is too near."""
    if not fit.H.max() > 0:
        msg = "no peak of the reconstruction has a positive weight in the images; check the angles"
        raise ValueError(msg)
    judged = classify_weights(fit.H)
    stays = judged.is_atom if least is None else 2 * least * judged.limit < fit.H
    if not stays.all():  # what is light pushes atoms about and halves their weights: it goes first
        return stays
    return apart(fit.positions, fit.H, PAIR * spacing)


def _bound(
    fit: Refinement,
    series: TiltSeries,
    element: str,
    spectrum: NDArray[np.float64],
    background: str,
) -> NDArray[np.float64]:
    """Bound the positions of the atoms that are shown; the others are known to the bound, and not bounded."""
    half = series.images.shape[2] * series.pixel_size / 2
    shown = np.abs(fit.positions[:, 1]) < half - gaussian_sigma(fit.B)
    bound = np.full(fit.positions.shape, np.inf)
    hidden = fit.images - simulate_images(
        fit.positions[shown],
        series.angles,
        series.images.shape[1:],
        series.pixel_size,
        element,
        fit.H[shown],
        fit.B[shown],
    )
    known = {"H": fit.H[shown], "B": fit.B[shown], "noise": fit.noise, "level": 0.0}
    bound[shown] = position_bound(
        fit.positions[shown], series, element, **known, background=background, spectrum=spectrum, outer=hidden
    )
    return bound

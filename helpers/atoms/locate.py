"""The whole way from a tilt series to atoms, one public step after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from tqdm.auto import tqdm

from ..arrays import TiltSeries, Volume, central
from ..checks import check_choice, check_positive
from ..imaging.noise import Noise
from ..series import check_series
from ..tomography import reconstruct
from ._locating import (
    COUNTS,
    apart,
    atom_power,
    check_species,
    coarser,
    far_from,
    find_noise,
    nearest_distance,
    take_off,
    unexplained,
    weigh,
)
from ._preparing import check_noise
from ._start import narrowest
from ._turning import turning_gain
from ._unevenness import find_unevenness
from .bound import noise_spectrum, position_bound
from .classification import classify_weights
from .confidence import confidence as weigh_left_out
from .located import Located, Origin, Step
from .refinement import Refinement, known_fit, refine
from .tracing import trace

_LEAST_TILTS = 6
_SPACING = 0.7  # of the nearest distance in the crystal: tracing takes what is nearer for one atom
_PAIR = 0.9  # of that: fitted atoms that are nearer are one
_MOVED = 0.75  # of that: how near an atom may have moved to the place of one that is missing
_SMOOTHING = 0.11  # of the nearest distance: Gaussian that images are smoothed with for tracing
_WIDTHS = (0.105, 0.16, 0.22)  # of it: Gaussians that the volume is smoothed with, the first that noise allows
_MANY = 1.3  # times as many peaks as under the next wider Gaussian: most of the surplus is noise
_COARSE = 0.17  # of the nearest distance: voxels of the reconstruction may be as large
_UPDATES, _FILM_UPDATES = 15, 50  # of the reconstruction: more would fit the noise
_ODDS = 4.0  # log-likelihood that speaks for an atom, at one of about fifty places that each has to itself
_CYCLES = 8
_FILM_PRIOR = 0.5  # pull towards the traced positions, of an atom's own curvature, where tilts disagree
_FEW = 3000  # atoms up to which the time for fits without some of the tilts is spent unasked
_FOLDS = 4  # parts of the tilts, each left out once
_WORTH = 2.0  # gain of the log-likelihood, of what noise alone gives, that pays for more unknowns
_FILTERED = 4.0  # times the variance found in the finest detail: images that leave more at an atom's were filtered


def locate(
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    volume: Volume | None = None,
    *,
    extended: bool = False,
    thickness: int | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    prior: float | str | None = None,
    shifts: bool | None = None,
    angles: bool | None = None,
    min_distance: float | None = None,
    confidence: str | None = None,
    progress: bool = True,
) -> Located:
    """Find the atoms of a tilt series.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images, best the counts as recorded: denoising throws away what positions are refined with.
    element : str or sequence of str
        Chemical symbol, or the symbols that occur; which atom is which then follows from its weight.
    volume : Volume, optional
        A reconstruction to trace, instead of one that is made.
    extended : bool
        Whether the object reaches beyond the images, as a film does.
    thickness : int, optional
        Size of the reconstruction along the beam [px]; as wide as an image along x by default.
    noise : {"poisson", "gaussian"} or Noise, optional
        How counts scatter, as in `refine`. By default estimated; whole numbers whose variance is their mean are taken
        for what they are, counts of single electrons. Of filtered images, whose finest detail tells nothing of their
        noise, it is what the fits leave unexplained at the size of an atom.
    background : {"tilt", "series", "slopes", "none"}
        Background that is fitted, as in `refine`; ``"none"`` says that there is none. Under ``"tilt"`` and ``"slopes"``
        an uneven background is found as well, unless the object is extended: see Notes.
    prior : float or "cv", optional
        Pull towards the traced positions, as in `refine`; by default 0.5 for an extended object, else none.
    shifts : bool, optional
        Whether to fit a displacement of each image. By default they are fitted and kept where they gain more than
        noise would; never for an extended object.
    angles : bool, optional
        Whether to fit the angles of each image, as in `refine`. By default as for `shifts`.
    min_distance : float, optional
        Distance below which two peaks are one atom [Å]; 0.7 of that in the element's crystal by default.
    confidence : {"left-out", "fit"}, optional
        What says how sure each atom is. ``"left-out"``: tilts that the fit did not see, a quarter at a time, with the
        atom and without it, as in `atoms.confidence`; it takes nearly as long again as all the rest. ``"fit"``: the
        tilts that it was fitted to, at no cost, less what one of about fifty places gains by chance. By default
        ``"left-out"`` for up to 3,000 atoms.
    progress : bool
        Print an estimate of memory and time, and show what is being done.

    Returns
    -------
    Located

    Raises
    ------
    TypeError, ValueError
        If the series cannot be reconstructed, shows no signal above its noise, holds counts that the noise asked for
        cannot give, or no atom stands out.
    UnknownName
        If an element has no scattering factor.

    Notes
    -----
    1. `imaging.estimate_noise`. 2. The background goes off, a Gaussian of a ninth of the nearest distance over the
    images and `tomography.reconstruct` on voxels of a sixth of it: for tracing only. 3. `trace`. 4. `refine` against
    the counts as they came, each atom with its own weight. What polynomials of up to the fourth degree explain of the
    rest, beyond what noise would let them, is an uneven background and goes into ``outer`` of `refine`. 5. Out
    goes what weighs less than half an atom (`classify_weights`), what explains too little for one of about fifty
    places, and the lighter of two atoms that are too near; in comes what explains more (see `find_missing`); until
    neither happens. 6. `refine` with one weight: an atom whose place its neighbours have moved into leaves half of its
    counts behind, and is added. Then with shifts and angles where these gain more than noise would, and with a weight
    for each atom where the counts say that they differ. 7. `position_bound` and `confidence`.

    Nothing depends on the dose: all thresholds are log-likelihoods of the counts.

    References
    ----------
    Yuan et al., Nature Materials 21, 95 (2022). A. Alania et al., Ultramicroscopy 181, 134 (2017), for the bound.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import locate, simulate_images
    >>> truth, angles = np.array([[0, 0, 0], [2.9, 0.5, 0.0], [0.3, 2.8, 1.0]]), np.arange(0, 180, 15.0)
    >>> images = 1 + simulate_images(truth, angles, (40, 36), 0.4, "Ta", H=1.0, B=6.0)
    >>> counts = TiltSeries(np.random.default_rng(0).poisson(images), angles, 0.4)
    >>> found = locate(counts, "Ta", progress=False)
    >>> len(found), bool(abs(found.positions[found.positions[:, 0].argsort()] - truth[[0, 2, 1]]).max() < 0.1)
    (3, True)
    """
    if confidence is not None:
        check_choice("confidence", confidence, ("left-out", "fit"))
    series = check_series(tilt_series, minimum=_LEAST_TILTS)
    kinds = check_species(element)
    known = check_noise(noise, series.images) if noise is not None else find_noise(series.images)
    way = _Way(series, kinds, known, background, extended, min_distance, shifts, angles, prior, progress)
    way.guessed = not extended and known != COUNTS and (noise is None or noise == "gaussian")
    way.reconstruct(volume, thickness)
    way.trace()
    way.sift()
    return way.finish(confidence)


class _Way:
    """The state of a search between its steps."""

    def __init__(
        self,
        series: TiltSeries,
        kinds: list[str],
        noise: Noise,
        background: str,
        extended: bool,
        min_distance: float | None,
        shifts: bool | None,
        angles: bool | None,
        prior: float | str | None,
        progress: bool,
    ):
        self.series, self.kinds, self.noise, self.extended = series, kinds, noise, extended
        self.element = kinds[len(kinds) // 2]
        nearest = min(nearest_distance(kind) for kind in kinds)
        self.spacing = _SPACING * nearest if min_distance is None else check_positive("min_distance", min_distance)
        self.limit = _PAIR * self.spacing
        self.factor = max(1, int(_COARSE / _SPACING * self.spacing / series.pixel_size))
        self.sigma = _SMOOTHING / _SPACING * self.spacing / series.pixel_size
        self.shifts = False if extended and shifts is None else shifts
        self.angles = False if extended and angles is None else angles
        self.prior: float | str = prior if prior is not None else _FILM_PRIOR if extended else 0.0
        self.options: dict[str, Any] = {"noise": noise, "background": background, "shifts": bool(shifts)}
        self.level: float = 0.0
        self.guessed = False  # whether the noise is an estimate, which what is unexplained may correct
        self.scale = 1.0  # of the noise's variance, where it was corrected
        self.refused = np.empty((0, 3))
        self.steps: list[Step] = []
        self.began = time.perf_counter()
        self.bar = tqdm(disable=not progress, desc="locate", unit="step")
        if progress:
            tqdm.write(f"locate: {self._cost()}", file=sys.stderr)

    def _cost(self) -> str:
        """Say what it will take, from the speed of transforms."""
        tilts, nx, ny = self.series.images.shape
        began = time.perf_counter()
        for _ in range(3):
            fft.rfft2(self.series.images[0])
        each = (time.perf_counter() - began) / 3
        memory = 4 * (8 * tilts * nx * ny + 6 * nx * ny * nx / self.factor**3)
        seconds = 1500 * each * tilts
        amount = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        return f"{tilts} images of {nx} × {ny} px: about {max(memory / 1e9, 0.2):.1f} GB and {amount}"

    def note(self, name: str, atoms: int, r_factor: float = np.nan) -> None:
        """Write down a step."""
        now = time.perf_counter()
        self.steps.append(Step(name, atoms, float(r_factor), now - self.began))
        self.began = now
        self.bar.set_description(f"locate: {name}, {atoms} atoms")
        self.bar.update()

    def reconstruct(self, volume: Volume | None, thickness: int | None) -> None:
        """Take the background off, smooth, and reconstruct; for a film also what lies around it."""
        series, pixel = self.series, self.series.pixel_size
        smooth, levels = take_off(series.images, self.sigma, self.noise)
        if self.options["background"] == "none":
            smooth += levels[:, None, None].astype(np.float32)
        elif not self.extended:
            self.level = float(levels.mean())
        if self.extended:  # its images hold no background; smoothed, they would not show where the film is cut off
            smooth, self.factor = series.images, 1
        if volume is None:
            images = TiltSeries(coarser(smooth, self.factor), series.angles, pixel * self.factor)
            updates = _FILM_UPDATES if self.extended else _UPDATES
            depth = None if thickness is None else -(-thickness // self.factor)
            volume = reconstruct(
                images, iterations=updates, extended=self.extended, thickness=depth, progress=False
            ).volume
        self.whole = volume
        if self.extended:
            inside = central(volume, (*series.images.shape[1:], volume.array.shape[2]))
            if inside.array.shape != volume.array.shape:
                around = np.array(volume.array, dtype=np.float32)
                central(around, inside.array.shape)[:] = 0
                self.options["outer"] = Volume(around, volume.voxel_size)
            volume = inside
        self.volume = volume
        self.depth = round(volume.array.shape[2] * volume.voxel_size / (pixel * self.factor))
        self.note("reconstruction", 0)

    def trace(self) -> None:
        """Trace the volume, no sharper than noise allows, and fit every peak's place and weight."""
        peaks = self.peaks(_WIDTHS[0])
        for width in _WIDTHS[1:]:
            smoother = self.peaks(width)
            if len(peaks) < _MANY * len(smoother):
                break
            peaks = smoother
        self.flags = np.full(len(peaks), Origin.TRACED, dtype=np.int64)
        self.note("tracing", len(peaks))
        self.fit = self.refine(peaks, iterations=12, level=self.level)
        self.fit = self.calibrated(self.fit)
        self.note("refinement of peaks", len(peaks), self.fit.r_factor[-1])
        if self.even_out(self.fit):
            self.fit = self.again(self.fit.positions, self.fit.H, self.fit.B)
            self.note("uneven background", len(peaks), self.fit.r_factor[-1])

    def calibrated(self, fit: Refinement) -> Refinement:
        """Scale the noise to what a fit leaves unexplained, if the images were filtered."""
        if not self.guessed:
            return fit
        power = self.scale * atom_power(fit, self.series.pixel_size, self.element)
        before, self.scale = self.scale, power if power > _FILTERED else 1.0
        noise = Noise(self.noise.gaussian * self.scale**0.5, self.noise.poisson * self.scale)
        self.options["noise"] = noise
        return replace(fit, noise=noise, log_likelihood=fit.log_likelihood * before / self.scale)

    def even_out(self, fit: Refinement) -> bool:
        """Put into the background what is uneven of it, and say whether there was anything."""
        if self.extended or self.options["background"] not in ("tilt", "slopes"):
            return False
        found = find_unevenness(fit)
        if found is None:
            return False
        self.options["outer"] = found + fit.outer if fit.outer.size else found
        return True

    def peaks(self, width: float) -> NDArray[np.float64]:
        """Return the peaks of the volume under a Gaussian."""
        return trace(self.volume, self.spacing, smoothing=width / _SPACING * self.spacing).positions

    def refine(self, positions: NDArray[np.float64], **options: Any) -> Refinement:
        """Fit places and weights of atoms."""
        return refine(
            positions, self.series, self.element, per_atom="H", prior=self.prior, **{**self.options, **options}
        )

    def again(self, positions: NDArray[np.float64], H: NDArray[np.float64], B: NDArray[np.float64]) -> Refinement:
        """Fit places and weights of atoms that were nearly fitted before."""
        width = np.maximum(B, narrowest(self.series.pixel_size))
        return self.refine(positions, H=H, B=width, level=float(self.fit.background[:, 0].mean()), iterations=8)

    def judge(self, fit: Refinement) -> tuple[NDArray[np.bool_], NDArray[np.float64], Volume, float]:
        """Return which atoms remain, the log-odds of each, the gain of one more, and its weight."""
        if not fit.H.max() > 0:
            msg = "no peak of the reconstruction has a positive weight in the images; check the angles"
            raise ValueError(msg)
        classes = classify_weights(fit.H, elements=self.kinds)
        lightest = classes.is_atom & (classes.species == 0)
        typical = 2 * classes.limit if len(self.kinds) == 1 else float(np.median(fit.H[lightest]))
        gain, _, information = weigh(fit, self.series, self.element, typical, self.factor, self.depth)
        odds = information * (fit.H / typical - 0.5) - _ODDS
        return classes.is_atom & (odds > 0), odds, gain, typical

    def sift(self) -> None:
        """Drop what is no atom and add what is missing, until neither happens."""
        for _ in range(_CYCLES):
            keep, self.odds, gain, typical = self.judge(self.fit)
            keep[keep] = apart(self.fit.positions[keep], self.fit.H[keep], self.limit)
            if not keep.any():
                msg = f"of {len(keep)} atoms none is left; the signal is too weak, or the angles are wrong"
                raise ValueError(msg)
            fit = self.fit
            if not keep.all():
                self.refused = np.concatenate([self.refused, fit.positions[~keep & (self.flags == Origin.MISSING)]])
                self.flags = self.flags[keep]
                self.fit = self.again(fit.positions[keep], fit.H[keep], fit.B[keep])
                self.note(f"{np.sum(~keep)} dropped", len(self.fit.H), self.fit.r_factor[-1])
                continue
            if not self.add(fit, gain, _ODDS, self.limit, typical):
                break

    def add(self, fit: Refinement, gain: Volume, odds: float, limit: float, typical: float) -> bool:
        """Add atoms where a gain is beyond chance, so far from those that are known, and say whether there were any."""
        try:
            found = trace(gain, self.spacing, threshold=odds, smoothing=0.0, close_pairs=False).positions
        except ValueError:  # no maximum above the threshold
            return False
        found = found[far_from(found, fit.positions, limit) & far_from(found, self.refused, self.limit)]
        if not len(found):
            return False
        self.flags = np.append(self.flags, np.full(len(found), Origin.MISSING))
        H, B = np.full(len(found), typical), np.full(len(found), np.median(fit.B))
        self.fit = self.again(np.vstack([fit.positions, found]), np.append(fit.H, H), np.append(fit.B, B))
        self.note(f"{len(found)} added", len(self.fit.H), self.fit.r_factor[-1])
        return True

    def fill(self, best: Refinement) -> bool:
        """Add atoms whose places their neighbours have moved into, and sift again.

        Weights of their own let neighbours take all counts of an atom; with one weight for all, they leave about half.
        """
        if self.extended or len(self.kinds) > 1:
            return False
        typical = float(best.H[0])
        _, half, _ = weigh(best, self.series, self.element, typical, self.factor, self.depth)
        found = self.add(best, half, 2 * _ODDS, _MOVED * self.limit, typical)
        if found:
            self.sift()
        return found

    def finish(self, confidence: str | None) -> Located:
        """Fit with as few unknowns as the counts allow, and say how sure and how precise all is."""
        self.fit = self.calibrated(self.fit)
        names, start, best = self.one_weight()
        while self.fill(best):
            names, start, best = self.one_weight()
        series, fit, count = self.series, self.fit, len(names)
        changed = self.even_out(best)
        if changed:
            best = refine(best.positions, series, names, **start, **self.options)
            self.note("uneven background", count, best.r_factor[-1])
        misfit, moving = unexplained(best)
        if self.shifts is None and moving > _WORTH * len(series):
            self.options["shifts"] = changed = True
            best = refine(best.positions, series, names, **start, **self.options)
            self.note("shifts", count, best.r_factor[-1])
        best = self.turned(best, names, misfit, start)
        turns, series = best.angle_uncertainty, self.series
        if changed or best.turned:
            fit = self.refine(best.positions, H=fit.H, B=start["B"], level=start["level"])
        each = fit.log_likelihood - best.log_likelihood > 0.5 * _WORTH * misfit * (count - 1)
        if each:
            start |= {"H": fit.H, "B": fit.B.clip(narrowest(series.pixel_size))}
            best = refine(fit.positions, series, names, per_atom="H", **start, **self.options)
            best = replace(best, angle_uncertainty=turns)
            self.note("a weight for each", count, best.r_factor[-1])
        bound = position_bound(
            best,
            series,
            names,
            background=self.options["background"],
            weight="atom" if each else "one",
            spectrum=np.maximum(noise_spectrum(best), 1.0),
        )
        self.note("bound", count)
        probability = 1 / (1 + np.exp(-np.clip(self.odds, -50, 50)))
        if confidence == "left-out" or (confidence is None and count <= _FEW):
            probability = self.left_out(best, names)
            self.note("left-out tilts", count)
        self.bar.close()
        return Located(
            positions=best.positions,
            elements=np.array(names),
            H=best.H,
            B=best.B,
            uncertainty=bound,
            confidence=probability,
            r_factor=best.r_factor,
            background=best.background,
            residual=best.residual,
            volume=self.whole,
            flags=self.flags,
            history=tuple(self.steps),
            refinement=best,
        )

    def one_weight(self) -> tuple[list[str], dict[str, Any], Refinement]:
        """Fit one weight for each element; return the atoms' elements and what such a fit starts from as well."""
        fit = self.fit
        species = classify_weights(fit.H, elements=self.kinds).species.clip(0)
        weights = np.array(
            [np.median(fit.H[species == k]) if (species == k).any() else 1.0 for k in range(len(self.kinds))]
        )
        start: dict[str, Any] = {
            "H": weights[species] if len(self.kinds) > 1 else None,
            "B": max(float(np.median(fit.B)), narrowest(self.series.pixel_size)),
            "level": float(fit.background[:, 0].mean()),
            "prior": self.prior,
        }
        names = [str(kind) for kind in np.array(self.kinds)[species]]
        best = refine(fit.positions, self.series, names, **start, **self.options)
        self.note("one weight", len(names), best.r_factor[-1])
        return names, start, best

    def turned(self, best: Refinement, names: list[str], misfit: float, start: dict[str, Any]) -> Refinement:
        """Fit angles as well, if asked to or if they gain more than noise would; the series takes them over."""
        chance = 1.5 * misfit * len(self.series)  # three turns an image, half a unit each
        if self.angles is None:
            promised = turning_gain(*known_fit(best, self.series, names), shifts=self.options["shifts"])
            if promised < _WORTH * chance:
                return best
        elif not self.angles:
            return best
        found = refine(best.positions, self.series, names, angles=True, **{**start, "B": best.B}, **self.options)
        if self.angles is None and found.log_likelihood - best.log_likelihood < _WORTH * chance:
            return best
        self.note("angles", len(names), found.r_factor[-1])
        self.series = found.as_turned(self.series)
        return found

    def left_out(self, best: Refinement, names: list[str]) -> NDArray[np.float64]:
        """Return the probability of each atom from tilts that were left out of the fit."""
        return weigh_left_out(
            best,
            self.series,
            names,
            background=self.options["background"],
            folds=min(_FOLDS, len(self.series) // 2),
            prior=best.prior,
        ).probability

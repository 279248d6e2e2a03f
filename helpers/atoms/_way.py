"""The steps of `locate`, and what is known between them."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import cKDTree
from tqdm.auto import tqdm

from ..arrays import TiltSeries, Volume, central
from ..checks import check_positive
from ..digits import counted
from ..imaging.noise import Noise
from ..tomography import reconstruct
from ._evidence import Evidence, coarser, refined_evidence
from ._locating import apart, atom_power, far_from, nearest_distance, take_off, unexplained
from ._start import narrowest
from ._turning import turning_gain
from ._unevenness import find_unevenness
from .bound import noise_spectrum, position_bound
from .classification import classify_weights
from .confidence import confidence as weigh_left_out
from .located import Located, Origin, Step
from .refinement import Refinement, known_fit, refine
from .tracing import trace

_SPACING = 0.7  # of the nearest distance in the crystal: tracing takes what is nearer for one atom
_PAIR = 0.9  # of that: fitted atoms that are nearer are one
_CLOSE = 0.6  # of it: fitted atoms may be as near where the counts ask for two, unless a distance was given
_MOVED = 0.75  # of that: how near an atom may have moved to the place of one that is missing
_SMOOTHING = 0.11  # of the nearest distance: Gaussian that images are smoothed with for tracing
_WIDTHS = (0.105, 0.16, 0.22)  # of it: Gaussians that the volume is smoothed with, the first that noise allows
_MANY = 1.3  # times as many peaks as under the next wider Gaussian: most of the surplus is noise
_COARSE = 0.17  # of the nearest distance: voxels of the reconstruction may be as large
_UPDATES, _FILM_UPDATES = 15, 50  # of the reconstruction: more would fit the noise
_ODDS = 4.0  # log-likelihood that speaks for an atom, at one of about fifty places that each has to itself
_HEAVY = 1.25  # atoms; what weighs more may be two
_LIGHT = 0.8  # atoms; what weighs less beside another may be one too many
_CROWDED = 1.2  # of the spacing: how near that other one is
_HALVES = 0.35  # of the spacing: how far two atoms in place of one start from its place
_CYCLES = 8
_FILM_PRIOR = 0.5  # pull towards the traced positions, of an atom's own curvature, where tilts disagree
_FEW = 3000  # atoms up to which the time for fits without some of the tilts is spent unasked
_FOLDS = 4  # parts of the tilts, each left out once
_WORTH = 2.0  # gain of the log-likelihood, of what noise alone gives, that pays for more unknowns
_FILTERED = 4.0  # times the variance found in the finest detail: images that leave more at an atom's were filtered


class Way:
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
        self.near = _CLOSE * self.spacing if min_distance is None and not extended and len(kinds) == 1 else self.limit
        self.factor = max(1, int(_COARSE / _SPACING * self.spacing / series.pixel_size))
        self.sigma = _SMOOTHING / _SPACING * self.spacing / series.pixel_size
        self.shifts = False if extended and shifts is None else shifts
        self.angles = False if extended and angles is None else angles
        self.prior: float | str = prior if prior is not None else _FILM_PRIOR if extended else 0.0
        self.options: dict[str, Any] = {"noise": noise, "background": background, "shifts": bool(shifts)}
        self.level: float = 0.0
        self.guessed = False  # whether the noise is an estimate, which what is unexplained may correct
        self.scale = 1.0  # of the noise's variance, where it was corrected
        self.refused, self.halved = np.empty((0, 3)), np.empty((0, 3))
        self.thinned = False
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
        return f"{counted(tilts, 'image')} of {nx} × {ny} px: about {max(memory / 1e9, 0.2):.1f} GB and {amount}"

    def note(self, name: str, atoms: int, r_factor: float = np.nan) -> None:
        """Write down a step."""
        now = time.perf_counter()
        self.steps.append(Step(name, atoms, float(r_factor), now - self.began))
        self.began = now
        self.bar.set_description(f"locate: {name}, {counted(atoms, 'atom')}")
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

    def evidence(self, fit: Refinement) -> tuple[Evidence, float]:
        """Return what a fit leaves unexplained, and what log-likelihoods are scaled by.

        The variance is scaled until it explains the residual, so that errors of the model do not pass for atoms.
        """
        found = refined_evidence(fit, self.series, self.element)
        return found, 1 / max(found.misfit, 1.0)

    def gain(self, found: Evidence, H: float, scale: float) -> Volume:
        """Map what one more atom of a weight gains, on the voxels of the reconstruction."""
        size = coarser(found.signal[:1], self.factor).shape[1:]
        volume = found.gain(H, (size[0], size[1], self.depth), self.factor)
        return Volume(scale * np.asarray(volume.array), volume.voxel_size)

    def judge(self, fit: Refinement) -> tuple[NDArray[np.bool_], NDArray[np.float64], float, Evidence, float]:
        """Return which atoms remain, what is known of each weight, that of an atom, and what is left with its scale."""
        if not fit.H.max() > 0:
            msg = "no peak of the reconstruction has a positive weight in the images; check the angles"
            raise ValueError(msg)
        classes = classify_weights(fit.H, elements=self.kinds)
        lightest = classes.is_atom & (classes.species == 0)
        typical = 2 * classes.limit if len(self.kinds) == 1 else float(np.median(fit.H[lightest]))
        left, scale = self.evidence(fit)
        # taking an atom out costs information × (H / typical − ½) as against leaving a typical one in
        information = scale * typical**2 * left.information(fit.positions)
        self.odds = information * (fit.H / typical - 0.5) - _ODDS
        return classes.is_atom & (self.odds > 0), information, typical, left, scale

    def sift(self) -> None:
        """Drop what is no atom, add what is missing, split what is two, until nothing happens."""
        for _ in range(_CYCLES):
            fit = self.fit
            keep, information, typical, left, scale = self.judge(fit)
            keep[keep] = self.apart(left, fit.positions[keep], fit.H[keep] / typical, information[keep])
            if not keep.any():
                msg = f"of {counted(len(keep), 'atom')} none is left; the signal is too weak, or the angles are wrong"
                raise ValueError(msg)
            if not keep.all():
                self.refused = np.concatenate([self.refused, fit.positions[~keep & (self.flags == Origin.MISSING)]])
                self.flags = self.flags[keep]
                self.fit = self.again(fit.positions[keep], fit.H[keep], fit.B[keep])
                self.note(f"{np.sum(~keep)} dropped", len(self.fit.H), self.fit.r_factor[-1])
            elif self.add(fit, self.gain(left, typical, scale), _ODDS, self.near, typical):
                continue
            elif not self.split(left, information, typical) and not self.thin(information, typical):
                break

    def apart(
        self, left: Evidence, positions: NDArray[Any], weights: NDArray[Any], information: NDArray[Any]
    ) -> NDArray[np.bool_]:
        """Tell which atoms remain when pairs that the counts take for one atom have become one."""

        def two(pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
            first, second = positions[pairs[:, 0]], positions[pairs[:, 1]]
            gain = left.two_for_one(first, second, weights[pairs], information[pairs].min(axis=1))
            far: NDArray[np.bool_] = np.linalg.norm(second - first, axis=1) > self.near
            return far & (gain > 2 * _ODDS)

        return apart(positions, weights, self.limit, two if self.near < self.limit else None)

    def add(self, fit: Refinement, gain: Volume, odds: float, limit: float, typical: float) -> bool:
        """Add atoms where a gain is beyond chance, so far from those that are known, and say whether there were any."""
        try:
            found = trace(gain, limit / _PAIR, threshold=odds, smoothing=0.0, close_pairs=False).positions
        except ValueError:  # no maximum above the threshold
            return False
        found = found[far_from(found, fit.positions, limit) & far_from(found, self.refused, self.limit)]
        if not len(found):
            return False
        self.enter(fit.positions, fit.H, found, typical)
        self.note(f"{len(found)} added", len(self.fit.H), self.fit.r_factor[-1])
        return True

    def split(self, left: Evidence, information: NDArray[Any], typical: float) -> bool:
        """Put two atoms in place of those that are too heavy for one, and say whether there were any.

        They start along the direction in which what is left bends up most. Where one atom is enough, one of them
        will weigh too little and go.
        """
        if self.extended or len(self.kinds) > 1:
            return False
        fit, excess = self.fit, self.fit.H / typical - 1
        heavy = (excess > _HEAVY - 1) & (0.5 * information * excess**2 > 2 * _ODDS)
        heavy[heavy] = far_from(fit.positions[heavy], self.halved, self.limit)
        if not heavy.any():
            return False
        places = fit.positions[heavy]
        away = _HALVES * self.spacing * np.linalg.eigh(left.bending(places))[1][:, :, 2]
        self.halved = np.concatenate([self.halved, places])
        positions, H = fit.positions.copy(), fit.H.copy()
        positions[heavy] -= away
        H[heavy] /= 2
        self.enter(positions, H, places + away, H[heavy])
        self.note(f"{len(places)} split", len(self.fit.H), self.fit.r_factor[-1])
        return True

    def thin(self, information: NDArray[Any], typical: float) -> bool:
        """Take out, once, light atoms of crowds, and say whether there were any.

        Three atoms may have shared the counts of two. Those that are missed come back.
        """
        if self.extended or len(self.kinds) > 1 or self.thinned:
            return False
        fit, lack = self.fit, 1 - self.fit.H / typical
        self.thinned = True
        light = np.flatnonzero((lack > 1 - _LIGHT) & (0.5 * information * lack**2 > 2 * _ODDS))
        places = fit.positions[light]
        if len(fit.H) > 1:
            light = light[cKDTree(fit.positions).query(places, k=2)[0][:, 1] < _CROWDED * self.spacing]
        keep = np.ones(len(fit.H), dtype=bool)
        for k in light[np.argsort(fit.H[light], kind="stable")]:  # one at a time of those that lie together
            keep[k] = not far_from(fit.positions[[k]], fit.positions[~keep], 2 * self.limit)[0]
        if keep.all():
            return False
        self.flags = self.flags[keep]
        self.fit = self.again(fit.positions[keep], fit.H[keep], fit.B[keep])
        self.note(f"{np.sum(~keep)} of crowds taken out", len(self.fit.H), self.fit.r_factor[-1])
        return True

    def enter(self, positions: NDArray[Any], H: NDArray[Any], more: NDArray[Any], weight: Any) -> None:
        """Fit atoms and more of them, whose weights are given."""
        B = self.fit.B
        self.flags = np.append(self.flags, np.full(len(more), Origin.MISSING))
        weights, widths = np.append(H, np.broadcast_to(weight, len(more))), np.full(len(more), np.median(B))
        self.fit = self.again(np.vstack([positions, more]), weights, np.append(B, widths))

    def fill(self, best: Refinement) -> bool:
        """Add atoms whose places their neighbours have moved into, and sift again.

        Weights of their own let neighbours take all counts of an atom; with one weight for all, they leave about half.
        """
        if self.extended or len(self.kinds) > 1:
            return False
        typical = float(best.H[0])
        left, scale = self.evidence(best)
        found = self.add(best, self.gain(left, typical / 2, scale), 2 * _ODDS, _MOVED * self.limit, typical)
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

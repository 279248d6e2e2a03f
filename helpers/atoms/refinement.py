"""Refinement: atoms moved until their images explain the recorded counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage

from ..arrays import TiltSeries, Volume
from ..checks import check_choice, check_positions, check_positive
from ..imaging.noise import Noise, estimate_noise
from ..tomography.projection import project
from ._fitting import Fit, Plan, fit, without_gauge
from ._likelihood import Likelihood, State
from ._start import BACKGROUNDS, assemble, find_start, moments, move_ground, narrowest, solve
from .images import ImageModel, check_per_atom

_NONE = np.empty((0, 0, 0), np.float32)
_STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.0)  # priors that cross-validation tries, strongest first
_FOLDS = 3
_FREE = ("positions", "H", "B", "background")


@dataclass(frozen=True, eq=False)
class Refinement:
    """Atoms after refinement, and how well they explain the images.

    Attributes
    ----------
    positions : (N, 3) array
        Positions [Å].
    H : (N,) array
        Weight of each atom: the height of its Gaussian in a voxel [counts]; equal unless fitted per atom.
    B : (N,) array
        Damping of each atom [Å²]; equal unless fitted per atom.
    background : (T, 3) array
        Background of each tilt: level, and slopes along x and y per half-field [counts].
    r_factor : (K,) array
        Mean over tilts of ``Σ |expected − counts| / Σ |counts − background|``, before each iteration and at the end.
    images : (T, X, Y) array
        Expected counts, background included.
    residual : (T, X, Y) array
        Counts minus expected counts.
    shifts : (T, 2) array
        Displacement of each image found [px]; zero unless asked for.
    noise : Noise
        Noise that the counts were weighted by.
    log_likelihood : float
        Minus half the deviance, 0 for a model that equals the counts.
    prior : float
        Strength of the prior on the positions.
    converged : bool
        Whether the last step gained next to nothing.
    iterations : int
        Steps taken.
    """

    positions: NDArray[np.float64]
    H: NDArray[np.float64]
    B: NDArray[np.float64]
    background: NDArray[np.float64]
    r_factor: NDArray[np.float64]
    images: NDArray[np.float32] = field(repr=False)
    residual: NDArray[np.float32] = field(repr=False)
    shifts: NDArray[np.float64]
    noise: Noise
    log_likelihood: float
    prior: float
    converged: bool
    iterations: int


def refine(
    positions: ArrayLike,
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    *,
    H: ArrayLike | None = None,
    B: ArrayLike | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    level: float = 0.0,
    per_atom: Sequence[str] = (),
    fixed: Sequence[str] = (),
    shifts: bool = False,
    profile: str = "gaussian",
    prior: float | str = 0.0,
    outer: Volume | ArrayLike | None = None,
    max_move: float = 1.0,
    iterations: int = 60,
    tolerance: float = 1e-3,
) -> Refinement:
    """Move atoms until their images explain the counts of a tilt series.

    Parameters
    ----------
    positions : (N, 3) array
        Where the atoms are about, from the centre of the field, y along the tilt axis [Å].
    tilt_series : TiltSeries
        Counts as recorded: denoising before refinement throws information away.
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    H, B : float or (N,) array, optional
        Weight and damping [Å²] to start from, as in `simulate_images`; found from the images by default.
    noise : {"poisson", "gaussian"} or Noise, optional
        How counts scatter: ``"poisson"`` with variance equal to the mean, ``"gaussian"`` with the same variance
        everywhere, or both parts, as from `imaging.estimate_noise`, which is asked by default.
    background : {"tilt", "series", "slopes", "none"}
        Background that is fitted: one level for each tilt or for the series, level and slopes for each tilt, or none.
    level : float
        Background to start from, or to keep with ``"none"`` [counts].
    per_atom : sequence of {"H", "B"}
        What is fitted for each atom rather than once for all.
    fixed : sequence of {"positions", "H", "B"}
        What stays as given.
    shifts : bool
        Fit a displacement of each image. A displacement of the whole object stays out of them.
    profile : {"gaussian", "free"}
        ``"free"`` lets the radial profile that all atoms share depart from a Gaussian, as the images say.
    prior : float or "cv"
        Pull towards the given positions, in units of each atom's own curvature of the likelihood; ``"cv"`` takes the
        strength that explains left-out tilts best. Useful where tilts are missing or disagree.
    outer : Volume, (X, Y, Z) array or (T, X, Y) array, optional
        What else lies in the images of an object larger than the field: a volume, which is projected, or its images.
    max_move : float
        Farthest that an atom may move along an axis [Å].
    iterations : int
        Most steps.
    tolerance : float
        Gain of the log-likelihood per atom and step below which the fit ends.

    Returns
    -------
    Refinement

    Raises
    ------
    ValueError
        If there are no atoms or all lie outside the images, if counts cannot follow the noise asked for, if the images
        show no signal where the atoms are, or if an option is unknown.
    UnknownName
        If an element has no scattering factor.

    Notes
    -----
    The likelihood of a count n with mean μ and variance g² + p μ is that of the Poisson variable (n + g²/p) / p, exact
    for either kind of noise alone. Its gradient is exact, with the adjoint of the scattering factor's filter; unknowns
    are scaled by their Fisher information and moved by L-BFGS.

    References
    ----------
    Yuan et al., Nature Materials 21, 95 (2022), Methods and Table S1. F. Huang et al., Nature Methods 10, 653 (2013),
    for the likelihood with both kinds of noise.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.atoms import refine
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import simulate_images
    >>> truth, angles = np.array([[0, 0, 0], [2.5, 1.0, 1.0]]), np.arange(0, 180, 20.0)
    >>> images = 1 + simulate_images(truth, angles, (40, 36), 0.4, "Ta", H=2.0, B=6.0)
    >>> counts = TiltSeries(np.random.default_rng(0).poisson(images), angles, 0.4)
    >>> found = refine(truth + 0.1, counts, "Ta", noise="poisson")
    >>> bool(np.abs(found.positions - truth).max() < 0.05)
    True
    """
    atoms = check_positions(positions)
    check_choice("background", background, BACKGROUNDS)
    check_choice("profile", profile, ("gaussian", "free"))
    per_atom = [check_choice("per_atom", name, ("H", "B")) for name in _names(per_atom)]
    fixed = [check_choice("fixed", name, ("positions", "H", "B")) for name in _names(fixed)]
    max_move = check_positive("max_move", max_move)
    if iterations < 1:
        msg = f"iterations={iterations!r}; expected at least one"
        raise ValueError(msg)
    if prior != "cv" and (isinstance(prior, str) or not np.isfinite(prior) or prior < 0):
        msg = f'prior={prior!r}; expected "cv", zero or a positive number'
        raise ValueError(msg)
    likelihood, state = prepare_fit(
        atoms, tilt_series, element, H, B, noise=noise, level=level, outer=outer, spare=max_move
    )
    start = {"weight": "H" not in fixed and H is None, "width": "B" not in fixed and B is None}
    if any(start.values()) or background != "none":
        state = find_start(likelihood, state, background, **start)
    plan = Plan(
        positions="positions" not in fixed,
        weight="H" not in fixed,
        width="B" not in fixed,
        weight_per_atom="H" in per_atom,
        width_per_atom="B" in per_atom,
        background=background,
        shifts=bool(shifts),
        prior=0.0 if prior == "cv" else float(prior),
        max_move=max_move,
        iterations=int(iterations),
        tolerance=check_positive("tolerance", tolerance),
    )
    if prior == "cv":
        plan = replace(plan, prior=_choose_prior(likelihood, state, plan))
    done = fit(likelihood, state, plan)
    residuals = done.residuals
    if profile == "free":
        for _ in range(2):
            _free_profile(likelihood, done.state)
            again = fit(likelihood, done.state, replace(plan, width=False))
            residuals = np.concatenate([residuals, again.residuals[1:]])
            done = replace(again, iterations=done.iterations + again.iterations)
    return _report(likelihood, done, residuals, plan)


def _names(names: Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else list(names)


def prepare_fit(
    atoms: NDArray[Any],
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    H: ArrayLike | None,
    B: ArrayLike | None,
    *,
    noise: str | Noise | None = None,
    level: float = 0.0,
    outer: Volume | ArrayLike | None = None,
    spare: float = 0.0,
    background: ArrayLike | None = None,
) -> tuple[Likelihood, State]:
    """Check images, noise and what lies outside, and return the likelihood with the state to start from."""
    for name in ("images", "angles", "pixel_size"):
        if not hasattr(tilt_series, name):
            kind = type(tilt_series).__name__
            msg = f"got {kind}; expected helpers.TiltSeries(images, angles, pixel_size)"
            raise TypeError(msg)
    if not isinstance(tilt_series, TiltSeries):
        tilt_series = TiltSeries(tilt_series.images, tilt_series.angles, tilt_series.pixel_size)
    counts = tilt_series.images
    found = check_noise(noise, counts)
    pixel = tilt_series.pixel_size
    typical = 2 * (np.pi * max(0.5, 0.6 * pixel)) ** 2
    width = check_per_atom("B", typical if B is None else B, len(atoms), positive=True)
    weight = check_per_atom("H", 1.0 if H is None else H, len(atoms))
    if B is not None and width.min() < narrowest(pixel):
        msg = (
            f"B={width.min():g} Å² is narrower than pixels of {pixel:g} Å can show; expected at least "
            f"{narrowest(pixel):.2g} Å²"
        )
        raise ValueError(msg)
    model = ImageModel.prepare(
        atoms, tilt_series.angles, counts.shape[1:], pixel, element, np.maximum(width, typical), spare=spare
    )
    ground = np.zeros((len(counts), 3))
    ground[:, 0] = level
    if background is not None:
        ground[:] = np.asarray(background, dtype=float).reshape(-1, 3) if np.ndim(background) == 2 else 0.0
        if np.ndim(background) < 2:
            ground[:, 0] = background
    likelihood = Likelihood(model, counts, found, _outer_images(outer, tilt_series))
    return likelihood, State(atoms, weight, width, ground)


def check_noise(noise: str | Noise | None, counts: NDArray[np.float32]) -> Noise:
    """Return the noise that the counts are weighted by, estimated where it is not given.

    Raises
    ------
    ValueError
        If the noise is unknown or zero, or counts are negative though they should be Poisson.
    """
    if isinstance(noise, str):
        check_choice("noise", noise, ("poisson", "gaussian"))
    if noise == "poisson":
        if counts.min() < 0:
            msg = (
                f"the counts go down to {counts.min():.3g}, which no Poisson variable does; pass noise=None for "
                "images that were processed, or the Noise(gaussian, poisson) of a camera"
            )
            raise ValueError(msg)
        return Noise(0.0, 1.0)
    if noise is not None and not isinstance(noise, str):
        given = Noise(*(float(part) for part in noise))
        if not np.isfinite(given).all() or min(given) < 0 or max(given) == 0:
            msg = f"noise={tuple(given)}; expected a Gaussian and a Poisson part, positive or zero, not both 0"
            raise ValueError(msg)
        if given.poisson and np.mean(counts < -4 * given.gaussian) > 1e-3:
            msg = (
                f"{np.mean(counts < -4 * given.gaussian):.1%} of the counts lie more than four times the Gaussian "
                "noise below zero; take a constant offset off, or pass noise=None"
            )
            raise ValueError(msg)
        return given
    try:
        found = estimate_noise(counts)
    except ValueError:
        found = Noise(0.0, 0.0)
    if noise == "gaussian" or found.poisson == 0 or np.mean(counts < -4 * found.gaussian) > 1e-3:
        spread = float(np.sqrt(found.gaussian**2 + found.poisson * np.abs(counts).mean()))
    else:
        return found
    return Noise(spread or float(np.std(counts - ndimage.gaussian_filter(counts, (0, 2, 2)))) or 1.0, 0.0)


def _outer_images(outer: Volume | ArrayLike | None, tilt_series: TiltSeries) -> NDArray[np.float32]:
    """Return the images of what lies around the atoms, or an empty array."""
    if outer is None:
        return _NONE
    shape = tilt_series.images.shape
    array = np.asarray(getattr(outer, "array", outer), dtype=np.float32)
    size = getattr(outer, "voxel_size", tilt_series.pixel_size)
    if not np.isfinite(array).all():
        msg = "outer holds values that are not finite; repair them"
        raise ValueError(msg)
    if isinstance(outer, Volume) or array.shape != shape:
        if array.ndim != 3:
            msg = f"outer has shape {array.shape}; expected a volume or images of shape {shape}"
            raise ValueError(msg)
        if abs(size / tilt_series.pixel_size - 1) > 1e-6:
            msg = f"outer has voxels of {size:g} Å but the images pixels of {tilt_series.pixel_size:g} Å"
            raise ValueError(msg)
        array = project(array, tilt_series.angles, shape[1:])
    return np.ascontiguousarray(array)


def _choose_prior(likelihood: Likelihood, state: State, plan: Plan) -> float:
    """Return the strength whose fits to some of the tilts explain the others best."""
    tilts = len(likelihood.counts)
    if tilts < 2 * _FOLDS:
        msg = f'prior="cv" leaves tilts out in turn and needs at least {2 * _FOLDS}; there are {tilts}'
        raise ValueError(msg)
    if not plan.positions:
        return 0.0
    scores = np.zeros(len(_STRENGTHS))
    for fold in range(_FOLDS):
        out = np.arange(tilts) % _FOLDS == fold
        kept, left = likelihood.tilts(~out), likelihood.tilts(out)
        for k, strength in enumerate(_STRENGTHS):
            found = fit(kept, state.tilts(~out), replace(plan, prior=strength, shifts=False)).state
            scores[k] += left_out_value(left, replace(found, ground=state.ground[out], shifts=None), plan.background)
    return _STRENGTHS[int(np.argmin(scores))]


def left_out_value(likelihood: Likelihood, state: State, background: str) -> float:
    """Return half the deviance of tilts that were not fitted, with their own background."""
    for _ in range(2):
        normal, right, _ = moments(likelihood, state, width=False)
        matrix, vector = assemble(normal, right, background, weight=False, width=False)
        if len(vector):
            state = replace(state, ground=move_ground(state.ground, background, solve(matrix, vector)))
    return float(likelihood.evaluate(state, gradient=False)[0][:, 0].sum())


def _free_profile(likelihood: Likelihood, state: State) -> None:
    """Multiply the filters by the radial transfer that fits the images best, in rings of spatial frequency.

    In each ring, least squares of the images' spectra on the model's, drawn to 1 where the model carries less than the
    noise; rings are a twentieth of the Nyquist frequency and joined linearly.
    """
    model = likelihood.model
    qx = np.fft.fftfreq(model.grid[0])[:, None]
    qy = np.fft.rfftfreq(model.grid[1])
    place = np.hypot(qx, qy) / 0.5 * 20
    bins = int(np.ceil(place.max())) + 1
    low = np.minimum(place.astype(int), bins - 2)
    share = (place - low).ravel()
    cross, power, noise = np.zeros((bins, bins)), np.zeros(bins), 0.0
    i, j = model.corner
    for tilts, padded in model.chunks(state.positions, state.H, state.B, state.shifts):
        for k, t in enumerate(range(tilts.start, tilts.stop)):
            ground = likelihood.add_ground(np.zeros((1, *model.shape), np.float32), _one(likelihood, state, t))
            observed = np.zeros(model.grid, np.float32)
            observed[i : i + model.shape[0], j : j + model.shape[1]] = likelihood.counts[t] - ground[0]
            inside = np.zeros(model.grid, np.float32)
            inside[i : i + model.shape[0], j : j + model.shape[1]] = model.crop(padded[k : k + 1])[0]
            ours, theirs = fft.rfft2(inside), fft.rfft2(observed)
            square = (np.abs(ours) ** 2).ravel()
            product = (ours.conj() * theirs).real.ravel()
            for a, b, weight in ((0, 0, (1 - share) ** 2), (0, 1, share * (1 - share)), (1, 1, share**2)):
                cross += np.bincount(
                    (low.ravel() + a) * bins + low.ravel() + b, weight * square, minlength=bins * bins
                ).reshape(bins, bins)
            power += np.bincount(low.ravel(), (1 - share) * product, minlength=bins)
            power += np.bincount(low.ravel() + 1, share * product, minlength=bins)
            noise += float((np.abs(theirs - ours) ** 2).mean())
    upper = np.triu(cross, 1)
    matrix = np.diag(np.diag(cross)) + upper + upper.T
    ridge = noise / len(likelihood.counts) * np.eye(bins) * 10
    transfer = np.linalg.solve(matrix + ridge, power + ridge @ np.ones(bins))
    values = np.interp(place, np.arange(bins), transfer).astype(np.float32)
    model.filters = [factor * values for factor in model.filters]


def _one(likelihood: Likelihood, state: State, t: int) -> State:
    return replace(state, ground=state.ground[t : t + 1])


def _report(likelihood: Likelihood, done: Fit, residuals: NDArray[Any], plan: Plan) -> Refinement:
    """Return what the caller sees."""
    model = likelihood.model
    state = without_gauge(done.state, model.matrices, model.pixel_size)
    expected = likelihood.expected(state)
    ground = likelihood.add_ground(np.zeros_like(expected), state)
    signal = np.abs(likelihood.counts - ground).sum(axis=(1, 2), dtype=float)
    total = likelihood.evaluate(state, gradient=False)[0][:, 0].sum()
    return Refinement(
        positions=state.positions,
        H=state.H,
        B=state.B,
        background=state.ground,
        r_factor=(residuals / np.maximum(signal, 1e-30)).mean(axis=1),
        images=expected,
        residual=likelihood.counts - expected,
        shifts=np.zeros((len(expected), 2)) if state.shifts is None else state.shifts,
        noise=likelihood.noise,
        log_likelihood=-float(total),
        prior=plan.prior,
        converged=done.converged,
        iterations=done.iterations,
    )

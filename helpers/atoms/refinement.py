"""Refinement: atoms moved until their images explain the recorded counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import TiltSeries, Volume
from ..checks import check_choice, check_positions, check_positive
from ..geometry.rotations import _nearest_euler, check_euler
from ..imaging.noise import Noise
from ._fitting import Fit, Plan, fit, without_gauge
from ._likelihood import Likelihood, State
from ._preparing import prepare_fit
from ._profile import free_profile
from ._start import BACKGROUNDS, find_start, fit_ground
from ._turning import turn

_STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.0)  # priors that cross-validation tries, strongest first
_FOLDS = 3
_ROUNDS = 6  # of angles and all else, at most
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
    outer : (T, X, Y) array
        Counts that were given as lying outside, or an empty array.
    shifts : (T, 2) array
        Displacement of each image found [px]; zero unless asked for.
    angles : (T, 3) array
        Euler angles φ, θ, ψ [degrees]: the nominal ones unless others were asked for.
    angle_uncertainty : (T, 3) array
        Standard deviation of the turn about the image's x, the image's y and the beam [degrees]; at zero tilt these
        are ψ, θ and φ. NaN unless angles were asked for.
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
    outer: NDArray[np.float32] = field(repr=False)
    shifts: NDArray[np.float64]
    angles: NDArray[np.float64] = field(repr=False)
    angle_uncertainty: NDArray[np.float64] = field(repr=False)
    noise: Noise
    log_likelihood: float
    prior: float
    converged: bool
    iterations: int

    @property
    def turned(self) -> bool:
        """Whether angles were fitted."""
        return not np.isnan(self.angle_uncertainty).any()

    def as_turned(self, tilt_series: TiltSeries) -> TiltSeries:
        """Return a series with the angles that were fitted, or as it is if none were."""
        if not self.turned:
            return tilt_series
        return TiltSeries(tilt_series.images, self.angles, tilt_series.pixel_size)


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
    angles: bool = False,
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
    angles : bool
        Turn the object of each image as well, away from the nominal angles, which are expected to be right within 0.3°.
        What all images turn by together stays out of it. Takes three to five times as long. Not for one area of a film:
        there, turns stand for whatever is wrong with the model.
    profile : {"gaussian", "free"}
        ``"free"`` lets the radial profile that all atoms share depart from a Gaussian, as the images say.
    prior : float or "cv"
        Pull towards the given positions, in units of each atom's own curvature of the likelihood; ``"cv"`` takes the
        strength that explains left-out tilts best. Useful where tilts are missing or disagree.
    outer : Volume, (X, Y, Z) array or (T, X, Y) array, optional
        What else lies in the images of an object larger than the field: a volume, which is projected, or its images.
    max_move : float
        Farthest that an atom may move along an axis [Å]; with `angles` anew each time that it is the atoms' turn.
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

    Angles take turns with all else: a Gauss–Newton step of each image's turn, and shift if that is free, with the atoms
    as they are; then atoms, as above; until that gains next to nothing. The uncertainty of an angle takes atoms and
    other images for known: it is too small by about one part in the number of images.

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
    turns = None
    if angles:
        likelihood, done, turns = _turn_and_fit(likelihood, done, plan)
    if profile == "free":
        for _ in range(2):
            free_profile(likelihood, done.state)
            done = _after(done, fit(likelihood, done.state, replace(plan, width=False)))
    return _report(likelihood, done, plan, tilt_series, turns)


def _names(names: Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else list(names)


def _after(done: Fit, again: Fit) -> Fit:
    """Return a fit that went on where another ended, with the way of both."""
    return replace(
        again,
        residuals=np.concatenate([done.residuals, again.residuals[1:]]),
        iterations=done.iterations + again.iterations,
        evaluations=done.evaluations + again.evaluations,
    )


def _turn_and_fit(likelihood: Likelihood, done: Fit, plan: Plan) -> tuple[Likelihood, Fit, NDArray[np.float64]]:
    """Take turns between the images' angles and all else, until that gains little; with the turns' uncertainty."""
    nominal, best = likelihood.model.matrices, done.value
    for _ in range(_ROUNDS):
        likelihood, state, uncertainty = turn(likelihood, done.state, nominal, shifts=plan.shifts)
        done = _after(done, fit(likelihood, state, plan))
        if best - done.value < plan.tolerance * len(state.positions):
            break
        best = done.value
    return likelihood, done, uncertainty


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
    state = fit_ground(likelihood, state, background)
    return float(likelihood.evaluate(state, gradient=False)[0][:, 0].sum())


def known_fit(
    positions: ArrayLike | Refinement,
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    *,
    H: ArrayLike | None = None,
    B: ArrayLike | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    level: ArrayLike | None = None,
    outer: Volume | ArrayLike | None = None,
    spare: float = 0.0,
) -> tuple[Likelihood, State]:
    """Return the likelihood and the state of atoms that are known, by their places alone or as refined.

    A refinement brings along whatever is not given; what nobody gives is fitted, with the atoms where they are.
    """
    check_choice("background", background, BACKGROUNDS)
    shifts = None
    if isinstance(positions, Refinement):
        known, positions = positions, positions.positions
        H, B = known.H if H is None else H, known.B if B is None else B
        noise, level = known.noise if noise is None else noise, known.background if level is None else level
        shifts = known.shifts if known.shifts.any() else None
        outer = known.outer if outer is None and known.outer.size else outer
        tilt_series = known.as_turned(tilt_series)
    atoms = check_positions(positions)
    likelihood, state = prepare_fit(
        atoms, tilt_series, element, H, B, noise=noise, outer=outer, spare=spare, background=level
    )
    state = replace(state, shifts=shifts)
    if H is None or B is None or level is None:
        free = background if level is None else "none"
        state = find_start(likelihood, state, free, weight=H is None, width=B is None)
    return likelihood, state


def _report(
    likelihood: Likelihood, done: Fit, plan: Plan, tilt_series: TiltSeries, turns: NDArray[Any] | None
) -> Refinement:
    """Return what the caller sees."""
    euler = check_euler(tilt_series.angles)
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
        r_factor=(done.residuals / np.maximum(signal, 1e-30)).mean(axis=1),
        images=expected,
        residual=likelihood.counts - expected,
        outer=likelihood.extra,
        shifts=np.zeros((len(expected), 2)) if state.shifts is None else state.shifts,
        angles=euler if turns is None else _nearest_euler(model.matrices, euler),
        angle_uncertainty=np.full((len(expected), 3), np.nan) if turns is None else np.rad2deg(turns),
        noise=likelihood.noise,
        log_likelihood=-float(total),
        prior=plan.prior,
        converged=done.converged,
        iterations=done.iterations,
    )

"""Confidence in each atom: what tilts that were left out of the fit say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from ..arrays import TiltSeries, Volume
from ..checks import check_elements, check_positive
from ..digits import counted
from ..imaging.noise import Noise
from ..kernels import kernel, parts_of, share
from ..scattering import atom_profile
from ._fitting import Plan, fit
from ._image_kernels import _deviance
from ._likelihood import Likelihood, State
from ._start import fit_ground
from .images import gaussian_sigma
from .refinement import Refinement, known_fit

_STEPS = 2048  # entries of a profile's table
_TAIL = 1.5  # reach of a profile beyond five standard deviations of its Gaussian [Å]
_WORTH = 32  # an atom takes as long as so many simple items


@dataclass(frozen=True, eq=False)
class Confidence:
    """How sure it is that each atom is there.

    Attributes
    ----------
    gain : (N,) array
        Log-likelihood of the left-out tilts with the atom, minus that without it: positive for an atom that predicts
        images it was not fitted to.
    probability : (N,) array
        1 / (1 + exp(−gain)): of an atom that is as likely there as not before anything was seen; ½ where the
        tilts that were kept give it no weight.
    """

    gain: NDArray[np.float64]
    probability: NDArray[np.float64]


def confidence(
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
    folds: int = 4,
    prior: float = 0.0,
    max_move: float = 1.0,
    iterations: int = 12,
) -> Confidence:
    """Weigh each atom by tilts that were left out of the fit.

    Parameters
    ----------
    positions : (N, 3) array or Refinement
        The atoms [Å], as refined against all tilts; a refinement brings H, B, background, noise and shifts along.
    tilt_series, element, noise, background, outer, prior, max_move
        As in `refine`.
    H, B : float or (N,) array, optional
        Weight and damping [Å²] to start from; fitted by default.
    level : float, (T,) or (T, 3) array, optional
        Background to start from [counts]; fitted by default.
    folds : int
        Parts that the tilts are dealt into, every n-th to the same one; each is left out once.
    iterations : int
        Most steps of a fit to the tilts that are kept.

    Returns
    -------
    Confidence

    Raises
    ------
    ValueError
        If there are fewer than two folds or two tilts for each, or as in `refine`.

    Notes
    -----
    The tilts that are kept fit positions, one weight per atom and B anew. An atom's gain is the change of the deviance
    of the others when its image alone is taken out of theirs, exactly and with all other atoms in place. A false atom
    fits noise of the kept tilts, which the others do not share, so its gain is negative on average. The positions that
    the fits start from have seen all tilts; a few steps make them forget.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import confidence
    >>> from helpers.atoms import simulate_images
    >>> truth, angles = np.array([[0, 0, 0], [2.5, 1.0, 1.0]]), np.arange(0, 180, 15.0)
    >>> images = 1 + simulate_images(truth, angles, (40, 36), 0.4, "Ta", H=1.0, B=6.0)
    >>> counts = TiltSeries(np.random.default_rng(0).poisson(images), angles, 0.4)
    >>> found = confidence(np.vstack([truth, [[-4.0, 0, 0]]]), counts, "Ta", noise="poisson")
    >>> [bool(p > 0.5) for p in found.probability]
    [True, True, False]
    """
    likelihood, state = known_fit(
        positions,
        tilt_series,
        element,
        H=H,
        B=B,
        noise=noise,
        background=background,
        level=level,
        outer=outer,
        spare=check_positive("max_move", max_move),
    )
    tilts = len(likelihood.counts)
    if folds < 2 or tilts < 2 * folds:
        msg = f"folds={folds} of {counted(tilts, 'tilt')}; expected at least two folds of two tilts each"
        raise ValueError(msg)
    plan = Plan(weight_per_atom=True, background=background, prior=prior, max_move=max_move, iterations=iterations)
    names = check_elements(element, len(state.positions))
    gain = np.zeros(len(names))
    for fold in range(folds):
        out = np.arange(tilts) % folds == fold
        found = fit(likelihood.tilts(~out), state.tilts(~out), plan).state
        left = likelihood.tilts(out)
        now = replace(found, ground=state.ground[out], shifts=state.tilts(out).shifts)
        gain += _gains(left, fit_ground(left, now, background), names)
    return Confidence(gain, expit(gain))


def _gains(likelihood: Likelihood, state: State, names: list[str]) -> NDArray[np.float64]:
    """Return what each atom adds to the log-likelihood of the images."""
    model = likelihood.model
    kinds = np.zeros(len(names), np.int64)
    tables, reaches = [], []
    for k, (_, B, members) in enumerate(likelihood.kinds(state.B)):
        kinds[members] = k
        reach = 5 * float(gaussian_sigma(B)) + _TAIL
        r = np.sqrt(np.linspace(0, reach**2, _STEPS))
        tables.append((B / np.pi) ** 1.5 / model.pixel_size * atom_profile(names[members[0]], B, r))
        reaches.append(reach / model.pixel_size)
    lines = model.lines(state.shifts)
    lines[:, :, 3] -= model.corner
    expected = likelihood.expected(state)
    gaussian, poisson = likelihood.noise
    args = (state.positions, lines, state.H, kinds, np.array(tables), np.array(reaches))
    found = np.empty(len(names))
    parts = parts_of(_WORTH * len(names))
    share(_take_out, parts, *args, expected, likelihood.counts, gaussian, poisson, found)
    return found


@kernel(inner=True)
def _loss(position, lines, weight, table, reach, expected, counts, gaussian, poisson):
    """Half the deviance without an atom, minus that with it, over all images."""
    tilts, nx, ny = counts.shape
    shot = poisson > 0.0
    offset = gaussian * gaussian / poisson if shot else 0.0
    inverse = 1.0 / poisson if shot else 1.0 / (gaussian * gaussian)
    floor = 0.01 * poisson
    last = len(table) - 1
    scale = last / (reach * reach)
    total = 0.0
    for t in range(tilts):
        u = lines[t, 0, 3]
        v = lines[t, 1, 3]
        for axis in range(3):
            u += lines[t, 0, axis] * position[axis]
            v += lines[t, 1, axis] * position[axis]
        for i in range(max(0, int(np.ceil(u - reach))), min(nx - 1, int(np.floor(u + reach))) + 1):
            for j in range(max(0, int(np.ceil(v - reach))), min(ny - 1, int(np.floor(v + reach))) + 1):
                place = ((i - u) ** 2 + (j - v) ** 2) * scale
                if place >= last:
                    continue
                k = int(place)
                profile = table[k] + (place - k) * (table[k + 1] - table[k])
                mean = expected[t, i, j]
                less = mean - weight * profile
                data = counts[t, i, j]
                if shot:
                    without = _deviance(less + offset, data + offset, floor)[0]
                    total += without - _deviance(mean + offset, data + offset, floor)[0]
                else:
                    total += 0.5 * ((less - data) ** 2 - (mean - data) ** 2)
    return total * inverse


@kernel
def _take_out(
    part, parts, positions, lines, weight, kinds, tables, reaches, expected, counts, gaussian, poisson, found
):
    """Set found (N,) to the `_loss` of every atom."""
    for n in range(part, len(positions), parts):
        k = kinds[n]
        found[n] = _loss(positions[n], lines, weight[n], tables[k], reaches[k], expected, counts, gaussian, poisson)

"""A radial profile that all atoms share, as the images say."""

from __future__ import annotations

import numpy as np
from scipy import fft

from ._likelihood import Likelihood, State


def free_profile(likelihood: Likelihood, state: State) -> None:
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
            one = slice(t, t + 1)
            ground = likelihood.tilts(one).add_ground(np.zeros((1, *model.shape), np.float32), state.tilts(one))
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

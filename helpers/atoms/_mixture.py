"""Populations of a list of numbers: a mixture of normal distributions, by expectation and maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 500
_CHANGE = 1e-10  # of the mean log-likelihood, at which the rounds end
_NARROWEST = 1e-3  # width of a population, of the spread of all
_APART = 2.0  # distance of two populations' means, of the sum of their widths, from which on they are two


@dataclass(frozen=True, eq=False)
class Mixture:
    """Normal populations by rising mean."""

    means: NDArray[np.float64]
    widths: NDArray[np.float64]
    shares: NDArray[np.float64]
    log_likelihood: float

    @property
    def criterion(self) -> float:
        """Bayesian information criterion over the number of values, up to its part that grows with them; lower wins."""
        return -2 * self.log_likelihood

    def membership(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, K) probability of each population; beyond the outer means as at them."""
        inside = np.clip(values, self.means[0], self.means[-1])
        log = _log_density(inside, self.means, self.widths, self.shares)
        share: NDArray[np.float64] = np.exp(log - np.logaddexp.reduce(log, axis=1)[:, None])
        return share


def fit_mixture(values: NDArray[np.float64], count: int) -> Mixture:
    """Fit `count` normal populations, starting from the cuts of Otsu's method."""
    spread = float(np.std(values))
    if count > 1:
        from skimage.filters import threshold_multiotsu

        cuts = threshold_multiotsu(values, classes=count)
        label = np.digitize(values, cuts)
    else:
        label = np.zeros(len(values), np.int64)
    share = (label[:, None] == np.arange(count)).astype(float)
    before = -np.inf
    floor = max(_NARROWEST * spread, np.finfo(float).tiny)
    for _ in range(_ROUNDS):
        total = share.sum(axis=0) + 1e-12
        means = (share * values[:, None]).sum(axis=0) / total
        widths = np.sqrt((share * (values[:, None] - means) ** 2).sum(axis=0) / total)
        widths = np.maximum(widths, floor)
        shares = total / total.sum()
        log = _log_density(values, means, widths, shares)
        whole = np.logaddexp.reduce(log, axis=1)
        share = np.exp(log - whole[:, None])
        now = float(whole.mean())
        if abs(now - before) < _CHANGE * max(abs(now), 1.0):
            break
        before = now
    order = np.argsort(means)
    return Mixture(means[order], widths[order], shares[order], float(whole.sum()))


def two_populations(values: NDArray[np.float64]) -> Mixture | None:
    """Two populations that really are two: apart, and worth their three parameters; else None."""
    if len(values) < 8 or np.ptp(values) == 0:
        return None
    one, two = fit_mixture(values, 1), fit_mixture(values, 2)
    apart = (two.means[1] - two.means[0]) > _APART * np.sqrt(two.widths[0] * two.widths[1])
    worth = two.criterion + 3 * np.log(len(values)) < one.criterion
    return two if apart and worth else None


def _log_density(
    values: NDArray[np.float64], means: NDArray[np.float64], widths: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    scaled = (values[:, None] - means) / widths
    density: NDArray[np.float64] = np.log(shares) - np.log(widths) - 0.5 * np.log(2 * np.pi) - 0.5 * scaled**2
    return density

"""A background that is uneven: what smooth images of few terms explain of what a fit left."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

from ._likelihood import half_fields
from .refinement import Refinement

_DEGREE = 4  # of the polynomials, at most: broader than any atom or gap
_WORTH = 2.0  # gain of the log-likelihood, of what noise alone gives, that pays for a term


def find_unevenness(fit: Refinement) -> NDArray[np.float32] | None:
    """Return images (T, X, Y) of an uneven background, on top of the one that was fitted, or None where none shows.

    Products of Legendre polynomials in x and y, of the lowest degree in all that pays for its terms: least squares
    of each tilt's residual, weighted by the noise and with a free level. The gain is measured in the mean square of the
    residual over the noise where that is more than 1, so that errors of the model do not pass for a background.
    """
    shape = fit.residual.shape[1:]
    x, y = (legvander(axis, _DEGREE) for axis in half_fields((shape[0], shape[1])))
    degrees = [(i, j) for total in range(_DEGREE + 1) for i in range(total + 1) for j in [total - i]]
    terms = np.stack([np.outer(x[:, i], y[:, j]).ravel() for i, j in degrees])
    counts = [(k + 1) * (k + 2) // 2 for k in range(_DEGREE + 1)]
    gaussian, poisson = fit.noise
    found = np.zeros((_DEGREE + 1, len(fit.residual), len(terms)))
    gain, misfit = np.zeros(_DEGREE + 1), 0.0
    for t, (image, residual) in enumerate(zip(fit.images, fit.residual, strict=True)):
        variance = np.maximum(gaussian**2 + poisson * image, gaussian**2 + 0.01 * poisson).ravel()
        misfit += float((residual.ravel() ** 2 / variance).mean(dtype=float)) / len(fit.images)
        weighted = terms / variance
        normal, right = weighted @ terms.T, weighted @ residual.ravel()
        for k, n in enumerate(counts):
            found[k, t, :n] = np.linalg.solve(normal[:n, :n], right[:n])
            gain[k] += 0.5 * float(right[:n] @ found[k, t, :n])
    cost = 0.5 * _WORTH * max(misfit, 1.0) * len(fit.images) * np.array(counts)
    best = int(np.argmax(gain - cost))
    if best == 0:
        return None
    return (found[best] @ terms).reshape(fit.residual.shape).astype(np.float32)

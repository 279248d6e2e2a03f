"""The atoms stage: images of atoms, the likelihood with its gradient, refinement, angles, the bound, missing atoms.

On the Ta film with its measured angles (or as many atoms of a random film where it is not at hand), 46 images of
451 × 401 px of 0.3216 Å. ``goal`` is the time it shall stay below on two quiet cores. No other program does the same
on a CPU: gaussian-atoms and quantem's joint fit run on a GPU.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from timing import Case, compare

import helpers
from helpers import atoms
from helpers.atoms._preparing import prepare_fit
from helpers.tomography import angle_errors

SHAPE, PIXEL, H, B, LEVEL = (451, 401), 0.3216, 1.0, 6.0, 1.0
OFF = 0.2  # standard deviation of true from nominal angles [degrees]


@cache
def film(count=None):
    """Positions and angles of the film, or of `count` random atoms as dense in a field of the same size."""
    sample = helpers.load_sample("Ta")
    if count is None and sample.has("model", download=False) and sample.has("angles", download=False):
        return sample.model().positions, sample.angles()
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (count or 8284, 3)) * (56, 50, 26), np.linspace(-63, 56, 46)


@cache
def series(count=None):
    positions, angles = film(count)
    images = LEVEL + atoms.simulate_images(positions, angles, SHAPE, PIXEL, "Ta", H, B)
    return helpers.TiltSeries(np.random.default_rng(0).poisson(np.maximum(images, 0)), angles, PIXEL)


def images(count=None):
    def prepare():
        positions, angles = film(count)
        return lambda: atoms.simulate_images(positions, angles, SHAPE, PIXEL, "Ta", H, B)

    return prepare


def gradient(count=None):
    def prepare():
        likelihood, state = prepare_fit(film(count)[0], series(count), "Ta", H, B, noise="poisson", level=LEVEL)
        likelihood.evaluate(state)
        return lambda: likelihood.evaluate(state)

    return prepare


def start():
    return film()[0] + np.random.default_rng(1).normal(0, 0.1, film()[0].shape)


def refinement():
    tilts, first = series(), start()
    return lambda: atoms.refine(first, tilts, "Ta", noise="poisson").positions


def refinement_error(found):
    return float(np.sqrt(((found - film()[0]) ** 2).sum(axis=1).mean()))


@cache
def turned():
    """Images of 1,000 atoms of a film at angles that are not quite the nominal ones, and those angles."""
    positions, angles = film(1000)
    nominal = np.column_stack([0 * angles, angles, 0 * angles])
    true = nominal + np.random.default_rng(2).normal(0, OFF, nominal.shape)
    images = LEVEL + atoms.simulate_images(positions, true, SHAPE, PIXEL, "Ta", H, B)
    counts = np.random.default_rng(3).poisson(np.maximum(images, 0))
    return helpers.TiltSeries(counts, nominal, PIXEL), true


def angles(free):
    """Refine the same atoms with angles as they are, or free."""

    def prepare():
        positions, (tilts, _) = film(1000)[0], turned()
        return lambda: atoms.refine(positions, tilts, "Ta", noise="poisson", angles=free).angles

    return prepare


def angles_error(found):
    return float(np.sqrt((angle_errors(found, turned()[1], kind="rotation") ** 2).mean()))


def bound():
    positions, tilts = film()[0], series()
    return lambda: atoms.position_bound(positions, tilts, "Ta", H=H, B=B, noise="poisson", level=LEVEL)


def bound_error(found):
    return float(np.sqrt((found**2).sum(axis=1).mean()))


def missing():
    positions, tilts = film()[0][20:], series()
    options = {"H": H, "B": B, "noise": "poisson", "level": LEVEL, "shape": (401, 351, 171)}
    return lambda: atoms.find_missing(positions, tilts, "Ta", **options)


def missing_error(found):
    return float(20 - sum(np.linalg.norm(film()[0][:20] - p, axis=1).min() < 0.5 for p in found.positions))


CASES = [
    Case("images", "8,284", images()),
    Case("images", "1,000", images(1000)),
    Case("images", "100,000", images(100_000)),
    Case("gradient", "8,284", gradient()),
    Case("gradient", "1,000", gradient(1000)),
    Case("gradient", "100,000", gradient(100_000)),
    Case("refinement", "8,284", refinement, refinement_error),
    Case("angles", "nominal", angles(False), angles_error),
    Case("angles", "free", angles(True), angles_error),
    Case("bound", "8,284", bound, bound_error),
    Case("missing", "8,264", missing, missing_error),
]

if __name__ == "__main__":
    print("goals on two quiet cores: images 0.25 s, gradient 0.5 s, refinement 180 s, all below 1 GB")
    print("error: r.m.s. from the truth, of positions [Å] or angles [degrees]; the bound [Å]; atoms not found of 20")
    compare("The Ta film, 46 tilts of 451 × 401 px", CASES, repeats=2)

"""The atoms stage: images of atoms, the likelihood with its gradient, refinement, angles, the bound, missing atoms.

On the Ta film with its measured angles (or as many atoms of a random film where it is not at hand), 46 images of
451 × 401 px of 0.3216 Å. ``goal`` is the time it shall stay below on two quiet cores. No other program does the same
on a CPU: gaussian-atoms and quantem's joint fit run on a GPU.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from timing import QUICK, Case, compare

import helpers
from helpers import atoms
from helpers.atoms._preparing import prepare_fit
from helpers.tomography import angle_errors

SHAPE, PIXEL, H, B, LEVEL = (121, 101) if QUICK else (451, 401), 0.3216, 1.0, 6.0, 1.0
FEWER, ALL, MORE = (50, 300, 1000) if QUICK else (1000, 8284, 100_000)  # atoms
OFF = 0.2  # standard deviation of true from nominal angles [degrees]


@cache
def film(count=None):
    """Positions and angles of the film, or of `count` random atoms as dense in a field of the same size."""
    sample = helpers.load_sample("Ta")
    if not QUICK and count is None and sample.has("model", download=False) and sample.has("angles", download=False):
        return sample.model().positions, sample.angles()
    rng = np.random.default_rng(0)
    edges = 0.5 * PIXEL * np.array([SHAPE[0], SHAPE[1], 0.42 * SHAPE[1]]) * (0.78, 0.78, 1)
    return rng.uniform(-1, 1, (count or ALL, 3)) * edges, np.linspace(-63, 56, 46)


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
    positions, angles = film(FEWER)
    nominal = np.column_stack([0 * angles, angles, 0 * angles])
    true = nominal + np.random.default_rng(2).normal(0, OFF, nominal.shape)
    images = LEVEL + atoms.simulate_images(positions, true, SHAPE, PIXEL, "Ta", H, B)
    counts = np.random.default_rng(3).poisson(np.maximum(images, 0))
    return helpers.TiltSeries(counts, nominal, PIXEL), true


def angles(free):
    """Refine the same atoms with angles as they are, or free."""

    def prepare():
        positions, (tilts, _) = film(FEWER)[0], turned()
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
    options = {"H": H, "B": B, "noise": "poisson", "level": LEVEL, "shape": (101, 81, 41) if QUICK else (401, 351, 171)}
    return lambda: atoms.find_missing(positions, tilts, "Ta", **options)


def missing_error(found):
    return float(20 - sum(np.linalg.norm(film()[0][:20] - p, axis=1).min() < 0.5 for p in found.positions))


CASES = [
    *(Case("images", "ours", images(None if n == ALL else n), size=n) for n in (FEWER, ALL, MORE)),
    *(Case("gradient", "ours", gradient(None if n == ALL else n), size=n) for n in (FEWER, ALL, MORE)),
    Case("refinement", "ours", refinement, refinement_error, ALL, repeats=1),
    Case("angles", "nominal", angles(False), angles_error, FEWER, repeats=1),
    Case("angles", "free", angles(True), angles_error, FEWER, repeats=1),
    Case("bound", "ours", bound, bound_error, ALL, repeats=1),
    Case("missing", "ours", missing, missing_error, ALL, repeats=1),
]

if __name__ == "__main__":
    print("goals on two quiet cores: images 0.25 s, gradient 0.5 s, refinement 180 s, all below 1 GB")
    errors = {
        "refinement": "r.m.s. error of positions [Å]", "angles": "r.m.s. error of angles [degrees]",
        "bound": "r.m.s. bound [Å]", "missing": "atoms not found of 20",
    }  # fmt: skip
    title = f"A film of {ALL:,} atoms, 46 tilts of {SHAPE[0]} × {SHAPE[1]} px"
    compare(title, CASES, repeats=2, errors=errors)

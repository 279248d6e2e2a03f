"""An uneven background: found where there is one, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers import TiltSeries
from helpers.atoms import compare, locate, refine, simulate_images
from helpers.atoms._unevenness import find_unevenness

ANGLES = np.arange(0.0, 180.0, 9.0)
SHAPE, PIXEL, H, B = (56, 50), 0.4, 1.0, 5.0
LEVEL = 20.0


def cluster(count=40, seed=0, distance=2.6, radius=6.5):
    """Place atoms at random, none nearer than a distance to another one."""
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        place = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(place) < radius and (np.linalg.norm(atoms - place, axis=1) > distance).all():
            atoms = np.vstack([atoms, place])
    return atoms - atoms.mean(axis=0)


def uneven(strength=0.3):
    """Slopes and half a wave across the field, different at each tilt."""
    rng = np.random.default_rng(4)
    x, y = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    slopes, phases = rng.uniform(-0.5, 0.5, (len(ANGLES), 2)), rng.uniform(0, 2 * np.pi, (len(ANGLES), 2))
    waves = [a * x + b * y + 0.5 * np.cos(0.5 * np.pi * x + p) * np.cos(0.5 * np.pi * y + q)
             for (a, b), (p, q) in zip(slopes, phases, strict=True)]  # fmt: skip
    return LEVEL * (1 + strength * np.array(waves))


def series(ground, seed=1):
    images = ground + simulate_images(cluster(), ANGLES, SHAPE, PIXEL, "Ta", H, B)
    return TiltSeries(np.random.default_rng(seed).poisson(images), ANGLES, PIXEL)


def test_none_is_found_where_there_is_none():
    fit = refine(cluster(), series(np.full((len(ANGLES), *SHAPE), LEVEL)), "Ta", noise="poisson")
    assert find_unevenness(fit) is None


def test_what_is_there_is_found_and_mends_the_positions():
    counts = series(uneven())
    flat = refine(cluster(), counts, "Ta", noise="poisson")
    found = find_unevenness(flat)
    again = refine(cluster(), counts, "Ta", noise="poisson", outer=found)
    left = again.background[:, :1, None] + found - uneven()
    # 15 terms from 2,800 pixels of 20 counts are known to 4.5 √(15 / 2,800) = 0.33 counts; atoms take their part
    assert np.sqrt((left**2).mean()) < 0.6
    assert np.abs(uneven() - uneven().mean(axis=(1, 2), keepdims=True)).mean() > 1.5
    one, two = (compare(f.positions, cluster()).rmsd for f in (flat, again))
    ideal = refine(cluster(), series(np.full((len(ANGLES), *SHAPE), LEVEL)), "Ta", noise="poisson")
    assert two < 1.15 * compare(ideal.positions, cluster()).rmsd < one
    assert find_unevenness(again) is None  # nothing is left to find


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_locate_does_so_itself(strength):
    found = locate(series(uneven(strength)), "Ta", confidence="fit", progress=False)
    assert len(compare(found.positions, cluster()).pairs) == len(found) == 40
    names = [step.name for step in found.history]
    assert ("uneven background" in names) == bool(strength) == bool(found.refinement.outer.size)
    assert np.sqrt(((found.ground - uneven(strength)) ** 2).mean()) < 0.6  # twice what it is known to
    assert_allclose(found.ground + simulate_images(
        found.positions, found.refinement.angles, SHAPE, PIXEL, "Ta", found.H, found.B
    ), found.refinement.images, atol=0.02)  # fmt: skip

"""Tetrahedra and motifs beside scipy's Delaunay and plain Python.

The models are the published ones if they are at hand, else balls of simulated glass with as many atoms. Goals: the
search within twice the time of the neighbour list; thirteen deltas of three samples within 10 s. `bench_scale` goes to
ten million atoms.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np
from timing import QUICK, Case, compare

import helpers
from helpers import structure
from helpers.arrays import as_positions

DELTA = 0.255
DELTAS = 0.05 + 0.025 * np.arange(13)
VALLEYS = {"Ta": 4.12} if QUICK else {"Ta": 4.12, "Pd1": 3.90, "Pd2": 3.91}


def model(name):
    """Positions of a published model, or as many atoms in a ball of the simulated glass where it is not at hand."""
    sample = helpers.load_sample(name)
    if sample.has("model", download=False):
        return sample.model().positions
    positions, _ = glass({"Ta": 20_000, "Pd1": 120_000, "Pd2": 180_000}[name])
    middle = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    return positions[np.argsort(middle)[: {"Ta": 8284, "Pd1": 52_308, "Pd2": 76_238}[name]]]


def glass(count):
    """About `count` atoms in a periodic box: the simulated glass, repeated, every atom moved a little."""
    atoms = helpers.load_sample("MD300").model()
    times = max(1, round((count / len(atoms)) ** (1 / 3)))
    deep = max(1, round(count / len(atoms) / times**2))
    positions, box = as_positions(atoms.repeat((times, times, deep)))
    random = np.random.default_rng(0)
    return (positions + random.normal(0, 0.02, positions.shape))[random.permutation(len(positions))], box


def warm():
    """Compile."""
    positions, box = glass(4000)
    for cell in (None, box):
        near = structure.neighbours(positions, 4.0, cell)
        rows = structure.find_tetrahedra(positions, 4.0, DELTA, cell, neighbours=near)
        structure.tetrahedron_distortion(positions, rows, box=cell)
        structure.find_motifs(rows)


def of(name, function):
    """Prepare a function of a model's positions and its first valley."""

    def prepare():
        warm()
        positions = model(name)
        return lambda: function(positions, VALLEYS[name])

    return prepare


def of_tetrahedra(name, function):
    """Prepare a function of a model's tetrahedra."""

    def prepare():
        warm()
        rows = structure.find_tetrahedra(model(name), VALLEYS[name], DELTA)
        return lambda: function(rows)

    return prepare


def search_alone(name):
    """Prepare the search with a neighbour list that is there already."""

    def prepare():
        warm()
        positions = model(name)
        near = structure.neighbours(positions, VALLEYS[name])
        return lambda: structure.find_tetrahedra(positions, VALLEYS[name], DELTA, neighbours=near)

    return prepare


def scipy_tetrahedra(positions, cutoff):
    """All Delaunay tetrahedra by Qhull, then the filters."""
    from scipy.spatial import Delaunay

    rows = np.sort(Delaunay(positions).simplices, axis=1)
    corners = positions[rows]
    i, j = np.triu_indices(4, 1)
    edges = np.linalg.norm(corners[:, i] - corners[:, j], axis=2)
    keep = (edges.max(axis=1) <= cutoff) & (edges.max(axis=1) <= (1 + DELTA) * edges.mean(axis=1))
    spokes = corners[keep, 1:] - corners[keep, :1]
    centres = np.linalg.solve(2 * spokes, (spokes**2).sum(axis=2)[..., None])[..., 0]
    return rows[keep][np.linalg.norm(centres, axis=1) <= 4.0]


def python_rings(rows):
    """Rings of four to eight around every edge, in plain Python."""
    around = defaultdict(list)
    for t, row in enumerate(rows.tolist()):
        for a, b in combinations(row, 2):
            around[a, b].append((t, [x for x in row if x not in (a, b)]))
    found = defaultdict(list)
    for caps, links in around.items():
        if not 4 <= len(links) <= 8:
            continue
        ring, left = [links[0]], links[1:]
        while left:
            step = next((k for k in left if set(k[1]) & set(ring[-1][1])), None)
            if step is None:
                break
            ring.append(step)
            left.remove(step)
        if not left and set(ring[-1][1]) & set(ring[0][1]):
            found[len(ring)].append((caps, [t for t, _ in ring]))
    return found


def sweep():
    """Prepare the thirteen values of delta for the three samples."""
    warm()
    models = {name: model(name) for name in VALLEYS}

    def run():
        for name, positions in models.items():
            rows = structure.find_tetrahedra(positions, VALLEYS[name], DELTAS[-1])
            values = structure.tetrahedron_distortion(positions, rows)
            for delta in DELTAS:
                structure.find_motifs(rows[values <= delta])

    return run


CASES = [
    *(Case(f"neighbours of {n}", "ours", of(n, structure.neighbours)) for n in VALLEYS),
    *(
        case
        for n in VALLEYS
        for case in (
            Case(f"tetrahedra of {n}", "ours", of(n, structure.find_tetrahedra)),
            Case(f"tetrahedra of {n}", "list given", search_alone(n)),
            Case(f"tetrahedra of {n}", "scipy", of(n, scipy_tetrahedra), repeats=2),
        )
    ),
    *(
        case
        for n in VALLEYS
        for case in (
            Case(f"motifs of {n}", "ours", of_tetrahedra(n, structure.find_motifs)),
            Case(f"motifs of {n}", "Python", of_tetrahedra(n, python_rings), repeats=1),
        )
    ),
    Case("13 deltas of all", "ours", sweep),
]


if __name__ == "__main__":
    compare("Tetrahedra and motifs of three models", CASES, repeats=3)

"""Structure analyses beside freud, scipy, OVITO and pyscal3, on the largest published particle or one like it.

Peers that are not installed are left out; `make peers` installs OVITO, pyscal3 and mdapy.
"""

from __future__ import annotations

from functools import partial

import numba
import numpy as np
from timing import QUICK, Case, compare

import helpers
from helpers import structure

CUTOFF = 3.91  # first valley of Pd2
R_MAX, BINS = 20.0, 200
#: Atoms: those of the largest published particle, and a million.
SIZES = (4000,) if QUICK else (76_238, 1_000_000)


def particle(count):
    """Positions of Pd2, or of as many atoms in a ball of disturbed fcc where its model is not at hand or too small."""
    sample = helpers.load_sample("Pd2")
    if count == 76_238 and sample.has("model", download=False):
        return sample.model().positions
    reach = int((3 * count / (16 * np.pi)) ** (1 / 3)) + 3
    steps = np.arange(-reach, reach + 1)
    corners = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    atoms = 4.0 * (corners + [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]).reshape(-1, 3)
    atoms = atoms[np.argpartition(np.linalg.norm(atoms, axis=1), count)[:count]]
    return atoms + np.random.default_rng(0).normal(0, 0.3, atoms.shape)


def roomy_box(positions):
    """Edge of a cubic box in which no atom meets an image within reach."""
    return float(2 * abs(positions - positions.mean(axis=0)).max() + 2 * R_MAX + 1)


def ours(function):
    """Prepare one of our functions: compile it on a few atoms."""

    def prepare(count):
        positions = particle(count)
        near = np.argsort(np.linalg.norm(positions - positions.mean(axis=0), axis=1))[:2000]
        function(positions[near])
        return lambda: function(positions)

    return prepare


def freud(function):
    """Prepare a function of freud's box and its wrapped positions."""

    def prepare(count):
        import freud

        freud.parallel.set_num_threads(numba.get_num_threads())
        positions = particle(count)
        box = freud.box.Box.cube(roomy_box(positions))
        points = box.wrap(positions - positions.mean(axis=0)).astype(np.float32)
        function(freud, box, points[:2000])
        return lambda: function(freud, box, points)

    return prepare


def freud_neighbours(freud, box, points):
    query = freud.AABBQuery(box, points).query(points, {"r_max": CUTOFF, "exclude_ii": True})
    return query.toNeighborList()


def freud_bond_order(freud, box, points):
    steinhardt = freud.order.Steinhardt([4, 6], average=True)
    return steinhardt.compute((box, points), freud_neighbours(freud, box, points)).particle_order


def freud_pairs(freud, box, points):
    return freud.density.RDF(BINS, R_MAX).compute((box, points)).rdf


def freud_voronoi(freud, box, points):
    return freud.locality.Voronoi().compute((box, points)).nlist


def scipy_neighbours(count):
    from scipy.spatial import cKDTree

    positions = particle(count)
    return lambda: cKDTree(positions).query_pairs(CUTOFF, output_type="ndarray")


def scipy_pairs(count):
    from scipy.spatial import cKDTree

    positions = particle(count)

    def run():
        tree = cKDTree(positions)
        return tree.count_neighbors(tree, np.linspace(0, R_MAX, BINS + 1), cumulative=False)

    return run


def ovito(modify):
    """Prepare a function of OVITO's data collection."""

    def prepare(count):
        from ovito.data import DataCollection, SimulationCell

        positions = particle(count)
        data = DataCollection()
        data.create_particles(count=len(positions)).create_property("Position", data=positions)
        cell = SimulationCell(pbc=(False, False, False))
        cell[:, :3] = np.eye(3) * roomy_box(positions)
        cell[:, 3] = -roomy_box(positions) / 2
        data.objects.append(cell)
        return modify(data)

    return prepare


def ovito_neighbours(data):
    from ovito.data import CutoffNeighborFinder

    return lambda: CutoffNeighborFinder(CUTOFF, data).find_all()


def ovito_pairs(data):
    from ovito.modifiers import CoordinationAnalysisModifier

    return lambda: data.clone().apply(CoordinationAnalysisModifier(cutoff=R_MAX, number_of_bins=BINS))


def ovito_voronoi(data):
    from ovito.modifiers import VoronoiAnalysisModifier

    return lambda: data.clone().apply(VoronoiAnalysisModifier(compute_indices=True))


def pyscal(analyse):
    """Prepare a function of pyscal's module (version 4) and ASE atoms, into which it writes its results."""

    def prepare(count):
        import ase
        import pyscal3

        pyscal3.set_num_threads(numba.get_num_threads())
        positions = particle(count)
        side = roomy_box(positions)

        def run():
            atoms = ase.Atoms(f"Pd{len(positions)}", positions=positions, cell=[side] * 3, pbc=False)
            pyscal3.find_neighbors(atoms, method="cutoff", cutoff=CUTOFF, store_rows=False)
            return analyse(pyscal3, atoms)

        return run

    return prepare


def pyscal_pairs(count):
    import ase
    import pyscal3

    pyscal3.set_num_threads(numba.get_num_threads())
    positions = particle(count)
    atoms = ase.Atoms(f"Pd{len(positions)}", positions=positions, cell=[roomy_box(positions)] * 3, pbc=True)
    return lambda: pyscal3.radial_distribution_function(atoms, rmax=R_MAX, bins=BINS)


def mdapy(analyse):
    """Prepare a function of mdapy's system, which keeps its list of neighbours: it is made anew each time."""

    def prepare(count):
        import mdapy

        positions = particle(count)
        side = roomy_box(positions)
        inside = positions - positions.min(axis=0) + 1

        def run():
            box = mdapy.Box(np.eye(3) * side, boundary=[0, 0, 0])
            return analyse(mdapy.System(pos=inside, box=box))

        return run

    return prepare


TASKS = {
    "neighbours": {
        "ours": ours(lambda p: structure.neighbours(p, CUTOFF)),
        "freud": freud(freud_neighbours),
        "scipy": scipy_neighbours,
        "OVITO": ovito(ovito_neighbours),
        "pyscal3": pyscal(lambda pyscal3, atoms: atoms),
        "mdapy": mdapy(lambda system: system.build_neighbor(CUTOFF)),
    },
    "bond order": {
        "ours": ours(lambda p: structure.bond_order(p, CUTOFF)),
        "freud": freud(freud_bond_order),
        "pyscal3": pyscal(lambda p, atoms: p.steinhardt_parameter(atoms, l=[4, 6], averaged=True)),
        "mdapy": mdapy(lambda system: system.cal_steinhardt_bond_orientation([4, 6], rc=CUTOFF, average=True)),
    },
    "pair counts": {
        "ours": ours(lambda p: structure.pair_distribution(p, R_MAX, box=roomy_box(p))),
        "freud": freud(freud_pairs),
        "scipy": scipy_pairs,
        "OVITO": ovito(ovito_pairs),
        "pyscal3": pyscal_pairs,
        "mdapy": mdapy(lambda system: system.cal_radial_distribution_function(R_MAX, BINS)),
    },
    "Voronoi": {
        "ours": ours(structure.voronoi),
        "freud": freud(freud_voronoi),
        "OVITO": ovito(ovito_voronoi),
        "mdapy": mdapy(lambda system: system.cal_voronoi_volume()),
    },
    "shell-corrected g(r)": {"ours": ours(lambda p: structure.pair_distribution(p, R_MAX))},
}
#: What takes more than a minute at a million atoms, or more memory than there is at any size.
LONG = {
    ("neighbours", "pyscal3"),
    ("bond order", "pyscal3"),
    *(("pair counts", p) for p in ("scipy", "OVITO", "mdapy")),
}
GREEDY = {("pair counts", "pyscal3")}
CASES = [
    Case(task, program, partial(prepare, count), size=count, repeats=1 if count > 500_000 else None)
    for count in SIZES
    for task, programs in TASKS.items()
    for program, prepare in programs.items()
    if (task, program) not in GREEDY
    and (count < 500_000 or (task != "shell-corrected g(r)" and (task, program) not in LONG))
]

if __name__ == "__main__":
    compare(f"A particle; cutoff {CUTOFF} Å, pairs to {R_MAX:g} Å in {BINS} shells", CASES, repeats=3)

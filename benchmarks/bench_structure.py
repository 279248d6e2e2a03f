"""Structure analyses beside freud, scipy, OVITO, pyscal3 and mdapy, on a particle and on a million atoms.

The particle is the largest published one or one like it, in a box in which no atom meets an image; the million are a
dense glass in a periodic box. Each program counts the same: of a particle, our pair distribution also finds its shape,
which "pair counts" gets from before and "shell-corrected g(r)" does not. Peers that are not installed are left out;
`make peers` installs OVITO, pyscal3 and mdapy.
"""

from __future__ import annotations

import warnings
from functools import partial

import numba
import numpy as np
from bench_scale import glass
from timing import QUICK, Case, compare

import helpers
from helpers import structure

CUTOFF = 3.91  # first valley of Pd2
R_MAX, BINS = 20.0, 200
PARTICLE, MILLION = 76_238, 1_000_000
SIZES = (4000,) if QUICK else (PARTICLE, MILLION)


def atoms(count):
    """Positions, and the edges of their periodic box: none of Pd2 or a ball like it."""
    if count == MILLION:
        positions, box = glass(count)
        return positions % box, box
    sample = helpers.load_sample("Pd2")
    if count == PARTICLE and sample.has("model", download=False):
        return sample.model().positions, None
    reach = int((3 * count / (16 * np.pi)) ** (1 / 3)) + 3
    steps = np.arange(-reach, reach + 1)
    corners = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    places = 4.0 * (corners + [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]).reshape(-1, 3)
    places = places[np.argpartition(np.linalg.norm(places, axis=1), count)[:count]]
    return places + np.random.default_rng(0).normal(0, 0.3, places.shape), None


def boxed(count):
    """Positions from 0 on, the edges of a box that others can take, and whether it is periodic."""
    positions, box = atoms(count)
    if box is not None:
        return positions, box, True
    side = np.ptp(positions, axis=0).max() + R_MAX + 1
    return positions - positions.min(axis=0) + 0.5, np.full(3, side), False


def few(count):
    """Some of these atoms, in a box of their own if they have one: enough to compile on."""
    positions, box = atoms(count)
    if box is not None:
        return glass(100_000)
    return positions[np.argsort(np.linalg.norm(positions - positions.mean(axis=0), axis=1))[:2000]], None


def ours(function):
    """Prepare one of our functions of positions and box."""

    def prepare(count):
        warnings.simplefilter("ignore")  # of close pairs in the published model
        function(*few(count))
        positions, box = atoms(count)
        return lambda: function(positions, box)

    return prepare


def our_pairs(count):
    """Prepare counting alone: where a finite sample's shape would be found as well, it is given."""
    warnings.simplefilter("ignore")
    positions, box = atoms(count)
    if box is not None:
        return ours(lambda p, box: structure.pair_distribution(p, R_MAX, box=box))(count)
    known = structure.pair_distribution(positions, R_MAX)
    return lambda: structure.pair_distribution(positions, R_MAX, shape_of=known)


def freud(function):
    """Prepare a function of freud's box and its wrapped positions."""

    def prepare(count):
        import freud

        freud.parallel.set_num_threads(numba.get_num_threads())
        positions, edges, _ = boxed(count)
        box = freud.box.Box(*edges)
        points = box.wrap(positions - edges / 2).astype(np.float32)
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

    positions, edges, periodic = boxed(count)
    return lambda: cKDTree(positions, boxsize=edges if periodic else None).query_pairs(CUTOFF, output_type="ndarray")


def scipy_pairs(count):
    from scipy.spatial import cKDTree

    positions, edges, periodic = boxed(count)

    def run():
        tree = cKDTree(positions, boxsize=edges if periodic else None)
        return tree.count_neighbors(tree, np.linspace(0, R_MAX, BINS + 1), cumulative=False)

    return run


def ovito(modify):
    """Prepare a function of OVITO's data collection."""

    def prepare(count):
        from ovito.data import DataCollection, SimulationCell

        positions, edges, periodic = boxed(count)
        data = DataCollection()
        data.create_particles(count=len(positions)).create_property("Position", data=positions)
        cell = SimulationCell(pbc=(periodic,) * 3)
        cell[:, :3] = np.diag(edges)
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
        positions, edges, periodic = boxed(count)

        def run():
            particles = ase.Atoms(f"Pd{len(positions)}", positions=positions, cell=edges, pbc=periodic)
            pyscal3.find_neighbors(particles, method="cutoff", cutoff=CUTOFF, store_rows=False)
            return analyse(pyscal3, particles)

        return run

    return prepare


def pyscal_pairs(count):
    import ase
    import pyscal3

    pyscal3.set_num_threads(numba.get_num_threads())
    positions, edges, _ = boxed(count)
    particles = ase.Atoms(f"Pd{len(positions)}", positions=positions, cell=edges, pbc=True)
    return lambda: pyscal3.radial_distribution_function(particles, rmax=R_MAX, bins=BINS)


def mdapy(analyse):
    """Prepare a function of mdapy's system, which keeps its list of neighbours: it is made anew each time."""

    def prepare(count):
        import mdapy

        positions, edges, periodic = boxed(count)

        def run():
            box = mdapy.Box(np.diag(edges), boundary=[int(periodic)] * 3)
            return analyse(mdapy.System(pos=positions, box=box))

        return run

    return prepare


TASKS = {
    "neighbours": {
        "ours": ours(lambda p, box: structure.neighbours(p, CUTOFF, box)),
        "freud": freud(freud_neighbours),
        "scipy": scipy_neighbours,
        "OVITO": ovito(ovito_neighbours),
        "pyscal3": pyscal(lambda pyscal3, atoms: atoms),
        "mdapy": mdapy(lambda system: system.build_neighbor(CUTOFF)),
    },
    "bond order": {
        "ours": ours(lambda p, box: structure.bond_order(p, CUTOFF, box)),
        "freud": freud(freud_bond_order),
        "pyscal3": pyscal(lambda p, atoms: p.steinhardt_parameter(atoms, l=[4, 6], averaged=True)),
        "mdapy": mdapy(lambda system: system.cal_steinhardt_bond_orientation([4, 6], rc=CUTOFF, average=True)),
    },
    "pair counts": {
        "ours": our_pairs,
        "freud": freud(freud_pairs),
        "scipy": scipy_pairs,
        "OVITO": ovito(ovito_pairs),
        "pyscal3": pyscal_pairs,
        "mdapy": mdapy(lambda system: system.cal_radial_distribution_function(R_MAX, BINS)),
    },
    "Voronoi": {
        "ours": ours(lambda p, box: structure.voronoi(p, box=box, minimum_area=0)),
        "freud": freud(freud_voronoi),
        "OVITO": ovito(ovito_voronoi),
        "mdapy": mdapy(lambda system: system.cal_voronoi_volume()),
    },
    "Voronoi, small faces dropped": {"ours": ours(lambda p, box: structure.voronoi(p, box=box))},
    "shell-corrected g(r)": {"ours": ours(lambda p, box: structure.pair_distribution(p, R_MAX, box=box))},
}
#: What is not run at a million atoms, and why; the time at the smaller size is written beside it.
LEFT_OUT = {
    ("neighbours", "pyscal3"): "half a minute a call",
    ("bond order", "pyscal3"): "half a minute a call",
    ("pair counts", "pyscal3"): "it asks for more memory than there is at any size",
}
ONCE = {("pair counts", program) for program in ("scipy", "OVITO", "mdapy")}  # called once at any size
PATIENT = {("pair counts", "freud"): 150.0}  # seconds a call may take, so that one other program is there
CASES = [
    Case(
        task, program, partial(prepare, count), size=count,
        repeats=1 if (task, program) in ONCE or (count == MILLION and program == "freud") else 2,
        left_out=LEFT_OUT.get((task, program), "") if count == MILLION or task == "pair counts" else "",
        longest=PATIENT.get((task, program)),
    )
    for count in SIZES
    for task, programs in TASKS.items()
    for program, prepare in programs.items()
    if count != MILLION or len(programs) > 1
]  # fmt: skip

if __name__ == "__main__":
    title = f"A particle and a million atoms of a glass in a periodic box; cutoff {CUTOFF} Å, pairs to {R_MAX:g} Å"
    compare(title, CASES)

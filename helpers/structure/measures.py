"""Measures: named numbers of a model, from its positions on, as `estimate` repeats them on displaced copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_mask, looked_at
from .bond_order import bond_order
from .census import pool_censuses, take_census
from .distortion import distortion
from .interface import InterfaceProfile, interface_profile
from .mass_density import density_contrast, mass_density
from .nuclei import find_nuclei
from .packing import packed_region, polytetrahedral_packing
from .polyhedra import distorted_icosahedra
from .voronoi import voronoi
from .voronoi_indices import edge_fractions, index_fraction

if TYPE_CHECKING:
    from ase import Atoms

#: Names of the main motifs in `measure_motifs`.
MOTIFS = {3: "triplets", 4: "quadrilateral", 5: "pentagonal", 6: "hexagonal"}


def measure_nuclei(
    positions: Atoms | ArrayLike, cutoff: float, *, threshold: float = 0.5, box: ArrayLike | None = None
) -> dict[str, float]:
    """Return the share of the atoms that belong to crystal nuclei.

    Parameters
    ----------
    positions, cutoff, box
        As for `bond_order`.
    threshold : float
        As for `find_nuclei`.

    Returns
    -------
    dict of str to float
        ``"share"`` [%].
    """
    order = bond_order(positions, cutoff, box).normalised
    return {"share": float(100 * find_nuclei(positions, order, threshold=threshold, box=box).mean())}


def measure_cells(
    positions: Atoms | ArrayLike,
    *,
    disordered: ArrayLike,
    minimum_area: float = 0.01,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
) -> dict[str, float]:
    """Return what the closed Voronoi cells of the disordered atoms are like.

    Parameters
    ----------
    positions, minimum_area, cutoff, box
        As for `voronoi`.
    disordered : (N,) bool array
        Atoms whose cells count.

    Returns
    -------
    dict of str to float
        ``"coordination"``; ``"five_edged"``, the share of the faces that have five edges [%], and
        ``"five_of_3_to_6"``, the same among the faces of three to six edges [%]; ``"icosahedral"``, the share of the
        cells with one of the indices `ICOSAHEDRAL` [%]. NaN if no such cell is closed.
    """
    cells = voronoi(positions, cutoff, box, minimum_area=minimum_area)
    inside = cells.closed & check_mask(disordered, len(cells.closed), name="disordered")
    if not inside.any():
        return dict.fromkeys(("coordination", "five_edged", "five_of_3_to_6", "icosahedral"), float("nan"))
    return {
        "coordination": float(cells.coordination[inside].mean()),
        "five_edged": float(100 * edge_fractions(cells.faces[inside])[2]),
        "five_of_3_to_6": float(100 * edge_fractions(cells.faces[inside], widest=6)[2]),
        "icosahedral": float(100 * index_fraction(cells.indices[inside])),
    }


def measure_motifs(
    positions: Atoms | ArrayLike,
    cutoff: float,
    delta: float = 0.255,
    *,
    rule: str = "published",
    box: ArrayLike | None = None,
) -> dict[str, float]:
    """Return the share of the tetrahedra of the disordered region in each of the four main motifs.

    Parameters
    ----------
    positions, cutoff, delta, rule, box
        As for `polytetrahedral_packing`.

    Returns
    -------
    dict of str to float
        By the names in `MOTIFS` [%].
    """
    packing = polytetrahedral_packing(positions, cutoff, delta, box=box, rule=rule)
    return {name: 100 * packing.fraction[n] for n, name in MOTIFS.items()}


def measure_corners(
    positions: Atoms | ArrayLike, cutoff: float, delta: float = 0.255, *, box: ArrayLike | None = None
) -> dict[str, float]:
    """Return the share of the atoms that are corners of tetrahedra.

    Parameters
    ----------
    positions, cutoff, delta, box
        As for `polytetrahedral_packing`.

    Returns
    -------
    dict of str to float
        ``"disordered"``: of the disordered atoms; ``"all"``: of all atoms [%].
    """
    packing = polytetrahedral_packing(positions, cutoff, delta, box=box)
    corner = np.isin(np.arange(len(packing.positions)), packing.tetrahedra)
    return {"disordered": 100 * packing.tetrahedral_atoms, "all": float(100 * corner.mean())}


def measure_bonds(
    positions: Atoms | ArrayLike, cutoff: float, delta: float = 0.255, *, box: ArrayLike | None = None
) -> dict[str, float]:
    r"""Return the mean shape of the pentagonal bipyramids of the disordered region.

    Parameters
    ----------
    positions, cutoff, delta, box
        As for `polytetrahedral_packing`.

    Returns
    -------
    dict of str to float
        ``"alpha"``: how much longer the axis is than the ring bonds of the same bipyramid [%]; ``"beta"``: how much
        shorter the bonds from the caps to the ring are [%]; ``"theta"``: the tilt of the axis [degrees]. Means over
        the bipyramids; NaN if there are none.
    """
    packing = polytetrahedral_packing(positions, cutoff, delta, box=box)
    shape = distortion(packing.positions, packing.motifs.fold[5], packing.box)
    if len(shape.theta) == 0:
        return dict.fromkeys(("alpha", "beta", "theta"), float("nan"))
    return {
        "alpha": float(100 * (shape.alpha_over_gamma.mean() - 1)),
        "beta": float(100 * (1 - shape.beta_over_gamma.mean())),
        "theta": float(shape.theta.mean()),
    }


def measure_gain(
    positions: Atoms | ArrayLike,
    cutoff: float,
    *,
    mass: ArrayLike,
    delta: float = 0.255,
    spacing: float = 1.0,
    max_radius: float = 4.0,
    kernel: str = "sigma",
    box: ArrayLike | None = None,
) -> dict[str, float]:
    """Return by how much the disordered region is denser inside tetrahedra than outside.

    Parameters
    ----------
    positions, cutoff, delta, box
        As for `polytetrahedral_packing`; the cutoff is the width of the Gaussian that smooths the map too.
    mass, spacing, max_radius, kernel
        As for `mass_density`.

    Returns
    -------
    dict of str to float
        ``"gain"`` [%].
    """
    packing = polytetrahedral_packing(positions, cutoff, delta, box=box)
    with looked_at():
        grid = mass_density(
            packing.positions,
            mass,
            cutoff,
            box=packing.box,
            spacing=spacing,
            max_radius=max_radius,
            kernel=kernel,
        )
    return {"gain": 100 * density_contrast(grid, *packed_region(packing, grid)).gain}


def measure_interface(
    positions: Atoms | ArrayLike,
    cutoff: float,
    *,
    threshold: float = 0.5,
    step: float = 0.5,
    farthest: float = 20.0,
    surface: str = "atoms",
    max_radius: float | None = None,
    box: ArrayLike | None = None,
) -> dict[str, float]:
    """Return the width over which order fades outside the crystal nuclei.

    Parameters
    ----------
    positions, cutoff, box
        As for `bond_order`.
    threshold : float
        As for `find_nuclei`, and the order at the surface.
    step, surface, max_radius
        As for `interface_profile`.
    farthest : float
        Largest distance that is fitted [Å].

    Returns
    -------
    dict of str to float
        ``"width"`` [Å].
    """
    order = bond_order(positions, cutoff, box).normalised
    inside = find_nuclei(positions, order, threshold=threshold, box=box)
    profile: InterfaceProfile = interface_profile(
        positions,
        order,
        inside,
        step=step,
        fit_range=(0.0, farthest),
        surface=surface,
        max_radius=max_radius,
        threshold=threshold,
        box=box,
    )
    return {"width": profile.width}


def measure_networks(
    models: Mapping[str, NDArray[np.float64]],
    cutoffs: Mapping[str, float],
    *,
    shift: float = 0.0,
    delta: float = 0.255,
    min_size: int = 5,
    largest_of: str | None = None,
    boxes: Mapping[str, ArrayLike | None] | None = None,
) -> dict[str, float]:
    """Return how the pentagonal bipyramids of several samples join, pooled.

    Parameters
    ----------
    models : mapping of str to (N, 3) array
        Atom positions of each sample [Å].
    cutoffs : mapping of str to float
        First valley of each [Å].
    shift : float
        All first valleys are moved by this [Å].
    delta : float
        Largest distortion of a tetrahedron.
    min_size : int
        Fewest bipyramids that make a network.
    largest_of : str, optional
        The sample whose largest network is described; that of all samples by default.
    boxes : mapping of str to box, optional
        Edge lengths of the periodic box of those samples that have one [Å].

    Returns
    -------
    dict of str to float
        As `PooledCensus.numbers`, and ``"icosahedra"``: Voronoi cells of the disordered atoms with one of the indices
        `ICOSAHEDRAL` whose tetrahedra are all within `delta`.
    """
    found, icosahedra = {}, 0
    for name, positions in models.items():
        box = (boxes or {}).get(name)
        packing = polytetrahedral_packing(positions, cutoffs[name] + shift, delta, box=box)
        found[name] = take_census(packing, min_size=min_size)
        distortions = distorted_icosahedra(packing.positions, packing.disordered, box=packing.box)[1]
        icosahedra += int((distortions <= delta).sum())
    numbers = pool_censuses(list(found.values())).numbers()
    if largest_of is not None:
        of_one = pool_censuses([found[largest_of]]).numbers()
        numbers |= {key: of_one[key] for key in ("largest_network", "largest_atoms", "largest_length")}
    return numbers | {"icosahedra": icosahedra}

"""One row of numbers for a model: density, neighbours, order, tetrahedra, motifs and networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import as_positions
from ..checks import check_mask, check_members, check_numbers, check_positions
from ..uncertainty import PRECISION, Estimate, estimate
from .census import take_census
from .motifs import disordered_tetrahedra
from .nuclei import find_nuclei
from .packing import polytetrahedral_packing
from .voronoi import voronoi
from .voronoi_indices import edge_fractions, index_fraction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ase import Atoms
    from numpy.typing import NDArray


def measure_model(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    delta: float = 0.255,
    *,
    box: ArrayLike | None = None,
    region: ArrayLike | None = None,
    crystals: bool = True,
    min_size: int = 5,
) -> dict[str, float]:
    """Measure what the chapters on structure measure, in one call, to compare models of one sample.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff, delta
        As in `polytetrahedral_packing`.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å], where positions are given as an array.
    region : (N,) bool array, optional
        Atoms to report on; the others are neighbours only. All by default.
    crystals : bool
        Whether atoms of crystal nuclei are reported on; the share of atoms in nuclei is that of all either way.
    min_size : int
        Fewest bipyramids that make a network.

    Returns
    -------
    dict of str to float
        By name, with the unit in square brackets. NaN where nothing is there to be counted.

    Raises
    ------
    ValueError
        As `polytetrahedral_packing`, or if the region does not fit the atoms.

    Notes
    -----
    A tetrahedron counts for an atom of the region with a quarter for each of its corners there; motifs and networks
    are those of `Motifs.select` with the region in place of the disordered atoms. Coordination, faces and density
    are those of atoms with closed Voronoi cells, small faces dropped as `voronoi` does.

    Examples
    --------
    >>> from helpers import load_sample
    >>> from helpers.structure import measure_model
    >>> glass = measure_model(load_sample("MD300").model())
    >>> bool(glass["coordination"] > 12), bool(glass["pentagonal [%]"] > glass["hexagonal [%]"])
    (True, True)
    """
    places, lengths = as_positions(positions, box, minimum=4)
    mask = check_mask(region, len(places), name="region")
    packing = polytetrahedral_packing(places, cutoff, delta, box=lengths, disordered=mask)
    nuclei = find_nuclei(places, packing.order, box=lengths)
    crystalline = 100 * float(nuclei[mask].mean()) if mask.any() else np.nan
    if not crystals:
        mask = mask & ~nuclei
        packing = replace(packing, disordered=mask, inside=disordered_tetrahedra(packing.tetrahedra, mask))
    cells = voronoi(places, box=lengths)
    inside = cells.closed & mask
    census = take_census(packing, min_size=min_size)
    vertex, edge = census.shared.vertex, census.shared.edge
    sizes = census.sizes[5]
    atoms = max(int(mask.sum()), 1)
    bipyramids = packing.motifs.counts[5]
    shares = packing.fraction
    faces = edge_fractions(cells.faces[inside]) if inside.any() else np.full(4, np.nan)
    return {
        "atoms per nm³": 1000 * inside.sum() / cells.volumes[inside].sum() if inside.any() else np.nan,
        "coordination": float(cells.coordination[inside].mean()) if inside.any() else np.nan,
        "five-edged faces [%]": 100 * float(faces[2]),
        "distorted icosahedra [%]": 100 * index_fraction(cells.indices[inside]) if inside.any() else np.nan,
        "bond order": float(np.nanmean(packing.order[mask])) if mask.any() else np.nan,
        "atoms in nuclei [%]": crystalline,
        "tetrahedra per atom": mask[packing.tetrahedra].sum() / 4 / atoms,
        "atoms in tetrahedra [%]": 100 * packing.tetrahedral_atoms,
        "triplets [%]": 100 * shares[3],
        "quadrilateral [%]": 100 * shares[4],
        "pentagonal [%]": 100 * shares[5],
        "hexagonal [%]": 100 * shares[6],
        "bipyramids per atom": bipyramids / atoms,
        "no vertex neighbour [%]": 100 * float((vertex == 0).mean()) if len(vertex) else np.nan,
        "edge neighbour [%]": 100 * float((edge > 0).mean()) if len(edge) else np.nan,
        "bipyramids in networks [%]": 100 * sizes.sum() / bipyramids if bipyramids else np.nan,
        "largest network": float(sizes.max(initial=0)),
    }


def explain_change(
    reference: ArrayLike,
    found: ArrayLike,
    pairs: ArrayLike,
    cutoff: float,
    delta: float = 0.255,
    *,
    region: Callable[[NDArray[np.float64]], ArrayLike] | None = None,
    crystals: bool = True,
    precision: float | ArrayLike = PRECISION,
    errors: Mapping[str, float] | None = None,
    repeats: int = 4,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Go from one model of a sample to another in three steps, and measure after each.

    Parameters
    ----------
    reference : (N, 3) array
        Atom positions of the one model [Å].
    found : (M, 3) array
        Those of the other, in the same frame [Å].
    pairs : (K, 2) int array
        Row in `found` and row in `reference` of each atom that both have, as `atoms.compare` gives them.
    cutoff, delta
        As in `measure_model`, the same for all.
    region : callable, optional
        Which of the positions (N, 3) to report on, as a mask; all by default.
    crystals : bool
        As in `measure_model`.
    precision : float or (M, 3) array
        Standard deviation of each coordinate that was found, or one number as in `uncertainty.displaced_models` [Å];
        atoms that only the reference has carry the published precision.
    errors : mapping, optional
        Uncertainty of ``cutoff`` and ``delta``, as in `uncertainty.estimate`.
    repeats, seed
        As in `uncertainty.estimate`.

    Returns
    -------
    dict
        `measure_model` of four models: ``"reference"``; ``"moved"``, its atoms where they were found, if they were;
        ``"without the missing"``, those that were found alone; and ``"found"``, the extra ones as well. The change from
        one to the next is what positions, missing atoms and extra atoms do.
    """
    old, new = check_positions(reference), check_positions(found)
    rows = check_members(pairs, None, 2, name="pairs")
    if len(rows) and (rows.max(axis=0) >= [len(new), len(old)]).any():
        msg = f"pairs refers to atoms {rows.max(axis=0).tolist()}; found has {len(new)} and reference {len(old)}"
        raise ValueError(msg)
    given = check_numbers(precision, name="precision", expected="standard deviations [Å]")
    own = np.full(new.shape, given / np.sqrt(3)) if given.ndim == 0 else given
    moved, sigma = old.copy(), np.full(old.shape, PRECISION / np.sqrt(3))
    moved[rows[:, 1]], sigma[rows[:, 1]] = new[rows[:, 0]], own[rows[:, 0]]
    models = {
        "reference": (old, np.full(old.shape, PRECISION / np.sqrt(3))),
        "moved": (moved, sigma),
        "without the missing": (new[rows[:, 0]], own[rows[:, 0]]),
        "found": (new, own),
    }
    table = {}
    for name, (places, spread) in models.items():
        settings: dict[str, Any] = {
            "cutoff": cutoff,
            "delta": delta,
            "region": None if region is None else region(places),
            "crystals": crystals,
        }
        table[name] = estimate(measure_model, places, settings, errors, repeats=repeats, precision=spread, seed=seed)
    return table

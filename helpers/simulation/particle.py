"""Particles of known structure: cut from a liquid or glass, with a crystal nucleus planted in their surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import as_positions
from ..checks import check_positive
from ..digits import counted
from ..geometry.boxes import wrap
from ..geometry.delaunay import circumradii

if TYPE_CHECKING:
    from ase import Atoms
    from scipy.spatial.transform import Rotation

_HOLE = 4.0  # larger spheres without an atom are no part of a model [Å]


def cut_sphere(bulk_atoms: Atoms, radius: float, centre: tuple[float, float, float] | None = None) -> Atoms:
    """Cut a sphere out of a periodic sample.

    Parameters
    ----------
    bulk_atoms : ase.Atoms
        Periodic sample with an orthogonal box.
    radius : float
        Radius of the sphere [Å].
    centre : (3,) tuple, optional
        Its centre [Å]; by default the middle of the box. It may lie anywhere: the sample is periodic.

    Returns
    -------
    ase.Atoms
        The particle, without a box, with the sphere's centre at the origin.

    Raises
    ------
    ValueError
        If the sample is not periodic or the sphere does not fit into its box.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import cut_sphere
    >>> particle = cut_sphere(helpers.load_sample("MD5200").model(), 12.0)
    >>> bool(particle.pbc.any()), float(abs(particle.positions).max()) <= 12.0
    (False, True)
    """
    from ase import Atoms

    radius = check_positive("radius", radius)
    positions, box = as_positions(bulk_atoms)
    if box is None:
        msg = "the sample has no periodic box; expected a bulk sample"
        raise ValueError(msg)
    if 2 * radius > box.min():
        msg = f"radius={radius:g} Å exceeds half the box ({box.min() / 2:g} Å); lower it"
        raise ValueError(msg)
    offset = positions - (box / 2 if centre is None else np.asarray(centre, dtype=float))
    offset -= box * np.round(offset / box)
    inside = np.linalg.norm(offset, axis=1) <= radius
    return Atoms(bulk_atoms.symbols[inside], offset[inside])


def cut_like(
    bulk_atoms: Atoms, model: Atoms | ArrayLike, *, shift: ArrayLike = (0.0, 0.0, 0.0), reach: float = 1.7
) -> Atoms:
    """Cut the shape of a model out of a periodic sample, to compare the two with the same surfaces.

    Parameters
    ----------
    bulk_atoms : ase.Atoms
        Periodic sample with an orthogonal box; it is repeated as far as the model reaches.
    model : Atoms or (N, 3) array
        A finite model [Å], of which only the shape counts.
    shift : (3,) array
        Where the sample's origin comes to lie [Å]; another one gives another piece.
    reach : float
        Atoms belong if they lie inside the model or no farther than this from one of its atoms [Å].

    Returns
    -------
    ase.Atoms
        The piece, without a box.

    Raises
    ------
    ValueError
        If the sample is not periodic, or the model has no inside.

    Notes
    -----
    The inside of a model is made up of the Delaunay tetrahedra of its atoms whose circumscribed spheres have a radius
    of 4 Å at most, so that holes within it are filled. It ends at the outermost atoms, which own some space beyond it:
    of two pieces of one liquid, one cut like the other has as many atoms if the reach is about three fifths of a bond.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import cut_like
    >>> model = helpers.load_sample("demo").model()
    >>> piece = cut_like(helpers.load_sample("MD5200").model(), model)
    >>> 0.8 < len(piece) / len(model) < 1.0
    True
    """
    from ase import Atoms
    from scipy.spatial import Delaunay, cKDTree

    positions, box = as_positions(bulk_atoms)
    places, _ = as_positions(model, minimum=4)
    reach = check_positive("reach", reach)
    if box is None:
        msg = "the sample has no periodic box; expected a bulk sample"
        raise ValueError(msg)
    low, high = places.min(axis=0) - reach, places.max(axis=0) + reach
    inside = wrap(positions + np.asarray(shift, dtype=float) - low, box)
    copies = [np.arange(count) for count in np.ceil((high - low) / box).astype(int)]
    steps = np.stack(np.meshgrid(*copies, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    tiled = (inside + box * steps).reshape(-1, 3) + low
    tiled = tiled[(tiled <= high).all(axis=1)]
    shape = Delaunay(places)
    whole = circumradii(places, shape.simplices) <= _HOLE
    if not whole.any():
        msg = (
            f"no four of the {counted(len(places), 'atom')} lie on a sphere of radius {_HOLE:g} Å or less; "
            "expected a dense model"
        )
        raise ValueError(msg)
    simplex = shape.find_simplex(tiled)
    belongs = (simplex >= 0) & whole[simplex]
    belongs[~belongs] = cKDTree(places).query(tiled[~belongs], distance_upper_bound=reach)[0] <= reach
    return Atoms([str(bulk_atoms.symbols[0])] * int(belongs.sum()), tiled[belongs])


def plant_nucleus(
    particle: Atoms,
    centre: tuple[float, float, float],
    radius: float,
    *,
    lattice: float | None = None,
    rotation: Rotation | None = None,
    min_distance: float = 2.4,
) -> Atoms:
    """Replace a ball of a particle by its element's crystal.

    Parameters
    ----------
    particle : ase.Atoms
        A particle of one element around the origin.
    centre : (3,) tuple
        Centre of the nucleus [Å]; near the surface the part inside the particle is filled.
    radius : float
        Radius of the nucleus [Å].
    lattice : float, optional
        Lattice constant [Å]; by default that of the element.
    rotation : scipy Rotation, optional
        Orientation of the crystal; by default along the axes.
    min_distance : float
        Atoms of the particle nearer than this to one of the nucleus are removed [Å].

    Returns
    -------
    ase.Atoms
        The new particle; its array ``planted`` marks the atoms of the nucleus.

    Raises
    ------
    ValueError
        If the particle holds several elements, the radius is not positive, or the nucleus lies outside the particle.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import cut_sphere, plant_nucleus
    >>> particle = cut_sphere(helpers.load_sample("MD5200").model(), 12.0)
    >>> planted = plant_nucleus(particle, (6.0, 0.0, 0.0), 5.0).get_array("planted")
    >>> 20 < int(planted.sum()) < len(planted)
    True
    """
    from ase import Atoms
    from ase.build import bulk
    from scipy.spatial import cKDTree

    radius = check_positive("radius", radius)
    symbols = set(particle.get_chemical_symbols())
    if len(symbols) != 1:
        msg = f"the particle holds {sorted(symbols)}; expected one element"
        raise ValueError(msg)
    symbol = symbols.pop()
    centre_ = np.asarray(centre, dtype=float)
    unit = bulk(symbol, a=lattice, cubic=True)
    cells = int(np.ceil(radius / unit.cell.lengths().min())) + 1
    crystal = unit.repeat(2 * cells).positions
    crystal -= crystal.mean(axis=0)
    if rotation is not None:
        crystal = rotation.apply(crystal)
    crystal = crystal[np.linalg.norm(crystal, axis=1) <= radius] + centre_
    edge = np.linalg.norm(particle.positions, axis=1).max()
    crystal = crystal[np.linalg.norm(crystal, axis=1) <= edge]
    if len(crystal) == 0:
        msg = f"a nucleus at {centre_.tolist()} Å lies outside the particle (radius {edge:.3g} Å)"
        raise ValueError(msg)
    outside = np.linalg.norm(particle.positions - centre_, axis=1) > radius
    rest = particle.positions[outside]
    gap, _ = cKDTree(crystal).query(rest)
    rest = rest[gap >= min_distance]
    made = Atoms([symbol] * (len(crystal) + len(rest)), np.concatenate([crystal, rest]))
    made.set_array("planted", np.arange(len(made)) < len(crystal))
    return made

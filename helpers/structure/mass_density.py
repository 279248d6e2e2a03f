"""Local mass density: how much mass each atom's Voronoi cell holds, smoothed on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_choice, check_mask, check_numbers, check_positions, check_positive, looked_at
from ..digits import counted
from ..geometry.boxes import bounds
from ..geometry.crowding import look_over
from ..geometry.delaunay import delaunay_inside, interpolate
from ..memory import check_memory
from .voronoi import voronoi

if TYPE_CHECKING:
    from ase import Atoms

_POINT_BYTES = 40  # values, what is known of them, and their smoothing
_WIDEST = 10  # widths that are this many times the sample smooth everything away
GRAMS_PER_CUBIC_CENTIMETRE = 1.66053906892  # of one atomic mass unit in one Å³


@dataclass(frozen=True, eq=False)
class DensityGrid:
    """Mass density on a regular grid.

    Attributes
    ----------
    values : (X, Y, Z) array
        Density [g/cm³]; NaN outside the sample.
    origin : (3,) array
        Position of the point of index (0, 0, 0) [Å].
    spacing : (3,) array
        Distance between points along x, y and z [Å].
    """

    values: NDArray[np.float64]
    origin: NDArray[np.float64]
    spacing: NDArray[np.float64]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(X, Y, Z) whether a point lies in the sample."""
        return np.isfinite(self.values)

    @property
    def axes(self) -> tuple[NDArray[np.float64], ...]:
        """Coordinates of the points along x, y and z [Å]."""
        return tuple(o + s * np.arange(n) for o, s, n in zip(self.origin, self.spacing, self.values.shape, strict=True))

    def nearest(self, positions: ArrayLike) -> NDArray[np.int64]:
        """Return the index (N, 3) of the point nearest to each position, clipped to the grid."""
        steps = np.round((check_positions(positions) - self.origin) / self.spacing)
        return np.clip(steps, 0, np.array(self.values.shape) - 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class DensityContrast:
    """Density of the part of a sample that is packed, and of the rest.

    Attributes
    ----------
    packed, other : float
        Mean densities [g/cm³].
    share : float
        Share of the volume that is packed.
    """

    packed: float
    other: float
    share: float

    @property
    def gain(self) -> float:
        """By how much the packed part is denser, as a share of the density of the rest."""
        return self.packed / self.other - 1


def atomic_density(
    positions: Atoms | ArrayLike, mass: ArrayLike, *, box: ArrayLike | None = None, max_radius: float | None = 4.0
) -> NDArray[np.float64]:
    """Return the mass of every atom over the volume of its Voronoi cell.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    mass : float or (N,) array
        Atomic masses [u].
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    max_radius : float or None
        Cells with a vertex farther than this from the atom [Å] lie at the surface or at a hole: they reach
        out of the sample, their volume is not that of an atom, and their density is NaN.

    Returns
    -------
    (N,) array
        Density [g/cm³]; NaN where the cell is not closed.

    Raises
    ------
    ValueError
        If a mass is not positive, their number is not that of the atoms, or positions are bad.

    Examples
    --------
    Tantalum, bcc with a lattice constant of 3.3 Å:

    >>> import numpy as np
    >>> from helpers.structure import atomic_density
    >>> corners = np.stack(np.meshgrid(*3 * [np.arange(4)]), axis=-1).reshape(-1, 1, 3)
    >>> crystal = 3.3 * (corners + np.array([[0, 0, 0], [0.5, 0.5, 0.5]])).reshape(-1, 3)
    >>> round(float(atomic_density(crystal, 180.948, box=13.2)[0]), 2)
    16.72
    """
    positions, lengths = as_positions(positions, box)
    cells = voronoi(positions, box=lengths, minimum_area=0.0, max_radius=max_radius)
    return _masses(mass, len(positions)) * GRAMS_PER_CUBIC_CENTIMETRE / cells.volumes


def mass_density(
    positions: Atoms | ArrayLike,
    mass: ArrayLike,
    width: float,
    *,
    box: ArrayLike | None = None,
    spacing: float = 1.0,
    kernel: str = "sigma",
    max_radius: float = 4.0,
    normalised: bool = True,
) -> DensityGrid:
    r"""Interpolate the density of the atoms on a grid and smooth it.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    mass : float or (N,) array
        Atomic masses [u].
    width : float
        Width of the Gaussian [Å]; the paper takes the first valley of the pair distribution.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    spacing : float
        Distance between grid points [Å]; in a box, adjusted to divide it.
    kernel : str
        What `width` is: the standard deviation, ``"sigma"``, or the full width at half maximum, ``"fwhm"``.
    max_radius : float
        Radius that tells inside from outside [Å]: Delaunay tetrahedra with a larger circumsphere span
        open space, and an atom at one of their corners lies on the surface.
    normalised : bool
        Whether the smoothed density is divided by the smoothed shape of the sample, so that a uniform
        sample stays uniform up to its surface. If not, density fades towards the surface.

    Returns
    -------
    DensityGrid
        Density [g/cm³], NaN outside the sample.

    Raises
    ------
    ValueError
        If there are fewer than five atoms, they are coplanar or coincide, or no cell is closed; if width,
        spacing, mass or radius is not positive.
    MemoryError
        If the spacing is so small that the grid does not fit into memory.

    Warns
    -----
    VacuumWarning
        If the box is not full of atoms: where it is empty the sample is taken to end. A slab keeps a longer box.

    Notes
    -----
    The density of an atom is its mass over the volume of its unregulated Voronoi cell. Between atoms it is
    interpolated linearly in the Delaunay tetrahedron that holds the point. Surface atoms, whose cells
    reach out of the sample, have no density; in a tetrahedron that has some of them as corners the other
    corners count alone, with their weights scaled up to one, and a tetrahedron of surface atoms alone takes
    its value from its surroundings by the smoothing: with the density :math:`\rho` where it is known
    (:math:`m = 1`, elsewhere 0),

    .. math:: \bar\rho = (G * m\rho) / (G * m).

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "local mass density distribution"; H. Knutsson and
    C.-F. Westin, CVPR 1993, 515, for the normalised convolution.
    """
    from scipy.ndimage import gaussian_filter

    positions, lengths = as_positions(positions, box, minimum=5)
    positions, lengths = look_over(positions, lengths)
    width, spacing = check_positive("width", width), check_positive("spacing", spacing)
    max_radius = check_positive("max_radius", max_radius)
    check_choice("kernel", kernel, ("sigma", "fwhm"))
    with looked_at():
        density = atomic_density(positions, mass, box=lengths, max_radius=max_radius)
    if not np.isfinite(density).any():
        msg = f"no Voronoi cell is closed within max_radius={max_radius:g} Å; raise it, or the sample is too small"
        raise ValueError(msg)
    corners, source, simplices = delaunay_inside(positions, lengths, max_radius)
    low, high = bounds(positions)
    extent = high - low if lengths is None else lengths
    points = float(np.prod(np.ceil(extent / spacing) + 1))
    check_memory(
        _POINT_BYTES * points, what=f"a grid of {points:.3g} points {spacing:g} Å apart", instead="raise spacing"
    )
    if width > _WIDEST * float(extent.max()):
        msg = f"width={width:g} Å exceeds the sample, which reaches over {extent.max():.3g} Å; lower it"
        raise ValueError(msg)
    if lengths is None:
        origin = np.floor(low / spacing) * spacing
        shape = np.ceil((high - origin) / spacing).astype(int) + 1
        steps = np.full(3, spacing)
    else:
        origin, shape = np.zeros(3), np.maximum(np.round(lengths / spacing), 1).astype(int)
        steps = lengths / shape
    values = interpolate(corners, density[source], simplices, origin, steps, tuple(shape))
    inside = ~np.isnan(values)
    known = inside & np.isfinite(values)  # infinite: inside, but between surface atoms alone
    sigma = (width if kernel == "sigma" else width / np.sqrt(8 * np.log(2))) / steps
    mode = "constant" if lengths is None else "wrap"
    smooth = gaussian_filter(np.where(known, values, 0.0), sigma, mode=mode)
    if normalised:
        weight = gaussian_filter(known.astype(float), sigma, mode=mode)
        smooth = np.divide(smooth, weight, out=np.full_like(smooth, np.nan), where=weight > 1e-12)
    smooth[~inside] = np.nan
    return DensityGrid(smooth, origin, steps)


def density_contrast(grid: DensityGrid, packed: ArrayLike, region: ArrayLike | None = None) -> DensityContrast:
    """Compare the density inside and outside a part of the sample.

    Parameters
    ----------
    grid : DensityGrid
        Density.
    packed : (X, Y, Z) bool array
        The part, for instance from `fill_tetrahedra`.
    region : (X, Y, Z) bool array, optional
        Points to look at; default: the whole sample. Points outside the sample never count.

    Returns
    -------
    DensityContrast
        Mean densities and the share of the volume; NaN where a part is empty.
    """
    packed = check_mask(packed, grid.values.shape, name="packed")
    looked = grid.inside & check_mask(region, grid.values.shape, name="region")
    means = [grid.values[m].mean() if m.any() else np.nan for m in (looked & packed, looked & ~packed)]
    share = (looked & packed).sum() / looked.sum() if looked.any() else np.nan
    return DensityContrast(float(means[0]), float(means[1]), float(share))


def _masses(mass: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return one mass an atom, or say what is wrong."""
    masses = check_numbers(mass, name="mass", finite=False, expected="atomic masses [u]")
    if masses.shape not in ((), (count,)):
        msg = f"mass has shape {masses.shape}; expected one number or one for each of {counted(count, 'atom')}"
        raise ValueError(msg)
    if not (np.isfinite(masses) & (masses > 0)).all():
        msg = "mass holds values that are not positive numbers; expected atomic masses [u]"
        raise ValueError(msg)
    return np.broadcast_to(masses, (count,))

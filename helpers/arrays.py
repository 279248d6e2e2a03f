"""What travels between stages: a tilt series, a volume, and the positions of atoms with their box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_box, check_count, check_numbers, check_positions, check_positive
from .digits import counted
from .geometry.rotations import _as_euler, check_angles

if TYPE_CHECKING:
    from ase import Atoms

_STRAIGHT = 1e-3  # how far an edge of a cell may end off its axis and still count as straight [Å]


@dataclass(frozen=True, eq=False)
class TiltSeries:
    """Images of one object, each with the orientation that it was taken at.

    Parameters
    ----------
    images : (T, X, Y) array
        One image per tilt; y is the tilt axis. Kept as float32.
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    pixel_size : float
        Edge of a pixel [Å].

    Raises
    ------
    ValueError
        If the counts differ, the images are not a stack, or a value is not finite.
    """

    images: NDArray[np.float32]
    angles: NDArray[np.float64]
    pixel_size: float

    def __post_init__(self) -> None:
        images = check_numbers(self.images, name="images", dtype=np.float32, finite=False)
        if images.ndim != 3 or images.size == 0:
            msg = f"images has shape {images.shape}; expected (tilts, x, y)"
            raise ValueError(msg)
        angles = check_angles(self.angles)
        if len(images) != len(angles):
            counts = f"{counted(len(images), 'image')} but {counted(len(angles), 'angle')}"
            hint = "; the tilts lie along the last axis: pass numpy.moveaxis(images, -1, 0)"
            raise ValueError(counts + (hint if images.shape[-1] == len(angles) else "; one angle per image is needed"))
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))
        if bad.size:
            msg = (
                f"{bad.size} of {counted(len(images), 'image')} {'hold' if bad.size > 1 else 'holds'} NaN or "
                f"infinity, the first at index {bad[0]}; "
                "remove or repair them"
            )
            raise ValueError(msg)
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "angles", angles)
        object.__setattr__(self, "pixel_size", check_positive("pixel_size", self.pixel_size))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def euler(self) -> NDArray[np.float64]:
        """(T, 3) Euler angles φ, θ, ψ [degrees]; φ = ψ = 0 for a pure tilt."""
        return _as_euler(self.angles)


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D map on a cubic grid, with its centre at index n // 2 of each axis.

    Parameters
    ----------
    array : (X, Y, Z) array
        Values; y is the tilt axis and z the beam at zero tilt.
    voxel_size : float
        Edge of a voxel [Å].
    """

    array: NDArray[Any]
    voxel_size: float

    def __post_init__(self) -> None:
        array = check_numbers(self.array, name="array", dtype=None, finite=False, expected="a map (x, y, z)")
        if array.ndim != 3 or array.size == 0:
            msg = f"array has shape {array.shape}; expected (x, y, z)"
            raise ValueError(msg)
        finite = np.isfinite(array)
        if not finite.all():
            first = ", ".join(map(str, np.argwhere(~finite)[0]))
            msg = (
                f"array holds NaN or infinity in {array.size - finite.sum():,} of {array.size:,} voxels, the first at "
                f"({first}); expected finite values: mend or replace them"
            )
            raise ValueError(msg)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "voxel_size", check_positive("voxel_size", self.voxel_size))

    @property
    def centre(self) -> NDArray[np.int64]:
        """(3,) index of the voxel at the origin."""
        return np.array(self.array.shape) // 2


@overload
def central(array: Volume, shape: Sequence[int]) -> Volume: ...
@overload
def central(array: ArrayLike, shape: Sequence[int]) -> NDArray[Any]: ...
def central(array: Volume | ArrayLike, shape: Sequence[int]) -> Volume | NDArray[Any]:
    """Cut the part of a volume, an image or a stack of images about its centre, which stays at index n // 2.

    Parameters
    ----------
    array : Volume or (..., X, Y) array
        The whole.
    shape : sequence of int
        Length to keep along each of the last axes; more than there is means all of it.

    Returns
    -------
    Volume or array
        A volume with its own memory, or a view of the array.

    Raises
    ------
    ValueError
        If a length is not a positive whole number, or there are more lengths than axes.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.arrays import Volume, central
    >>> central(np.arange(7), [3]).tolist()
    [2, 3, 4]
    >>> central(Volume(np.zeros((7, 6, 5)), 0.4), (3, 3, 9)).array.shape
    (3, 3, 5)
    """
    if isinstance(array, Volume):
        return Volume(np.ascontiguousarray(central(array.array, shape)), array.voxel_size)
    whole = np.asarray(array)
    lengths = [check_count("shape", n) for n in shape]
    if len(lengths) > whole.ndim:
        msg = f"shape={tuple(lengths)} has more axes than the array of shape {whole.shape}"
        raise ValueError(msg)
    kept = [(n // 2, min(n, m)) for n, m in zip(whole.shape[whole.ndim - len(lengths) :], lengths, strict=True)]
    cut: tuple[Any, ...] = (..., *(slice(middle - m // 2, middle - m // 2 + m) for middle, m in kept))
    return whole[cut]


def as_positions(
    model: Atoms | ArrayLike, box: ArrayLike | None = None, *, minimum: int = 1, name: str = "positions"
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return positions and box lengths of an atomic model, whichever way it came.

    Parameters
    ----------
    model : ase.Atoms or (N, 3) array
        A model, which brings its own box if it is periodic, or positions [Å]; never changed.
    box : float or (3,) array, optional
        Edge lengths of the orthogonal periodic box of an array of positions [Å]; none for a finite sample.
    minimum : int
        Fewest atoms that make sense for the caller.
    name : str
        What the caller names the positions, for the message.

    Returns
    -------
    positions : (N, 3) float64 array
        C-contiguous [Å].
    box : (3,) float64 array or None
        Edge lengths [Å], or None for a finite sample.

    Raises
    ------
    ValueError
        If the positions are not finite real numbers of shape (N, 3); if the model is periodic along some axes only,
        or its cell is not orthogonal; if a periodic model came with another box.

    Notes
    -----
    The edges of a cell may come in any order and point either way along x, y and z, which repeats the atoms in the same
    manner. Edges that end less than 0.001 Å off an axis, as rounded angles leave them, count as straight: distances
    across the box then err by no more than that.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from helpers.arrays import as_positions
    >>> positions, box = as_positions(bulk("Ta", cubic=True))
    >>> positions.shape, box.tolist()
    ((2, 3), [3.31, 3.31, 3.31])
    """
    if not is_atoms(model):
        return check_positions(cast("ArrayLike", model), minimum=minimum, name=name), check_box(box)
    positions = check_positions(model.positions, minimum=minimum, name=name)
    if not model.pbc.any():
        return positions, check_box(box)
    if not model.pbc.all():
        msg = (
            f"the model is periodic along {axes_in_words(model.pbc)} only; expected all three axes, for a slab or a "
            "wire with vacuum where it ends, or none for a sample with edges on all sides: set atoms.pbc"
        )
        raise ValueError(msg)
    lengths = _edges_along_axes(model)
    check_box(lengths)
    given = check_box(box)
    if given is not None and not np.allclose(given, lengths):
        msg = f"box={np.asarray(box).tolist()} differs from the model's own {lengths.tolist()} Å; leave box out"
        raise ValueError(msg)
    return positions, lengths


def _edges_along_axes(model: Atoms) -> NDArray[np.float64]:
    """Lengths of the edges of a cell along x, y and z, or what is wrong with it."""
    cell = np.array(model.cell.array, dtype=np.float64)
    if model.cell.rank < 3:
        msg = "the model is periodic but has no cell with three edges; set atoms.cell, or atoms.pbc = False"
        raise ValueError(msg)
    axes = np.abs(cell).argmax(axis=1)
    along = np.abs(cell[np.arange(3), axes])
    off = np.abs(cell)
    off[np.arange(3), axes] = 0
    if len(set(axes)) < 3 or off.max() > max(_STRAIGHT, 1e-9 * along.max()):
        angles = model.cell.angles()
        way = "ase.build.make_supercell can make one"
        if np.abs(angles - 90).max() < 1e-4:
            way = "turn the model: atoms.set_cell(atoms.cell.lengths(), scale_atoms=True)"
        msg = (
            f"the model's cell has the angles {angles.round(3).tolist()}° and edges that need not follow "
            f"x, y and z; expected an orthogonal box along the axes: {way}"
        )
        raise ValueError(msg)
    return along[np.argsort(axes)]


def is_atoms(model: Any) -> TypeGuard[Atoms]:
    """Tell an ASE model by what it has, so that ASE need not be imported for an array."""
    return all(hasattr(model, attribute) for attribute in ("positions", "cell", "pbc"))


def axes_in_words(chosen: NDArray[np.bool_]) -> str:
    """Name those of the axes x, y and z that are chosen."""
    return " and ".join(axis for axis, flag in zip("xyz", chosen, strict=True) if flag)


def multiplicity(size: int) -> NDArray[np.float64]:
    """Return how often the whole spectrum of `size` real values holds each frequency of the half-spectrum."""
    twice = np.full(size // 2 + 1, 2.0)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return twice

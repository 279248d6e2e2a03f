"""What makes a model or a tilt series look wrong though it can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import TiltSeries, as_positions
from ..digits import counted
from ..geometry.rotations import rotation_matrices

_TOO_NEAR = 1.5  # no two atoms of a solid are nearer [Å]
_NEAREST, _FARTHEST = 0.45, 1.6  # median distance of neighbours in covalent diameters, beyond which Å are doubted
_UNITS = {"nm": 10.0, "bohr": 0.529177, "pm": 0.01}  # in Å
_FEWEST = 200  # atoms below which figures of shells and networks say little
_NARROWEST = 60.0  # span of tilts below which little is seen of the depth [degrees]
_SMALLEST_SIDE = 8  # of an image [pixels]
_CLIPPED = 1e-3  # share of the pixels that hold the largest value, from which on it seems to stand for more


def doubts_of_series(series: TiltSeries) -> Iterator[str]:
    """Say what makes a tilt series look wrong though it can be read."""
    images, tilts = series.images, series.euler[:, 1]
    beams = rotation_matrices(series.angles)[:, :, 2]
    end = beams[(beams @ beams[0]).argmin()]
    span = float(np.rad2deg(np.arccos(np.clip((beams @ end).min(), -1, 1))))
    if span < _NARROWEST:
        yield f"the tilts span {span:.1f}°; below {_NARROWEST:.0f}° little is seen of the depth"
    if min(images.shape[1:]) < _SMALLEST_SIDE:
        yield f"the images have {images.shape[1]}×{images.shape[2]} px; are they images, of the shape (tilts, x, y)?"
    seen: dict[bytes, int] = {}
    for index, image in enumerate(images):
        first = seen.setdefault(hashlib.sha256(image).digest(), index)
        if first != index:
            yield f"the images {first} and {index} (from 0) are equal, at {tilts[first]:.1f}° and {tilts[index]:.1f}°"
            break
    full = np.count_nonzero(images == images.max())
    if full > max(_CLIPPED * images.size, 1):
        share = 100 * full / images.size
        yield f"{share:.1f} % of the pixels hold the largest value, {images.max():g}; were they clipped?"


def doubts_of_model(atoms: Any, stated: Sequence[str]) -> Iterator[str]:
    """Say what makes a model look wrong though it can be read."""
    from scipy.spatial import cKDTree

    if absent := [element for element in dict.fromkeys(stated) if element not in atoms.get_chemical_symbols()]:
        yield f"elements names {', '.join(absent)}, of which it holds no atom"
    positions, box = as_positions(atoms)
    if len(positions) < _FEWEST:
        yield f"it has {counted(len(positions), 'atom')}; figures of shells and networks say little below {_FEWEST}"
    if len(positions) < 2:
        return
    wrapped = positions if box is None else np.mod(positions, box) % box
    nearest = cKDTree(wrapped, boxsize=box).query(wrapped, k=2)[0][:, 1]
    if unit := _other_unit(float(np.median(nearest)), atoms):
        yield unit
    elif (count := int((nearest < _TOO_NEAR).sum())) > 0:
        have = f"{counted(count, 'atom')} {'have' if count > 1 else 'has'}"
        yield f"{have} a neighbour nearer than {_TOO_NEAR} Å, the nearest at {nearest.min():.2f} Å"


def _other_unit(apart: float, atoms: Any) -> str:
    """Say that positions seem to be in another unit than Å, by the distance of neighbours in the middle of all."""
    from ase.data import covalent_radii

    usual = 2 * float(np.median(covalent_radii[atoms.numbers]))
    if _NEAREST < apart / usual < _FARTHEST:
        return ""
    names = " and ".join(sorted(set(atoms.get_chemical_symbols())))
    words = f"neighbours are {apart:.2g} Å apart, where about {usual:.1f} Å are usual for {names}"
    if np.ptp(atoms.positions, axis=0).max() <= 1:
        return f"{words}; are the positions fractions of a box? Multiply them by its edges"
    for unit, size in _UNITS.items():
        if _NEAREST < size * apart / usual < 1.2:
            return f"{words}; are the positions in {unit}? Multiply them by {size:g}"
    return f"{words}; are the positions in Å?"

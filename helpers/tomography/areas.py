"""Areas: the tilt series of a whole film, cut into the series of its overlapping parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..arrays import TiltSeries
from ..checks import check_count
from ..geometry.rotations import detector_coordinates
from .film import FilmLayout


def tile_film(
    shape: tuple[int, int, int], size: tuple[int, int], overlap: float = 0.5, *, origin: tuple[int, int] = (0, 0)
) -> FilmLayout:
    """Cover a film with equal areas that overlap.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels of the film along x, y and z.
    size : (int, int)
        Voxels of an area along x and y; even numbers are lowered by one, so that an area has a middle.
    overlap : float
        Least share of an area that it has in common with the next one, 0 … 0.9.
    origin : (int, int)
        Voxels left free at both ends along x and y.

    Returns
    -------
    FilmLayout
        Areas in rows along x, numbered from 1; the outer ones end with the film.

    Raises
    ------
    ValueError
        If an area is larger than the film, or the overlap is out of range.

    Examples
    --------
    >>> tile_film((101, 61, 31), (61, 61)).centres.tolist()
    [[30, 30, 15], [50, 30, 15], [70, 30, 15]]
    """
    if not 0 <= overlap <= 0.9:
        raise ValueError(f"overlap={overlap:g}; expected a share of an area between 0 and 0.9")
    rows: list[NDArray[np.int64]] = []
    halves = []
    for axis in (0, 1):
        length, free = shape[axis] - 2 * origin[axis], origin[axis]
        half = (check_count("size", size[axis]) - 1) // 2
        if 2 * half + 1 > length:
            raise ValueError(f"areas of {2 * half + 1} voxels do not fit into {length}; lower size or origin")
        between = length - (2 * half + 1)
        count = 1 + int(np.ceil(between / ((2 * half + 1) * (1 - overlap)) - 1e-9))
        rows.append(free + half + np.round(np.linspace(0, between, count)).astype(np.int64))
        halves.append(half)
    depth = (shape[2] - 1) // 2
    centres = np.array([(x, y, shape[2] // 2) for y in rows[1] for x in rows[0]])
    return FilmLayout(centres, np.tile([*halves, depth], (len(centres), 1)), shape)


def cut_area(tilt_series: TiltSeries, layout: FilmLayout, number: int) -> TiltSeries:
    """Cut the tilt series of one area out of that of the film.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images of the film, whose middle (index n // 2) shows the middle of the film.
    layout : FilmLayout
        Where the areas lie.
    number : int
        The area.

    Returns
    -------
    TiltSeries
        Images as large as the area, whose middle shows the middle of the area at every tilt.

    Raises
    ------
    ValueError
        If the images do not show the whole area at every tilt.

    Notes
    -----
    A point r from the middle of the film appears at the x and y of Rᵀ r: an area moves towards the tilt
    axis as cos θ. Images are read between pixels by cubic splines.

    See Also
    --------
    reconstruct_film : takes the areas one by one.
    """
    away = layout.centres[layout._row(number)] - np.array([n // 2 for n in layout.shape])
    where = detector_coordinates(away[None, :], tilt_series.euler)[:, 0]
    width, height, _ = layout.size(number)
    images = np.empty((len(tilt_series), width, height), np.float32)
    field = tilt_series.images.shape[1:]
    for t, (image, (u, v)) in enumerate(zip(tilt_series.images, where, strict=True)):
        x = field[0] // 2 + u + np.arange(width) - width // 2
        y = field[1] // 2 + v + np.arange(height) - height // 2
        if min(x[0], y[0]) < -0.5 or x[-1] > field[0] - 0.5 or y[-1] > field[1] - 0.5:
            theta = tilt_series.euler[t, 1]
            raise ValueError(
                f"area {number} reaches beyond the image at tilt {t} ({theta:.1f}°); "
                "use smaller areas or leave more of the film free"
            )
        coordinates = np.meshgrid(x, y, indexing="ij")
        images[t] = ndimage.map_coordinates(image, coordinates, order=3, mode="nearest")
    return TiltSeries(images, tilt_series.angles, tilt_series.pixel_size)

"""Films: areas are traced apart, and their peaks joined at the seams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from tqdm.auto import tqdm

from ..arrays import Volume
from ..checks import check_positive
from ..store import load_volume
from ..tomography import FilmLayout
from .tracing import Trace, trace

Source = Volume | Path | Callable[[], Volume]

_DUPLICATE = 3.0  # voxels within which peaks of two areas are one
_MARGIN = 2.0  # voxels that an area's part reaches beyond the middle of an overlap


@dataclass(frozen=True, eq=False)
class FilmTrace:
    """Peaks of a whole film.

    Attributes
    ----------
    positions : (N, 3) array
        Peaks [Å from the film's centre].
    intensity : (N,) array
        Height of the peak, the mean where peaks were merged [unit of the volumes].
    areas : (N,) int array
        Area that the peak comes from, the lowest number where peaks were merged.
    merged : (N,) int array
        How many peaks of how many areas became this one.
    missing : tuple of int
        Areas of the layout that were not given.
    """

    positions: NDArray[np.float64] = field(repr=False)
    intensity: NDArray[np.float64] = field(repr=False)
    areas: NDArray[np.int64] = field(repr=False)
    merged: NDArray[np.int64] = field(repr=False)
    missing: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Count the peaks."""
        return len(self.positions)


def trace_film(
    areas: Mapping[int, Source],
    layout: FilmLayout,
    min_distance: float = 2.0,
    *,
    margin: float = _MARGIN,
    merge_distance: float | None = None,
    progress: bool = True,
    **options: object,
) -> FilmTrace:
    """Trace each area of a film by itself and join the peaks.

    Parameters
    ----------
    areas : mapping
        Volume of each area by its number, the file that holds it, or a function that gives it; one at a time is
        in memory.
    layout : FilmLayout
        Where the areas lie.
    min_distance : float
        As in `trace` [Å].
    margin, merge_distance
        As in `merge_traces`.
    progress : bool
        Show a bar.
    **options
        Handed to `trace`.

    Returns
    -------
    FilmTrace
        Peaks of the whole film.

    Raises
    ------
    ValueError
        If no area is given, a volume does not fit the layout, or voxel sizes differ.
    """
    known = [n for n in layout.numbers if n in areas]
    traces = {}
    for number in tqdm(known, disable=not progress, desc="areas", unit="area"):
        source = areas[number]
        volume = source if isinstance(source, Volume) else source() if callable(source) else load_volume(source)
        if volume.array.shape != layout.size(number):
            msg = f"area {number} has shape {volume.array.shape}; the layout states {layout.size(number)}"
            raise ValueError(msg)
        traces[number] = trace(volume, min_distance, **options)  # type: ignore[arg-type]
    return merge_traces(traces, layout, margin=margin, merge_distance=merge_distance)


def merge_traces(
    traces: Mapping[int, Trace], layout: FilmLayout, *, margin: float = _MARGIN, merge_distance: float | None = None
) -> FilmTrace:
    """Join the peaks of a film's areas: cut in the middle of each overlap, duplicates replaced by their mean.

    Parameters
    ----------
    traces : mapping
        Result of `trace` of each area by its number.
    layout : FilmLayout
        Where the areas lie.
    margin : float
        Voxels that each area's part reaches beyond the middle of its overlap with the next.
    merge_distance : float, optional
        Peaks of different areas nearer than this become one, at their mean [Å]; three voxels by default.

    Returns
    -------
    FilmTrace
        Peaks of the whole film, in the order of the areas, each area's highest first.

    Raises
    ------
    ValueError
        If no area is given, one is not in the layout, or voxel sizes differ.

    Notes
    -----
    Along x an area ends at the middle of its overlap with the next one in its row, along y at the middle of that
    with the next row; the film's own edges are not cut. Within the margin both areas contribute.
    """
    if not traces:
        msg = "no area was traced; give at least one"
        raise ValueError(msg)
    sizes = {round(t.voxel_size, 9) for t in traces.values()}
    if len(sizes) > 1:
        msg = f"the areas have voxels of {sorted(sizes)} Å; expected one size"
        raise ValueError(msg)
    size = next(iter(traces.values())).voxel_size
    distance = _DUPLICATE * size if merge_distance is None else check_positive("merge_distance", merge_distance)
    positions, intensity, areas = [], [], []
    for number, found in sorted(traces.items()):
        corner = np.array([s.start for s in layout.box(number)])
        here = found.positions / size + np.array(layout.size(number)) // 2 + corner
        low, high = area_part(layout, number, margin)
        inside = np.all((here >= low) & (here <= high), axis=1)
        positions.append((here[inside] - np.array(layout.shape) // 2) * size)
        intensity.append(found.intensity[found.accepted][inside])
        areas.append(np.full(inside.sum(), number))
    missing = tuple(n for n in layout.numbers if n not in traces)
    return _merge(np.concatenate(positions), np.concatenate(intensity), np.concatenate(areas), distance, missing)


def _merge(
    positions: NDArray[np.float64],
    intensity: NDArray[np.float64],
    areas: NDArray[np.int64],
    distance: float,
    missing: tuple[int, ...],
) -> FilmTrace:
    """Replace peaks of different areas that lie within a distance by their mean."""
    groups, first = group_duplicates(positions, areas, distance)
    number = np.bincount(groups)
    mean = np.stack([np.bincount(groups, positions[:, axis]) for axis in range(3)], axis=1) / number[:, None]
    return FilmTrace(mean, np.bincount(groups, intensity) / number, areas[first], number, missing)


def group_duplicates(
    positions: NDArray[np.float64], areas: NDArray[np.int64], distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the group of each peak, with those near it in other areas, and the first peak of each group."""
    count = len(positions)
    pairs = cKDTree(positions).query_pairs(distance, output_type="ndarray")
    pairs = pairs[areas[pairs[:, 0]] != areas[pairs[:, 1]]]
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    groups = connected_components(links, directed=False)[1].astype(np.int64)
    return groups, np.unique(groups, return_index=True)[1]  # groups are numbered by their first peak


def area_part(layout: FilmLayout, number: int, margin: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last voxel of the film that an area's peaks are taken from, along each axis."""
    row = layout.numbers.index(number)
    first, last = layout.centres - layout.halves, layout.centres + layout.halves
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    for axis in (0, 1):
        # Areas of one row lie beside each other along x, rows beside each other along y.
        same = layout.centres[:, 1] == layout.centres[row, 1]
        others = np.flatnonzero(same if axis == 0 else ~same)
        step = layout.centres[others, axis] - layout.centres[row, axis]
        for side in (-1, 1):
            beside = others[side * step > 0]
            if len(beside) == 0:
                continue
            nearest = beside[np.abs(layout.centres[beside, axis] - layout.centres[row, axis]).argmin()]
            if side < 0:
                low[axis] = (last[nearest, axis] + first[row, axis]) / 2 - margin
            else:
                high[axis] = (first[nearest, axis] + last[row, axis]) / 2 + margin
    return low, high

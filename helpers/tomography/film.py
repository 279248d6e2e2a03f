"""Scanning tomography of thin films: many overlapping areas, reconstructed one by one and joined."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ..arrays import Volume
from ..checks import check_count
from ..digits import counted
from ..interrupts import explained
from ..memory import check_memory
from ..store import check_origin, load_note, load_volume
from ._film_areas import Source, area_origin, run_areas
from .areas import FilmLayout


@dataclass(frozen=True, eq=False)
class Film(Volume):
    """A film joined from its areas.

    Attributes
    ----------
    array, voxel_size
        As in `Volume`; zero where no area reaches.
    covered : (X, Y) array
        True where at least one area reaches.
    missing : tuple of int
        Areas of the layout without data.
    r_factor : dict
        Final R of each area.
    """

    covered: NDArray[np.bool_] = field(repr=False, default_factory=lambda: np.zeros((0, 0), bool))
    missing: tuple[int, ...] = ()
    r_factor: dict[int, float] = field(default_factory=dict)


def reconstruct_film(
    areas: Mapping[int, Source],
    layout: FilmLayout,
    *,
    iterations: int = 50,
    trim: int = 2,
    only: Iterable[int] | None = None,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
    **options: Any,
) -> Film:
    """Reconstruct the areas of a film one by one and join them smoothly.

    Parameters
    ----------
    areas : mapping
        Tilt series of each area by its number, or a function that returns it when its turn comes, so that
        only one area at a time is held. Areas of the layout that are not here are left out.
    layout : FilmLayout
        Where the areas lie.
    iterations : int
        Updates of each area.
    trim : int
        Voxels left out along each inner edge of an area.
    only : iterable of int, optional
        Reconstruct these areas alone (a share of a batch); what `folder` holds of the others is joined too.
    folder : path, optional
        Where each area is stored; areas that are there, from the same images with the same options, are not
        computed again.
    workers : int
        Processes, each with its share of the threads. Series must then be functions that can be pickled,
        such as ``functools.partial(sample.tilt_series, "areas", area=1)``.
    progress : bool
        Show a bar with R.
    **options
        Handed to `reconstruct`.

    Returns
    -------
    Film
        A `Volume` that also knows where it is covered.

    Raises
    ------
    ValueError
        If no area has data, one does not have the size that the layout states, or what `folder` holds of it
        is of other images or options.
    MemoryError
        If the film or an area is too large for the memory that is free.
    RuntimeError
        If one of several processes dies.
    KeyboardInterrupt
        If the run is interrupted; the message says what is kept.

    See Also
    --------
    stitch : how areas are joined.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.tomography import cut_area, project, reconstruct_film, tile_film
    >>> film = np.zeros((31, 9, 5))
    >>> film[4:28:6, 3:6, 2] = 1.0
    >>> angles = np.arange(-60.0, 61.0, 20.0)
    >>> series = TiltSeries(project(film, angles, (41, 19)), angles, 1.0)
    >>> plan = tile_film(film.shape, (15, 9))
    >>> areas = {n: cut_area(series, plan, n) for n in plan.numbers}
    >>> found = reconstruct_film(areas, plan, iterations=5, progress=False)
    >>> found.array.shape, found.missing, len(found.r_factor)
    ((31, 9, 5), (), 4)
    """
    unknown = sorted(set(areas) - set(layout.numbers))
    if unknown:
        msg = f"the layout has no areas {unknown}; it has {layout.numbers[0]} to {layout.numbers[-1]}"
        raise ValueError(msg)
    store = None if folder is None else Path(folder)
    chosen = [n for n in layout.numbers if n in areas and (only is None or n in set(only))]
    paths = {n: store / f"area_{n:02d}.h5" for n in layout.numbers} if store is not None else {}
    found: dict[int, Volume | Path] = {n: path for n, path in paths.items() if path.exists()}
    settings = {"iterations": iterations, **options}
    for number in [n for n in chosen if n in found]:
        check_origin(paths[number], area_origin(areas[number], layout.size(number), settings))
    tasks = [(n, areas[n], layout.size(n), paths.get(n), settings) for n in chosen if n not in found]
    notes = {n: load_note(paths[n]) for n in found}
    r_factor: dict[int, float] = {n: note["r_factor"] for n, note in notes.items() if "r_factor" in note}
    before = len(found)

    def advice() -> str:
        stopped = f"the film was stopped after {len(found) - before} of {counted(len(tasks), 'area')}"
        if store is None:
            return f"{stopped} and nothing is kept; pass folder= to be able to go on"
        return f"{stopped}; {store} keeps those, and the same call goes on from there"

    bar = tqdm(total=len(tasks), disable=not progress, desc="areas", unit="area")
    with explained(advice), bar:
        for number, volume, r in run_areas(tasks, check_count("workers", workers), store):
            found[number], r_factor[number] = volume, r
            bar.update()
            bar.set_postfix(area=number, R=f"{r:.4f}")
    if not found:
        msg = "none of the areas has data; give at least one tilt series"
        raise ValueError(msg)
    film = stitch(found, layout, trim=trim)
    return Film(film.array, film.voxel_size, film.covered, film.missing, r_factor)


def stitch(volumes: Mapping[int, Volume | Path], layout: FilmLayout, *, trim: int = 2) -> Film:
    """Join reconstructed areas, each fading out smoothly towards its inner edges.

    Parameters
    ----------
    volumes : mapping
        Volume of each area by its number, or the file that holds it.
    layout : FilmLayout
        Where they lie.
    trim : int
        Voxels left out along each inner edge.

    Returns
    -------
    Film
        Weighted mean of the areas.

    Raises
    ------
    ValueError
        If a volume does not have the size that the layout states, or `trim` is negative.

    Notes
    -----
    Along x and y an area's weight rises as sin² from its edge over the width that it shares with its nearest
    neighbour, at most to its centre; an outer edge does not fade. The weights are divided by their sum, so
    that a seam is never sharper than the overlap allows.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import Volume
    >>> from helpers.tomography import stitch, tile_film
    >>> plan = tile_film((9, 1, 1), (7, 1))
    >>> parts = {1: Volume(np.zeros((7, 1, 1)), 1.0), 2: Volume(np.ones((7, 1, 1)), 1.0)}
    >>> print(stitch(parts, plan, trim=0).array.ravel().round(2))
    [0.   0.   0.13 0.33 0.5  0.67 0.87 1.   1.  ]
    """
    if not isinstance(trim, int | np.integer) or trim < 0:
        msg = f"trim={trim!r}; expected 0 or more voxels"
        raise ValueError(msg)
    check_memory(
        8.0 * math.prod(layout.shape),
        what=f"a film of {' × '.join(map(str, layout.shape))} voxels",
        instead="join some of its areas: layout.select()",
    )
    film = np.zeros(layout.shape, np.float32)
    weights = np.zeros(layout.shape, np.float32)
    voxel_size = 0.0
    for number in layout.numbers:
        if number not in volumes:
            continue
        source = volumes[number]
        volume = source if isinstance(source, Volume) else load_volume(source)
        if volume.array.shape != layout.size(number):
            msg = f"area {number} has shape {volume.array.shape}; the layout states {layout.size(number)}"
            raise ValueError(msg)
        voxel_size = voxel_size or volume.voxel_size
        box = layout.box(number)
        fade = [_fade(layout, number, axis, trim) for axis in (0, 1)]
        weight = (fade[0][:, None] * fade[1])[:, :, None].astype(np.float32)
        film[box] += weight * volume.array
        weights[box] += weight
    np.divide(film, weights, out=film, where=weights > 0)
    missing = tuple(n for n in layout.numbers if n not in volumes)
    return Film(film, voxel_size, weights.max(axis=2) > 0, missing)


def overlap(first: Volume, second: Volume, layout: FilmLayout, numbers: tuple[int, int]) -> tuple[Volume, Volume]:
    """Cut the region that two areas share out of both.

    Parameters
    ----------
    first, second : Volume
        Two reconstructed areas.
    layout : FilmLayout
        Where they lie.
    numbers : (int, int)
        Their numbers.

    Returns
    -------
    (Volume, Volume)
        What each makes of the same voxels of the film.

    Raises
    ------
    ValueError
        If the two do not overlap, or the layout has no such area.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import Volume
    >>> from helpers.tomography import overlap, tile_film
    >>> plan = tile_film((9, 1, 1), (7, 1))
    >>> one, other = (Volume(np.arange(7.0).reshape(7, 1, 1), 1.0) for _ in range(2))
    >>> [v.array.ravel().tolist() for v in overlap(one, other, plan, (1, 2))]
    [[2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 1.0, 2.0, 3.0, 4.0]]
    """
    boxes = [layout.box(n) for n in numbers]
    low = [max(a.start, b.start) for a, b in zip(*boxes, strict=True)]
    high = [min(a.stop, b.stop) for a, b in zip(*boxes, strict=True)]
    if any(stop <= start for start, stop in zip(low, high, strict=True)):
        msg = f"areas {numbers[0]} and {numbers[1]} do not overlap"
        raise ValueError(msg)
    cut = []
    for volume, box in zip((first, second), boxes, strict=True):
        inside = tuple(slice(p - b.start, q - b.start) for p, q, b in zip(low, high, box, strict=True))
        cut.append(Volume(volume.array[inside], volume.voxel_size))
    return cut[0], cut[1]


def _fade(layout: FilmLayout, number: int, axis: int, trim: int) -> NDArray[np.float64]:
    """Weight of an area along one axis."""
    row = layout.numbers.index(number)
    box = layout.box(number)
    size = box[axis].stop - box[axis].start
    weight = np.ones(size)
    for side in (-1, 1):
        shared = _shared(layout, row, axis, side)
        if shared == 0:
            continue
        ramp = max(min(shared, size // 2) - trim, 1)
        distance = np.arange(size) - trim + 1 if side < 0 else np.arange(size)[::-1] - trim + 1
        weight *= np.sin(np.pi / 2 * np.clip(distance / (ramp + 1), 0, 1)) ** 2
    return weight


def _shared(layout: FilmLayout, row: int, axis: int, side: int) -> int:
    """Voxels shared with the nearest area on one side along an axis; 0 at the edge of the film."""
    other = 1 - axis
    mine = layout.box(layout.numbers[row])
    best = 0
    nearest = np.inf
    for k, number in enumerate(layout.numbers):
        step = side * (layout.centres[k, axis] - layout.centres[row, axis])
        theirs = layout.box(number)
        beside = theirs[other].start < mine[other].stop and mine[other].start < theirs[other].stop
        # Areas of the same row lie beside each other along x, areas of other rows along y.
        same_row = layout.centres[k, 1] == layout.centres[row, 1]
        if step <= 0 or not beside or (axis == 0) != bool(same_row) or step > nearest:
            continue
        shared = min(mine[axis].stop, theirs[axis].stop) - max(mine[axis].start, theirs[axis].start)
        if step < nearest or shared > best:
            nearest, best = step, max(shared, 0)
    return best

"""Films: the atoms of each area located by themselves, and joined at the seams."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ..arrays import TiltSeries
from ..checks import check_positive
from ..digits import counted
from ..store import check_origin, provenance
from ..tomography import FilmLayout, extended_shape, project
from ._locating import apart
from .film_area import AREA_OPTIONS, PAIR, AreaAtoms, load_area, locate_area, save_area
from .film_tracing import area_part, group_duplicates

if TYPE_CHECKING:
    from ase import Atoms

Source = TiltSeries | Callable[[], TiltSeries]

_DUPLICATE = 3.0  # voxels within which atoms of two areas are one
_SHARES = (2.0, 2.0)  # projections that an update of the reconstruction, and its share of all else, take
_PER_ATOM = ("positions", "H", "uncertainty", "gain", "confidence")
_BASE = 0.2e9  # memory of the program itself [bytes]


@dataclass(frozen=True, eq=False)
class FilmAtoms:
    """Atoms of a film.

    Attributes
    ----------
    positions : (N, 3) array
        Positions from the film's centre [Å].
    H, uncertainty, gain, confidence
        As in `AreaAtoms`, one row for each atom; means where an atom was found in several areas.
    areas : (N,) int array
        Area that the atom comes from, the lowest number where several found it.
    merged : (N,) int array
        How many atoms of how many areas became this one.
    r_factor : dict
        R of each area.
    missing : tuple of int
        Areas of the layout that were not located.
    element : str
        Chemical symbol.
    """

    positions: NDArray[np.float64]
    H: NDArray[np.float64] = field(repr=False)
    uncertainty: NDArray[np.float64] = field(repr=False)
    gain: NDArray[np.float64] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    areas: NDArray[np.int64] = field(repr=False)
    merged: NDArray[np.int64] = field(repr=False)
    r_factor: dict[int, float]
    missing: tuple[int, ...]
    element: str

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.positions)

    def to_atoms(self) -> Atoms:
        """Return an ASE model that carries all that is known of each atom, for `store.save_atoms`."""
        from ase import Atoms

        atoms = Atoms([self.element] * len(self), self.positions)
        for name in ("H", "uncertainty", "gain", "confidence", "areas", "merged"):
            atoms.new_array(name, getattr(self, name))
        return atoms


def locate_film(
    areas: Mapping[int, Source],
    layout: FilmLayout,
    element: str,
    *,
    only: Iterable[int] | None = None,
    folder: str | Path | None = None,
    margin: float = 2.0,
    merge_distance: float | None = None,
    progress: bool = True,
    **options: Any,
) -> FilmAtoms:
    """Locate the atoms of each area of a film and join them.

    Parameters
    ----------
    areas : mapping
        Tilt series of each area by its number, or a function that returns it when its turn comes, so that
        only one area at a time is held. Areas of the layout that are not here are left out.
    layout : FilmLayout
        Where the areas lie.
    element : str
        Chemical symbol.
    only : iterable of int, optional
        Locate these areas alone (a share of a batch); what `folder` holds of the others is joined too.
    folder : path, optional
        Where each area is stored; areas that are there, from the same images with the same options, are not
        located again.
    margin, merge_distance
        As in `merge_traces`.
    progress : bool
        Print an estimate of memory and time, and show a bar with R.
    **options
        Handed to `locate_area`; the thickness is that of the layout.

    Returns
    -------
    FilmAtoms

    Raises
    ------
    ValueError
        If no area has data, one does not have the size that the layout states, pixel sizes differ, or what `folder`
        holds of an area is of other images or options.

    See Also
    --------
    locate_area : how an area is located.
    merge_traces : where areas are cut, and which atoms are one.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import locate_film, simulate_images
    >>> from helpers.tomography import tile_film
    >>> atoms, angles = np.array([[-3.0, 0, 0], [0, 0.5, 0], [3.0, 0, 0.5]]), np.arange(-60, 61, 12.0)
    >>> plan = tile_film((41, 25, 15), (31, 25))
    >>> middle = [(plan.centres[n] - [20, 12, 7]) * 0.4 for n in (0, 1)]
    >>> images = [simulate_images(atoms - m, angles, (31, 25), 0.4, "Ta", 1.0, 6.0) for m in middle]
    >>> series = {n + 1: TiltSeries(images[n], angles, 0.4) for n in (0, 1)}
    >>> film = locate_film(series, plan, "Ta", progress=False)
    >>> bool(np.abs(film.positions[film.positions[:, 0].argsort()] - atoms).max() < 0.05), sorted(film.merged.tolist())
    (True, [1, 1, 2])
    """
    unknown = sorted(set(areas) - set(layout.numbers))
    if unknown:
        msg = f"the layout has no areas {unknown}; it has {layout.numbers[0]} to {layout.numbers[-1]}"
        raise ValueError(msg)
    strange = sorted(set(options) - set(AREA_OPTIONS))
    if strange:
        msg = f"got an unexpected option {strange[0]!r}; locate_area takes {', '.join(AREA_OPTIONS)}"
        raise TypeError(msg)
    chosen = [n for n in layout.numbers if n in areas and (only is None or n in set(only))]
    paths = {n: Path(folder) / f"area_{n:02d}.h5" for n in layout.numbers} if folder is not None else {}
    found = {n: load_area(path) for n, path in paths.items() if path.exists() and n not in chosen}
    bar = tqdm(total=len(chosen), disable=not progress, desc="areas", unit="area")
    announced = not progress
    for number in chosen:
        source = areas[number]
        series = source() if callable(source) else source
        size = layout.size(number)
        if series.images.shape[1:] != size[:2]:
            msg = f"area {number} has images of {series.images.shape[1:]} pixels; the layout states {size[:2]}"
            raise ValueError(msg)
        settings: dict[str, Any] = {"thickness": size[2], **options}
        note = _origin(series, element, settings)
        path = paths.get(number)
        if path is not None and path.exists():
            check_origin(path, note)
            found[number] = load_area(path)
        else:
            if not announced:
                announced = True
                tqdm.write(f"film: {_cost(series, settings, len(chosen))}", file=sys.stderr)
            found[number] = locate_area(series, element, **settings)
            if path is not None:
                save_area(path, found[number], {**note, "area": number})
        bar.update()
        bar.set_postfix(area=number, atoms=len(found[number]), R=f"{found[number].r_factor:.4f}")
    bar.close()
    spacing = options.get("min_distance", AREA_OPTIONS["min_distance"])
    return merge_areas(found, layout, element, margin=margin, merge_distance=merge_distance, min_distance=spacing)


def merge_areas(
    found: Mapping[int, AreaAtoms],
    layout: FilmLayout,
    element: str,
    *,
    margin: float = 2.0,
    merge_distance: float | None = None,
    min_distance: float = 2.0,
) -> FilmAtoms:
    """Join the atoms of a film's areas, as `merge_traces` joins peaks.

    Parameters
    ----------
    found : mapping
        Result of `locate_area` of each area by its number.
    layout, margin, merge_distance
        As in `merge_traces`.
    element : str
        Chemical symbol.
    min_distance : float
        Of atoms that are nearer than 0.9 of it after that, the lighter goes, as in `locate_area` [Å].

    Returns
    -------
    FilmAtoms
        In the order of the areas. Numbers of merged atoms are means: two areas share their images where they
        overlap, so that a mean is no more certain than its parts.

    Raises
    ------
    ValueError
        If no area is given, one is not in the layout, or pixel sizes differ.
    """
    if not found:
        msg = "none of the areas has data; give at least one tilt series"
        raise ValueError(msg)
    sizes = {round(area.voxel_size, 9) for area in found.values()}
    if len(sizes) > 1:
        msg = f"the areas have voxels of {sorted(sizes)} Å; expected one size"
        raise ValueError(msg)
    size = sizes.pop()
    distance = _DUPLICATE * size if merge_distance is None else check_positive("merge_distance", merge_distance)
    middle = np.array(layout.shape) // 2
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in (*_PER_ATOM, "areas")}
    for number, area in sorted(found.items()):
        corner = np.array([s.start for s in layout.box(number)])
        here = area.positions / size + np.array(layout.size(number)) // 2 + corner
        low, high = area_part(layout, number, margin)
        inside = np.all((here >= low) & (here <= high), axis=1)
        for name in _PER_ATOM:
            columns[name].append(getattr(area, name)[inside])
        columns["positions"][-1] = (here[inside] - middle) * size
        columns["areas"].append(np.full(inside.sum(), number))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    numbers = joined.pop("areas")
    groups, first = group_duplicates(joined["positions"], numbers, distance)
    count = np.bincount(groups)
    means = {}
    for name, values in joined.items():
        sums = np.zeros((len(count), *values.shape[1:]))
        np.add.at(sums, groups, values)
        means[name] = (sums.T / count).T
    kept = apart(means["positions"], means["H"], PAIR * check_positive("min_distance", min_distance))
    return FilmAtoms(
        **{name: values[kept] for name, values in means.items()},
        areas=numbers[first][kept],
        merged=count[kept],
        r_factor={n: area.r_factor for n, area in sorted(found.items())},
        missing=tuple(n for n in layout.numbers if n not in found),
        element=element,
    )


def _origin(series: TiltSeries, element: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Note everything that decides what an area holds."""
    data = {"images": series.images, "angles": series.angles, "pixel_size": series.pixel_size, "element": element}
    return provenance({**AREA_OPTIONS, **settings, **data})


def _cost(series: TiltSeries, settings: Mapping[str, Any], count: int) -> str:
    """Say what areas like this one will take, from the speed of a projection."""
    tilts, nx, ny = series.images.shape
    shape = extended_shape((nx, ny), series.angles, settings["thickness"] or nx)
    empty = np.zeros(shape, np.float32)
    few = series.euler[np.linspace(0, tilts - 1, min(tilts, 6)).astype(int)]
    seconds = np.inf
    for _ in range(2):  # the first may compile
        began = time.perf_counter()
        project(empty, few, (nx, ny))
        seconds = min(seconds, time.perf_counter() - began)
    iterations = settings.get("iterations", AREA_OPTIONS["iterations"])
    seconds *= tilts / len(few) * iterations * sum(_SHARES) * count
    memory = _BASE + 4 * (8 * empty.size + 16 * series.images.size)
    amount = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return (
        f"{counted(count, 'area')}, {counted(tilts, 'image')} of {nx} × {ny} px each: about "
        f"{memory / 1e9:.1f} GB and {amount}"
    )

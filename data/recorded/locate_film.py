"""Locate the atoms of a scanned film from its measured areas and keep them in data/recorded/<sample>_located.xyz.

    python data/recorded/locate_film.py [--sample Ta] [--areas 17-29] [--shape 401 351 341]

An area takes about a minute on two cores. Each is stored when it is done, so that an interrupted run goes on. Areas
overlap by far more than they need to: those that are not asked for and not stored are taken out of the layout, and
their neighbours reach to each other.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

from helpers import load_sample, store
from helpers.atoms import locate_film
from helpers.data import DATA_FOLDER
from helpers.tomography import read_layout


def main() -> None:
    """Locate the areas that are asked for and can be had, and join them with those that are stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", default="Ta", help="name in samples.toml of a film with areas and a layout")
    parser.add_argument("--areas", default="", help="numbers, such as 17-29 or 20,23; all that can be had by default")
    parser.add_argument("--shape", type=int, nargs=3, default=(401, 351, 341), help="voxels of the film along x, y, z")
    given = parser.parse_args()

    sample = load_sample(given.sample)
    layout = read_layout(sample.path("layout"), tuple(given.shape))
    wanted = numbers(given.areas) or sample.areas
    areas = {n: partial(sample.tilt_series, "areas", area=n) for n in wanted if sample.has("areas", area=n)}
    folder = store.results_path(sample.name, "atoms", "areas")
    stored = {n for n in layout.numbers if (folder / f"area_{n:02d}.h5").exists()}
    film = locate_film(areas, layout.select({*areas, *stored}), sample.elements[0], folder=folder)
    files = [sample.path("areas", area=n) for n in areas]
    path = DATA_FOLDER / "recorded" / f"{sample.name.lower()}_located.xyz"
    note = store.provenance(
        {"areas": sorted(film.r_factor), "R": [round(r, 4) for _, r in sorted(film.r_factor.items())]},
        [sample.path("layout"), *files],
    )
    store.save_atoms(path, film.to_atoms(), note, decimals=3)
    print(
        f"{len(film):,} atoms of {len(film.r_factor)} areas, {np.mean(film.merged > 1):.1%} of them in several; "
        f"{np.mean(film.gain > 0):.1%} supported by left-out tilts; stored as {path}"
    )


def numbers(text: str) -> list[int]:
    """Return the numbers that a text such as 17-29,45 names."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


if __name__ == "__main__":
    main()

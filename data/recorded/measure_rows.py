"""Measure the structure of a film's located rows beside the published atoms of the same region.

    python data/recorded/measure_rows.py [--sample Ta] [--bands 0-125,249-350] [--shape 401 351 341]

Writes data/recorded/<sample>_structure.json: for every band of rows and for all together, the four models of
`structure.explain_change` with their uncertainties, and the numbers of the paper's claims. Takes a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from helpers import load_sample, store, structure
from helpers.atoms import compare
from helpers.data import DATA_FOLDER

SPARE = 4.0  # atoms nearer to a cut face have lost neighbours there [Å]
ERRORS = {"cutoff": 0.05, "delta": 0.01}
CLAIMS = {  # claim: number of `measure_model`
    "coordination_ta": "coordination",
    "five_edged_faces": "five-edged faces [%]",
    "icosahedra_voronoi": "distorted icosahedra [%]",
    "no_vertex_neighbour": "no vertex neighbour [%]",
    "edge_neighbour": "edge neighbour [%]",
    "nuclei_fraction_ta": "atoms in nuclei [%]",
}


def main() -> None:
    """Match, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", default="Ta", help="name in samples.toml of a film with a located model")
    parser.add_argument("--bands", default="0-125,249-350", help="voxels along y that joined rows cover")
    parser.add_argument("--rows", default="rows 1, 2, 4 and 5", help="what the bands are called")
    parser.add_argument("--shape", type=int, nargs=3, default=(401, 351, 341), help="voxels of the film along x, y, z")
    parser.add_argument("--repeats", type=int, default=4, help="displaced copies of each model")
    given = parser.parse_args()
    sample = load_sample(given.sample)
    pixel, middle = sample.pixel_size, given.shape[1] // 2
    bands = [[(int(v) - middle) * pixel for v in band.split("-")] for band in given.bands.split(",")]
    located = sample.model("located")
    published, ours = sample.model().positions, located.positions
    table, counts, weights = {}, {}, {}
    for band in bands:
        low, high = band
        old = published[(published[:, 1] > low) & (published[:, 1] < high)]
        kept = (ours[:, 1] > low) & (ours[:, 1] < high)
        match = compare(ours[kept], old)
        sigma = located.arrays["uncertainty"][kept]
        sigma = np.where(np.isfinite(sigma) & (sigma < 1.0), sigma, np.median(sigma[np.isfinite(sigma)]))
        inner, volume = inner_cells(old, sample.first_valley, low, high)
        region = within(old, inner)
        name = f"y from {low:.0f} to {high:.0f} Å"
        places = ours[kept] - match.shift
        table[name] = structure.explain_change(
            old, places, match.pairs, sample.first_valley, region=region, crystals=False, precision=sigma,
            errors=ERRORS, repeats=given.repeats,
        )  # fmt: skip
        faces = off_faces(places, low, high)
        false, inside = np.isin(np.arange(len(places)), match.false), region(places)
        hit = np.isin(np.arange(len(old)), match.pairs[:, 1])
        deep = inner[match.pairs[:, 1]]
        gain = located.arrays["gain"][kept]
        counts[name] = {
            "volume [nm³]": volume,
            "published atoms in it": int(inner.sum()),
            "our atoms in it": int(inside.sum()),
            "published atoms found [%]": 100 * float(hit[inner].mean()),
            "ours that are extra [%]": 100 * float(false[inside].mean()),
            "extra at the surfaces, of all ours [%]": 100 * float((false & ~inside)[faces].mean()),
            "r.m.s. deviation [pm]": 100 * float(np.sqrt((match.deviations[deep] ** 2).sum(axis=1).mean())),
            "r.m.s. bound [pm]": 100 * float(np.sqrt((sigma[inside] ** 2).sum(axis=1).mean())),
            "gain above 0, in both [%]": 100 * float((gain[inside & ~false] > 0).mean()),
            "gain above 0, extra [%]": 100 * float((gain[inside & false] > 0).mean()),
            "median gain, in both": float(np.median(gain[inside & ~false])),
            "median gain, extra": float(np.median(gain[inside & false])),
        }
        density = {"reference": inner.sum() / volume, "found": inside.sum() / volume}
        lost = region(places[match.pairs[:, 0]]).sum() / volume
        moved = lost + (inner & ~hit).sum() / volume
        density |= {"moved": moved, "without the missing": lost}
        for model, value in density.items():
            table[name][model]["atoms per nm³"] = structure.Estimate(float(value))
        weights[name] = int(inner.sum())
    parts = list(table.values())
    together = {
        model: {
            key: structure.combine([p[model][key] for p in parts], list(weights.values()), common=list(ERRORS))
            for key in parts[0][model]
        }
        for model in parts[0]
    }
    rows = {"all": together, **table}
    most = {
        model: all(values["pentagonal [%]"].value > values[f"{kind} [%]"].value
                   for kind in ("triplets", "quadrilateral", "hexagonal"))
        for model, values in together.items()
    }  # fmt: skip
    claims = {claim: entry(together, key) for claim, key in CLAIMS.items()}
    claims["pentagonal_most_abundant"] = {"ours": most["found"], "published": most["reference"]}
    content = {
        "sample": sample.name,
        "region": given.rows,
        "counts": counts,
        "claims": claims,
        "models": {
            part: {m: {k: [e.value, known(e)] for k, e in values.items()} for m, values in models.items()}
            for part, models in rows.items()
        },
    }
    note = store.provenance(
        {"bands": given.bands, "spare": SPARE, "errors": ERRORS, "repeats": given.repeats},
        [sample.path("model"), sample.path("located")],
    )
    path = DATA_FOLDER / "recorded" / f"{sample.name.lower()}_structure.json"
    store.save_numbers(path, content, note)
    print(path)


def off_faces(places: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Tell which atoms lie off the faces that cut a band out of the film."""
    return (places[:, 1] > low + SPARE) & (places[:, 1] < high - SPARE)


def inner_cells(old: NDArray[np.float64], reach: float, low: float, high: float) -> tuple[NDArray[np.bool_], float]:
    """Which published atoms and all their neighbours have closed cells, off the cut faces; their volume [nm³]."""
    cells = structure.voronoi(old)
    near = cKDTree(old).query_ball_point(old, reach)
    inner = np.array([cells.closed[rows].all() for rows in near]) & off_faces(old, low, high)
    return inner, float(cells.volumes[inner].sum()) / 1000


def within(old: NDArray[np.float64], inner: NDArray[np.bool_]) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    """Return what tells which atoms lie in the inner cells of the published ones."""
    tree = cKDTree(old)
    return lambda places: inner[tree.query(places)[1]]


def known(number: structure.Estimate) -> float | None:
    """Return the uncertainty of a number that has one."""
    return number.uncertainty if np.isfinite(number.uncertainty) else None


def entry(models: dict, key: str) -> dict[str, float]:
    """Numbers of one claim: ours and the published atoms'."""
    ours, published = models["found"][key], models["reference"][key]
    return {
        "ours": ours.value,
        "uncertainty": known(ours),
        "published": published.value,
        "published_uncertainty": known(published),
    }


if __name__ == "__main__":
    main()

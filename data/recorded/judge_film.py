"""Judge what a film's areas say of shifts and of motion beside films whose truth is known, and store the numbers.

    python data/recorded/judge_film.py [--sample Ta] [--areas 17,25,41,48] [--shape 401 351 341]
    python data/recorded/judge_film.py --truth

The truth is the project's own glass under the sample's tilt angles: atoms that hold still, images that are displaced,
atoms that walk alone or together, weights that change. Numbers go to data/recorded/film_truth.json and
data/recorded/<sample>_motion.json, one case after the other; cases that are there are not computed again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from helpers import load_sample, store, structure
from helpers.atoms import AreaFit, compare, find_film_shifts, find_motion, fit_area
from helpers.simulation import MovingFilm, move_film
from helpers.tomography import read_layout

FOLDER = Path(__file__).resolve().parent
SHAPE, THICKNESS = (91, 51), 28.0  # pixels of a simulated area; thickness of the simulated film [Å]
EDGES = [2.0, 3.5, 5.0, 8.0, 12.0]  # distances of pairs [Å]
CASES = {
    "still": {"noise": 0.1},
    "walk alone": {"noise": 0.1, "walk": 0.28},
    "walk together": {"noise": 0.1, "walk": 0.28, "together": 5.0},
    "weights change": {"noise": 0.1, "flicker": 0.5},
    "shifted": {"noise": 0.1, "shift": 0.6},
    "shifted, walk alone": {"noise": 0.1, "walk": 0.28, "shift": 0.6},
}


def main() -> None:
    """Go through the simulated cases, then the measured areas."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", default="Ta", help="name in samples.toml of a film with areas and a layout")
    parser.add_argument("--areas", default="17,25,41,48", help="measured areas that do not overlap")
    parser.add_argument("--shape", type=int, nargs=3, default=(401, 351, 341), help="voxels of the film along x, y, z")
    parser.add_argument("--truth", action="store_true", help="go through the simulated films, not the measured areas")
    given = parser.parse_args()
    sample = load_sample(given.sample)
    path = FOLDER / ("film_truth.json" if given.truth else f"{sample.name.lower()}_motion.json")
    known = store.load_numbers(path) if path.exists() else {}
    for name in [n for n in CASES if n not in known] if given.truth else []:
        known[name] = simulated(CASES[name], sample.angles(), sample.pixel_size)
        keep(path, known)
    if given.truth:
        return
    layout = read_layout(sample.path("layout"), tuple(given.shape))
    numbers = [int(n) for n in given.areas.split(",")]
    fits: dict[int, AreaFit] = {}
    for n in numbers:
        name = f"area {n}"
        if name not in known or "shifts" not in known:
            fits[n] = fit_area(sample.tilt_series("areas", area=n), sample.elements[0], thickness=layout.size(n)[2])
            known[name] = motion(fits[n])
            keep(path, known)
    if "shifts" not in known:
        found = find_film_shifts(fits, sample.elements[0], progress=False)
        known["shifts"] = {"areas": numbers, **of_shifts(found)}
        known["shifts"]["R"] = {str(n): float(fits[n].fit.r_factor[-1]) for n in numbers}
        known["shifts"]["R after"] = {}
        model = sample.model().positions
        for n in numbers[:2]:
            series = found.undo(fits[n].series)
            after = fit_area(series, sample.elements[0], thickness=layout.size(n)[2])
            known["shifts"]["R after"][str(n)] = float(after.fit.r_factor[-1])
            middle = (layout.centres[layout.numbers.index(n)] - np.array(layout.shape) // 2) * sample.pixel_size
            both = {"before": fits[n], "after": after}
            known["shifts"][f"agreement {n}"] = {k: agreement(made, model - middle) for k, made in both.items()}
            keep(path, known)


def simulated(settings: dict[str, float], angles: np.ndarray, pixel: float) -> dict[str, object]:
    """Locate two areas of a film with a truth, side by side, find their motion and their shifts."""
    settings = dict(settings)
    noise = settings.pop("noise")
    apart = (SHAPE[0] / 2 + 1) * pixel
    film = move_film(glass([2 * apart + 32.0, SHAPE[1] * pixel / 2 + 6.0, THICKNESS / 2]), angles, seed=1, **settings)
    thickness = int(THICKNESS / pixel) + 31
    fits, found = {}, {}
    for n, side in enumerate((-1, 1)):
        centre = np.array([side * apart, 0.0, 0.0])
        series = film.image(SHAPE, pixel, centre=centre, noise=noise, seed=n)
        fits[n] = fit_area(series, film.element, thickness=thickness)
        found[f"agreement {n}"] = agreement(fits[n], film.mean - centre)
    found["structure"] = structure_of(fits, {0: film.mean - [-apart, 0, 0], 1: film.mean - [apart, 0, 0]})
    found |= motion(fits[0])
    found["true moved [pm]"] = true_motion(film, fits[0], np.array([-apart, 0, 0]))
    if film.shifts.any():
        shifts = find_film_shifts(fits, film.element, rounds=2, thickness=thickness, progress=False)
        found["shifts"] = of_shifts(shifts)
        truth = without_gauge(film.shifts, film)
        found["shifts"]["error before [px]"] = np.sqrt((truth**2).mean(axis=0)).tolist()
        found["shifts"]["error after [px]"] = np.sqrt(((shifts.shifts - truth) ** 2).mean(axis=0)).tolist()
        after = fit_area(shifts.undo(fits[0].series), film.element, thickness=thickness)
        found["shifts"]["agreement after"] = agreement(after, film.mean - np.array([-apart, 0, 0]))
        found["shifts"]["R"] = [float(f.fit.r_factor[-1]) for f in (fits[0], after)]
    return found


def structure_of(fits: dict[int, AreaFit], truths: dict[int, np.ndarray]) -> dict[str, dict[str, float]]:
    """Structural numbers of the atoms found and of the true ones off the edges, the mean over the areas."""
    model = load_sample("MD300").model()
    valley = round(structure.pair_distribution(model).first_valley, 2)
    rows: dict[str, list[dict[str, float]]] = {"truth": [], "found": []}
    for n, made in fits.items():
        half = np.array(made.series.images.shape[1:]) / 2 * made.series.pixel_size
        truth = truths[n][(np.abs(truths[n])[:, :2] < half).all(axis=1)]
        for name, atoms in {"truth": truth, "found": made.fit.positions[made.within]}.items():
            region = (np.abs(atoms)[:, :2] < half - 4.0).all(axis=1)
            rows[name].append(structure.measure_model(atoms, valley, region=region))
    return {name: {k: float(np.mean([r[k] for r in found])) for k in found[0]} for name, found in rows.items()}


def motion(made: AreaFit) -> dict[str, object]:
    """Mean square motion between thirds as its signed root, and how neighbours share it."""
    found = find_motion(made, "Ta")
    moved = found.moved()
    root = np.sign(moved) * np.sqrt(np.abs(moved)) * 100
    whole = np.abs(found.common[:, :, 0, 1]).max()
    return {
        "atoms": len(found),
        "R": float(made.fit.r_factor[-1]),
        "moved [pm]": {"12": root[0, 1], "23": root[1, 2], "13": root[0, 2]},
        "scattered [pm]": (100 * np.sqrt(found.scattered())).tolist(),
        "shared": found.shared(EDGES).tolist(),
        "edges [Å]": EDGES,
        "common displacement [pm]": float(100 * whole),
        "angles": found.angles.tolist(),
    }


def true_motion(film: MovingFilm, made: AreaFit, centre: np.ndarray) -> dict[str, float]:
    """Motion along the tilt axis of the atoms in view, between thirds, less what all share."""
    reach = np.array(SHAPE) / 2 * made.series.pixel_size - 3.0
    kept = (np.abs(film.mean - centre)[:, :2] < reach).all(axis=1)
    terms = np.column_stack([np.ones(kept.sum()), film.mean[kept]])
    thirds = [film.positions[run][:, kept, 1].mean(axis=0) for run in np.array_split(np.arange(len(film.angles)), 3)]
    pairs = {"12": thirds[1] - thirds[0], "23": thirds[2] - thirds[1], "13": thirds[2] - thirds[0]}
    left = {k: v - terms @ np.linalg.lstsq(terms, v, rcond=None)[0] for k, v in pairs.items()}
    return {k: float(100 * np.sqrt((v**2).mean())) for k, v in left.items()}


def of_shifts(found: object) -> dict[str, object]:
    """Numbers of a set of shifts."""
    return {
        "shifts [px]": np.round(found.shifts, 3).tolist(),
        "uncertainty [px]": np.round(found.uncertainty, 3).tolist(),
        "r.m.s. of an area [px]": np.sqrt((found.areas**2).mean(axis=(0, 1))).tolist(),
        "r.m.s. in common [px]": np.sqrt((found.shifts**2).mean(axis=0)).tolist(),
        "agreement": found.agreement.tolist(),
    }


def agreement(made: AreaFit, truth: np.ndarray, spare: float = 5.0) -> dict[str, float]:
    """Share of the atoms found and of extra ones, 5 Å and more off the edges, and the deviation [pm]."""
    half = np.array(made.series.images.shape[1:]) / 2 * made.series.pixel_size
    positions = made.fit.positions[made.within]
    near = (np.abs(truth)[:, :2] < half).all(axis=1)
    result = compare(positions, truth[near])
    inside = (np.abs(truth[near])[:, :2] < half - spare).all(axis=1)
    hit = np.isin(np.arange(near.sum()), result.pairs[:, 1])
    own = (np.abs(positions)[:, :2] < half - spare).all(axis=1)
    false = np.isin(np.arange(len(positions)), result.false)
    deep = inside[result.pairs[:, 1]]
    return {
        "found [%]": float(100 * hit[inside].mean()),
        "extra [%]": float(100 * false[own].mean()),
        "r.m.s. [pm]": float(100 * np.sqrt((result.deviations[deep] ** 2).sum(axis=1).mean())),
        "atoms": int(inside.sum()),
    }


def without_gauge(shifts: np.ndarray, film: MovingFilm) -> np.ndarray:
    """Shifts without what one displacement of the object explains."""
    from helpers.geometry import rotation_matrices

    rows = rotation_matrices(film.angles).swapaxes(1, 2)[:, :2]
    moved = np.linalg.lstsq(rows.reshape(-1, 3), shifts.ravel(), rcond=None)[0]
    return shifts - rows @ moved


def glass(half: list[float]) -> np.ndarray:
    """Cut a block of the project's own glass, half as long as given along x, y, z [Å]."""
    model = load_sample("MD300").model()
    model.wrap()
    box, size = model.cell.lengths(), np.asarray(half)
    steps = [np.arange(-np.ceil(h / b), np.ceil(h / b)) for h, b in zip(size, box, strict=True)]
    copies = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3) * box
    atoms = (model.positions[None] + copies[:, None]).reshape(-1, 3)
    return atoms[(np.abs(atoms) < size).all(axis=1)]


def keep(path: Path, known: dict[str, object]) -> None:
    """Write what is known so far."""
    note = store.provenance({"cases": {k: dict(v) for k, v in CASES.items()}, "shape": SHAPE, "thickness": THICKNESS})
    store.save_numbers(path, {k: v for k, v in known.items() if k != "provenance"}, note)


if __name__ == "__main__":
    main()

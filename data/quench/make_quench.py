"""Make the snapshots of the book: liquids of Ta and Pd, quenched to 300 K.

    python data/quench/make_quench.py [RUN …] [--checkpoint FOLDER]

Without a name all runs are made: three hours on one core, half of it for the paper's own size. With a
checkpoint folder an interrupted run goes on where it stopped, and a finished one is only stored again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from helpers import data, snapshots, store
from helpers.simulation import potentials, quench
from helpers.structure import bond_order, first_valley, pair_distribution

HERE = Path(__file__).parent
TA: dict[str, Any] = {"element": "Ta", "atoms": 2000, "start": 5200.0, "stop": 300.0, "rate": 1e13, "seed": 1}
PD: dict[str, Any] = {"element": "Pd", "atoms": 2048, "start": 3200.0, "stop": 300.0, "seed": 1}
#: Held for 20 ps before and after, with a snapshot every 500 K on the way.
RUNS: dict[str, dict[str, Any]] = {
    "ta": {**TA, "atoms": 31_250, "potential": "Ravelo2013Ta1", "seed": 2022},
    "ta_seed1": {**TA, "potential": "Ravelo2013Ta1"},
    "ta_seed2": {**TA, "potential": "Ravelo2013Ta1", "seed": 2},
    "ta_seed3": {**TA, "potential": "Ravelo2013Ta1", "seed": 3},
    "ta_ravelo2": {**TA, "potential": "Ravelo2013Ta2"},
    "ta_li": {**TA, "potential": "Li2003"},
    "ta_zhou": {**TA, "potential": "potentials/Ta_Zhou04.eam.alloy"},
    "pd": {**PD, "atoms": 13_500, "rate": 1e14, "potential": "Foiles1986", "seed": 2022},
    "pd_1e13": {**PD, "rate": 1e13, "potential": "Foiles1986"},
    "pd_5e13": {**PD, "rate": 5e13, "potential": "Foiles1986"},
    "pd_1e14": {**PD, "rate": 1e14, "potential": "Foiles1986"},
    "pd_zhou_5e13": {**PD, "rate": 5e13, "potential": "potentials/Pd_Zhou04.eam.alloy"},
}


def main() -> None:
    """Make the runs that are asked for, and store what they give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"of {', '.join(RUNS)}; all by default")
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder to resume from")
    arguments = parser.parse_args()
    unknown = set(arguments.runs) - set(RUNS)
    if unknown:
        parser.error(f"no run {', '.join(sorted(unknown))}; expected some of {', '.join(RUNS)}")
    for name in arguments.runs or RUNS:
        make(name, arguments.checkpoint and arguments.checkpoint / name)


def make(name: str, folder: Path | None) -> None:
    """Make one run and store it; say how much of it is crystal at last."""
    options = RUNS[name]
    potential = options["potential"]
    path = data.fetch(potential) if potential in data.registry() else potential
    shots = quench(**{**options, "potential": path}, folder=folder)
    recipe = {
        **{key: value for key, value in options.items() if key != "seed"},
        "atoms": len(shots[0]), "equilibration": 20.0, "hold": 20.0,
        "potential_sha256": potentials.find_potential(options["element"], path).sha256,
    }  # fmt: skip
    target = HERE / f"{name}.h5"
    snapshots.save_snapshots(target, shots, store.provenance(recipe, seed=options["seed"]))
    g = pair_distribution(shots[-1], r_max=min(15.0, shots[-1].cell.lengths().min() / 2 - 0.1))
    crystal = np.mean(bond_order(shots[-1], first_valley(g.r, g.g)).normalised > 0.5)
    print(f"{name}: {len(shots)} snapshots, {100 * crystal:.1f} % crystal at the end, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()

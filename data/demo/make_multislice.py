"""Make multislice.h5: a multislice tilt series of a ball cut from the embedded particle.

    python data/demo/make_multislice.py [--checkpoint FILE]

Takes about an hour of processor time and 2 GB. With a checkpoint file an interrupted run goes on where it stopped.

The whole particle would take a day: the number of plane waves grows with its cross-section, and so does the cost of
each. The ball holds 169 atoms about the particle's centre.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import helpers
from helpers import simulation, store

HERE = Path(__file__).parent
RADIUS = 9.0  # of the ball [Å]
TILTS = {"start": -65.0, "stop": 65.0, "num": 46}  # [degrees]
MICROSCOPE = {
    "pixel_size": 0.4,
    "shape": (57, 57),
    "energy": 300.0,  # [keV], as in the paper
    "convergence": 25.0,  # [mrad]; this and the detector are usual for the instrument
    "detector": (30.0, 100.0),  # [mrad]
}


def ball() -> tuple[np.ndarray, str]:
    """Return the positions of the atoms of the ball, about their mean, and their element."""
    model = helpers.load_sample("demo").model()
    away = model.positions - model.positions.mean(axis=0)
    atoms = away[np.linalg.norm(away, axis=1) < RADIUS]
    return atoms - atoms.mean(axis=0), model.get_chemical_symbols()[0]


def main() -> None:
    """Compute the images and store them with the atoms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=None, help="HDF5 file to resume from")
    atoms, element = ball()
    angles = np.linspace(**TILTS)
    series = simulation.multislice_images(
        atoms, angles, element, checkpoint=parser.parse_args().checkpoint, **MICROSCOPE
    )
    recipe = {"radius": RADIUS, "tilts": TILTS, **MICROSCOPE, "program": "abTEM"}
    path = HERE / "multislice.h5"
    store.save_tilt_series(path, series, store.provenance(recipe, [HERE / "particle.xyz"]))
    print(f"{path.name}: {len(series)} images of {len(atoms)} atoms, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

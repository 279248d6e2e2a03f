"""Locate the atoms of a particle from its raw frames with default settings, and keep them in data/recorded.

    python data/recorded/locate_demo.py [--sample demo]

Takes half a minute. The steps are those of notebook 08, with `locate` in place of its own.
"""

from __future__ import annotations

import argparse

import numpy as np
from ase import Atoms

from helpers import TiltSeries, imaging, load_sample, store, tomography
from helpers.atoms import locate
from helpers.data import DATA_FOLDER


def main() -> None:
    """Correct drift, centre by whole pixels, locate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", default="demo", help="name in samples.toml of a sample with raw frames")
    sample = load_sample(parser.parse_args().sample)
    raw = sample.raw_frames()
    noise = imaging.estimate_noise(raw.frames).averaged(raw.frames.shape[1])
    counts = imaging.correct_drift(raw.frames, slow_axis=raw.slow_axis)
    denoised = imaging.denoise(counts, "cosine", noise=noise)
    ground = imaging.estimate_background(denoised)
    cleaned = TiltSeries(imaging.subtract_background(denoised), raw.angles, raw.pixel_size)
    aligned, shifts = imaging.align(cleaned)
    field = imaging.crop_to_sample(aligned).images.shape[1:]
    steps = -np.rint(shifts).astype(int)
    flat = counts - ground + ground.mean()  # shot noise of a background hardly depends on its unevenness
    moved = [np.roll(image, tuple(step), axis=(0, 1)) for image, step in zip(flat, steps, strict=True)]
    series = TiltSeries(tomography.central(np.stack(moved), field), raw.angles, raw.pixel_size)
    found = locate(series, sample.elements[0], noise=noise, progress=False)
    note = store.provenance({"method": "locate with default settings, from raw frames"}, [sample.path("truth")])
    atoms = Atoms(list(found.elements), found.positions)
    for name in ("H", "uncertainty", "confidence"):
        atoms.new_array(name, getattr(found, name))
    store.save_atoms(DATA_FOLDER / "recorded" / f"{sample.name.lower()}_located.xyz", atoms, note, decimals=3)


if __name__ == "__main__":
    main()

"""A sample under the virtual microscope: its model becomes raw frames, and those a tilt series."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import TiltSeries
from ..imaging.preprocess import preprocess
from ..samples import Sample
from .microscope import RawSeries, acquire


def image_sample(
    sample: Sample, *, tilts: ArrayLike | None = None, which: str = "truth", seed: int = 2022, **options: Any
) -> RawSeries:
    """Image a sample's atomic model with the virtual microscope.

    Parameters
    ----------
    sample : Sample
        As from `helpers.load_sample`. Its number of tilts and its pixel size are used.
    tilts : (T,) or (T, 3) array, optional
        Nominal angles [degrees]; by default as many as the sample has, evenly from −65° to 65°.
    which : str
        Which model, as in ``sample.model``.
    seed : int
        Seed of everything random.
    **options
        Passed to `acquire`.

    Returns
    -------
    RawSeries
    """
    model = sample.model(which)
    if tilts is None:
        tilts = np.linspace(-65.0, 65.0, sample.tilts or 46)
    options.setdefault("pixel_size", sample.pixel_size or 0.4)
    positions = model.get_positions()
    return acquire(
        positions - positions.mean(axis=0), tilts, element=model.get_chemical_symbols(), seed=seed, **options
    )


def tilt_series(sample: Sample) -> TiltSeries:
    """Return a sample's tilt series from the virtual microscope, with all steps of the imaging stage done.

    Parameters
    ----------
    sample : Sample
        As from `helpers.load_sample`.

    Returns
    -------
    TiltSeries
    """
    raw = image_sample(sample)
    return preprocess(raw.frames, raw.angles, raw.pixel_size, slow_axis=raw.slow_axis)

"""The whole way from a tilt series to atoms, one public step after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import TiltSeries, Volume
from ..checks import check_choice
from ..imaging.noise import Noise
from ..series import check_series
from ._locating import COUNTS, check_species, find_noise
from ._preparing import check_noise
from ._way import Way
from .located import Located

_LEAST_TILTS = 6


def locate(
    tilt_series: TiltSeries,
    element: str | Sequence[str],
    volume: Volume | None = None,
    *,
    extended: bool = False,
    thickness: int | None = None,
    noise: str | Noise | None = None,
    background: str = "tilt",
    prior: float | str | None = None,
    shifts: bool | None = None,
    angles: bool | None = None,
    min_distance: float | None = None,
    confidence: str | None = None,
    progress: bool = True,
) -> Located:
    """Find the atoms of a tilt series.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images, best the counts as recorded: denoising throws away what positions are refined with.
    element : str or sequence of str
        Chemical symbol, or the symbols that occur; which atom is which then follows from its weight.
    volume : Volume, optional
        A reconstruction to trace, instead of one that is made.
    extended : bool
        Whether the object reaches beyond the images, as a film does.
    thickness : int, optional
        Size of the reconstruction along the beam [px]; as wide as an image along x by default.
    noise : {"poisson", "gaussian"} or Noise, optional
        How counts scatter, as in `refine`. By default estimated; whole numbers whose variance is their mean are taken
        for what they are, counts of single electrons. Of filtered images, whose finest detail tells nothing of their
        noise, it is what the fits leave unexplained at the size of an atom.
    background : {"tilt", "series", "slopes", "none"}
        Background that is fitted, as in `refine`; ``"none"`` says that there is none. Under ``"tilt"`` and ``"slopes"``
        an uneven background is found as well, unless the object is extended: see Notes.
    prior : float or "cv", optional
        Pull towards the traced positions, as in `refine`; by default 0.5 for an extended object, else none.
    shifts : bool, optional
        Whether to fit a displacement of each image. By default they are fitted and kept where they gain more than
        noise would; never for an extended object.
    angles : bool, optional
        Whether to fit the angles of each image, as in `refine`. By default as for `shifts`.
    min_distance : float, optional
        Distance below which two atoms are one [Å]. By default 0.7 of that in the element's crystal for peaks; fitted
        atoms of one element come nearer, down to 0.4 of it, where the counts ask for two.
    confidence : {"left-out", "fit"}, optional
        What says how sure each atom is. ``"left-out"``: tilts that the fit did not see, a quarter at a time, with the
        atom and without it, as in `atoms.confidence`; it takes nearly as long again as all the rest. ``"fit"``: the
        tilts that it was fitted to, at no cost, less what one of about fifty places gains by chance. By default
        ``"left-out"`` for up to 3,000 atoms.
    progress : bool
        Print an estimate of memory and time, and show what is being done.

    Returns
    -------
    Located

    Raises
    ------
    TypeError, ValueError
        If the series cannot be reconstructed, shows no signal above its noise, holds counts that the noise asked for
        cannot give, or no atom stands out.
    UnknownName
        If an element has no scattering factor.

    Notes
    -----
    1. `imaging.estimate_noise`. 2. The background goes off, a Gaussian of a ninth of the nearest distance over the
    images and `tomography.reconstruct` on voxels of a sixth of it: for tracing only. 3. `trace`. 4. `refine` against
    the counts as they came, each atom with its own weight. What polynomials of up to the fourth degree explain of the
    rest, beyond what noise would let them, is an uneven background and goes into ``outer`` of `refine`. 5. Out
    goes what weighs less than half an atom (`classify_weights`), what explains too little for one of about fifty
    places, and the lighter of two atoms that are too near, unless two explain more than one by as much as
    `find_missing` asks of an atom; in comes what explains more. Two atoms take the place of one that is too heavy,
    apart along the direction in which the rest bends up most; light atoms of crowds are taken out once, and come back
    if missed. All that until nothing happens. 6. `refine` with one weight: an atom whose place its neighbours have
    moved into leaves half of its counts behind, and is added. Then with shifts and angles where these gain more than
    noise would, and with a weight for each atom where the counts say that they differ. 7. `position_bound` and
    `confidence`.

    Nothing depends on the dose: all thresholds are log-likelihoods of the counts.

    References
    ----------
    Yuan et al., Nature Materials 21, 95 (2022). A. Alania et al., Ultramicroscopy 181, 134 (2017), for the bound.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import locate, simulate_images
    >>> truth, angles = np.array([[0, 0, 0], [2.9, 0.5, 0.0], [0.3, 2.8, 1.0]]), np.arange(0, 180, 15.0)
    >>> images = 1 + simulate_images(truth, angles, (40, 36), 0.4, "Ta", H=1.0, B=6.0)
    >>> counts = TiltSeries(np.random.default_rng(0).poisson(images), angles, 0.4)
    >>> found = locate(counts, "Ta", progress=False)
    >>> len(found), bool(abs(found.positions[found.positions[:, 0].argsort()] - truth[[0, 2, 1]]).max() < 0.1)
    (3, True)
    """
    if confidence is not None:
        check_choice("confidence", confidence, ("left-out", "fit"))
    series = check_series(tilt_series, minimum=_LEAST_TILTS)
    kinds = check_species(element)
    known = check_noise(noise, series.images) if noise is not None else find_noise(series.images)
    way = Way(series, kinds, known, background, extended, min_distance, shifts, angles, prior, progress)
    way.guessed = not extended and known != COUNTS and (noise is None or noise == "gaussian")
    way.reconstruct(volume, thickness)
    way.trace()
    way.sift()
    return way.finish(confidence)

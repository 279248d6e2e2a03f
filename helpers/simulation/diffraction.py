"""What a parallel electron beam makes of a sample: rings on a detector, with all that spoils them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ..arrays import as_positions
from ..checks import check_count, check_elements, check_positive
from ..interrupts import explained
from ..memory import check_memory
from ..scattering import scattering_factor
from . import _scattering_kernels as kernels

if TYPE_CHECKING:
    from ase import Atoms

_DECAY = 2.0  # the background falls by e within this much of q [1/Å]


@dataclass(frozen=True, eq=False)
class DiffractionPattern:
    """Counts of a detector far behind a sample, and the truth that an analysis has to find.

    Attributes
    ----------
    counts : (X, Y) array
        Electrons on each pixel.
    step : float
        Width of a pixel, as a length of the scattering vector q, 2π over the spacing [1/Å].
    centre : (2,) array
        Where the direct beam would have hit, as an index [pixels].
    shadow : (X, Y) bool array
        Pixels behind the beam stop.
    background : (X, Y) array
        Expected counts that the atoms' own scattering did not make.
    """

    counts: NDArray[np.int64]
    step: float
    centre: NDArray[np.float64]
    shadow: NDArray[np.bool_]
    background: NDArray[np.float64]


def diffraction_pattern(
    positions: Atoms | ArrayLike,
    element: str | Sequence[str],
    *,
    shape: int = 512,
    step: float = 0.06,
    electrons: float = 3e7,
    orientations: int = 100,
    offset: tuple[float, float] = (6.3, -4.6),
    stop: float = 0.8,
    background: float = 0.5,
    seed: int = 0,
) -> DiffractionPattern:
    """Compute the electron diffraction pattern of many randomly turned copies of a sample.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A finite sample [Å]; of a periodic one, cut a piece.
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    shape : int
        Pixels along either edge of the detector.
    step : float
        Width of a pixel, as a length of the scattering vector [1/Å].
    electrons : float
        Electrons that reach the detector.
    orientations : int
        How many copies add up. They do not interfere, and stand for the many places in the area that is lit.
    offset : (float, float)
        Where the direct beam hits, from pixel ``shape // 2`` [pixels].
    stop : float
        Radius of the beam stop [1/Å]; it hangs on a bar, half as wide, that comes from the side. 0 for none.
    background : float
        Electrons of the background over those that the atoms scattered. It falls exponentially with q.
    seed : int
        Seed of the orientations and of the counting noise.

    Returns
    -------
    DiffractionPattern
        The counts, and the truth.

    Raises
    ------
    ValueError
        If the sample is periodic, or a number is out of range.
    UnknownName
        If an element has no scattering factor.

    Notes
    -----
    Kinematic: every electron is scattered once, and the intensity of a copy is ``|Σ f_j(q) exp(−i q · r_j)|²``. The
    Ewald sphere is taken as flat: at 300 kV and q = 15 /Å, q is then too small by 3 parts in 10,000. Atoms are spread
    on a grid twice as fine as the detector needs; at its edge, what is folded back is 1e-4 of the intensity.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import diffraction_pattern
    >>> model = helpers.load_sample("demo").model()
    >>> pattern = diffraction_pattern(model, "Ta", shape=64, step=0.3, orientations=2)
    >>> pattern.counts.shape, pattern.centre.tolist()
    ((64, 64), [38.3, 27.4])
    """
    from scipy.spatial.transform import Rotation

    atoms, box = as_positions(positions)
    if box is not None:
        msg = "the sample is periodic; expected a finite one: cut_sphere takes a piece out of it"
        raise ValueError(msg)
    names = np.array(check_elements(element, len(atoms)))
    size, width = check_count("shape", shape), check_positive("step", step)
    copies, total = check_count("orientations", orientations), check_positive("electrons", electrons)
    if not (np.isfinite(stop) and stop >= 0 and np.isfinite(background) and background >= 0):
        msg = f"stop={stop!r}, background={background!r}; expected numbers that are not negative"
        raise ValueError(msg)
    check_memory(
        size**2 * (130.0 + 8 * len(set(names))) + 40.0 * len(atoms),
        what=f"a detector of {size} × {size} px",
        instead="lower shape",
    )
    centre = size // 2 + np.asarray(offset, dtype=np.float64)
    x, y = np.meshgrid(*(np.arange(size) - c for c in centre), indexing="ij")
    q = width * np.hypot(x, y)
    rng = np.random.default_rng(seed)
    atoms = atoms - atoms.mean(axis=0)
    factors = {str(name): scattering_factor(str(name), q / (2 * np.pi)) for name in np.unique(names)}
    rings = np.zeros((size, size))
    done: list[int] = []
    with explained(
        lambda: f"stopped after {len(done)} of {copies} orientations and nothing is kept; lower orientations"
    ):
        for turn in Rotation.random(copies, rng=rng):
            flat = turn.apply(atoms)[:, :2]
            waves = (f * _wave(flat[names == name], width, size, centre - size // 2) for name, f in factors.items())
            rings += np.abs(sum(waves)) ** 2
            done.append(1)
    shadow = (q < stop) | ((np.abs(y) * width < stop / 4) & (x < 0) if stop > 0 else False)
    smooth = np.exp(-q / _DECAY)
    smooth *= background * rings[~shadow].sum() / smooth[~shadow].sum()
    per_count = total / (rings + smooth)[~shadow].sum()
    expected = np.where(shadow, 0.0, (rings + smooth) * per_count)
    return DiffractionPattern(rng.poisson(expected), width, centre, shadow, np.where(shadow, 0.0, smooth * per_count))


def _wave(places: NDArray[np.float64], step: float, size: int, offset: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Sum of exp(−i q · r) over atoms (N, 2), on a detector whose centre is off by `offset` pixels."""
    cells = 2 * size
    phases = np.exp(1j * step * (places @ offset))
    grid = kernels.spread_on_plane(places * (step * cells / (2 * np.pi)), phases, cells)
    number = np.arange(size) - size // 2
    damping = np.sinc(number / cells) ** 4  # what the splines do
    wave = fft.fft2(grid)[np.ix_(number, number)]
    return np.asarray(wave / (damping[:, None] * damping))

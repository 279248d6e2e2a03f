"""The virtual microscope: raw frames of an annular dark-field tilt series, with every error known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import TiltSeries
from ..checks import check_elements, check_positions, check_positive
from ..digits import counted
from ..geometry.rotations import _see, check_euler
from ..memory import check_memory
from ..scattering import cross_section, profile_table
from ._exposure import expose

if TYPE_CHECKING:
    from ..samples import Sample

_REACH = 5.0  # radius beyond which an atom's image is left out, below 1e-4 of its peak for B up to 6 Å² [Å]


@dataclass(frozen=True, eq=False)
class Truth:
    """What the virtual microscope did to the images, for comparison with what is found.

    Attributes
    ----------
    angles : (T, 3) array
        Euler angles φ, θ, ψ at which the images were really taken [degrees].
    shifts : (T, 2) array
        Displacement of the sample from the centre of the field, halfway through a tilt [px].
    drifts : (T, F, 2) array
        Displacement halfway through each frame, relative to `shifts` [px].
    velocities : (T, 2) array
        Drift during one frame [px].
    images : (T, X, Y) array
        Centred, noise-free images without background, in the counts of one frame.
    background : (T, X, Y) array
        Centred background [counts].
    gaussian : float
        Standard deviation of the read-out noise [counts].
    poisson : float
        Variance of the shot noise over the mean: counts per electron.
    """

    angles: NDArray[np.float64]
    shifts: NDArray[np.float64]
    drifts: NDArray[np.float64]
    velocities: NDArray[np.float64]
    images: NDArray[np.float32] = field(repr=False)
    background: NDArray[np.float32] = field(repr=False)
    gaussian: float
    poisson: float


@dataclass(frozen=True, eq=False)
class RawSeries:
    """Raw frames as they leave the microscope.

    Attributes
    ----------
    frames : (T, F, X, Y) array
        Counts, F frames a tilt.
    angles : (T, 3) array
        Nominal Euler angles φ, θ, ψ [degrees].
    pixel_size : float
        Edge of a pixel [Å].
    slow_axis : int
        The image axis, 0 (x) or 1 (y), that the beam scans slowly.
    truth : Truth
        What only a simulation knows.
    """

    frames: NDArray[np.float32] = field(repr=False)
    angles: NDArray[np.float64]
    pixel_size: float
    slow_axis: int
    truth: Truth


def acquire(
    positions: ArrayLike,
    angles: ArrayLike,
    *,
    element: str | Sequence[str] = "Ta",
    pixel_size: float = 0.4,
    shape: int | tuple[int, int] | None = None,
    frames: int = 3,
    dose: float = 8000.0,
    B: float = 6.0,
    energy: float = 300.0,
    detector: tuple[float, float] = (30.0, 200.0),
    drift: float = 0.8,
    slow_axis: int = 0,
    background: float = 0.3,
    unevenness: float = 0.3,
    gaussian: float = 4.0,
    gain: float = 1.5,
    angle_error: float | Sequence[float] = 0.2,
    misalignment: float = 2.0,
    seed: int = 0,
) -> RawSeries:
    """Image a set of atoms with the virtual microscope.

    Each image is the sum of the atoms' projected potentials under the probe, scaled to the electrons that
    the detector counts. Each frame is scanned line by line while the sample drifts; it carries an uneven
    background, shot noise and read-out noise. With the same seed the frames are the same.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions from the centre of the field, with y the tilt axis and z the beam at zero tilt [Å].
    angles : (T,) or (T, 3) array
        Nominal tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    pixel_size : float
        Edge of a pixel [Å].
    shape : int or (int, int), optional
        Size of a frame along x and y [px]; by default the sample with a margin for the background.
    frames : int
        Frames a tilt.
    dose : float
        Electrons per area and frame [1/Å²].
    B : float
        Damping exp(−B q²) of the scattering factor by the probe and thermal motion [Å²].
    energy : float
        Energy of the electrons [keV].
    detector : (float, float)
        Inner and outer angle of the detector [mrad].
    drift : float
        Largest drift during one frame; each tilt drifts at a random constant velocity up to it [px].
    slow_axis : int
        Image axis that the beam scans slowly, 0 (x) or 1 (y).
    background : float
        Mean background at zero tilt, as a fraction of the brightest pixel of the noise-free series.
    unevenness : float
        How much the background varies across the field, as a fraction of its mean.
    gaussian : float
        Standard deviation of the read-out noise [counts].
    gain : float
        Counts per electron.
    angle_error : float or (float, float, float)
        Standard deviation of the true from the nominal angles, for φ, θ and ψ [degrees].
    misalignment : float
        Standard deviation of the sample from the centre of the field, along x and y [px].
    seed : int
        Seed of everything random.

    Returns
    -------
    RawSeries
        Frames, nominal angles, and the truth about them.

    Raises
    ------
    ValueError
        If a parameter makes no sense, the atoms lie outside the field, or positions are not finite.
    MemoryError
        If the frames are too large for the memory that is free.

    Notes
    -----
    With R = Rz(φ) Ry(θ) Rx(ψ) the detector sees x and y of ``Rᵀ r``; coordinate zero is at pixel n // 2.
    The expected electrons in a pixel are ``dose · pixel_size² · Σ σ p(|x − x_j|) / f(0)`` with the
    cross-section σ and the profile p of `helpers.scattering`. Line i of N in frame k is recorded at time
    k + i/N frames and shows the sample displaced by velocity × time. Dynamical scattering is left out.

    References
    ----------
    E. J. Kirkland, Advanced Computing in Electron Microscopy, Springer, chapters 5 and C.

    Examples
    --------
    >>> from helpers.simulation import acquire
    >>> raw = acquire([[0, 0, 0], [3, 0, 0]], [0.0, 30.0], shape=(40, 32), seed=1)
    >>> raw.frames.shape
    (2, 3, 40, 32)
    """
    atoms = check_positions(positions)
    species, kinds = _species(element, len(atoms))
    nominal = check_euler(angles)
    pixel_size = check_positive("pixel_size", pixel_size)
    dose, gain, B = check_positive("dose", dose), check_positive("gain", gain), check_positive("B", B)
    for name, value in {
        "drift": drift,
        "background": background,
        "unevenness": unevenness,
        "gaussian": gaussian,
        "misalignment": misalignment,
    }.items():
        if not np.isfinite(value) or value < 0:
            msg = f"{name}={value!r}; expected zero or a positive number"
            raise ValueError(msg)
    if slow_axis not in (0, 1):
        msg = f"slow_axis={slow_axis!r}; expected 0 (x) or 1 (y)"
        raise ValueError(msg)
    if frames < 1:
        msg = f"frames={frames!r}; expected at least one frame a tilt"
        raise ValueError(msg)
    size = _field_of_view(atoms, shape, pixel_size, misalignment)
    check_memory(
        4.0 * math.prod(size) * len(nominal) * (frames + 4)
        + 20.0 * math.prod(size) * frames
        + 24.0 * len(nominal) * len(atoms),
        what=f"{counted(len(nominal), 'tilt')} of {counted(frames, 'frame')} of {size[0]} × {size[1]} px",
        instead="take fewer tilts or frames, a smaller shape, or larger pixels",
    )

    rng = np.random.default_rng(seed)
    tilts = len(nominal)
    true = nominal + rng.normal(size=(tilts, 3)) * np.broadcast_to(np.asarray(angle_error, float), 3)
    shifts = rng.normal(scale=misalignment, size=(tilts, 2)) if misalignment > 0 else np.zeros((tilts, 2))
    speed, heading = drift * rng.random(tilts), rng.uniform(0, 2 * np.pi, tilts)
    velocities = speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    middle = np.arange(frames) + 0.5 - frames / 2
    drifts = middle[None, :, None] * velocities[:, None, :]

    detected = _see(atoms, true) / pixel_size
    if not ((np.abs(detected) < np.array(size) / 2).all(axis=2)).any():
        msg = f"no atom lies in the field of {size[0]}×{size[1]} px; centre the positions or enlarge it"
        raise ValueError(msg)
    electrons = dose * pixel_size**2
    table = np.stack(
        [
            electrons * cross_section(k, energy=energy, detector=detector) * profile_table(k, B, reach=_REACH)
            for k in kinds
        ]
    )
    reach = _REACH / pixel_size
    still = np.zeros((tilts, 1, 2))
    none = np.zeros((tilts, 7))
    images = expose(detected, species, table, reach, still, still[:, 0], size, 0, none)[:, 0]
    terms = _background_terms(rng, background * float(images.max()), unevenness, true[:, 1])
    empty = np.empty((tilts, 0, 2))
    ground = expose(empty, species[:0], table, reach, still, still[:, 0], size, 0, terms)[:, 0]
    centres = shifts[:, None, :] + drifts
    expected = expose(detected, species, table, reach, centres, velocities, size, slow_axis, terms)
    for tilt in range(tilts):  # one tilt at a time, so that no second copy of the series is needed
        counts = gain * rng.poisson(expected[tilt])
        expected[tilt] = counts + rng.normal(scale=gaussian, size=counts.shape)
    truth = Truth(
        angles=true,
        shifts=shifts,
        drifts=drifts,
        velocities=velocities,
        images=np.float32(gain) * images,
        background=np.float32(gain) * ground,
        gaussian=float(gaussian),
        poisson=gain,
    )
    return RawSeries(expected, nominal, pixel_size, int(slow_axis), truth)


def image_sample(
    sample: Sample, *, tilts: ArrayLike | None = None, which: str | None = None, seed: int = 2022, **options: Any
) -> RawSeries:
    """Image a sample's atomic model with the virtual microscope.

    Parameters
    ----------
    sample : Sample
        As from `helpers.load_sample`. Its number of tilts and its pixel size are used.
    tilts : (T,) or (T, 3) array, optional
        Nominal angles [degrees]; by default as many as the sample has, evenly from −65° to 65°.
    which : str, optional
        Which model, as in ``sample.model``; by default the truth if it is known, else the published model.
    seed : int
        Seed of everything random.
    **options
        Passed to `acquire`.

    Returns
    -------
    RawSeries

    Raises
    ------
    UnknownName, FileNotFoundError, ValueError
        If the model cannot be had, or as in `acquire`.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import image_sample
    >>> image_sample(helpers.load_sample("demo"), tilts=[0.0], frames=2).frames.shape
    (1, 2, 150, 148)
    """
    model = sample.model(which or ("truth" if "truth" in sample.files else "published"))
    if tilts is None:
        tilts = np.linspace(-65.0, 65.0, sample.tilts or 46)
    options.setdefault("pixel_size", sample.pixel_size or 0.4)
    positions = model.get_positions()
    return acquire(
        positions - positions.mean(axis=0), tilts, element=model.get_chemical_symbols(), seed=seed, **options
    )


def take_series(sample: Sample, *, method: str = "cosine", **options: Any) -> TiltSeries:
    """Image a sample's atomic model, and clean and align the images with the imaging stage.

    Parameters
    ----------
    sample : Sample
        As from `helpers.load_sample`.
    method : str
        Denoising method, as in `helpers.imaging.denoise`.
    **options
        Passed to `image_sample`.

    Returns
    -------
    TiltSeries
        What `Sample.tilt_series` gives for a sample that no microscope has seen.

    Raises
    ------
    UnknownName, FileNotFoundError, ValueError
        As in `image_sample`.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import take_series
    >>> take_series(helpers.load_sample("demo"), tilts=[-20.0, 0.0, 20.0], pixel_size=1.0).images.shape
    (3, 68, 68)
    """
    from ..imaging.preprocess import preprocess

    raw = image_sample(sample, **options)
    return preprocess(raw.frames, raw.angles, raw.pixel_size, slow_axis=raw.slow_axis, method=method)


def _species(element: str | Sequence[str], count: int) -> tuple[NDArray[np.int64], list[str]]:
    kinds, species = np.unique(check_elements(element, count), return_inverse=True)
    return species.astype(np.int64), [str(kind) for kind in kinds]


def _field_of_view(
    atoms: NDArray[Any], shape: int | tuple[int, int] | None, pixel_size: float, misalignment: float
) -> tuple[int, int]:
    if shape is None:
        across = np.hypot(atoms[:, 0], atoms[:, 2]).max(), np.abs(atoms[:, 1]).max()
        margin = 9.0 / pixel_size + 3 * misalignment
        return tuple(2 * int(np.ceil(radius / pixel_size + margin)) for radius in across)  # type: ignore[return-value]
    size = (shape, shape) if isinstance(shape, int | np.integer) else tuple(shape)
    if len(size) != 2 or min(size) < 2:
        msg = f"shape={shape!r}; expected one or two sizes of at least 2 px"
        raise ValueError(msg)
    return int(size[0]), int(size[1])


def _background_terms(
    rng: np.random.Generator, level: float, unevenness: float, theta: NDArray[Any]
) -> NDArray[np.float64]:
    """Return level, slopes and a broad wave for every tilt; a support film looks thicker when tilted."""
    terms = np.zeros((len(theta), 7))
    terms[:, 0] = level / np.maximum(np.cos(np.deg2rad(theta)), 0.3)
    terms[:, 1:3] = unevenness * rng.uniform(-0.5, 0.5, (len(theta), 2))
    terms[:, 3] = unevenness * 0.5
    terms[:, 4:6] = rng.uniform(0, 2 * np.pi, 2) + rng.normal(scale=0.3, size=(len(theta), 2))
    terms[:, 6] = np.pi / 2  # half a wave across the field
    return terms

"""Tilt angles from the images themselves: refined in turns with the reconstruction."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from ..arrays import TiltSeries, Volume
from ..checks import check_choice, check_count, check_number, check_numbers
from ..digits import counted
from ..geometry.rotations import _mean_rotation, _nearest_euler, _rotation_vectors, check_euler, rotation_matrices
from ..imaging.outliers import mended
from ..imaging.verdicts import DoubtWarning, doubt_series, doubt_volume
from ..interrupts import explained
from ..series import check_series
from ._layout import _check_shifts, _object_shape
from .reconstruction import Reconstruction, reconstruct
from .turning import _improve

NAMES = ("phi", "theta", "psi")
_MOMENTUM = 0.6  # share of the last turn that a round repeats, once angles are near
_NEAR = 3  # rounds without it
_WIDEST = 1000.0  # wider than any image [px]
_FIRST = 3  # times as many iterations for the volume that begins from nothing: one that is unfinished misleads θ


@dataclass(frozen=True, eq=False)
class AngleRefinement:
    """What `refine_angles` returns.

    Attributes
    ----------
    angles : (T, 3) array
        Refined Euler angles φ, θ, ψ [degrees].
    shifts : (T, 2) array
        Displacement of the object in each image [px].
    history : (rounds + 1, T, 3) array
        Angles before the first and after every round [degrees].
    r_factor : (rounds + 1,) array
        R of the reconstruction at each of these angles.
    reconstruction : Reconstruction
        The last one, at the refined angles and shifts.
    """

    angles: NDArray[np.float64]
    shifts: NDArray[np.float64]
    history: NDArray[np.float64] = field(repr=False)
    r_factor: NDArray[np.float64]
    reconstruction: Reconstruction = field(repr=False)

    @property
    def volume(self) -> Volume:
        """The volume of the last reconstruction."""
        return self.reconstruction.volume


def refine_angles(
    tilt_series: TiltSeries,
    *,
    refine: str | Sequence[str] = NAMES,
    shifts: bool = True,
    start_shifts: ArrayLike | None = None,
    rounds: int = 20,
    iterations: int = 20,
    smoothing: float | Sequence[float] = 1.0,
    tolerance: float = 0.03,
    progress: bool = True,
    **options: Any,
) -> AngleRefinement:
    """Refine the angles and shifts of every image against a reconstruction from all of them.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images without background, and the nominal angles.
    refine : sequence of {"phi", "theta", "psi"}
        Which angles to refine: names in a sequence, or in one string with spaces.
    shifts : bool
        Refine the displacement of the object in each image as well.
    start_shifts : (T, 2) array, optional
        Displacements to start from [px]; kept as they are with ``shifts=False``.
    rounds : int
        Rounds of reconstruction and refinement, at most.
    iterations : int
        Iterations of the reconstruction in each round. It goes on from the volume of the round before; the first,
        from nothing, takes three times as many.
    smoothing : float or sequence of float
        Standard deviation of the Gaussian through which measured and calculated images are compared [px]. A
        sequence holds one number a round, its last for all further ones: ``(3, 2, 1)`` catches angles that are
        wrong by more than about 3°, at the price of moving angles that were right.
    tolerance : float
        Stop when no image turns by more than this in a round [degrees], nor moves by more than 0.1 px. 0: never.
    progress : bool
        Show a bar with R and the largest turn.
    **options
        For `reconstruct`: `extended`, `thickness`, `positivity`, `edges` …

    Returns
    -------
    AngleRefinement
        Angles, shifts, their history, R, and the last reconstruction.

    Raises
    ------
    TypeError, ValueError
        If the series cannot be reconstructed or an option makes no sense.
    KeyboardInterrupt
        If the refinement is interrupted; the message says how to go on.

    Warns
    -----
    OutlierWarning, DoubtWarning
        As in `reconstruct`.

    Notes
    -----
    With V fixed, each image b is compared with its projection P = ∫ V dw. In the detector's frame (u, v, w) a
    small rotation ω of the object changes it by ω_u ∂Q/∂v − ω_v ∂Q/∂u + ω_w (v ∂P/∂u − u ∂P/∂v), where
    Q = ∫ w V dw, and a shift changes it by −∇P. Four projections of all tilts thus give every derivative. Angles,
    shifts and brightness follow for each image from a damped least-squares step (Gauss–Newton).

    No image tells how the object as a whole is turned or where it lies: of each step the rotation that is common
    to all images is taken off, and of the shifts what one displacement in space explains. So the angles
    keep the mean orientation of the nominal ones; compare with others by `angle_errors`.

    The reconstruction is made with the angles that it shall judge, and gives way to them only in part: changes
    shrink from round to round rather than vanish at once; momentum hastens them. Leaving the image in question
    out of the reconstruction was tried: it costs several reconstructions a round and made the angles no better.
    Noise sets the limit. Images tell least about θ, and angles better than that limit get worse.

    References
    ----------
    Yuan et al., Nat. Mater. 21, 95 (2022), doi:10.1038/s41563-021-01114-z (Methods, angular refinement).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.tomography import project, refine_angles
    >>> volume = np.zeros((12, 12, 12))
    >>> volume[3:6, 4:9, 6:8] = volume[7:9, 2:5, 3:9] = 1.0
    >>> angles = np.arange(-60.0, 61.0, 20.0)
    >>> series = TiltSeries(project(volume, angles), angles, 1.0)
    >>> found = refine_angles(series, rounds=2, progress=False)
    >>> found.angles.shape, found.history.shape
    ((7, 3), (3, 7, 3))
    """
    series = check_series(tilt_series, minimum=3)
    series = replace(series, images=mended(series.images))
    chosen = _check_refine(refine)
    if not chosen and not shifts:
        msg = "refine is empty and shifts=False: nothing is left to refine"
        raise ValueError(msg)
    rounds = check_count("rounds", rounds)
    iterations = check_count("iterations", iterations)
    widths = _check_smoothing(smoothing)
    tolerance = check_number("tolerance", tolerance, low=0)
    for name in ("start", "checkpoint", "projector", "tolerance"):
        if name in options:
            msg = f"{name}= cannot be passed on to the reconstruction in each round; leave it out"
            raise ValueError(msg)
    if options.get("positivity", True):
        field = (series.images.shape[1], series.images.shape[2])
        extent = _object_shape(
            field,
            series.euler,
            extended=bool(options.get("extended", False)),
            thickness=options.get("thickness"),
            shape=options.get("shape"),
            start=None,
        )
        doubt_series(series.images, extent)
    angles = series.euler.copy()
    found = _check_shifts(start_shifts, len(series))
    moved = np.zeros((len(series), 2)) if found is None else found.copy()

    history, r_factors = [angles], []
    result: Reconstruction | None = None
    turns = np.zeros((len(series), len(chosen)))

    def advice() -> str:
        return (
            f"the refinement was stopped in round {len(history)} of at most {rounds} and nothing is kept; to go on "
            "from somewhere, call it for a few rounds and hand its angles and shifts (start_shifts=) to the next call"
        )

    bar = tqdm(total=rounds, disable=not progress, desc="angles", unit="round")
    with explained(advice), bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtWarning)  # once before and once after is enough
        for step in range(rounds + 1):
            start = None if result is None else result.volume
            if start is not None:
                options = {k: v for k, v in options.items() if k not in ("extended", "thickness", "shape")}
            count = iterations if start is not None else _FIRST * iterations
            result = reconstruct(
                replace(series, angles=angles), iterations=count, shifts=moved, start=start, progress=False, **options
            )
            r_factors.append(result.final_r_factor)
            if step == rounds:
                break
            width = widths[min(step, len(widths) - 1)]
            again = _MOMENTUM * turns if step >= _NEAR else np.zeros_like(turns)
            new, turns, change = _improve(
                series.images, result.volume.array, angles, moved, chosen, shifts, width, again
            )
            turn = _largest_turn(angles, new)
            angles, moved = new, moved + change
            history.append(angles)
            bar.update()
            bar.set_postfix(R=f"{r_factors[-1]:.4f}", turn=f"{turn:.3f}°", shift=f"{np.abs(change).max():.3f} px")
            if turn < tolerance and np.abs(change).max() < 0.1:
                rounds = step + 1  # one more reconstruction, at the angles just found
    assert result is not None
    doubt_volume(result.volume.array, result.final_r_factor, len(result.r_factor))
    return AngleRefinement(angles, moved, np.array(history), np.array(r_factors), result)


def angle_errors(found: ArrayLike, true: ArrayLike, *, kind: str = "euler") -> NDArray[np.float64]:
    """Compare two sets of tilt angles after turning one onto the other as a whole.

    Parameters
    ----------
    found, true : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ [degrees].
    kind : {"euler", "rotation"}
        Differences of φ, θ, ψ, or the components about z, y, x of the rotation vector that is left. At steep
        tilts φ and ψ mean nearly the same rotation, and their differences grow by 1 / cos θ.

    Returns
    -------
    (T, 3) array
        Found less true, about z, y and x [degrees].

    Raises
    ------
    ValueError
        If the two hold different numbers of tilts, or `kind` is neither of the two.

    Notes
    -----
    An object turned by G gives the same images at the orientations G R. The G taken here makes Σ ‖G R_found −
    R_true‖² least.

    Examples
    --------
    >>> from helpers.tomography import angle_errors
    >>> errors = angle_errors([[1.0, -30.0, 0.0], [1.0, 0.0, 0.0], [1.0, 30.0, 0.0]], [-30.0, 0.0, 30.0])
    >>> bool(abs(errors).max() < 1e-6)
    True
    """
    check_choice("kind", kind, ("euler", "rotation"))
    first, second = check_euler(found), check_euler(true)
    if first.shape != second.shape:
        msg = f"found holds {counted(len(first), 'tilt')}, true {len(second)}; expected the same tilts in both"
        raise ValueError(msg)
    ours, theirs = rotation_matrices(first), rotation_matrices(second)
    ours = _mean_rotation(theirs @ ours.swapaxes(1, 2)) @ ours
    if kind == "rotation":
        return np.rad2deg(_rotation_vectors(ours @ theirs.swapaxes(1, 2))[:, ::-1])
    return _nearest_euler(ours, second) - second


def _largest_turn(before: NDArray[Any], after: NDArray[Any]) -> float:
    products = rotation_matrices(before).swapaxes(1, 2) @ rotation_matrices(after)
    return float(np.rad2deg(np.linalg.norm(_rotation_vectors(products), axis=1).max()))


def _check_refine(refine: str | Sequence[str]) -> list[int]:
    names = refine.split() if isinstance(refine, str) else list(refine) if isinstance(refine, Iterable) else [refine]
    unknown = [name for name in names if not isinstance(name, str) or name not in NAMES]
    if unknown:
        msg = f"refine names {unknown[0]!r}; expected some of {', '.join(map(repr, NAMES))}"
        raise ValueError(msg)
    return [i for i, name in enumerate(NAMES) if name in names]


def _check_smoothing(smoothing: float | Sequence[float]) -> NDArray[np.float64]:
    widths = np.atleast_1d(check_numbers(smoothing, name="smoothing", finite=False, expected="widths [px]"))
    if widths.ndim != 1 or widths.size == 0 or not ((widths >= 0) & (widths <= _WIDEST)).all():
        msg = f"smoothing={smoothing!r}; expected widths from zero to {_WIDEST:g} px"
        raise ValueError(msg)
    return widths

"""RESIRE: a volume from a tilt series, by gradient descent with positivity."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from ..agreement import mean_residual
from ..arrays import TiltSeries, Volume, central
from ..checks import check_choice, check_count, check_number, check_numbers, check_positive
from ..digits import counted
from ..imaging.outliers import mended
from ..imaging.verdicts import doubt_series, doubt_volume
from ..interrupts import explained
from ..series import check_series
from ._layout import _check_shifts, _detector_lines, _object_shape, _pad
from ._passes import back_project_into, descend, project_into
from ._turned import from_kernel, to_kernel
from .checkpoint import Checkpoint, State
from .cost import check_volume, estimate_cost, needed_bytes
from .fourier import FourierProjector

_WINDOW = 5  # iterations over which the stopping rule averages
_INSIDE = 1.0 - 1e-9  # width of the rim of the padded image that moves no voxel


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What `reconstruct` returns.

    Attributes
    ----------
    volume : Volume
        The object, larger than the field of view if it was extended.
    r_factor : (iterations,) array
        R before each update; the first is 1 for a start from nothing.
    final_r_factor : float
        R after the last update, of the volume that is returned.
    image_shape : (int, int)
        Pixels of an image along x and y.
    """

    volume: Volume
    r_factor: NDArray[np.float64] = field(repr=False)
    final_r_factor: float
    image_shape: tuple[int, int]

    @property
    def field_of_view(self) -> Volume:
        """The central part that lies inside the image at zero tilt."""
        return central(self.volume, (*self.image_shape, self.volume.array.shape[2]))


def reconstruct(
    tilt_series: TiltSeries,
    *,
    iterations: int = 50,
    accelerate: bool = True,
    extended: bool = False,
    thickness: int | None = None,
    shape: tuple[int, int, int] | None = None,
    step: float = 1.0,
    positivity: bool = True,
    tolerance: float = 0.0,
    shifts: ArrayLike | None = None,
    start: Volume | None = None,
    edges: str = "inside",
    projector: str = "real",
    oversampling: tuple[float, float, float] = (1.5, 3.0, 3.0),
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 25,
    callback: Callable[[int, float, Volume], None] | None = None,
    progress: bool = True,
) -> Reconstruction:
    """Reconstruct a volume from a tilt series with RESIRE.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images, background subtracted.
    iterations : int
        Updates, at most.
    accelerate : bool
        Use the optimised gradient method with restart. False gives the published algorithm: plain gradient
        descent, about ten times as many iterations for the same R.
    extended : bool
        Let the object reach beyond the field of view, as a film does.
    thickness : int, optional
        Size along z [voxels]; that of an image along x by default.
    shape : (int, int, int), optional
        Voxels along x, y and z, instead of what the two arguments above imply.
    step : float
        Factor on the step. The published value is 1 for the Ta film and 2 for the Pd particles;
        with `accelerate` values up to 1 are sure to converge.
    positivity : bool
        Set negative values to zero after each update.
    tolerance : float
        Stop early when R falls by less than this fraction an iteration, over the last five. 0: never.
    shifts : (T, 2) array, optional
        Displacement of the object in each image [px].
    start : Volume, optional
        Volume to start from, instead of nothing.
    edges : {"inside", "shared"}
        What a pixel on the rim of an image moves: only voxels inside the centres of the outermost pixels, as
        published, or all that share in it, which is the exact gradient. It matters only where the object
        reaches beyond the images.
    projector : {"real", "fourier"}
        How the volume is projected: "real" is the exact adjoint of the back-projection; "fourier" is the
        published central slice of an oversampled transform, slow and large, for comparison.
    oversampling : (float, float, float)
        Of the Fourier projector, along x, y and z.
    checkpoint : path, optional
        HDF5 file where the state is kept every `checkpoint_every` iterations and from which an
        interrupted run with the same input goes on.
    checkpoint_every : int
        Iterations between two checkpoints.
    callback : callable, optional
        Called after every update with the number of updates so far, R, and a copy of the volume.
    progress : bool
        Print an estimate of memory and time, and show a bar with R.

    Returns
    -------
    Reconstruction
        Volume, R before each update, and final R.

    Raises
    ------
    TypeError, ValueError
        If the series cannot be reconstructed, the volume is empty, or a checkpoint is of another run.
    MemoryError
        If the object is too large for the memory that is free.
    KeyboardInterrupt
        If the run is interrupted; the message says how to go on.

    Warns
    -----
    TiltAxisWarning
        If the tilt axis seems to lie along x.
    OutlierWarning
        If single pixels stood far out of the images; they are replaced.
    DoubtWarning
        If a background seems to be left under a particle, totals differ, or R ends above one.

    Notes
    -----
    Minimises ½ Σ ‖A O − b‖² over volumes O ≥ 0 with A the projection. Published: O ← max(0, O − s Aᵀ(A O − b))
    from O = 0 with s = step / (tilts × image size along x). Accelerated: the proximal optimised gradient
    method with s = step / max(AᵀA 1), the largest step that is sure to be safe without knowing the spectrum;
    its momentum starts anew whenever the squared residual grows. One projection and one back-projection an
    iteration either way; the gradient is never stored.

    References
    ----------
    Yang et al., Nature 592, 60 (2021), doi:10.1038/s41586-021-03354-0 (RESIRE);
    Taylor, Hendrickx & Glineur, SIAM J. Optim. 27, 1283 (2017), doi:10.1137/16M108104X (optimised gradient);
    Kim & Fessler, J. Optim. Theory Appl. 178, 240 (2018), doi:10.1007/s10957-018-1287-4 (restart).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.tomography import project, reconstruct
    >>> volume = np.zeros((9, 7, 9))
    >>> volume[3:6, 2:5, 4:7] = 1.0
    >>> angles = np.arange(-80.0, 81.0, 20.0)
    >>> found = reconstruct(TiltSeries(project(volume, angles), angles, 1.0), iterations=20, progress=False)
    >>> found.volume.array.shape, bool(found.final_r_factor < 0.05)
    ((9, 7, 9), True)
    """
    series = check_series(tilt_series)
    series = replace(series, images=mended(series.images))
    images, angles = series.images, series.euler
    image_shape = (images.shape[1], images.shape[2])
    iterations = check_count("iterations", iterations)
    step, tolerance = check_positive("step", step), check_number("tolerance", tolerance, low=0)
    check_choice("projector", projector, ("real", "fourier"))
    check_choice("edges", edges, ("inside", "shared"))
    volume_shape = _object_shape(image_shape, angles, extended, thickness, shape, start)
    check_volume(needed_bytes(volume_shape, len(series), image_shape), volume_shape, len(series))
    moved = _check_shifts(shifts, len(series))
    if positivity:
        doubt_series(images, volume_shape)
    lines = _detector_lines(angles, volume_shape, image_shape, moved)
    fourier = None
    if projector == "fourier":
        fourier = FourierProjector(angles, volume_shape, image_shape, oversampling=oversampling)
    if fourier is not None and shifts is not None:
        msg = "projector='fourier' knows no shifts; shift the images or use projector='real'"
        raise ValueError(msg)
    if fourier is not None:
        fourier.check()
    if progress:
        cost = estimate_cost(lines, volume_shape, image_shape, iterations, fourier)
        tqdm.write(
            f"RESIRE: object {' × '.join(map(str, volume_shape))}, {counted(len(series), 'tilt')}: {cost}",
            file=sys.stderr,
        )

    measured = _pad(images)
    forward = _forward(lines, measured.shape, fourier)
    keeper = Checkpoint(
        checkpoint, checkpoint_every, images=images, angles=angles, shifts=moved, shape=volume_shape, start=start,
        accelerate=accelerate, step=step, positivity=positivity, edges=edges, projector=projector,
        oversampling=oversampling,
    )  # fmt: skip
    state = keeper.load(lambda r: len(r) > iterations or _settled(r, tolerance))
    fresh = state is None and start is None
    if state is None:
        begin = None if start is None else check_numbers(start.array, name="start", dtype=np.float32)
        state = State.begin(volume_shape, None if begin is None else to_kernel(begin), accelerate)
    if accelerate:
        length = step / _largest_row_sum(volume_shape, lines, measured.shape)
    else:
        length = step / (len(series) * image_shape[0])
    margin = _INSIDE if edges == "inside" else 0.0
    model = np.zeros_like(measured) if fresh else forward(state.x)
    r_now = mean_residual(model[:, 1:-1, 1:-1], images)
    whole = True  # whether the state is that of a finished update

    def advice() -> str:
        stopped = f"the reconstruction was stopped after {len(state.r_factor)} of {counted(iterations, 'iteration')}"
        if checkpoint is None:
            return f"{stopped} and nothing is kept; pass checkpoint= to be able to go on"
        if whole:
            keeper.save(state)
        return f"{stopped}; {checkpoint} keeps its state, and the same call goes on from there"

    bar = tqdm(total=iterations, initial=len(state.r_factor), disable=not progress, desc="RESIRE", unit="it")
    with explained(advice), bar:
        while len(state.r_factor) < iterations and not _settled([*state.r_factor, r_now], tolerance):
            whole = False
            state.r_factor.append(r_now)
            model -= measured
            before, state.error = state.error, float(np.vdot(model, model))
            if state.error > before:
                state.restart()
            descend(model, lines, state.x, state.w, state.z, length, *state.momentum(), positivity, margin)
            whole = True
            model = forward(state.x)
            r_now = mean_residual(model[:, 1:-1, 1:-1], images)
            if not np.isfinite(r_now):
                msg = f"R is no longer finite after {counted(len(state.r_factor), 'iteration')}; lower step={step:g}"
                raise ValueError(msg)
            bar.update()
            bar.set_postfix(R=f"{r_now:.4f}")
            keeper.save(state, due=False)
            if callback is not None:
                callback(len(state.r_factor), r_now, Volume(from_kernel(state.x), series.pixel_size))
    keeper.save(state)
    doubt_volume(state.x, r_now, len(state.r_factor))
    volume = Volume(from_kernel(state.x), series.pixel_size)
    return Reconstruction(volume, np.array(state.r_factor), r_now, image_shape)


def _forward(
    lines: NDArray[Any], padded_shape: tuple[int, ...], fourier: FourierProjector | None
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def forward(volume: NDArray[np.float32]) -> NDArray[np.float32]:
        images = np.empty(padded_shape, np.float32)
        if fourier is None:
            project_into(volume, lines, images)
            return images
        return _pad(fourier.project(volume))

    return forward


def _largest_row_sum(
    volume_shape: tuple[int, int, int], lines: NDArray[np.float64], padded_shape: tuple[int, ...]
) -> float:
    """Return max(AᵀA 1), which no eigenvalue of AᵀA exceeds: the matrix has no negative element."""
    volume = np.ones(volume_shape, np.float32)
    images = np.empty(padded_shape, np.float32)
    project_into(volume, lines, images, turned=False)
    back_project_into(images, lines, volume)
    return float(volume.max())


def _settled(r_factors: list[float], tolerance: float) -> bool:
    if tolerance <= 0 or len(r_factors) <= _WINDOW + 1:
        return False
    return r_factors[-1] > r_factors[-1 - _WINDOW] * (1.0 - tolerance) ** _WINDOW

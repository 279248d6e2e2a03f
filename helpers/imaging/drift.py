"""Drift of the sample between the frames of a tilt and within each of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..arrays import central
from ..checks import check_count, check_numbers
from ..curves import ring_means
from .outliers import clean_images
from .registration import correlation_peak, edge_window, frequencies, move, windowed_spectrum
from .verdicts import doubt_drift

_CROP = 400  # the sample is in the middle; more of its surroundings only takes longer [px]
_LEAST_CROP = 8  # smallest region with a window around it [px]
_LOOKS = 3  # the first with a general weight, the others with that of the frames themselves
_FIRST_LIMIT = 0.2  # fades out what probes of usual sizes and pixels do not transfer [1/px]
_FIRST_RINGS = 2  # a background varies fewer times than this across the frame
_COARSEST = 2  # rings of frequencies that show the background
_RING_SMOOTHING = 1.0  # standard deviation of what is known of neighbouring rings together [rings]
_WHITE = 0.3, 0.5  # here the frames hold shot and read-out noise alone, and these are white [1/px]
_LEAST_AGREEMENT = 0.02  # share of the power; as much agreement could be chance
_RIM = 8  # what a move by part of a pixel leaves ringing along the edges [px]


def measure_drift(frames: ArrayLike, *, crop: int | None = _CROP) -> NDArray[np.float64]:
    """Measure how the sample moved between the frames of each tilt.

    Every pair of frames is registered by cross-correlation, and the displacements that agree best with
    all pairs are returned. Each spatial frequency counts by how well the frames agree at it, over the
    whole series, so that frequencies of pure noise have no say.

    Parameters
    ----------
    frames : (T, F, X, Y) or (F, X, Y) array
        F frames of the same view, at one or more tilts.
    crop : int, optional
        Largest edge of the central region that is compared [px]; None compares whole frames.

    Returns
    -------
    (T, F, 2) or (F, 2) array
        Displacement of the sample in each frame from its mean over the frames, along x and y [px].

    Raises
    ------
    ValueError
        If there is a single frame a tilt, a frame is constant or not finite.

    Warns
    -----
    OutlierWarning
        If single pixels stood far out of a frame; they are replaced.
    DoubtWarning
        If all frames that differ are found unmoved, or some half a field apart.

    References
    ----------
    M. Guizar-Sicairos, S. T. Thurman, J. R. Fienup, Opt. Lett. 33, 156 (2008), doi:10.1364/OL.33.000156.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import measure_drift
    >>> x, y = np.mgrid[:64, :64]
    >>> frames = [np.exp(-((x - 32 - d) ** 2 + (y - 32) ** 2) / 8) for d in (-0.5, 0.0, 0.5)]
    >>> measure_drift(frames)[:, 0].round(2).tolist()
    [-0.5, 0.0, 0.5]
    """
    stack, single = _check_frames(frames)
    found = displacements(stack, crop)
    doubt_drift(found, stack)
    return found[0] if single else found


def displacements(stack: NDArray[Any], crop: int | None = _CROP) -> NDArray[np.float64]:
    """Do what `measure_drift` does, for frames (T, F, X, Y) that were checked."""
    sx, sy = (n if crop is None else min(n, check_count("crop", crop)) for n in stack.shape[2:])
    if min(sx, sy) < _LEAST_CROP:
        msg = f"crop={crop!r}; expected at least {_LEAST_CROP} px, or None for the whole frame"
        raise ValueError(msg)
    region, taper = central(stack, (sx, sy)), edge_window((sx, sy))
    positions = np.zeros((*stack.shape[:2], 2))
    weight = _first_weight((sx, sy))
    for look in range(1, _LOOKS + 1):
        signal, power = np.zeros_like(weight), np.zeros_like(weight)
        for frames, place in zip(region, positions, strict=True):
            whole = np.round(place)
            spectra = _spectra(frames, whole, taper)
            found = _register(spectra, weight, (sx, sy))
            if look < _LOOKS:
                signal += _agreement(spectra, found, (sx, sy))
                power += (np.abs(spectra) ** 2).mean(axis=0)
            place[:] = whole + _reconcile(found, whole)
        if look < _LOOKS:
            weight = _weight(signal, power, (sx, sy))
    return positions


def correct_drift(
    frames: ArrayLike,
    *,
    drift: ArrayLike | None = None,
    slow_axis: int = 0,
    slow_scan: bool = True,
    crop: int | None = _CROP,
) -> NDArray[np.float32]:
    """Remove drift between and within frames, and average the frames of each tilt.

    Parameters
    ----------
    frames : (T, F, X, Y) or (F, X, Y) array
        F frames of the same view, at one or more tilts.
    drift : (T, F, 2) or (F, 2) array, optional
        Displacement of the sample in each frame [px]; by default that of `measure_drift`.
    slow_axis : int
        Image axis that the beam scans slowly, 0 (x) or 1 (y).
    slow_scan : bool
        Whether to correct the distortion by drift during a frame, taken as linear in time.
    crop : int, optional
        Passed to `measure_drift`.

    Returns
    -------
    (T, X, Y) or (X, Y) array
        Averaged images, as the sample stood halfway through the tilt.

    Raises
    ------
    ValueError
        If there is a single frame a tilt and no `drift`, shapes differ, or values are not finite.

    Warns
    -----
    OutlierWarning
        If single pixels stood far out of a frame; they are replaced.
    DoubtWarning
        If all frames that differ are found unmoved, or some half a field apart.

    Notes
    -----
    With velocity v (px a frame, fitted to the displacements d of the frames), line i of N shows the sample
    displaced by ``d + v (i − N/2)/N``. Each frame is read at the displaced positions with cubic splines.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import correct_drift
    >>> frame = np.random.default_rng(0).random((32, 32))
    >>> found = correct_drift([frame, np.roll(frame, 2, axis=0)], drift=[[0, 0], [2, 0]], slow_scan=False)
    >>> bool(np.allclose(found[2:-2], frame[2:-2], atol=1e-3))
    True
    """
    stack, single = _check_frames(frames, minimum=1 if drift is not None else 2)
    if drift is None:
        found = displacements(stack, crop)
        doubt_drift(found, stack)
    else:
        found = check_numbers(drift, name="drift", finite=False, expected="displacements (T, F, 2) [px]")
        found = found[None] if single else found
        tilts, count = stack.shape[:2]
        if found.shape != (tilts, count, 2) or not np.isfinite(found).all():
            msg = f"drift has shape {found.shape}; expected a finite (T, F, 2) for {tilts}×{count} frames"
            raise ValueError(msg)
    out = average(stack, found, slow_axis, slow_scan)
    return out[0] if single else out


def average(stack: NDArray[Any], found: NDArray[Any], slow_axis: int, slow_scan: bool = True) -> NDArray[np.float32]:
    """Return the mean of the frames (T, F, X, Y) of each tilt, read where the sample was in each of them."""
    check_axis(slow_axis)
    tilts, count, nx, ny = stack.shape
    time = np.arange(count) - (count - 1) / 2
    velocity = np.zeros((tilts, 2))
    if slow_scan and count > 1:
        velocity = np.einsum("f,tfc->tc", time, found) / (time**2).sum()
    x, y = np.arange(nx, dtype=float)[:, None], np.arange(ny, dtype=float)
    out = np.zeros((tilts, nx, ny), dtype=np.float32)
    for tilt in range(tilts):
        for frame, d in zip(stack[tilt], found[tilt], strict=True):
            at = _displaced(x, y, d, velocity[tilt], slow_axis)
            out[tilt] += scipy.ndimage.map_coordinates(frame, at, order=3, mode="nearest", output=np.float32) / count
    return out


def repeats(frames: NDArray[Any], drift: NDArray[Any]) -> list[tuple[NDArray[np.float32], NDArray[np.float32], int]]:
    """Return successive frames (T, F, X, Y) on the same grid, and the width of the rim to leave out [px].

    The second frame is moved by a phase in Fourier space, which keeps the variance of white noise.
    """
    pairs = []
    for stack, positions in zip(frames, drift, strict=True):
        for a, b, step in zip(stack[:-1], stack[1:], np.diff(positions, axis=0), strict=True):
            pairs.append((a, move(b[None], -step[None])[0], _RIM + int(np.ceil(np.abs(step).max()))))
    return pairs


def _displaced(
    x: NDArray[Any], y: NDArray[Any], d: NDArray[Any], v: NDArray[Any], slow_axis: int
) -> NDArray[np.float64]:
    """Return where in a frame the sample points x, y were recorded, (2, X, Y)."""
    lines = len(x) if slow_axis == 0 else len(y)
    grid = [x, y]
    slow = (grid[slow_axis] + d[slow_axis] - v[slow_axis] / 2) / (1 - v[slow_axis] / lines)
    fast = grid[1 - slow_axis] + d[1 - slow_axis] + v[1 - slow_axis] * (slow - lines / 2) / lines
    both = (slow, fast) if slow_axis == 0 else (fast, slow)
    return np.stack(np.broadcast_arrays(*both))


def check_axis(slow_axis: int) -> None:
    """Refuse what is not one of the two axes of an image."""
    if not isinstance(slow_axis, int | np.integer) or slow_axis not in (0, 1):
        msg = f"slow_axis={slow_axis!r}; expected 0 (x) or 1 (y)"
        raise ValueError(msg)


def _check_frames(frames: ArrayLike, minimum: int = 2) -> tuple[NDArray[np.float32], bool]:
    stack = clean_images(frames, name="frames", ndim=(3, 4), stacklevel=5)
    single = stack.ndim == 3
    stack = stack[None] if single else stack
    if stack.shape[1] < minimum:
        msg = "frames holds one frame a tilt; expected two or more, or pass drift= if you know it"
        raise ValueError(msg)
    return stack, single


def _spectra(frames: NDArray[Any], whole: NDArray[Any], taper: NDArray[Any]) -> NDArray[np.complex64]:
    """Return the spectra of the frames of one tilt, each moved back by the whole pixels known so far."""
    near = [np.roll(f, -s.astype(int), (0, 1)) for f, s in zip(frames, whole, strict=True)]
    return windowed_spectrum(np.stack(near), taper)


def _register(
    spectra: NDArray[Any], weight: NDArray[Any], shape: tuple[int, int]
) -> dict[tuple[int, int], NDArray[Any]]:
    """Return the displacement of every pair of frames, first to second."""
    light = weight.astype(np.float32)
    return {
        (a, b): correlation_peak(np.conj(spectra[a]) * spectra[b] * light, shape)
        for a, b in combinations(range(len(spectra)), 2)
    }


def _agreement(
    spectra: NDArray[Any], found: dict[tuple[int, int], NDArray[Any]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return what the frames have in common at each frequency, once registered: the power of the signal."""
    common = sum((np.conj(spectra[a]) * spectra[b] * _phase(shape, shift)).real for (a, b), shift in found.items())
    return np.asarray(common) / len(found)


def _reconcile(found: dict[tuple[int, int], NDArray[Any]], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return what to add to `whole` for mean-free positions whose differences fit all measured pairs best."""
    total = np.zeros_like(whole)
    for (a, b), shift in found.items():
        total[b] += shift
        total[a] -= shift
    return total / len(whole) - whole.mean(axis=0)


def _phase(shape: tuple[int, int], shift: NDArray[Any]) -> NDArray[np.complex64]:
    along_x, along_y = (
        np.exp(2j * np.pi * k * s).astype(np.complex64) for k, s in zip(frequencies(shape), shift, strict=True)
    )
    return along_x[:, None] * along_y


def _radius(shape: tuple[int, int]) -> NDArray[np.float64]:
    kx, ky = frequencies(shape)
    return np.hypot(kx[:, None], ky)


def _first_weight(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return a broad band-pass for the first look: without the background, without the finest noise."""
    k = _radius(shape)
    return (1 - np.exp(-((k * min(shape) / _FIRST_RINGS) ** 4))) * np.exp(-((k / _FIRST_LIMIT) ** 2))


def _weight(signal: NDArray[Any], power: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the weight of least variance, S / (N (2 S + N)), from radial means of signal and power."""
    ring = np.round(_radius(shape) * min(shape)).astype(int)
    _, mean_signal, mean_power = ring_means(ring, signal, power)
    mean_signal = np.clip(scipy.ndimage.gaussian_filter1d(mean_signal, _RING_SMOOTHING), 0, None)
    outer = slice(*(int(limit * min(shape)) for limit in _WHITE))
    noise = max(float(np.median((mean_power - mean_signal)[outer])), 1e-6 * mean_power.max(), 1e-30)
    weight = mean_signal / (noise * (2 * mean_signal + noise))
    weight[mean_signal < _LEAST_AGREEMENT * mean_power] = 0
    weight[:_COARSEST] = 0
    if not weight.any():
        return _first_weight(shape)
    return (weight / weight.max())[ring]

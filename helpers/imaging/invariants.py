"""What a tilt leaves alone: the centre of mass across the axis, and the common line along it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers
from .outliers import clean_images

_ROUNDS, _ROUNDS_END = 20, 1e-3  # most rounds of bringing lines into register, and the step that ends them [px]
_NEWTON_STEPS, _NEWTON_END = 20, 1e-5  # the same within a line [px]
_LONGEST_STEP = 0.5  # keeps a step on the hill it began on [px]
_NEAR = 1.5  # a maximum farther from the best whole pixel than its neighbours is another hill [px]


def centre_of_mass(images: ArrayLike) -> NDArray[np.float64]:
    """Return the centre of mass of images, from the centre n // 2.

    Parameters
    ----------
    images : (T, X, Y) array
        Images without background.

    Returns
    -------
    (T, 2) array
        Along x and y [px].

    Raises
    ------
    ValueError
        If an image sums to zero or less, so that it has no centre of mass.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import centre_of_mass
    >>> image = np.zeros((1, 8, 10))
    >>> image[0, 6, 4] = 1.0
    >>> centre_of_mass(image).tolist()
    [[2.0, -1.0]]
    """
    return mass_centres(clean_images(images, ndim=(3,), contrast=False))


def mass_centres(images: NDArray[Any]) -> NDArray[np.float64]:
    """Do what `centre_of_mass` does, for images that were checked."""
    stack = images.astype(np.float64)
    mass = stack.sum(axis=(1, 2))
    empty = np.flatnonzero(mass <= 0)
    if empty.size:
        msg = (
            f"image {empty[0]} sums to {mass[empty[0]]:.3g}, so it has no centre of mass; "
            "was too much background subtracted?"
        )
        raise ValueError(msg)
    x, y = (np.arange(n) - n // 2 for n in stack.shape[1:])
    return np.stack([stack.sum(axis=2) @ x, stack.sum(axis=1) @ y], axis=1) / mass[:, None]


def common_line(images: ArrayLike, *, start: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return displacements along the tilt axis y that bring the images' sums over x into register.

    Parameters
    ----------
    images : (T, X, Y) array
        Images without background.
    start : (T,) array, optional
        Displacements to start from [px].

    Returns
    -------
    (T,) array
        Displacements along y [px], with a mean of that of `start`, or of zero.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.imaging import common_line
    >>> line = np.exp(-((np.arange(32) - 16 - np.array([[0.5], [-0.5]])) ** 2) / 8)
    >>> common_line(np.repeat(line[:, None], 8, axis=1)).round(2).tolist()
    [0.5, -0.5]
    """
    stack = clean_images(images, ndim=(3,), contrast=False)
    if start is not None:
        start = check_numbers(start, name="start", expected="a displacement of each image [px]")
        if start.shape != (len(stack),):
            msg = f"start has shape {start.shape}; expected ({len(stack)},)"
            raise ValueError(msg)
    return line_shifts(stack, start)


def line_shifts(images: NDArray[Any], start: ArrayLike | None = None) -> NDArray[np.float64]:
    """Do what `common_line` does, for images that were checked."""
    profiles = images.sum(axis=1, dtype=np.float64)
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-30)
    size = profiles.shape[1]
    spectra = np.fft.rfft(profiles, 2 * size, axis=1)  # padded with the zero that surrounds the sample
    spectra[:, 0] = 0
    k = np.fft.rfftfreq(2 * size)
    begin = np.zeros(len(profiles)) if start is None else np.asarray(start, dtype=float)
    shifts = begin.copy()
    for _ in range(_ROUNDS):
        aligned = spectra * np.exp(2j * np.pi * k * shifts[:, None])
        total = aligned.sum(axis=0)
        others = total - aligned  # an image is not compared with itself
        step = np.array([_line_peak(np.conj(o) * a, 2 * size) for o, a in zip(others, aligned, strict=True)])
        step = (step - step.mean()) * (1 - 1 / len(step))  # from the mean of all, not of the others
        shifts = shifts + step
        if np.abs(step).max() < _ROUNDS_END:
            break
    return shifts - shifts.mean() + begin.mean()


def _line_peak(cross: NDArray[Any], size: int) -> float:
    """Return the displacement at which a cross-spectrum of two lines is most in phase [px]."""
    correlation = np.fft.irfft(cross, size)
    peak = float((int(correlation.argmax()) + size // 2) % size - size // 2)
    wave = 2j * np.pi * np.fft.rfftfreq(size)
    shift = peak
    for _ in range(_NEWTON_STEPS):
        phased = cross * np.exp(wave * shift)
        slope, bend = (wave * phased).real.sum(), (wave**2 * phased).real.sum()
        if bend >= 0:
            return peak
        step = float(np.clip(-slope / bend, -_LONGEST_STEP, _LONGEST_STEP))
        shift += step
        if abs(step) < _NEWTON_END:
            break
    return shift if abs(shift - peak) < _NEAR else peak

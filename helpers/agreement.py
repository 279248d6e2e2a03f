"""How well two things agree: images with a model by R, volumes as a whole, plane by plane and shell by shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Volume, multiplicity
from .checks import check_numbers, check_positive

_MOST = 1e60  # sums of squares of squares hold no larger values


def r_factor(calculated: ArrayLike, measured: ArrayLike) -> float:
    """Mean over tilts of Σ|calculated − measured| / Σ|measured|.

    Parameters
    ----------
    calculated, measured : (T, X, Y) array
        Images, in the same unit.

    Returns
    -------
    float
        0 for equal images, 1 for a model of nothing.

    Raises
    ------
    ValueError
        If shapes differ or are not (T, X, Y), a value is not finite, a measured image is zero everywhere, or R is
        beyond the numbers that there are.

    References
    ----------
    Yuan et al., Nat. Mater. 21, 95 (2022), doi:10.1038/s41563-021-01114-z (Methods).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.agreement import r_factor
    >>> r_factor(np.full((1, 2, 2), 3.0), np.full((1, 2, 2), 4.0))
    0.25
    """
    model = check_numbers(calculated, name="calculated", dtype=None, expected="images (T, X, Y)")
    data = check_numbers(measured, name="measured", dtype=None, expected="images (T, X, Y)")
    if model.shape != data.shape or model.ndim != 3 or model.size == 0:
        msg = f"calculated has shape {model.shape}, measured {data.shape}; expected the same (T, X, Y)"
        raise ValueError(msg)
    empty = np.flatnonzero(~data.any(axis=(1, 2)))
    if empty.size:
        msg = f"measured image {empty[0]} is zero everywhere, so nothing can be compared with it; leave it out"
        raise ValueError(msg)
    r = mean_residual(model, data)
    if not np.isfinite(r):
        msg = "calculated is so much larger than measured that R is beyond any number; expected images of one scale"
        raise ValueError(msg)
    return r


def mean_residual(model: NDArray[Any], data: NDArray[Any]) -> float:
    """Do what `r_factor` does, for images that were checked; NaN where the model is."""
    with np.errstate(over="ignore"):
        shares = [
            np.abs(np.subtract(m, d, dtype=np.result_type(m, d, np.float32))).sum(dtype=np.float64)
            / np.abs(d).sum(dtype=np.float64)
            for m, d in zip(model, data, strict=True)
        ]
        return float(np.mean(shares))


def correlation(first: Volume | ArrayLike, second: Volume | ArrayLike) -> float:
    """Pearson's correlation coefficient of two volumes, images or other arrays of one shape.

    Parameters
    ----------
    first, second : Volume or array
        What is compared.

    Returns
    -------
    float
        From −1 to 1; NaN where one of them is constant.

    Raises
    ------
    ValueError
        If shapes or voxel sizes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.agreement import correlation
    >>> volume = np.arange(8.0).reshape(2, 2, 2)
    >>> round(correlation(volume, 2 * volume + 1), 6)
    1.0
    """
    a, b, _ = _pair(first, second)
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class ShellCorrelation:
    """What `shell_correlation` returns.

    Attributes
    ----------
    frequency : (S,) array
        Spatial frequency of each shell [1/Å].
    correlation : (S,) array
        Normalised cross-correlation within the shell; NaN where a volume has no signal.
    count : (S,) array
        Fourier coefficients in the shell.
    """

    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]
    count: NDArray[np.int64]

    def resolution(self, *, threshold: float = 0.5) -> float:
        """Length down to which the correlation stays above a threshold [Å]; NaN if it never does."""
        below = np.flatnonzero(~(self.correlation[1:] >= threshold)) + 1
        if below.size == 0:
            return float(1.0 / self.frequency[-1])
        last = below[0]
        if last == 1:
            return float("nan")
        high, low = self.correlation[last - 1], self.correlation[last]
        fraction = (high - threshold) / (high - low) if np.isfinite(low) else 0.0
        return float(1.0 / (self.frequency[last - 1] + fraction * (self.frequency[last] - self.frequency[last - 1])))


def shell_correlation(
    first: Volume | ArrayLike,
    second: Volume | ArrayLike,
    *,
    voxel_size: float | None = None,
    window: bool = True,
    where: ArrayLike | None = None,
) -> ShellCorrelation:
    """Correlate two volumes on shells of equal spatial frequency (Fourier shell correlation).

    Parameters
    ----------
    first, second : Volume or (X, Y, Z) array
        The same region, reconstructed twice.
    voxel_size : float, optional
        Edge of a voxel [Å], where arrays are given.
    window : bool
        Fade both volumes out towards their faces with a Hann window, so that the jump from one face to the
        opposite one does not correlate.
    where : (X, Y, Z // 2 + 1) array, optional
        True for the Fourier coefficients that count, in the order of `numpy.fft.rfftn`; all by default.

    Returns
    -------
    ShellCorrelation
        Shells one coefficient of the longest side wide, up to half the sampling frequency.

    Raises
    ------
    ValueError
        If shapes or voxel sizes differ, or `where` does not have the shape of the transform.

    Notes
    -----
    Σ F₁ F₂* / √(Σ|F₁|² Σ|F₂|²) over each shell, of the volumes less their means.

    References
    ----------
    Harauz & van Heel, Optik 73, 146 (1986).

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.agreement import shell_correlation
    >>> noise = np.random.default_rng(0).random((16, 12, 14))
    >>> bool(np.allclose(shell_correlation(noise, 3 * noise, voxel_size=0.5).correlation, 1.0))
    True
    """
    import scipy.fft  # here, for it is slow to import

    a, b, known = _volumes(first, second)
    size = voxel_size if known is None else known
    if size is None:
        msg = "arrays carry no voxel size; pass voxel_size= in Å"
        raise ValueError(msg)
    size = check_positive("voxel_size", size)
    if window:
        for axis, n in enumerate(a.shape):
            fade = np.hanning(n + 2)[1:-1].reshape([-1 if k == axis else 1 for k in range(3)])
            a, b = a * fade, b * fade
    a, b = a - a.mean(), b - b.mean()
    fa, fb = scipy.fft.rfftn(a, workers=-1), scipy.fft.rfftn(b, workers=-1)
    axes = [scipy.fft.fftfreq(a.shape[0]), scipy.fft.fftfreq(a.shape[1]), scipy.fft.rfftfreq(a.shape[2])]
    radius = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2)
    longest = max(a.shape)
    shell = np.rint(radius * longest).astype(np.int64)
    weight = np.broadcast_to(multiplicity(a.shape[2]), shell.shape)
    if where is not None:
        chosen = np.asarray(where, dtype=bool)
        if chosen.shape != shell.shape:
            msg = f"where has shape {chosen.shape}; expected that of the transform, {shell.shape}"
            raise ValueError(msg)
        weight = weight * chosen
    shells = longest // 2 + 1

    def total(values: NDArray[Any]) -> NDArray[np.float64]:
        sums = np.bincount(shell.ravel(), (weight * values).ravel(), minlength=shells)[:shells]
        return sums.astype(np.float64)

    cross = total((fa * np.conj(fb)).real)
    power = total(np.abs(fa) ** 2) * total(np.abs(fb) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.where(power > 0, cross / np.sqrt(power), np.nan)
    correlation[0] = 1.0  # the mean was removed
    count = total(np.ones(shell.shape)).astype(np.int64)
    return ShellCorrelation(np.arange(shells) / (longest * size), correlation, count)


def plane_correlation(first: Volume | ArrayLike, second: Volume | ArrayLike, *, axis: int = 0) -> NDArray[np.float64]:
    """Correlate two volumes plane by plane.

    Parameters
    ----------
    first, second : Volume or (X, Y, Z) array
        The same region, reconstructed twice.
    axis : int
        Axis across which the planes are stacked: 0 (x), 1 (y) or 2 (z).

    Returns
    -------
    (n,) array
        Pearson's coefficient of each pair of planes; NaN where one of them is constant.

    Raises
    ------
    ValueError
        If shapes or voxel sizes differ, or the axis is none of the three.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.agreement import plane_correlation
    >>> noise = np.random.default_rng(0).random((3, 8, 8))
    >>> plane_correlation(noise, 1 - noise).round(6).tolist()
    [-1.0, -1.0, -1.0]
    """
    a, b, _ = _volumes(first, second)
    if not isinstance(axis, int | np.integer) or axis not in (0, 1, 2):
        msg = f"axis={axis!r}; expected 0 (x), 1 (y) or 2 (z)"
        raise ValueError(msg)
    rows = [np.moveaxis(v, axis, 0).reshape(v.shape[axis], -1) for v in (a, b)]
    rows = [r - r.mean(axis=1, keepdims=True) for r in rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (rows[0] * rows[1]).sum(1) / np.sqrt((rows[0] ** 2).sum(1) * (rows[1] ** 2).sum(1))


def _pair(
    first: Volume | ArrayLike, second: Volume | ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
    """Two arrays of one shape, and the voxel size if either knows it."""
    sizes = {v.voxel_size for v in (first, second) if isinstance(v, Volume)}
    if len(sizes) == 2:
        msg = f"voxel sizes are {min(sizes):g} and {max(sizes):g} Å; expected the same"
        raise ValueError(msg)
    a, b = (
        check_numbers(v.array if isinstance(v, Volume) else v, name=name)
        for v, name in ((first, "first"), (second, "second"))
    )
    for values, name in ((a, "first"), (b, "second")):
        if values.size and not np.abs(values).max() < _MOST:
            msg = f"{name} holds values up to {np.abs(values).max():.3g}; expected less than {_MOST:g}: scale it"
            raise ValueError(msg)
    if a.shape != b.shape or a.size == 0:
        msg = f"first has shape {a.shape}, second {b.shape}; expected the same"
        raise ValueError(msg)
    return a, b, sizes.pop() if sizes else None


def _volumes(
    first: Volume | ArrayLike, second: Volume | ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
    a, b, size = _pair(first, second)
    if a.ndim != 3:
        msg = f"volumes have shape {a.shape}; expected (x, y, z)"
        raise ValueError(msg)
    return a, b, size

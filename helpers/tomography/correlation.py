"""How well two volumes agree: shell by shell in Fourier space, plane by plane in real space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from ..arrays import Volume
from ..checks import check_positive


@dataclass(frozen=True)
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

    def resolution(self, threshold: float = 0.5) -> float:
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
    first: Volume | ArrayLike, second: Volume | ArrayLike, *, voxel_size: float | None = None, window: bool = True
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

    Returns
    -------
    ShellCorrelation
        Shells one coefficient of the longest side wide, up to half the sampling frequency.

    Raises
    ------
    ValueError
        If shapes or voxel sizes differ.

    Notes
    -----
    Σ F₁ F₂* / √(Σ|F₁|² Σ|F₂|²) over each shell, of the volumes less their means.

    References
    ----------
    Harauz & van Heel, Optik 73, 146 (1986).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).random((16, 12, 14))
    >>> bool(np.allclose(shell_correlation(noise, 3 * noise, voxel_size=0.5).correlation, 1.0))
    True
    """
    a, b, size = _pair(first, second, voxel_size)
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
    # The transform of a real volume keeps half of the coefficients; the others are counted through weights.
    weight = np.full(len(axes[2]), 2.0)
    weight[0] = 1.0
    if a.shape[2] % 2 == 0:
        weight[-1] = 1.0
    weight = np.broadcast_to(weight, shell.shape)
    shells = longest // 2 + 1

    def total(values: NDArray) -> NDArray[np.float64]:
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

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).random((3, 8, 8))
    >>> plane_correlation(noise, 1 - noise).round(6).tolist()
    [-1.0, -1.0, -1.0]
    """
    a, b, _ = _pair(first, second, 1.0)
    if axis not in (0, 1, 2):
        raise ValueError(f"axis={axis!r}; expected 0 (x), 1 (y) or 2 (z)")
    rows = [np.moveaxis(v, axis, 0).reshape(v.shape[axis], -1) for v in (a, b)]
    rows = [r - r.mean(axis=1, keepdims=True) for r in rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (rows[0] * rows[1]).sum(1) / np.sqrt((rows[0] ** 2).sum(1) * (rows[1] ** 2).sum(1))


def correlation(first: Volume | ArrayLike, second: Volume | ArrayLike) -> float:
    """Pearson's correlation coefficient of two volumes.

    Examples
    --------
    >>> import numpy as np
    >>> volume = np.arange(8.0).reshape(2, 2, 2)
    >>> round(correlation(volume, 2 * volume + 1), 6)
    1.0
    """
    a, b, _ = _pair(first, second, 1.0)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale > 0 else float("nan")


def _pair(
    first: Volume | ArrayLike, second: Volume | ArrayLike, voxel_size: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    sizes = {v.voxel_size for v in (first, second) if isinstance(v, Volume)}
    if len(sizes) == 2:
        raise ValueError(f"voxel sizes are {first.voxel_size:g} and {second.voxel_size:g} Å; expected the same")  # type: ignore[union-attr]
    a, b = (np.asarray(v.array if isinstance(v, Volume) else v, dtype=np.float64) for v in (first, second))
    if a.shape != b.shape or a.ndim != 3:
        raise ValueError(f"volumes have shapes {a.shape} and {b.shape}; expected the same (x, y, z)")
    size = sizes.pop() if sizes else voxel_size
    if size is None:
        raise ValueError("arrays carry no voxel size; pass voxel_size= in Å")
    return a, b, check_positive("voxel_size", size)

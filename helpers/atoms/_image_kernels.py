"""The kernels of the image model: Gaussians onto images, images back onto atoms, and the likelihood of counts.

An atom's Gaussian is separable and is evaluated in a window of `half` pixels to each side of the nearest pixel. Along
one axis its values follow from two exponentials: g(k + 1) = g(k) ρ(k) and ρ(k + 1) = ρ(k) exp(−2 a).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import SAFE, kernel, parts_of, share

_ATOMS = 4  # atoms of an image take as long as a simple item
_PIXELS = 64  # and so do so many pixels that are compared


def splat(
    positions: NDArray[Any],
    lines: NDArray[Any],
    amplitude: NDArray[Any],
    decay: NDArray[Any],
    half: NDArray[np.int64],
    images: NDArray[Any],
) -> None:
    """Draw atoms of a height, a decay [1/px²] and half a window [px] into images (T, X, Y); see `_splat`."""
    parts = min(len(images), parts_of(len(images) * len(positions) // _ATOMS))
    share(_splat, parts, positions, lines, amplitude, decay, half, _widest(half), images)


def gather(
    positions: NDArray[Any],
    lines: NDArray[Any],
    amplitude: NDArray[Any],
    decay: NDArray[Any],
    half: NDArray[np.int64],
    images: NDArray[Any],
    out: NDArray[np.float64],
    moves: NDArray[np.float64],
) -> None:
    """Add what images say of every atom to out (groups, N, 5), and set the moves (T, 2); see `_gather`."""
    parts = min(len(out), parts_of(len(images) * len(positions) // _ATOMS))
    share(_gather, parts, positions, lines, amplitude, decay, half, _widest(half), images, out, moves)


def compare(
    images: NDArray[Any],
    corner: tuple[int, int],
    counts: NDArray[np.float32],
    ground: NDArray[np.float64],
    extra: NDArray[np.float32],
    gaussian: float,
    poisson: float,
    sums: NDArray[np.float64],
) -> None:
    """Turn model images into ∂L/∂(image), in place, and set the sums (T, 5) of each tilt; see `_compare`."""
    parts = min(len(images), parts_of(images.size // _PIXELS))
    share(_compare, parts, images, corner, counts, ground, extra, gaussian, poisson, sums)


def _widest(half: NDArray[np.int64]) -> int:
    """Return the pixels across the widest window."""
    return 2 * int(half.max(initial=0)) + 1


@kernel(inner=True)
def _gaussian(out, centre, first, count, decay):
    """out[k] = exp(−decay (first + k − centre)²)."""
    d = first - centre
    value = math.exp(-decay * d * d)
    ratio = math.exp(-decay * (2.0 * d + 1.0))
    step = math.exp(-2.0 * decay)
    for k in range(count):
        out[k] = value
        value *= ratio
        ratio *= step


@kernel(inner=True)
def _place(positions, lines, t, n):
    """Pixel coordinates of atom n in image t."""
    row, column = lines[t, 0], lines[t, 1]
    x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
    return row[0] * x + row[1] * y + row[2] * z + row[3], column[0] * x + column[1] * y + column[2] * z + column[3]


@kernel(inner=True)
def _window(centre, half, count):
    """First pixel of a window about a place, and the one that follows its last; none of it where that is no greater."""
    nearest = math.floor(centre + 0.5)
    return max(0, nearest - half), min(count, nearest + half + 1)


@kernel(inner=True, fastmath=SAFE)
def _splat_one(positions, lines, amplitude, decay, half, t, widest, image):
    """Draw all atoms in image t."""
    nx, ny = image.shape
    gx, gy = np.empty(widest, image.dtype), np.empty(widest, image.dtype)
    for i in range(nx):
        for j in range(ny):
            image[i, j] = 0.0
    for n in range(len(positions)):
        u, v = _place(positions, lines, t, n)
        i0, i1 = _window(u, half[n], nx)
        j0, j1 = _window(v, half[n], ny)
        if i0 >= i1 or j0 >= j1:
            continue
        _gaussian(gx, u, i0, i1 - i0, decay[n])
        _gaussian(gy, v, j0, j1 - j0, decay[n])
        for k in range(i1 - i0):
            gx[k] *= amplitude[n]
        for i in range(i0, i1):
            row = image[i, j0:j1]
            value = gx[i - i0]
            for k in range(j1 - j0):
                row[k] += value * gy[k]


@kernel
def _splat(part, parts, positions, lines, amplitude, decay, half, widest, images):
    """images[t, i, j] = Σ_n A exp(−a ((i − u)² + (j − v)²)), in windows up to `widest` pixels across."""
    for t in range(part, len(images), parts):
        _splat_one(positions, lines, amplitude, decay, half, t, widest, images[t])


@kernel(inner=True, fastmath=SAFE)
def _gather_one(positions, lines, amplitude, decay, half, t, windows, image, out):
    """Add what image t says of every atom to out (N, 5); return ∂L/∂u and ∂L/∂v summed over atoms."""
    nx, ny = image.shape
    gx, gy, g1, g2 = windows[0], windows[1], windows[2], windows[3]
    moved_u = 0.0
    moved_v = 0.0
    for n in range(len(positions)):
        u, v = _place(positions, lines, t, n)
        i0, i1 = _window(u, half[n], nx)
        j0, j1 = _window(v, half[n], ny)
        if i0 >= i1 or j0 >= j1:
            continue
        _gaussian(gx, u, i0, i1 - i0, decay[n])
        _gaussian(gy, v, j0, j1 - j0, decay[n])
        for k in range(j1 - j0):
            d = image.dtype.type(j0 + k - v)
            g1[k] = gy[k] * d
            g2[k] = g1[k] * d
        s0 = 0.0
        su = 0.0
        sv = 0.0
        s2 = 0.0
        zero = image.dtype.type(0.0)
        for i in range(i0, i1):
            row = image[i, j0:j1]
            r0 = zero
            r1 = zero
            r2 = zero
            for k in range(j1 - j0):
                value = row[k]
                r0 += value * gy[k]
                r1 += value * g1[k]
                r2 += value * g2[k]
            d = i - u
            weight = float(gx[i - i0])
            s0 += weight * r0
            su += weight * d * r0
            sv += weight * r1
            s2 += weight * (d * d * r0 + r2)
        scale = 2.0 * decay[n] * amplitude[n]
        su *= scale
        sv *= scale
        moved_u += su
        moved_v += sv
        for axis in range(3):
            out[n, axis] += su * lines[t, 0, axis] + sv * lines[t, 1, axis]
        out[n, 3] += s0
        out[n, 4] += amplitude[n] * s2
    return moved_u, moved_v


@kernel
def _gather(part, parts, positions, lines, amplitude, decay, half, widest, images, out, moves):
    """Adjoint of the derivatives of `_splat`, for images R = ∂L/∂(image).

    Adds to out (groups, N, 5): ∂L/∂x, ∂L/∂y, ∂L/∂z, Σ g R, Σ A ρ² g R, with ρ² the squared distance in pixels, and
    sets moves (T, 2): ∂L/∂u and ∂L/∂v summed over atoms. A group of tilts owns its slice of out.
    """
    groups = len(out)
    windows = np.empty((4, widest), images.dtype)
    for g in range(part, groups, parts):
        for t in range(g, len(images), groups):
            moved = _gather_one(positions, lines, amplitude, decay, half, t, windows, images[t], out[g])
            moves[t, 0], moves[t, 1] = moved


@kernel(inner=True)
def _deviance(model, counts, floor):
    """M − d + d ln(d / m) and its derivative; below the floor the parabola that touches it there."""
    data = max(counts, 0.0)
    if model < floor:
        value = floor - data + (data * math.log(data / floor) if data > 0.0 else 0.0)
        slope = 1.0 - data / floor
        bend = data / (floor * floor)
        d = model - floor
        return value + slope * d + 0.5 * bend * d * d, slope + bend * d
    if data > 0.0:
        return model - data + data * math.log(data / model), 1.0 - data / model
    return model, 1.0


@kernel(inner=True)
def _compare_one(image, corner, counts, ground, extra, t, gaussian, poisson, sums):
    """Compare image t with its counts; see `_compare`."""
    nx, ny = counts.shape
    shot = poisson > 0.0
    offset = gaussian * gaussian / poisson if shot else 0.0
    inverse = 1.0 / poisson if shot else 1.0 / (gaussian * gaussian)
    floor = 0.01 * poisson
    for k in range(5):
        sums[k] = 0.0
    for i in range(image.shape[0]):
        ii = i - corner[0]
        inside = 0 <= ii < nx
        first, last = (corner[1], corner[1] + ny) if inside else (image.shape[1], image.shape[1])
        for j in range(first):
            image[i, j] = 0.0
        for j in range(last, image.shape[1]):
            image[i, j] = 0.0
        if not inside:
            continue
        x = 2.0 * (ii - nx // 2) / nx
        base = ground[0] + ground[1] * x
        value_sum = slope_sum = tilted = absolute = 0.0
        for j in range(ny):
            y = 2.0 * (j - ny // 2) / ny
            mean = image[i, j + corner[1]] + base + ground[2] * y
            if extra.size:
                mean += extra[t, ii, j]
            data = counts[ii, j]
            if shot:
                value, slope = _deviance(mean + offset, data + offset, floor)
            else:
                slope = mean - data
                value = 0.5 * slope * slope
            slope *= inverse
            value_sum += value * inverse
            slope_sum += slope
            tilted += slope * y
            absolute += abs(mean - data)
            image[i, j + corner[1]] = slope
        sums[0] += value_sum
        sums[1] += slope_sum
        sums[2] += slope_sum * x
        sums[3] += tilted
        sums[4] += absolute


@kernel
def _compare(part, parts, images, corner, counts, ground, extra, gaussian, poisson, sums):
    """Turn model images into ∂L/∂(image), in place, and add up each tilt.

    The expected counts are image + ground · (1, x, y) + extra, with x and y in half-fields and `extra` empty or an
    image. L is half the deviance of counts whose variance is gaussian² + poisson × mean: with s = gaussian² / poisson,
    (counts + s) / poisson is taken as a Poisson variable; without shot noise L is half of chi squared.
    sums (T, 5): L, Σ r, Σ r x, Σ r y, Σ |expected − counts|. Pixels around the field become zero.
    """
    for t in range(part, len(counts), parts):
        _compare_one(images[t], corner, counts[t], ground[t], extra, t, gaussian, poisson, sums[t])

"""The kernels of the image model: Gaussians onto images, images back onto atoms, and the likelihood of counts.

An atom's Gaussian is separable and is evaluated in a window of `half` pixels to each side of the nearest pixel. Along
one axis its values follow from two exponentials: g(k + 1) = g(k) ρ(k) and ρ(k + 1) = ρ(k) exp(−2 a).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

# Everything but "no NaN" and "no infinity": a NaN must stay one.
SAFE = {"contract", "nsz", "arcp", "reassoc"}


@njit(cache=True)
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


@njit(cache=True)
def _place(positions, lines, t, axis, n):
    """Pixel coordinate of atom n along an axis of image t."""
    row = lines[t, axis]
    return row[0] * positions[n, 0] + row[1] * positions[n, 1] + row[2] * positions[n, 2] + row[3]


@njit(parallel=True, cache=True, fastmath=SAFE)
def _splat(positions, lines, amplitude, decay, half, images):
    """images[t, i, j] = Σ_n A exp(−a ((i − u)² + (j − v)²)); a thread owns a whole image."""
    tilts, nx, ny = images.shape
    for t in prange(tilts):
        image = images[t]
        image[:] = 0.0
        widest = 2 * half.max() + 1 if half.size else 1
        gx = np.empty(widest, images.dtype)
        gy = np.empty(widest, images.dtype)
        for n in range(len(positions)):
            u = _place(positions, lines, t, 0, n)
            v = _place(positions, lines, t, 1, n)
            i0 = max(0, math.floor(u + 0.5) - half[n])
            i1 = min(nx, math.floor(u + 0.5) + half[n] + 1)
            j0 = max(0, math.floor(v + 0.5) - half[n])
            j1 = min(ny, math.floor(v + 0.5) + half[n] + 1)
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


@njit(parallel=True, cache=True, fastmath=SAFE)
def _gather(positions, lines, amplitude, decay, half, images, out, moves):
    """Adjoint of the derivatives of `_splat`, for images R = ∂L/∂(image).

    Adds to out (groups, N, 5): ∂L/∂x, ∂L/∂y, ∂L/∂z, Σ g R, Σ A ρ² g R, with ρ² the squared distance in pixels, and
    sets moves (T, 2): ∂L/∂u and ∂L/∂v summed over atoms. A group of tilts owns its slice of out.
    """
    groups = len(out)
    tilts, nx, ny = images.shape
    for g in prange(groups):
        widest = 2 * half.max() + 1 if half.size else 1
        gx = np.empty(widest, images.dtype)
        gy = np.empty(widest, images.dtype)
        g1 = np.empty(widest, images.dtype)
        g2 = np.empty(widest, images.dtype)
        for t in range(g, tilts, groups):
            image = images[t]
            moved_u = 0.0
            moved_v = 0.0
            for n in range(len(positions)):
                u = _place(positions, lines, t, 0, n)
                v = _place(positions, lines, t, 1, n)
                i0 = max(0, math.floor(u + 0.5) - half[n])
                i1 = min(nx, math.floor(u + 0.5) + half[n] + 1)
                j0 = max(0, math.floor(v + 0.5) - half[n])
                j1 = min(ny, math.floor(v + 0.5) + half[n] + 1)
                if i0 >= i1 or j0 >= j1:
                    continue
                _gaussian(gx, u, i0, i1 - i0, decay[n])
                _gaussian(gy, v, j0, j1 - j0, decay[n])
                for k in range(j1 - j0):
                    d = images.dtype.type(j0 + k - v)
                    g1[k] = gy[k] * d
                    g2[k] = g1[k] * d
                s0 = 0.0
                su = 0.0
                sv = 0.0
                s2 = 0.0
                zero = images.dtype.type(0.0)
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
                    out[g, n, axis] += su * lines[t, 0, axis] + sv * lines[t, 1, axis]
                out[g, n, 3] += s0
                out[g, n, 4] += amplitude[n] * s2
            moves[t, 0] = moved_u
            moves[t, 1] = moved_v


@njit(cache=True)
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


@njit(parallel=True, cache=True)
def _compare(images, corner, counts, ground, extra, gaussian, poisson, sums):
    """Turn model images into ∂L/∂(image), in place, and add up each tilt.

    The expected counts are image + ground · (1, x, y) + extra, with x and y in half-fields and `extra` empty or an
    image. L is half the deviance of counts whose variance is gaussian² + poisson × mean: with s = gaussian² / poisson,
    (counts + s) / poisson is taken as a Poisson variable; without shot noise L is half of chi squared.
    sums (T, 5): L, Σ r, Σ r x, Σ r y, Σ |expected − counts|. Pixels around the field become zero.
    """
    tilts, nx, ny = counts.shape
    shot = poisson > 0.0
    offset = gaussian * gaussian / poisson if shot else 0.0
    inverse = 1.0 / poisson if shot else 1.0 / (gaussian * gaussian)
    floor = 0.01 * poisson
    for t in prange(tilts):
        total = np.zeros(5)
        image = images[t]
        for i in range(image.shape[0]):
            ii = i - corner[0]
            if ii < 0 or ii >= nx:
                image[i] = 0.0
                continue
            image[i, : corner[1]] = 0.0
            image[i, corner[1] + ny :] = 0.0
            x = 2.0 * (ii - nx // 2) / nx
            base = ground[t, 0] + ground[t, 1] * x
            line = np.zeros(5)
            for j in range(ny):
                y = 2.0 * (j - ny // 2) / ny
                mean = image[i, j + corner[1]] + base + ground[t, 2] * y
                if extra.size:
                    mean += extra[t, ii, j]
                data = counts[t, ii, j]
                if shot:
                    value, slope = _deviance(mean + offset, data + offset, floor)
                else:
                    slope = mean - data
                    value = 0.5 * slope * slope
                slope *= inverse
                line[0] += value * inverse
                line[1] += slope
                line[3] += slope * y
                line[4] += abs(mean - data)
                image[i, j + corner[1]] = slope
            line[2] = line[1] * x
            total += line
        sums[t] = total

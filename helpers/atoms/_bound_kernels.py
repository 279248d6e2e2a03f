"""How much atoms that overlap in projection blur each other: the sums behind the bound of many atoms."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True)
def _sort_cells(places, low, cells, size, order, starts):
    """Sort one tilt's atoms into square cells by counting; starts (cells + 1) delimit `order`."""
    nx, ny = cells
    starts[:] = 0
    for n in range(len(places)):
        i = int((places[n, 0] - low[0]) / size)
        j = int((places[n, 1] - low[1]) / size)
        starts[i * ny + j + 1] += 1
    for c in range(nx * ny):
        starts[c + 1] += starts[c]
    fill = starts[:-1].copy()
    for n in range(len(places)):
        c = int((places[n, 0] - low[0]) / size) * ny + int((places[n, 1] - low[1]) / size)
        order[fill[c]] = n
        fill[c] += 1


@njit(cache=True)
def _factor(a):
    """Lower Cholesky factor of a 3 × 3 matrix in place, with a floor for what rounding makes negative."""
    for q in range(3):
        for r in range(q, 3):
            value = a[r, q]
            for s in range(q):
                value -= a[r, s] * a[q, s]
            a[r, q] = np.sqrt(max(value, 1e-12 * abs(a[q, q]) + 1e-300)) if r == q else value / a[q, q]


@njit(parallel=True, cache=True)
def _loss(
    places,
    order,
    starts,
    low,
    cells,
    size,
    lines,
    weight,
    kinds,
    tables,
    fine,
    reach,
    maps,
    scale,
    sharp,
    blurred,
    width,
    groups,
):
    """Σ_j E_ij (S_j + E_ijᵀ V_i E_ij)⁻¹ E_ijᵀ (N, 4, 4): what overlapping atoms take from what is known of atom i.

    S_j (N, 4, 4) is what is known of atom j, V_i the inverse of S_i, or zero: the sum is what is known of j without i.
    E_ij, the Fisher information shared by two atoms in x, y, z and H, sums over tilts the correlation of their profiles
    (tables, on a grid of 1 / fine pixels) at their distance, times the inverse variance halfway between them (maps).
    """
    tilts, count = places.shape[:2]
    found = np.zeros((count, 4, 4))
    half = tables.shape[-1] // 2
    for g in prange(groups):
        shared = np.zeros((count, 4, 3))
        touched = np.empty(count, np.int64)
        marked = np.zeros(count, np.bool_)
        pair = np.empty((3, 3))
        without = np.empty((3, 3))
        half_way = np.empty((4, 3))
        for i in range(g, count, groups):
            met = 0
            for t in range(tilts):
                u, v = places[t, i, 0], places[t, i, 1]
                ci = int((u - low[t, 0]) / size)
                cj = int((v - low[t, 1]) / size)
                for a in range(max(0, ci - 1), min(cells[t, 0], ci + 2)):
                    for b in range(max(0, cj - 1), min(cells[t, 1], cj + 2)):
                        c = a * cells[t, 1] + b
                        for k in range(starts[t, c], starts[t, c + 1]):
                            j = order[t, k]
                            du = places[t, j, 0] - u
                            dv = places[t, j, 1] - v
                            if j == i or du * du + dv * dv > reach * reach:
                                continue
                            mi = int(np.floor(u + 0.5 * du + 0.5))
                            mj = int(np.floor(v + 0.5 * dv + 0.5))
                            if mi < 0 or mj < 0 or mi >= maps.shape[1] or mj >= maps.shape[2]:
                                continue
                            level = maps[t, mi, mj]
                            x = du * fine + half
                            y = dv * fine + half
                            p, q = int(x), int(y)
                            fx, fy = x - p, y - q
                            table = tables[kinds[i], kinds[j]]
                            for r in range(3):
                                for s in range(3):
                                    one = table[r, s]
                                    pair[r, s] = level * (
                                        (1 - fx) * ((1 - fy) * one[p, q] + fy * one[p, q + 1])
                                        + fx * ((1 - fy) * one[p + 1, q] + fy * one[p + 1, q + 1])
                                    )
                            if not marked[j]:
                                marked[j] = True
                                touched[met] = j
                                met += 1
                                shared[j] = 0.0
                            both = weight[i] * weight[j]
                            for r in range(3):
                                left = lines[t, 0, r] * pair[0, 0] + lines[t, 1, r] * pair[1, 0]
                                right = lines[t, 0, r] * pair[0, 1] + lines[t, 1, r] * pair[1, 1]
                                for s in range(3):
                                    shared[j, r, s] += both * (left * lines[t, 0, s] + right * lines[t, 1, s])
                                shared[j, 3, r] += weight[j] * (
                                    lines[t, 0, r] * pair[2, 0] + lines[t, 1, r] * pair[2, 1]
                                )
            for m in range(met):
                j = touched[m]
                marked[j] = False
                for r in range(width):
                    for q in range(3):
                        shared[j, r, q] *= scale[i, r] * scale[j, q]
                for r in range(3):
                    for q in range(3):
                        total = sharp[j, r, q]
                        for a in range(width):
                            for b in range(width):
                                total += shared[j, a, r] * blurred[i, a, b] * shared[j, b, q]
                        without[r, q] = total
                _factor(without)
                for r in range(width):  # row r of E L⁻ᵀ
                    for q in range(3):
                        value = shared[j, r, q]
                        for s in range(q):
                            value -= half_way[r, s] * without[q, s]
                        half_way[r, q] = value / without[q, q]
                for r in range(width):
                    for q in range(width):
                        for s in range(3):
                            found[i, r, q] += half_way[r, s] * half_way[q, s]
    return found

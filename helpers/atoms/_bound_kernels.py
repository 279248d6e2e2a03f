"""What atoms that overlap in projection share: the sums behind the bound of many atoms."""

from __future__ import annotations

import numpy as np

from ..kernels import kernel


@kernel
def _sort_cells(places, low, cells, size, order, starts):
    """Sort one tilt's atoms into square cells by counting; starts (cells + 1) delimit `order`."""
    nx, ny = cells[0], cells[1]
    for c in range(nx * ny + 1):
        starts[c] = 0
    for n in range(len(places)):
        i = int((places[n, 0] - low[0]) / size)
        j = int((places[n, 1] - low[1]) / size)
        starts[i * ny + j + 1] += 1
    for c in range(nx * ny):
        starts[c + 1] += starts[c]
    for n in range(len(places)):
        c = int((places[n, 0] - low[0]) / size) * ny + int((places[n, 1] - low[1]) / size)
        order[starts[c]] = n
        starts[c] += 1
    for c in range(nx * ny, 0, -1):  # each now ends where the next began
        starts[c] = starts[c - 1]
    starts[0] = 0


@kernel(inner=True)
def _couple_one(
    i, column, places, order, starts, low, cells, size, lines, weight, kinds, tables, fine, reach, maps, shares, pair,
    out,
):  # fmt: skip
    """Information that atom i shares with those whose `column` is not negative; see `_couple`."""
    half = tables.shape[-1] // 2
    width = out.shape[-1]
    near, far = pair[3], pair[4]
    for t in range(len(places)):
        if shares[t, i, 0] == 0 and shares[t, i, 1] == 0 and shares[t, i, 2] == 0:
            continue
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
                    if j == i or column[j] < 0 or du * du + dv * dv > reach * reach:
                        continue
                    mi = int(np.floor(u + 0.5 * du + 0.5))
                    mj = int(np.floor(v + 0.5 * dv + 0.5))
                    if mi < 0 or mj < 0 or mi >= maps.shape[2] or mj >= maps.shape[3]:
                        continue
                    for r in range(3):
                        near[r] = maps[t, r, mi, mj] * shares[t, i, r]
                        far[r] = maps[t, r, mi, mj] * shares[t, j, r]
                    x = du * fine + half
                    y = dv * fine + half
                    p, q = int(x), int(y)
                    fx, fy = x - p, y - q
                    table = tables[kinds[i], kinds[j]]
                    for r in range(3):
                        for s in range(3):
                            one = table[r, s]
                            pair[r, s] = (
                                near[r]
                                * far[s]
                                * (
                                    (1 - fx) * ((1 - fy) * one[p, q] + fy * one[p, q + 1])
                                    + fx * ((1 - fy) * one[p + 1, q] + fy * one[p + 1, q + 1])
                                )
                            )
                    block = out[column[j]]
                    both = weight[i] * weight[j]
                    for r in range(3):
                        left = lines[t, 0, r] * pair[0, 0] + lines[t, 1, r] * pair[1, 0]
                        right = lines[t, 0, r] * pair[0, 1] + lines[t, 1, r] * pair[1, 1]
                        for s in range(3):
                            block[r, s] += both * (left * lines[t, 0, s] + right * lines[t, 1, s])
                        if width == 4:
                            block[r, 3] += weight[i] * (lines[t, 0, r] * pair[0, 2] + lines[t, 1, r] * pair[1, 2])
                            block[3, r] += weight[j] * (lines[t, 0, r] * pair[2, 0] + lines[t, 1, r] * pair[2, 1])
                    if width == 4:
                        block[3, 3] += pair[2, 2]


@kernel
def _couple(
    part, parts, rows, column, places, order, starts, low, cells, size, lines, weight, kinds, tables, fine, reach, maps,
    shares, out,
):  # fmt: skip
    """Fisher information shared by atoms `rows` and those whose `column` is not negative, in blocks of `out`.

    out (rows, columns, W, W), of x, y, z and, for W = 4, H, sums over tilts the correlation of the atoms' profiles
    (tables, on a grid of 1 / fine pixels) at their distance, weighted by a root of the inverse variance halfway between
    them (maps (T, 3, GX, GY)) and of what the image holds of the atom (shares (T, N, 3)) for either profile.
    """
    pair = np.empty((5, 3))
    for m in range(part, len(rows), parts):
        _couple_one(
            rows[m], column, places, order, starts, low, cells, size, lines, weight, kinds, tables, fine, reach, maps,
            shares, pair, out[m],
        )  # fmt: skip

"""Neighbours, order and nuclei the slow, obvious way."""

from __future__ import annotations

import numpy as np
from scipy.special import sph_harm_y


def bonds(positions, box=None):
    """Vectors (N, N, 3) from every atom to the nearest image of every other."""
    vectors = positions[None, :, :] - positions[:, None, :]
    return vectors if box is None else vectors - box * np.round(vectors / box)


def neighbours(positions, cutoff, box=None):
    """Rows of (neighbour, distance) for every atom."""
    distances = np.linalg.norm(bonds(positions, box), axis=2)
    rows = []
    for i, row in enumerate(distances):
        near = [j for j in range(len(row)) if j != i and row[j] <= cutoff]
        rows.append([(j, row[j]) for j in near])
    return rows


def bond_order(positions, cutoff, box=None):
    """Averaged Q4 and Q6 with complex harmonics, atom by atom."""
    vectors = bonds(positions, box)
    near = [[j for j, _ in row] for row in neighbours(positions, cutoff, box)]
    orders = []
    for degree in (4, 6):
        local = np.full((len(positions), 2 * degree + 1), np.nan, dtype=complex)
        for i, row in enumerate(near):
            if row:
                x, y, z = vectors[i, row].T
                polar, azimuth = np.arccos(z / np.sqrt(x * x + y * y + z * z)), np.arctan2(y, x)
                for m in range(-degree, degree + 1):
                    local[i, m] = sph_harm_y(degree, m, polar, azimuth).mean()
        mean = np.array([local[[i, *row]].mean(axis=0) for i, row in enumerate(near)])
        orders.append(np.sqrt(4 * np.pi / (2 * degree + 1) * (abs(mean) ** 2).sum(axis=1)))
    return orders


def find_nuclei(positions, order, threshold, radius, crowd, support, box=None):
    """The rule word by word."""
    distances = np.linalg.norm(bonds(positions, box), axis=2)
    ordered = {i for i, value in enumerate(order) if value > threshold}
    company = {i: {j for j in ordered if j != i and distances[i, j] <= radius} for i in ordered}
    kept = {i for i in ordered if len(company[i]) + 1 >= crowd}
    restored = {i for i in ordered - kept if len(company[i] & kept) >= support}
    return np.array([i in kept | restored for i in range(len(order))])

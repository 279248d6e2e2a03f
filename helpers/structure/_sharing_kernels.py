"""Kernels that find which bipyramids have tetrahedra in common."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..kernels import kernel

_CHUNK = 1024  # bipyramids that one thread takes in one go
_PARTS = 4  # of the tetrahedra: a thread lists the holders of some, and reads all bipyramids
_HOLDERS = 6  # bipyramids of one kind at a tetrahedron, one for each edge; the table is enlarged where there are more


def list_holders(members: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the bipyramids of which each tetrahedron is a member, -1 beyond the last."""
    width = _HOLDERS
    while True:
        holders = np.full((int(members.max()) + 1, width), -1, np.int32)
        most = int(_fill_holders(members, holders))
        if most <= width:
            return holders
        width = most


def find_pairs(
    members: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many others share one tetrahedron and two with each, and the pairs, as `Sharing` holds them."""
    holders = list_holders(members)
    vertex, edge, later = (np.empty(shape, np.int64) for shape in (len(members), len(members), (len(members) + 1, 2)))
    _count_shared(members, holders, vertex, edge, later)
    starts = np.cumsum(later, axis=0, out=later)
    vertex_pairs, edge_pairs = (np.empty((starts[-1, kind], 2), np.int64) for kind in (0, 1))
    _fill_pairs(members, holders, starts, vertex_pairs, edge_pairs)
    return vertex, edge, vertex_pairs, edge_pairs


def find_links(members: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return where the row of each bipyramid starts, and the rows: who shares an edge, later ones first, ascending."""
    holders = list_holders(members)
    vertex, edge, later = (np.empty(shape, np.int64) for shape in (len(members), len(members), (len(members) + 1, 2)))
    _count_shared(members, holders, vertex, edge, later)
    starts = np.concatenate([[0], np.cumsum(edge)])
    links = np.empty(starts[-1], np.int32)
    _fill_links(members, holders, starts, links)
    return starts, links


@kernel(parallel=True)
def _fill_holders(members, holders):
    """Enter every bipyramid at its tetrahedra; return the width that is needed, or twice this where it is not known."""
    width = holders.shape[1]
    most = np.zeros(_PARTS, np.int64)
    for part in prange(_PARTS):
        low, high = len(holders) * part // _PARTS, len(holders) * (part + 1) // _PARTS
        beyond = 0  # entries that found no room
        for k in range(len(members)):
            for m in range(members.shape[1]):
                t = members[k, m]
                if t < low or t >= high:
                    continue
                place = 0
                while place < width and holders[t, place] >= 0:
                    place += 1
                if place < width:
                    holders[t, place] = k
                else:
                    beyond += 1
        most[part] = width + min(beyond, width)
    return most.max()


@kernel
def _meet(members, holders, k, others, common):
    """Others that have tetrahedra in common with bipyramid k, ascending, and how many; return their number."""
    count = 0
    for m in range(members.shape[1]):
        t = members[k, m]
        for place in range(holders.shape[1]):
            other = holders[t, place]
            if other < 0:
                break
            if other == k:
                continue
            at = count
            while at > 0 and others[at - 1] > other:
                at -= 1
            if at > 0 and others[at - 1] == other:
                common[at - 1] += 1
                continue
            for later in range(count, at, -1):
                others[later] = others[later - 1]
                common[later] = common[later - 1]
            others[at] = other
            common[at] = 1
            count += 1
    return count


@kernel(parallel=True)
def _count_shared(members, holders, vertex, edge, later):
    """Count who shares one tetrahedron and two with every bipyramid; and, one row on, those that come later."""
    later[0, 0] = 0
    later[0, 1] = 0
    for chunk in prange((len(members) + _CHUNK - 1) // _CHUNK):
        others = np.empty(members.shape[1] * holders.shape[1], np.int32)
        common = np.empty(len(others), np.int32)
        for k in range(chunk * _CHUNK, min(len(members), (chunk + 1) * _CHUNK)):
            one = two = later_one = later_two = 0
            for m in range(_meet(members, holders, k, others, common)):
                one += common[m] == 1
                two += common[m] == 2
                later_one += common[m] == 1 and others[m] > k
                later_two += common[m] == 2 and others[m] > k
            vertex[k] = one
            edge[k] = two
            later[k + 1, 0] = later_one
            later[k + 1, 1] = later_two


@kernel(parallel=True)
def _fill_pairs(members, holders, starts, vertex_pairs, edge_pairs):
    """Write the pairs, first < second, in order."""
    for chunk in prange((len(members) + _CHUNK - 1) // _CHUNK):
        others = np.empty(members.shape[1] * holders.shape[1], np.int32)
        common = np.empty(len(others), np.int32)
        for k in range(chunk * _CHUNK, min(len(members), (chunk + 1) * _CHUNK)):
            one, two = starts[k, 0], starts[k, 1]
            for m in range(_meet(members, holders, k, others, common)):
                if others[m] < k:
                    continue
                if common[m] == 1:
                    vertex_pairs[one, 0] = k
                    vertex_pairs[one, 1] = others[m]
                    one += 1
                elif common[m] == 2:
                    edge_pairs[two, 0] = k
                    edge_pairs[two, 1] = others[m]
                    two += 1


@kernel(parallel=True)
def _fill_links(members, holders, starts, links):
    """Write who shares an edge with every bipyramid: those that come later, then those that come earlier."""
    for chunk in prange((len(members) + _CHUNK - 1) // _CHUNK):
        others = np.empty(members.shape[1] * holders.shape[1], np.int32)
        common = np.empty(len(others), np.int32)
        for k in range(chunk * _CHUNK, min(len(members), (chunk + 1) * _CHUNK)):
            place = starts[k]
            count = _meet(members, holders, k, others, common)
            for later in (True, False):
                for m in range(count):
                    if common[m] == 2 and (others[m] > k) == later:
                        links[place] = others[m]
                        place += 1

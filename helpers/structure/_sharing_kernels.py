"""Kernels that find which bipyramids have tetrahedra in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share

_PARTS = 4  # of the tetrahedra: a thread lists the holders of some, and reads all bipyramids
_HOLDERS = 6  # bipyramids of one kind at a tetrahedron, one for each edge; the table is enlarged where there are more


def list_holders(members: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the bipyramids of which each tetrahedron is a member, -1 beyond the last."""
    width = _HOLDERS
    while True:
        holders = np.full((int(members.max()) + 1, width), -1, np.int32)
        needed = np.zeros(_PARTS, np.int64)
        share(_fill_holders, _PARTS, members, holders, needed)
        most = int(needed.max())
        if most <= width:
            return holders
        width = most


def find_pairs(
    members: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many others share one tetrahedron and two with each, and the pairs, as `Sharing` holds them."""
    holders = list_holders(members)
    vertex, edge, later = (np.zeros(shape, np.int64) for shape in (len(members), len(members), (len(members) + 1, 2)))
    share(_count_shared, parts_of(len(members)), members, holders, vertex, edge, later)
    starts = np.cumsum(later, axis=0, out=later)
    vertex_pairs, edge_pairs = (np.empty((starts[-1, kind], 2), np.int64) for kind in (0, 1))
    share(_fill_pairs, parts_of(len(members)), members, holders, starts, vertex_pairs, edge_pairs)
    return vertex, edge, vertex_pairs, edge_pairs


def find_links(members: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return where the row of each bipyramid starts, and the rows: who shares an edge, later ones first, ascending."""
    holders = list_holders(members)
    vertex, edge, later = (np.zeros(shape, np.int64) for shape in (len(members), len(members), (len(members) + 1, 2)))
    share(_count_shared, parts_of(len(members)), members, holders, vertex, edge, later)
    starts = np.concatenate([[0], np.cumsum(edge)])
    links = np.empty(starts[-1], np.int32)
    share(_fill_links, parts_of(len(members)), members, holders, starts, links)
    return starts, links


@kernel
def _fill_holders(part, parts, members, holders, needed):
    """Enter every bipyramid at the tetrahedra of one part.

    Writes the width that is needed, or twice this where it is not known.
    """
    width = holders.shape[1]
    low, high = len(holders) * part // parts, len(holders) * (part + 1) // parts
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
    needed[part] = width + min(beyond, width)


@kernel(inner=True)
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


@kernel
def _count_shared(part, parts, members, holders, vertex, edge, later):
    """Count who shares one tetrahedron and two with every bipyramid; and, one row on, those that come later."""
    others = np.empty(members.shape[1] * holders.shape[1], np.int32)
    common = np.empty(len(others), np.int32)
    for k in range(len(members) * part // parts, len(members) * (part + 1) // parts):
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


@kernel
def _fill_pairs(part, parts, members, holders, starts, vertex_pairs, edge_pairs):
    """Write the pairs, first < second, in order."""
    others = np.empty(members.shape[1] * holders.shape[1], np.int32)
    common = np.empty(len(others), np.int32)
    for k in range(len(members) * part // parts, len(members) * (part + 1) // parts):
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


@kernel
def _fill_links(part, parts, members, holders, starts, links):
    """Write who shares an edge with every bipyramid: those that come later, then those that come earlier."""
    others = np.empty(members.shape[1] * holders.shape[1], np.int32)
    common = np.empty(len(others), np.int32)
    for k in range(len(members) * part // parts, len(members) * (part + 1) // parts):
        place = starts[k]
        count = _meet(members, holders, k, others, common)
        for later in (True, False):
            for m in range(count):
                if common[m] == 2 and (others[m] > k) == later:
                    links[place] = others[m]
                    place += 1

"""Kernels that join bipyramids to networks and put each in one piece.

In a box an atom of a network lies a whole number of boxes away from where it was given. The three numbers are packed
into one, so that they can be added, and followed from bipyramid to bipyramid, as exact integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..geometry.boxes import sides_of
from ..kernels import kernel, parts_of, share

_FEW = 1024  # bipyramids of a network for whose atoms there is room for all at first
_ROOM = 64  # different closings of networks in a part for which there is room at first
_BITS = 21  # of one of three packed numbers
_HALF = 1 << (_BITS - 1)
_QUARTERS = 100  # atoms farther out, in quarters of the box, are always looked at closely


class Pieces(NamedTuple):
    """Bipyramids that are joined.

    order (K,): piece after piece, each as it is reached from its lowest bipyramid; starts (P + 1,): of every piece;
    images (K,): boxes that the first cap of each is moved by, packed; crossing (K,): False where no other atom is in
    another box than the first cap; closings (P, …): of every piece with any, the packed numbers of boxes after which
    it meets itself.
    """

    order: NDArray[np.int32]
    starts: NDArray[np.int64]
    images: NDArray[np.int64]
    crossing: NDArray[np.bool_]
    closings: dict[int, NDArray[np.int64]]


def trace_pieces(
    caps: NDArray[np.int64],
    ring: NDArray[np.int64],
    starts: NDArray[np.int64],
    links: NDArray[np.int32],
    positions: NDArray[np.float64] | None,
    lengths: NDArray[np.float64] | None,
) -> Pieces:
    """Follow links from bipyramid to bipyramid, breadth first; in a box count the boxes on the way."""
    count = len(caps)
    order, before, label = np.empty(count, np.int32), np.full(count, -2, np.int32), np.empty(count, np.int32)
    begins = np.empty(count + 1, np.int64)
    pieces = _reach(starts, links, order, before, label, begins)
    images, crossing = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    closings: dict[int, NDArray[np.int64]] = {}
    if positions is not None and lengths is not None:
        quarters = np.clip(np.floor(positions * (4 / lengths)), -_QUARTERS, _QUARTERS).astype(np.int8)
        share(_mark_crossing, parts_of(count), caps, ring, quarters, crossing)
        _carry(caps, ring, positions, lengths, order, before, crossing, images)
        room = _ROOM
        while True:
            parts = parts_of(count)
            table, counts = np.empty((parts, room, 2), np.int64), np.zeros(parts, np.int64)
            walk = (starts, links, label, crossing, images)
            share(_close, parts, caps, ring, positions, lengths, *walk, table, counts)
            if counts.max() <= room:
                break
            room = int(counts.max())
        found = np.concatenate([table[part, : counts[part]] for part in np.flatnonzero(counts)] or [table[0, :0]])
        for piece in np.unique(found[:, 0]):
            closings[int(piece)] = np.unique(found[found[:, 0] == piece, 1])
    return Pieces(order, begins[: pieces + 1].copy(), images, crossing, closings)


class Atoms(NamedTuple):
    """The atoms of a piece: atoms (A,), ascending; places (A, 3) [Å]; extra (E, 3): other images that it holds [Å]."""

    atoms: NDArray[np.int64]
    places: NDArray[np.float64]
    extra: NDArray[np.float64]


def place_atoms(
    caps: NDArray[np.int64],
    ring: NDArray[np.int64],
    members: NDArray[np.int32],
    pieces: Pieces,
    seen: NDArray[np.int64],
    positions: NDArray[np.float64],
    lengths: NDArray[np.float64] | None,
    stamp: int,
) -> Atoms:
    """List the atoms of some bipyramids, each where the first one that holds it has it.

    `seen` (N, 2) holds for every atom the last stamp and image; stamps grow from call to call.
    """
    sides = sides_of(lengths)
    room = len(members) * (ring.shape[1] + 2) if len(members) < _FEW else len(members)
    while True:
        atoms, extra = np.empty(room, np.int64), np.empty((room, 2), np.int64)
        count, more = _list_atoms(
            caps, ring, members, pieces.images, pieces.crossing, positions, sides, seen, stamp, atoms, extra
        )
        if max(count, more) <= room:
            break
        room, stamp = int(max(count, more)), stamp + 1
    atoms = np.sort(atoms[:count])
    places = [unpack(seen[atoms, 1]), unpack(extra[:more, 1])]
    if lengths is None:
        return Atoms(atoms, positions[atoms], np.empty((0, 3)))
    return Atoms(atoms, positions[atoms] + places[0] * lengths, positions[extra[:more, 0]] + places[1] * lengths)


def unpack(packed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return three whole numbers (…, 3) for every packed one."""
    first = (packed + _HALF) % (2 * _HALF) - _HALF
    rest = (packed - first) >> _BITS
    second = (rest + _HALF) % (2 * _HALF) - _HALF
    return np.stack([first, second, (rest - second) >> _BITS], axis=-1)


@kernel
def _reach(starts, links, order, before, label, begins):
    """Reach every bipyramid from the lowest one of its piece, breadth first; return the number of pieces."""
    pieces, end = 0, 0
    for root in range(len(order)):
        if before[root] != -2:
            continue
        begins[pieces] = end
        at = end
        order[end] = root
        before[root] = -1
        label[root] = pieces
        end += 1
        while at < end:
            k = order[at]
            at += 1
            for place in range(starts[k], starts[k + 1]):
                other = links[place]
                if before[other] == -2:
                    before[other] = k
                    label[other] = pieces
                    order[end] = other
                    end += 1
        pieces += 1
    begins[pieces] = end
    return pieces


@kernel(inner=True)
def _atom(caps, ring, k, m):
    """Atom m of bipyramid k: the caps, then the ring."""
    return caps[k, m] if m < 2 else ring[k, m - 2]


@kernel
def _mark_crossing(part, parts, caps, ring, quarters, crossing):
    """Tell which bipyramids may have an atom nearer to its first cap by way of another box.

    Not those all of whose atoms are in the same or the next quarter of the box, along every axis.
    """
    for row in range(len(caps) * part // parts, len(caps) * (part + 1) // parts):
        k = np.int64(row)  # one type of integers, so that what is called is compiled once
        cap = caps[k, 0]
        found = False
        for axis in range(3):
            own = np.int64(quarters[cap, axis])
            found |= own == _QUARTERS or own == -_QUARTERS
            for m in range(1, ring.shape[1] + 2):
                found |= abs(np.int64(quarters[_atom(caps, ring, k, m), axis]) - own) > 1
        crossing[k] = found


@kernel(inner=True)
def _image(positions, sides, cap, atom):
    """Boxes by which an atom is moved to be near a cap, packed."""
    packed = np.int64(0)
    for axis in range(3):
        boxes = -np.int64(np.round((positions[atom, axis] - positions[cap, axis]) / sides[axis]))
        packed += boxes << (_BITS * axis)
    return packed


@kernel(inner=True)
def _step(caps, ring, positions, sides, k, other):
    """Boxes from the image that k has of a common atom to the one that the other has, packed."""
    for m in range(ring.shape[1] + 2):
        atom = _atom(caps, ring, k, m)
        for n in range(ring.shape[1] + 2):
            if _atom(caps, ring, other, n) == atom:
                return _image(positions, sides, caps[k, 0], atom) - _image(positions, sides, caps[other, 0], atom)
    return np.int64(0)


@kernel
def _carry(caps, ring, positions, sides, order, before, crossing, images):
    """Count the boxes from every bipyramid to the next."""
    for at in range(len(order)):
        k = np.int64(order[at])
        parent = np.int64(before[k])
        if parent < 0:
            continue
        images[k] = images[parent]
        if crossing[k] or crossing[parent]:
            images[k] += _step(caps, ring, positions, sides, parent, k)


@kernel
def _close(part, parts, caps, ring, positions, sides, starts, links, label, crossing, images, table, counts):
    """Different numbers of boxes, and none of none, that lie between bipyramids that are joined; with their pieces."""
    count, room = 0, table.shape[1]
    for row in range(len(caps) * part // parts, len(caps) * (part + 1) // parts):
        k = np.int64(row)
        for place in range(starts[k], starts[k + 1]):
            other = np.int64(links[place])
            if other < k:
                continue
            boxes = images[k] - images[other]
            if crossing[k] or crossing[other]:
                boxes += _step(caps, ring, positions, sides, k, other)
            if boxes == 0:
                continue
            known = False
            for m in range(min(count, room)):
                known |= table[part, m, 0] == label[k] and table[part, m, 1] == boxes
            if known:
                continue
            if count < room:
                table[part, count, 0] = label[k]
                table[part, count, 1] = boxes
            count += 1
    counts[part] = count


@kernel
def _list_atoms(caps, ring, members, images, crossing, positions, sides, seen, stamp, atoms, extra):
    """List the atoms of bipyramids and, with its image, every atom that is met again in another image."""
    count = more = 0
    for at in range(len(members)):
        k = np.int64(members[at])
        for m in range(ring.shape[1] + 2):
            atom = _atom(caps, ring, k, m)
            image = images[k]
            if crossing[k]:
                image += _image(positions, sides, caps[k, 0], atom)
            if seen[atom, 0] != stamp:
                seen[atom, 0] = stamp
                seen[atom, 1] = image
                if count < len(atoms):
                    atoms[count] = atom
                count += 1
            elif seen[atom, 1] != image:
                if more < len(extra):
                    extra[more, 0] = atom
                    extra[more, 1] = image
                more += 1
    return count, more

"""Rows of a tile and cells of an image, in vectors that stay in registers while row follows row.

The code is written out for rows of one, two, three and four vectors. `gu` and `gv` are the steps of u and v along a
row; a row's shares where it begins are fu, fv, fu fv, and how far it is beyond the next line of cells there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ._cells import COLUMNS
from ._spans import TILE, WIDTH

LANES = 16  # numbers in a vector of AVX-512; processors with shorter ones take several
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(32)
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)
_NOTHING = ir.Constant(_VECTOR, [0.0] * LANES)


class _Code:
    """The arguments of an intrinsic, and what its code does with vectors."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        kinds = [n for n, kind in enumerate(signature.args) if isinstance(kind, types.Array)]
        data = {n: context.make_array(signature.args[n])(context, builder, args[n]).data for n in kinds}
        self.rows, self.numbers, self.shares, self.cells = (data[n] for n in (0, 2, 5, 6))
        self.places = data.get(7)
        self.begin, self.lo, self.hi, self.gu, self.gv = (args[n] for n in (1, 3, 4, 8, 9))
        self.builder, self.long = builder, args[1].type

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=["contract"])

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=["contract"])

    def minus(self, a: Any, b: Any) -> Any:
        return self.builder.fsub(a, b, flags=["contract"])

    def everywhere(self, value: Any) -> Any:
        one = self.builder.insert_element(_UNDEFINED, value, _INDEX(0))
        return self.builder.shuffle_vector(one, _UNDEFINED, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES))

    def ramp(self, slope: Any, lane: int) -> Any:
        steps = ir.Constant(_VECTOR, [float(lane * LANES + n) for n in range(LANES)])
        return self.times(self.everywhere(slope), steps)

    def vector(self, pointer: Any, offset: Any, lane: int) -> Any:
        offset = self.builder.add(offset, self.long(lane * LANES))
        return self.builder.bitcast(self.builder.gep(pointer, [offset]), _VECTOR.as_pointer())

    def cell(self, place: Any, which: int, lane: int) -> Any:
        return self.vector(self.cells, self.builder.add(place, self.long(which * COLUMNS)), lane)

    def load(self, pointer: Any) -> Any:
        return self.builder.load(pointer, align=4)

    def store(self, value: Any, pointer: Any) -> None:
        self.builder.store(value, pointer, align=4)

    def each_row(self) -> Any:
        """Loop over the rows."""
        return cgutils.for_range_slice(self.builder, self.lo, self.hi, self.long(1), self.long)

    def row(self, k: Any, *wanted: int) -> tuple[Any, Any, list[Any]]:
        """Read number, place in the tile and some shares of a row."""
        number = self.builder.load(self.builder.gep(self.numbers, [k]))
        entries = [self.builder.add(number, self.long(s * int(TILE))) for s in wanted]
        shares = [self.everywhere(self.builder.load(self.builder.gep(self.shares, [entry]))) for entry in entries]
        return number, self.builder.add(self.builder.mul(number, self.long(WIDTH)), self.begin), shares


def _written(write: Any, lanes: int) -> Any:
    """Make an intrinsic of what writes its code."""

    @intrinsic
    def written(
        _context: Any, tile: Any, begin: Any, order: Any, lo: Any, hi: Any, shares: Any, cells: Any, place: Any,
        gu: Any, gv: Any,
    ) -> Any:  # fmt: skip
        index, number = types.int64, types.float32
        signature = types.void(tile, index, order, index, index, shares, cells, place, number, number)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            write(_Code(context, builder, signature, args), args[7], range(lanes))
            return context.get_dummy_value()

        return signature, code

    return written


def _gather(c: _Code, place: Any, lanes: range) -> None:
    """Projection: the sums of rows, of rows × fv, × fu and × fu fv are in registers until the end."""
    sums = [[cgutils.alloca_once(c.builder, _VECTOR) for _ in lanes] for _ in range(4)]
    for one in (one for some in sums for one in some):
        c.builder.store(_NOTHING, one)
    with c.each_row() as (k, _):
        _, at, (fu, fv, product) = c.row(k, 0, 1, 2)
        for lane in lanes:
            row = c.load(c.vector(c.rows, at, lane))
            for some, value in zip(sums, (row, c.times(fv, row), c.times(fu, row), c.times(product, row)), strict=True):
                c.builder.store(c.plus(c.builder.load(some[lane]), value), some[lane])
    for lane in lanes:
        u, v = c.ramp(c.gu, lane), c.ramp(c.gv, lane)
        here, along, across, both = (c.builder.load(some[lane]) for some in sums)
        along = c.plus(along, c.times(v, here))
        both = c.plus(c.plus(both, c.times(v, across)), c.times(u, along))
        across = c.plus(across, c.times(u, here))
        for which, value in enumerate((here, along, across, both)):
            to = c.cell(place, which, lane)
            c.store(c.plus(c.load(to), value), to)


def _spread(c: _Code, place: Any, lanes: range) -> None:
    """Back-projection: the cells as they are where a row with no share begins are in registers."""
    held = []
    for lane in lanes:
        u, v = c.ramp(c.gu, lane), c.ramp(c.gv, lane)
        here, along, across, both = (c.load(c.cell(place, which, lane)) for which in range(4))
        along = c.plus(along, c.times(u, both))
        here = c.plus(c.plus(here, c.times(v, along)), c.times(u, across))
        held.append((here, along, c.plus(across, c.times(v, both)), both))
    with c.each_row() as (k, _):
        _, at, (fu, fv, product) = c.row(k, 0, 1, 2)
        for lane in lanes:
            here, along, across, both = held[lane]
            to = c.vector(c.rows, at, lane)
            row = c.plus(c.plus(c.load(to), here), c.times(fv, along))
            c.store(c.plus(c.plus(row, c.times(fu, across)), c.times(product, both)), to)


def _bend(c: _Code, lanes: range, forward: bool) -> None:
    """Mend a row from where it goes over into the next line of cells, whose slopes across are others."""
    ramps = [(c.ramp(c.gu, lane), c.ramp(c.gv, lane)) for lane in lanes]
    with c.each_row() as (k, _):
        number, at, (beyond, fv) = c.row(k, 3, 1)
        place = c.builder.load(c.builder.gep(c.places, [number]))
        for lane in lanes:
            across = c.plus(beyond, ramps[lane][0])
            across = c.builder.select(c.builder.fcmp_ordered(">", across, _NOTHING), across, _NOTHING)
            v = c.plus(fv, ramps[lane][1])
            low, both_low, high, both_high = (c.cell(place, which, lane) for which in (2, 3, 6, 7))
            row = c.vector(c.rows, at, lane)
            if forward:
                add = c.times(across, c.load(row))
                along = c.times(v, add)
                for to, value in ((high, add), (both_high, along)):
                    c.store(c.plus(c.load(to), value), to)
                for to, value in ((low, add), (both_low, along)):
                    c.store(c.minus(c.load(to), value), to)
            else:
                plain, both = c.minus(c.load(high), c.load(low)), c.minus(c.load(both_high), c.load(both_low))
                c.store(c.plus(c.load(row), c.times(across, c.plus(plain, c.times(v, both)))), row)


def _gather_bent(c: _Code, _places: Any, lanes: range) -> None:
    _bend(c, lanes, True)


def _spread_bent(c: _Code, _places: Any, lanes: range) -> None:
    _bend(c, lanes, False)


def pass_rows(
    forward: Any, vectors: Any, tile: Any, begin: Any, order: Any, lo: Any, hi: Any, shares: Any, cells: Any,
    place: Any, gu: Any, gv: Any,
) -> None:  # fmt: skip
    """Between rows of a tile, numbers order[lo:hi], and the cells from `place` on, in all of which they begin.

    Of a row so many `vectors` from `begin` on are taken. Projection with `forward`, else back-projection.
    """
    ramp = np.arange(vectors * LANES, dtype=np.float32)
    for n in order[lo:hi]:
        row = tile[n * WIDTH + begin :][: vectors * LANES]
        fu, fv = shares[n] + gu * ramp, shares[int(TILE) + n] + gv * ramp
        here, along, across, both = (cells[place + s * COLUMNS :][: vectors * LANES] for s in range(4))
        if forward:
            here += row
            along += fv * row
            across += fu * row
            both += fu * fv * row
        else:
            row += here + fv * along + fu * (across + fv * both)


def bend_rows(
    forward: Any, vectors: Any, tile: Any, begin: Any, order: Any, lo: Any, hi: Any, shares: Any, cells: Any,
    places: Any, gu: Any, gv: Any,
) -> None:  # fmt: skip
    """Mend what `pass_rows` made wrong of rows that go over into the next line of cells; `gu` is a size.

    A row lies between the line of `places` and the next one.
    """
    ramp = np.arange(vectors * LANES, dtype=np.float32)
    for n in order[lo:hi]:
        row = tile[n * WIDTH + begin :][: vectors * LANES]
        across, v = np.maximum(shares[3 * int(TILE) + n] + gu * ramp, 0), shares[int(TILE) + n] + gv * ramp
        low, both_low, high, both_high = (cells[places[n] + s * COLUMNS :][: vectors * LANES] for s in (2, 3, 6, 7))
        if forward:
            high += across * row
            low -= across * row
            both_high += across * v * row
            both_low -= across * v * row
        else:
            row += across * (high - low + v * (both_high - both_low))


def _compile(function: Any, forth: Any, back: Any) -> None:
    """Let compiled code take the vectors where plain Python takes slices."""
    f1, f2, f3, f4 = (_written(forth, lanes) for lanes in (1, 2, 3, 4))
    b1, b2, b3, b4 = (_written(back, lanes) for lanes in (1, 2, 3, 4))

    def compiled(forward, vectors, tile, begin, order, lo, hi, shares, cells, place, gu, gv):
        if forward:
            if vectors == 4:
                f4(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
            elif vectors == 3:
                f3(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
            elif vectors == 2:
                f2(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
            else:
                f1(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
        elif vectors == 4:
            b4(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
        elif vectors == 3:
            b3(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
        elif vectors == 2:
            b2(tile, begin, order, lo, hi, shares, cells, place, gu, gv)
        else:
            b1(tile, begin, order, lo, hi, shares, cells, place, gu, gv)

    def choose(forward, vectors, tile, begin, order, lo, hi, shares, cells, place, gu, gv):
        return compiled

    overload(function)(choose)


_compile(pass_rows, _gather, _spread)
_compile(bend_rows, _gather_bent, _spread_bent)

"""Parts of arrays turned over, rows of one becoming columns of the other, by squares that fit into registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic, overload

_SQUARE = 16  # numbers along a side: a vector of AVX-512


def _compiled(side: int) -> Any:
    vector = ir.VectorType(ir.FloatType(), side)
    index = ir.VectorType(ir.IntType(32), side)

    @intrinsic
    def turn(_context: Any, source: Any, at: Any, stride: Any, target: Any, to: Any, step: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            here, there = (context.make_array(signature.args[n])(context, builder, args[n]).data for n in (0, 3))

            def row(pointer: Any, first: Any, length: Any, n: int) -> Any:
                offset = builder.add(first, builder.mul(length, length.type(n)))
                return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())

            rows = [builder.load(row(here, args[1], args[2], n), align=4) for n in range(side)]
            half = 1
            while half < side:  # exchange the quarters off the diagonal of ever larger squares
                upper = [n if not n & half else n - half + side for n in range(side)]
                lower = [n + half if not n & half else n + side for n in range(side)]
                for n in (n for n in range(side) if not n & half):
                    pair = rows[n], rows[n + half]
                    rows[n] = builder.shuffle_vector(*pair, ir.Constant(index, upper))
                    rows[n + half] = builder.shuffle_vector(*pair, ir.Constant(index, lower))
                half *= 2
            for n in range(side):
                builder.store(rows[n], row(there, args[4], args[5], n), align=4)
            return context.get_dummy_value()

        return types.void(source, types.int64, types.int64, target, types.int64, types.int64), code

    return turn


_many, _one = _compiled(_SQUARE), _compiled(1)


@njit
def turn_part(source, at, stride, rows, columns, target, to, step):
    """target[to + n × step + m] = source[at + m × stride + n] of flat arrays, for m < rows and n < columns."""
    side = _SQUARE if rows >= _SQUARE and columns >= _SQUARE else 1
    for m in range(0, rows, side):
        i = min(m, rows - side)  # the last squares lie over those before
        for n in range(0, columns, side):
            j = min(n, columns - side)
            _turn(side, source, at + i * stride + j, stride, target, to + j * step + i, step)


def _turn(side: Any, source: Any, at: Any, stride: Any, target: Any, to: Any, step: Any) -> None:
    """Turn one square."""
    for m in range(side):
        for n in range(side):
            target[to + n * step + m] = source[at + m * stride + n]


@overload(_turn)
def _compile_turn(side, source, at, stride, target, to, step):
    def compiled(side, source, at, stride, target, to, step):
        if side == 1:
            _one(source, at, stride, target, to, step)
        else:
            _many(source, at, stride, target, to, step)

    return compiled

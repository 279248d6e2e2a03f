"""Sums of weighted rows held in registers, which compilers do not make of a loop over rows around a loop along them.

The sum is loaded and stored once for all rows. Each of the rows that follow one another has a sum of its own until the
end, for an addition waits four cycles for the one before it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ._spans import WIDTH

_LANES = 16  # numbers in a vector of AVX-512; processors with shorter ones take several
_VECTOR = ir.VectorType(ir.FloatType(), _LANES)
_INDEX = ir.IntType(32)


def _compiled(count: int) -> Any:
    @intrinsic
    def add_rows(_context: Any, out: Any, begin: Any, base: Any, at: Any, weight: Any, lo: Any, hi: Any) -> Any:
        signature = types.void(out, types.int64, base, at, weight, types.int64, types.int64)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            arrays = [context.make_array(signature.args[n])(context, builder, args[n]) for n in (0, 2, 3, 4)]
            to, rows, places, weights = (array.data for array in arrays)
            stride = cgutils.unpack_tuple(builder, arrays[3].shape)[1]
            long = stride.type

            def vector(pointer: Any, offset: Any, lane: int) -> Any:
                offset = builder.add(offset, long(lane * _LANES))
                return builder.bitcast(builder.gep(pointer, [offset]), _VECTOR.as_pointer())

            def load(pointer: Any, offset: Any, lane: int) -> Any:
                return builder.load(vector(pointer, offset, lane), align=4)

            lanes = range(WIDTH // _LANES)
            sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in lanes] for _ in range(count)]
            for s in range(count):
                for lane in lanes:
                    nothing = ir.Constant(_VECTOR, [0.0] * _LANES)
                    builder.store(nothing if s else load(to, args[1], lane), sums[s][lane])
            with cgutils.for_range_slice(builder, args[5], args[6], long(1), long) as (k, _):
                place = builder.load(builder.gep(places, [k]))
                for s in range(count):
                    entry = builder.add(k, builder.mul(stride, long(s)))
                    one = builder.insert_element(
                        ir.Constant(_VECTOR, ir.Undefined), builder.load(builder.gep(weights, [entry])), _INDEX(0)
                    )
                    same = ir.Constant(ir.VectorType(_INDEX, _LANES), [0] * _LANES)
                    many = builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), same)
                    for lane in lanes:
                        row = load(rows, builder.add(place, long(s * WIDTH)), lane)
                        product = builder.fmul(many, row, flags=["contract"])
                        known = builder.load(sums[s][lane])
                        builder.store(builder.fadd(known, product, flags=["contract"]), sums[s][lane])
            for lane in lanes:
                total = builder.load(sums[0][lane])
                for s in range(1, count):
                    total = builder.fadd(total, builder.load(sums[s][lane]))
                builder.store(total, vector(to, args[1], lane), align=4)
            return context.get_dummy_value()

        return signature, code

    return add_rows


_pairs, _triples = _compiled(2), _compiled(3)


def add_pairs(out: Any, begin: int, base: Any, at: Any, weight: Any, lo: int, hi: int) -> None:
    """out[begin + j] += Σ for lo ≤ k < hi and s < 2 of weight[s, k] × base[at[k] + s × WIDTH + j], for j < WIDTH."""
    _add_rows(2, out, begin, base, at, weight, lo, hi)


def add_triples(out: Any, begin: int, base: Any, at: Any, weight: Any, lo: int, hi: int) -> None:
    """Add as `add_pairs`, three rows s a place."""
    _add_rows(3, out, begin, base, at, weight, lo, hi)


def _add_rows(count: int, out: Any, begin: int, base: Any, at: Any, weight: Any, lo: int, hi: int) -> None:
    """Do as Python what the compiled sums do."""
    for k in range(lo, hi):
        for s in range(count):
            first = at[k] + s * WIDTH
            out[begin : begin + WIDTH] += weight[s, k] * base[first : first + WIDTH]


@overload(add_pairs)
def _compile_pairs(out, begin, base, at, weight, lo, hi):
    return lambda out, begin, base, at, weight, lo, hi: _pairs(out, begin, base, at, weight, lo, hi)


@overload(add_triples)
def _compile_triples(out, begin, base, at, weight, lo, hi):
    return lambda out, begin, base, at, weight, lo, hi: _triples(out, begin, base, at, weight, lo, hi)

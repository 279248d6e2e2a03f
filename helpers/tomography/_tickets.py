"""Numbers that threads draw, each of them once: who is done sooner takes more of the work."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, overload


def draw(tickets: Any, n: int) -> int:
    """Return tickets[n] and add one to it, which no other thread can do in between."""
    number = int(tickets[n])
    tickets[n] += 1
    return number


def _compiled_draw(_context: Any, tickets: Any, n: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.gep(array.data, [args[1]])
        return builder.atomic_rmw("add", place, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(tickets, types.int64), code


_draw: Any = intrinsic(_compiled_draw)


@overload(draw)
def _compile_draw(tickets, n):
    return lambda tickets, n: _draw(tickets, n)

"""Numeric arrays of MATLAB files of version 5 to 7, every length checked against what is there.

SciPy's reader trusts the lengths that a file states and can end the process on a damaged one. Format: MathWorks,
"MAT-File Format" (2023), chapter 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from ..memory import check_memory

_HEADER, _VERSION = 128, 0x0100
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMERIC = range(6, 16)  # classes of arrays: double, single, and integers of 8 to 64 bits
_COMPLEX = 0x0800
_BEST_COMPRESSION = 1100  # deflate packs at most 1032 bytes into one
_SMALL = 2**16  # what costs nothing to unpack [bytes]


def read_mat5(path: Path) -> dict[str, NDArray[Any]]:
    """Return the numeric arrays of a file by their names, in the type that they are stored in.

    Raises
    ------
    ValueError
        If the file is cut short or damaged.
    MemoryError
        If what it holds does not fit into the memory that is free.
    """
    check_memory(2 * path.stat().st_size, what=f"the arrays of {path.name}", instead="save only the one that is needed")
    content = memoryview(path.read_bytes())
    if len(content) < _HEADER:
        raise _damaged(path, f"it has {counted(len(content), 'byte')}")
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]), "")
    if not order or struct.unpack(f"{order}H", content[124:126])[0] != _VERSION:
        raise _damaged(path, "its header is not that of version 5")
    found: dict[str, NDArray[Any]] = {}
    for kind, data in _elements(content[_HEADER:], order, path):
        if kind == _COMPRESSED:
            kind, data = next(_elements(_unpack(data, order, path), order, path), (0, data))
        if kind == _MATRIX:
            found.update(_read_matrix(data, order, path))
    return found


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(f"{path.name} is truncated or no MATLAB file ({reason}); fetch it again")


def _elements(content: memoryview, order: str, path: Path) -> Iterator[tuple[int, memoryview]]:
    """Give type and data of each element; short ones hold their data in their tag."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack(f"{order}II", content[at : at + 8])
        if kind >> 16:
            size, kind = kind >> 16, kind & 0xFFFF
            if size > 4:
                raise _damaged(path, f"a short element states {size} bytes")
            begin, step = at + 4, 8
        else:
            begin, step = at + 8, 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if begin + size > len(content):
            raise _damaged(path, f"an element states {counted(size, 'byte')} and {len(content) - begin:,} are left")
        yield kind, content[begin : begin + size]
        at += step
    if any(content[at:]):
        raise _damaged(path, "its last element is cut")


def _unpack(data: memoryview, order: str, path: Path) -> memoryview:
    """Unpack an element, after a look at the length that it states."""
    try:
        stated = struct.unpack(f"{order}II", zlib.decompressobj().decompress(data, 8))[1]
        if stated > max(_BEST_COMPRESSION * len(data), _SMALL):
            raise _damaged(path, f"{len(data):,} bytes cannot unfold to {stated:,}")
        check_memory(2 * stated, what=f"an array of {path.name}", instead="save only the one that is needed")
        unpacked = zlib.decompressobj().decompress(data, stated + 16)
    except (zlib.error, struct.error) as error:
        raise _damaged(path, str(error)) from error
    return memoryview(unpacked)


def _read_matrix(data: memoryview, order: str, path: Path) -> dict[str, NDArray[Any]]:
    """Return an array by its name; nothing if it is none of numbers."""
    parts = _elements(data, order, path)
    _, flags = next(parts, (0, data[:0]))
    if len(flags) != 8:
        raise _damaged(path, "an array has no flags")
    (word,) = struct.unpack(f"{order}I", flags[:4])
    if word & 0xFF not in _NUMERIC:
        return {}
    (_, sides), (_, label) = next(parts, (0, data[:0])), next(parts, (0, data[:0]))
    name = bytes(label).decode("ascii", errors="replace")
    shape = np.frombuffer(sides, f"{order}i4") if len(sides) % 4 == 0 else np.empty(0, np.int32)
    if not 2 <= len(shape) <= 8 or (shape < 0).any():
        raise _damaged(path, f"an array has the sides {shape.tolist()}")
    values = [_numbers(next(parts, (0, data[:0])), order, path) for _ in range(2 if word & _COMPLEX else 1)]
    count = int(np.prod(shape, dtype=object))
    if any(each.size != count for each in values):
        raise _damaged(path, f"{name} has {counted(values[0].size, 'value')} for the shape {tuple(shape.tolist())}")
    whole = values[0] if len(values) == 1 else values[0] + 1j * values[1]
    return {name: whole.reshape(shape[::-1].tolist()).T} if name else {}


def _numbers(element: tuple[int, memoryview], order: str, path: Path) -> NDArray[Any]:
    kind, data = element
    if kind not in _TYPES or len(data) % np.dtype(_TYPES[kind]).itemsize:
        raise _damaged(path, f"an array holds {len(data)} bytes of the type {kind}")
    values = np.frombuffer(data, f"{order}{_TYPES[kind]}")
    return values.astype(values.dtype.newbyteorder("="))

"""MRC stacks of any writer: byte order, signs and size are checked against what the header says of them.

Header: https://www.ccpem.ac.uk/mrc_format/mrc2014.php; IMOD's fields: https://bio3d.colorado.edu/imod/doc/mrc_format.txt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from ..memory import check_memory

_HEADER = 1024
_OTHER_SIGN = {"int8": "uint8", "uint8": "int8", "int16": "uint16", "uint16": "int16"}
_TYPES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
_REFUSED = {3: "complex numbers", 4: "complex numbers", 101: "4-bit numbers"}
_IMOD_STAMP, _IMOD_SIGNED = 1146047817, 1
_FEI_PAGE, _FEI_PIXEL = 131072, 11  # extended header of FEI's first kind, and where it keeps the pixel size [m]


def read_mrc(path: Path) -> tuple[NDArray[Any], float | None]:
    """Read a stack of images from an MRC file, whatever its byte order.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    rows : (T, Y, X) array
        Images in rows along y, in the file's type of number.
    pixel_size : float or None
        As the header states it [Å], or None.

    Raises
    ------
    ValueError
        If the file is shorter than its header says, holds complex or 4-bit numbers, or decodes to other extremes than
        its header states.
    MemoryError
        If it does not fit into the memory that is free.
    """
    size = path.stat().st_size
    header = _read_header(path, size)
    mode, order = int(header.mode), header.dtype["nx"].byteorder
    if mode not in _TYPES:
        kind = f"holds {_REFUSED[mode]}" if mode in _REFUSED else "is unknown"
        msg = f"{path.name} is MRC of mode {mode}, which {kind}; write it as float, such as with newstack -mode 2"
        raise ValueError(msg)
    shape = int(header.nz), int(header.ny), int(header.nx)
    declared = np.dtype(_TYPES[mode]).newbyteorder("<" if order in "<=" else ">")
    count, begin = int(np.prod(shape, dtype=object)), _HEADER + int(header.nsymbt)
    if begin + count * declared.itemsize > size:
        msg = (
            f"{path.name} is cut short: its header declares {counted(shape[0], 'image')} of {shape[2]}×{shape[1]} px "
            f"({begin + count * declared.itemsize:,} bytes), the file has {size:,}; fetch or write it again"
        )
        raise ValueError(msg)
    check_memory(2 * 4 * count, what=f"the images of {path.name}", instead="bin or cut them first")
    stored = np.fromfile(path, dtype=declared, count=count, offset=begin)
    return _decode(stored, header, path).reshape(shape), _pixel_size(header, path)


def _read_header(path: Path, size: int) -> Any:
    """Read the header in the byte order that makes sense of its mode and sizes; files tell lies about it."""
    from mrcfile.dtypes import HEADER_DTYPE
    from mrcfile.utils import byte_order_from_machine_stamp

    content = path.read_bytes()[:_HEADER] if size < _HEADER else _first(path)
    if len(content) < _HEADER:
        msg = (
            f"{path.name} has {counted(len(content), 'byte')}; an MRC file begins with a header of {_HEADER}: "
            "fetch it again"
        )
        raise ValueError(msg)
    little = np.frombuffer(content, dtype=HEADER_DTYPE).reshape(()).view(np.recarray)
    try:
        stated = byte_order_from_machine_stamp(little.machst)
    except ValueError:
        stated = "<"
    for order in (stated, "<", ">"):
        header = little.view(little.dtype.newbyteorder(order))
        sizes = [int(header[key]) for key in ("nx", "ny", "nz")]
        fits = min(sizes) > 0 and np.prod(sizes, dtype=object) <= 2 * size
        if fits and int(header.mode) in _TYPES | _REFUSED and 0 <= int(header.nsymbt) < size:
            break
    else:
        header = little.view(little.dtype.newbyteorder(stated))
        sizes = [int(header[key]) for key in ("nx", "ny", "nz")]
        msg = (
            f"{path.name} is cut short or no MRC file: its header declares {counted(sizes[2], 'image')} of "
            f"{sizes[0]}×{sizes[1]} "
            f"px in mode {int(header.mode)}, the file has {size:,} bytes; fetch or write it again"
        )
        raise ValueError(msg)
    axes = tuple(int(header[key]) for key in ("mapc", "mapr", "maps"))
    if axes not in ((1, 2, 3), (0, 0, 0)):
        msg = f"{path.name} has its axes in the order {axes}; expected (1, 2, 3), columns along x: write it anew"
        raise ValueError(msg)
    return header


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER)


def _decode(stored: NDArray[Any], header: Any, path: Path) -> NDArray[Any]:
    """Return the numbers as they were meant: with the sign that gives the header's least and largest value."""
    low, high = float(header.dmin), float(header.dmax)
    other = _OTHER_SIGN.get(stored.dtype.name)
    ways = [stored] + ([stored.view(np.dtype(other).newbyteorder(stored.dtype.byteorder))] if other else [])
    if not (np.isfinite([low, high]).all() and low < high):  # the header states nothing
        return ways[_unstated_sign(stored, header, path)]
    slack = 0.51 + 1e-3 * max(abs(low), abs(high)) if other else 1e-3 * (high - low) + 1e-4 * max(abs(low), abs(high))
    ranges = [_extremes(each) for each in ways]
    exact = [abs(least - low) <= slack and abs(most - high) <= slack for least, most in ranges]
    within = [low - slack <= least and most <= high + slack for least, most in ranges]
    for fits in (exact, within):
        if any(fits):
            return ways[fits.index(True)]
    least, most = ranges[0]
    msg = (
        f"{path.name} decodes to values from {least:g} to {most:g} but its header states {low:g} to {high:g}: the "
        "header is stale or the mode wrong; if the values are right, renew the header, such as with alterheader -mmm"
    )
    raise ValueError(msg)


def _unstated_sign(stored: NDArray[Any], header: Any, path: Path) -> int:
    """Which way of reading bytes holds where the header states no extremes: 0 as declared, 1 with the other sign."""
    if stored.dtype.name != "int8" or stored.size == 0 or stored.min() >= 0:
        return 0
    words = np.frombuffer(header.tobytes(), dtype=header.dtype["nx"], count=40)
    if words[38] == _IMOD_STAMP:
        return 0 if int(words[39]) & _IMOD_SIGNED else 1
    if int(header.nversion) >= 20140:
        return 0  # MRC2014: bytes are signed
    least, most = _extremes(stored)
    whole = _extremes(stored.view("uint8"))
    msg = (
        f"the bytes of {path.name} are {least:g} to {most:g} with a sign or {whole[0]:g} to {whole[1]:g} without, and "
        "its header does not say which; write it as 16-bit or float numbers (mode 1 or 2)"
    )
    raise ValueError(msg)


def _extremes(values: NDArray[Any]) -> tuple[float, float]:
    """Least and largest finite value."""
    if values.dtype.kind != "f":
        return float(values.min()), float(values.max())
    finite = values[np.isfinite(values)] if not np.isfinite(values).all() else values
    return (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)


def _pixel_size(header: Any, path: Path) -> float | None:
    extended = int(header.nsymbt)
    if extended == _FEI_PAGE or bytes(header.exttyp)[:3] == b"FEI":
        return _fei_pixel_size(header, path)
    counts = [int(header[key]) for key in ("mx", "my")]
    sides = [float(header.cella[key]) for key in ("x", "y")]
    if min(counts) <= 0 or not np.isfinite(sides).all() or 0.0 in sides:
        return None
    x, y = (side / count for side, count in zip(sides, counts, strict=True))
    return x if np.isclose(x, y, rtol=1e-3) else None


def _fei_pixel_size(header: Any, path: Path) -> float | None:
    """Pixel size of the first image in an extended header of FEI [Å]."""
    from mrcfile.dtypes import get_ext_header_dtype

    order = "<" if header.dtype["nx"].byteorder in "<=" else ">"
    with path.open("rb") as file:
        file.seek(_HEADER)
        extended = file.read(int(header.nsymbt))
    kind = bytes(header.exttyp)
    if kind[:3] == b"FEI":
        fields = get_ext_header_dtype(kind, order)
        if fields is None or "Pixel size X" not in (fields.names or ()) or len(extended) < fields.itemsize:
            return None
        metres = float(np.frombuffer(extended, dtype=fields, count=1)["Pixel size X"][0])
    else:
        metres = float(np.frombuffer(extended, dtype=f"{order}f4", count=_FEI_PIXEL + 1)[_FEI_PIXEL])
    return metres * 1e10 if np.isfinite(metres) and metres > 0 else None

"""Write small stacks in the formats of microscopes, from the formats' definitions where no library writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import numpy as np


def write_stack(path: Path, images: np.ndarray, pixel_size: float | None = None) -> Path:
    """Write images (T, X, Y), in rows along y where the format is one of pictures; pixels in Å."""
    rows = np.ascontiguousarray(np.swapaxes(images, -1, -2), dtype="<f4")
    match path.suffix:
        case ".mrc":
            path.write_bytes(mrc(rows, pixel_size or 0.0))
        case ".dm3":
            path.write_bytes(_dm3(rows, (pixel_size or 0.0) / 10))
        case ".tif" | ".tiff":
            import tifffile

            tifffile.imwrite(path, rows, photometric="minisblack")
        case ".emd":
            import rsciio.emd

            rsciio.emd.file_writer(str(path), _signal(rows, (pixel_size or 0.0) / 10))
        case ".h5":
            with h5py.File(path, "w") as file:
                file["images"] = images
                if pixel_size:
                    file["images"].attrs["pixel_size"] = pixel_size
        case ".npy":
            np.save(path, images)
    return path


def mrc(
    rows: np.ndarray,
    pixel_size: float,
    *,
    order: str = "<",
    mode: int | None = None,
    stamp: bool = True,
    extremes: bool = False,
    imod: bool = False,
    version: int = 20140,
) -> bytes:
    """An MRC file: a header of 256 words, and rows in the mode of their type or another one of the same width."""
    nz, ny, nx = rows.shape
    header = np.zeros(256, dtype=f"{order}i4")
    floats = header.view(f"{order}f4")
    modes = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6, "float16": 12}
    header[:4] = nx, ny, nz, modes[rows.dtype.name] if mode is None else mode
    header[7:10] = nx, ny, nz
    floats[10:13] = pixel_size * np.array([nx, ny, nz])  # cell in Å
    header[16:19] = 1, 2, 3
    if extremes:
        floats[19:22] = rows.min(), rows.max(), rows.astype(float).mean()
    header[27] = version
    if imod:
        header[38:40] = 1146047817, int(rows.dtype.name == "int8")
    content = bytearray(header.tobytes())
    content[208:212] = b"MAP "
    content[212:216] = ({"<": b"DD\0\0", ">": b"\x11\x11\0\0"}[order]) if stamp else bytes(4)
    return bytes(content) + rows.astype(rows.dtype.newbyteorder(order)).tobytes()


def _signal(rows: np.ndarray, nanometres: float) -> dict:
    names, scales = ("tilt", "y", "x"), (1.0, nanometres, nanometres)
    axes = [
        {"name": n, "size": rows.shape[i], "scale": scales[i], "offset": 0.0, "units": "nm" if i else "",
         "navigate": i == 0, "index_in_array": i}
        for i, n in enumerate(names)
    ]  # fmt: skip
    metadata = {"General": {"title": "stack"}, "Signal": {"signal_type": ""}}
    return {"data": rows, "axes": axes, "metadata": metadata, "original_metadata": {}}


def _dm3(rows: np.ndarray, nanometres: float) -> bytes:
    """A Gatan file of version 3: nested groups of tags with big-endian lengths and little-endian values."""

    def dimension(scale: float, unit: str) -> bytes:
        return _branch("", _value("Origin", "f", 0.0), _value("Scale", "f", scale), _text("Units", unit))

    sides = (dimension(nanometres, "nm"), dimension(nanometres, "nm"), dimension(1.0, ""))
    data = _branch(
        "ImageData",
        _branch("Calibrations", _branch("Brightness", _value("Scale", "f", 1.0)), _branch("Dimension", *sides)),
        _leaf("Data", [20, 6, rows.size], rows.tobytes()),
        _value("DataType", "I", 2),  # real, four bytes
        _branch("Dimensions", *(_value("", "I", n) for n in rows.shape[::-1])),
        _value("PixelDepth", "I", 4),
    )
    root = _group(_branch("ImageList", _branch("", data, _branch("ImageTags"), _text("Name", "stack"))))
    return struct.pack(">iii", 3, len(root), 1) + root + bytes(8)


def _group(*entries: bytes) -> bytes:
    return struct.pack(">bbi", 1, 0, len(entries)) + b"".join(entries)


def _branch(label: str, *entries: bytes) -> bytes:
    return struct.pack(">bh", 20, len(label)) + label.encode() + _group(*entries)


def _leaf(label: str, info: list[int], value: bytes) -> bytes:
    head = struct.pack(f">i{len(info)}i", len(info), *info)
    return struct.pack(">bh", 21, len(label)) + label.encode() + b"%%%%" + head + value


def _value(label: str, code: str, value: float) -> bytes:
    return _leaf(label, [{"f": 6, "I": 5}[code]], struct.pack("<" + code, value))


def _text(label: str, text: str) -> bytes:
    return _leaf(label, [20, 4, len(text)], text.encode("utf-16-le"))

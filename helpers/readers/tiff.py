"""TIFF stacks, whether their pages form one series, stand one by one, or have a thumbnail among them."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from ..memory import as_bytes, check_memory

_BEST_COMPRESSION = 1100  # deflate packs at most 1032 bytes into one
_SMALL = 2**20  # what costs nothing to read [bytes]
_ANGSTROM = {"nm": 10.0, "nanometer": 10.0, "um": 1e4, "µm": 1e4, "\\u00b5m": 1e4, "micron": 1e4,
             "\\u00c5": 1.0, "\\u00c5ngstr\\u00f6m": 1.0, "pm": 0.01, "å": 1.0,
             "a": 1.0, "angstrom": 1.0}  # fmt: skip


def read_tiff(path: Path) -> tuple[NDArray[Any], float | None]:
    """Read the full pages of a TIFF file as one stack.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    rows : (T, Y, X) array
        Images in rows along y, in the file's type of number.
    pixel_size : float or None
        Of files that ImageJ or a microscope's program described [Å].

    Raises
    ------
    ValueError
        If the file is damaged, in colour, or its pages have several sizes.
    MemoryError
        If it does not fit into the memory that is free.
    """
    import tifffile

    try:
        with _quiet(), tifffile.TiffFile(path) as file:
            _weigh(len(file.pages), file.pages.first.nbytes, path)
            pages = [page.aspage() for page in file.pages]
            _weigh(len(pages), max((page.nbytes for page in pages), default=0), path)
            series = file.series[0] if len(file.series) == 1 and file.series[0].ndim == 3 else None
            if series is not None and len(pages) < len(series):  # ImageJ's large stacks have one page for all
                check_memory(2 * 4 * series.size, what=f"the images of {path.name}", instead="bin or cut them first")
                _refuse_colour(pages, path)
                rows = series.asarray()
            else:
                rows = _stack(_full_pages(pages, path), path)
            return rows, _pixel_size(file, path)
    except (ValueError, MemoryError) as error:
        if path.name in str(error):
            raise
        raise _damaged(path, error) from error
    except Exception as error:  # tifffile and its codecs tell of damaged files in a dozen ways
        raise _damaged(path, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile from printing what it thinks of each tag; what matters becomes an error."""
    logger = logging.getLogger("tifffile")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _weigh(pages: int, size: int, path: Path) -> None:
    """Refuse a file that declares far more than it can hold; no packed page is a thousandth of what it unfolds to."""
    stored = path.stat().st_size
    if pages * max(size, 1) > max(_BEST_COMPRESSION * stored, _SMALL):
        msg = (
            f"{path.name} declares {counted(pages, 'page')} of {as_bytes(size)} but has {counted(stored, 'byte')}; "
            "it is damaged: fetch or write it again"
        )
        raise ValueError(msg)


def _damaged(path: Path, error: BaseException) -> ValueError:
    words = " ".join(str(error).split())[:120]
    return ValueError(f"{path.name} cannot be read as TIFF ({words}); check that it is whole")


def _refuse_colour(pages: list[Any], path: Path) -> None:
    if any(page.samplesperpixel > 1 or page.photometric in (2, 3) for page in pages):
        msg = f"{path.name} is in colour; expected grey images, with the counts of the detector"
        raise ValueError(msg)


def _full_pages(pages: list[Any], path: Path) -> list[Any]:
    """Pages of full size: all but those that say they are reduced, and a lone one smaller than all others."""
    if not pages:
        msg = f"{path.name} holds no page; check that it is whole"
        raise ValueError(msg)
    full = [page for page in pages if not page.is_reduced] or pages
    sizes = [page.shape for page in full]
    kinds = {size: sizes.count(size) for size in sizes}
    if len(kinds) == 2 and len(full) > 2:
        least = min(kinds, key=lambda size: size[0] * size[1])
        if kinds[least] == 1:
            full = [page for page in full if page.shape != least]
    _refuse_colour(full, path)
    kinds_left = sorted({(page.shape, str(page.dtype)) for page in full})
    if len(kinds_left) > 1:
        words = ", ".join(f"{size} of {kind}" for size, kind in kinds_left)
        msg = f"{path.name} holds pages of several kinds ({words}); expected one image a tilt, all alike"
        raise ValueError(msg)
    return full


def _stack(pages: list[Any], path: Path) -> NDArray[Any]:
    shape, kind = (len(pages), *pages[0].shape), pages[0].dtype
    check_memory(2 * 4 * int(np.prod(shape, dtype=object)), what=f"the images of {path.name}", instead="bin them first")
    if len(shape) != 3:
        msg = f"{path.name} holds pages of shape {shape[1:]}; expected images"
        raise ValueError(msg)
    return np.stack([np.asarray(page.asarray(), dtype=kind) for page in pages])


def _pixel_size(file: Any, path: Path) -> float | None:
    """Return what ImageJ's or a microscope's description says; a bare resolution of a page is that of a printer.

    RosettaSciIO's reader would open the file once more, and leave it open: its pages refer to each other, so that only
    the garbage collector closes it, some time later.
    """
    from rsciio.tiff import _api

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            signal = _api._read_tiff(file, file.series[0], str(path), lazy=True)
            axes = [axis for axis in signal["axes"] if str(axis.get("units")).lower() in _ANGSTROM]
            sizes = [axis["scale"] * _ANGSTROM[str(axis["units"]).lower()] for axis in axes[-2:]]
        except Exception:  # no description that it knows: then none is stated
            return None
    if len(sizes) != 2:
        sizes = _of_imagej(file) or _of_ome(file)
    return float(sizes[0]) if len(sizes) == 2 and np.isclose(sizes[0], sizes[1], rtol=1e-3) else None


def _of_imagej(file: Any) -> list[float]:
    """Edges of a pixel in a file of ImageJ: its resolution counts pixels in a unit that the description names [Å]."""
    unit = str((file.imagej_metadata or {}).get("unit", "")).lower()
    tags = [file.pages.first.tags.get(name) for name in ("XResolution", "YResolution")]
    if unit not in _ANGSTROM or not all(tags):
        return []
    counts = [tag.value[0] / tag.value[1] if tag.value[1] else 0.0 for tag in tags]
    return [_ANGSTROM[unit] / count for count in counts] if min(counts) > 0 else []


def _of_ome(file: Any) -> list[float]:
    """Edges of a pixel that the description of an OME file states [Å]; of lengths without a unit, that is µm."""
    text = file.ome_metadata or ""
    sizes = []
    for axis in "XY":
        size = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', text)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', text)
        name = unit[1].lower() if unit else "µm"
        if size and name in _ANGSTROM:
            sizes.append(float(size[1]) * _ANGSTROM[name])
    return sizes if len(sizes) == 2 and min(sizes) > 0 else []

"""Text as others saved it: with a byte-order mark or without; what is no text is refused with its line."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

_MARKS = {  # the longest first: that of UTF-32 begins as that of UTF-16 does
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_FORMATS = {  # how files begin that are no text, what they are and what to do
    b"\x1f\x8b": ("compressed (gzip)", "unpack it first"),
    b"BZh": ("compressed (bzip2)", "unpack it first"),
    b"\xfd7zXZ\0": ("compressed (xz)", "unpack it first"),
    b"PK\x03\x04": ("an archive (ZIP, or a table of a spreadsheet program)", "unpack it, or save the table as CSV"),
    b"\x89PNG": ("a picture (PNG)", "images are read as a stack, such as MRC or TIFF"),
    b"\xff\xd8\xff": ("a picture (JPEG)", "images are read as a stack, such as MRC or TIFF"),
    b"%PDF": ("a document (PDF)", "save its numbers as text"),
    b"\x89HDF": ("an HDF5 file", "atoms are read as XYZ, images from a file that ends in .h5 or .hdf5"),
}


def require_file(path: str | Path) -> Path:
    """Return a path if a file is there.

    Raises
    ------
    FileNotFoundError
        If there is none, or a folder.
    """
    path = Path(path)
    if path.is_dir():
        msg = f"{path} is a folder; name a file in it"
        raise FileNotFoundError(msg)
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    return path


def refuse_foreign(path: Path, *, only: str = "") -> None:
    """Refuse a file that begins as one of another kind does: compressed, an archive, a picture, a document.

    Parameters
    ----------
    path : path
        The file.
    only : str
        Look for kinds alone that are so described; default: all.

    Raises
    ------
    ValueError
        With what it is, and the way out.
    """
    with path.open("rb") as file:
        head = file.read(max(map(len, _FORMATS)))
    for begin, (what, way) in _FORMATS.items():
        if head.startswith(begin) and only in what:
            msg = f"{path.name} is {what}; {way}"
            raise ValueError(msg)


def read_text(path: str | Path) -> str:
    r"""Read a text file: UTF-8, or what its byte-order mark says.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        Its text without the mark, lines ended by ``\n``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is in another encoding, or no text; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from helpers.readers import read_text
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.txt")
    ...     _ = path.write_bytes("\ufeff-60\r\n60".encode("utf-8"))
    ...     read_text(path)
    '-60\n60'
    """
    path = require_file(path)
    refuse_foreign(path)
    content = path.read_bytes()
    mark, encoding = next(((m, e) for m, e in _MARKS.items() if content.startswith(m)), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = content[len(mark) : len(mark) + error.start].decode(encoding, errors="replace")
        line = len(split_lines(before))
        msg = (
            f"line {line} of {path.name} holds a byte (0x{content[len(mark) + error.start]:02x}) that is no "
            f"{encoding.upper()}; save the file as UTF-8 text"
        )
        raise ValueError(msg) from None
    if "\0" in text:
        line = len(split_lines(text[: text.index("\0")]))
        msg = f"line {line} of {path.name} holds a zero byte, so it is no plain text; save the file as UTF-8 text"
        raise ValueError(msg)
    return "\n".join(split_lines(text))


def split_lines(text: str) -> list[str]:
    r"""Split text at ``\n``, ``\r\n`` and ``\r`` only, so that line numbers are those of an editor."""
    return re.split(r"\r\n|\r|\n", text)

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
    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
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

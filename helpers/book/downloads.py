"""Tables for readers to take with them: kept in a notebook's output, laid beside the pages by the build."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ..digits import counted

if TYPE_CHECKING:
    import pandas as pd

TABLE_MIME = "application/vnd.amorphous-packing.tables+json"


class Downloads:
    """Tables of a page, each a CSV file with a link to it.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        What each file is called, without its ending, and what is in it.

    Raises
    ------
    ValueError
        If a name is not made of letters, digits and - . _

    Examples
    --------
    >>> import pandas as pd
    >>> from helpers.book.downloads import Downloads
    >>> Downloads({"networks_Ta": pd.DataFrame({"bipyramids": [87, 31]})})
    networks_Ta.csv: 2 rows
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        for name in tables:
            if not re.fullmatch(r"[\w.-]+", name, flags=re.ASCII):
                msg = f"the file name {name!r} holds other signs than letters, digits and - . _"
                raise ValueError(msg)
        self.tables = dict(tables)

    def __repr__(self) -> str:
        return "\n".join(f"{name}.csv: {counted(len(table), 'row')}" for name, table in self.tables.items())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        files = {}
        for name, table in self.tables.items():
            packed = gzip.compress(table.to_csv(lineterminator="\n").encode("utf-8"), mtime=0)
            files[f"{name}.csv"] = {"rows": len(table), "content": base64.b64encode(packed).decode("ascii")}
        return {TABLE_MIME: files, "text/plain": repr(self)}


def unpack(content: str) -> bytes:
    """Return a file as it was before `Downloads` packed it."""
    return gzip.decompress(base64.b64decode(content))


def links(files: Mapping[str, tuple[int, int]], folder: str) -> str:
    """Write the links to files.

    Parameters
    ----------
    files : mapping of str to (int, int)
        Rows and bytes of each file.
    folder : str
        Where they lie, seen from the page.
    """
    lines = [
        f'<li><a href="{folder}/{escape(name)}" download>{escape(name)}</a> '
        f"({counted(rows, 'row')}, {size / 1e3:,.0f} kB)</li>"
        for name, (rows, size) in files.items()
    ]
    return f'<ul class="downloads">{"".join(lines)}</ul>'

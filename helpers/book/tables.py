"""Tables of a page: rows by the samples' display names, numbers as a reader wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import digits
from ..samples import load_sample, sample_names
from ..uncertainty import Estimate

if TYPE_CHECKING:
    import pandas as pd


def title_of(name: str) -> str:
    """Return what figures and tables call a sample; any other name stays as it is.

    Examples
    --------
    >>> from helpers.book.tables import title_of
    >>> title_of("Pd1"), title_of("random packing")
    ('Pd 1', 'random packing')
    """
    return load_sample(name).short if name in sample_names() else name


def the(name: str) -> str:
    """Return what a sentence calls a sample: with an article, unless a number makes its name one of its own.

    Examples
    --------
    >>> from helpers.book.tables import the
    >>> the("Ta"), the("Pd1")
    ('the Ta film', 'Pd 1')
    """
    title = title_of(name)
    return title if title[-1:].isdigit() else f"the {title}"


def table(
    columns: Mapping[str, Mapping[str, Any]],
    *,
    places: int | Mapping[str, int] | None = None,
    significant: int = 4,
) -> pd.DataFrame:
    """Make a table whose numbers are written for a reader.

    Parameters
    ----------
    columns : mapping of str to mapping
        For each column title, with its unit, the values by the row's name. A sample's name is replaced by its display
        name. Values are numbers, estimates with their uncertainty, truth values or text; what a column lacks, None and
        NaN are dashes.
    places : int or mapping of str to int, optional
        Decimal places of all columns, or of some by their title. Whole numbers and estimates have their own.
    significant : int
        Digits of numbers without places.

    Returns
    -------
    pandas.DataFrame
        Of text, rows in the order of their first appearance.

    Examples
    --------
    >>> from helpers.book.tables import table
    >>> print(table({"atoms": {"Pd1": 52308}, "share [%]": {"Pd1": 2.1756}}, places=1))
           atoms share [%]
    Pd 1  52,308       2.2
    """
    import pandas as pd

    rows = list(dict.fromkeys(name for values in columns.values() for name in values))
    written = {
        title: [
            _write(values.get(name), places.get(title) if isinstance(places, Mapping) else places, significant)
            for name in rows
        ]
        for title, values in columns.items()
    }
    return pd.DataFrame(written, index=[title_of(name) for name in rows], dtype=object)


def element_table(found: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame | None:
    """Make a table of the elements that hold the places of some structures, beside what chance gives.

    Parameters
    ----------
    found : mapping of str to mapping
        By row, such as a sample, the `ElementShares` of each structure by what it is called: a row for each element,
        two columns for each structure.

    Returns
    -------
    pandas.DataFrame or None
        Of text, in per cent; None where there is nothing to show.

    Examples
    --------
    >>> from helpers.book.tables import element_table
    >>> from helpers.structure import element_shares
    >>> print(element_table({"glass": {"nuclei": element_shares(["Cu", "Cu", "Zr", "Zr"], [1, 1, 1, 0])}}))
              nuclei [%] nuclei by chance [%]
    glass: Cu       66.7              50 ± 17
    glass: Zr       33.3              50 ± 17
    """
    columns: dict[str, dict[str, Any]] = {}
    for name, parts in found.items():
        for part, shares in parts.items():
            rows = [f"{title_of(name)}: {element}" for element in shares.elements]
            columns[f"{part} [%]"] = columns.get(f"{part} [%]", {}) | dict(zip(rows, 100 * shares.share, strict=True))
            chance = [
                Estimate(100 * even, {"chance": 100 * scatter})
                for even, scatter in zip(shares.even, shares.scatter, strict=True)
            ]
            words = f"{part} by chance [%]"
            columns[words] = columns.get(words, {}) | dict(zip(rows, chance, strict=True))
    return table(columns, places=1) if columns else None


def _write(value: Any, places: int | None, significant: int) -> str:
    if hasattr(value, "uncertainty"):
        error = value.uncertainty
        known = error == error and error > 0
        return digits.write(value.value, error, places=None if known else places, significant=significant)
    if isinstance(value, int) or (hasattr(value, "dtype") and value.dtype.kind in "iub"):
        return digits.write(value)
    return digits.write(value, places=places, significant=significant)

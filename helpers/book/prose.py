"""Sentences of a page that depend on what it was run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import Markdown


def say(text: str = "", *, measured: bool | None = None, published: str = "", simulated: str = "") -> Markdown | None:
    r"""Write a passage into the page, in Markdown.

    Parameters
    ----------
    text : str
        A passage that is true for whatever ran.
    measured : bool, optional
        Whether the figures show measured samples, see ``ledger.page(…).measured``; with it comes one of the next two.
        None for a reader's own samples, to which neither applies.
    published, simulated : str
        The passage for measured samples, and that for the simulated particle alone.

    Returns
    -------
    Markdown or None
        Its paragraphs, each in one line; None where both passages are about other samples.

    Raises
    ------
    ValueError
        If there is nothing to say.

    Examples
    --------
    >>> from helpers.book.prose import say
    >>> say(measured=False, published="As in the paper.", simulated="Unlike\nthe paper.").data
    'Unlike the paper.'
    """
    from IPython.display import Markdown

    if measured is None and not text and published and simulated:
        return None
    words = text or (published if measured else simulated)
    if not words.strip():
        msg = f"no passage for measured={measured}; expected text, or both published and simulated"
        raise ValueError(msg)
    return Markdown("\n\n".join(" ".join(part.split()) for part in words.strip().split("\n\n")))

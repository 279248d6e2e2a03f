"""One download: taken up where it stopped, never larger than what was published."""

from __future__ import annotations

from pathlib import Path

from ._files import FULL, no_space

_TIMEOUT = 20  # seconds without an answer
_PIECE = 1 << 14  # bytes


def pull(url: str, part: Path, limit: int, *, progress: bool) -> None:
    """Append to a partial file what it still lacks.

    Parameters
    ----------
    url : str
        Where the file is.
    part : path
        The partial file.
    limit : int
        Size of the published file [bytes]; no byte more is kept.
    progress : bool
        Whether a progress bar is shown.

    Raises
    ------
    ValueError
        If the server sends more; nothing is kept then.
    NoSpace
        If the disk is full; what came so far is kept.
    """
    import requests
    from tqdm.auto import tqdm

    have = part.stat().st_size if part.exists() else 0
    if have > limit:
        part.unlink()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:  # it was complete
            return
        answer.raise_for_status()
        resumed = answer.status_code == 206
        size = have if resumed else 0
        total = size + int(answer.headers.get("Content-Length", 0))
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                total=total or None, initial=size, unit="B", unit_scale=True, desc=part.stem, disable=not progress
            ) as bar,
        ):
            for chunk in answer.iter_content(_PIECE):
                size += len(chunk)
                if size > limit:
                    part.unlink()
                    msg = f"{url} sends more than the {limit} bytes of the published file; nothing was kept"
                    raise ValueError(msg)
                try:
                    file.write(chunk)
                    file.flush()
                except OSError as error:
                    if error.errno in FULL:
                        raise no_space(part, limit - size + len(chunk), error) from error
                    raise
                bar.update(len(chunk))

"""Public data: find each file locally or download it once, and prove that it is the right one."""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from ._download import pull
from ._files import write
from ._locks import holding
from ._seals import once
from .checks import UnknownName

_ROOT = Path(__file__).resolve().parents[1]
#: The project's ``data`` folder: beside the package in a checkout, inside it when installed.
DATA_FOLDER = _ROOT / "data" if (_ROOT / "data" / "samples.toml").exists() else Path(__file__).parent / "_data"
_OPENKIM = "openkim.org"  # no git repository: a model's name takes the place of the commit
_LFS = b"version https://git-lfs.github.com/spec/v1"
_LARGEST_POINTER = 1024  # bytes, by its specification
_PATIENCE = 3600.0  # seconds to wait for another process that downloads the same file
_EMBEDDED = ("demo/*.xyz", "demo/*.h5", "quench/*.h5", "recorded/*.xyz", "recorded/*.json")


class DataUnavailable(FileNotFoundError):
    """A public file is neither here nor can it be downloaded."""


@dataclass(frozen=True)
class Entry:
    """One published file, as ``data/registry.csv`` lists it."""

    path: str
    repository: str
    commit: str
    bytes: int | None
    git_blob: str
    sha256: str | None
    sample: str
    stage: str

    @property
    def inner_path(self) -> str:
        """Path inside the publishers' repository."""
        return self.path.split("/", 1)[1]

    @property
    def url(self) -> str:
        """Where it is published."""
        if self.repository == _OPENKIM:
            return f"https://{_OPENKIM}/files/{self.commit}/{quote(self.inner_path)}"
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{quote(self.inner_path)}"

    @property
    def large_file_url(self) -> str:
        """Where its content is, if the repository keeps only a Git LFS pointer."""
        return f"https://media.githubusercontent.com/media/{self.repository}/{self.commit}/{quote(self.inner_path)}"


@lru_cache(maxsize=1)
def registry() -> dict[str, Entry]:
    """Return every known public file by its path (``set/path inside the published set``)."""
    with (DATA_FOLDER / "registry.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["path"]: Entry(
            **{k: row[k] for k in ("path", "repository", "commit", "git_blob", "sample", "stage")},
            bytes=int(row["bytes"]) if row["bytes"] else None,
            sha256=row["sha256"] or None,
        )
        for row in rows
    }


def cache_folder() -> Path:
    """Where downloads are kept: ``AET_CACHE`` if set, else the user's cache folder."""
    if os.environ.get("AET_CACHE"):
        return Path(os.environ["AET_CACHE"])
    import pooch

    return Path(pooch.os_cache("amorphous-packing"))


def fetch(path: str, *, allow_download: bool | None = None, progress: bool = True) -> Path:
    """Return a local copy of a public file, verified by its hash.

    Looked for in the folder ``AET_DATA`` (one subfolder a published set), then in the cache, then
    downloaded, unless ``AET_OFFLINE=1`` forbids it. An interrupted download is taken up again.

    Parameters
    ----------
    path : str
        Path in the registry, such as ``aet/6_Final_coordinates/Final_atomic_model_Ta_film.mat``.
    allow_download : bool, optional
        Overrides ``AET_OFFLINE``.
    progress : bool
        Show a progress bar while downloading.

    Returns
    -------
    pathlib.Path
        The verified file.

    Raises
    ------
    UnknownName
        If the registry does not list the path.
    DataUnavailable
        If the file is not here and may or can not be downloaded.
    ValueError
        If a local copy or the download is not the published file.
    """
    entry = _find_entry(path)
    local = _local_copy(entry)
    if local is not None:
        _verify(local, entry)
        return local
    cached = cache_folder() / entry.path
    if cached.exists():
        _verify(cached, entry)
        return cached
    if allow_download is None:
        allow_download = os.environ.get("AET_OFFLINE", "0") in ("", "0")
    if not allow_download:
        raise DataUnavailable(_explain(entry, "downloads are switched off (AET_OFFLINE=1)"))
    return _download(entry, cached, progress)


def is_local(path: str) -> bool:
    """Say whether a public file is at hand without a download."""
    entry = _find_entry(path)
    return _local_copy(entry) is not None or (cache_folder() / entry.path).exists()


def _find_entry(path: str) -> Entry:
    known = registry()
    if path not in known:
        import difflib

        near = difflib.get_close_matches(path, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        msg = f"data/registry.csv does not list {path!r}{hint}"
        raise UnknownName(msg)
    return known[path]


def _local_copy(entry: Entry) -> Path | None:
    folder = os.environ.get("AET_DATA")
    if not folder:
        return None
    if not Path(folder).is_dir():
        msg = f"AET_DATA={folder} is no folder; point it to the public data or unset it"
        raise NotADirectoryError(msg)
    path = Path(folder) / entry.path
    return path if path.is_file() else None


def _explain(entry: Entry, why: str) -> str:
    size = f"{entry.bytes / 1e6:.1f} MB, " if entry.bytes else ""
    return (
        f"{Path(entry.path).name} ({size}{entry.stage} of {entry.sample}) is not here and {why}. "
        f"Download it from {entry.url} to <folder>/{entry.path} and set AET_DATA=<folder>, or allow downloads; "
        "every notebook runs without it on the embedded sample"
    )


@lru_cache(maxsize=1024)
def _hashes(path: Path, inode: int, size: int, modified: int) -> tuple[str, str]:
    """SHA-256 and git blob id, once for each state of a file."""
    sha256, blob = hashlib.sha256(), hashlib.sha1(f"blob {size}\0".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    return sha256.hexdigest(), blob.hexdigest()


def _matches(path: Path, entry: Entry) -> tuple[bool, str]:
    sha256, blob = once(_hashes, path)
    if entry.sha256:
        return sha256 == entry.sha256, f"SHA-256 {sha256}, expected {entry.sha256}"
    return blob == entry.git_blob, f"git blob id {blob}, expected {entry.git_blob}"


def _verify(path: Path, entry: Entry) -> None:
    size = path.stat().st_size
    if entry.bytes is not None and size < entry.bytes:
        msg = f"{path} is truncated: {size} of {entry.bytes} bytes; delete it and fetch it again from {entry.url}"
        raise ValueError(msg)
    fits, detail = _matches(path, entry)
    if not fits and entry.sha256 is None and _large_file_note(path).exists():
        sha256, _ = once(_hashes, path)
        fits = sha256 == _large_file_note(path).read_text().strip()
    # A large file that git keeps elsewhere is known by its pointer only; its own size is then unknown.
    if not fits:
        msg = f"{path} is not the published file ({detail}); delete it and fetch it again from {entry.url}"
        raise ValueError(msg)


def _large_file_note(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _download(entry: Entry, target: Path, progress: bool) -> Path:
    """Download a file unless another process has done so meanwhile; two never write to the same partial file."""
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.open("ab").close()
    except OSError as error:
        raise DataUnavailable(
            _explain(entry, f"the cache {cache_folder()} cannot be written ({error.strerror}); set AET_CACHE")
        ) from error
    with holding(target.with_name(f".{target.name}.lock"), f"the download of {target.name}", wait=_PATIENCE):
        if not target.exists():
            _bring(entry, target, part, progress)
    _verify(target, entry)
    return target


def _bring(entry: Entry, target: Path, part: Path, progress: bool) -> None:
    """Put a file where it belongs once it is whole and the right one."""
    import requests

    url = entry.url
    try:
        pull(url, part, entry.bytes or _LARGEST_POINTER, progress=progress)
        fits, detail = _matches(part, entry)
        pointer = part.read_bytes() if fits and part.stat().st_size <= _LARGEST_POINTER else b""
        if pointer.startswith(_LFS):
            sha256, size = _read_pointer(pointer)
            url = entry.large_file_url
            part.unlink()
            pull(url, part, size, progress=progress)
            found, _blob = once(_hashes, part)
            fits, detail = found == sha256, f"SHA-256 {found}, expected {sha256}"
            _large_file_note(target).write_text(sha256)
    except requests.RequestException as error:
        if part.exists() and part.stat().st_size == 0:
            part.unlink()
        raise DataUnavailable(_explain(entry, f"the download failed ({type(error).__name__})")) from error
    if not fits:
        part.unlink()
        msg = f"the download of {url} is not the published file ({detail}); nothing was kept"
        raise ValueError(msg)
    part.replace(target)


def _read_pointer(pointer: bytes) -> tuple[str, int]:
    """Return hash and size of the file that a Git LFS pointer stands for."""
    fields = dict(line.split(" ", 1) for line in pointer.decode().splitlines() if " " in line)
    return fields["oid"].removeprefix("sha256:"), int(fields["size"])


@lru_cache(maxsize=1)
def embedded() -> dict[str, str]:
    """Return the SHA-256 of the files that come with the package, by their path in ``data``."""
    with (DATA_FOLDER / "embedded.csv").open(newline="", encoding="utf-8") as file:
        return {row["path"]: row["sha256"] for row in csv.DictReader(file)}


def is_embedded(path: str | Path) -> bool | None:
    """Say whether a file is the one that comes with the package; None if none of that name does."""
    path = Path(path).resolve()
    if not path.is_relative_to(DATA_FOLDER):
        return None
    expected = embedded().get(path.relative_to(DATA_FOLDER).as_posix())
    return None if expected is None else once(_hashes, path)[0] == expected


def register() -> list[str]:
    """Note the hashes of the samples, simulations and recorded models that come with the package.

    ``make register`` does it. A file that is written anew carries a seal of its own and need not be noted.
    """
    paths = sorted(p for pattern in _EMBEDDED for p in DATA_FOLDER.glob(pattern) if b"provenance" in p.read_bytes())
    rows = {p.relative_to(DATA_FOLDER).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
    text = "path,sha256\n" + "".join(f"{name},{sha256}\n" for name, sha256 in rows.items())
    write(DATA_FOLDER / "embedded.csv", text.encode())
    embedded.cache_clear()
    return list(rows)

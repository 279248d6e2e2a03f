"""Where compiled kernels are kept when neither the package nor the home can be written."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path


def ensure_cache(package: Path) -> Path | None:
    """Let kernels be kept in a temporary folder if numba would find no place for them.

    numba keeps what it compiles in ``NUMBA_CACHE_DIR``, else beside the source, else in the user's cache, and ends an
    import with an error if none of them can be written: a package folder in a read-only container, run without a home.

    Parameters
    ----------
    package : path
        The folder of the package.

    Returns
    -------
    pathlib.Path or None
        The temporary folder, or None where numba finds a place by itself.

    Warns
    -----
    RuntimeWarning
        If kernels are kept in a temporary folder, or elsewhere than the environment says; how to choose a lasting place
        is in the message.
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named and _can_be_written(Path(named)):
        return None
    for place in (package, _user_cache()):
        if _can_be_written(place / "__pycache__" if place is package else place):
            if named:
                _keep_in("")
                warnings.warn(
                    f"NUMBA_CACHE_DIR={named} cannot be written, so compiled kernels are kept in {place}",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return None
    folder = Path(tempfile.gettempdir()) / f"amorphous-packing-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        trusted = folder.stat().st_uid == os.getuid()
    except OSError:
        trusted = False
    if not trusted:
        folder = Path(tempfile.mkdtemp(prefix="amorphous-packing-"))
    _keep_in(str(folder))
    unwritable = f"neither NUMBA_CACHE_DIR={named}, {package}" if named else f"neither {package}"
    warnings.warn(
        f"{unwritable} nor the home can be written, so compiled kernels are kept in {folder}; "
        "set NUMBA_CACHE_DIR to a folder that lasts, or every start compiles anew",
        RuntimeWarning,
        stacklevel=2,
    )
    return folder


def _keep_in(folder: str) -> None:
    """Let numba keep kernels in a folder, or where it likes; in processes that this one starts, too."""
    if folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
    else:
        os.environ.pop("NUMBA_CACHE_DIR", None)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder


def _user_cache() -> Path:
    """Where numba would keep kernels in the home."""
    try:
        home = Path.home()
    except RuntimeError:
        return Path("/nonexistent")
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False

"""Atoms, tables and numbers: formats that other programs read, each with its note and its seal in the same file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._seals import DamagedFile
from ._sealed import as_json, noted, read_note, verify, write_sealed

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

_NOTE = "provenance"


def save_atoms(path: str | Path, atoms: Atoms, note: Mapping[str, Any], *, decimals: int | None = None) -> None:
    """Write an atomic model as extended XYZ, readable by ASE and OVITO; with fewer decimals than eight if asked."""
    from ase.io import write

    copy = atoms.copy()
    copy.info[_NOTE] = as_json(noted(note))
    buffer = io.StringIO()
    write(buffer, copy, format="extxyz")
    text = buffer.getvalue()
    if decimals is not None:
        count, header, *rows = text.splitlines()
        short = [" ".join(f"{float(w):.{decimals}f}" if "." in w else w for w in row.split()) for row in rows]
        text = "\n".join([count, header, *short]) + "\n"
    write_sealed(path, text.encode())


def load_atoms(path: str | Path) -> Atoms:
    """Read an atomic model that `save_atoms` wrote."""
    path = Path(path)
    if not path.is_file():
        msg = f"no model {path}; run the notebook that makes it, or sample.model('published')"
        raise FileNotFoundError(msg)
    verify(path)
    from ase import Atoms
    from ase.io import read

    atoms = read(path, format="extxyz")
    assert isinstance(atoms, Atoms)
    return atoms


def atoms_note(path: Path) -> dict[str, Any]:
    """Read the note of a model."""
    note = load_atoms(path).info.get(_NOTE, {})
    return read_note(json.dumps(note) if isinstance(note, dict) else note)


def save_table(path: str | Path, table: pd.DataFrame, note: Mapping[str, Any]) -> None:
    """Write a table as CSV or Parquet (by its ending), with its provenance in the same file.

    In CSV it is the first line, a comment: ``pandas.read_csv(path, comment="#")`` skips it. In Parquet it is in the
    metadata.
    """
    path = Path(path)
    if path.suffix != ".parquet":
        text = f"# {as_json(noted(note))}\n{table.to_csv(index=False)}"
        write_sealed(path, text.encode())
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = pa.Table.from_pandas(table, preserve_index=False)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, columns.schema) as writer:
        writer.write_table(columns)
        writer.add_key_value_metadata({_NOTE: as_json(noted(note))})
    write_sealed(path, buffer.getvalue())


def load_table(path: str | Path) -> pd.DataFrame:
    """Read what `save_table` wrote."""
    import pandas as pd

    path = Path(path)
    verify(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, skiprows=1)


def table_note(path: Path) -> dict[str, Any]:
    """Read the note of a table."""
    verify(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return read_note((pq.read_metadata(path).metadata or {}).get(_NOTE.encode(), b"{}"))
    with path.open(encoding="utf-8") as file:
        return read_note(file.readline().removeprefix("#"))


def save_numbers(path: str | Path, numbers: Mapping[str, Any], note: Mapping[str, Any]) -> None:
    """Write named numbers as JSON."""
    write_sealed(path, (as_json({**numbers, _NOTE: noted(note)}, indent=1) + "\n").encode())


def load_numbers(path: str | Path) -> dict[str, Any]:
    """Read what `save_numbers` wrote."""
    path = Path(path)
    verify(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        msg = f"{path} holds {type(content).__name__}; expected named numbers"
        raise DamagedFile(msg)
    if isinstance(content.get(_NOTE), dict):
        content[_NOTE] = read_note(json.dumps(content[_NOTE]))
    return content

"""Manual corrections: a small table of what a person added or removed, kept with the reason and replayed."""

from __future__ import annotations

import csv
import datetime
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from ..arrays import Volume
from ..checks import check_choice, check_positions, check_positive
from ..digits import counted

_SHARE = 0.01  # of the atoms: more corrections than this are no longer a touch-up
_PLANES = {"x and y": (0, 1), "x and z": (0, 2), "y and z": (1, 2)}


class CorrectionWarning(UserWarning):
    """More than one atom in a hundred was corrected by hand."""


@dataclass(frozen=True)
class Correction:
    """One row of the table.

    Parameters
    ----------
    action : str
        ``"add"`` or ``"remove"``.
    x, y, z : float
        Where [Å].
    reason, who, when : str
        Why it was done, by whom, and the date, as 2022-01-31.
    """

    action: str
    x: float
    y: float
    z: float
    reason: str
    who: str
    when: str

    def __post_init__(self) -> None:
        check_choice("action", self.action, ("add", "remove"))
        for axis in "xyz":
            try:
                value = float(getattr(self, axis))
            except (TypeError, ValueError):
                value = np.nan
            if not np.isfinite(value):
                msg = f"{axis}={getattr(self, axis)!r}; expected a finite coordinate [Å]"
                raise ValueError(msg)
            object.__setattr__(self, axis, value)
        for name in ("reason", "who"):
            if not str(getattr(self, name)).strip():
                msg = f"{name} is empty; a correction needs a reason and a name"
                raise ValueError(msg)
        try:
            datetime.date.fromisoformat(str(self.when)[:10])
        except ValueError:
            msg = f"when={self.when!r}; expected a date such as 2022-01-31"
            raise ValueError(msg) from None

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) where [Å]."""
        return np.array([self.x, self.y, self.z])


Table = str | Path | Iterable[Correction | Mapping[str, Any]]
_COLUMNS = tuple(f.name for f in fields(Correction))


@dataclass(frozen=True, eq=False)
class Corrected:
    """Atoms after the corrections.

    Attributes
    ----------
    positions : (N, 3) array
        Those kept, in their order, then those added [Å].
    kept : (K,) int array
        Rows of the atoms before that are still there.
    removed : (R,) int array
        Rows of the atoms before that are gone, in the order of the table.
    added : int
        How many were added.
    share : float
        Corrections over atoms before.
    """

    positions: NDArray[np.float64] = field(repr=False)
    kept: NDArray[np.int64] = field(repr=False)
    removed: NDArray[np.int64]
    added: int
    share: float


def correct(positions: ArrayLike, table: Table, *, tolerance: float = 0.5) -> NDArray[np.float64]:
    """Add and remove atoms as a table of corrections says.

    Parameters
    ----------
    positions : (N, 3) array
        Atoms [Å]; never changed.
    table : path or rows
        A CSV file (`read_corrections`), `Correction` objects, mappings with the same names, or a pandas table.
    tolerance : float
        An atom to remove lies no farther than this from where the table says [Å]; an atom to add lies farther than
        this from every other.

    Returns
    -------
    (M, 3) array
        Atoms kept, in their order, then atoms added [Å]. `replay_corrections` also says which.

    Raises
    ------
    ValueError
        If there is nothing to remove where the table says, something already where it adds, or a row is no
        correction; the row's number is given.

    Warns
    -----
    CorrectionWarning
        If the corrections exceed one per cent of the atoms.

    Examples
    --------
    >>> from helpers.atoms import correct
    >>> rows = [{"action": "add", "x": 6, "y": 0, "z": 0, "reason": "gap", "who": "me", "when": "2022-01-31"}]
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # one of two atoms is more than one per cent
    ...     correct([[0, 0, 0], [3, 0, 0]], rows).tolist()
    [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [6.0, 0.0, 0.0]]
    """
    return replay_corrections(positions, table, tolerance=tolerance).positions


def replay_corrections(positions: ArrayLike, table: Table, *, tolerance: float = 0.5) -> Corrected:
    """Replay a table of corrections, row by row, and count them.

    Parameters
    ----------
    positions, table, tolerance
        As in `correct`.

    Returns
    -------
    Corrected
        The atoms, which were removed, how many were added, and the share of corrections.

    Raises
    ------
    ValueError
        As `correct`.
    """
    atoms = check_positions(positions)
    tolerance = check_positive("tolerance", tolerance)
    rows = _read_rows(table)
    here = [*atoms]
    origin = list(range(len(atoms)))  # row before; −1 for an atom that the table added
    removed: list[int] = []
    for number, row in enumerate(rows, start=1):
        distance = np.linalg.norm(np.array(here).reshape(-1, 3) - row.position, axis=1)
        nearest = int(distance.argmin()) if len(distance) else -1
        away = float(distance[nearest]) if len(distance) else np.inf
        where = f"({row.x:g}, {row.y:g}, {row.z:g}) Å"
        if row.action == "remove":
            if away > tolerance:
                msg = (
                    f"row {number} removes an atom at {where}, but the nearest is {away:.2f} Å away, beyond "
                    f"tolerance={tolerance:g} Å; the table belongs to other atoms, or the row is to go"
                )
                raise ValueError(msg)
            removed.append(origin[nearest])
            del here[nearest], origin[nearest]
        else:
            if away <= tolerance:
                msg = (
                    f"row {number} adds an atom at {where}, but there is one {away:.2f} Å away, within "
                    f"tolerance={tolerance:g} Å; take the row out"
                )
                raise ValueError(msg)
            here.append(row.position)
            origin.append(-1)
    share = len(rows) / len(atoms)
    if share > _SHARE:
        warnings.warn(
            f"{counted(len(rows), 'correction')} on {counted(len(atoms), 'atom')} "
            f"{'are' if len(rows) > 1 else 'is'} {100 * share:.1f} %, more than {100 * _SHARE:g} %; "
            "trace or classify with other parameters instead",
            CorrectionWarning,
            stacklevel=3,
        )
    source = np.array(origin, dtype=np.int64)
    gone = np.array([r for r in removed if r >= 0], dtype=np.int64)
    result = np.array(here, dtype=np.float64).reshape(-1, 3)
    return Corrected(result, source[source >= 0], gone, int((source < 0).sum()), share)


def read_corrections(path: str | Path) -> list[Correction]:
    """Read a table of corrections from a CSV file with the columns action, x, y, z, reason, who, when.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    list of Correction
        Its rows, in order.

    Raises
    ------
    ValueError
        If a column is missing or a row is no correction; the line is given.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [c for c in _COLUMNS if c not in (reader.fieldnames or [])]
        if missing:
            msg = f"{path.name} has no column {missing[0]!r}; expected {', '.join(_COLUMNS)}"
            raise ValueError(msg)
        return [_as_correction(row, f"line {number} of {path.name}") for number, row in enumerate(reader, start=2)]


def write_corrections(path: str | Path, table: Table) -> None:
    """Write a table of corrections to a CSV file, as `read_corrections` reads it.

    Parameters
    ----------
    path : path
        The file; replaced when the whole table is written.
    table : rows
        As in `correct`.

    Raises
    ------
    ValueError
        If a row is no correction.
    """
    rows = _read_rows(table)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(astuple(row) for row in rows)
    part.replace(path)


def propose_corrections(
    positions: ArrayLike,
    confidence: ArrayLike,
    *,
    missing: ArrayLike = (),
    below: float = 0.5,
    measure: str = "confidence",
    who: str = "proposal",
    when: str | None = None,
) -> list[Correction]:
    """Make a table of what to look at: doubtful atoms to remove, missing ones to add, the most doubtful first.

    Parameters
    ----------
    positions : (N, 3) array
        Atoms [Å].
    confidence : (N,) array
        How sure each is, 0 to 1.
    missing : (M, 3) array, optional
        Where an atom may be missing [Å], the likeliest first.
    below : float
        Atoms less sure than this are proposed.
    measure : str
        What `confidence` holds, for the reason.
    who, when : str
        For the table; today's date by default.

    Returns
    -------
    list of Correction
        Nothing is applied: a person keeps the rows that hold and gives the reason.

    Raises
    ------
    ValueError
        If positions and confidence do not belong together.
    """
    atoms = check_positions(positions)
    sure = np.asarray(confidence, dtype=np.float64)
    if sure.shape != (len(atoms),) or not np.isfinite(sure).all():
        msg = f"confidence has shape {sure.shape}; expected a finite value for each of {counted(len(atoms), 'atom')}"
        raise ValueError(msg)
    date = datetime.date.today().isoformat() if when is None else when
    order = np.argsort(sure, kind="stable")
    rows = [("remove", atoms[n], f"{measure} {sure[n]:.2f}") for n in order[sure[order] < below]]
    holes = np.asarray(missing, dtype=np.float64)
    if holes.size:
        rows += [("add", place, "missing in the images") for place in check_positions(holes, name="missing")]
    return [Correction(action, float(p[0]), float(p[1]), float(p[2]), reason, who, date) for action, p, reason in rows]


@dataclass(frozen=True, eq=False)
class AtomView:
    """Three orthogonal slices of a volume through one place.

    Attributes
    ----------
    planes : dict of str to (S, S) array
        Values in the planes ``"x and y"``, ``"x and z"``, ``"y and z"``; the axis named first comes first.
    others : dict of str to (K, 2) array
        Atoms near each plane, along its two axes, relative to the place [Å].
    step : float
        Distance of samples [Å].
    """

    planes: dict[str, NDArray[np.float32]] = field(repr=False)
    others: dict[str, NDArray[np.float64]] = field(repr=False)
    step: float


def view_atom(
    volume: Volume, position: ArrayLike, *, positions: ArrayLike = (), reach: float = 4.0, depth: float = 0.7
) -> AtomView:
    """Cut three orthogonal slices of a volume through a doubtful atom.

    Parameters
    ----------
    volume : Volume
        The reconstruction, or residuals back-projected.
    position : (3,) array
        The place [Å from the volume's centre].
    positions : (N, 3) array, optional
        Atoms to mark [Å].
    reach : float
        From the place to the edge of a slice [Å].
    depth : float
        Atoms no farther than this from a plane are marked in it [Å].

    Returns
    -------
    AtomView
        Slices with two samples a voxel, zero outside the volume.

    Raises
    ------
    ValueError
        If the place lies outside the volume.
    """
    place = check_positions(np.atleast_2d(np.asarray(position, dtype=np.float64)), name="position")[0]
    reach, depth = check_positive("reach", reach), check_positive("depth", depth)
    voxel = place / volume.voxel_size + volume.centre
    if np.any(voxel < -0.5) or np.any(voxel > np.array(volume.array.shape) - 0.5):
        msg = f"position={place.tolist()} Å lies outside the volume; positions count from its centre"
        raise ValueError(msg)
    step = volume.voxel_size / 2
    count = int(reach / step)
    line = np.arange(-count, count + 1) / 2
    marks = np.asarray(positions, dtype=np.float64)
    away = (check_positions(marks) if marks.size else np.empty((0, 3))) - place
    planes, others = {}, {}
    for name, (first, second) in _PLANES.items():
        where = np.broadcast_to(voxel[:, None, None], (3, len(line), len(line))).copy()
        where[first] += line[:, None]
        where[second] += line
        planes[name] = map_coordinates(volume.array.astype(np.float32), where, order=1, mode="constant")
        across = 3 - first - second
        near = (np.abs(away[:, across]) <= depth) & (np.abs(away[:, [first, second]]).max(axis=1, initial=0) <= reach)
        others[name] = away[near][:, [first, second]]
    return AtomView(planes, others, step)


def _read_rows(table: Table) -> list[Correction]:
    if isinstance(table, (str, Path)):
        return read_corrections(table)
    rows: Sequence[Any] = table.to_dict("records") if hasattr(table, "to_dict") else list(table)
    return [_as_correction(row, f"row {number}") for number, row in enumerate(rows, start=1)]


def _as_correction(row: Correction | Mapping[str, Any], name: str) -> Correction:
    if isinstance(row, Correction):
        return row
    if not isinstance(row, Mapping) or set(row) != set(_COLUMNS):
        found = ", ".join(map(str, row)) if isinstance(row, Mapping) else repr(row)
        msg = f"{name} holds {found}; expected {', '.join(_COLUMNS)}"
        raise ValueError(msg)
    try:
        text = {key: str(row[key]).strip() for key in _COLUMNS if key not in "xyz"}
        return Correction(x=row["x"], y=row["y"], z=row["z"], **text)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ValueError(msg) from None

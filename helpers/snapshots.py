"""Snapshots: periodic boxes of one simulation, kept small: coordinates on a fine grid, atoms along rods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import store
from .arrays import as_positions
from .checks import UnknownName, check_positive
from .geometry.boxes import wrap

if TYPE_CHECKING:
    from ase import Atoms

#: Grid on which coordinates are kept [Å]: an error of 0.004 Å at most, 0.4 pm r.m.s. in three dimensions.
STEP = 0.008
_LARGEST = np.iinfo(np.uint16).max
_ROD = 3.0  # width of the rods that atoms are sorted into [Å], about an atom
_QUANTITIES = ("temperature", "measured_temperature", "potential_energy", "density")


def save_snapshots(
    path: str | Path, snapshots: Sequence[Atoms], note: Mapping[str, Any], *, step: float = STEP
) -> None:
    """Write periodic snapshots of one simulation as HDF5.

    Parameters
    ----------
    path : path
        The file; it appears once it is whole.
    snapshots : sequence of ase.Atoms
        Boxes of the same number of atoms of one element. Of each one's ``info`` the temperature, the measured
        temperature [K], the potential energy [eV/atom] and the density [g/cm³] are kept, and the ``log``, as `quench`
        makes them.
    note : mapping
        Where they come from, see `store.provenance`.
    step : float
        Grid of the coordinates [Å]; half of it is the largest error. A box too wide for 65,536 steps is refused.

    Raises
    ------
    ValueError
        If there is no snapshot, or one is not periodic, too wide, of several elements, or unlike the first.

    Notes
    -----
    ``positions`` (snapshot, xyz, atom) counts steps in 16-bit integers. Atoms are sorted into rods along z, for a
    sorted list compresses better than a mixed one by as much as the order of N atoms would tell, log₂(N/e) bits an
    atom: which atom of one snapshot is which of another is not kept.
    """
    if len(snapshots) == 0:
        msg = "snapshots is empty; expected at least one"
        raise ValueError(msg)
    step = check_positive("step", step)
    symbols = {symbol for atoms in snapshots for symbol in atoms.get_chemical_symbols()}
    if len(symbols) != 1 or len({len(atoms) for atoms in snapshots}) != 1:
        msg = (
            f"snapshots hold {sorted(symbols)} and {[len(a) for a in snapshots]} atoms; expected one element and number"
        )
        raise ValueError(msg)
    grid, boxes = zip(*(_round(atoms, step) for atoms in snapshots), strict=True)
    with store.new_hdf5(path, note) as file:
        data = file.create_dataset(
            "positions", data=np.array(grid), chunks=(1, 1, len(snapshots[0])),
            compression="gzip", compression_opts=9, shuffle=True,
        )  # fmt: skip
        data.attrs.update(axes="snapshot xyz atom", unit="Å", step=step, symbol=symbols.pop())
        file.create_dataset("box", data=np.array(boxes)).attrs.update(unit="Å")
        for key in _QUANTITIES:
            file.create_dataset(key, data=[atoms.info[key] for atoms in snapshots])
        if rows := [row for atoms in snapshots for row in atoms.info.get("log", [])]:
            log = file.create_dataset("log", data=[list(row.values()) for row in rows], compression="gzip")
            log.attrs["columns"] = list(rows[0])


def load_snapshots(path: str | Path) -> list[Atoms]:
    """Read all snapshots that `save_snapshots` wrote, in the same order.

    Returns
    -------
    list of ase.Atoms
        Periodic boxes; ``info`` holds the temperature [K] and what else was kept.
    """
    with store.open_hdf5(path) as file:
        store.expect(file, path, "positions", "box", "temperature")
        return [_read(file, place) for place in range(len(file["positions"]))]


def load_snapshot(path: str | Path, temperature: float) -> Atoms:
    """Read the snapshot of one temperature [K] that `save_snapshots` wrote.

    Raises
    ------
    UnknownName
        If there is none at that temperature.
    """
    with store.open_hdf5(path) as file:
        store.expect(file, path, "positions", "box", "temperature")
        known = file["temperature"][()]
        match = np.flatnonzero(np.isclose(known, temperature))
        if match.size == 0:
            msg = f"{Path(path).name} has no snapshot at {temperature:g} K; it has {known.tolist()}"
            raise UnknownName(msg)
        return _read(file, int(match[0]))


def load_log(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Read the thermodynamic log of a simulation: one array a column; empty if none was kept."""
    with store.open_hdf5(path) as file:
        if "log" not in file:
            return {}
        columns = file["log"].attrs["columns"]
        return {str(name): file["log"][:, place] for place, name in enumerate(columns)}


def _round(atoms: Atoms, step: float) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Return the coordinates (3, N) in steps, atoms in order along rods, and the box."""
    positions, box = as_positions(atoms)
    if box is None or box.max() > step * _LARGEST:
        msg = f"a snapshot is {atoms!r}; expected a periodic box of at most {step * _LARGEST:.0f} Å, or a larger step="
        raise ValueError(msg)
    inside = wrap(positions, box)
    rods = np.floor(inside[:, :2] / _ROD)
    order = np.lexsort((inside[:, 2], rods[:, 1], rods[:, 0]))
    return np.round(inside[order].T / step).astype(np.uint16), box


def _read(file: Any, place: int) -> Atoms:
    from ase import Atoms

    data, box = file["positions"], file["box"][place]
    positions = wrap(data[place].T * float(data.attrs["step"]), box)
    atoms = Atoms([str(data.attrs["symbol"])] * len(positions), positions, cell=box, pbc=True)
    for key in _QUANTITIES:
        if key in file:
            atoms.info[key] = float(file[key][place])
    return atoms

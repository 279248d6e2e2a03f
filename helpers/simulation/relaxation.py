"""Let a particle settle in vacuum, with LAMMPS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_positions, check_positive
from .lammps import Lammps, check_element, mass_command
from .potentials import find_potential

if TYPE_CHECKING:
    from ase import Atoms

_MARGIN = 20.0  # empty space around the particle, which LAMMPS must not lose atoms into [Å]


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

    Raises
    ------
    ValueError
        If the particle holds several elements or a number makes no sense, or as in `quench` for element and potential.
    ImportError, RuntimeError
        As in `quench`.

    Examples
    --------
    >>> import helpers
    >>> from helpers.simulation import cut_sphere, relax_particle
    >>> particle = cut_sphere(helpers.load_sample("MD5200").model(), 12.0)
    >>> settled = relax_particle(particle, 300.0, 1.0)  # doctest: +SKIP
    """
    symbols = set(atoms.get_chemical_symbols())
    if len(symbols) != 1:
        msg = f"the particle holds {sorted(symbols)}; expected one element"
        raise ValueError(msg)
    symbol, _, _ = check_element(symbols.pop())
    temperature = check_positive("temperature", temperature)
    timestep = check_positive("timestep", timestep)
    if not np.isfinite(duration) or duration < 0:
        msg = f"duration={duration!r} ps; expected zero or a positive number"
        raise ValueError(msg)
    chosen = find_potential(symbol, potential)
    places = check_positions(atoms.positions, name="the particle")
    positions = places - places.mean(axis=0)
    half = np.abs(positions).max() + _MARGIN
    settled = atoms.copy()
    with Lammps() as lammps:
        lammps.commands(
            "units metal\natom_style atomic\nboundary f f f\n"
            f"region all block {-half} {half} {-half} {half} {-half} {half}\ncreate_box 1 all\n{mass_command(symbol)}"
        )
        lammps.create_atoms(positions)
        lammps.commands(
            f"{chosen.commands}\ntimestep {timestep / 1000}\nminimize 1e-8 1e-6 2000 20000\n"
            f"velocity all create {2 * temperature} {seed} mom yes rot yes\nfix motion all nve\n"
            f"fix bath all langevin {temperature} {temperature} 0.1 {seed} zero yes\n"
            "fix still all momentum 100 linear 1 1 1 angular\n"
            f"run {round(duration * 1000 / timestep)}"
        )
        settled.positions = lammps.positions()
    settled.positions -= settled.get_center_of_mass()
    return settled

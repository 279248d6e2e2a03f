"""Structure factors beside freud and dynasor: as many atoms as the largest published particle, and a million.

Peers that are not installed are left out: ``pip install freud-analysis dynasor``. All take the same 150 values of q.
Peers know periodic boxes only: freud's Debye sum takes distances to the nearest image and keeps them all, which 76,238
atoms do not allow; its direct method and dynasor take wave vectors of the box, here 3,000 of them at random.
"""

from __future__ import annotations

import numpy as np
from timing import QUICK, Case, compare

from helpers import simulation

FEWEST, FEW, MANY = (500, 8000, 16_000) if QUICK else (2000, 76_238, 1_000_000)
LOW, HIGH, COUNT = 0.5, 12.0, 150
WAVES = 3000
DENSITY = 0.055


def glass(count):
    """Atoms of a disturbed bcc crystal, and the edges of their box [Å]."""
    cells = round((count / 2) ** (1 / 3))
    edge = (2 / DENSITY) ** (1 / 3)
    corners = edge * np.moveaxis(np.indices((cells, cells, count // (2 * cells * cells) + 1)), 0, -1).reshape(-1, 1, 3)
    atoms = (corners + [[0, 0, 0], [edge / 2] * 3]).reshape(-1, 3)
    box = edge * np.array([cells, cells, count // (2 * cells * cells) + 1])
    return (atoms + np.random.default_rng(0).normal(0, 0.4, atoms.shape))[:count] % box, box


def ours(count, periodic, **options):
    """Prepare our function: compile it on a few atoms."""

    def prepare():
        positions, box = glass(count)
        q = np.linspace(LOW, HIGH, COUNT)
        small, its_box = glass(8000)
        simulation.structure_factor(small, q, its_box if periodic else None, **options)
        return lambda: simulation.structure_factor(positions, q, box if periodic else None, **options)

    return prepare


def freud_debye(count):
    def prepare():
        import freud

        positions, box = glass(count)
        system = freud.box.Box(*box), positions - box / 2
        peer = freud.diffraction.StaticStructureFactorDebye(num_k_values=COUNT, k_max=HIGH, k_min=LOW)
        return lambda: peer.compute(system)

    return prepare


def freud_direct(count):
    def prepare():
        import freud

        positions, box = glass(count)
        system = freud.box.Box(*box), positions - box / 2
        return lambda: freud.diffraction.StaticStructureFactorDirect(
            bins=COUNT, k_max=HIGH, k_min=LOW, num_sampled_k_points=WAVES
        ).compute(system)

    return prepare


def dynasor(count):
    def prepare():
        from dynasor.core.reciprocal import calc_rho_q

        positions, box = glass(count)
        rng = np.random.default_rng(0)
        length = rng.uniform(LOW, HIGH, WAVES)
        way = rng.normal(size=(WAVES, 3))
        whole = np.rint(way / np.linalg.norm(way, axis=1)[:, None] * length[:, None] * box / (2 * np.pi))
        waves = 2 * np.pi * whole / box
        calc_rho_q(positions[:1000], waves[:10])
        return lambda: np.abs(calc_rho_q(positions, waves)) ** 2 / count

    return prepare


CASES = [
    Case("all pairs", "ours", ours(FEWEST, False, method="debye"), size=FEWEST),
    Case("all pairs", "freud", freud_debye(FEWEST), size=FEWEST),
    Case("all pairs", "ours", ours(FEW, False, method="debye"), size=FEW),
    *(Case("directions", "ours", ours(n, False, method="directions"), size=n) for n in (FEW, MANY)),
    *(
        Case("near pairs", program, prepare, size=n)
        for n in (FEW, MANY)
        for program, prepare in (
            ("ours", ours(n, True, r_max=20.0)), ("freud direct", freud_direct(n)), ("dynasor", dynasor(n))
        )
    ),
]  # fmt: skip

if __name__ == "__main__":
    compare(f"S(q) at {COUNT} values of q up to {HIGH:g} /Å", CASES, repeats=1)

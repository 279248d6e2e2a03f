"""Every colour of the book can be seen, told from its neighbours, and has one meaning."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers import sample_names
from helpers.book.palette import line_of, palette

WHITE, DARK = 1.0, 0.0093  # luminance of the figures' ground and of the dark theme's (#14181e)
FAMILIES = ("samples", "motifs", "axes", "bonds", "packing", "verdicts", "series")
#: What is seen of linear RGB (Machado, Oliveira and Fernandes 2009, full severity).
SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)


def colours() -> dict[tuple[str, str], str]:
    """Every colour by its family and its name."""
    found = {}
    for family, entries in palette().items():
        for name, entry in entries.items():
            if isinstance(entry, list):
                found |= {(family, str(i)): colour for i, colour in enumerate(entry)}
            else:
                found[family, name] = entry if isinstance(entry, str) else entry["colour"]
    return found


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, sight: str = "full") -> float:
    """Difference of two colours (CIE 1976), 2 being just noticeable side by side."""
    matrix = np.asarray(SIGHT[sight])
    return float(np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(other))))


@pytest.mark.parametrize("ground", [WHITE, DARK])
def test_every_colour_stands_out(ground):
    for name, colour in colours().items():
        light = float(TO_XYZ[1] @ linear(colour))
        high, low = max(light, ground), min(light, ground)
        assert (high + 0.05) / (low + 0.05) >= 3, f"{name}: {colour}"  # what WCAG asks of graphics


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_one_family_are_told_apart(sight):
    for family in FAMILIES:
        members = [colour for (group, _), colour in colours().items() if group == family]
        for one, other in itertools.combinations(members, 2):
            assert distance(one, other, sight) >= 14, f"{family}: {one} and {other}"  # seven just noticeable steps


def test_no_colour_has_two_meanings():
    chosen = {key: colour for key, colour in colours().items() if key[0] in FAMILIES and key != ("samples", "MD")}
    for (one, first), (other, second) in itertools.combinations(chosen.items(), 2):
        assert distance(first, second) >= 10, f"{one} and {other}"


def test_the_palette_knows_no_sample_that_is_not_there():
    known = sample_names()
    assert all(any(name.startswith(sample) for name in known) for sample in palette()["samples"])
    assert line_of("Ta") != line_of("Pd1")

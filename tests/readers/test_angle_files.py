"""Angle files: every line is read or refused by its number, and angles that cannot be degrees are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from helpers import AngleUnitWarning, readers


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.rawtlt", "-60.0\n0\n 59.9\n", [-60.0, 0.0, 59.9]),
        ("a.csv", "phi,theta,psi\n0.2,-60,0\n0,0,0\n", [[0.2, -60, 0], [0, 0, 0]]),
        ("a.csv", "theta,phi,psi\n-60,0.2,0.1\n0,0,0\n", [[0.2, -60, 0.1], [0, 0, 0]]),
        ("a.csv", "ψ [°], φ [°], θ [°]\n0.1,0.2,-60\n0,0,0\n", [[0.2, -60, 0.1], [0, 0, 0]]),
        ("a.txt", "psi theta phi\n0.1 -60 0.2\n0 0 0\n", [[0.2, -60, 0.1], [0, 0, 0]]),
        ("a.txt", "# degrees\n0 -60 0.4\n\n0 1 0\n", [[0, -60, 0.4], [0, 1, 0]]),
        ("a.tlt", "tilt angle [degrees]\r\n-1e1;\r\n.5 # first after the centre\r\n", [-10.0, 0.5]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])  # the last two begin with a byte-order mark
def test_angle_files(tmp_path, name, text, expected, encoding):
    (tmp_path / name).write_bytes(text.encode(encoding))
    np.testing.assert_array_equal(readers.read_angles(tmp_path / name), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1\n2\nthree\n", "line 3 of a.txt reads 'three'; expected one number"),
        (b"-60 // first\n0\n60\n", "line 1 of a.txt reads '-60 // first'"),
        (b"theta 1\n0\n60\n", "line 1 of a.txt reads 'theta 1'"),
        (b"theta\npsi\n60\n", "line 2 of a.txt reads 'psi'"),
        (b"nan\n0\n60\n", "line 1 of a.txt reads 'nan'"),
        (b"0\ninf\n60\n", "line 2 of a.txt reads 'inf'"),
        (b"1_0\n0\n", "line 1 of a.txt reads '1_0'"),
        (b"0,,60\n", "line 1 of a.txt reads '0,,60'"),
        (b"1 2\n3 4\n", r"line 1 of a.txt holds 2 numbers \(1 2\)"),
        (b"-60,5\n-58,5\n", "decimals need a point, not a comma"),
        (b"0\n1 2 3\n", r"line 2 of a.txt holds 3 numbers .* as the lines before hold 1"),
        (b"0\n1.6e24\n", "line 2 of a.txt holds an angle of 1.6e\\+24°; expected −360° to 360°"),
        (b"", "no numbers"),
        ("-60\n0 \u00b1 1\n".encode("latin-1"), r"line 2 of a.txt holds a byte \(0xb1\) that is no UTF-8"),
        ("-60\n0\n".encode("utf-16-le"), "line 1 of a.txt holds a zero byte"),  # without a mark
        ("−60\n".encode(), "line 1 of a.txt reads '−60'"),  # a minus sign of typesetters
    ],
)
def test_bad_angle_files(tmp_path, content, message):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        readers.read_angles(tmp_path / "a.txt")


def test_angles_of_matlab(tmp_path):
    angles = np.linspace(-60, 60, 7)
    for name, array in {"row": angles[None], "column": angles[:, None]}.items():
        savemat(tmp_path / f"{name}.mat", {"angles": array})
        np.testing.assert_array_equal(readers.read_angles(tmp_path / f"{name}.mat"), angles)
    savemat(tmp_path / "complex.mat", {"angles": angles[:, None] + 1j})
    with pytest.raises(ValueError, match="complex.mat holds complex numbers"):
        readers.read_angles(tmp_path / "complex.mat")


@pytest.mark.parametrize(
    "degrees", [[-60, 0, 60], [-30.5, 31], np.linspace(0, 354, 60), np.linspace(-70, 70, 5), np.linspace(0, 354, 4)]
)
def test_radians_are_suspected_in_short_series_and_full_turns(tmp_path, degrees):
    np.save(tmp_path / "s.npy", np.random.default_rng(0).random((len(degrees), 8, 8)))
    with pytest.warns(AngleUnitWarning, match="if these are radians"):
        readers.read_tilt_series(tmp_path / "s.npy", np.deg2rad(degrees), pixel_size=0.4)
    readers.read_tilt_series(tmp_path / "s.npy", np.array(degrees, dtype=float), pixel_size=0.4)  # a warning would fail


@pytest.mark.parametrize("degrees", [[-3, 0, 3], [-2.5, 2.5], [0, 1.5, 3, 4.5, 6], [0.1, 0.2]])
def test_small_round_angles_are_degrees(tmp_path, degrees):
    np.save(tmp_path / "s.npy", np.random.default_rng(0).random((len(degrees), 8, 8)))
    readers.read_tilt_series(tmp_path / "s.npy", np.array(degrees), pixel_size=0.4)  # a warning would fail


MDOC = "PixelSpacing = 3.5\n\n[ZValue = 0]\nTiltAngle = -60.02\nStagePosition = 1 2\n\n[ZValue = 1]\nTiltAngle = 0\n"


def test_angles_of_serialem(tmp_path):
    (tmp_path / "a.mdoc").write_text(MDOC)
    assert readers.read_angles(tmp_path / "a.mdoc").tolist() == [-60.02, 0.0]
    begin, first, second = MDOC.partition("[ZValue = 0]")[0], *MDOC.split("\n\n")[1:]
    (tmp_path / "b.mdoc").write_text(f"{begin}{second}\n{first}\n")  # in the order in which they were taken
    assert readers.read_angles(tmp_path / "b.mdoc").tolist() == [-60.02, 0.0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ZValue = 1", "ZValue = 2", "a.mdoc states 2 angles; expected one for each image"),
        ("ZValue = 1", "ZValue = 0", "line 8 of a.mdoc reads 'TiltAngle = 0'; expected one angle in each section"),
        ("TiltAngle = 0", "TiltAngle = x", "line 8 of a.mdoc reads 'TiltAngle = x'"),
        ("TiltAngle = 0", "TiltAngle = 4000", "line 8 of a.mdoc holds an angle of 4000°"),
        (MDOC, "PixelSpacing = 3.5\n", "a.mdoc states 0 angles"),
    ],
)
def test_damaged_files_of_serialem(tmp_path, old, new, message):
    (tmp_path / "a.mdoc").write_text(MDOC.replace(old, new))
    with pytest.raises(ValueError, match=message):
        readers.read_angles(tmp_path / "a.mdoc")


def test_decimal_commas_between_semicolons(tmp_path):
    (tmp_path / "a.csv").write_text("phi;theta;psi\n0;-60,5;0\n")
    with pytest.raises(ValueError, match="decimals need a point, not a comma"):
        readers.read_angles(tmp_path / "a.csv")

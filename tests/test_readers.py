"""Files of others: MATLAB old and new, microscope images, angle lists, atoms."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from helpers import readers


@pytest.fixture
def array() -> np.ndarray:
    return np.arange(24.0).reshape(2, 3, 4)


def test_both_matlab_formats_agree(tmp_path, array):
    savemat(tmp_path / "old.mat", {"proj": array, "note": "text"})
    with h5py.File(tmp_path / "new.mat", "w") as file:  # version 7.3 keeps axes in reverse
        file["proj"] = array.T
    for name in ("old.mat", "new.mat"):
        np.testing.assert_array_equal(readers.read_mat(tmp_path / name, 3), array)


def test_mat_of_another_rank_or_with_two_arrays(tmp_path, array):
    savemat(tmp_path / "a.mat", {"x": array, "y": array + 1, "z": np.ones((2, 2))})
    with pytest.raises(ValueError, match=r"a.mat holds .*choose one with name='x' or 'y'"):
        readers.read_mat(tmp_path / "a.mat", 3)
    np.testing.assert_array_equal(readers.read_mat(tmp_path / "a.mat", 3, "y"), array + 1)
    with pytest.raises(ValueError, match=r"holds x \(2, 3, 4\).*expected an array of rank 4"):
        readers.read_mat(tmp_path / "a.mat", 4)


def test_areas_of_a_film_count_from_zero(tmp_path):
    savemat(
        tmp_path / "areas.mat", {"CropCen": np.array([[4, 5, 6], [8, 5, 6]]), "CropHalf": np.array([[3, 2, 1]] * 2)}
    )
    centres, halves = readers.read_areas(tmp_path / "areas.mat")
    np.testing.assert_array_equal(centres, [[3, 4, 5], [7, 4, 5]])
    np.testing.assert_array_equal(halves, [[3, 2, 1]] * 2)
    savemat(tmp_path / "odd.mat", {"CropCen": np.ones((2, 3)), "CropHalf": np.ones((1, 3))})
    with pytest.raises(ValueError, match=r"odd.mat holds centres \(2, 3\) and halves \(1, 3\); expected"):
        readers.read_areas(tmp_path / "odd.mat")


@pytest.mark.parametrize("keep", [0, 60, 200])
def test_truncated_mat(tmp_path, array, keep):
    path = tmp_path / "a.mat"
    savemat(path, {"x": array})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="a.mat (is truncated or no MATLAB file|holds nothing)"):
        readers.read_mat(path, 3)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.rawtlt", "-60.0\n0\n 59.9\n", [-60.0, 0.0, 59.9]),
        ("a.csv", "phi,theta,psi\n0.2,-60,0\n0,0,0\n", [[0.2, -60, 0], [0, 0, 0]]),
        ("a.txt", "# degrees\n0 -60 0.4\n\n0 1 0\n", [[0, -60, 0.4], [0, 1, 0]]),
    ],
)
def test_angle_files(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    np.testing.assert_array_equal(readers.read_angles(tmp_path / name), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [("1\n2\nthree\n", "line 3 of a.txt"), ("1 2\n3 4\n", r"\[2\] numbers a line"), ("", "no numbers")],
)
def test_bad_angle_files(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        readers.read_angles(tmp_path / "a.txt")


def test_tiff_and_numpy_stacks_agree(tmp_path, array):
    import tifffile

    stack = array.astype(np.float32)  # (tilts, x, y)
    tifffile.imwrite(tmp_path / "s.tif", np.swapaxes(stack, 1, 2), photometric="minisblack")  # rows are y
    np.save(tmp_path / "s.npy", stack)
    (tmp_path / "s.tlt").write_text("-5\n5\n")
    for name in ("s.tif", "s.npy"):
        series = readers.read_tilt_series(tmp_path / name, tmp_path / "s.tlt", pixel_size=0.3)
        np.testing.assert_array_equal(series.images, stack)
    with pytest.raises(ValueError, match="does not state its pixel size"):
        readers.read_tilt_series(tmp_path / "s.npy", [-5, 5])


def test_unknown_and_damaged_images(tmp_path):
    (tmp_path / "a.xyz").write_text("")
    with pytest.raises(ValueError, match=r"ends in '.xyz'; expected one of"):
        readers.read_images(tmp_path / "a.xyz")
    (tmp_path / "a.tif").write_bytes(b"II*\0 nothing more")
    with pytest.raises(ValueError, match="a.tif cannot be read"):
        readers.read_images(tmp_path / "a.tif")
    with pytest.raises(FileNotFoundError, match="no file"):
        readers.read_images(tmp_path / "none.tif")


def test_atoms_of_any_format(tmp_path):
    positions = np.array([[0.0, 0, 0], [2.8, 0, 0], [0, 2.8, 0], [0, 0, 2.8]])
    savemat(tmp_path / "a.mat", {"model": positions.T})
    (tmp_path / "a.xyz").write_text("4\n\n" + "".join(f"Ta {x} {y} {z}\n" for x, y, z in positions))
    for name in ("a.mat", "a.xyz"):
        np.testing.assert_allclose(readers.read_atoms(tmp_path / name, elements=["Ta"]).positions, positions)
    with pytest.raises(ValueError, match="names no elements"):
        readers.read_atoms(tmp_path / "a.mat")
    (tmp_path / "a.xyz").write_text("5\n\nTa 0 0 0\n")
    with pytest.raises(ValueError, match="a.xyz cannot be read as an atomic model"):
        readers.read_atoms(tmp_path / "a.xyz")
    positions[1, 2] = np.nan
    savemat(tmp_path / "a.mat", {"model": positions})
    with pytest.raises(ValueError, match="1 rows that are not finite, the first at row 1"):
        readers.read_atoms(tmp_path / "a.mat", elements=["Ta"])
    savemat(tmp_path / "a.mat", {"model": np.ones((4, 5))})
    with pytest.raises(ValueError, match=r"a.mat has shape \(4, 5\); expected \(N, 3\)"):
        readers.read_atoms(tmp_path / "a.mat", elements=["Ta"])

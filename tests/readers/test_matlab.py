"""MATLAB files, old and new: one array of the rank that is meant, and nothing believed that is not there."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from helpers import readers
from helpers.readers._mat5 import read_mat5


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
    with pytest.raises(ValueError, match=r"a.mat holds .*choose one with array = 'x' or 'y'"):
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


def test_data_in_other_files_are_refused_unless_asked_for(tmp_path, monkeypatch, array):
    np.arange(24.0).tofile(tmp_path / "secret.bin")
    with h5py.File(tmp_path / "outside.mat", "w") as file:
        file.create_dataset("x", (2, 3, 4), "f8", external=[(str(tmp_path / "secret.bin"), 0, 192)])
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file["x"] = array.T
    with h5py.File(tmp_path / "linked.mat", "w") as file:
        file["x"] = h5py.ExternalLink(str(tmp_path / "other.mat"), "x")
    layout = h5py.VirtualLayout((4, 3, 2), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.mat"), "x", (4, 3, 2))
    with h5py.File(tmp_path / "virtual.mat", "w") as file:
        file.create_virtual_dataset("x", layout)
    for name in ("outside", "linked", "virtual"):
        with pytest.raises(ValueError, match=f"x of {name}.mat lies in another file .*AET_OUTSIDE_FILES=1"):
            readers.read_mat(tmp_path / f"{name}.mat", 3)
    monkeypatch.setenv("AET_OUTSIDE_FILES", "1")
    np.testing.assert_array_equal(readers.read_mat(tmp_path / "virtual.mat", 3), array)
    assert readers.read_mat(tmp_path / "outside.mat", 3).size == 24


@pytest.mark.parametrize("suffix", [".mat", ".h5", ".emd"])
def test_what_is_declared_but_not_stored_is_refused_before_memory_is_taken(tmp_path, suffix):
    path = tmp_path / f"huge{suffix}"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (4000, 4000, 4000), "f4", chunks=(100, 100, 100), compression="gzip")
    assert path.stat().st_size < 5000
    read = readers.read_images if suffix != ".mat" else (lambda path: readers.read_mat(path, 3))
    with pytest.raises(
        ValueError, match=r"x of huge.* declares 4,000 × 4,000 × 4,000 values \(256.0 GB\) but the file stores 0 MB"
    ):
        read(path)


def test_what_does_not_fit_into_memory_is_refused_by_estimate(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.random.default_rng(0).random((40, 60, 60))
    monkeypatch.setattr("helpers.memory.free_memory", lambda: 1e5)
    with pytest.raises(MemoryError, match=r"x of a.h5 \(40 × 60 × 60 values\) would take 1 MB .* cut or bin it first"):
        readers.read_images(tmp_path / "a.h5")


def test_loops_of_links_end(tmp_path, array):
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        file["x"] = array
        file["again"] = h5py.SoftLink("/")
        file["group/self"] = file["/"]  # a hard link to what holds it
    np.testing.assert_array_equal(readers.read_images(tmp_path / "loop.h5")[0], array)


@pytest.mark.parametrize("packed", [True, False])
def test_our_reader_and_scipy_s_agree(tmp_path, packed):
    arrays = {
        kind: np.arange(24).reshape(2, 3, 4).astype(kind)
        for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c16")
    }
    arrays |= {"scalar": np.array(2.5), "row": np.arange(3.0), "empty": np.empty((0, 3)), "yes": np.ones((2, 2), bool)}
    savemat(
        tmp_path / "a.mat", {**arrays, "text": "no number", "cell": np.array(["a", 1], object)}, do_compression=packed
    )
    ours, theirs = read_mat5(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert set(ours) == set(arrays)
    for name, values in ours.items():
        assert values.dtype == theirs[name].dtype and values.flags.writeable
        np.testing.assert_array_equal(values, theirs[name])


def test_a_damaged_file_that_ended_the_process(tmp_path):
    """SciPy's reader died of a length in this place; ours says so."""
    savemat(tmp_path / "a.mat", {"model": np.arange(24.0).reshape(8, 3)})
    content = (tmp_path / "a.mat").read_bytes()
    refused = 0
    for place in range(128, 192, 4):
        for word in (-(2**31), 4000, 2**31 - 1, -1, 0):
            path = tmp_path / "b.mat"
            path.write_bytes(content[:place] + word.to_bytes(4, "little", signed=True) + content[place + 4 :])
            try:
                readers.read_mat(path, 2)
            except ValueError as error:
                refused += str(error).startswith("b.mat")
    assert refused > 40

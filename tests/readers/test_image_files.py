"""Stacks of images: every container gives the same numbers, or one sentence."""

from __future__ import annotations

import gzip
import struct

import h5py
import numpy as np
import pytest
import tifffile
from microscope_files import mrc, write_stack

from helpers import readers

T, X, Y = 3, 5, 4
STACK = np.arange(T * X * Y, dtype=np.float32).reshape(T, X, Y)  # (tilts, x, y)
ROWS = np.swapaxes(STACK, 1, 2)  # as files of pictures hold them


def test_tiff_and_numpy_stacks_agree(tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", ROWS, photometric="minisblack")
    np.save(tmp_path / "s.npy", STACK)
    (tmp_path / "s.tlt").write_text("-5\n0\n5\n")
    for name in ("s.tif", "s.npy"):
        series = readers.read_tilt_series(tmp_path / name, tmp_path / "s.tlt", pixel_size=0.3)
        np.testing.assert_array_equal(series.images, STACK)


@pytest.mark.parametrize("suffix", [".mrc", ".mrcs", ".st", ".ali", ".preali", ".rec", ".map"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("stamp", [True, False])
def test_mrc_of_both_byte_orders_by_any_name(tmp_path, suffix, order, stamp):
    (tmp_path / f"s{suffix}").write_bytes(mrc(ROWS, 0.4, order=order, stamp=stamp))
    images, size = readers.read_images(tmp_path / f"s{suffix}")
    np.testing.assert_array_equal(images, STACK)
    assert size == pytest.approx(0.4, rel=1e-6)  # stored as float32


@pytest.mark.parametrize("kind", ["int8", "int16", "float32", "uint16", "float16", "uint8"])
@pytest.mark.parametrize("stated", [True, False])
def test_every_mode_keeps_its_sign(tmp_path, kind, stated):
    low, high = (-100, 99) if kind[0] != "u" else (0, 250 if kind == "uint8" else 65_000)
    values = np.linspace(low, high, ROWS.size).astype(kind).reshape(ROWS.shape)
    if kind == "int16" and stated:  # IMOD wrote counts above 32,767 in mode 1: the header tells
        values = np.linspace(0, 60_000, ROWS.size).astype("uint16").reshape(ROWS.shape)
    content = mrc(values, 0.4, mode={"uint8": 0, "int16": 1}.get(kind), extremes=stated, imod=kind in ("uint8", "int8"))
    (tmp_path / "s.mrc").write_bytes(content)
    images, _ = readers.read_images(tmp_path / "s.mrc")
    np.testing.assert_array_equal(images, np.swapaxes(values, 1, 2).astype(np.float32))


@pytest.mark.parametrize("name", ["s.mrc", "s.mrc.gz", "s.tif"])
def test_packed_images_are_said_to_be_packed(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(mrc(ROWS, 0.4)))
    with pytest.raises(ValueError, match=rf"{name} is compressed \(gzip\); unpack it first"):
        readers.read_images(tmp_path / name)


def test_bytes_without_any_sign_of_a_sign_are_refused(tmp_path):
    values = np.linspace(-100, 99, ROWS.size).astype("int8").reshape(ROWS.shape)
    (tmp_path / "s.mrc").write_bytes(mrc(values, 0.4, extremes=False, version=0))
    with pytest.raises(ValueError, match="bytes of s.mrc are -100 to 99 with a sign or 1 to 254 without"):
        readers.read_images(tmp_path / "s.mrc")
    (tmp_path / "s.mrc").write_bytes(mrc(values, 0.4, extremes=False, version=20140))  # the standard says: signed
    assert readers.read_images(tmp_path / "s.mrc")[0].min() == -100


def test_a_header_that_contradicts_the_values_is_refused(tmp_path):
    content = bytearray(mrc(ROWS, 0.4, extremes=True))
    content[76:84] = struct.pack("<ff", 0.0, 1.0)
    (tmp_path / "s.mrc").write_bytes(content)
    with pytest.raises(ValueError, match="decodes to values from 0 to 59 but its header states 0 to 1: .*alterheader"):
        readers.read_images(tmp_path / "s.mrc")
    content[76:84] = struct.pack("<ff", -5.0, 80.0)  # the header of a whole of which this is a part
    (tmp_path / "s.mrc").write_bytes(content)
    np.testing.assert_array_equal(readers.read_images(tmp_path / "s.mrc")[0], STACK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:-9], r"is cut short: its header declares 3 images of 5×4 px \(1,264 bytes\), the file has 1,255"),
        (lambda c: c[:300], "has 300 bytes; an MRC file begins with a header of 1024"),
        (lambda c: c[:12] + struct.pack("<i", 4) + c[16:], "mode 4, which holds complex numbers; write it as float"),
        (lambda c: c[:12] + struct.pack("<i", 77) + c[16:], "no MRC file: its header declares 3 images .* in mode 77"),
        (lambda c: struct.pack("<iii", 4000, 4000, 4000) + c[12:], "declares 4,000 images of 4000×4000 px"),
        (lambda c: c[:64] + struct.pack("<iii", 3, 2, 1) + c[76:], r"axes in the order \(3, 2, 1\)"),
        (lambda c: c[:92] + struct.pack("<i", -4) + c[96:], "cut short or no MRC file"),
    ],
)
def test_damaged_mrc(tmp_path, change, message):
    (tmp_path / "s.mrc").write_bytes(change(mrc(ROWS, 0.4)))
    with pytest.raises(ValueError, match=message):
        readers.read_images(tmp_path / "s.mrc")


@pytest.mark.parametrize("suffix", [".mrc", ".tif", ".npy", ".h5"])
def test_a_single_image_is_said_to_be_one(tmp_path, suffix):
    write_stack(tmp_path / f"s{suffix}", STACK[:1], 0.4)
    with pytest.raises(ValueError, match=r"\(1, 5, 4\), a single image; .*join the images of a series in one file"):
        readers.read_images(tmp_path / f"s{suffix}")


def test_tiff_page_by_page_and_with_a_thumbnail(tmp_path):
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for row in ROWS:
            file.write(row, photometric="minisblack", metadata=None)
    for place, flag in (("first", 0), ("last", 0), ("flagged", 1)):
        with tifffile.TiffWriter(tmp_path / f"{place}.tif") as file:
            small = {"photometric": "minisblack", "metadata": None, "subfiletype": flag}
            if place != "last":
                file.write(ROWS[0, :2, :2], **small)
            for row in ROWS:
                file.write(row, photometric="minisblack", metadata=None)
            if place == "last":
                file.write(ROWS[0, :2, :2], **small)
    for name in ("pages", "first", "last", "flagged"):
        np.testing.assert_array_equal(readers.read_images(tmp_path / f"{name}.tif")[0], STACK)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"imagej": True, "resolution": (25, 25), "metadata": {"unit": "nm", "axes": "ZYX"}}, 0.4),
        ({"imagej": True, "resolution": (2.5, 2.5), "metadata": {"unit": "\\u00C5", "axes": "TYX"}}, 0.4),
        ({"imagej": True, "resolution": (25, 25), "metadata": {"unit": "pixel", "axes": "ZYX"}}, None),
        ({"imagej": True, "resolution": (25, 50), "metadata": {"unit": "nm", "axes": "ZYX"}}, None),  # not square
        ({"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.04, "PhysicalSizeXUnit": "nm",
                                    "PhysicalSizeY": 0.04, "PhysicalSizeYUnit": "nm"}}, 0.4),
        ({"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 4e-5, "PhysicalSizeY": 4e-5}}, 0.4),  # µm
        ({"ome": True, "metadata": {"axes": "ZYX"}}, None),
        ({"resolution": (300, 300), "photometric": "minisblack"}, None),  # that of a printer
    ],
)  # fmt: skip
def test_pixels_that_tiff_describes(tmp_path, options, size):
    tifffile.imwrite(tmp_path / "s.tif", ROWS, **options)
    images, stated = readers.read_images(tmp_path / "s.tif")
    np.testing.assert_array_equal(images, STACK)
    assert stated == (size if size is None else pytest.approx(size, rel=1e-6))


def test_tiff_in_colour_or_of_several_sizes(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((3, 9, 8, 3), np.uint8), photometric="rgb")
    with pytest.raises(ValueError, match="rgb.tif is in colour; expected grey images"):
        readers.read_images(tmp_path / "rgb.tif")
    with tifffile.TiffWriter(tmp_path / "odd.tif") as file:
        for edge in (8, 9, 8, 9):
            file.write(np.ones((edge, 8), np.float32), photometric="minisblack", metadata=None)
    with pytest.raises(ValueError, match="odd.tif holds pages of several kinds .*expected one image a tilt, all alike"):
        readers.read_images(tmp_path / "odd.tif")


def test_tiff_that_declares_what_it_cannot_hold(tmp_path, capfd):
    tifffile.imwrite(tmp_path / "s.tif", ROWS, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "s.tif") as file:
        place = file.pages.first.tags["ImageLength"].valueoffset
    content = bytearray((tmp_path / "s.tif").read_bytes())
    content[place : place + 4] = (2**30).to_bytes(4, "little")
    (tmp_path / "s.tif").write_bytes(content)
    with pytest.raises(ValueError, match=r"s.tif declares [\d,]+ pages of 21.5 GB but has \d+ bytes; it is damaged"):
        readers.read_images(tmp_path / "s.tif")
    assert capfd.readouterr() == ("", "")  # tifffile keeps its opinions to itself


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".h5"])
@pytest.mark.parametrize("kind", ["int64", "uint64", "bool", "float64", ">i4"])
def test_counts_of_any_type(tmp_path, suffix, kind):
    stack = (STACK % 2 if kind == "bool" else STACK).astype(kind)
    if suffix == ".tif":
        tifffile.imwrite(tmp_path / "s.tif", np.swapaxes(stack, 1, 2).copy(), photometric="minisblack")
    elif suffix == ".npy":
        np.save(tmp_path / "s.npy", stack)
    else:
        with h5py.File(tmp_path / "s.h5", "w") as file:
            file["x"] = stack.astype("u1") if kind == "bool" else stack
    np.testing.assert_array_equal(readers.read_images(tmp_path / f"s{suffix}")[0], stack.astype(np.float32))


def test_what_are_no_real_numbers(tmp_path):
    np.save(tmp_path / "c.npy", STACK * 1j)
    with pytest.raises(ValueError, match="c.npy holds complex numbers; expected images of real numbers"):
        readers.read_images(tmp_path / "c.npy")
    np.save(tmp_path / "o.npy", np.array([None, {}]), allow_pickle=True)
    with pytest.raises(ValueError, match="o.npy is truncated or no NumPy file of numbers"):
        readers.read_images(tmp_path / "o.npy")


def test_unknown_and_damaged_images(tmp_path):
    (tmp_path / "a.xyz").write_text("")
    with pytest.raises(ValueError, match=r"ends in '.xyz'; expected one of"):
        readers.read_images(tmp_path / "a.xyz")
    (tmp_path / "a.tif").write_bytes(b"II*\0 nothing more")
    with pytest.raises(ValueError, match=r"a.tif (cannot be read|holds no page)"):
        readers.read_images(tmp_path / "a.tif")
    with pytest.raises(FileNotFoundError, match="no file"):
        readers.read_images(tmp_path / "none.tif")


@pytest.mark.parametrize(
    ("stated", "given", "message"),
    [
        (None, None, "does not state its pixel size"),
        (
            1.0,
            None,
            "does not state its pixel size, or 1 Å as files do that know none, or pixels that are not square; state",
        ),
        (4.2e17, None, r"states pixels of 4.2e\+17 Å; expected 0.05 to 100 Å"),
        (-10.0, None, "states pixels of -10 Å; expected 0.05 to 100 Å"),
        (0.4, 4.2e17, r"pixel_size=4.2e\+17 Å; expected 0.05 to 100 Å: is it in Å?"),
        (None, -10.0, "pixel_size=-10 Å; expected"),
        (None, float("nan"), "pixel_size=nan Å; expected"),
    ],
)
@pytest.mark.parametrize("suffix", [".mrc", ".h5"])
def test_pixel_sizes_must_be_plausible(tmp_path, stated, given, message, suffix):
    write_stack(tmp_path / f"s{suffix}", STACK, stated)
    with pytest.raises(ValueError, match=message):
        readers.read_tilt_series(tmp_path / f"s{suffix}", np.array([-5.0, 0, 5.0]), pixel_size=given)


def test_one_angstrom_is_believed_if_somebody_says_so(tmp_path):
    write_stack(tmp_path / "s.mrc", STACK, 1.0)
    assert readers.read_tilt_series(tmp_path / "s.mrc", np.array([-5.0, 0, 5.0]), pixel_size=1.0).pixel_size == 1.0

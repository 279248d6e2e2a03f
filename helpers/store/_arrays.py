"""Tilt series and volumes as HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arrays import TiltSeries, Volume
from ._sealed import expect, new_hdf5, open_hdf5


def save_tilt_series(path: str | Path, series: TiltSeries, note: Mapping[str, Any]) -> None:
    """Write a tilt series as HDF5: ``images`` (tilt, x, y), ``angles`` and the pixel size."""
    with new_hdf5(path, note) as file:
        images = file.create_dataset("images", data=series.images, compression="gzip", compression_opts=1)
        images.attrs.update(axes="tilt x y", pixel_size=series.pixel_size, unit="Å")
        file.create_dataset("angles", data=series.angles).attrs.update(
            unit="degrees", order="theta" if series.angles.ndim == 1 else "phi theta psi"
        )


def load_tilt_series(path: str | Path) -> TiltSeries:
    """Read what `save_tilt_series` wrote."""
    with open_hdf5(path) as file:
        expect(file, path, "images", "angles")
        return TiltSeries(file["images"][()], file["angles"][()], float(file["images"].attrs["pixel_size"]))


def save_volume(path: str | Path, volume: Volume, note: Mapping[str, Any]) -> None:
    """Write a volume as HDF5: ``volume`` (x, y, z) with voxel size and the index of the origin."""
    with new_hdf5(path, note) as file:
        data = file.create_dataset("volume", data=volume.array, compression="gzip", compression_opts=1)
        data.attrs.update(axes="x y z", voxel_size=volume.voxel_size, unit="Å", origin=volume.centre)


def load_volume(path: str | Path) -> Volume:
    """Read what `save_volume` wrote."""
    with open_hdf5(path) as file:
        expect(file, path, "volume")
        return Volume(file["volume"][()], float(file["volume"].attrs["voxel_size"]))

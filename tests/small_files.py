"""A small file of every kind that is read: how each is made, by its name."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import tifffile
from ase.build import bulk
from ase.io import write
from microscope_files import mrc, write_stack
from scipy.io import savemat

STACK = np.random.default_rng(0).normal(10, 3, (3, 9, 8)).astype(np.float32)
ROWS = np.ascontiguousarray(np.swapaxes(STACK, 1, 2))
ATOMS = bulk("Cu", cubic=True) * (2, 1, 1)


def _hdf5(path: Path, **options) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=STACK, **options).attrs["pixel_size"] = 0.4


def _pages(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        for row in ROWS:
            file.write(row, photometric="minisblack", metadata=None)


IMAGES = {
    "a.mrc": lambda p: p.write_bytes(mrc(ROWS, 0.4, extremes=True)),
    "bytes.mrc": lambda p: p.write_bytes(mrc(ROWS.astype("int8"), 0.4, extremes=True, imod=True)),
    "big.st": lambda p: p.write_bytes(mrc(ROWS.astype("int16"), 0.4, order=">", stamp=False)),
    "a.tif": lambda p: tifffile.imwrite(p, ROWS, photometric="minisblack"),
    "pages.tif": _pages,
    "a.npy": lambda p: np.save(p, STACK),
    "a.h5": _hdf5,
    "packed.h5": lambda p: _hdf5(p, chunks=(1, 9, 8), compression="gzip", fletcher32=True),
    "a.emd": lambda p: write_stack(p, STACK, 0.4),
    "a.dm3": lambda p: write_stack(p, STACK, 0.4),
    "a.mat": lambda p: savemat(p, {"x": np.moveaxis(STACK, 0, -1)}, do_compression=True),
}
ANGLES = {
    "a.rawtlt": lambda p: p.write_text("-60.0\n0\n59.9\n"),
    "a.csv": lambda p: p.write_text("phi,theta,psi\n0.2,-60,0\n0,0,0\n0,60,0\n"),
    "angles.mdoc": lambda p: p.write_text(
        "".join(f"[ZValue = {i}]\nTiltAngle = {a}\n\n" for i, a in enumerate((-60, 0, 60)))
    ),
    "angles.mat": lambda p: savemat(p, {"angles": [[-60.0], [0], [60]]}),
}
DUMP = (
    "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id type x y z\n"
)
DATA = "x\n\n2 atoms\n1 atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\nMasses\n\n1 63.5\n\nAtoms # atomic\n\n"
MODELS = {
    "a.xyz": lambda p: write(p, ATOMS, format="xyz"),
    "b.xyz": lambda p: write(p, ATOMS, format="extxyz"),
    "a.dump": lambda p: p.write_text(DUMP + "1 1 0 0 0\n2 1 2.5 0 0\n"),
    "a.data": lambda p: p.write_text(DATA + "1 1 0 0 0\n2 1 2.5 0 0\n"),
    "a.cif": lambda p: write(p, ATOMS, format="cif"),
    "a.pdb": lambda p: write(p, ATOMS, format="proteindatabank"),
    "POSCAR": lambda p: write(p, ATOMS, format="vasp"),
    "model.mat": lambda p: savemat(p, {"model": ATOMS.positions}),
}

"""Multislice images: what a focused beam sees of atoms when it may scatter more than once."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage
from tqdm.auto import tqdm

from .. import store
from ..arrays import TiltSeries
from ..checks import check_count, check_positions, check_positive
from ..digits import counted
from ..geometry.rotations import check_euler, rotation_matrices
from ..interrupts import explained
from ..memory import check_memory
from ..tomography.cost import Cost

_INSTALL = "multislice images need abTEM; install it with: pip install 'amorphous-packing[multislice]'"
_MARGIN = 3.0  # empty space around the atoms and the field, so that nothing comes in from the other side [Å]
_PROBE = 8.0  # what a probe in focus needs around it, tails included [Å]
_BANDWIDTH = 2 / 3  # of the grid's Nyquist frequency: what aliasing leaves usable


def multislice_images(
    positions: ArrayLike,
    angles: ArrayLike,
    element: str | Sequence[str],
    *,
    pixel_size: float,
    shape: tuple[int, int],
    energy: float = 300.0,
    convergence: float = 25.0,
    detector: tuple[float, float] = (30.0, 200.0),
    blur: float = 0.35,
    phonons: int = 0,
    thermal: float = 0.06,
    slice_thickness: float = 2.0,
    interpolation: int | None = None,
    checkpoint: str | Path | None = None,
    seed: int = 0,
    progress: bool = True,
) -> TiltSeries:
    """Compute an annular dark-field tilt series of a set of atoms with abTEM.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions from the centre of the field, with y the tilt axis and z the beam at zero tilt [Å].
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    element : str or sequence of str
        Chemical symbol, of all atoms or one for each.
    pixel_size : float
        Distance of two beam positions [Å].
    shape : (int, int)
        Beam positions along x and y.
    energy : float
        Energy of the electrons [keV].
    convergence : float
        Half-angle of the focused beam [mrad]. It has no aberrations and its focus halfway through the atoms.
    detector : (float, float)
        Inner and outer angle of the detector [mrad]. The outer one sets how fine the grid has to be.
    blur : float
        Standard deviation of a Gaussian that stands for the size of the electron source and all else that blurs [Å].
    phonons : int
        Sets of displaced atoms to average over; 0 leaves the atoms where they are.
    thermal : float
        Standard deviation of their displacement along each axis [Å].
    slice_thickness : float
        Depth of a slice [Å].
    interpolation : int, optional
        Of the plane waves of the beam, one in so many along x and y is computed, as in PRISM; 0 takes the beam through
        the slices at each position. By default whichever takes fewer waves, with as much interpolation as leaves room
        for the beam.
    checkpoint : path, optional
        HDF5 file that keeps the tilts that are done. With the same parameters a later call goes on from there.
    seed : int
        Seed of the displacements.
    progress : bool
        Print an estimate of memory and time, and show a bar.

    Returns
    -------
    TiltSeries
        Images as the fraction of the beam that reaches the detector; coordinate zero is at pixel n // 2.

    Raises
    ------
    ImportError
        If abTEM is not installed.
    ValueError
        If a parameter makes no sense, or the checkpoint belongs to other atoms or parameters.

    Notes
    -----
    The potential of each slice is the sum of the atoms' projected potentials by Kirkland's parameters. With
    plane waves every f-th is computed, and the images of the beam are assembled from a window of 1 / f of the grid.

    References
    ----------
    E. J. Kirkland, Advanced Computing in Electron Microscopy, Springer. J. Madsen, T. Susi, Open Research Europe 1, 24
    (2021). C. Ophus, Advanced Structural and Chemical Imaging 3, 13 (2017), for PRISM.

    Examples
    --------
    >>> from helpers.simulation import multislice_images
    >>> atoms = [[0.0, 0.0, 0.0], [2.8, 0.0, 0.0]]
    >>> series = multislice_images(atoms, [0.0, 30.0], "Ta", pixel_size=0.4, shape=(24, 20))  # doctest: +SKIP
    >>> series.images.shape  # doctest: +SKIP
    (2, 24, 20)
    """
    atoms = check_positions(positions)
    euler = check_euler(angles)
    size = tuple(check_count("shape", n) for n in shape)
    if len(size) != 2:
        msg = f"shape={shape!r}; expected two numbers of pixels"
        raise ValueError(msg)
    setup = _Setup(
        symbols=[element] * len(atoms) if isinstance(element, str) else [str(e) for e in element],
        pixel_size=check_positive("pixel_size", pixel_size),
        shape=(size[0], size[1]),
        energy=check_positive("energy", energy),
        convergence=check_positive("convergence", convergence),
        detector=(float(detector[0]), float(detector[1])),
        slice_thickness=check_positive("slice_thickness", slice_thickness),
        phonons=int(phonons),
        thermal=float(thermal),
        seed=int(seed),
    )
    setup.check(len(atoms), blur, interpolation)
    abtem = _load()
    turned = [_beam_frame(atoms, matrix) for matrix in rotation_matrices(euler)]
    box = setup.box(turned)
    factor = setup.interpolation(box, max(map(_depth, turned))) if interpolation is None else int(interpolation)
    check_memory(
        setup.bytes(box, factor) + 4.0 * len(euler) * math.prod(size),
        what=f"the waves of {size[0]} × {size[1]} beam positions",
        instead="narrow the detector, the field or the convergence, or pass interpolation=",
    )
    origin = store.provenance(
        {"atoms": atoms, "angles": euler, "element": setup.symbols, "blur": blur, "interpolation": factor}
        | {name: value for name, value in vars(setup).items() if name not in ("symbols", "seed")},
        seed=seed,
    )
    images, done = _resume(checkpoint, origin, (len(euler), *setup.shape))
    if progress:
        cost = setup.cost(box, factor, turned, int((~done).sum()))
        way = f"plane waves, one in {factor}²" if factor else "the beam at each position"
        tqdm.write(f"multislice: {counted((~done).sum(), 'tilt')}, {way}: {cost}", file=sys.stderr)

    def advice() -> str:
        stopped = f"the simulation was stopped after {done.sum()} of {counted(len(done), 'tilt')}"
        if checkpoint is None:
            return f"{stopped} and nothing is kept; pass checkpoint= to be able to go on"
        return f"{stopped}; {checkpoint} keeps them, and the same call goes on from there"

    bar = tqdm(np.flatnonzero(~done), disable=not progress, desc="multislice", unit="tilt")
    with explained(advice), bar:
        for t in bar:
            image = setup.image(abtem, turned[t], box, factor)
            images[t] = ndimage.gaussian_filter(image, blur / pixel_size) if blur else image
            done[t] = True
            if checkpoint is not None:
                with store.new_hdf5(checkpoint, origin) as file:
                    file.create_dataset("images", data=images)
                    file.create_dataset("done", data=done)
    return TiltSeries(images, np.asarray(angles, dtype=float), pixel_size)


def _load() -> Any:
    """Import abTEM, which takes seconds, only when it is needed."""
    try:
        import abtem
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    return abtem


def _resume(
    path: str | Path | None, origin: dict[str, Any], shape: tuple[int, int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the images and which of them are done."""
    if path is None or not Path(path).exists():
        return np.zeros(shape, np.float32), np.zeros(shape[0], np.bool_)
    store.check_origin(path, origin)
    with store.open_hdf5(path) as file:
        return file["images"][()], file["done"][()].astype(np.bool_)


def _beam_frame(atoms: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the atoms as the detector sees them, z along the beam."""
    turned: NDArray[np.float64] = atoms @ matrix
    return turned


def _depth(atoms: NDArray[np.float64]) -> float:
    return float(np.ptp(atoms[:, 2])) + 2 * _MARGIN


@dataclass(frozen=True)
class _Setup:
    """Microscope and field."""

    symbols: list[str]
    pixel_size: float
    shape: tuple[int, int]
    energy: float
    convergence: float
    detector: tuple[float, float]
    slice_thickness: float
    phonons: int
    thermal: float
    seed: int

    def check(self, count: int, blur: float, interpolation: int | None) -> None:
        """Refuse what makes no sense."""
        if len(self.symbols) != count:
            msg = (
                f"element names {counted(len(self.symbols), 'atom')} but positions holds {count}; give one "
                "for all or for each"
            )
            raise ValueError(msg)
        inner, outer = self.detector
        if not 0 <= inner < outer:
            msg = f"detector={self.detector!r}; expected an inner and a larger outer angle [mrad]"
            raise ValueError(msg)
        for name, value in {"blur": blur, "phonons": self.phonons, "thermal": self.thermal}.items():
            if not np.isfinite(value) or value < 0:
                msg = f"{name}={value!r}; expected zero or a positive number"
                raise ValueError(msg)
        if interpolation is not None and interpolation < 0:
            msg = f"interpolation={interpolation!r}; expected 0 or a positive whole number"
            raise ValueError(msg)

    @property
    def wavelength(self) -> float:
        """Relativistic wavelength of the electrons [Å]."""
        rest = 510.998950  # keV
        return 12.3984198 / float(np.sqrt(self.energy * (2 * rest + self.energy)))

    def box(self, turned: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Width of the periodic box that holds the field and the atoms of every tilt [Å]."""
        reach = np.max([np.abs(atoms[:, :2]).max(axis=0) for atoms in turned], axis=0)
        return np.maximum(np.array(self.shape) * self.pixel_size, 2 * reach) + 2 * _MARGIN

    def grid(self, box: NDArray[np.float64], factor: int) -> tuple[int, int]:
        """Points of the wave: fine enough for the outer angle, a multiple of the interpolation."""
        widest = max(self.detector[1], self.convergence) * 1.02e-3
        finest = _BANDWIDTH * self.wavelength / (2 * widest)
        step = max(factor, 1)
        return tuple(step * fft.next_fast_len(int(np.ceil(b / finest / step))) for b in box)

    def waves(self, box: NDArray[np.float64], factor: int) -> int:
        """Waves that go through the slices of one tilt."""
        if not factor:
            return self.shape[0] * self.shape[1]
        disc = np.pi * (self.convergence * 1e-3 / self.wavelength) ** 2
        return int(np.ceil(disc * box.prod() / factor**2))

    def interpolation(self, box: NDArray[np.float64], depth: float) -> int:
        """Return the largest interpolation that leaves room for the beam, or 0 where it does not pay."""
        room = _PROBE + 2e-3 * self.convergence * depth
        factor = max(1, int(box.min() // room))
        return factor if self.waves(box, factor) < self.waves(box, 0) else 0

    def bytes(self, box: NDArray[np.float64], factor: int) -> float:
        """Estimate the memory of all waves as computed, and cut to the usable frequencies; or of some beams."""
        held = self.waves(box, factor) * (1 + _BANDWIDTH**2) if factor else 64
        return 8.0 * held * math.prod(self.grid(box, factor)) + 4e8  # abTEM itself: 0.4 GB

    def cost(self, box: NDArray[np.float64], factor: int, turned: list[NDArray[np.float64]], tilts: int) -> Cost:
        """Estimate memory and time from that of one Fourier transform."""
        grid = self.grid(box, factor)
        wave = np.ones(grid, np.complex64)
        fft.fft2(wave)
        begin = time.perf_counter()
        fft.fft2(wave)
        once = time.perf_counter() - begin
        slices = float(np.mean([_depth(atoms) for atoms in turned])) / self.slice_thickness
        waves = self.waves(box, factor)
        # two transforms a slice, and products that take about as long; assembling probes from waves comes on top
        seconds = waves * slices * 4 * once
        if factor:
            seconds += self.shape[0] * self.shape[1] * (waves / 8 + 1) * once / factor**2
        return Cost(int(self.bytes(box, factor)), float(seconds * tilts * max(self.phonons, 1)))

    def image(
        self, abtem: Any, atoms: NDArray[np.float64], box: NDArray[np.float64], factor: int
    ) -> NDArray[np.float32]:
        """Return one image."""
        from ase import Atoms

        depth = _depth(atoms)
        middle = box / 2
        placed = Atoms(self.symbols, atoms + [*middle, depth / 2 - (atoms[:, 2].min() + atoms[:, 2].max()) / 2])
        placed.set_cell([*box, depth])
        sample = placed
        if self.phonons:
            sample = abtem.FrozenPhonons(placed, self.phonons, sigmas=self.thermal, seed=self.seed)
        begin = middle - np.array([n // 2 for n in self.shape]) * self.pixel_size
        options = {"diagnostics.progress_bar": False, "dask.lazy": False, "fftw.planning_effort": "FFTW_ESTIMATE"}
        with abtem.config.set(options), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of grids that interpolation divides unevenly, and the like
            potential = abtem.Potential(
                sample, gpts=self.grid(box, factor), slice_thickness=self.slice_thickness, parametrization="kirkland"
            )
            end = begin + np.array(self.shape) * self.pixel_size
            scan = abtem.GridScan(tuple(begin), tuple(end), gpts=self.shape, endpoint=False)
            ring = abtem.AnnularDetector(*self.detector)
            beam = {"energy": 1e3 * self.energy, "semiangle_cutoff": self.convergence}
            if factor:
                matrix = abtem.SMatrix(potential=potential, interpolation=factor, **beam)
                focus = abtem.CTF(defocus=depth / 2, **beam)
                measured = matrix.reduce(scan=scan, detectors=ring, ctf=focus, lazy=False)
            else:
                probe = abtem.Probe(defocus=depth / 2, **beam)
                probe.grid.match(potential)
                measured = probe.scan(potential, scan=scan, detectors=ring, lazy=False)
        image: NDArray[np.float32] = np.asarray(measured.array, dtype=np.float32).reshape(self.shape)
        return image

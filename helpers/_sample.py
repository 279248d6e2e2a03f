"""A sample: everything that is known about a specimen, and its files."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import data, readers, store
from ._boundaries import settle
from .arrays import TiltSeries, Volume
from .checks import UnknownName, check_positions
from .readers.hdf5 import OUTSIDE, may_read_outside

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class Sample:
    """A specimen and where its files are.

    Get one from `load_sample`. Every reading method returns data, or raises one error that says which
    file is missing and how to get it.

    Attributes
    ----------
    name, title, short : str
        What `load_sample` knows it by; what it is, in a line; what figures and tables call it.
    elements : tuple of str
        Chemical symbols.
    kind : str
        ``"particle"``, ``"film"``, ``"bulk"`` (periodic) or ``"projections"``.
    pixel_size : float or None
        Edge of a pixel of the tilt series [Å].
    tilts : int or None
        Number of images.
    first_valley : float or None
        First minimum of the pair distribution [Å].
    temperature : float or None
        Of a snapshot of a simulation [K].
    citation : str or None
        Key in ``book/references.bib``.
    colour, dash : str or None
        How figures draw it.
    simulated : bool
        Whether no microscope has seen it.
    files : dict
        Where the file of each role is.
    folder : path
        What the files' paths are relative to.
    """

    name: str
    title: str
    short: str
    elements: tuple[str, ...]
    kind: str
    pixel_size: float | None = None
    tilts: int | None = None
    first_valley: float | None = None
    temperature: float | None = None
    citation: str | None = None
    colour: str | None = None
    dash: str | None = None
    simulated: bool = False
    files: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    folder: Path = field(default=data.DATA_FOLDER, repr=False)

    def path(self, role: str, **number: int) -> Path:
        """Return a verified local copy of one of the sample's files.

        Parameters
        ----------
        role : str
            What the file is for, a key of `files`: ``"model"``, ``"angles"``, ``"tilt_series"`` …
        **number : int
            For files that come in numbers, such as ``area=1``.

        Raises
        ------
        KeyError
            If the sample has no such file.
        FileNotFoundError
            If the file is not here and cannot be had.
        """
        entry = self._entry(role, **number)
        if "make" in entry:
            msg = f"{role} of sample {self.name!r} is no file: it is made when asked for; call sample.{role}()"
            raise UnknownName(msg)
        if "path" in entry:
            return data.fetch(entry["path"])
        path = self._inside(entry["file"], role)
        if not path.is_file():
            msg = f"{role} of sample {self.name!r} should be {path}, but there is no such file{_near(path)}"
            raise FileNotFoundError(msg)
        if self.folder == data.DATA_FOLDER:
            store.verify(path)
        return path

    def has(self, role: str, *, download: bool = True, **number: int) -> bool:
        """Say whether a file can be had: it is here, or (with `download`) a download succeeds."""
        try:
            entry = self._entry(role, **number)
            if "path" in entry and not download:
                return data.is_local(entry["path"])
            if "make" not in entry:
                self.path(role, **number)
        except (KeyError, FileNotFoundError):
            return False
        return True

    def read(self, role: str, **number: int) -> NDArray[Any]:
        """Return the array that one of the sample's files holds."""
        entry = self._entry(role, **number)
        path = self.path(role, **number)
        if path.suffix == ".mat":
            return readers.read_mat(path, entry.get("ndim", 2), entry.get("array"))
        if path.suffix == ".txt":
            try:
                return np.loadtxt(path, comments=("%", "#"), usecols=entry.get("columns"), ndmin=2, encoding="utf-8")
            except (ValueError, UnicodeDecodeError) as error:
                msg = f"{path.name} holds no table of numbers ({error}); correct it there"
                raise ValueError(msg) from error
        msg = f"{path.name} holds no plain array; use the sample's own methods to read it"
        raise ValueError(msg)

    def model(self, which: str = "published") -> Atoms:
        """Return an atomic model.

        Parameters
        ----------
        which : str
            ``"published"`` (the final coordinates), ``"unrefined"``, ``"truth"`` (simulated samples),
            ``"located"``: what this package found from the images, recorded with the uncertainty of each coordinate;
            or ``"own"``: the one that the notebooks made and stored under ``results``.

        Returns
        -------
        ase.Atoms
            Positions [Å]; a bulk sample is periodic and carries its box, any other is not, whatever its file says.

        Raises
        ------
        UnknownName
            If the sample has no such model.
        ValueError
            If its file is damaged or contradicts the description, or a bulk sample has no box.
        """
        if which == "own":
            return store.load_atoms(store.results_path(self.name, "atoms", "model.xyz"))
        role = {"published": "model", "unrefined": "model_unrefined"}.get(which, which)
        entry = self._entry(role)
        path = self.path(role)
        if "snapshot" in entry:
            from . import snapshots  # here, for it brings the kernels of boxes

            return snapshots.load_snapshot(path, float(entry["snapshot"]))
        if "columns" in entry:
            return settle(self._as_atoms(self.read(role)), self.kind, sample=self.name, path=path)
        options = {key: entry[key] for key in ("array", "style") if key in entry}
        atoms = readers.read_atoms(path, elements=self.elements or None, **options)
        return settle(atoms, self.kind, sample=self.name, path=path)

    def peaks(self) -> NDArray[np.float64]:
        """Return the published traced peaks, atoms and others, from the middle of the volume.

        Returns
        -------
        (N, 3) array
            Positions [Å]. Rows of zeros, which fill up some of the files, are left out.

        Raises
        ------
        UnknownName
            If the sample has no such file.
        FileNotFoundError
            If it is not here and cannot be had.
        """
        entry = self._entry("peaks")
        places = np.asarray(self.read("peaks"), dtype=float)
        places = places if places.shape[1] == 3 else places.T
        places = places[(places != 0).any(axis=1)] - entry.get("centre", 0.0)
        return places * (self._pixel() / entry.get("oversampling", 1))

    def snapshots(self) -> list[Atoms]:
        """Return all snapshots of a simulation, from hot to cold.

        Returns
        -------
        list of ase.Atoms
            Periodic boxes; ``info`` holds the temperature [K]. Which atom of one is which of another is not kept.

        Raises
        ------
        UnknownName
            If the sample is no simulation with several snapshots.
        """
        from . import snapshots

        return snapshots.load_snapshots(self.path("quench"))

    def angles(self, role: str = "angles") -> NDArray[np.float64]:
        """Return the tilt angles, (T,) or (T, 3) Euler angles φ, θ, ψ [degrees]."""
        entry = self._entry(role)
        return readers.read_angles(self.path(role), entry.get("array"))

    def raw_frames(self, **options: Any) -> Any:
        """Return raw frames, several a tilt, with what is known about them.

        Parameters
        ----------
        **options
            For the virtual microscope, in place of those that ``samples.toml`` states.

        Returns
        -------
        helpers.simulation.RawSeries
            Frames, nominal angles, pixel size, and the truth about them.

        Raises
        ------
        UnknownName
            If the sample has no raw frames; its model can be imaged with `helpers.simulation.image_sample`.
        """
        if "make" not in self.files.get("raw_frames", {}):
            msg = f"sample {self.name!r} has no raw frames; helpers.simulation.image_sample makes some from its model"
            raise UnknownName(msg)
        return self._make("raw_frames", options)

    def tilt_series(self, role: str = "tilt_series", **number: int) -> TiltSeries:
        """Return a tilt series, aligned unless `role` says otherwise.

        Parameters
        ----------
        role : str
            Which of the sample's series: ``"tilt_series"``, or another key of `files` such as ``"misaligned"``. A
            series without a file is made by the virtual microscope and the steps of the imaging stage, unless the
            notebooks have stored one that was made the same way.
        **number : int
            ``area=…`` for a film that was scanned in areas.

        Raises
        ------
        UnknownName
            If the sample has no such series.
        FileNotFoundError
            If its file is not here and cannot be had.
        """
        entry = self._entry(role, **number)
        if "make" in entry:
            return self._stored_series(entry) or self._make(role)
        return readers.read_tilt_series(
            self.path(role, **number),
            self.angles(),
            pixel_size=self.pixel_size,
            array=entry.get("array"),
            tilts=self.tilts if role == "tilt_series" else None,
        )

    def volume(self, role: str = "volume", **number: int) -> Volume:
        """Return a published reconstruction."""
        return Volume(self.read(role, **number), self._pixel())

    @property
    def areas(self) -> list[int]:
        """Numbers of the areas that a scanned film was imaged in; empty for any other sample."""
        return list(range(a[0], a[1] + 1)) if (a := self.files.get("areas", {}).get("range")) else []

    def origin(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the provenance of what is made of this sample's model with some options, a ``seed`` among them."""
        model = self.path("truth" if "truth" in self.files else "model")
        parameters = {key: value for key, value in options.items() if key != "seed"}
        return store.provenance(parameters, [model], seed=options.get("seed"))

    def _make(self, role: str, options: Mapping[str, Any] | None = None) -> Any:
        """Call the function that `files` names: a later stage, so nothing of it is imported before."""
        entry = self._entry(role)
        module, function = entry["make"].split(":")
        return getattr(importlib.import_module(module), function)(
            self, **{**entry.get("options", {}), **(options or {})}
        )

    def _stored_series(self, entry: Mapping[str, Any]) -> TiltSeries | None:
        """Return the aligned series that a notebook stored, if it was made of the same model in the same way."""
        path = store.results_path(self.name, "imaging", "aligned.h5")
        if not store.made_from(path, self.origin(entry.get("options", {}))):
            return None
        return store.load_tilt_series(path)

    def _pixel(self) -> float:
        if self.pixel_size is None:
            msg = f"samples.toml states no pixel_size for {self.name!r}; add it [Å]"
            raise ValueError(msg)
        return self.pixel_size

    def _as_atoms(self, positions: NDArray[Any]) -> Atoms:
        from ase import Atoms

        if len(self.elements) != 1:
            msg = f"the model of {self.name!r} names no elements; state one for the sample (got {list(self.elements)})"
            raise ValueError(msg)
        return Atoms(list(self.elements) * len(positions), check_positions(positions, name=f"model of {self.name}"))

    def _entry(self, role: str, **number: int) -> dict[str, Any]:
        if role not in self.files:
            known = ", ".join(self.files) or "none"
            msg = f"sample {self.name!r} has no file for {role!r}; it has {known}"
            raise UnknownName(msg)
        entry = dict(self.files[role])
        low, high = entry.get("range", (None, None))
        for key, value in number.items():
            if low is not None and not low <= value <= high:
                msg = f"{key}={value} of sample {self.name!r}; expected {low} to {high}"
                raise UnknownName(msg)
        for key in {"path", "file"} & set(entry) if low is not None else ():
            for name, value in number.items():
                entry[key] = entry[key].replace(f"{{{name}}}", str(int(value)))
            missing = re.search(r"{(\w+)}", entry[key])
            if missing:
                msg = f"{role} of {self.name!r} comes in numbers; pass {missing.group(1)}="
                raise UnknownName(msg)
        return entry

    def _inside(self, file: str, role: str) -> Path:
        """Where a file is, if it lies beside the description or the user asked for files elsewhere."""
        path = (self.folder / file).resolve()
        if not path.is_relative_to(self.folder.resolve()) and not may_read_outside():
            msg = (
                f"{role} of sample {self.name!r} lies outside the folder of its description ({file}); move it there, "
                f"or set {OUTSIDE}=1 if you trust who wrote the description"
            )
            raise ValueError(msg)
        return self.folder / file


def _near(path: Path) -> str:
    """Name a file in the same folder whose name is nearly the same."""
    there = [each.name for each in path.parent.iterdir() if each.is_file()] if path.parent.is_dir() else []
    plain = path.name.strip().lower()
    same = [name for name in there if name.lower() == plain] or difflib.get_close_matches(plain, there, 1, 0.8)
    return f"; there is {same[0]!r}" if same else ""

"""Samples: one name for everything that is known about a specimen."""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import data, readers, store
from ._descriptions import read_descriptions
from .arrays import TiltSeries, Volume
from .checks import UnknownName, check_positions

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
        path = self.folder / entry["file"]
        if not path.is_file():
            msg = f"{role} of sample {self.name!r} should be {path}, but there is no such file"
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
            return np.loadtxt(path, comments=("%", "#"), usecols=entry.get("columns"), ndmin=2)
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
            Positions [Å]; a bulk sample is periodic and carries its box.
        """
        if which == "own":
            return store.load_atoms(store.results_path(self.name, "atoms", "model.xyz"))
        role = {"published": "model", "unrefined": "model_unrefined"}.get(which, which)
        entry = self._entry(role)
        path = self.path(role)
        if "snapshot" in entry:
            from . import snapshots  # here, for it brings the kernels of boxes

            return snapshots.load_snapshot(path, float(entry["snapshot"]))
        if path.suffix == ".txt":
            return self._as_atoms(self.read(role))
        return readers.read_atoms(path, elements=list(self.elements))

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
        path = self.path(role)
        entry = self._entry(role)
        if path.suffix == ".mat":
            return np.asarray(readers.read_mat(path, 2, entry.get("array")), dtype=float)
        return readers.read_angles(path)

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
        path = self.path(role, **number)
        if path.suffix == ".mat":
            images = np.moveaxis(self.read(role, **number), -1, 0).astype(np.float32)
            return TiltSeries(images, self.angles(), self._pixel())
        return readers.read_tilt_series(path, self.angles(), pixel_size=self.pixel_size)

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
        for key in ("path", "file"):
            if key in entry:
                try:
                    entry[key] = entry[key].format(**number)
                except KeyError as missing:
                    msg = f"{role} of {self.name!r} comes in numbers; pass {missing.args[0]}="
                    raise UnknownName(msg) from None
        return entry


def load_sample(name: str, file: str | Path | None = None) -> Sample:
    """Return what is known about a sample.

    Parameters
    ----------
    name : str
        Its name in ``data/samples.toml`` or in `file`; `sample_names` lists them.
    file : path, optional
        A TOML file of your own with the same fields; its paths are relative to it. Default: the file that
        ``AET_SAMPLES`` names, and the project's own samples.

    Raises
    ------
    UnknownName
        If there is no such sample; the message suggests the nearest name.
    ValueError
        If the sample's description is wrong.

    Examples
    --------
    >>> import helpers
    >>> helpers.load_sample("Ta").pixel_size
    0.3216
    """
    samples = _read_samples(Path(file)) if file is not None else _known_samples()
    if name not in samples:
        near = difflib.get_close_matches(name, samples, n=1, cutoff=0.4) or [
            known for known in samples if known.lower() == str(name).lower()
        ]
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        msg = f"no sample {name!r}{hint} Known samples: {', '.join(samples)}"
        raise UnknownName(msg)
    return samples[name]


def sample_names() -> list[str]:
    """Return the names of all samples, in the order of ``data/samples.toml``."""
    return list(_known_samples())


def available(role: str = "model", *, download: bool = True) -> list[str]:
    """Return the samples whose file for a role can be had, measured ones before simulated ones.

    Snapshots of a simulation are left out: they serve for comparison.
    """
    names = [n for n, s in _known_samples().items() if role in s.files and s.temperature is None]
    found = [n for n in names if load_sample(n).has(role, download=download)]
    return sorted(found, key=lambda name: load_sample(name).simulated)


def _known_samples() -> dict[str, Sample]:
    own = os.environ.get("AET_SAMPLES")
    samples = _read_samples(data.DATA_FOLDER / "samples.toml")
    return {**samples, **_read_samples(Path(own))} if own else samples


def _read_samples(path: Path) -> dict[str, Sample]:
    folder = path.resolve().parent
    return {name: Sample(name, folder=folder, **fields) for name, fields in read_descriptions(path).items()}

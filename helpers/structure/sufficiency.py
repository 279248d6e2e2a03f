"""Enough atoms: which samples a page can show, and one sentence on those that it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ..digits import counted
from ..samples import load_sample, sample_names
from .packing import Packing, polytetrahedral_packing
from .pair_distribution import TooFewAtoms

if TYPE_CHECKING:
    from ase import Atoms

#: Fewest atoms, or disordered atoms, that shares and distributions are given of.
LEAST = 50


def enough(
    counts: Mapping[str, float], names: Sequence[str], instead: Sequence[str], *, least: int = LEAST, of: str = "atoms"
) -> tuple[list[str], str]:
    """Return those of some samples that have enough atoms, and a sentence about the others.

    Parameters
    ----------
    counts : mapping of str to int
        Atoms of each sample that count.
    names : sequence of str
        The samples that were asked for.
    instead : sequence of str
        What to take where none of them has enough.
    least : int
        Fewest that are enough.
    of : str
        What is counted, for the sentence.

    Returns
    -------
    names : list of str
        Never empty if `instead` is not.
    note : str
        Why samples are missing, or that none was asked for; empty if none is missing.

    Examples
    --------
    >>> from helpers.structure import enough
    >>> enough({"cluster": 6, "film": 9000}, ["cluster", "film"], ["demo"])
    (['film'], 'The sample cluster has 6 atoms, fewer than 50, too few for what follows.')
    >>> enough({"cluster": 6}, ["cluster"], ["demo"])[0]
    ['demo']
    >>> enough({}, [], ["demo"])[1]
    'No sample was named; in its place stands the simulated particle.'
    """
    few = {name: counts[name] for name in names if counts[name] < least}
    kept = [name for name in names if name not in few]
    words = {n: _too_few(c, least, of) for n, c in few.items()}
    return (kept or list(instead)), _note(words, names, kept, instead)


@dataclass(frozen=True, eq=False)
class PackedModels:
    """Packings of the samples that have enough atoms.

    Attributes
    ----------
    packings : dict of str to Packing
        By sample.
    shown : list of str
        Those of the samples asked for that have enough disordered atoms, or what stands in for them.
    note : str
        Why samples are missing; empty if none is.
    """

    packings: dict[str, Packing]
    shown: list[str]
    note: str


def pack_models(
    models: Mapping[str, Atoms | ArrayLike],
    names: Sequence[str],
    instead: Sequence[str],
    *,
    valleys: Mapping[str, float | None] | None = None,
    least: int = LEAST,
    least_crystal: int = 0,
    least_bipyramids: int = 0,
    **options: Any,
) -> PackedModels:
    """Find the packing of several models, and leave out those that have too few atoms for one.

    Parameters
    ----------
    models : mapping of str to Atoms or (N, 3) array
        Models with their boxes, by sample.
    names : sequence of str
        The samples that were asked for; the other models are for comparison.
    instead : sequence of str
        Which of the models to show where none that was asked for has enough atoms.
    valleys : mapping of str to float, optional
        First valleys that are known [Å]; found from the model where there is none.
    least : int
        Fewest disordered atoms.
    least_crystal : int
        Fewest atoms of crystal nuclei.
    least_bipyramids : int
        Fewest pentagonal bipyramids of the disordered region.
    **options
        As for `polytetrahedral_packing`.

    Returns
    -------
    PackedModels

    Raises
    ------
    ValueError
        As `polytetrahedral_packing`, but for too few atoms.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from helpers.structure import pack_models
    >>> crystal = bulk("Pd", cubic=True).repeat(4)
    >>> models, valleys = {"few": crystal[:6], "all": crystal}, {"all": 3.3}
    >>> found = pack_models(models, list(models), ["all"], valleys=valleys, least=0)
    >>> found.shown, found.note
    (['all'], 'The sample few has 6 atoms, fewer than 50, too few for what follows.')
    """
    packings: dict[str, Packing] = {}
    words: dict[str, str] = {}
    for name, model in models.items():
        try:
            if len(model) < LEAST:  # type: ignore[arg-type]
                words[name] = _too_few(len(model), LEAST, "atoms")  # type: ignore[arg-type]
                continue
            packings[name] = polytetrahedral_packing(model, (valleys or {}).get(name), **options)
        except TooFewAtoms as error:
            words[name] = f"{counted(len(model), 'atom')}: {error}"  # type: ignore[arg-type]
            continue
        outside = packings[name].disordered
        asked = (
            (int(outside.sum()), least, "disordered atoms"),
            (int((~outside).sum()), least_crystal, "atoms in crystal nuclei"),
            (len(packings[name].motifs.fold[5]), least_bipyramids, "pentagonal bipyramids"),
        )
        few = [_too_few(count, enough, of) for count, enough, of in asked if count < enough]
        if few:
            words[name] = few[0]
    shown = [name for name in names if name not in words]
    kept = {name: packing for name, packing in packings.items() if name not in words}
    note = _note({n: words[n] for n in names if n in words}, names, shown, instead)
    return PackedModels(kept, shown or list(instead), note)


def _too_few(count: float, least: int, of: str) -> str:
    return f"{count:,} {of if count != 1 else of.removesuffix('s')}, fewer than {least:,}, too few for what follows"


def _note(words: Mapping[str, str], names: Sequence[str], kept: Sequence[str], instead: Sequence[str]) -> str:
    said = [f"the sample {_title(name)} has {why}" for name, why in words.items()]
    if not names:
        said = ["no sample was named"]
    if not said:
        return ""
    note = "; ".join(said)
    note = note[0].upper() + note[1:]
    if kept:
        return f"{note}."
    place = "its place" if len(names) < 2 else "their place"
    stands = "stands" if len(instead) < 2 else "stand"
    return f"{note}; in {place} {stands} {' and '.join(f'the {_title(n)}' for n in instead)}."


def _title(name: str) -> str:
    return load_sample(name).short if name in sample_names() else name

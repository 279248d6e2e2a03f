"""Write the description of your own sample from its files: ``python -m helpers.own.new FILES``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..checks import UnknownName
from .describing import describe_files


def split_names(text: str) -> list[Path]:
    """Files of a text: the one that it names as it stands, else those between spaces, with quotes as in a shell."""
    if not text.strip() or Path(text).expanduser().is_file():
        return [Path(text).expanduser()] if text.strip() else []
    try:
        return [Path(word).expanduser() for word in shlex.split(text)]
    except ValueError:  # a lone quote
        return [Path(word).expanduser() for word in text.split()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if a description was written."""
    parser = argparse.ArgumentParser(prog="python -m helpers.own.new", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="a model, or a tilt series and its angles")
    parser.add_argument("--together", default="", metavar="FILES", help="the same in one text, as make hands them on")
    parser.add_argument("--output", type=Path, help="default: after the first file, beside it")
    parser.add_argument("--name", help="what the sample is called")
    parser.add_argument("--elements", nargs="+", default=[], metavar="SYMBOL", help="of numbered types in their order")
    parser.add_argument(
        "--kind", choices=["particle", "film", "bulk"], help="where the atoms and their box do not tell"
    )
    parser.add_argument("--pixel-size", type=float, help="edge of a pixel, where the images do not state it [Å]")
    parser.add_argument("--style", help="atom style of a LAMMPS data file that does not state it")
    options = parser.parse_args(arguments)
    options.files += split_names(options.together)
    if not options.files:
        parser.error('no files; name some, as in make new-sample FILES="tomo.mrc tomo.rawtlt"')
    output = options.output or options.files[0].with_suffix(".toml")
    if output.exists():
        print(f"{output} exists and is left as it is; name another one with --output", file=sys.stderr)
        return 1
    try:
        text = describe_files(
            options.files,
            folder=output.parent,
            name=options.name,
            elements=options.elements,
            kind=options.kind,
            pixel_size=options.pixel_size,
            style=options.style,
        )
    except (ValueError, FileNotFoundError, UnknownName, MemoryError) as error:
        print(error, file=sys.stderr)
        return 1
    output.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {output}; now: make check-sample SAMPLES_FILE={shlex.quote(str(output))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Read everything about your own samples and say what is wrong: ``python -m helpers.own.check my.toml``."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from .checking import check_samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m helpers.own.check", description=__doc__)
    parser.add_argument("file", type=Path, help="a TOML file in the form of data/samples.toml")
    file = parser.parse_args(arguments).file
    report = check_samples(file)
    print(report)
    if report.wrong:
        return 1
    able = dict.fromkeys(outlook.sample for outlook in report.outlooks if not outlook.lacks)
    for sample in able:
        numbers = [o.notebook[:2] for o in report.outlooks if o.sample == sample and not o.lacks]
        only = f" NOTEBOOKS={numbers[0]}" if len(numbers) == 1 else ""  # from images a notebook by itself makes a model
        print(f"\nnow: make batch SAMPLES={sample} SAMPLES_FILE={shlex.quote(str(file))}{only}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

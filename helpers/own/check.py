"""Read everything about your own samples and say what is wrong: ``python -m helpers.own.check my.toml``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .checking import check_samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m helpers.own.check", description=__doc__)
    parser.add_argument("file", type=Path, help="a TOML file in the form of data/samples.toml")
    report = check_samples(parser.parse_args(arguments).file)
    print(report)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

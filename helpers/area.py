"""Reconstruct one area of a scanned film, as a job of its own: ``python -m helpers.area Ta 20 --shape 401 351 341``.

What is stored is taken up by everything that joins the areas, notebook 04 among them.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from . import load_sample, store, tomography


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 once the area is stored."""
    parser = argparse.ArgumentParser(prog="python -m helpers.area", description=__doc__.split("\n")[0])
    parser.add_argument("film", help="a sample with areas")
    parser.add_argument("area", type=int, help="number of the area")
    parser.add_argument("--shape", type=int, nargs=3, required=True, help="voxels of the film along x, y and z")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--output", type=Path, help="by default in the results of the film")
    options = parser.parse_args(arguments)
    try:
        sample = load_sample(options.film)
        layout = tomography.read_layout(sample.path("layout"), tuple(options.shape))
        default = store.results_path(sample.name, "tomography", "areas") / f"area_{options.area:02d}.h5"
        output = options.output or default
        if output.name != default.name:
            parser.error(f"--output {output}; expected a file {default.name}")
        source = functools.partial(sample.tilt_series, "areas", area=options.area)
        tomography.reconstruct_film(
            {options.area: source}, layout, iterations=options.iterations, only=[options.area], folder=output.parent
        )
    except (KeyError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

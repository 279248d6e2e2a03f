"""BM3D of one image, and a process that filters the images which come on its standard input.

A process of its own for each core, since two threads that call the library of BM3D may wait for each other forever.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any


def filter_image(image: Any, strength: float) -> Any:
    """Filter one image by BM3D on one thread: on several its sums vary with chance, by some 1e-4 of the noise."""
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = 1
    return bm3d.bm3d(image, sigma_psd=strength, profile=profile)


def main() -> None:
    """Answer each pickled (image, strength) with the filtered image, until the input ends."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what the library prints is no answer
    while True:
        try:
            image, strength = pickle.load(given)
        except EOFError:
            return
        pickle.dump(filter_image(image, strength), answers)
        answers.flush()


if __name__ == "__main__":
    main()

"""From notebooks to pages: run them, keep them in order, draw stored figures, and build the book."""

from .._schemas import skip_addresses

skip_addresses()  # before a module of this package loads nbformat

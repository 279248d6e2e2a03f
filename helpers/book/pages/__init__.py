"""From notebooks to pages: run them, keep them in order, draw stored figures, and build the book."""

import sys as _sys

if "jsonschema" not in _sys.modules and "rfc3987_syntax" not in _sys.modules:
    # Where it finds this package, jsonschema builds a grammar of internationalised addresses as it is imported: a
    # second for each process that reads a notebook, and no notebook holds such an address.
    _sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import nbformat as _nbformat  # noqa: F401

    del _sys.modules["rfc3987_syntax"]

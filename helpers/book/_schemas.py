"""What loads slowly with nbformat and plotly, and is not needed."""

from __future__ import annotations

import sys


def skip_addresses() -> None:
    """Let jsonschema do without the package rfc3987_syntax, which builds 39 grammars of addresses as it is imported.

    nbformat loads jsonschema, and plotly loads nbformat with the first figure that is shown; each process would wait a
    second for them. Notebooks hold no internationalised addresses to be checked, and jsonschema takes the package only
    where it finds it.
    """
    if "jsonschema" not in sys.modules:
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

"""The table of what the emulator plays, made from the routes themselves so that it cannot drift.

Printed by `python -m sfsync.emulator coverage`; whatever is not in it is answered with 404 NOT_FOUND.
"""

from typing import Final

from sfsync.emulator.fault_catalogue import fault_table
from sfsync.emulator.rest.routes import OPEN, SOAP, VERSIONED, WITH_SESSION

_VERSION_ROOT: Final = "/services/data/vXX.0"


def coverage_table() -> str:
    """Return one line for each played resource: method, address, what it does."""
    rows = [
        (method, path, resource.__doc__ or "") for method, path, resource in (*OPEN, *SOAP, *WITH_SESSION)
    ]
    rows += [
        (method, _VERSION_ROOT + path.rstrip("/"), resource.__doc__ or "")
        for method, path, resource in VERSIONED
    ]
    width = max(len(path) for _, path, _ in rows)
    lines = [f"{method:<6} {path:<{width}}  {text.splitlines()[0]}" for method, path, text in rows]
    return "\n".join(lines) + "\n\nFaults that can be scripted\n\n" + fault_table()

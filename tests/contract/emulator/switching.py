"""Sets the switches of a running org for the length of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from emulator_client import Client

from sfsync.emulator.switches import Switches


@contextmanager
def switched(org: Client, **values: Any) -> Iterator[None]:
    """Run a block with these values, as the org file would give them, and the defaults for the rest."""
    chosen = Switches.from_table(values)
    kept = org.emulator.org.switches
    org.emulator.org.switches = replace(kept, **{name: getattr(chosen, name) for name in values})
    try:
        yield
    finally:
        org.emulator.org.switches = kept

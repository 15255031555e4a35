"""Marks for contract tests: which platform fact a test shows, and which side of a switch it runs on.

`@fact("4.4-create")` names an entry of `facts/*.toml`; `@side("second_primary", "refuse")` names a value of
`sfsync.emulator.switches`. Both are read from the source text by `fact_table.py`, so give plain strings.
"""

import pytest


def fact(*ids: str) -> pytest.MarkDecorator:
    """Say which facts of the specification a test shows."""
    return pytest.mark.fact(*ids)


def side(switch: str, value: str) -> pytest.MarkDecorator:
    """Say which side of a doubtful point a test runs on; of a yes-or-no switch, "true" or "false"."""
    return pytest.mark.side(switch, value)

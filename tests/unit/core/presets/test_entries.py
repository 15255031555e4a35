"""An entry of a list fits its pattern as a whole, or not at all."""

import pytest

from sfsync.core.presets.entries import EntryPattern


@pytest.mark.parametrize(
    ("pattern", "entry", "cells"),
    [
        ("name (email)", " Ann Lee (ann@acme.example) ", {"name": "Ann Lee", "email": "ann@acme.example"}),
        (
            "name (email)",
            "Ann (Acme) Lee(ann@acme.example)",
            {"name": "Ann (Acme) Lee", "email": "ann@acme.example"},
        ),
        ("name (email)", "Ann Lee", None),
        ("name (email)", "Ann Lee ()", None),
        ("name (email)", "(ann@acme.example)", None),
        ("name (email)", "Ann (ann at acme.example)", None),
        ("name (email)", "Ann (a@x.example), Bob (b@x.example)", None),
        ("email", "ann@acme.example", {"email": "ann@acme.example"}),
        (
            "role: name <email>",
            "Buyer:Ann <a@x.example>",
            {"role": "Buyer", "name": "Ann", "email": "a@x.example"},
        ),
        ("id", "0038d00000AbCdE", {"id": "0038d00000AbCdE"}),
    ],
)
def test_an_entry_is_taken_apart_by_its_pattern(
    pattern: str, entry: str, cells: dict[str, str] | None
) -> None:
    """Words of the pattern are columns, all else stands as it is; another writing is no entry."""
    assert EntryPattern(pattern).cells(entry) == cells

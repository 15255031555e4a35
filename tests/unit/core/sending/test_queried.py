"""The texts of a query job's records become what a query of the REST API answers with."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sfsync.core.orgs.describe import parse_describe
from sfsync.core.sending.queried import typed_record

TYPES = {"Id": "id", "IsWon": "boolean", "Amount": "currency", "Qty__c": "double", "Seen__c": "datetime"}
DESCRIBE = parse_describe(
    {"name": "Opportunity", "fields": [{"name": name, "type": kind} for name, kind in TYPES.items()]}
)


def test_each_cell_is_typed_by_its_field() -> None:
    """Numbers may come in powers of ten, moments with a Z, and an empty cell is no value."""
    found = typed_record(
        DESCRIBE,
        {
            "Id": "006000000000001AAA",
            "IsWon": "true",
            "Amount": "9.12260031E8",
            "Qty__c": None,
            "Seen__c": "2026-05-01T12:30:00.000Z",
        },
    )
    assert found == {
        "Id": "006000000000001AAA",
        "IsWon": True,
        "Amount": Decimal(912260031),
        "Qty__c": None,
        "Seen__c": "2026-05-01T12:30:00.000+0000",
    }


def test_a_checkbox_without_a_value_is_not_set() -> None:
    """The platform knows no third state."""
    assert typed_record(DESCRIBE, {"IsWon": None}) == {"IsWon": False}


@pytest.mark.parametrize("cell", [{"IsWon": "perhaps"}, {"Amount": "many"}])
def test_a_cell_that_is_no_value_of_its_field_is_refused(cell: dict[str, str]) -> None:
    """Something between here and the org has changed it."""
    with pytest.raises(ValueError, match=r"a checkbox|a number"):
        typed_record(DESCRIBE, cell)

"""Three-way comparison of a row with its record."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sfsync.core.diff import Difference, difference
from sfsync.core.orgs.describe import parse_describe
from sfsync.core.ports import LedgerEntry

FIELDS = [
    {"name": "Name", "type": "string", "createable": True, "updateable": True},
    {"name": "StageName", "type": "picklist", "createable": True, "updateable": True},
    {"name": "Probability", "type": "percent", "precision": 3, "createable": True, "updateable": True},
    {
        "name": "Amount",
        "type": "currency",
        "precision": 18,
        "scale": 2,
        "createable": True,
        "updateable": True,
    },
    {"name": "Fixed__c", "type": "string", "createable": True, "updateable": False},
]
DEALS = parse_describe({"name": "Opportunity", "fields": FIELDS})


def diff(
    desired: Mapping[str, Any],
    remote: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None = None,
    seen: Mapping[str, Any] | None = None,
) -> Difference:
    """The difference with, or without, a memory of the last sync."""
    entry = LedgerEntry("Opportunity", "k", "006", sent or {}, seen or {}) if seen else None
    return difference(DEALS, desired, remote, entry)


def test_equal_values_in_another_form_are_no_difference() -> None:
    """Scale, surrounding blanks and line ends do not count, as on the platform."""
    found = diff({"Amount": Decimal(10), "Name": "a\nb "}, {"Amount": Decimal("10.00"), "Name": "a\r\nb"})
    assert (dict(found.values), found.conflicts) == ({}, ())


def test_a_differing_field_is_written_and_its_old_value_kept() -> None:
    """Without a memory of the record, the row's value goes."""
    found = diff({"Name": "new"}, {"Name": "old"})
    assert (found.values, found.before) == ({"Name": "new"}, {"Name": "old"})


def test_C3_a_field_that_moved_in_the_org_is_a_conflict() -> None:
    """What somebody changed since the last sync is not overwritten."""
    found = diff({"Name": "a"}, {"Name": "edited"}, sent={"Name": "a"}, seen={"Name": "a"})
    assert (dict(found.values), found.conflicts) == ({}, ("Name",))


def test_C3_an_edit_to_the_very_value_of_the_row_is_no_conflict() -> None:
    """Both sides moved to the same value: nothing to do."""
    found = diff({"Name": "b"}, {"Name": "b"}, sent={"Name": "a"}, seen={"Name": "a"})
    assert (dict(found.values), found.conflicts) == ({}, ())


def test_S19_a_value_that_the_platform_rewrote_is_not_sent_again() -> None:
    """As long as the row says the same as last time, the org's own form of it stands."""
    found = diff({"Name": "acme"}, {"Name": "ACME"}, sent={"Name": "acme"}, seen={"Name": "ACME"})
    assert (dict(found.values), found.conflicts) == ({}, ())


def test_a_stage_change_takes_the_rows_own_probability_with_it() -> None:
    """The platform recomputes the probability on a stage change, so an override goes in the same write."""
    desired = {"StageName": "Needs Analysis", "Probability": Decimal(60)}
    found = diff(desired, {"StageName": "Prospecting", "Probability": Decimal(60)})
    assert found.values == desired


def test_an_unchanged_stage_is_not_sent() -> None:
    """Sending the same stage again could reset a probability that a person set."""
    found = diff(
        {"StageName": "Prospecting", "Amount": Decimal(5)}, {"StageName": "Prospecting", "Amount": None}
    )
    assert found.values == {"Amount": Decimal(5)}


def test_a_field_that_works_on_create_only_is_left_alone() -> None:
    """Fields that cannot be updated are not compared."""
    assert dict(diff({"Fixed__c": "x"}, {"Fixed__c": "y"}).values) == {}

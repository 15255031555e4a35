"""Rows as records that others may mean: by which values they are found, also when they are planned anew."""

import pytest

from sfsync.core.plans.plan import Action, Change
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.sobject import ACCOUNT, CONTACT


def row(key: str, *, sobject: str = ACCOUNT, record_id: str | None = None, **desired: str) -> Change:
    """The row of that key, which wants those values."""
    name = f"{sobject}:{key}"
    return Change(name, sobject, Action.CREATE, key, key, desired=desired, record_id=record_id)


def test_a_row_that_is_planned_anew_takes_the_place_of_what_it_was() -> None:
    """It is found by what it wants now, by its record as well, and no longer by what it wanted before."""
    rows = PlannedRecords("Key__c")
    rows.add(row("A", Name="Hooli"))
    assert [each.key for each in rows.find("Name", "hooli")] == ["A"]
    assert rows.with_record("001") is None
    rows.add(row("A", Name="Initech", record_id="001"))
    assert (rows.find("Name", "Hooli"), rows.find("Key__c", "A")) == ([], [rows.changes["Account:A"]])
    assert [each.key for each in rows.find("Name", "INITECH ")] == ["A"]
    assert rows.with_record("001") == rows.changes["Account:A"]


@pytest.mark.parametrize("field", ["Name", "name"])
def test_a_contact_is_found_by_its_whole_name(field: str) -> None:
    """As the org makes it of first and last name, however the job spells the field."""
    rows = PlannedRecords("Key__c")
    rows.add(row("P-1", sobject=CONTACT, FirstName="Gavin", LastName="Belson"))
    rows.add(row("P-2", sobject=CONTACT, LastName="Cher"))
    assert [each.key for each in rows.find(field, "gavin belson")] == ["P-1"]
    assert [each.key for each in rows.find(field, "Cher")] == ["P-2"]
    assert rows.find(field, "Belson") == []

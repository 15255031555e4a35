"""What a reference is looked up by, and in which order."""

import pytest

from sfsync.core.models import Reference
from sfsync.core.ports import Lookup
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.resolve import ReferenceTable

FOREIGN_ID = "0016g000007WEfIAAW"


def test_a_key_that_looks_like_a_record_id_is_looked_up_as_a_key_first() -> None:
    """Rows taken out of one org carry its ids, which are keys in the next."""
    by_key_or_id = Reference(FOREIGN_ID, ("Sfsync_Key__c", "Id"))
    asked = ReferenceTable({}, {}).lookups([("Account", by_key_or_id)])
    assert [(each.where_field, each.values) for each in asked] == [
        ("Id", (FOREIGN_ID,)),
        ("Sfsync_Key__c", (FOREIGN_ID,)),
    ]


def test_a_record_id_is_not_looked_up_by_what_comes_after_the_id() -> None:
    """With the id before the name, nothing is named like an id."""
    by_id_or_name = Reference(FOREIGN_ID, ("Id", "Name"))
    asked = ReferenceTable({}, {}).lookups([("Account", by_id_or_name)])
    assert [each.where_field for each in asked] == ["Id"]


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_an_empty_text_is_never_looked_up_and_means_no_record(text: str) -> None:
    """Not even a record whose own value is empty too, or a row of the job that has none."""
    table = ReferenceTable({}, {})
    table.learn(
        Lookup("Account", ("Id", "Site"), "Site", ("x",)), [{"Id": "001000000000001AAA", "Site": None}]
    )
    nobody = Reference(text, ("Site", "Id"))
    assert table.lookups([("Account", nobody)]) == []
    found = table.resolve("Account", nobody, of="Opportunity")
    assert isinstance(found, Invalid)
    assert found.code == "NOT_FOUND"

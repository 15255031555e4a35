"""The stub of the benchmark keeps what it was sent, refuses what comes twice, and answers truly from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stub_records import Records
from stub_soql import UnknownSoqlError, parse
from stub_store import DuplicateError, Store

from sfsync.core.sobject import record_id


def _field(name: str, kind: str = "string", *, is_key: bool = False) -> dict[str, object]:
    return {"name": name, "type": kind, "unique": is_key, "externalId": is_key}


KEY = _field("Sfsync_Key__c", is_key=True)
SHARED = [
    _field("Id"),
    _field("Name"),
    _field("SystemModstamp"),
    _field("LastModifiedById"),
    _field("IsDeleted"),
    KEY,
]
ORG = {
    "describes": {
        "Account": {"keyPrefix": "001", "fields": SHARED},
        "Contact": {"keyPrefix": "003", "fields": [*SHARED, _field("Email"), _field("AccountId")]},
        "Opportunity": {
            "keyPrefix": "006",
            "fields": [*SHARED, _field("StageName"), _field("AccountId"), _field("Probability", "percent")],
        },
        "OpportunityContactRole": {
            "keyPrefix": "00K",
            "fields": [_field("Id"), _field("OpportunityId"), _field("Role"), _field("SystemModstamp")],
        },
    },
    "listed": {
        "OpportunityStage": [
            {
                "ApiName": "Prospecting",
                "DefaultProbability": 10.0,
                "ForecastCategoryName": "Pipeline",
                "IsClosed": False,
                "IsWon": False,
            }
        ]
    },
    "user": {"Id": "005000000000001AAA", "Name": "Integration"},
    "record_type": "012000000000001AAA",
    "created": 1_700_000_000.0,
    "accounts": [{"Name": "Customer", "Sfsync_Key__c": "A-1"}],
    "contacts": [{"Name": "Leung Chan", "Email": "leung@customer.example", "AccountId": 0}],
}


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with one account, one contact and three deals with two roles each."""
    store = Store(ORG)
    deals, roles = store.tables["Opportunity"], store.tables["OpportunityContactRole"]
    account = store.tables["Account"].id_of(0)
    rows = [
        {"Name": f"Deal {n}", "Sfsync_Key__c": f"D-{n}", "AccountId": account, "StageName": "Prospecting"}
        for n in range(3)
    ]
    for number in deals.insert(rows, 1_800_000_000.0):
        roles.insert(
            [{"OpportunityId": deals.id_of(number), "Role": role} for role in ("Evaluator", "Influencer")],
            1_800_000_000.0,
        )
    yield store
    store.close()


def _asked(store: Store, soql: str) -> list[dict[str, object]]:
    records, query = Records(store, ORG), parse(soql)
    found = records.shown(query, records.numbers(query, with_deleted=False))
    return [{name: value for name, value in each.items() if name != "attributes"} for each in found]


def test_ids_are_ids_of_their_object(store: Store):
    """The ids of every table have the prefix and the checksum that sfsync wants of that sObject."""
    for name, table in store.tables.items():
        assert record_id(table.id_of(123_456), name) == table.id_of(123_456)


def test_a_unique_value_comes_once(store: Store):
    """A second record with a unique value is refused, and the first may keep it when it is updated."""
    deals = store.tables["Opportunity"]
    with pytest.raises(DuplicateError):
        deals.check({"Sfsync_Key__c": "D-1"})
    deals.check({"Sfsync_Key__c": "D-1"}, own=1)


def test_records_are_found_by_key_id_name_and_parent(store: Store):
    """Look-ups by what sfsync looks by find the records as they were sent, with what the platform derives."""
    assert _asked(
        store, "SELECT Name, Probability, Account.Name FROM Opportunity WHERE Sfsync_Key__c IN ('D-1','D-9')"
    ) == [
        {
            "Name": "Deal 1",
            "Probability": 10.0,
            "Account": {"attributes": {"type": "Account"}, "Name": "Customer"},
        }
    ]
    assert len(_asked(store, "SELECT Id FROM Opportunity WHERE Sfsync_Key__c != null")) == 3
    deal = store.tables["Opportunity"].id_of(2)
    roles = _asked(store, f"SELECT Role FROM OpportunityContactRole WHERE OpportunityId IN ('{deal}')")
    assert roles == [{"Role": "Evaluator"}, {"Role": "Influencer"}]
    assert _asked(store, "SELECT Name FROM Contact WHERE Email IN ('LEUNG@customer.example')") == [
        {"Name": "Leung Chan"}
    ]


def test_what_changed_since_is_found(store: Store):
    """An update moves a record's time; a deletion takes it out of what is found."""
    deals = store.tables["Opportunity"]
    deals.update(1, {"Name": "Other"}, 1_800_000_100.0)
    deals.delete(2, 1_800_000_200.0)
    since = "SELECT Name FROM Opportunity WHERE SystemModstamp >= 2027-01-15T08:00:01Z"
    assert _asked(store, since) == [{"Name": "Other"}]
    assert deals.since(1_800_000_001.0) == [1, 2]


def test_changes_of_others_are_found_among_all(store: Store):
    """What anybody modified late and what others modified before is one question; no other than us is here."""
    deals = store.tables["Opportunity"]
    deals.update(1, {"Name": "Other"}, 1_800_000_100.0)
    asked = (
        "SELECT Name FROM Opportunity WHERE SystemModstamp >= 2027-01-15T08:01:00Z"
        " OR (SystemModstamp >= 2027-01-15T07:00:00Z AND LastModifiedById {} '005000000000001AAA')"
    )
    assert _asked(store, asked.format("!=")) == [{"Name": "Other"}]
    assert len(_asked(store, asked.format("="))) == 3


def test_no_more_is_read_than_was_asked_for(store: Store):
    """A limit ends the answer."""
    assert len(_asked(store, "SELECT Id FROM Opportunity WHERE Sfsync_Key__c != null LIMIT 2")) == 2


def test_a_search_that_would_read_all_is_refused(store: Store):
    """A condition that leads to no record by itself is refused, so that no benchmark measures a scan."""
    with pytest.raises(UnknownSoqlError, match="every record"):
        _asked(store, "SELECT Id FROM Opportunity WHERE Name = 'Deal 1'")


def test_time_can_be_put_forward(store: Store):
    """The org's clock runs ahead as far as it was put, until the org is emptied."""
    before = store.clock.now()
    store.clock.ahead_s = 3_600.0
    assert store.clock.now() - before >= 3_600
    store.clear()
    assert store.clock.now() - before < 3_600

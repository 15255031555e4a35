"""What changed in a time span: deleted and updated records by id."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from emulator_client import ORG_FILE, Client
from facts import fact

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.server import running

START = datetime(2026, 9, 30, 12, 0, 20, tzinfo=UTC)


@contextmanager
def org_by_clock() -> Iterator[tuple[Client, VirtualClock]]:
    """Run the shipped org with a clock moved by hand."""
    clock = VirtualClock(START)
    with running(ORG_FILE, clock=clock) as emulator:
        client = Client(emulator)
        with client.http:
            yield client, clock


def changes(org: Client, kind: str, start: datetime, end: datetime, sobject: str = "Opportunity") -> Any:
    """Return the answer of one of the two resources."""
    span = {"start": start.isoformat(), "end": end.isoformat()}
    return org.call("GET", f"/sobjects/{sobject}/{kind}/", params=span).json()


@fact("12.6-deleted", "12.6-updated")
def test_deleted_and_updated_records_of_a_span():
    """Deleted records come with their time, updated and created ones as ids; both say what is covered."""
    with org_by_clock() as (org, clock):
        clock.advance(3_600)
        deal, kept = org.deal(), org.deal()
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        now = clock.now()
        clock.advance(3_600)
        span = (now - timedelta(minutes=5), now + timedelta(minutes=5))
        deleted = changes(org, "deleted", *span)
        assert deleted["deletedRecords"] == [{"id": deal, "deletedDate": "2026-09-30T13:00:20.000+0000"}]
        assert deleted["latestDateCovered"] == "2026-09-30T13:05:00.000+0000"
        assert deleted["earliestDateAvailable"] == "2026-09-29T12:00:20.000+0000"  # the org is a day old
        assert changes(org, "updated", *span) == {
            "ids": [kept],
            "latestDateCovered": "2026-09-30T13:05:00.000+0000",
        }
        future = changes(org, "updated", now, now + timedelta(days=1))
        assert future["latestDateCovered"] == "2026-09-30T14:00:20.000+0000"


def test_seconds_are_ignored():
    """A span is counted in whole minutes: the end is cut to its minute and not covered itself."""
    with org_by_clock() as (org, clock):
        clock.advance(3_610)
        deal = org.deal()
        now = clock.now()
        clock.advance(600)
        late = now + timedelta(seconds=5)
        assert deal in changes(org, "updated", late, late + timedelta(minutes=2))["ids"]
        assert deal not in changes(org, "updated", late - timedelta(minutes=5), late)["ids"]


@fact("12.6-minute", "12.6-reach")
def test_refused_spans():
    """A span of a minute or less, one that begins more than 15 days ago, and no times are refused."""
    with org_by_clock() as (org, clock):
        clock.advance(86_400 * 20)
        org.log_in()
        now = clock.now().replace(second=0)
        for start, end in (
            (now, now),
            (now - timedelta(minutes=1), now),
            (now, now - timedelta(hours=1)),
            (now - timedelta(days=15, minutes=2), now),
        ):
            for kind in ("deleted", "updated"):
                assert changes(org, kind, start, end)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
        assert "ids" in changes(org, "updated", now - timedelta(days=14, hours=23), now)
        assert "ids" in changes(org, "updated", now - timedelta(minutes=2), now)
        earliest = changes(org, "deleted", now - timedelta(days=1), now)["earliestDateAvailable"]
        assert earliest == "2026-10-05T12:00:20.000+0000"


@pytest.mark.parametrize(
    "start", ["", "yesterday", "2026-09-30", "2026-09-30T12:00:00", "9999-12-31T23:59:59-14:00"]
)
def test_times_need_a_zone(org: Client, start: str):
    """A start that is no time with an offset is refused."""
    answer = org.call(
        "GET", "/sobjects/Account/deleted", params={"start": start, "end": "2026-10-01T00:00:00Z"}
    )
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")


@fact("12.6-hard-deleted-roles")
def test_roles_deleted_directly_appear_nowhere():
    """A role deleted by itself is gone for good; one that went with its deal is listed."""
    with org_by_clock() as (org, clock):
        (contact,) = org.query("SELECT Id FROM Contact WHERE FirstName = 'Leung'")
        deal = org.deal(ContactId=contact["Id"])
        (first,) = org.roles(deal)
        second = org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact["Id"])
        org.call("DELETE", f"/sobjects/OpportunityContactRole/{first['Id']}")
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        clock.advance(120)
        span = (START - timedelta(minutes=5), clock.now())
        listed = changes(org, "deleted", *span, sobject="OpportunityContactRole")["deletedRecords"]
        assert [row["id"] for row in listed] == [second]


def test_objects_without_a_recycle_bin_are_not_replicable(org: Client):
    """An object whose records cannot be deleted has no changes to list."""
    span = {"start": "2026-09-30T00:00:00Z", "end": "2026-10-01T00:00:00Z"}
    answer = org.call("GET", "/sobjects/RecordType/updated", params=span)
    assert answer.status_code == 400

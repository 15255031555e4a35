"""What an org file can set up: persistence, hooks, duplicate rules, permissions, maintenance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator_client import Client
from facts import side

from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.emulator.switches import DeletedRecordWrite, LockStatus, Switches


@contextmanager
def org_with(**document: Any) -> Iterator[Client]:
    """Run an org of a document."""
    with running(document) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def test_records_survive_in_a_database_file(tmp_path: Path):
    """With a database file the same org comes back, with new ids after the old ones."""
    database = tmp_path / "org.db"
    seen = []
    for _ in range(2):
        with running({}, database=database) as emulator, Client(emulator).http as http:
            client = Client(emulator, http=http)
            seen.append((emulator.org_id, client.deal(), len(client.query("SELECT Id FROM Opportunity"))))
    (first_org, first, one), (second_org, second, two) = seen
    assert (first_org, one, two) == (second_org, 1, 2)
    assert first < second
    assert first[:8] == second[:8]


def test_fresh_orgs_have_ids_of_their_own():
    """Two fresh orgs are never taken for one another, unless they share a seed."""
    ids = []
    for seed in (None, None, 7, 7):
        with running({}, seed=seed) as emulator:
            ids.append(emulator.org_id)
    assert ids[0] != ids[1]
    assert ids[2] == ids[3]


def test_the_organization_cannot_be_taken_for_a_real_one():
    """Whatever the org file says, the name says emulator and the org is a sandbox."""
    with org_with(organization={"name": "Acme"}) as org:
        assert org.query("SELECT Name, IsSandbox FROM Organization")[0]["Name"] == "Acme (sfsync emulator)"


@side("deleted_record_write", "entity_is_deleted_404")
@side("deleted_record_write", "entity_is_deleted_400")
@side("deleted_record_write", "not_found_404")
def test_deleted_record_switch():
    """A write to a deleted record answers by switch. Source: facts 13 [I]."""
    expected = {
        DeletedRecordWrite.ENTITY_IS_DELETED_404: (404, "ENTITY_IS_DELETED"),
        DeletedRecordWrite.ENTITY_IS_DELETED_400: (400, "ENTITY_IS_DELETED"),
        DeletedRecordWrite.NOT_FOUND_404: (404, "NOT_FOUND"),
    }
    with running({}) as emulator:
        org = Client(emulator)
        deal = org.deal()
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        for switch, answer in expected.items():
            emulator.org.switches = replace(Switches(), deleted_record_write=switch)
            got = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "x"})
            assert (got.status_code, got.json()[0]["errorCode"]) == answer
        org.http.close()


@side("composite_honours_conditions", "false")
def test_lock_status_and_conditions_in_composites_by_switch():
    """A single lock error may be a 500, and composites may ignore conditions. Facts 13 [I]."""
    switches = Switches(lock_status=LockStatus.SERVER_ERROR, composite_honours_conditions=False)
    with running({}, switches=switches) as emulator:
        org = Client(emulator)
        deal = org.deal()
        part = {
            "method": "PATCH",
            "url": f"/services/data/v66.0/sobjects/Opportunity/{deal}",
            "referenceId": "r",
        }
        old = {"If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
        parts = [{**part, "body": {"Name": "x"}, "httpHeaders": old}]
        answer = org.call("POST", "/composite", {"compositeRequest": parts}).json()
        assert answer["compositeResponse"][0]["httpStatusCode"] == 204
        emulator.faults.add(FaultScript(FailRows()))
        locked = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "y"})
        assert (locked.status_code, locked.json()[0]["errorCode"]) == (500, "UNABLE_TO_LOCK_ROW")
        org.http.close()

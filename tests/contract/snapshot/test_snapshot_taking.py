"""What the org does while its snapshot is taken: it hides, refuses, breaks off, or is very large."""

import itertools
import json
from typing import Any

import pytest
from snapshot_making import ORG_FILE, opportunity, snapshot_of, taken

from sfsync.emulator.fault_actions import Action, Page, Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.engine.snapshotting import MAX_OBJECTS, MAX_PICKLIST_CALLS
from sfsync.errors import AccessError, ConfigError, OrgUnavailable

NO_ACCESS = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "CANARY"}]
NOT_HERE = [{"errorCode": "NOT_FOUND", "message": "CANARY"}]


def chain(count: int) -> dict[str, Any]:
    """An org whose deals refer to the first of so many objects, and each of these to the next."""
    names = ["Opportunity", *(f"Link{number:03}__c" for number in range(count))]
    objects = [
        {"name": name, "label": name, "key_prefix": f"a{number:02}"} for number, name in enumerate(names[1:])
    ]
    fields = [
        {"object": one, "name": "Next__c", "type": "Lookup", "reference_to": other}
        for one, other in itertools.pairwise(names)
    ]
    return {"objects": objects, "fields": fields}


def test_a_chain_of_objects_is_followed_up_to_a_bound():
    """Custom objects that custom objects refer to come along; the first beyond the bound is named."""
    document = json.loads(snapshot_of(chain(MAX_OBJECTS)))
    assert len(document["objects"]) == MAX_OBJECTS
    beyond = [each["what"] for each in document["left_out"] if each["why"] == "TOO_MANY_OBJECTS"]
    assert len(beyond) == 1
    assert beyond[0] not in document["objects"]


def test_record_types_are_asked_for_up_to_a_bound():
    """Of a hundred and more record types the rest is named, and keeps all values."""
    kinds = [
        {"object": "Opportunity", "developer_name": f"T{number:03}", "stages": ["Prospecting"]}
        for number in range(MAX_PICKLIST_CALLS + 2)
    ]
    document = json.loads(snapshot_of({"record_types": kinds}))
    assert [each["what"] for each in document["left_out"] if each["why"] == "TOO_MANY_RECORD_TYPES"] == [
        f"picklists of Opportunity for record type T{number:03}"
        for number in (MAX_PICKLIST_CALLS, MAX_PICKLIST_CALLS + 1)
    ]
    assert "picklists" not in opportunity(document)["recordTypes"][-1]


@pytest.mark.parametrize(
    ("status", "body", "why"), [(403, NO_ACCESS, "INSUFFICIENT_ACCESS"), (404, NOT_HERE, "NOT_FOUND")]
)
def test_picklists_that_are_refused_are_named(status: int, body: object, why: str):
    """Not every object has values by record type; the code is kept, the org's text is not."""
    with running(ORG_FILE) as emulator:
        emulator.faults.add(FaultScript(Refuse(status, body), path="picklist-values"))
        text = taken(emulator).decode()
    document = json.loads(text)
    assert {"what": "picklists of Opportunity for record type Bulk_Retail", "why": why} in document[
        "left_out"
    ]
    assert "picklists" in opportunity(document)["recordTypes"][1]
    assert "CANARY" not in text


@pytest.mark.parametrize(
    ("action", "path", "error"),
    [
        (Refuse(401, [{"errorCode": "INVALID_SESSION_ID", "message": "x"}]), "describe", AccessError),
        (Refuse(401, [{"errorCode": "INVALID_SESSION_ID", "message": "x"}]), "picklist-values", AccessError),
        (Refuse(200, {"fields": [{}]}), "Opportunity/describe", OrgUnavailable),
        (Refuse(200, {"fields": []}), "Opportunity/describe", OrgUnavailable),
        (Refuse(200, []), "Opportunity/describe", OrgUnavailable),
        (Refuse(200, {"picklistFieldValues": 3}), "picklist-values", OrgUnavailable),
        (Page(), "Opportunity/describe", OrgUnavailable),
    ],
)
def test_an_org_that_fails_is_no_snapshot(action: Action, path: str, error: type[Exception]):
    """A lost session, a page, and answers of another form end the taking; nothing half is handed out."""
    with running(ORG_FILE) as emulator:
        emulator.faults.add(FaultScript(action, path=path, count=None))
        with pytest.raises(error):
            taken(emulator)


def test_an_object_asked_for_by_name_must_be_there():
    """What everybody gets may be missing; what a person asked for may not, and any case will do."""
    with running(ORG_FILE) as emulator:
        assert "Shoe_Model__c" in json.loads(taken(emulator, also=["shoe_model__C"]))["objects"]
        with pytest.raises(ConfigError, match="Asset"):
            taken(emulator, also=["Asset"])

"""How an org that was built from a snapshot behaves over HTTP, and what an org file may add to it."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from snapshot_making import ORG_FILE, opportunity, shipped

from sfsync.emulator.org.definition import DefinitionError, definition_from
from sfsync.emulator.org.from_snapshot import definition_on
from sfsync.emulator.org.not_played import not_played
from sfsync.emulator.org.snapshot_file import snapshot_from
from sfsync.emulator.server import RunningEmulator, running

DEAL = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
NEW_FIELD = {
    "type": "string",
    "label": "New",
    "length": 5,
    "createable": True,
    "custom": True,
    "filterable": True,
}


def changed_org() -> dict[str, Any]:
    """The shipped org as a user sees it who sees less, with a required field and values by record type."""
    document = shipped()
    deal = opportunity(document)
    del document["objects"]["Lead"]
    del document["objects"]["Campaign"]
    del deal["fields"]["NextStep"]
    del deal["fields"]["ExpectedRevenue"]
    deal["fields"]["Needed__c"] = NEW_FIELD
    deal["fields"]["Type"]["defaultedOnCreate"] = True
    deal["fields"]["Type"]["picklistValues"][3]["defaultValue"] = True
    deal["recordTypes"][1]["picklists"]["Order_Kind__c"] = ["Sample"]
    deal["fields"]["StageName"]["picklistValues"][1]["active"] = False
    document["stages"][1] |= {"active": False, "label": "Qualified"}
    document["stages"][2]["probability"] = 33
    document["organization"]["fiscal_year_start_month"] = 7
    deal["childRelationships"] = [
        each for each in deal["childRelationships"] if each["childSObject"] != "Lead"
    ]
    account = document["objects"]["Account"]
    account["childRelationships"] = [
        each for each in account["childRelationships"] if each["childSObject"] != "Lead"
    ]
    return document


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """The changed org, served."""
    with running(changed_org()) as serving:
        yield serving


class Client:
    """Plain HTTP to a running emulator."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.base = f"{emulator.instance_url}/services/data/v66.0"
        self.headers = {"Authorization": f"Bearer {emulator.access_token}"}

    def post(self, sobject: str, **values: Any) -> tuple[int, Any]:
        """Creates a record."""
        url = f"{self.base}/sobjects/{sobject}"
        answer = requests.post(url, json=values, headers=self.headers, timeout=10)
        return answer.status_code, answer.json()

    def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        """Reads a resource."""
        answer = requests.get(self.base + path, params=parameters, headers=self.headers, timeout=10)
        return answer.status_code, answer.json()


@pytest.fixture
def org(emulator: RunningEmulator) -> Client:
    """A client of the changed org."""
    return Client(emulator)


def test_an_object_that_the_user_cannot_see_is_none(org: Client):
    """It is in no list, has no describe, cannot be queried, and is no parent in a query."""
    assert org.get("/sobjects/Lead/describe")[1][0]["errorCode"] == "NOT_FOUND"
    assert org.get("/query", q="SELECT Id FROM Lead")[1][0]["errorCode"] == "INVALID_TYPE"
    names = {each["name"] for each in org.get("/sobjects")[1]["sobjects"]}
    assert {"Lead", "Campaign"} & names == set()
    children = org.get("/sobjects/Account/describe")[1]["childRelationships"]
    assert "Lead" not in {each["childSObject"] for each in children}
    assert org.get("/query", q="SELECT Campaign.Name FROM Opportunity")[0] == 400


def test_a_field_that_the_user_cannot_see_is_none(org: Client):
    """It can neither be written nor selected, though the rules of the platform still compute with it."""
    status, errors = org.post("Opportunity", **DEAL, Needed__c="x", NextStep="call")
    assert (status, errors[0]["errorCode"]) == (400, "INVALID_FIELD")
    answer = org.get("/query", q="SELECT ExpectedRevenue FROM Opportunity")
    assert answer[1][0]["errorCode"] == "INVALID_FIELD"
    assert org.post("Opportunity", **DEAL, Needed__c="x", Amount=10)[0] == 201


def test_required_fields_of_the_org_are_required(org: Client):
    """A custom field that may not be empty and has no default is missed by name."""
    status, errors = org.post("Opportunity", **DEAL)
    assert (status, errors[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")
    assert errors[0]["fields"] == ["Needed__c"]


def test_stages_lengths_defaults_and_fiscal_year_are_the_orgs_own(org: Client):
    """A deal gets the org's probability, the picklist's default, and a fiscal year from the org's month."""
    _, made = org.post("Opportunity", **{**DEAL, "StageName": "Needs Analysis"}, Needed__c="12345")
    record = org.get(f"/sobjects/Opportunity/{made['id']}")[1]
    assert (record["Probability"], record["Type"], record["FiscalYear"]) == (33.0, "New Customer", 2027)
    assert org.post("Opportunity", **DEAL, Needed__c="123456")[1][0]["errorCode"] == "STRING_TOO_LONG"
    stage = org.get(
        "/query", q="SELECT MasterLabel, IsActive FROM OpportunityStage WHERE ApiName = 'Qualification'"
    )
    assert (stage[1]["records"][0]["MasterLabel"], stage[1]["records"][0]["IsActive"]) == ("Qualified", False)


@pytest.mark.parametrize(("kind", "value", "status"), [(0, "New", 201), (1, "New", 400), (1, "Sample", 201)])
def test_a_record_type_offers_its_own_restricted_values(org: Client, kind: int, value: str, status: int):
    """A restricted picklist takes only what the record type of the row offers."""
    type_id = opportunity(changed_org())["recordTypes"][kind]["recordTypeId"]
    answer = org.post("Opportunity", **DEAL, Needed__c="x", RecordTypeId=type_id, Order_Kind__c=value)
    assert answer[0] == status
    if status != 201:
        assert answer[1][0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_an_org_has_an_id_of_its_own(emulator: RunningEmulator):
    """No journal can take a rehearsal for the real org; the name says that it is an emulator."""
    with running(changed_org()) as other:
        assert other.org_id != emulator.org_id
        name = Client(other).get("/query", q="SELECT Name FROM Organization")[1]["records"][0]["Name"]
    assert "emulator" in name


def test_an_org_of_which_only_deals_can_be_seen_is_served():
    """What the rules need besides them is there for the rules alone: a deal with a contact can be saved."""
    document = shipped()
    deal = opportunity(document)
    document["objects"] = {"Opportunity": deal | {"childRelationships": []}}
    with running(document) as serving:
        client = Client(serving)
        assert [each["name"] for each in client.get("/sobjects")[1]["sobjects"]] == ["Opportunity"]
        assert client.post("Opportunity", **DEAL)[0] == 201
        assert client.post("Contact", LastName="Chan")[0] == 404


def test_the_org_file_of_the_how_to_works():
    """The example of docs/rehearse.md is served on a snapshot that lacks the key field it adds."""
    text = (ORG_FILE.parents[2] / "docs" / "rehearse.md").read_text(encoding="utf-8")
    extra = definition_from(tomllib.loads(text.partition("```toml\n")[2].partition("```")[0]))
    document = shipped()
    del opportunity(document)["fields"]["Sfsync_Key__c"]
    with running(definition_on(snapshot_from(document), extra)) as serving:
        client = Client(serving)
        assert client.post("Opportunity", **DEAL, Sfsync_Key__c="D-1")[0] == 201
        assert client.post("Opportunity", **DEAL, Sfsync_Key__c="D-1")[1][0]["errorCode"] == "DUPLICATE_VALUE"


EXTRA = {
    "users": [{"username": "rep@x.example", "last_name": "Rep", "local": "rep", "api_user": True}],
    "fields": [{"object": "Account", "name": "Late__c", "type": "Text", "length": 9}],
    "records": [{"object": "Account", "values": {"Name": "Seed", "Late__c": "x", "OwnerId": "@rep"}}],
    "switches": {"unknown_stage": "refuse"},
}


def test_an_org_file_adds_users_fields_and_records():
    """What an org file says comes on top of the snapshot, switches included."""
    definition = definition_on(snapshot_from(shipped()), definition_from(EXTRA))
    with running(definition) as serving:
        client = Client(serving)
        found = client.get("/query", q="SELECT Owner.Username, Late__c FROM Account")[1]["records"]
        refused = client.post("Opportunity", **{**DEAL, "StageName": "Dreaming"})
    assert [(each["Owner"]["Username"], each["Late__c"]) for each in found] == [("rep@x.example", "x")]
    assert refused[0] == 400


@pytest.mark.parametrize("name", ["stages", "record_types", "contact_roles", "objects", "fields"])
def test_an_org_file_cannot_contradict_the_snapshot(name: str):
    """Stages, record types and roles come from the snapshot; they, and what it has already, are refused."""
    document = {
        "stages": [{"name": "X", "probability": 1, "forecast_category": "Pipeline"}],
        "record_types": [{"object": "Opportunity", "developer_name": "X"}],
        "contact_roles": ["X"],
        "objects": [{"name": "Shoe_Model__c", "label": "X", "key_prefix": "a09"}],
        "fields": [{"object": "Account", "name": "sfsync_key__c", "type": "Checkbox"}],
    }
    with pytest.raises(DefinitionError, match=name):
        definition_on(snapshot_from(shipped()), definition_from({name: document[name]}))


def test_what_is_not_played_is_said_in_lines():
    """Formulas, auto numbers, dependent picklists, other types and unknown defaults are named by field."""
    document = shipped()
    fields = opportunity(document)["fields"]
    fields["F__c"] = {**NEW_FIELD, "createable": False, "calculated": True}
    fields["N__c"] = {**NEW_FIELD, "createable": False, "autoNumber": True}
    fields["D__c"] = {**NEW_FIELD, "type": "picklist", "dependentPicklist": True, "controllerName": "Type"}
    fields["T__c"] = {**NEW_FIELD, "type": "time"}
    fields["U__c"] = {**NEW_FIELD, "defaultedOnCreate": True}
    document["objects"]["Quote"] = {**document["objects"]["Pricebook2"], "keyPrefix": "0Q0"}
    document["organization"]["multi_currency"] = True
    lines = not_played(snapshot_from(document))
    assert [line.split(":")[1].strip() for line in lines if line.startswith("Opportunity:")] == [
        "F__c",
        "N__c",
        "D__c",
        "T__c",
        "U__c",
    ]
    assert any(line.startswith("Quote: its fields are there") for line in lines)
    assert any("validation rules" in line for line in lines)
    assert any("conversion" in line for line in lines)


def test_the_emulators_own_command_serves_a_snapshot(tmp_path: Path):
    """`python -m sfsync.emulator serve --snapshot FILE` says where it listens, and what it does not play."""
    file = tmp_path / "org.json"
    file.write_text(json.dumps(shipped()), encoding="utf-8")
    command = [sys.executable, "-m", "sfsync.emulator", "serve", "--snapshot", str(file), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        offered = json.loads(process.stdout.readline())
        line = process.stderr.readline()
        process.terminate()
    assert offered["instance_url"].startswith("http://127.0.0.1:")
    assert line.startswith("not played: ")
    assert process.returncode == 0

"""Two resources of the UI API: which record types an object has, and which values each of them offers."""

from typing import Any

from emulator_client import Client

BASE = "/ui-api/object-info/Opportunity"
MASTER = "012000000000000AAA"


def record_type(org: Client, name: str) -> str:
    """Return the id of a record type."""
    return str(org.query(f"SELECT Id FROM RecordType WHERE DeveloperName = '{name}'")[0]["Id"])


def picklists(org: Client, kind: str) -> dict[str, Any]:
    """Return the picklists of a record type by field."""
    return dict(org.call("GET", f"{BASE}/picklist-values/{kind}").json()["picklistFieldValues"])


def test_object_info_lists_record_types(org: Client):
    """Object info names the default record type, all of them with the master, and the fields. Facts 12.6 [P]."""
    info = org.call("GET", BASE).json()
    retail = record_type(org, "Bulk_Retail")
    assert info["defaultRecordTypeId"] == retail
    assert set(info["recordTypeInfos"]) == {retail, record_type(org, "Custom_Order"), MASTER}
    assert info["recordTypeInfos"][retail] == {
        "available": True,
        "defaultRecordTypeMapping": True,
        "master": False,
        "name": "Bulk Retail",
        "recordTypeId": retail,
    }
    assert info["recordTypeInfos"][MASTER]["master"] is True
    assert info["fields"]["StageName"]["label"] == "Stage"
    account = org.call("GET", "/ui-api/object-info/Account").json()
    assert (account["defaultRecordTypeId"], list(account["recordTypeInfos"])) == (MASTER, [MASTER])


def test_picklist_values_by_record_type(org: Client):
    """A record type offers the stages of its process, the master all; other picklists are whole. Facts 12.6 [P]."""
    order = picklists(org, record_type(org, "Custom_Order"))
    stages = [value["value"] for value in order["StageName"]["values"]]
    assert stages[:3] == ["Prospecting", "Needs Analysis", "Id. Decision Makers"]
    assert "Qualification" not in stages
    assert "Qualification" in [value["value"] for value in picklists(org, MASTER)["StageName"]["values"]]
    assert set(order["StageName"]) == {"controllerValues", "defaultValue", "eTag", "url", "values"}
    assert order["StageName"]["values"][0] == {
        "attributes": {
            "picklistAtrributesValueType": "OpportunityStage",
            "closed": False,
            "won": False,
            "defaultProbability": 10.0,
            "forecastCategoryName": "Pipeline",
        },
        "label": "Prospecting",
        "validFor": [],
        "value": "Prospecting",
    }
    assert order["LeadSource"]["values"][0]["attributes"] is None


def test_unknown_record_types_and_objects_are_404(org: Client):
    """A record type of no object, of another form, or an unknown object is not found."""
    for path in (
        f"{BASE}/picklist-values/012000000000009AAA",
        f"{BASE}/picklist-values/abc",
        "/ui-api/object-info/Nothing",
    ):
        answer = org.call("GET", path)
        assert answer.status_code == 404, path

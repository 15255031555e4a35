"""What the product saves of an org, the emulator plays, and what it then shows is what was saved.

The two share no code: each reads the form by itself, so that a key only one of them knows shows here.
"""

import json
from typing import Any

import pytest
from snapshot_making import ORG_FILE, RICH, Org, opportunity, shipped, snapshot_of, taken

from sfsync.core.orgs.snapshot import MAX_BYTES, load_snapshot
from sfsync.core.orgs.snapshot_form import SCHEMA, FieldForm, ObjectForm, RecordTypeForm
from sfsync.emulator.org import snapshot_file, snapshot_form
from sfsync.emulator.server import running
from sfsync.errors import ConfigError


@pytest.mark.parametrize(("org", "also"), [(ORG_FILE, ()), (RICH, ("Country__c",))], ids=["shipped", "rich"])
def test_a_snapshot_played_and_taken_again_is_the_same(org: Org, also: tuple[str, ...]):
    """Emulator -> snapshot -> emulator -> snapshot: every field, flag, stage and record type comes back."""
    first = snapshot_of(org, also=also)
    assert snapshot_of(json.loads(first), also=also) == first


def test_two_snapshots_of_an_unchanged_org_are_equal_byte_for_byte():
    """Neither the time nor the order of answers gets into the text; it ends with a newline."""
    with running(RICH) as emulator:
        one, two = taken(emulator), taken(emulator)
    assert one == two
    assert one.endswith(b"}\n")


def test_the_rich_org_is_in_its_snapshot():
    """Custom objects come by reference, however far; hidden fields are absent, read-only ones not writable."""
    document = json.loads(snapshot_of(RICH))
    fields = opportunity(document)["fields"]
    assert {"Region__c", "Country__c"} <= document["objects"].keys()
    assert {"Secret__c", "NextStep"} & fields.keys() == set()
    assert "createable" not in fields["Locked__c"]
    assert "updateable" not in fields["Locked__c"]
    assert fields["ns__Key__c"] | {"externalId": True, "unique": True, "length": 40} == fields["ns__Key__c"]
    kinds = {each["developerName"]: each for each in opportunity(document)["recordTypes"]}
    assert kinds["Retail"]["picklists"] == {"StageName": ["Open", "Won"]}
    assert "available" not in kinds["Gone"]
    assert [each["api_name"] for each in document["stages"] if not each.get("active")] == ["Old"]
    assert document["stages"][1]["label"] == "Delayed"
    assert document["organization"]["fiscal_year_start_month"] == 4


def test_what_the_emulator_cannot_set_up_itself_comes_back_too():
    """A real org's formulas, auto numbers, dependent and record-type picklists and currencies are played."""
    document = real_org()
    assert json.loads(snapshot_of(document)) == document


def real_org() -> dict[str, Any]:
    """The shipped org with what only a real one has."""
    document = shipped()
    deal = opportunity(document)
    text = {
        "label": "X",
        "type": "string",
        "length": 20,
        "nillable": True,
        "custom": True,
        "filterable": True,
    }
    deal["fields"]["Margin__c"] = {**text, "type": "double", "length": 0, "calculated": True}
    del deal["fields"]["Margin__c"]["length"]
    deal["fields"]["No__c"] = {**text, "autoNumber": True, "defaultedOnCreate": True}
    values = [{"value": each, "label": each, "active": True} for each in ("North", "South")]
    deal["fields"]["Area__c"] = {
        **text,
        "type": "picklist",
        "createable": True,
        "updateable": True,
        "restrictedPicklist": True,
        "dependentPicklist": True,
        "controllerName": "Order_Kind__c",
        "defaultedOnCreate": True,
        "picklistValues": [{**values[0], "defaultValue": True}, {**values[1], "label": "The South"}],
    }
    deal["recordTypes"][0]["picklists"]["Area__c"] = ["North"]
    deal["fields"]["CurrencyIsoCode"] = {
        **text,
        "custom": False,
        "type": "picklist",
        "picklistValues": values,
    }
    del deal["fields"]["CurrencyIsoCode"]["custom"]
    document["objects"]["CurrencyType"] = {
        "label": "Currency Type",
        "labelPlural": "Currency Types",
        "keyPrefix": "01L",
        "queryable": True,
        "fields": {
            "Id": {"type": "id", "label": "Currency ID", "length": 18, "filterable": True},
            "IsoCode": {"type": "picklist", "label": "Code", "length": 3, "filterable": True},
            "IsActive": {"type": "boolean", "label": "Active", "defaultValue": False},
            "IsCorporate": {"type": "boolean", "label": "Corporate", "defaultValue": False},
            "DecimalPlaces": {"type": "int", "label": "Places", "digits": 2},
        },
    }
    document["organization"] |= {
        "fiscal_year_start_month": 2,
        "multi_currency": True,
        "currencies": [
            {"iso_code": "EUR", "corporate": True, "active": True, "decimal_places": 2},
            {"iso_code": "JPY"},
        ],
    }
    document["lead_statuses"][0]["label"] = "New"
    del document["objects"]["Lead"]
    document["left_out"].append({"what": "Lead", "why": "UNKNOWN_SOBJECT"})
    document["left_out"].sort(key=lambda each: each["what"])
    return document


def test_both_sides_know_the_same_keys():
    """The product's form and the emulator's own list the same version, bound and keys."""
    forms = {FieldForm: "_FIELD", ObjectForm: "_OBJECT", RecordTypeForm: "_RECORD_TYPE"}
    for form, name in forms.items():
        written = {each.alias or key for key, each in form.model_fields.items()}
        assert written == getattr(snapshot_form, name).keys.keys()
    assert snapshot_form.FORM == SCHEMA
    assert snapshot_file._MAX_BYTES == MAX_BYTES


def test_a_snapshot_holds_no_record_no_secret_and_no_address():
    """Neither token nor host, org id, user, account or deal of the org is in the file."""
    with running(ORG_FILE) as emulator:
        text = taken(emulator).decode()
        port = emulator.instance_url.rpartition(":")[2]
    absent = [
        emulator.access_token,
        emulator.client_secret,
        emulator.org_id,
        emulator.org_id[:15],
        f":{port}",
    ]
    absent += ["127.0.0.1", "integration@", "Jimenez", "Get Cloudy", "leung", "DEAL-1003"]
    assert [each for each in absent if each in text] == []


def test_the_calls_are_as_many_as_the_org_counts():
    """One call an object, one a record type that the user may use, one for the rows of setup."""
    with running(RICH) as emulator:
        emulator.audit.clear()
        document = json.loads(taken(emulator))
        paths = [each.path for each in emulator.audit.requests]
    receipts = "Sfsync_Receipt__c" not in document["objects"]  # asked for, and not missed where it is not
    describes = len(document["objects"]) + len(document["left_out"]) + receipts
    objects = document["objects"].values()
    kinds = sum("available" in kind for each in objects for kind in each.get("recordTypes", ()))
    assert len([each for each in paths if each.endswith("/describe")]) == describes
    assert len([each for each in paths if "/picklist-values/" in each]) == kinds
    assert len(paths) == describes + kinds + 1


def test_the_product_reads_what_it_wrote():
    """A saved snapshot answers as the org did: describe, stages, and what a record type offers."""
    snapshot = load_snapshot(json.dumps(shipped()).encode(), name="shipped")
    deal = snapshot.describe("Opportunity")
    key, account = deal.field("sfsync_key__c"), deal.field("AccountId")
    assert key is not None
    assert key.is_key
    assert account is not None
    assert account.reference_to == ("Account",)
    assert [each.developer_name for each in deal.record_types] == ["Bulk_Retail", "Custom_Order"]
    assert snapshot.stage_catalogue().active()[0] == "Prospecting"
    with pytest.raises(ConfigError, match="no stages"):
        snapshot.model_copy(update={"stages": []}).stage_catalogue()
    with pytest.raises(ConfigError, match="no sObject Opportunities"):
        snapshot.describe("Opportunities")
    kind = deal.record_types[1].id
    assert "Qualification" not in snapshot.offered("Opportunity", kind)["StageName"]

"""Describes have the recorded keys, and hide what the user may not see."""

from typing import Any

import pytest
from emulator_client import DEAL, Client
from facts import fact

from sfsync.emulator.server import running


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(text.split())


ENTRY_KEYS = words(
    "activateable createable custom customSetting deletable deprecatedAndHidden feedEnabled keyPrefix label "
    "labelPlural layoutable mergeable mruEnabled name queryable replicateable retrieveable searchable "
    "triggerable undeletable updateable urls"
)
FIELD_KEYS = words(
    "aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete "
    "caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula "
    "defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted "
    "externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable "
    "highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField "
    "namePointing nillable permissionable picklistValues polymorphicForeignKey precision queryByDistance "
    "referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete "
    "restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable "
    "writeRequiresMasterRead"
)
CHILD_KEYS = words(
    "cascadeDelete childSObject deprecatedAndHidden field junctionIdListNames junctionReferenceTo "
    "relationshipName restrictedDelete"
)
USER = "integration@cloudkicks.example"
OBJECTS = ["Opportunity", "OpportunityContactRole", "Contact", "Account", "Lead", "Shoe_Model__c"]


@fact("4.3-global")
def test_the_list_of_objects(org: Client):
    """Every object has the recorded entry, and its addresses answer."""
    answer = org.call("GET", "/sobjects").json()
    assert (answer["encoding"], answer["maxBatchSize"]) == ("UTF-8", 200)
    entries = {entry["name"]: entry for entry in answer["sobjects"]}
    assert set(OBJECTS) <= set(entries)
    assert [sorted(ENTRY_KEYS - set(entry)) for entry in entries.values() if ENTRY_KEYS - set(entry)] == []
    urls = entries["Opportunity"]["urls"]
    assert urls["rowTemplate"] == "/services/data/v66.0/sobjects/Opportunity/{ID}"
    for name in ("sobject", "describe"):
        assert org.call("GET", urls[name]).status_code == 200


@fact("4.3-describe", "4.3-field-keys", "4.3-children")
@pytest.mark.parametrize("name", OBJECTS)
def test_the_describe_of_an_object(org: Client, name: str):
    """An object has the recorded keys, each field and child relationship its own."""
    body = org.call("GET", f"/sobjects/{name}/describe").json()
    more = {"fields", "childRelationships", "recordTypeInfos", "supportedScopes", "namedLayoutInfos"}
    assert sorted((ENTRY_KEYS | more | {"actionOverrides"}) - set(body)) == []
    assert [field["name"] for field in body["fields"] if set(field) != FIELD_KEYS] == []
    assert [child["field"] for child in body["childRelationships"] if set(child) != CHILD_KEYS] == []
    values = [value for field in body["fields"] for value in field["picklistValues"]]
    keys = {"active", "defaultValue", "label", "validFor", "value"}
    assert [value for value in values if set(value) != keys] == []


@fact("4.3-children")
def test_a_child_relationship_may_have_no_name(org: Client):
    """Users are referred to by audit fields that nobody can follow downwards."""
    children = org.call("GET", "/sobjects/User/describe").json()["childRelationships"]
    names = {child["relationshipName"] for child in children if child["field"] == "CreatedById"}
    assert names == {None}


@fact("4.3-unknown-object", "4.1-404")
@pytest.mark.parametrize(
    "path", ["/sobjects/Nope", "/sobjects/Nope/describe", "/sobjects/Nope/006000000000001AAA"]
)
def test_an_unknown_object(org: Client, path: str):
    """Whatever is asked of an unknown object is not there."""
    error = {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    answer = org.call("GET", path)
    assert (answer.status_code, answer.json()) == (404, [error])


@fact("4.3-field-security")
def test_a_hidden_field_is_nowhere():
    """A field that the user may not see is no field: in describes, reads, writes, keys and lookups."""
    hidden = [
        {"object": "Opportunity", "field": name, "user": USER, "read": False}
        for name in ("NextStep", "AccountId", "Key__c")
    ]
    key = {
        "object": "Opportunity",
        "name": "Key__c",
        "type": "Text",
        "length": 9,
        "external_id": True,
        "unique": True,
    }
    rows = {"records": [{"attributes": {"type": "Opportunity"}, **DEAL, "Key__c": "x"}]}
    with running({"field_permissions": hidden, "fields": [key]}) as emulator:
        org = Client(emulator)
        deal = org.deal()
        names = {
            field["name"] for field in org.call("GET", "/sobjects/Opportunity/describe").json()["fields"]
        }
        assert not names & {"NextStep", "AccountId", "Key__c"}
        assert not set(org.get("Opportunity", deal)) & {"NextStep", "AccountId", "Key__c"}
        refused: list[tuple[str, str, Any]] = [
            ("GET", f"/sobjects/Opportunity/{deal}?fields=NextStep", None),
            ("PATCH", f"/sobjects/Opportunity/{deal}", {"NextStep": "x"}),
            ("POST", "/sobjects/Opportunity", {**DEAL, "Account": {"Id": "001000000000001AAA"}}),
            ("POST", "/composite/sobjects", rows),
            ("POST", "/composite/sobjects/Opportunity", {"ids": [deal], "fields": ["NextStep"]}),
        ]
        for method, path, body in refused:
            answer = org.call(method, path, body)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
        for method, path, body in (
            ("PATCH", "/sobjects/Opportunity/Key__c/x", DEAL),
            ("GET", "/sobjects/Opportunity/Key__c/x", None),
            ("PATCH", "/composite/sobjects/Opportunity/Key__c", rows),
        ):
            answer = org.call(method, path, body)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        org.http.close()

"""Org files are checked key by key, and refused with the place of the mistake."""

from pathlib import Path
from typing import Any

import pytest

from sfsync.emulator.org.building import build_schema
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, definition_from, load_definition
from sfsync.emulator.server import build

TEXT_FIELD = {"object": "Account", "name": "K__c", "type": "Text", "length": 10}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"fieldz": []}, "did you mean fields?"),
        (
            {"fields": [{**TEXT_FIELD, "lenght": 3}]},
            "[[fields]] number 1: unknown key 'lenght' (did you mean length?)",
        ),
        ({"fields": [{"name": "x"}]}, "lacks object, type"),
        ({"users": [{"username": 1, "last_name": "x"}]}, "username has the wrong type"),
        ({"switches": {"same_stage": "maybe"}}, "keep, recompute"),
        ({"switches": {"nope": True}}, "unknown switch 'nope'"),
        ({"organization": {"colour": "red"}}, "[organization]: unknown key"),
    ],
)
def test_wrong_shapes(document: dict[str, Any], words: str):
    """Unknown keys, missing keys and wrong types name the table and the key."""
    with pytest.raises(DefinitionError) as refused:
        definition_from(document)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"fields": [{**TEXT_FIELD, "object": "Nope"}]}, "no object 'Nope'"),
        ({"fields": [{**TEXT_FIELD, "type": "Blob"}]}, "type is one of"),
        ({"fields": [{**TEXT_FIELD, "name": "K"}]}, "ends in __c"),
        ({"fields": [{"object": "Account", "name": "K__c", "type": "Text"}]}, "needs a length"),
        (
            {"fields": [{**TEXT_FIELD, "object": "OpportunityContactRole", "external_id": True}]},
            "External Identifier",
        ),
        (
            {"record_types": [{"object": "Opportunity", "developer_name": "X", "stages": ["Nope"]}]},
            "no stage Nope",
        ),
        ({"restricted": ["Opportunity.Nope"]}, "no field 'Opportunity.Nope'"),
        ({"records": [{"object": "Account", "values": {}}]}, "REQUIRED_FIELD_MISSING"),
        ({"records": [{"object": "Account", "values": {"Name": "@nobody"}}]}, "no local name @nobody"),
        ({"triggers": [{"object": "Account", "hook": "nowhere:nothing"}]}, "cannot be loaded"),
        ({"triggers": [{"object": "Acount", "hook": "os:getcwd"}]}, "[[triggers]]: no object 'Acount'"),
        (
            {"triggers": [{"object": "Account", "hook": "os:getcwd", "on": ["merge"]}]},
            "on lists insert, update, delete",
        ),
        (
            {"duplicate_rules": [{"object": "Account", "name": "Same", "fields": ["Nmae"]}]},
            "no field Account.Nmae",
        ),
        (
            {"field_permissions": [{"object": "Account", "field": "Nope", "user": "x"}]},
            "no field Account.Nope",
        ),
        (
            {"organization": {"currencies": ["USD", "EUR"], "currency_rates": {"GBP": 1.0}}},
            "only currencies of the org have rates",
        ),
        (
            {"record_types": [{"object": "Opportunity", "developer_name": "X", "picklists": {"Nope": []}}]},
            "no field Nope",
        ),
    ],
)
def test_contradictions(document: dict[str, Any], words: str):
    """What an org could not be is refused when it is built."""
    with pytest.raises(DefinitionError) as refused:
        build(definition_from(document))
    assert words in str(refused.value)


def test_restricted_stages():
    """An org file may restrict the stage picklist, as an admin can."""
    schema = build_schema(OrgDefinition(restricted=("Opportunity.StageName",)), pod="8d000")
    assert schema["opportunity"].fields["stagename"].restricted


def test_bad_toml_names_the_file(tmp_path: Path):
    """Text that is not TOML is refused with the file's name."""
    path = tmp_path / "broken.toml"
    path.write_text("= nothing")
    with pytest.raises(DefinitionError) as refused:
        load_definition(path)
    assert str(refused.value).startswith("broken.toml: ")

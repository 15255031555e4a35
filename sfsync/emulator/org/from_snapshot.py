"""Builds the objects of an org from a snapshot of a real one, and lays an org file on top.

The snapshot decides what anybody can see. The rules of the emulator also need fields, and whole objects, that
the user who took it could not see: those are kept as internal, and answer as things that do not exist.
Source: REST API Developer Guide, sObject Describe [D]; record types and their values: UI API [D].
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.schema import NUMBER_TYPES, TEXT_TYPES, Field, PicklistValue, RecordType, SObject
from sfsync.emulator.org.snapshot_file import Snapshot
from sfsync.emulator.org.snapshot_form import SnapshotError
from sfsync.emulator.org.storage import Row

if TYPE_CHECKING:
    from sfsync.emulator.org.org import Org

PLAYED_TYPES: Final = (
    TEXT_TYPES | NUMBER_TYPES | {"id", "reference", "boolean", "date", "datetime", "combobox"}
)
RULED: Final = frozenset({"Account", "Contact", "Opportunity", "OpportunityContactRole"})
"""The objects whose standard fields the rules compute with, so that their types cannot be others."""

_FROM_SNAPSHOT: Final = ("stages", "contact_roles", "record_types")


def definition_on(snapshot: Snapshot, extra: OrgDefinition | None = None) -> OrgDefinition:
    """Return the definition of a snapshot's org with what an org file adds to it.

    Raises: DefinitionError when the org file says what only the snapshot can say, or what it says already.
    """
    added = extra or OrgDefinition()
    _check_added(added, snapshot)
    given = snapshot.organization
    facts = {
        "name": given["name"],
        "sandbox": given.get("sandbox", False),
        "fiscal_year_start_month": given.get("fiscal_year_start_month", 1),
        "fiscal_year_named_by_start": given.get("fiscal_year_named_by_start", False),
    }
    return replace(
        added,
        snapshot=snapshot,
        organization={**facts, **added.organization},
        stages=tuple(_stage(table) for table in snapshot.stages),
    )


def _check_added(added: OrgDefinition, snapshot: Snapshot) -> None:
    for name in _FROM_SNAPSHOT:
        if getattr(added, name):
            raise DefinitionError(
                f"[[{name}]] of the org file: with a snapshot, it comes from the snapshot alone"
            )
    known = {
        name.lower(): {each.lower() for each in table["fields"]} for name, table in snapshot.objects.items()
    }
    for table in added.objects:
        if table["name"].lower() in known:
            raise DefinitionError(f"[[objects]] of the org file: {table['name']} is in the snapshot already")
    for table in added.fields:
        if table["name"].lower() in known.get(table["object"].lower(), ()):
            path = f"{table['object']}.{table['name']}"
            raise DefinitionError(f"[[fields]] of the org file: {path} is in the snapshot already")


def _stage(table: Table) -> dict[str, Any]:
    return {
        "name": table["api_name"],
        "label": table["label"],
        "probability": table.get("probability", 0),
        "forecast_category": table["forecast_category"],
        **{name: table.get(name, False) for name in ("closed", "won", "active")},
    }


def objects_of(snapshot: Snapshot, *, rules_need: Mapping[str, SObject]) -> dict[str, SObject]:
    """Return the objects of a snapshot, and those the rules need besides it, which nobody sees.

    Raises: SnapshotError for a standard field of another spelling or type than the rules know.
    """
    children = _children(snapshot)
    objects = {
        name: _object(name, table, children=children, known=rules_need.get(name))
        for name, table in snapshot.objects.items()
        if table.get("keyPrefix") or name in rules_need
    }
    unseen = {name: _unseen(sobject) for name, sobject in rules_need.items() if name not in objects}
    return unseen | objects


def _unseen(sobject: SObject) -> SObject:
    fields = {
        name: replace(field, relationship_name=None, child_name=None)
        for name, field in sobject.fields.items()
    }
    return replace(sobject, internal=True, fields=fields)


def _children(snapshot: Snapshot) -> dict[tuple[str, str], Table]:
    """Return the named relationship of each reference, by object and field."""
    return {
        (child["childSObject"], child["field"]): child
        for table in snapshot.objects.values()
        for child in table.get("childRelationships", ())
    }


def _object(
    name: str, table: Table, *, children: Mapping[tuple[str, str], Table], known: SObject | None
) -> SObject:
    standard = known.fields if known else {}
    fields = {
        each.lower(): _field(
            each, field, child=children.get((name, each)), standard=standard.get(each.lower())
        )
        for each, field in table["fields"].items()
    }
    for lowered, field in standard.items():
        if lowered not in fields:
            fields[lowered] = _internal(field)
        elif name in RULED:
            _check_standard(name, fields[lowered], field)
    return replace(
        known or SObject(name, "", "", "", {}),
        label=table["label"],
        label_plural=table["labelPlural"],
        key_prefix=table.get("keyPrefix") or (known.key_prefix if known else ""),
        fields=fields,
        internal_fields=frozenset(standard) - {each.lower() for each in table["fields"]},
        custom=table.get("custom", False),
        createable=table.get("createable", False),
        updateable=table.get("updateable", False),
        deletable=table.get("deletable", False),
        undeletable=table.get("undeletable", False),
        searchable=table.get("searchable", False),
        feed_enabled=table.get("feedEnabled", False),
        mru_enabled=table.get("mruEnabled", False),
        record_types=tuple(_record_type(kind) for kind in table.get("recordTypes", ())),
    )


def _internal(field: Field) -> Field:
    return replace(
        field,
        createable=False,
        updateable=False,
        relationship_name=None,
        child_name=None,
    )


def _check_standard(sobject: str, field: Field, standard: Field) -> None:
    place = f"objects.{sobject}.fields.{field.name}"
    if field.name != standard.name:
        raise SnapshotError(place, f"the platform spells it {standard.name}")
    if _storage_kind(field.type) != _storage_kind(standard.type):
        raise SnapshotError(f"{place}.type", f"it is {field.type}, on the platform {standard.type}")


def _storage_kind(kind: str) -> str:
    return "number" if kind in NUMBER_TYPES else "text" if kind in TEXT_TYPES | {"combobox"} else kind


def _field(name: str, table: Table, *, child: Table | None, standard: Field | None) -> Field:
    """Return the field as it is described; what no describe tells is as the standard field has it."""
    kind, is_played = table["type"], table["type"] in PLAYED_TYPES
    return replace(
        standard or Field(name, kind, name),
        name=name,
        type=kind,
        label=table["label"],
        length=table.get("length", 0),
        precision=table.get("digits", 0) if kind == "int" else table.get("precision", 0),
        scale=table.get("scale", 0),
        createable=table.get("createable", False) and is_played,
        updateable=table.get("updateable", False) and is_played,
        nillable=table.get("nillable", False),
        defaulted=table.get("defaultedOnCreate", False),
        id_lookup=table.get("idLookup", False),
        external_id=table.get("externalId", False),
        unique=table.get("unique", False),
        case_sensitive=table.get("caseSensitive", False),
        custom=table.get("custom", False),
        restricted=table.get("restrictedPicklist", False),
        filterable=table.get("filterable", False),
        sortable=table.get("sortable", False),
        groupable=table.get("groupable", False),
        name_field=table.get("nameField", False),
        reference_to=tuple(table.get("referenceTo", ())),
        relationship_name=table.get("relationshipName"),
        child_name=child.get("relationshipName") if child else None,
        cascade_delete=bool(child and child.get("cascadeDelete")),
        picklist=tuple(_picklist_value(value) for value in table.get("picklistValues", ())),
        default=default_of(table),
        calculated=table.get("calculated", False),
        auto_number=table.get("autoNumber", False),
        dependent=table.get("dependentPicklist", False),
        controller=table.get("controllerName"),
    )


def default_of(table: Table) -> Any:
    """Return the default value of a field where it has one that fits its type; else None."""
    default, kind = table.get("defaultValue"), table["type"]
    if kind == "boolean":
        return default is True
    if kind in NUMBER_TYPES:
        return None if isinstance(default, bool | str) else default
    return default if isinstance(default, str) and kind in TEXT_TYPES else None


def _picklist_value(table: Table) -> PicklistValue:
    return PicklistValue(
        table["value"],
        table["label"],
        active=table.get("active", False),
        default=table.get("defaultValue", False),
    )


def _record_type(table: Table) -> RecordType:
    offered = {name: tuple(values) for name, values in table.get("picklists", {}).items()}
    return RecordType(
        table["recordTypeId"],
        table["developerName"],
        table["name"],
        stages=offered.pop("StageName", ()),
        default=table.get("defaultRecordTypeMapping", False),
        active=table.get("active", False),
        available=table.get("available", False),
        picklists=offered,
    )


def setup_rows(org: "Org", snapshot: Snapshot) -> list[tuple[str, Row]]:
    """Return the rows of setup objects that a snapshot brings: lead statuses and currencies."""
    rows: list[tuple[str, Row]] = []
    for order, table in enumerate(snapshot.lead_statuses, start=1):
        row = {
            "Id": org.next_id(org.schema["LeadStatus"]),
            "ApiName": table["api_name"],
            "MasterLabel": table["label"],
            "SortOrder": order,
            "IsDefault": int(table.get("default", False)),
            "IsConverted": int(table.get("converted", False)),
        }
        rows.append(("LeadStatus", row))
    for table in snapshot.organization.get("currencies", ()) if org.schema.sobject("CurrencyType") else ():
        row = {
            "Id": org.next_id(org.schema["CurrencyType"]),
            "IsoCode": table["iso_code"],
            "IsCorporate": int(table.get("corporate", False)),
            "IsActive": int(table.get("active", False)),
            "DecimalPlaces": table.get("decimal_places", 0),
        }
        rows.append(("CurrencyType", row))
    return rows

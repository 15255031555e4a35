"""Builds the schema of an org from its definition: standard objects, then what the admin added.

Stages, contact roles and record types become picklist values and record types here, so that describe,
the rules and the UI API read one truth. Refuses a definition that contradicts itself.
Source: Metadata API Developer Guide, CustomField and RecordType [D]; standard value sets [R].
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sfsync.emulator.org.currencies import add_currencies
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.definition_names import check_names
from sfsync.emulator.org.from_snapshot import objects_of
from sfsync.emulator.org.ids import IdSequence
from sfsync.emulator.org.person_accounts import add_person_accounts
from sfsync.emulator.org.schema import Field, PicklistValue, RecordType, Schema, SObject
from sfsync.emulator.org.standard import (
    default_picklists,
    label_of,
    object_fields,
    standard_objects,
    typed_field,
)

_TYPES: Final = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
_LENGTHS: Final = {
    "textarea": 255,
    "picklist": 255,
    "multipicklist": 4099,
    "email": 80,
    "phone": 40,
    "url": 255,
}
_KEY_TYPES: Final = frozenset({"string", "double", "email"})
_LONG_TEXT_LENGTH: Final = 32768
CATEGORY_NAMES: Final = {
    "Omitted": "Omitted",
    "Pipeline": "Pipeline",
    "BestCase": "Best Case",
    "MostLikely": "Most Likely",
    "Forecast": "Commit",
    "Closed": "Closed",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the org, with what it implies."""

    name: str
    probability: int
    category: str
    closed: bool = False
    won: bool = False
    active: bool = True
    label: str = ""

    @property
    def category_name(self) -> str:
        """The user-facing word for the forecast category."""
        return CATEGORY_NAMES[self.category]


DEFAULT_STAGES: Final = (
    Stage("Prospecting", 10, "Pipeline"),
    Stage("Qualification", 10, "Pipeline"),
    Stage("Needs Analysis", 20, "Pipeline"),
    Stage("Value Proposition", 50, "Pipeline"),
    Stage("Id. Decision Makers", 60, "Pipeline"),
    Stage("Perception Analysis", 70, "Pipeline"),
    Stage("Proposal/Price Quote", 75, "Pipeline"),
    Stage("Negotiation/Review", 90, "Pipeline"),
    Stage("Closed Won", 100, "Closed", closed=True, won=True),
    Stage("Closed Lost", 0, "Omitted", closed=True),
)


def stages_of(definition: OrgDefinition) -> tuple[Stage, ...]:
    """Return the stages in sort order: those of the file, else the ten of a new org."""
    return tuple(_stage(table) for table in definition.stages) or DEFAULT_STAGES


def _stage(table: Table) -> Stage:
    category = table["forecast_category"]
    if category not in CATEGORY_NAMES:
        raise DefinitionError(
            f"stage {table['name']}: forecast_category is one of {', '.join(CATEGORY_NAMES)}"
        )
    return Stage(
        table["name"],
        table["probability"],
        category,
        closed=table.get("closed", False),
        won=table.get("won", False),
        active=table.get("active", True),
        label=table.get("label", ""),
    )


def build_schema(definition: OrgDefinition, *, pod: str) -> Schema:
    """Return the linked schema of a definition.

    Raises: DefinitionError when it names objects, types or stages that do not exist.
    """
    picklists = default_picklists()
    picklists["stages"] = tuple(
        PicklistValue(stage.name, stage.label or stage.name, active=stage.active)
        for stage in stages_of(definition)
    )
    picklists["contact_role"] += tuple(PicklistValue(role, role) for role in definition.contact_roles)
    objects = standard_objects(picklists)
    if definition.snapshot:
        objects = objects_of(definition.snapshot, rules_need=objects)
    for table in definition.objects:
        objects[table["name"]] = _custom_object(table)
    for table in definition.fields:
        owner = _object_of(objects, table)
        item = _custom_field(table, objects)
        objects[owner.name] = replace(owner, fields={**owner.fields, item.name.lower(): item})
    add_currencies(definition, objects)
    add_person_accounts(definition, objects)
    _restrict(definition, objects)
    _add_record_types(definition, objects, pod=pod)
    check_names(definition, objects)
    return Schema(objects.values())


def _custom_object(table: Table) -> SObject:
    name = table["name"]
    if not name.endswith("__c"):
        raise DefinitionError(f"custom object {name}: the name ends in __c")
    lines = "Name string:80 CUNDLfsgn"
    return SObject(
        name=name,
        label=table["label"],
        label_plural=table.get("label_plural", table["label"] + "s"),
        key_prefix=table["key_prefix"],
        fields=object_fields(lines, picklists={}, recycle_bin=True, owner=True),
        custom=True,
    )


def _object_of(objects: Mapping[str, SObject], table: Table) -> SObject:
    found = objects.get(table["object"])
    if found is None:
        raise DefinitionError(f"no object {table['object']!r} in this org")
    return found


def _custom_field(table: Table, objects: Mapping[str, SObject]) -> Field:
    name, kind = table["name"], _TYPES.get(table["type"])
    if kind is None:
        raise DefinitionError(f"field {name}: type is one of {', '.join(_TYPES)}")
    if not name.endswith("__c"):
        raise DefinitionError(f"field {name}: the name of a custom field ends in __c")
    if table.get("external_id") and table["object"] == "OpportunityContactRole":
        raise DefinitionError(
            "Fields on Opportunity Contact Role do not support the property Is External Identifier."
        )
    if table.get("external_id") and kind not in _KEY_TYPES:
        raise DefinitionError(f"field {name}: an external id is of type Text, Number or Email")
    required = table.get("required", False) or table["type"] == "MasterDetail"
    item = replace(
        typed_field(name, _type_word(table, kind), label=table.get("label") or label_of(name)),
        createable=True,
        updateable=table["type"] != "MasterDetail",
        nillable=not required and kind != "boolean",
        defaulted=kind == "boolean" or "default" in table,
        default=table.get("default", False if kind == "boolean" else None),
        custom=True,
        filterable=table["type"] != "LongTextArea",
        sortable=table["type"] not in {"LongTextArea", "MultiselectPicklist"},
        groupable=kind not in {"currency", "double", "percent", "datetime", "multipicklist", "textarea"},
        restricted=table.get("restricted", False),
        external_id=table.get("external_id", False),
        id_lookup=table.get("external_id", False),
        unique=table.get("unique", False),
        case_sensitive=table.get("case_sensitive", False),
        picklist=tuple(PicklistValue(text, text) for text in table.get("values", ())),
    )
    return _as_reference(item, table, objects) if kind == "reference" else item


def _type_word(table: Table, kind: str) -> str:
    if kind in {"double", "currency", "percent"}:
        return f"{kind}:{table.get('precision', 18)},{table.get('scale', 0)}"
    if kind == "reference":
        return f"ref:{table.get('reference_to', '')}"
    if kind == "string" and "length" not in table:
        raise DefinitionError(f"field {table['name']}: a Text field needs a length")
    default = _LONG_TEXT_LENGTH if table["type"] == "LongTextArea" else _LENGTHS.get(kind, 0)
    return f"{kind}:{table.get('length', default)}"


def _as_reference(item: Field, table: Table, objects: Mapping[str, SObject]) -> Field:
    if table.get("reference_to") not in objects:
        raise DefinitionError(f"field {item.name}: reference_to names no object of this org")
    return replace(
        item,
        relationship_name=table.get("relationship_name", item.name.removesuffix("__c") + "__r"),
        child_name=table.get("child_relationship"),
        cascade_delete=table["type"] == "MasterDetail",
    )


def _restrict(definition: OrgDefinition, objects: dict[str, SObject]) -> None:
    for path in definition.restricted:
        sobject, _, name = path.partition(".")
        item = objects[sobject].field_named(name) if sobject in objects else None
        if item is None:
            raise DefinitionError(f"restricted: no field {path!r} in this org")
        restricted = {name.lower(): replace(item, restricted=True)}
        objects[sobject] = replace(objects[sobject], fields={**objects[sobject].fields, **restricted})


def _add_record_types(definition: OrgDefinition, objects: dict[str, SObject], *, pod: str) -> None:
    sequence = IdSequence("012", pod)
    known = {stage.name for stage in stages_of(definition)}
    for table in definition.record_types:
        owner = _object_of(objects, table)
        unknown = [stage for stage in table.get("stages", ()) if stage not in known]
        if unknown:
            raise DefinitionError(f"record type {table['developer_name']}: no stage {', '.join(unknown)}")
        lacking = [name for name in table.get("picklists", ()) if name.lower() not in owner.fields]
        if lacking:
            raise DefinitionError(f"record type {table['developer_name']}: no field {', '.join(lacking)}")
        fields: dict[str, Any] = {**owner.fields, "recordtypeid": _record_type_field()}
        types = (*owner.record_types, _record_type(table, sequence.next_id()))
        objects[owner.name] = replace(owner, fields=fields, record_types=types)


def _record_type(table: Table, record_id: str) -> RecordType:
    return RecordType(
        record_id,
        table["developer_name"],
        table.get("name", table["developer_name"].replace("_", " ")),
        stages=tuple(table.get("stages", ())),
        default=table.get("default", False),
        active=table.get("active", True),
        available=table.get("available", True),
        picklists={name: tuple(values) for name, values in table.get("picklists", {}).items()},
        users=tuple(table["users"]) if "users" in table else None,
        default_for=tuple(table.get("default_for", ())),
        namespace=table.get("namespace"),
    )


def _record_type_field() -> Field:
    return replace(
        typed_field("RecordTypeId", "ref:RecordType", label="Record Type ID"),
        createable=True,
        updateable=True,
        nillable=True,
        defaulted=True,
        filterable=True,
        sortable=True,
        groupable=True,
        relationship_name="RecordType",
    )

"""Reads the tables of standard objects into the schema's values, and adds what every object has.

Also makes the fields and objects that an org file adds; both go through the same small parser of type
words, so that a custom field differs from a standard one only in its flags.
Source: Object Reference, System Fields [D]; Field Types of the SOAP API Developer Guide [D].
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sfsync.emulator.org.lead_tables import LEAD_OBJECTS
from sfsync.emulator.org.product_tables import PRODUCT_OBJECTS
from sfsync.emulator.org.schema import Field, PicklistValue, SObject
from sfsync.emulator.org.standard_tables import OBJECTS, PICKLISTS

_AUDIT: Final = """
CreatedDate       datetime         Dfs
CreatedById       ref:User         Dfsg rel=CreatedBy
LastModifiedDate  datetime         Dfs
LastModifiedById  ref:User         Dfsg rel=LastModifiedBy
SystemModstamp    datetime         Dfs
"""
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LENGTH_OF: Final = {"id": 18, "reference": 18}
_TABLES: Final = {**OBJECTS, **PRODUCT_OBJECTS, **LEAD_OBJECTS}

Picklists = Mapping[str, tuple[PicklistValue, ...]]


def default_picklists() -> dict[str, tuple[PicklistValue, ...]]:
    """Return the value sets of a new org."""
    sets = {name: tuple(PicklistValue(text, text) for text in values) for name, values in PICKLISTS.items()}
    first, *rest = sets["lead_status"]
    sets["lead_status"] = (replace(first, default=True), *rest)
    return sets


def standard_objects(picklists: Picklists) -> dict[str, SObject]:
    """Return the standard objects by name, with their fields in describe order."""
    return {name: _standard_object(name, picklists) for name in _TABLES}


def _standard_object(name: str, picklists: Picklists) -> SObject:
    prefix, label, plural, flags, table = _TABLES[name]
    return SObject(
        name=name,
        label=label,
        label_plural=plural,
        key_prefix=prefix,
        fields=object_fields(table, picklists=picklists, recycle_bin="b" in flags, owner="o" in flags),
        createable="c" in flags,
        updateable="u" in flags,
        deletable="d" in flags,
        undeletable="U" in flags,
        searchable="s" in flags,
        feed_enabled="f" in flags,
        mru_enabled="s" in flags,
    )


def object_fields(table: str, *, picklists: Picklists, recycle_bin: bool, owner: bool) -> dict[str, Field]:
    """Return the fields of a table with Id, owner and audit fields around them, by lower-case name."""
    lines = ["Id id DLfsg label=Record_ID"]
    if recycle_bin:
        lines.append("IsDeleted boolean Dfsg label=Deleted")
    lines += table.split("\n")
    if owner:
        lines.append("OwnerId ref:User CUDfsg rel=Owner")
    lines += _AUDIT.split("\n")
    fields = [_field(line, picklists) for line in lines if line.strip()]
    return {field.name.lower(): field for field in fields}


def _field(line: str, picklists: Picklists) -> Field:
    name, type_word, *rest = line.split()
    flags = rest[0] if rest and "=" not in rest[0] else ""
    options = dict(word.partition("=")[::2] for word in rest[1:])
    field = typed_field(name, type_word, label=options.get("label", "").replace("_", " ") or label_of(name))
    return replace(
        field,
        createable="C" in flags,
        updateable="U" in flags,
        nillable="N" in flags,
        defaulted="D" in flags,
        id_lookup="L" in flags,
        restricted="R" in flags,
        filterable="f" in flags,
        sortable="s" in flags,
        groupable="g" in flags,
        name_field="n" in flags,
        permissionable="hidden" not in options,
        relationship_name=options.get("rel"),
        child_name=options.get("child"),
        cascade_delete="cascade" in options,
        picklist=picklists.get(options.get("values", ""), ()),
    )


def typed_field(name: str, type_word: str, *, label: str) -> Field:
    """Return a bare field of a type word such as `string:255`, `currency:18,2` or `ref:Account,User`."""
    kind, _, argument = type_word.partition(":")
    if kind == "ref":
        return Field(name, "reference", label, length=18, reference_to=tuple(argument.split(",")))
    if kind in {"currency", "double", "percent"}:
        precision, _, scale = argument.partition(",")
        return Field(name, kind, label, precision=int(precision), scale=int(scale or 0))
    default = False if kind == "boolean" else None
    if kind == "int":
        return Field(name, kind, label, precision=int(argument or 8))
    return Field(name, kind, label, length=int(argument or _LENGTH_OF.get(kind, 0)), default=default)


def label_of(name: str) -> str:
    """Return the label that the platform gives a field of that API name."""
    words = _WORD_STARTS.sub(" ", name.removesuffix("__c").replace("_", " "))
    return re.sub(r"\bId$", "ID", words)

"""Describes the columns of an answer as `?columns=true` shows them.

Clients read `columnName`, `displayName`, `aggregate` and `joinColumns`; what a catalogue does not know
(insertable, updatable) is left out.
Source: the answer that the sf CLI asks for after every human-readable query, as its code reads it [P].
"""

from collections.abc import Mapping
from typing import Final

from sfsync.emulator.soql.record_plan import ChildSlot, Leaf, RecordPlan
from sfsync.emulator.soql.result import Record
from sfsync.emulator.soql.values import Family, family_of

_APEX_TYPES: Final = {
    Family.ID: "Id",
    Family.TEXT: "String",
    Family.BOOLEAN: "Boolean",
    Family.NUMBER: "Double",
    Family.DATE: "Date",
    Family.DATETIME: "Datetime",
}


def describe_columns(entries: Mapping[str, Leaf | RecordPlan | ChildSlot]) -> tuple[Record, ...]:
    """Return one description per entry of SELECT, with those of parents and children nested in it."""
    return tuple(_describe(key, entry) for key, entry in entries.items())


def _describe(key: str, entry: Leaf | RecordPlan | ChildSlot) -> Record:
    match entry:
        case Leaf():
            return _column(key, entry.type, is_custom=entry.is_custom, is_aggregate=entry.is_aggregate)
        case RecordPlan():
            column = _column(key, None, is_custom=key.endswith("__r"), is_aggregate=False)
            return column | {"joinColumns": list(describe_columns(entry.entries))}
        case ChildSlot():
            column = _column(key, None, is_custom=key.endswith("__r"), is_aggregate=True)
            return column | {"joinColumns": list(describe_columns(entry.plan.entries))}


def _column(name: str, type_name: str | None, *, is_custom: bool, is_aggregate: bool) -> Record:
    family = family_of(type_name) if type_name else None
    apex_type = "Integer" if type_name == "int" else _APEX_TYPES[family] if family else None
    return {
        "aggregate": is_aggregate,
        "apexType": apex_type,
        "booleanType": family is Family.BOOLEAN,
        "columnName": name,
        "custom": is_custom,
        "displayName": name,
        "foreignKeyName": None,
        "joinColumns": [],
        "numberType": family is Family.NUMBER,
        "textType": family is Family.TEXT,
    }

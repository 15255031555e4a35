"""What admins and developers add to the save order: triggers, validation rules and duplicate rules.

Hooks are Python callables named in the org file as `module:function`. A trigger may change the row
before it is saved or act after it; a validation rule returns a message or None; a duplicate rule
compares fields without regard to case.
Source: Apex Developer Guide, Triggers and Order of Execution [D]; duplicate rule body recorded [R].
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sfsync.emulator.errors import RowError, RowRefusedError
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

Validation = Callable[[Row, Row | None], str | None]
Trigger = Callable[[Row, Row | None], None]


class Hooks:
    """The rules and triggers of one org, by object."""

    def __init__(self, definition: OrgDefinition) -> None:
        self._validations = [(table, _load(table)) for table in definition.validation_rules]
        self._triggers = [(table, _load(table)) for table in definition.triggers]
        self._duplicate_rules = definition.duplicate_rules

    def before_save(self, sobject: SObject, row: Row, *, before: Row | None) -> None:
        """Run the triggers that may change the row.

        Raises: RowRefusedError when one raises.
        """
        self._run_triggers(sobject, row, before=before, moment="before")

    def after_save(self, sobject: SObject, row: Row, *, before: Row | None) -> None:
        """Run the triggers that act on a saved row."""
        self._run_triggers(sobject, row, before=before, moment="after")

    def validate(self, call: "Call", sobject: SObject, row: Row, *, before: Row | None) -> None:
        """Run validation rules, then duplicate rules.

        Raises: RowRefusedError with the admin's own text.
        """
        for table, rule in self._validations:
            message = rule(row, before) if table["object"] == sobject.name else None
            if message:
                fields = table.get("fields", ())
                raise RowRefusedError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, *fields)
        for table in self._duplicate_rules:
            if table["object"] == sobject.name and before is None:
                _check_duplicates(call, sobject, row, rule=table)

    def _run_triggers(self, sobject: SObject, row: Row, *, before: Row | None, moment: str) -> None:
        for table, trigger in self._triggers:
            if table["object"] != sobject.name or table.get("action", "before") != moment:
                continue
            try:
                trigger(row, before)
            except Exception as problem:
                name = table.get("name", "Trigger")
                event = f"{moment.title()}{'Insert' if before is None else 'Update'}"
                message = f"{name}: execution of {event}\n\ncaused by: {problem}"
                raise RowRefusedError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message) from problem


def _load(table: Table) -> Callable[..., Any]:
    module, _, name = table["hook"].partition(":")
    try:
        hook = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise DefinitionError(f"hook {table['hook']!r} cannot be loaded: {problem}") from None
    if not callable(hook):
        raise DefinitionError(f"hook {table['hook']!r} is not callable")
    return hook  # type: ignore[no-any-return]


def _check_duplicates(call: "Call", sobject: SObject, row: Row, *, rule: Table) -> None:
    values = [row.get(name) for name in rule["fields"]]
    if any(value is None for value in values):
        return
    where = " AND ".join(f'"{name}" = ? COLLATE NOCASE' for name in rule["fields"]) + ' AND "IsDeleted" = 0'
    matches = call.org.storage.select(sobject.name, where, *values)
    allowed = rule.get("action", "block") == "alert"
    if not matches or (allowed and call.duplicate_option("allowSave")):
        return
    message = rule.get("message", "Use one of these records?")
    body = _duplicate_body(call, sobject, rule, ids=[str(match["Id"]) for match in matches], allowed=allowed)
    refused = RowRefusedError("DUPLICATES_DETECTED", message)
    refused.error = RowError("DUPLICATES_DETECTED", message, (), (("duplicateResut", body),))
    raise refused


def _duplicate_body(
    call: "Call", sobject: SObject, rule: Table, *, ids: list[str], allowed: bool
) -> dict[str, Any]:
    shown = ids if call.duplicate_option("includeRecordDetails") else []
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": sobject.name, "url": call.record_url(sobject.name, found)},
                "Id": found,
            },
        }
        for found in shown
    ]
    result = {
        "entityType": sobject.name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": rule["name"],
        "size": len(ids),
        "success": True,
    }
    return {
        "allowSave": allowed,
        "duplicateRule": rule["name"],
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": rule.get("message", "Use one of these records?"),
        "matchResults": [result],
    }

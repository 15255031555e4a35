"""Duplicate rules: a record that matches others on some fields is refused or only warned about.

A *block* rule always refuses, an *alert* rule refuses unless the caller allows the save by header. Values
are compared exactly but for case. A rule runs on inserts, and on updates when its `on` says so; the option
runAsCurrentUser changes nothing here, because every user sees every record.
Source: REST API Developer Guide, Duplicate Rule Header [D]; body of the refusal recorded [R].
"""

from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import RowError, RowRefusedError
from sfsync.emulator.org.definition import Table
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_UNLESS_SAID: Final = ("insert",)
_MESSAGE: Final = "Use one of these records?"


def check_duplicates(call: "Call", sobject: SObject, row: Row, *, op: str) -> None:
    """Apply the rules of the object to a row that is about to be stored.

    Raises: RowRefusedError DUPLICATES_DETECTED.
    """
    for rule in call.org.definition.duplicate_rules:
        if rule["object"] == sobject.name and op in rule.get("on", _UNLESS_SAID):
            _check(call, sobject, row, rule=rule)


def _check(call: "Call", sobject: SObject, row: Row, *, rule: Table) -> None:
    values = [row.get(name) for name in rule["fields"]]
    if any(value is None for value in values):
        return
    where = " AND ".join(f'"{name}" = ? COLLATE NOCASE' for name in rule["fields"])
    matches = call.org.storage.select(
        sobject.name, where + ' AND "IsDeleted" = 0 AND "Id" IS NOT ?', *values, row.get("Id")
    )
    allowed = rule.get("action", "block") == "alert"
    if not matches or (allowed and call.duplicate_option("allowSave")):
        return
    message = rule.get("message", _MESSAGE)
    body = _body(call, sobject, rule, ids=[str(match["Id"]) for match in matches], allowed=allowed)
    refused = RowRefusedError("DUPLICATES_DETECTED", message)
    refused.error = RowError("DUPLICATES_DETECTED", message, (), (("duplicateResut", body),))
    raise refused


def _body(call: "Call", sobject: SObject, rule: Table, *, ids: list[str], allowed: bool) -> dict[str, Any]:
    shown = ids if call.duplicate_option("includeRecordDetails") else []
    result = {
        "entityType": sobject.name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": [_match(call, sobject, found) for found in shown],
        "rule": rule["name"],
        "size": len(ids),
        "success": True,
    }
    return {
        "allowSave": allowed,
        "duplicateRule": rule["name"],
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": rule.get("message", _MESSAGE),
        "matchResults": [result],
    }


def _match(call: "Call", sobject: SObject, record_id: str) -> dict[str, Any]:
    attributes = {"type": sobject.name, "url": call.record_url(sobject.name, record_id)}
    return {
        "additionalInformation": [],
        "fieldDiffs": [],
        "matchConfidence": 100.0,
        "record": {"attributes": attributes, "Id": record_id},
    }

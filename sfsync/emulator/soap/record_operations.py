"""The operations on records that exist: merge, undelete and emptyRecycleBin.

Source: SOAP API Developer Guide, merge, undelete, emptyRecycleBin [D]; Partner WSDL, MergeRequest and the
result types [D].
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import RowError, UncoercibleError
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.rules.batch import SaveStep, save_all
from sfsync.emulator.rules.drafting import read_draft
from sfsync.emulator.rules.merging import MERGEABLE, MergeOutcome, merge
from sfsync.emulator.rules.saving import Outcome
from sfsync.emulator.rules.undeleting import purge, undelete
from sfsync.emulator.soap.envelope import Envelope
from sfsync.emulator.soap.faults import SoapFaultError
from sfsync.emulator.soap.results import error_elements, rows_of
from sfsync.emulator.soap.xml_reading import Node
from sfsync.emulator.soap.xml_writing import Elements

_MOST_ROWS: Final = 200


def merge_records(call: Call, read: Envelope) -> Elements:
    """Merge duplicates, each request by itself; the partner API has no all-or-none here."""
    rows = rows_of(read.operation, "request", most=_MOST_ROWS, code="EXCEEDED_ID_LIMIT")
    outcomes = save_all(call, [_merge_step(call, row) for row in rows], all_or_none=False)
    return [("result", _merge_result(outcome)) for outcome in outcomes]


def _merge_step(call: Call, row: Node) -> SaveStep:
    master = row.child("masterRecord") or Node("masterRecord")
    kind = master.value("type")
    sobject = call.org.schema.sobject(kind or "")
    if sobject is None or sobject.name not in MERGEABLE:
        raise SoapFaultError("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    losers = [
        node.text.strip() for node in row.children if node.name == "recordToMergeIds" and not node.is_nil
    ]
    call.counted.rows[sobject.name] = call.counted.rows.get(sobject.name, 0) + 1 + len(losers)
    try:
        draft = read_draft(call, sobject, _as_record(sobject, master), creating=False)
    except UncoercibleError as problem:
        message = f"{problem.key}: value not of required type: {problem.value}"
        refused = Outcome(errors=(RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (problem.key,)),))
        return lambda: refused
    return partial(merge, call, draft, losers)


def _as_record(sobject: SObject, master: Node) -> dict[str, Any]:
    """Return a record element in the form of a JSON record; fieldsToNull become nulls."""
    record: dict[str, Any] = {}
    for node in master.children:
        if node.name == "fieldsToNull":
            record[node.text.strip()] = None
        elif node.name != "type":
            record[node.name] = None if node.is_nil else _typed(sobject, node)
    return record


def _typed(sobject: SObject, node: Node) -> object:
    field = sobject.field_named(node.name)
    if field is not None and field.type == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(node.text.strip(), node.text)
    return node.text


def _merge_result(outcome: Outcome) -> Elements:
    done = outcome if isinstance(outcome, MergeOutcome) else MergeOutcome(errors=outcome.errors)
    return [
        *error_elements(done),
        ("id", done.id),
        *(("mergedRecordIds", merged) for merged in done.merged),
        ("success", done.success),
        *(("updatedRelatedIds", moved) for moved in done.moved),
    ]


def undelete_records(call: Call, read: Envelope) -> Elements:
    """Bring records back from the recycle bin."""
    return _each_id(call, read, undelete, all_or_none=read.flag("AllOrNoneHeader", "allOrNone"))


def empty_recycle_bin(call: Call, read: Envelope) -> Elements:
    """Take records out of the recycle bin for good."""
    return _each_id(call, read, purge, all_or_none=False)


def _each_id(
    call: Call, read: Envelope, act: Callable[[Call, str], Outcome], *, all_or_none: bool
) -> Elements:
    rows = rows_of(read.operation, "ids", most=_MOST_ROWS, code="EXCEEDED_ID_LIMIT")
    steps = [partial(act, call, row.text.strip()) for row in rows]
    outcomes = save_all(call, steps, all_or_none=all_or_none)
    return [
        ("result", [*error_elements(outcome), ("id", outcome.id), ("success", outcome.success)])
        for outcome in outcomes
    ]

"""sObject Collections: up to 200 records in one call, results in the order of the input.

Answers are 200 with failures inside; what is wrong with the request itself is 400. Rows are matched by
position: a failed row has no id.
Source: REST API Developer Guide, sObject Collections [D]; result shapes recorded [R]; codes of request
errors [I].
"""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, RowError, not_found
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.batch import SaveStep, check_may_upsert, matching, save_all, upsert
from sfsync.emulator.rules.deleting import delete
from sfsync.emulator.rules.saving import Outcome, insert, update
from sfsync.emulator.rules.values import render_record
from sfsync.emulator.wire.messages import Reply

_MAX_RECORDS: Final = 200
_MAX_RETRIEVED: Final = 2000
_MAX_CHUNKS: Final = 10

Repeated = set[object]


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.request.json_object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ApiError(
            400, "JSON_PARSER_ERROR", "Cannot deserialize instance of list: records must be a JSON array"
        )
    if len(records) > _MAX_RECORDS:
        message = f"The number of records in the request, {len(records)}, exceeded {_MAX_RECORDS}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    return records, call.flag("allOrNone", body.get("allOrNone"))


def _typed(call: Call, records: list[dict[str, Any]]) -> list[SObject]:
    types = []
    for record in records:
        attributes = record.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        found = call.org.schema.sobject(name) if isinstance(name, str) else None
        if found is None or call.org.rights.denies(found.name, call.user_id, "read"):
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name or ''}' is not supported.")
        types.append(found)
    chunks = sum(1 for _ in groupby(types, key=lambda item: item.name))
    if chunks > _MAX_CHUNKS:
        message = (
            f"Cannot have more than {_MAX_CHUNKS} chunks in a single operation. Please rearrange the data."
        )
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    return types


def _result(outcome: Outcome, *, flagged: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = {"id": outcome.id} if outcome.id else {}
    result |= {"success": outcome.success, "errors": [error.as_result() for error in outcome.errors]}
    if flagged:
        result["created"] = outcome.created
    return result


def create_records(call: Call) -> Reply:
    """Create records of one or several objects."""
    records, all_or_none = _records(call)
    drafts = [
        call.draft(sobject, record, creating=True, path=("records", index))
        for index, (sobject, record) in enumerate(zip(_typed(call, records), records, strict=True))
    ]
    steps: list[SaveStep] = [lambda draft=draft: insert(call, draft) for draft in drafts]  # type: ignore[misc]
    return Reply(200, [_result(outcome) for outcome in save_all(call, steps, all_or_none=all_or_none)])


def update_records(call: Call) -> Reply:
    """Change records by their ids."""
    records, all_or_none = _records(call)
    types = _typed(call, records)
    drafts = [
        call.draft(sobject, record, creating=False, path=("records", index))
        for index, (sobject, record) in enumerate(zip(types, records, strict=True))
    ]
    repeated = _repeated([normalised(draft.sent_id) if draft.sent_id else None for draft in drafts])

    def step(index: int) -> Outcome:
        draft = drafts[index]
        if not draft.sent_id:
            return _failed(call, "MISSING_ARGUMENT", "Id not specified in an update call", "Id")
        record_id = normalised(draft.sent_id)
        if record_id is None:
            return _failed(call, "MALFORMED_ID", f"malformed id {draft.sent_id}", "Id")
        if record_id in repeated:
            return _failed(call, "DUPLICATE_VALUE", f"Duplicate id specified: {record_id}")
        if not record_id.startswith(draft.sobject.key_prefix):
            message = f"{draft.sobject.label} ID: id value of incorrect type: {draft.sent_id}"
            return _failed(call, "MALFORMED_ID", message, "Id")
        return update(call, draft, record_id)

    return Reply(
        200, [_result(outcome) for outcome in save_all(call, _steps(step, drafts), all_or_none=all_or_none)]
    )


def _steps(step: Callable[[int], Outcome], items: list[Any]) -> list[SaveStep]:
    return [lambda index=index: step(index) for index in range(len(items))]  # type: ignore[misc]


def _failed(call: Call, code: str, message: str, *fields: str) -> Outcome:
    call.counted.judged += 1
    return Outcome(errors=(RowError(code, message, fields),))


def _repeated(values: list[Any]) -> Repeated:
    seen: set[object] = set()
    return {value for value in values if value is not None and (value in seen or seen.add(value))}  # type: ignore[func-returns-value]


def upsert_records(call: Call) -> Reply:
    """Create or change records of one object by a key field."""
    sobject = call.sobject()
    key = sobject.field_named(call.args["field"])
    if key is None or not key.upsertable or key.name.lower() in call.hidden_fields(sobject):
        raise not_found(
            f"Provided external ID field does not exist or is not accessible: {call.args['field']}"
        )
    check_may_upsert(call, sobject, key)
    records, all_or_none = _records(call)
    if any(item is not sobject for item in _typed(call, records)):
        raise ApiError(400, "INVALID_TYPE", "All records of an upsert must be of the object in the address.")
    values = [_key_value(record, key) for record in records]
    folded = [_folded(value, key) for value in values]
    repeated = _repeated(folded)

    def step(index: int) -> Outcome:
        return _upsert_row(call, sobject, records[index], key=key, value=values[index], index=index)

    def guarded(index: int) -> Outcome:
        if folded[index] in repeated:
            return _failed(
                call, "DUPLICATE_VALUE", f"Duplicate external id specified: {values[index]}", key.name
            )
        return step(index)

    for index, record in enumerate(
        records
    ):  # what fails the whole request must fail it before any row is saved
        call.draft(sobject, record, creating=True, path=("records", index))
    outcomes = save_all(call, _steps(guarded, records), all_or_none=all_or_none)
    return Reply(200, [_result(outcome, flagged=True) for outcome in outcomes])


def _key_value(record: dict[str, Any], key: Field) -> object:
    return next((value for name, value in record.items() if name.lower() == key.name.lower()), None)


def _folded(value: object, key: Field) -> object:
    if not isinstance(value, str):
        return value
    value = value.strip()
    if key.type == "id":
        return normalised(value) or value
    return (value if key.case_sensitive else value.casefold()) or None


def _upsert_row(
    call: Call, sobject: SObject, record: dict[str, Any], *, key: Field, value: object, index: int
) -> Outcome:
    wanted = normalised(str(value)) if key.type == "id" and value is not None else value
    if isinstance(wanted, str):
        wanted = wanted.strip() or None
    if wanted is None and key.type != "id":
        return _failed(call, "MISSING_ARGUMENT", f"{key.name} not specified", key.name)
    matches = matching(call, sobject, key=key, value=wanted)
    draft = call.draft(sobject, record, creating=not matches, path=("records", index))
    call.counted.rows[sobject.name] -= 1
    if key.name in draft.forbidden and matches:
        draft.forbidden.remove(key.name)
    return upsert(call, draft, key=key, value=wanted)


def delete_records(call: Call) -> Reply:
    """Delete records named in the query string."""
    parameters = call.request.parameters()
    ids = [part.strip() for part in parameters.get("ids", "").split(",") if part.strip()]
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "The ids parameter is required.")
    if len(ids) > _MAX_RECORDS:
        message = f"The number of records in the request, {len(ids)}, exceeded {_MAX_RECORDS}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    all_or_none = call.flag("allOrNone", parameters.get("allOrNone"))

    def step(index: int) -> Outcome:
        record_id = normalised(ids[index])
        sobject = call.org.schema.by_prefix(record_id) if record_id else None
        if record_id is None or sobject is None:
            return _failed(call, "MALFORMED_ID", f"malformed id {ids[index]}", "Id")
        call.counted.rows[sobject.name] = call.counted.rows.get(sobject.name, 0) + 1
        return delete(call, sobject, record_id)

    return Reply(
        200, [_result(outcome) for outcome in save_all(call, _steps(step, ids), all_or_none=all_or_none)]
    )


def retrieve_by_address(call: Call) -> Reply:
    """Answer records of one object by ids and fields in the query string."""
    parameters = call.request.parameters()
    ids = [part.strip() for part in parameters.get("ids", "").split(",") if part.strip()]
    names = [part.strip() for part in parameters.get("fields", "").split(",") if part.strip()]
    return _retrieve(call, ids, names)


def retrieve_by_body(call: Call) -> Reply:
    """Answer records of one object by ids and fields in the body."""
    body = call.request.json_object()
    ids, names = body.get("ids"), body.get("fields")
    if not isinstance(ids, list) or not isinstance(names, list):
        raise ApiError(400, "JSON_PARSER_ERROR", "ids and fields must be JSON arrays")
    return _retrieve(call, [str(part) for part in ids], [str(name) for name in names])


def _retrieve(call: Call, ids: list[str], names: list[str]) -> Reply:
    sobject = call.sobject()
    if not ids or not names:
        raise ApiError(400, "MISSING_ARGUMENT", "Both ids and fields are required.")
    if len(ids) > _MAX_RETRIEVED:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of ids, {len(ids)}, exceeded {_MAX_RETRIEVED}")
    fields = call.visible_fields(sobject, names)
    with call.org.storage.lock:
        rows = [call.org.storage.get(sobject.name, normalised(part) or "") for part in ids]
    found = [
        render_record(fields, row, url=call.record_url(sobject.name, row["Id"]), sobject=sobject.name)
        if row and not row.get("IsDeleted")
        else None
        for row in rows
    ]
    return Reply(200, found)

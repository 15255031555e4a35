"""Single records: create, read, change, delete, by id or by an external id.

Row errors become HTTP 400 here. Answers to upserts depend on the API version.
Source: REST API Developer Guide, sObject Rows and sObject Rows by External ID [D]; bodies recorded [R].
"""

from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, UncoercibleError, entity_is_deleted, from_rows, not_found
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rest.conditions import check_preconditions, is_not_modified, record_headers
from sfsync.emulator.rules.batch import check_may_upsert, matching
from sfsync.emulator.rules.deleting import delete
from sfsync.emulator.rules.saving import Outcome, insert, update
from sfsync.emulator.rules.values import coerce, render_record
from sfsync.emulator.switches import DeletedRecordWrite, LockStatus
from sfsync.emulator.wire.messages import Reply

_CREATED_FLAG_SINCE: Final = 46.0


def create_record(call: Call) -> Reply:
    """Create a record."""
    sobject = call.sobject()
    draft = call.draft(sobject, call.request.json_object(), creating=True)
    with call.work.unit() as unit:
        outcome = insert(call, draft)
        if not outcome.success:
            unit.undo()
    return _created(call, sobject, outcome)


def _created(call: Call, sobject: SObject, outcome: Outcome) -> Reply:
    if outcome.id is None:
        raise _refusal(call, outcome)
    call.touch(sobject.name, outcome.id)
    body = {"id": outcome.id, "success": True, "errors": []}
    return Reply(201, body, headers={"Location": call.record_url(sobject.name, outcome.id)})


def _refusal(call: Call, outcome: Outcome) -> ApiError:
    code = outcome.errors[0].code
    if code == "UNABLE_TO_LOCK_ROW" and call.org.switches.lock_status is LockStatus.SERVER_ERROR:
        return from_rows(outcome.errors, status=500)
    return from_rows(outcome.errors)


def _row_of(call: Call, sobject: SObject, given: str) -> Row:
    record_id = normalised(given)
    if record_id is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {given}")
    row = call.org.storage.get(sobject.name, record_id)
    if row is None:
        raise not_found()
    return row


def _living_row(call: Call, sobject: SObject, given: str) -> Row:
    row = _row_of(call, sobject, given)
    if not row.get("IsDeleted"):
        return row
    answer = call.org.switches.deleted_record_write
    if answer is DeletedRecordWrite.NOT_FOUND_404:
        raise not_found()
    error = entity_is_deleted()
    error.status = 400 if answer is DeletedRecordWrite.ENTITY_IS_DELETED_400 else 404
    raise error


def read_record(call: Call) -> Reply:
    """Answer a record by its id."""
    sobject = call.sobject()
    with call.org.storage.lock:
        return _read(call, sobject, _row_of(call, sobject, call.args["id"]))


def _read(call: Call, sobject: SObject, row: Row) -> Reply:
    if row.get("IsDeleted"):
        raise not_found()
    if is_not_modified(call, sobject.name, row):
        return Reply(304, headers=record_headers(sobject.name, row))
    check_preconditions(call, sobject.name, row)
    call.touch(sobject.name, row["Id"])
    wanted = call.request.parameters().get("fields")
    names = [name.strip() for name in wanted.split(",") if name.strip()] if wanted else None
    url = call.record_url(sobject.name, row["Id"])
    body = render_record(call.visible_fields(sobject, names), row, url=url, sobject=sobject.name)
    return Reply(200, body, headers=record_headers(sobject.name, row))


def update_record(call: Call) -> Reply:
    """Change a record by its id."""
    sobject = call.sobject()
    body = call.request.json_object()
    if any(name.lower() == "id" for name in body):
        raise ApiError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    draft = call.draft(sobject, body, creating=False)
    with call.work.unit() as unit:
        row = _living_row(call, sobject, call.args["id"])
        check_preconditions(call, sobject.name, row)
        outcome = update(call, draft, row["Id"])
        if not outcome.success:
            unit.undo()
    if not outcome.success:
        raise _refusal(call, outcome)
    call.touch(sobject.name, row["Id"])
    return Reply(204)


def delete_record(call: Call) -> Reply:
    """Delete a record by its id."""
    sobject = call.sobject()
    with call.work.unit() as unit:
        row = _living_row(call, sobject, call.args["id"])
        outcome = delete(call, sobject, row["Id"])
        if not outcome.success:
            unit.undo()
    if not outcome.success:
        raise _refusal(call, outcome)
    return Reply(204)


def _key_field(call: Call, sobject: SObject) -> Field:
    name = call.args["field"]
    field = sobject.field_named(name)
    if field is None or not field.upsertable or field.name.lower() in call.hidden_fields(sobject):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def _key_matches(call: Call, sobject: SObject, field: Field) -> tuple[list[str], object]:
    text = call.args["value"]
    try:
        value: object = normalised(text) if field.type == "id" else coerce(field, text)
    except UncoercibleError:
        raise not_found() from None
    if value is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {text}")
    return matching(call, sobject, key=field, value=value), value


def _several(call: Call, sobject: SObject, matches: list[str]) -> Reply:
    return Reply(300, [call.record_url(sobject.name, match) for match in matches])


def read_by_key(call: Call) -> Reply:
    """Answer a record by an external id."""
    sobject = call.sobject()
    field = _key_field(call, sobject)
    with call.org.storage.lock:
        matches, _ = _key_matches(call, sobject, field)
        if len(matches) > 1:
            return _several(call, sobject, matches)
        if not matches:
            raise not_found()
        return _read(call, sobject, _row_of(call, sobject, matches[0]))


def upsert_record(call: Call) -> Reply:
    """Create or change a record by an external id."""
    sobject = call.sobject()
    field = _key_field(call, sobject)
    check_may_upsert(call, sobject, field)
    body = call.request.json_object()
    for name in body:
        if name.lower() in {"id", field.name.lower()}:
            raise ApiError(
                400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data."
            )
    update_only = call.flag("updateOnly", call.request.parameters().get("updateOnly"))
    with call.work.unit() as unit:
        matches, value = _key_matches(call, sobject, field)
        if len(matches) > 1:
            return _several(call, sobject, matches)
        if not matches and (update_only or field.type == "id"):
            raise not_found()
        draft = call.draft(sobject, body, creating=not matches)
        if matches:
            check_preconditions(call, sobject.name, _row_of(call, sobject, matches[0]))
            outcome = update(call, draft, matches[0])
        else:
            draft.values[field.name] = value
            outcome = insert(call, draft)
        if not outcome.success:
            unit.undo()
    return _upserted(call, sobject, outcome)


def _upserted(call: Call, sobject: SObject, outcome: Outcome) -> Reply:
    if outcome.id is None:
        raise _refusal(call, outcome)
    flagged = float(call.version) >= _CREATED_FLAG_SINCE
    if not outcome.created and not flagged:
        return Reply(204)
    body: dict[str, object] = {"id": outcome.id, "success": True, "errors": []}
    if flagged:
        body["created"] = outcome.created
    headers = {"Location": call.record_url(sobject.name, outcome.id)} if outcome.created else {}
    return Reply(201 if outcome.created else 200, body, headers=headers)


def delete_by_key(call: Call) -> Reply:
    """Delete a record by an external id."""
    sobject = call.sobject()
    field = _key_field(call, sobject)
    with call.work.unit() as unit:
        matches, _ = _key_matches(call, sobject, field)
        if len(matches) > 1:
            return _several(call, sobject, matches)
        if not matches:
            raise not_found()
        outcome = delete(call, sobject, matches[0])
        if not outcome.success:
            unit.undo()
    if not outcome.success:
        raise _refusal(call, outcome)
    return Reply(204)

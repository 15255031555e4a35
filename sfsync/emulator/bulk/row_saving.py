"""Saves the rows of one chunk by the same rules as every other write, and says what became of each.

A chunk of 200 rows is one transaction with partial success. A key that stands twice in a chunk fails its
rows; in different chunks the second row meets the first one's record.
Source: Bulk API 2.0 Guide, How Requests Are Processed and Get Job Failed Record Results [D]; the form of
sf__Error recorded [R]; repeated keys: SOAP API Developer Guide, upsert() [D].
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.emulator.bulk.columns import ColumnPlan
from sfsync.emulator.bulk.csv_reading import Cells
from sfsync.emulator.bulk.jobs import JobFailedError, JobRequest, RowResult
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, RowError, RowRefusedError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.batch import SaveStep, matching, save_all, upsert
from sfsync.emulator.rules.deleting import delete
from sfsync.emulator.rules.saving import Outcome, insert, update

CHUNK_ROWS: Final = 200
_ID_IN_FAILURES_SINCE: Final = 53.0
_BLANKS: Final = " \t\r\n"


@dataclass(slots=True)
class RowSaver:
    """Saves rows of one file for one job; a row is judged under its place in the file."""

    call: Call
    plan: ColumnPlan
    operation: str
    known_id: str = ""

    def save(self, rows: Sequence[Cells], *, first: int) -> list[RowResult]:
        """Save the rows of a chunk as one unit of work; `first` is the place of its first row."""
        repeated = self._repeated(rows)
        known_ids = [""] * len(rows)

        def step(index: int) -> Outcome:
            self.call.counted.judged = first + index
            self.known_id = ""
            try:
                return self._saved(rows[index], repeated)
            except RowRefusedError as refused:
                return Outcome(errors=(refused.error,))
            finally:
                known_ids[index] = self.known_id

        steps: list[SaveStep] = [lambda index=index: step(index) for index in range(len(rows))]  # type: ignore[misc]
        try:
            outcomes = save_all(self.call, steps, all_or_none=False)
        except ApiError as refused:
            error = RowError(refused.body[0]["errorCode"], refused.body[0]["message"])
            outcomes = [Outcome(errors=(error,))] * len(rows)
        return [self._result(outcome, known) for outcome, known in zip(outcomes, known_ids, strict=True)]

    def _saved(self, cells: Cells, repeated: set[str]) -> Outcome:
        if repeated and self._folded(cells) in repeated:
            what = "id" if self.operation == "update" else "external id"
            raise RowRefusedError(
                "DUPLICATE_VALUE", f"Duplicate {what} specified: {self.plan.key_text(cells)}"
            )
        return _STEPS[self.operation](self, cells)

    def _result(self, outcome: Outcome, known_id: str) -> RowResult:
        if outcome.id is not None:
            return RowResult(outcome.id, outcome.created)
        shown = known_id if float(self.call.version) >= _ID_IN_FAILURES_SINCE else ""
        return RowResult(shown, error=";".join(map(error_text, outcome.errors)))

    def _folded(self, cells: Cells) -> str | None:
        key = self.plan.key
        if key is None:
            return None
        text = self.plan.key_text(cells).strip(_BLANKS)
        if key.type == "id":
            return normalised(text) or text or None
        return (text if key.case_sensitive else text.casefold()) or None

    def _repeated(self, rows: Sequence[Cells]) -> set[str]:
        if self.plan.key is None or self.operation not in {"update", "upsert"}:
            return set()
        counts = Counter(map(self._folded, rows))
        return {key for key, count in counts.items() if key is not None and count > 1}


def _insert(saver: RowSaver, cells: Cells) -> Outcome:
    return insert(saver.call, saver.plan.draft(cells, creating=True))


def _update(saver: RowSaver, cells: Cells) -> Outcome:
    record_id = _record_id(saver, cells)
    return update(saver.call, saver.plan.draft(cells, creating=False), record_id)


def _upsert(saver: RowSaver, cells: Cells) -> Outcome:
    key = saver.plan.key
    assert key is not None
    text = saver.plan.key_text(cells).strip(_BLANKS)
    value = normalised(text) or text if key.type == "id" else text
    if not value and key.type != "id":
        raise RowRefusedError("MISSING_ARGUMENT", f"{key.name} not specified", key.name)
    matches = matching(saver.call, saver.plan.sobject, key=key, value=value or None)
    saver.known_id = matches[0] if len(matches) == 1 else ""
    draft = saver.plan.draft(cells, creating=not matches)
    if draft.sent_id and key.type != "id":
        message = f"cannot specify both an external ID reference {key.name} and a salesforce id, Id"
        raise RowRefusedError("INVALID_FIELD", message, "Id")
    if matches and key.name in draft.forbidden:
        draft.forbidden.remove(key.name)
    return upsert(saver.call, draft, key=key, value=value or None)


def _delete(saver: RowSaver, cells: Cells) -> Outcome:
    return delete(saver.call, saver.plan.sobject, _record_id(saver, cells))


def _hard_delete(saver: RowSaver, cells: Cells) -> Outcome:
    outcome = _delete(saver, cells)
    if outcome.success:
        _purge(saver.call, saver.plan.sobject, saver.known_id)
    return outcome


def _record_id(saver: RowSaver, cells: Cells) -> str:
    text = saver.plan.key_text(cells)
    if not text:
        raise RowRefusedError("MISSING_ARGUMENT", f"Id not specified in an {saver.operation} call", "Id")
    record_id = normalised(text)
    if record_id is None:
        raise RowRefusedError("MALFORMED_ID", f"malformed id {text}", "Id")
    if not record_id.startswith(saver.plan.sobject.key_prefix):
        message = f"{saver.plan.sobject.label} ID: id value of incorrect type: {text}"
        raise RowRefusedError("MALFORMED_ID", message, "Id")
    saver.known_id = record_id
    return record_id


_STEPS: Final = {
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "hardDelete": _hard_delete,
}
OPERATIONS: Final = tuple(_STEPS)


def saver_for(call: Call, request: JobRequest, header: Sequence[str]) -> RowSaver:
    """Return what saves the rows under a header.

    Raises: JobFailedError when the columns do not fit the object or the operation.
    """
    sobject = call.org.schema[request.object]
    if request.operation in {"delete", "hardDelete"} and [name.lower() for name in header] != ["id"]:
        raise JobFailedError("InvalidBatch : A delete must contain only ids")
    return RowSaver(call, ColumnPlan(call, sobject, header, key=_key(sobject, request)), request.operation)


def _key(sobject: SObject, request: JobRequest) -> Field | None:
    if request.operation == "insert":
        return None
    name = request.external_id_field if request.operation == "upsert" else None
    return sobject.field_named(name or "Id")


def error_text(error: RowError) -> str:
    """Return a row error as sf__Error shows it: `CODE:message:FIELD1,FIELD2 --`."""
    fields = ",".join(error.fields)
    return f"{error.code}:{error.message}:{fields}{' ' if fields else ''}--"


def _purge(call: Call, sobject: SObject, record_id: str) -> None:
    """Take a deleted record, and the children that went with it, out of the recycle bin."""
    storage = call.org.storage
    for child in sobject.children:
        shape = call.org.schema[child.child]
        if child.cascade_delete and shape.has_recycle_bin:
            for dependent in storage.select(
                child.child, f'"{child.field}" = ? AND "IsDeleted" = 1', record_id
            ):
                _purge(call, shape, dependent["Id"])
    storage.remove(sobject.name, record_id)

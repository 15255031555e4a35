"""What a plan says of rows that meet the org and cannot go as they are: the words, the codes, and what to do.

The planner decides which row has which problem; here is only how it is told.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from sfsync.core.job import FieldPolicy, Job
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.values import PlannedValue, Value, clipped, shown
from sfsync.core.wording import typed
from sfsync.engine.planning.reading import CheckedRow


def unclear_match(row: CheckedRow, records: list[Record]) -> Problem:
    """The org has the row's key more than once, or in another spelling."""
    ids = ", ".join(str(each["Id"]) for each in records)
    if len(records) > 1:
        message, code = f'{len(records)} records have the key "{row.key}": {ids}', "SEVERAL_MATCHES"
    else:
        message, code = f"the org has this key in another spelling: {ids}", "KEY_SPELLING"
    return Problem(
        code, Stage.MATCH, message, "Correct the key in the file or in the org.", row=row.ref, value=row.key
    )


def already_there(row: CheckedRow) -> Problem:
    """The record is there, and the job only inserts."""
    message = f'the record "{row.key}" is in the org already, and this job only inserts'
    hint = 'Nothing has to be done; mode = "upsert" in the job would update it.'
    return Problem("ALREADY_THERE", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def not_there(row: CheckedRow) -> Problem:
    """The record is not there, and the job only updates."""
    message = f'there is no record "{row.key}" in the org, and this job only updates'
    hint = 'Correct the key, or let the job create it: mode = "upsert".'
    return Problem("NOT_THERE", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def moved(
    row: CheckedRow, names: Iterable[str], there: Mapping[str, Value], wanted: Mapping[str, PlannedValue]
) -> Problem:
    """Somebody changed the record since the last run; both values are told, the org's first."""
    told = [f"{each} (now {_told(there.get(each))}, in this row {_told(wanted.get(each))})" for each in names]
    was = "was" if len(told) == 1 else "were"
    message = f"{' and '.join(told)} {was} changed in the org since the last run"
    hint = "Take the org's value over into the source, or change it back in the org; nothing was touched."
    return Problem("CHANGED_IN_ORG", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def _told(value: PlannedValue) -> str:
    return clipped(shown(value))


def kept_note(section: str, name: str, policy: FieldPolicy, *, count: int) -> Problem:
    """Values that stay as the org has them, by a field's policy."""
    stay = "value of {} stays as the org has it" if count == 1 else "values of {} stay as the org has them"
    message = f"{section}: {count:,} {stay.format(name)}, by its policy {policy.value}"
    return Problem("KEPT_BY_POLICY", Stage.PLAN, message, field=name)


def unsettled(row: CheckedRow, job: Job, key_field: str | None) -> Problem:
    """An earlier run sent the row without a key, and nobody can say what became of it."""
    message = "an earlier run sent this row and never learned whether it was saved"
    name, org = typed(job.file or job.name, job.org)
    key = shlex.quote(row.key)
    found = (
        f"write the key into its {key_field}" if key_field else f"sfsync adopt {name} {key} RECORD_ID{org}"
    )
    hint = (
        f"Look for the record in the org. If it is there: {found}; if not, let it be sent again:"
        f" sfsync state forget {name} {key}{org}"
    )
    return Problem("UNSETTLED", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def lacks_key(row: CheckedRow, entry: LedgerEntry, key_field: str) -> Problem:
    """The row's record is known to the journal alone, from when the rows had no key in the org."""
    message = f"this job brought the row to the org as {entry.record_id} when its rows had no key there"
    hint = f"Write the key into {key_field} of that record, or take the row out of the source."
    return Problem("KEY_NOT_IN_ORG", Stage.PLAN, message, hint, row=row.ref, field=key_field, value=row.key)


def gone(row: CheckedRow, entry: LedgerEntry, deleted: Record | None, *, is_there: bool) -> Problem:
    """The record that the row became is in the org no more, or has another key; `deleted` is what is left of it."""
    if is_there:
        what = "its key was changed there"
        hint = "Write the key into the record again, or take the row out of the source."
    elif deleted is not None:
        what = f"{_deletion(deleted)}; it is in the recycle bin"
        hint = 'Undelete it, or take the row out of the source; deleted = "recreate" creates such rows again, once.'
    else:
        what = "it was deleted, and the recycle bin has it no more"
        hint = 'Take the row out of the source; deleted = "recreate" creates such rows again, once.'
    message = f"this job brought the row to the org as {entry.record_id}; {what}"
    return Problem("GONE_FROM_ORG", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def _deletion(deleted: Record) -> str:
    user = deleted.get("LastModifiedBy")
    name = user.get("Name") if isinstance(user, Mapping) else None
    by = f" by {name}" if name else ""
    return f"it was deleted{by} at {deleted.get('LastModifiedDate')}"


def recreated_before(row: CheckedRow, entry: LedgerEntry, at: str) -> Problem:
    """The record was created again once already, and is gone again."""
    message = f"the record was created again at {at}, as {entry.record_id}, and was deleted again"
    hint = "Somebody means it: take the row out of the source, or undelete the record."
    return Problem("GONE_FROM_ORG", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def merged_away(row: CheckedRow, entry: LedgerEntry, master: str) -> Problem:
    """The record was merged into another, and the job does not follow merges."""
    message = f"this job brought the row to the org as {entry.record_id}, which was merged into {master}"
    hint = 'Say merged = "follow" to let the row be that record, or take the row out of the source.'
    return Problem("MERGED_IN_ORG", Stage.PLAN, message, hint, row=row.ref, value=row.key)


def two_rows(row: CheckedRow, entry: LedgerEntry, master: str, key: str) -> Problem:
    """The record was merged into one that another row is."""
    whose = f'which has the key "{key}"' if key else "which is another row's record too"
    message = (
        f"this job brought the row to the org as {entry.record_id}, which was merged into {master}, {whose}"
    )
    hint = "Two rows cannot be one record: take one of them out of the source."
    return Problem("MERGED_ROWS", Stage.PLAN, message, hint, row=row.ref, value=row.key)

"""Keeps the journal's memory of a job's rows: which it brought, and what became of those that vanished.

Written once what a run did is known, also by the run that takes over after one that was cut off; saying it twice
changes nothing. A deal that was closed because its row vanished is remembered with the stage that it has now, so
that a row that comes back is compared with what this job wrote; one that was deleted is forgotten but for that, so
that such a row is created anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.deals.gone import Fate, VanishedRow
from sfsync.core.diff import STAGE_DEPENDENTS, held
from sfsync.core.job_memory import DELETED, JobRow
from sfsync.core.ports import LedgerEntry, Lookup, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import MODIFIED, full_id
from sfsync.core.reports.results import Outcome
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.engine.applying.run_state import RunState

CREATED: Final = "created"
MERGED: Final = "merged"
GONE: Final = "gone"

_STAGE_FIELDS: Final = ("StageName", *STAGE_DEPENDENTS)


@dataclass(frozen=True, slots=True)
class Brought:
    """A row that is in the org now, as which record, and whether this run created it.

    `is_vanished` says that the source has it no more: its deal was opened again by an undo.
    """

    sobject: str
    key: str
    record_id: str
    is_new: bool
    is_vanished: bool = False


def remember_rows(state: RunState, rows: Iterable[Brought], there: Mapping[str, Record]) -> None:
    """Notes whose the rows are; `there` are the records that were read back, by id."""
    by_sobject: dict[str, list[Brought]] = {}
    for each in rows:
        if each.sobject != CONTACT_ROLE:
            by_sobject.setdefault(each.sobject, []).append(each)
    memory, org_id, job = state.journal.memory, state.plan.org.org_id, state.plan.job
    for sobject, brought in by_sobject.items():
        known = memory.rows(org_id, job, sobject, [each.key for each in brought])
        now = [_row(state, each, known.get(each.key), there.get(each.record_id)) for each in brought]
        memory.put_rows(org_id, job, [each for each in now if known.get(each.key) != each])


def _row(state: RunState, brought: Brought, known: JobRow | None, record: Record | None) -> JobRow:
    same = known if known is not None and known.record_id == brought.record_id else None
    is_recreated = known is not None and same is None and brought.is_new
    origin = CREATED if brought.is_new else (same.origin if same else None)
    return JobRow(
        sobject=brought.sobject,
        key=brought.key,
        record_id=brought.record_id,
        key_field=state.plan.key_fields.get(brought.sobject, ""),
        origin=origin,
        modified_at=str(record[MODIFIED]) if record is not None else (same.modified_at if same else None),
        recreated_at=state.now() if is_recreated else (known.recreated_at if known else None),
        fate=same.fate if brought.is_vanished and same else None,
    )


def remember_gone(state: RunState) -> None:
    """Notes what became of vanished rows and of rows whose record was merged."""
    _remember_followed(state)
    _remember_closed(state)
    for sobject in {each.sobject for each in state.plan.gone.vanished}:
        _remember_vanished(state, [each for each in state.plan.gone.vanished if each.sobject == sobject])


def _outcome(state: RunState, change_id: str) -> Outcome | None:
    result = state.results.get(change_id)
    return result.outcome if result is not None else None


def _remember_vanished(state: RunState, vanished: list[VanishedRow]) -> None:
    memory, org_id, job = state.journal.memory, state.plan.org.org_id, state.plan.job
    sobject = vanished[0].sobject
    known = memory.rows(org_id, job, sobject, [each.key for each in vanished])
    deleted = [each for each in vanished if _outcome(state, each.change_id) is Outcome.DELETED]
    if deleted:
        rows = [known[each.key] for each in deleted if each.key in known]
        memory.put_rows(org_id, job, [replace(each, fate=DELETED) for each in rows])
        state.journal.drop_ledger(org_id, sobject, [each.record_id for each in deleted])
    changed = []
    for each in vanished:
        row = known.get(each.key)
        if row is None or each in deleted or row.record_id != each.record_id:
            continue
        is_closed = each.fate is Fate.CLOSED or _outcome(state, each.change_id) is Outcome.UPDATED
        fate = Fate.CLOSED.value if is_closed else row.fate or GONE
        changed += [replace(row, fate=fate)] if fate != row.fate else []
    memory.put_rows(org_id, job, changed)


def _remember_closed(state: RunState) -> None:
    """Makes what the org holds of the stage after closing the base of the next comparison."""
    closed = [each for each in state.plan.gone.vanished if _outcome(state, each.change_id) is Outcome.UPDATED]
    if not closed:
        return
    org_id, key_field = state.plan.org.org_id, state.plan.key_fields.get(OPPORTUNITY)
    names = [ledger_key(state.plan.job, each.key, key_field=key_field) for each in closed]
    entries = state.journal.ledger(org_id, OPPORTUNITY, names)
    ids = tuple(each.record_id for each in closed)
    [records] = state.gateway.fetch([Lookup(OPPORTUNITY, ("Id", *_STAGE_FIELDS), "Id", ids)])
    by_id = {full_id(each): each for each in records}
    there = [each for each in entries.values() if each.record_id in by_id]
    state.journal.put_ledger(org_id, [_with_stage(state, each, by_id[each.record_id]) for each in there])


def _with_stage(state: RunState, entry: LedgerEntry, record: Record) -> LedgerEntry:
    describe = state.gateway.describe(OPPORTUNITY)
    now = held(describe, record, {name: None for name in _STAGE_FIELDS if name in entry.seen})
    now |= held(describe, record, {"StageName": None})
    return replace(entry, sent={**entry.sent, "StageName": now["StageName"]}, seen={**entry.seen, **now})


def _remember_followed(state: RunState) -> None:
    """Leads rows to the records that theirs were merged into; what the row wanted then is not sent again."""
    done = [
        each
        for each in state.plan.gone.followed
        if _outcome(state, each.change_id) in (None, Outcome.UPDATED, Outcome.UNCHANGED)
        and (each.change_id in state.results or not state.by_id[each.change_id].values)
    ]
    plan, memory = state.plan, state.journal.memory
    for each in done:
        key_field = plan.key_fields.get(each.sobject)
        name = ledger_key(plan.job, each.key, key_field=key_field)
        entry = LedgerEntry(each.sobject, name, each.record_id, each.sent, each.seen)
        state.journal.put_ledger(plan.org.org_id, [entry])
        known = memory.rows(plan.org.org_id, plan.job, each.sobject, [each.key]).get(each.key)
        recreated_at = known.recreated_at if known else None
        row = JobRow(
            each.sobject, each.key, each.record_id, key_field or "", MERGED, recreated_at=recreated_at
        )
        memory.put_rows(plan.org.org_id, plan.job, [row])

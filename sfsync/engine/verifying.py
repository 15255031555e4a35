"""Reads back what was written, remembers it, and names what the org holds otherwise than it was sent.

What the org holds after a write is the base of the next run's comparison: the platform trims text, derives
fields and runs automation, and none of that may look like a salesperson's edit tomorrow.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.describe import SObjectDescribe
from sfsync.core.diff import held
from sfsync.core.keys import ledger_key
from sfsync.core.plan import Action, Change
from sfsync.core.ports import LedgerEntry, Lookup, Record
from sfsync.core.results import Outcome, Problem, Stage
from sfsync.core.roles import role_key
from sfsync.core.sobject import CONTACT_ROLE, WRITE_ORDER
from sfsync.core.values import Pending, Value, is_same, shown
from sfsync.engine.run_state import RunState, resolved

_AUDIT: Final = ("Id", "CreatedById", "LastModifiedById")


@dataclass(frozen=True, slots=True)
class _Done:
    change: Change
    record_id: str
    desired: dict[str, Value]
    is_written: bool


def verify(state: RunState) -> list[Problem]:
    """Reads every written record back, updates the ledger, and returns notes on what differs."""
    done = [each for change in state.plan.changes if (each := _done(state, change)) is not None]
    written = [each for each in done if each.is_written]
    there = _read_back(state, written)
    notes = [
        note
        for each in written
        if each.record_id in there
        for note in _differences(state, each, there[each.record_id])
    ]
    entries = [_entry(state, each, there.get(each.record_id)) for each in done]
    if entries:
        state.journal.put_ledger(state.plan.org.org_id, entries)
    return notes


def remember(state: RunState, change_ids: Container[str]) -> None:
    """Updates the ledger with what a run wrote that ended early, before another run of the job is planned.

    Without it the next plan would take the run's own values for somebody's edits. There was time for real edits,
    though: a value that the org holds otherwise than it was written counts as one, unless nobody but the user that
    created the record has touched it.
    """
    changes = [each for each in state.plan.changes if each.change_id in change_ids]
    done = [each for change in changes if (each := _done(state, change)) is not None and each.is_written]
    there = _read_back(state, done, _AUDIT)
    entries = [_late_entry(state, each, there[each.record_id]) for each in done if each.record_id in there]
    if entries:
        state.journal.put_ledger(state.plan.org.org_id, entries)


def _late_entry(state: RunState, done: _Done, record: Record) -> LedgerEntry:
    is_ours = done.change.action is Action.CREATE and record["LastModifiedById"] == record["CreatedById"]
    entry = _entry(state, done, record)
    if is_ours:
        return entry
    describe = state.gateway.describe(done.change.sobject)
    seen = {
        name: now if _is_as_wanted(describe, name, done.desired[name], now) else done.desired[name]
        for name, now in entry.seen.items()
    }
    return replace(entry, seen=seen)


def _done(state: RunState, change: Change) -> _Done | None:
    """A change whose row is in the org: written by this run, or met there for the first time."""
    result = state.results.get(change.change_id)
    is_written = result is not None and result.outcome in (Outcome.CREATED, Outcome.UPDATED)
    is_met = result is None and change.action is Action.NOOP and change.adopted
    is_adopted = result is not None and result.outcome is Outcome.UNCHANGED
    record_id = (result.record_id if result else None) or change.record_id
    if change.row is None or record_id is None or not (is_written or is_met or is_adopted):
        return None
    ids = state.ids
    desired: dict[str, Value] = {}
    for name, value in change.desired.items():
        known = resolved(value, ids)
        if not isinstance(known, Pending):
            desired[name] = known
    return _Done(change, record_id, desired, is_written)


def _read_back(
    state: RunState, written: Iterable[_Done], audit: tuple[str, ...] = ("Id",)
) -> dict[str, Record]:
    lookups = []
    for sobject in WRITE_ORDER:
        of_sobject = [each for each in written if each.change.sobject == sobject]
        names = dict.fromkeys(name for each in of_sobject for name in each.desired)
        if of_sobject:
            ids = tuple(each.record_id for each in of_sobject)
            lookups.append(Lookup(sobject, tuple(dict.fromkeys((*audit, *names))), "Id", ids))
    if not lookups:
        return {}
    return {str(record["Id"]): record for records in state.gateway.fetch(lookups) for record in records}


def _differences(state: RunState, done: _Done, record: Record) -> Iterable[Problem]:
    describe = state.gateway.describe(done.change.sobject)
    now = held(describe, record, done.desired)
    for name, wanted in done.desired.items():
        if not _is_as_wanted(describe, name, wanted, now[name]):
            yield Problem(
                code="NOT_AS_WRITTEN",
                stage=Stage.ORG,
                message=f"{done.change.label}: {name} is {shown(now[name])} in the org, not {shown(wanted)}",
                hint="The platform or an automation of the org changed it; it is not sent again.",
                row=done.change.row,
                field=name,
            )


def _is_as_wanted(describe: SObjectDescribe, name: str, wanted: Value, now: Value) -> bool:
    field = describe.field(name)
    scale = field.scale if field and field.type in ("currency", "double", "percent") else None
    return is_same(wanted, now, scale=scale)


def _entry(state: RunState, done: _Done, record: Record | None) -> LedgerEntry:
    seen = done.desired
    if record is not None:
        seen = held(state.gateway.describe(done.change.sobject), record, done.desired)
    return LedgerEntry(done.change.sobject, _ledger_key(state, done), done.record_id, done.desired, seen)


def _ledger_key(state: RunState, done: _Done) -> str:
    sobject, plan = done.change.sobject, state.plan
    if sobject != CONTACT_ROLE:
        return ledger_key(plan.job, done.change.key, key_field=plan.key_fields.get(sobject))
    role = done.desired.get("Role")
    deal, contact = str(done.desired.get("OpportunityId")), str(done.desired.get("ContactId"))
    return role_key(deal, contact, role if isinstance(role, str) else None)

"""Reads back what was written, remembers it, and names what the org holds otherwise than it was sent.

What the org holds after a write is the base of the next run's comparison: the platform trims text, derives
fields and runs automation, and none of that may look like a salesperson's edit tomorrow. Nor may an edit that was
made before the reading look like the platform's doing: where somebody else has modified a new record by then, or
a run is read back late, by the run that takes it over, what was sent is the base. Fields that this run says
nothing of keep the memory that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.contact_roles.roles import role_key
from sfsync.core.deals.reopening import is_of_closing
from sfsync.core.deals.second_writes import lost, may_lose, second_id
from sfsync.core.diff import held
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import NEW, Action, Change
from sfsync.core.ports import LedgerEntry, Lookup, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.reports.results import Outcome, Problem
from sfsync.core.resync.org_changes import MODSTAMP
from sfsync.core.sobject import CONTACT_ROLE, WRITE_ORDER
from sfsync.core.values import Value, is_same
from sfsync.engine.applying.job_rows import Brought, remember_rows
from sfsync.engine.applying.read_back.auditing import ReadBack, audit_of, audited_fields, user_of
from sfsync.engine.applying.read_back.differing import differences
from sfsync.engine.applying.read_back.done_rows import Done, completed, wanted
from sfsync.engine.applying.read_back.moved_along import (
    entries_of_flags,
    flags_of_no_row,
    followed,
    may_move,
    moved_flags,
)
from sfsync.engine.applying.read_back.reading_by_job import read_by_job
from sfsync.engine.applying.read_back.renamed_roles import entries_of_renamed
from sfsync.engine.applying.read_back.settled_roles import with_flags_settled
from sfsync.engine.applying.run_state import Reading, RunState

AUDIT: Final = ("CreatedById", "LastModifiedById", "LastModifiedDate", MODSTAMP)

ROWS_PER_READ: Final = 10_000
"""Records that are read back at a time; a signal is heeded in between."""


Revise = Callable[
    [RunState, Sequence[Change], Mapping[str, Record]], tuple[Mapping[str, Record], list[Problem]]
]
"""What is done about written changes when their records have been read, and the records as they are then."""


def verify(
    state: RunState, *, among: Collection[str] | None = None, revise: Revise | None = None
) -> list[Problem]:
    """Reads every written record back, updates the ledger, and returns notes on what differs.

    With `among`, only written ones of these changes, late: what an earlier run did not live to read back. With
    `revise`, what the org did not take as it was sent may be put right before anything is remembered.
    """
    done = completed([each for change in state.plan.changes if (each := _done(state, change)) is not None])
    if among is not None:
        done = [each for each in done if each.is_written and not each.names.isdisjoint(among)]
    is_late = among is not None
    is_audited = state.plan.is_audited and not is_late
    known, moving = _known(state, done), moved_flags(state)
    done = [_with_moved(state, each, known.get(each.change.change_id), moving) for each in done]
    written = [each for each in done if each.is_written]
    read_at = state.ahead.read_at if state.ahead is not None else state.gateway.server_time
    flags = flags_of_no_row(state, among)
    there = _read_back(state, [each for each in done if each.is_read], flags, is_audited=is_audited)
    there, notes = revise(state, [each.change for each in written], there) if revise else (there, [])
    rows = [
        ReadBack(each.change, each.record_id, each.desired, there.get(each.record_id), each.completed_by)
        for each in written
    ]
    if is_audited:
        state.audit = audit_of(state, rows)
    now = _now(state, written, there)
    notes += [
        note
        for each in written
        if each.record_id in there
        for note in differences(
            state,
            each.change,
            each.desired,
            each.sent,
            there[each.record_id],
            known.get(each.change.change_id),
            now=now[each.change.change_id],
        )
    ]
    us = user_of(state, rows)
    if not is_late:
        state.read_back = Reading(read_at, us, there)
    entries = _entries(state, done, there, known, moving, now, us=us, is_late=is_late)
    entries += [*entries_of_renamed(state, entries), *entries_of_flags(state, flags, there)]
    entries = with_flags_settled(state, entries, known)
    if entries:
        state.journal.put_ledger(state.plan.org.org_id, entries)
    remember_rows(state, [_brought(state, each) for each in done if not each.change.made_for], there)
    return notes


def _is_new(done: Done) -> bool:
    return done.change.action in NEW


def _now(
    state: RunState, written: Sequence[Done], there: Mapping[str, Record]
) -> dict[str, Mapping[str, Value]]:
    """What the records hold of the values that were wanted, by change id."""
    describes = {each: state.gateway.describe(each) for each in {done.change.sobject for done in written}}
    return {
        each.change.change_id: held(describes[each.change.sobject], record, each.desired)
        for each in written
        if (record := there.get(each.record_id)) is not None
    }


def _entries(
    state: RunState,
    done: Sequence[Done],
    there: Mapping[str, Record],
    known: Mapping[str, LedgerEntry],
    flags: Mapping[str | None, Collection[str]],
    now: Mapping[str, Mapping[str, Value]],
    *,
    us: str | None,
    is_late: bool,
) -> list[LedgerEntry]:
    """What the ledger has from now on, of rows of which it does not have it yet."""
    entries = []
    for each in done:
        record, entry = there.get(each.record_id), known.get(each.change.change_id)
        moved = _moved(state, each, record, entry, flags, us) if each.may_move else {}
        is_fresh = each.is_written and not (is_late and _is_new(each))
        if is_fresh or moved or not _is_remembered(each, entry):
            seen = _seen(state, each, record, now.get(each.change.change_id), is_late=is_late)
            left_out = _overruled(state, each, record) if each.is_written else frozenset()
            entries.append(_entry(state, each, seen, entry, left_out, moved))
    return entries


def _brought(state: RunState, done: Done) -> Brought:
    result = state.results.get(done.change.change_id)
    is_new = result is not None and result.outcome is Outcome.CREATED
    change = done.change
    return Brought(change.sobject, change.key, done.record_id, is_new, _opens_again(state, change))


def _opens_again(state: RunState, change: Change) -> bool:
    """Whether an undo opens a vanished deal again: what it holds then is what its row is compared with."""
    return state.plan.undoes is not None and is_of_closing(change)


def _known(state: RunState, done: Sequence[Done]) -> dict[str, LedgerEntry]:
    """What the ledger has for the rows so far, by change id; what it has for another record does not count."""
    known: dict[str, LedgerEntry] = {}
    for sobject in WRITE_ORDER:
        names = {_ledger_key(state, each): each for each in done if each.change.sobject == sobject}
        found = state.journal.ledger(state.plan.org.org_id, sobject, names)
        known |= {
            names[name].change.change_id: entry
            for name, entry in found.items()
            if entry.record_id == names[name].record_id
        }
    return known


def _is_remembered(done: Done, entry: LedgerEntry | None) -> bool:
    """Whether the ledger has all that a row wants; if not, the org has it by somebody else, or by a lost answer."""
    return entry is not None and all(
        name in entry.sent and is_same(entry.sent[name], wanted) for name, wanted in done.desired.items()
    )


def _done(state: RunState, change: Change) -> Done | None:
    """A change whose row is in the org: written by this run, or met there as the row wants it."""
    result = state.results.get(change.change_id)
    is_written = result is not None and result.outcome in (Outcome.CREATED, Outcome.UPDATED)
    is_met = result is None and change.action is Action.NOOP
    is_adopted = result is not None and result.outcome is Outcome.UNCHANGED
    record_id = (result.record_id if result else None) or change.record_id
    is_made = change.made_for > 0 and not (result and result.adopted)  # what others made is theirs
    is_remembered = (
        change.row is not None or is_made or change.completes is not None or _opens_again(state, change)
    )
    if not is_remembered or record_id is None or not (is_written or is_met or is_adopted):
        return None
    return Done(change, record_id, wanted(change, state.ids), is_written, sent=frozenset(change.values))


def _with_moved(
    state: RunState, done: Done, known: LedgerEntry | None, flags: Mapping[str | None, Collection[str]]
) -> Done:
    """What is done, with the fields that a write of ours may have moved without sending them."""
    if known is None:
        return done
    names = (
        may_move(state, done.change, flags) if done.is_written or done.change.sobject == CONTACT_ROLE else ()
    )
    moving = tuple([each for each in names if each in known.seen and each not in done.desired])
    return replace(done, may_move=moving) if moving else done


def _moved(
    state: RunState,
    done: Done,
    record: Record | None,
    known: LedgerEntry | None,
    flags: Mapping[str | None, Collection[str]],
    us: str | None,
) -> Mapping[str, Value]:
    by = (*done.names, *(flags.get(done.change.parent, ()) if done.change.sobject == CONTACT_ROLE else ()))
    return followed(state, done.change, record, known, by=by, us=us, names=done.may_move)


def _read_back(
    state: RunState, read: Sequence[Done], flags: Collection[str], *, is_audited: bool
) -> Mapping[str, Record]:
    """The records as the org holds them, by id; one that is gone is not among them."""
    written = [each for each in read if each.is_written]
    there = read_by_job(state, _lookups(state, written, (), is_audited=is_audited))
    read = [each for each in read if each.record_id not in there] if there else read
    for start in range(0, max(len(read), bool(flags)), ROWS_PER_READ):
        if start:
            state.check_stop()
        lookups = _lookups(
            state, read[start : start + ROWS_PER_READ], () if start else flags, is_audited=is_audited
        )
        there |= {str(each["Id"]): each for records in state.gateway.fetch(lookups) for each in records}
    return there


def _lookups(
    state: RunState, read: Sequence[Done], flags: Collection[str], *, is_audited: bool
) -> list[Lookup]:
    """One look-up for each sObject; an audit asks for more fields and not for more calls."""
    lookups = []
    for sobject in WRITE_ORDER:
        of_sobject = [each for each in read if each.change.sobject == sobject]
        names = dict.fromkeys(
            name
            for each in of_sobject
            for name in (*each.desired, *each.deferred, *may_lose(each.change), *each.may_move)
        )
        ids = tuple(each.record_id for each in of_sobject)
        if sobject == CONTACT_ROLE and flags:
            ids, names = (
                tuple(dict.fromkeys((*ids, *flags))),
                names | dict.fromkeys(("OpportunityId", "ContactId", "Role")),
            )
        if ids:
            names |= dict.fromkeys(audited_fields(state, sobject) if is_audited else ())
            lookups.append(Lookup(sobject, tuple(dict.fromkeys(("Id", *AUDIT, *names))), "Id", ids))
    return lookups


def _seen(
    state: RunState, done: Done, record: Record | None, now: Mapping[str, Value] | None, *, is_late: bool
) -> Mapping[str, Value]:
    """The base of the next comparison: what the org made of the values, else the values themselves."""
    is_new = _is_new(done)
    if record is None or (is_late and not is_new):
        return done.desired
    describe = state.gateway.describe(done.change.sobject)
    if is_new and is_anothers(record):
        return {**done.desired, **dict.fromkeys(_empty_at_first(describe, done.deferred))}
    if now is not None and not done.deferred:
        return now
    return held(describe, record, dict.fromkeys((*done.desired, *done.deferred)))


def _empty_at_first(describe: SObjectDescribe, names: Iterable[str]) -> list[str]:
    """The lookups that a new record does not have by itself, as it has an owner."""
    fields = (describe.field(name) for name in names)
    return [each.name for each in fields if each is not None and not each.defaulted_on_create]


def _overruled(state: RunState, done: Done, record: Record | None) -> frozenset[str]:
    """What the deal's new stage overruled and no second write has tried to put right; the next run does.

    Remembered as it was sent it would look like somebody's edit, as it is like something not to be sent again.
    """
    second = state.results.get(second_id(done.change.change_id))
    values = may_lose(done.change)
    if not values or record is None or (second is not None and second.outcome is Outcome.UPDATED):
        return frozenset()
    wanted = {"StageName": done.change.values["StageName"], **values}
    now = held(state.gateway.describe(done.change.sobject), record, wanted)
    return frozenset(lost(wanted, now, state.gateway.stage_catalogue()))


def _entry(
    state: RunState,
    done: Done,
    seen: Mapping[str, Value],
    known: LedgerEntry | None,
    left_out: frozenset[str],
    moved: Mapping[str, Value],
) -> LedgerEntry:
    """What is remembered of a row from now on; `known` is what was, of the same record.

    What our own write has `moved` is remembered as it is now, and no longer as something that was sent.
    """
    sent: Mapping[str, Value] = done.desired
    if known is not None and not done.is_written:
        sent = seen = {
            name: value
            for name, value in sent.items()
            if name not in known.sent or not is_same(known.sent[name], value)
        }
    if known is not None:
        sent, seen = {**known.sent, **sent}, {**known.seen, **seen}
    sent, seen = _without(sent, left_out | moved.keys()), _without(seen, left_out)
    seen = {**seen, **moved} if moved else seen
    return LedgerEntry(done.change.sobject, _ledger_key(state, done), done.record_id, sent, seen)


def _without(values: Mapping[str, Value], names: Collection[str]) -> Mapping[str, Value]:
    return {name: value for name, value in values.items() if name not in names} if names else values


def is_anothers(record: Record) -> bool:
    """Whether a record was last modified by somebody else than the user who created it."""
    return record.get("LastModifiedById") != record.get("CreatedById")


def _ledger_key(state: RunState, done: Done) -> str:
    sobject, plan = done.change.sobject, state.plan
    if sobject != CONTACT_ROLE:
        return ledger_key(plan.job, done.change.key, key_field=plan.key_fields.get(sobject))
    role = done.desired.get("Role")
    deal, contact = str(done.desired.get("OpportunityId")), str(done.desired.get("ContactId"))
    return role_key(deal, contact, role if isinstance(role, str) else None)

"""Settles what nobody can say of: by asking the org, never by sending blindly again.

A create behind a receipt is settled by burning the receipt's token: it was saved wholly, or never will be.
A create with a key is read by its key. Found, it is ours if it holds what the row wants, else a conflict;
its roles are then compared like those of any deal. Not found, the recycle bin is asked; still absent, the
same graph may go once more, because the key makes a second commit impossible. Where neither a receipt nor a
key is there, records that look like the row are listed for a person, and nothing is sent again.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from sfsync.core.deals.second_writes import lost, may_lose
from sfsync.core.diff import held, scale_of
from sfsync.core.plans.plan import PLANNED_OUTCOME, Change
from sfsync.core.ports import LedgerEntry, Lookup, Record
from sfsync.core.records import full_id
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import Pending, clean_key, is_same
from sfsync.core.wording import typed
from sfsync.core.writes import Route
from sfsync.engine.applying.in_doubt.receipts import NotSaved, Saved, Unseen, answers_lost, burn
from sfsync.engine.applying.read_back.verifying import AUDIT, is_anothers
from sfsync.engine.applying.run_state import RunState, resolved
from sfsync.engine.applying.sending import MOST_TRIES, Doubt


@dataclass(slots=True)
class Settled:
    """Units to send once more."""

    again: list[Unit] = field(default_factory=list)


def settle_creates(state: RunState, doubts: Sequence[Doubt]) -> Settled:
    """Settles creates by their receipts or their keys; all doubts of one sObject cost one or two reads."""
    settled = Settled()
    behind_receipts = [each for each in doubts if each.unit.route is Route.RECEIPT_FENCE]
    _settle_by_receipt(state, behind_receipts, settled)
    _settle_by_key(state, [each for each in doubts if each.unit.route is Route.KEY_FENCE], settled)
    _list_lookalikes(state, [each for each in doubts if each.unit.route is Route.AT_MOST_ONCE])
    return settled


def _list_lookalikes(state: RunState, doubts: Sequence[Doubt]) -> None:
    """Leaves creates that went without any fence to a person, with the records that may be theirs.

    Even a record with all the row's values may be somebody else's, so none is taken for it.
    """
    for doubt in doubts:
        head = _head(state, doubt)
        name = next((each for each in _TELLING if isinstance(head.desired.get(each), str)), None)
        records: Sequence[Record] = ()
        if name is not None:
            fields = tuple(dict.fromkeys(("Id", *head.desired)))
            [records] = state.gateway.fetch([Lookup(head.sobject, fields, name, (str(head.desired[name]),))])
        alike = [str(each["Id"]) for each in records if holds(state, head, each)]
        state.settle(
            [
                _unknown_among(state, head, alike),
                *(unknown(state.by_id[n.change_id]) for n in doubt.unit.nodes[1:]),
            ]
        )


_TELLING: Final = ("Email", "Name", "LastName")
"""Fields by which a record without a key is looked for, the most telling first."""


def _settle_by_receipt(state: RunState, doubts: Sequence[Doubt], settled: Settled) -> None:
    standings = burn(state, [each.unit.unit_id for each in doubts])
    for doubt in doubts:
        unit, head = doubt.unit, _head(state, doubt)
        match standings[unit.unit_id]:
            case Saved(record_id):
                state.settle([RowResult(head.change_id, Outcome.CREATED, record_id)])
                state.proven |= {node.change_id for node in unit.nodes[1:]}
            case NotSaved() if unit.tries + 1 < MOST_TRIES:
                settled.again.append(replace(unit, tries=unit.tries + 1, alone=True))
            case NotSaved():
                state.release([node.change_id for node in unit.nodes], "NOT_SAVED")
                raise answers_lost()
            case Unseen():
                state.settle(unknown(state.by_id[node.change_id]) for node in unit.nodes)


def _settle_by_key(state: RunState, doubts: Sequence[Doubt], settled: Settled) -> None:
    ordered = sorted(doubts, key=lambda each: _head(state, each).sobject)
    for sobject, group in groupby(ordered, key=lambda each: _head(state, each).sobject):
        of_sobject = list(group)
        live = _by_key(state, sobject, of_sobject, include_deleted=False)
        absent = [each for each in of_sobject if not live.get(_head(state, each).key)]
        binned = _by_key(state, sobject, absent, include_deleted=True) if absent else {}
        for doubt in of_sobject:
            head = _head(state, doubt)
            if found := live.get(head.key):
                _settle_found(state, doubt, found)
            elif binned.get(head.key):
                state.settle(
                    _with_roles_blocked(state, doubt.unit, _conflict(head, "IN_RECYCLE_BIN", _BINNED))
                )
            else:
                _settle_absent(state, doubt, settled)


_EDITED = "the record was changed in the org a moment before it was to be written"
_BINNED = "a record with this key is in the org's recycle bin"
_OTHER = "a record with this key is in the org and holds other values than this row"


def _head(state: RunState, doubt: Doubt) -> Change:
    return state.by_id[doubt.unit.nodes[0].change_id]


def _by_key(
    state: RunState, sobject: str, doubts: Iterable[Doubt], *, include_deleted: bool
) -> dict[str, list[Record]]:
    key_field = state.plan.key_fields[sobject]
    heads = [_head(state, each) for each in doubts]
    names = dict.fromkeys(name for head in heads for name in head.desired)
    fields = tuple(dict.fromkeys(("Id", key_field, "IsDeleted", *AUDIT, *names)))
    lookup = Lookup(
        sobject, fields, key_field, tuple(each.key for each in heads), include_deleted=include_deleted
    )
    found: dict[str, list[Record]] = {}
    for record in state.gateway.fetch([lookup])[0]:
        if bool(record.get("IsDeleted")) == include_deleted:
            found.setdefault(clean_key(str(record[key_field])), []).append(record)
    return found


def _settle_found(state: RunState, doubt: Doubt, records: Sequence[Record]) -> None:
    """The key is in the org: our own late twin, or somebody else's record."""
    head = _head(state, doubt)
    record_id = str(records[0]["Id"])
    is_ours = doubt.is_ambiguous or doubt.unit.tries > 0
    if len(records) > 1 or not holds(state, head, records[0], is_ours=is_ours):
        if len(records) == 1 and doubt.is_ambiguous and is_anothers(records[0]):
            _remember_edited(state, head, record_id)
        state.settle(_with_roles_blocked(state, doubt.unit, _conflict(head, "KEY_TAKEN", _OTHER, record_id)))
        return
    outcome = Outcome.CREATED if is_ours else Outcome.UNCHANGED
    state.settle([RowResult(head.change_id, outcome, record_id, adopted=outcome is Outcome.UNCHANGED)])


def _remember_edited(state: RunState, head: Change, record_id: str) -> None:
    """Notes what was sent as the base of the next comparison: by it, what somebody has edited since is a conflict.

    Without it the next run would take the record for one that it meets, and write the row over the edit.
    """
    sent = {name: resolved(value, state.ids) for name, value in head.desired.items()}
    known = {name: value for name, value in sent.items() if not isinstance(value, Pending)}
    entry = LedgerEntry(head.sobject, head.key, record_id, sent=known, seen=known)
    state.journal.put_ledger(state.plan.org.org_id, [entry])


def _settle_absent(state: RunState, doubt: Doubt, settled: Settled) -> None:
    """Nothing visible has the key; the fence allows the same request once more, within bounds."""
    unit = doubt.unit
    if unit.tries + 1 < MOST_TRIES:
        if not doubt.is_ambiguous:
            state.pause(unit.tries + 1)
        settled.again.append(replace(unit, tries=unit.tries + 1, alone=True))
        return
    head = _head(state, doubt)
    if doubt.is_ambiguous:
        state.settle(unknown(state.by_id[node.change_id]) for node in unit.nodes)
        return
    message = "the org says that a unique value of this row is taken, but shows no record with its key"
    problem = _problem("DUPLICATE_VALUE", message, head, "Look for another unique field with this value.")
    rejected = RowResult(head.change_id, Outcome.REJECTED, problems=(problem,))
    state.settle(_with_roles_blocked(state, unit, rejected))


def _with_roles_blocked(state: RunState, unit: Unit, head: RowResult) -> list[RowResult]:
    roles = (state.by_id[node.change_id] for node in unit.nodes[1:])
    return [head, *(state.blocked(each, head.change_id) for each in roles)]


def holds(state: RunState, change: Change, record: Record, *, is_ours: bool = True) -> bool:
    """Whether the record has every value that the change wants, as the platform compares them.

    Of what may be our own write, what the deal's new stage overruled counts as there: it is put right later.
    """
    describe = state.gateway.describe(change.sobject)
    ids = state.ids
    there = held(describe, record, change.desired)
    differs = {
        name
        for name, value in change.desired.items()
        if not is_same(resolved(value, ids), there[name], scale=scale_of(describe.field(name)))
    }
    if not differs or not is_ours or not differs <= may_lose(replace(change, values=change.desired)).keys():
        return not differs
    return differs <= lost(change.desired, there, state.gateway.stage_catalogue()).keys()


def settle_updates(state: RunState, doubts: Sequence[Doubt]) -> None:
    """Updates whose answer stayed away, or that met a newer edit: done where the record holds the values.

    Else nobody can say, or, where the org refused the update because of the edit, it is a conflict.
    """
    for doubt in doubts:
        change = _head(state, doubt)
        lookup = Lookup(change.sobject, ("Id", *change.values), "Id", (change.record_id or "",))
        records = state.gateway.fetch([lookup])[0]
        wanted = replace(change, desired=change.values)
        if records and holds(state, wanted, records[0]):
            state.settle([RowResult(change.change_id, PLANNED_OUTCOME[change.action], change.record_id)])
        elif doubt.is_ambiguous:
            state.settle([unknown(change)])
        else:
            state.settle([_conflict(change, "CHANGED_IN_ORG", _EDITED, change.record_id)])


def settle_lost_updates(state: RunState, changes: Sequence[Change]) -> None:
    """Updates that a process which died may have sent: done where the record holds their values.

    Were they only planned again, a row that was edited since would take our own value for somebody's edit.
    """
    for sobject in dict.fromkeys(each.sobject for each in changes):
        updates = [each for each in changes if each.sobject == sobject]
        names = dict.fromkeys(name for each in updates for name in each.values)
        ids = tuple(dict.fromkeys(each.record_id or "" for each in updates))
        [records] = state.gateway.fetch([Lookup(sobject, ("Id", *names), "Id", ids)])
        by_id = {full_id(each): each for each in records}
        state.settle(
            RowResult(each.change_id, Outcome.UPDATED, each.record_id)
            for each in updates
            if each.record_id in by_id
            and holds(state, replace(each, desired=each.values), by_id[each.record_id])
        )


def unknown(change: Change) -> RowResult:
    """The result of a change that may or may not be in the org."""
    what = "role" if change.sobject == CONTACT_ROLE else "record"
    message = f"the answer was lost, and nobody can say whether the {what} was saved"
    hint = f"The next run looks again; or look for the {what} in the org."
    return RowResult(
        change.change_id, Outcome.UNKNOWN, change.record_id, (_problem("UNKNOWN", message, change, hint),)
    )


def _unknown_among(state: RunState, change: Change, alike: Sequence[str]) -> RowResult:
    """The same, with the records that have all its values and what to type about them."""
    result = unknown(change)
    if not alike:
        return result
    name, org = typed(state.plan.job, state.plan.profile)
    key = shlex.quote(change.key)
    hint = (
        f"Records that look like it: {', '.join(alike)}. If one of them is it: sfsync adopt {name} {key} {alike[0]}"
        f"{org}; if none is, let it be sent again: sfsync state forget {name} {key}{org}"
    )
    problem = replace(result.problems[0], hint=hint, value=", ".join(alike))
    return replace(result, problems=(problem,))


def _conflict(change: Change, code: str, message: str, record_id: str | None = None) -> RowResult:
    where = f" ({record_id})" if record_id else ""
    problem = _problem(code, message + where, change, "Nothing was touched; look at the record in the org.")
    return RowResult(change.change_id, Outcome.CONFLICT, record_id, (problem,))


def _problem(code: str, message: str, change: Change, hint: str) -> Problem:
    return Problem(code, Stage.ORG, message, hint, row=change.row)

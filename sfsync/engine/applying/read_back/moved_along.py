"""Decides which values a write of ours has moved without sending them: they are no edit of somebody's.

A new stage brings its own probability and forecast category, a new currency converts the amounts, and a contact who
becomes primary has the flag in every role, while the role that had it before has lost it. What is read back of
these right after the write is the base of the next comparison, and no longer counts as sent. It is taken for ours
only where it is what the stage implies, or where the record's last modification falls into the moment of our own
write and is by our user; else what was known stays the base, and an edit stays a conflict.
Source: Object Reference, Opportunity.StageName and .CurrencyIsoCode, OpportunityContactRole.IsPrimary.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sfsync.core.contact_roles.roles import moves_flag, role_key
from sfsync.core.deals.second_writes import implied, second_id
from sfsync.core.diff import STAGE_DEPENDENTS, held, scale_of
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.reports.audit import Moment
from sfsync.core.reports.results import Outcome
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.core.values import Value, is_same, text_or_none
from sfsync.engine.applying.read_back.auditing import stamp_of_record
from sfsync.engine.applying.run_state import RunState

FLAG: Final = "IsPrimary"

_NEVER: Final = Moment(None, None)
_MOVED: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED})


def may_move(state: RunState, change: Change, flags: Mapping[str | None, Collection[str]]) -> tuple[str, ...]:
    """The fields that the platform may move along with a change, or with another change of the same deal's roles.

    `flags` is what `moved_flags` tells.
    """
    if change.sobject == CONTACT_ROLE:
        return (FLAG,) if change.parent in flags and FLAG not in change.desired else ()
    if change.sobject != OPPORTUNITY or change.action is not Action.UPDATE:
        return ()
    describe = state.gateway.describe(OPPORTUNITY)
    names = list(STAGE_DEPENDENTS) if "StageName" in change.values else []
    if "CurrencyIsoCode" in change.values:
        names += [each.name for each in describe.fields.values() if each.type == "currency"]
    return tuple(name for name in names if describe.field(name) is not None and name not in change.values)


def moved_flags(state: RunState) -> dict[str | None, list[str]]:
    """The changes of this run that gave a primary flag or took one, by the deal that their roles belong to."""
    moved: dict[str | None, list[str]] = {}
    for each in state.plan.changes:
        result = state.results.get(each.change_id)
        if each.sobject == CONTACT_ROLE and moves_flag(each) and result and result.outcome in _MOVED:
            moved.setdefault(each.parent, []).append(each.change_id)
    return moved


def followed(
    state: RunState,
    change: Change,
    record: Record | None,
    known: LedgerEntry | None,
    *,
    by: Iterable[str],
    us: str | None,
    names: Iterable[str],
) -> dict[str, Value]:
    """The values that our own write has moved, as they were read back; `by` are the changes that may have.

    `known` is what the journal knew of the record before, `us` our user's id as far as anybody knows it.
    """
    moving = [name for name in names if known is not None and name in known.seen]
    if record is None or known is None or not moving:
        return {}
    describe = state.gateway.describe(change.sobject)
    now = held(describe, record, dict.fromkeys(moving))
    is_ours = _is_ours(state, record, by, us)
    return {
        name: value
        for name, value in now.items()
        if not is_same(known.seen[name], value, scale=scale_of(describe.field(name)))
        if is_ours or _is_of_stage(state, change, record, name, value)
    }


def _is_ours(state: RunState, record: Record, by: Iterable[str], us: str | None) -> bool:
    """Whether the last modification of a record is a write of this process, to the second and by its user."""
    stamp = stamp_of_record(record)
    moments = (state.moments.get(each, _NEVER) for name in by for each in (name, second_id(name)))
    return us is not None and stamp.by == us and any(each.holds(stamp.at) for each in moments)


def _is_of_stage(state: RunState, change: Change, record: Record, name: str, value: Value) -> bool:
    """Whether a value is what the stage implies that the change has sent and the record still holds."""
    sent = change.values.get("StageName")
    if change.sobject != OPPORTUNITY or sent is None or not is_same(sent, record.get("StageName")):
        return False
    stage = state.gateway.stage_catalogue().stages.get(str(sent))
    return stage is not None and name in STAGE_DEPENDENTS and is_same(implied(stage, name), value, scale=0)


def flags_of_no_row(state: RunState, among: Collection[str] | None) -> dict[str, Change]:
    """By the id of its role, what gave or took a primary flag, is done, and stands for no row of the source."""
    found = {}
    for each in state.plan.changes:
        result = state.results.get(each.change_id)
        is_done = result is not None and result.outcome is Outcome.UPDATED
        is_meant = among is None or each.change_id in among
        is_flag = each.sobject == CONTACT_ROLE and each.row is None and FLAG in each.values
        own = (result.record_id if result else None) or each.record_id or ""
        # A role that comes with a lead stands in the plan under a name of the plan's own.
        if is_flag and is_done and is_meant and record_id(own) is not None:
            found[own] = each
    return found


def entries_of_flags(
    state: RunState, flags: Mapping[str, Change], there: Mapping[str, Record]
) -> list[LedgerEntry]:
    """What is remembered of roles whose flag was moved for the sake of others: the flag that they were sent."""
    keys = {
        role_key(
            str(record["OpportunityId"]), str(record["ContactId"]), text_or_none(record.get("Role"))
        ): found
        for found in flags
        if (record := there.get(found)) is not None
    }
    known = state.journal.ledger(state.plan.org.org_id, CONTACT_ROLE, keys) if keys else {}
    return [
        LedgerEntry(
            CONTACT_ROLE,
            key,
            entry.record_id,
            {name: value for name, value in entry.sent.items() if name != FLAG},
            {**entry.seen, FLAG: flags[entry.record_id].values[FLAG]},  # type: ignore[dict-item]
        )
        for key, entry in known.items()
        if entry.record_id == keys[key] and FLAG in entry.seen
    ]

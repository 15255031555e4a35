"""A plan that takes back what a run did: created records are deleted, changed fields get their old values back.

What a person, an automation or a later run has touched since is left alone, and so is a record on which others
depend by now; everything that is left, and everything that cannot be taken back, is said by name. What is as it
was before the run, by an earlier undo or by a person, is not written again. Who had the primary flag of a deal
before the run gets it back (`undo_flags`). The plan is shown and applied like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.contact_roles.roles import role_key
from sfsync.core.deals.forecast_basis import ForecastBasis
from sfsync.core.deals.gone import NO_GONE
from sfsync.core.deals.reopening import odds_before, set_by_hand
from sfsync.core.diff import STAGE_DEPENDENTS, held
from sfsync.core.job import NO_LIMITS
from sfsync.core.plans.plan import NEW, Action, Change, Plan
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.reports.standing import CONVERSION_STAYS, written_since
from sfsync.core.sending.costs import undo_calls
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER, record_id
from sfsync.core.values import PlannedValue, Value, is_same
from sfsync.engine.applying.read_back.verifying import AUDIT, is_anothers
from sfsync.engine.applying.run_state import resolved
from sfsync.engine.planning.forecasting import forecast_basis, forecast_fields
from sfsync.engine.planning.plan_making import PlanStamp
from sfsync.engine.undoing.dependents import delete_childless, note_going
from sfsync.engine.undoing.later_runs import PREFIX, LoadPlan, later_writes
from sfsync.engine.undoing.undo_flags import took_flag
from sfsync.engine.undoing.undo_roles import give_flags_back, insert_missing
from sfsync.engine.undoing.undo_state import Going, Undo

CONVERTED: Final = "it came out of a lead, and a conversion cannot be taken back"


def undo_plan(
    plan: Plan,
    results: Mapping[str, RowResult],
    *,
    gateway: OrgGateway,
    journal: Journal,
    load: LoadPlan,
    stamp: PlanStamp,
    going: Going | None = None,
) -> Plan:
    """What takes the run of that plan back; its notes name what stays. `load` reads the plans of later runs.

    Portions of a book are taken back one after the other, the last one first: `going` is what those before this one
    delete and give back, to which this one's part is added.
    """
    created = {each.change_id for each in plan.changes if each.action in NEW}
    done = [
        _named(each)
        for each in plan.changes
        if _was_written(results.get(each.change_id)) and each.completes not in created  # ends as it does
    ]
    unsettled = journal.open_changes(plan.job, plan.org.org_id)
    doubtful = frozenset(record.change_id for _, record in unsettled)
    own = {results[each.change_id].record_id or each.record_id or "" for each in done}
    later = later_writes(plan, own, journal, load)
    ledger = _ledger_of(plan, done, results, journal)
    undo = Undo(
        plan, results, gateway, ledger, doubtful, later, elsewhere=Going() if going is None else going
    )
    for sobject in reversed(WRITE_ORDER):
        of_sobject = [each for each in done if each.sobject == sobject]
        _undo_sobject(undo, sobject, of_sobject, done)
        if sobject == CONTACT_ROLE:
            give_flags_back(undo, done)  # before contacts: it may keep roles that were to be deleted
    for change in plan.changes:
        result = results.get(change.change_id)
        if result is not None and result.outcome is Outcome.UNKNOWN:
            undo.leave(change, "nobody can say whether the run saved it")
    note_going(undo)
    changes = tuple(undo.changes)
    return replace(
        plan,
        plan_id=stamp.plan_id,
        created_at=stamp.created_at,
        serial=journal.serial(plan.job, plan.org.org_id, plan.share),
        changes=changes,
        notes=tuple(undo.notes),
        undoes=plan.whole or plan.plan_id,
        whole="",
        portion=0,
        limits=NO_LIMITS,
        open_references=(),
        gone=NO_GONE,
        predicted=undo_calls(changes, plan.routes, is_strict=plan.is_strict),
        choices=(),
        org_calls=None,
        forecast=_forecast(undo),
    )


def _forecast(undo: Undo) -> ForecastBasis | None:
    """What is needed to say the undo's effect on the forecast; None when the run's own plan did not know."""
    known = undo.plan.forecast
    if known is None or not undo.deals:
        return known
    describe = undo.gateway.describe(OPPORTUNITY)
    return forecast_basis(
        undo.changes,
        undo.deals,
        describe,
        stages=known.stages,
        owners=known.owners,
        fiscal_year_start=known.fiscal_year_start,
    )


def _named(change: Change) -> Change:
    """The change with a label that names a role which no row of the run asks for."""
    is_role = change.sobject == CONTACT_ROLE
    is_of_no_row = is_role and change.row is None and change.action is Action.UPDATE
    return replace(change, label=f"role {change.key}") if is_of_no_row else change


def _was_written(result: RowResult | None) -> bool:
    return result is not None and result.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED)


def _ledger_of(
    plan: Plan, done: Sequence[Change], results: Mapping[str, RowResult], journal: Journal
) -> dict[str, LedgerEntry]:
    """What the org held after the run, by change id."""
    entries: dict[str, LedgerEntry] = {}
    for sobject in WRITE_ORDER:
        names = {_ledger_name(plan, each, results): each for each in done if each.sobject == sobject}
        found = journal.ledger(plan.org.org_id, sobject, names)
        entries |= {names[name].change_id: entry for name, entry in found.items()}
    return entries


def _ledger_name(plan: Plan, change: Change, results: Mapping[str, RowResult]) -> str:
    if change.sobject != CONTACT_ROLE:
        return ledger_key(plan.job, change.key, key_field=plan.key_fields.get(change.sobject))
    ids = {name: each.record_id for name, each in results.items() if each.record_id}
    deal, contact = (resolved(change.desired.get(name), ids) for name in ("OpportunityId", "ContactId"))
    role = change.desired.get("Role")
    return role_key(str(deal), str(contact), role if isinstance(role, str) else None)


def _undo_sobject(undo: Undo, sobject: str, changes: Sequence[Change], done: Sequence[Change]) -> None:
    gone_with_deal = {
        each.change_id for each in done if each.sobject == OPPORTUNITY and each.action is Action.CREATE
    }
    own = [each for each in changes if each.action is not Action.DELETE and each.parent not in gone_with_deal]
    records = _records(undo, sobject, own)
    deletable: list[Change] = []
    for change in own:
        record = records.get(undo.record_id(change))
        if record is None:
            _leave_gone(undo, change)
        elif change.action is Action.CONVERT:
            undo.leave(change, CONVERTED, code=CONVERSION_STAYS)
        elif change.action is Action.UPDATE and _has_old_values(undo, change, record):
            undo.is_done(change, "it has its old values")
        elif undo.record_id(change) in undo.later or _is_touched(undo, change, record):
            _leave_touched(undo, change, record)
        elif change.action is Action.CREATE:
            deletable.append(change)
        else:
            undo.changes.append(_given_back(undo, change, record))
    delete_childless(undo, sobject, deletable)
    deletions = [each for each in changes if each.action is Action.DELETE]
    if sobject == CONTACT_ROLE:
        insert_missing(undo, deletions)
    else:
        for change in deletions:
            undo.leave(change, "the run deleted it; take it out of the org's recycle bin")


def _leave_gone(undo: Undo, change: Change) -> None:
    if change.action is Action.CREATE:
        undo.is_done(change, "it is not in the org any more")
    elif change.sobject == CONTACT_ROLE and took_flag(change):
        undo.leave(change, "it was primary before the run, and it is not in the org any more")
    else:
        undo.leave(change, "it is not in the org any more")


def _leave_touched(undo: Undo, change: Change, record: Record) -> None:
    """Leaves what somebody touched; a primary flag that is as the run left it goes back all the same."""
    later = undo.later.get(undo.record_id(change), ())
    is_flag = change.sobject == CONTACT_ROLE and took_flag(change) and record.get("IsPrimary") is False
    is_flag = is_flag and all(each.fields is not None and "IsPrimary" not in each.fields for each in later)
    if is_flag:
        undo.changes.append(replace(_restored(undo, _only_flag(change)), row=None))
    if not is_flag or len(change.before) > 1:
        undo.leave(change, written_since(later[-1].run_id) if later else "somebody has touched it since")


def _only_flag(change: Change) -> Change:
    return replace(change, values={"IsPrimary": False}, before={"IsPrimary": True}, desired={})


def _records(undo: Undo, sobject: str, changes: Sequence[Change]) -> dict[str, Record]:
    ids = tuple(undo.record_id(each) for each in changes)
    if not ids:
        return {}
    names = dict.fromkeys(("Id", *AUDIT, *(name for each in changes for name in _names(undo, each))))
    if sobject == OPPORTUNITY:
        names |= dict.fromkeys(forecast_fields(undo.gateway.describe(OPPORTUNITY)))
    [records] = undo.gateway.fetch([Lookup(sobject, tuple(names), "Id", ids)])
    undo.deals += records if sobject == OPPORTUNITY else []
    return {record_id(str(each["Id"])) or "": each for each in records}


def _names(undo: Undo, change: Change) -> tuple[str, ...]:
    """The fields by which it shows whether somebody has touched a record: all that is known of it."""
    entry = undo.ledger.get(change.change_id)
    describe = undo.gateway.describe(change.sobject)
    known = [name for name in entry.seen if describe.field(name) is not None] if entry else ()
    return (*change.desired, *change.before, *known)


def _has_old_values(undo: Undo, change: Change, record: Record) -> bool:
    """Whether the record holds what it held before the run."""
    now = held(undo.gateway.describe(change.sobject), record, change.before)
    return all(is_same(value, now[name]) for name, value in change.before.items() if name in change.values)


def _is_touched(undo: Undo, change: Change, record: Record) -> bool:
    """Whether the record differs from what the run left, or was last modified by another user than made it."""
    left = _as_left(undo, change)
    if left is None:
        return True
    describe = undo.gateway.describe(change.sobject)
    left = {name: value for name, value in left.items() if describe.field(name) is not None}
    now = held(describe, record, left)
    is_as_left = all(is_same(left[name], now[name]) for name in left)
    is_others = change.action is Action.CREATE and is_anothers(record)
    return is_others or not is_as_left


def _as_left(undo: Undo, change: Change) -> Mapping[str, Value] | None:
    """What the org held when the run was over, as far as anybody knows.

    No row asks for it that a role gives its flag away, so the ledger has no entry of that: it is as it was sent.
    """
    entry = undo.ledger.get(change.change_id)
    if entry is not None:
        return entry.seen
    return {"IsPrimary": False} if change.row is None and took_flag(change) else None


def _restored(undo: Undo, change: Change) -> Change:
    """The fields that the run changed, with the values that they had before."""
    left = _as_left(undo, change) or {}
    values: dict[str, PlannedValue] = {
        name: value for name, value in change.before.items() if name in change.values
    }
    before: dict[str, Value] = {name: left[name] for name in values if name in left}
    desired = {name: values.get(name, value) for name, value in change.desired.items()}
    return replace(
        change,
        change_id=PREFIX + change.change_id,
        record_id=undo.record_id(change),
        values=values,
        before=before,
        desired=desired,
        completes=None,
    )


def _given_back(undo: Undo, change: Change, record: Record) -> Change:
    """The old values, and with an old stage the probability that the deal had; `record` is the deal as it is."""
    restored, left = _restored(undo, change), _as_left(undo, change) or {}
    basis = undo.plan.forecast
    were = odds_before(change, basis.deals.get(undo.record_id(change)) if basis is not None else None)
    if not were:
        return restored
    describe = undo.gateway.describe(OPPORTUNITY)
    fields = (describe.field(name) for name in STAGE_DEPENDENTS)
    writable = [each.name for each in fields if each is not None and each.updateable]
    own = set_by_hand(were, undo.gateway.stage_catalogue(), writable=writable)
    known = {name: were[name] for name in STAGE_DEPENDENTS if name in left and name in were}
    return replace(
        restored,
        values={**restored.values, **own},
        before={**restored.before, **held(describe, record, own)},
        desired={**restored.desired, **known},
    )

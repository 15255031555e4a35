"""A plan of the rows that a run could not write: those that the org refused, and those that waited for them.

It is made from the old run's plan and the journal alone, so the source is not needed, and it is applied like any
other plan: creates are fenced, updates and roles are compared again right before they are written. What only the
journal tells apart, rows without a key and roles, is left out where another run has brought it since, or may have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sfsync.core.contact_roles.roles import gives_flag_away
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.plans.plan import WRITES, Action, Change, Plan
from sfsync.core.ports import Journal
from sfsync.core.reading.keys import ledger_key
from sfsync.core.references.second_pass import located
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.sobject import CONTACT_ROLE, LEAD, WRITE_ORDER
from sfsync.core.values import Pending, PlannedValue
from sfsync.engine.planning.plan_making import PlanStamp
from sfsync.engine.planning.role_planning import role_key_of

_FAILED = frozenset({Outcome.REJECTED, Outcome.BLOCKED})


def retry_plan(
    plan: Plan,
    results: Mapping[str, RowResult],
    *,
    codes: Collection[str],
    journal: Journal,
    accepted: Collection[str] = (),
    stamp: PlanStamp,
) -> Plan:
    """The rows of the plan that failed or were blocked; with `codes`, those that failed by one of these.

    A row goes along with the rows that it was blocked by. `accepted` are changes that go at a person's word though
    nobody can say of them. The plan is empty when there is nothing to try again.
    """
    failed = {
        each.change_id: each
        for each in plan.changes
        if each.action in WRITES and (result := results.get(each.change_id)) and result.outcome in _FAILED
    }
    chosen = set(failed) if not codes else _by_codes(failed, results, codes)
    ids = {name: result.record_id for name, result in results.items() if result.record_id is not None}
    since = _since(plan, [failed[name] for name in failed if name in chosen], ids, journal)
    chosen -= since.brought.keys() | (since.doubtful - set(accepted))
    ids |= since.brought
    while stuck := {name for name in chosen if not _can_go(failed[name], chosen, ids)}:
        chosen -= stuck
    leads = {failed[name].parent for name in chosen if comes_from_lead(failed[name])}
    along = chosen | leads | _giving_flag_away(plan, results, [failed[name] for name in chosen])
    changes = tuple(_with_ids(each, ids) for each in plan.changes if each.change_id in along)
    return replace(
        plan,
        plan_id=stamp.plan_id,
        created_at=stamp.created_at,
        serial=journal.serial(plan.job, plan.org.org_id, plan.share),
        changes=changes,
        open_references=(),
        notes=tuple(_left_out(failed[name], since) for name in failed if name in since.named(accepted)),
        predicted=predicted_calls(changes, plan.routes, is_strict=plan.is_strict),
        choices=(),
        org_calls=None,
        off_stage=(),
        off_stage_total=0,
        marks=(),
        whole="",
        portion=0,
    )


def _giving_flag_away(plan: Plan, results: Mapping[str, RowResult], chosen: Iterable[Change]) -> set[str]:
    """What gives the primary flag to the chosen roles and stands for no row: it waited for them in the old run."""
    taking = {each.parent for each in chosen if each.values.get("IsPrimary") is True} - {None}
    done = (Outcome.UPDATED, Outcome.DELETED)
    return {
        each.change_id
        for each in plan.changes
        if each.sobject == CONTACT_ROLE and each.row is None and each.parent in taking
        if gives_flag_away(each)
        and ((result := results.get(each.change_id)) is None or result.outcome not in done)
    }


@dataclass(slots=True)
class _Since:
    """What became of the rows in other runs: the ids of records that they are now, and those in doubt."""

    brought: dict[str, str] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    def named(self, accepted: Collection[str]) -> set[str]:
        """The changes that are left out because of it."""
        return self.brought.keys() | (self.doubtful - set(accepted))


def _since(plan: Plan, changes: Iterable[Change], ids: Mapping[str, str], journal: Journal) -> _Since:
    """What the journal knows of creates that no key of the org fences; parents first, as roles need their ids."""
    since = _Since()
    creates = [each for each in changes if each.action is Action.CREATE]
    still_open = [record for _, record in journal.open_changes(plan.job, plan.org.org_id)]
    in_doubt = {record.change_id for record in still_open}
    in_doubt |= {str((record.detail or {}).get("role_key") or "") for record in still_open} - {""}
    for sobject in WRITE_ORDER:
        if sobject in plan.key_fields:
            continue
        known = {**ids, **since.brought}
        names = {
            _ledger_name(plan, _with_ids(each, known)): each.change_id
            for each in creates
            if each.sobject == sobject
        }
        entries = journal.ledger(plan.org.org_id, sobject, names)
        since.brought |= {names[name]: entry.record_id for name, entry in entries.items()}
        since.doubtful |= {each for name, each in names.items() if not in_doubt.isdisjoint({name, each})}
    return since


def _ledger_name(plan: Plan, change: Change) -> str:
    """How the journal names the row; a role whose deal or contact has no id yet is named by its change."""
    if change.sobject == CONTACT_ROLE:
        return role_key_of(change) or change.change_id
    return ledger_key(plan.job, change.key, key_field=None)


def _left_out(change: Change, since: _Since) -> Problem:
    record_id = since.brought.get(change.change_id)
    if record_id is None:
        code, message = "UNSETTLED", "another run sent this row since and never learned whether it was saved"
        hint = "Run the job: it looks again, and says what to do where nobody can tell."
    else:
        code, message = "BROUGHT_SINCE", f"another run has brought this row to the org since, as {record_id}"
        hint = "Nothing has to be done; to change the record, run the job."
    message = f"{change.sobject} {change.label or change.key}: {message}"
    return Problem(code, Stage.PLAN, message, hint, row=change.row, value=change.key)


def _by_codes(
    failed: Mapping[str, Change], results: Mapping[str, RowResult], codes: Collection[str]
) -> set[str]:
    """The rows that failed by one of the codes, and all that wait for one of them."""
    chosen = {name for name in failed if any(each.code in codes for each in results[name].problems)}
    while True:
        more = {
            name for name, change in failed.items() if name not in chosen and chosen & _waited_for(change)
        }
        if not more:
            return chosen
        chosen |= more


def _waited_for(change: Change) -> set[str]:
    return {*change.waits_for(), *(each for each in (change.parent, change.completes) if each)}


def _can_go(change: Change, chosen: Collection[str], ids: Mapping[str, str]) -> bool:
    """Whether everything that the row refers to is in the org or goes along with it."""
    needed = (*change.waits_for(), *((change.completes,) if change.completes else ()))
    return all(name in chosen or name in ids for name in needed)


def _with_ids(change: Change, ids: Mapping[str, str]) -> Change:
    """The change with the ids of the records that the old run made."""

    def known(value: PlannedValue) -> PlannedValue:
        return ids.get(value.change_id, value) if isinstance(value, Pending) else value

    is_converted = change.sobject == LEAD and change.change_id in ids
    return replace(
        located(change, ids),
        record_id=ids[change.change_id] if is_converted else located(change, ids).record_id,
        desired={name: known(value) for name, value in change.desired.items()},
        values={name: known(value) for name, value in change.values.items()},
    )

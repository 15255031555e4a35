"""Writes the role changes of deals that are in the org: read again, compared again, then one unit a deal.

What the fresh reading finds done already is not sent, what it finds different from the plan is a conflict.
Behind a receipt a lost answer is settled by the receipt; a role inserted without one is looked for, and stays
unknown where it is not there. The primary flag is given away only together with the change that takes it, so
that no deal is left without one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.contact_roles.role_rows import WantedRole
from sfsync.core.contact_roles.roles import gives_flag_away, plan_roles
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import Unit, graph_calls
from sfsync.core.sending.prices import ROWS_PER_READ
from sfsync.core.sending.units import ROLE_DEALS_PER_READ, role_unit, unit_id_of
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Node, Route
from sfsync.engine.applying.bulk_jobs.job_sending import send_by_job
from sfsync.engine.applying.in_doubt.receipts import Saved, Unseen, burn
from sfsync.engine.applying.in_doubt.settling import unknown
from sfsync.engine.applying.lead_role_applying import RolesThere, open_flags, roles_there
from sfsync.engine.applying.run_state import RunState, resolved
from sfsync.engine.applying.sending import MOST_TRIES, send_units
from sfsync.engine.planning.role_planning import OWN_FIELDS, held_roles, roles_lookup

_WANTED: Final = frozenset({Action.NOOP, Action.CREATE, Action.UPDATE, Action.CONVERT, Action.CONFLICT})


@dataclass(frozen=True, slots=True)
class DealRoles:
    """The role changes of one deal that is in the org, and all roles that the plan wants there."""

    parent: str
    deal_id: str
    changes: tuple[Change, ...]
    wanted: tuple[WantedRole, ...]


def apply_roles(state: RunState) -> None:
    """Brings the roles of deals that are in the org to the planned state."""
    deals = deals_with_roles(state)
    _by_job(state, deals)
    deals = deals_with_roles(state)
    most = ROLE_DEALS_PER_READ * state.threads  # what is read together goes side by side
    for start in range(0, len(deals), most):
        group = deals[start : start + most]
        units = _revised(state, group, doubted=frozenset())
        for _ in range(MOST_TRIES):
            doubts = send_units(state, units, graph_calls)
            if not doubts:
                break
            doubted = [state.by_id[node.change_id] for doubt in doubts for node in doubt.unit.nodes]
            units = _after_doubt(state, group, doubted)


def _by_job(state: RunState, deals: Sequence[DealRoles]) -> None:
    """Sends the plain new roles of all deals by one job, where that is their route."""
    if state.plan.routes[CONTACT_ROLE] is Route.JOB_FENCE and (nodes := _plain_rows(state, deals)):
        send_by_job(state, nodes)


def role_rows_for_job(state: RunState, *, made: Collection[str]) -> list[Node]:
    """The plain new roles that wait, for a job that carries those of other runs too.

    Deals of `made` were made a moment ago by this process: like those in one request with their roles, they are
    not looked at.
    """
    if state.plan.routes[CONTACT_ROLE] is not Route.JOB_FENCE:
        return []
    deals = deals_with_roles(state)
    new = [each for each in deals if each.parent in made]
    units = [
        role_unit(each.parent, each.changes, number=number, routes=state.plan.routes, ids=state.ids)
        for number, each in enumerate(new)
    ]
    nodes = [node for unit in units if unit.route is Route.JOB_FENCE for node in unit.nodes]
    return nodes + _plain_rows(state, [each for each in deals if each.parent not in made])


def _plain_rows(state: RunState, deals: Sequence[DealRoles]) -> list[Node]:
    """The new roles of deals that a job may carry, after a look at the roles that the deals have."""
    nodes: list[Node] = []
    for start in range(0, len(deals), ROWS_PER_READ):
        state.check_stop()
        units = _revised(state, deals[start : start + ROWS_PER_READ], doubted=frozenset())
        nodes += [node for unit in units if unit.route is Route.JOB_FENCE for node in unit.nodes]
    return nodes


def settle_roles(state: RunState, doubted: Sequence[Change]) -> None:
    """Settles role changes of an earlier attempt; what surely was not saved may be sent again."""
    units = _after_doubt(state, deals_with_roles(state), doubted)
    state.release([node.change_id for unit in units for node in unit.nodes], "NOT_SAVED")


def _after_doubt(state: RunState, deals: Sequence[DealRoles], doubted: Sequence[Change]) -> list[Unit]:
    """The units of what surely was not saved; the rest of the doubted changes is settled."""
    ids = {each.change_id for each in doubted}
    maybe = ids - _settled_by_receipt(state, doubted)
    narrowed = [_narrowed(each, ids) for each in deals]
    return _revised(state, [each for each in narrowed if each.changes], doubted=maybe)


def _settled_by_receipt(state: RunState, doubted: Sequence[Change]) -> set[str]:
    """The changes of which a receipt says whether they were saved; those that were are marked as proven."""
    by_unit: dict[str, list[str]] = {}
    for each in doubted:
        if unit_id_of(each) in state.tokens:
            by_unit.setdefault(unit_id_of(each), []).append(each.change_id)
    standings = burn(state, by_unit)
    state.proven |= {
        name for unit, names in by_unit.items() if isinstance(standings[unit], Saved) for name in names
    }
    return {
        name for unit, names in by_unit.items() if not isinstance(standings[unit], Unseen) for name in names
    }


def deals_with_roles(state: RunState) -> list[DealRoles]:
    """The deals in the org that have role changes still to be sent."""
    ids = state.ids
    waiting = [each for action in WRITES for each in state.waiting(CONTACT_ROLE, action)]
    if not waiting:
        return []
    by_parent: dict[str, list[Change]] = {}
    for each in waiting:
        by_parent.setdefault(each.parent or "", []).append(each)
    wanted = _wanted(state, ids)
    found = deal_ids(state.plan.changes, ids)
    deals = []
    for parent, changes in by_parent.items():
        deal_id = found.get(parent) or ids.get(parent)
        if deal_id is not None:
            deals.append(DealRoles(parent, deal_id, tuple(changes), tuple(wanted.get(parent, ()))))
    return deals


def deal_ids(changes: Iterable[Change], ids: Mapping[str, str]) -> dict[str, str]:
    """The deals' ids by the change that role rows have as parent; a deal need not be a row of the job itself."""
    found: dict[str, str] = {}
    for change in changes:
        deal_id = resolved(change.desired.get("OpportunityId"), ids)
        if change.sobject == CONTACT_ROLE and change.parent is not None and isinstance(deal_id, str):
            found[change.parent] = deal_id
    return found


def _narrowed(deal: DealRoles, change_ids: set[str]) -> DealRoles:
    changes = tuple(each for each in deal.changes if each.change_id in change_ids)
    return DealRoles(deal.parent, deal.deal_id, changes, deal.wanted)


def _wanted(state: RunState, ids: Mapping[str, str]) -> dict[str, list[WantedRole]]:
    wanted: dict[str, list[WantedRole]] = {}
    for change in state.plan.changes:
        if change.sobject != CONTACT_ROLE or change.row is None or change.action not in _WANTED:
            continue
        contact = resolved(change.desired.get("ContactId"), ids)
        role, flag = change.desired.get("Role"), change.desired.get("IsPrimary")
        if isinstance(contact, str):
            row = WantedRole(
                row=change.row,
                label=change.label,
                contact=contact,
                role=role if isinstance(role, str) else None,
                is_primary=flag if isinstance(flag, bool) else None,
                further={name: each for name, each in change.desired.items() if name not in OWN_FIELDS},
                is_derived=change.is_derived,
                change_id=change.change_id,
            )
            wanted.setdefault(change.parent or "", []).append(row)
    return wanted


def _revised(
    state: RunState, deals: Sequence[DealRoles], *, doubted: frozenset[str] | set[str]
) -> list[Unit]:
    """Units of what is still to be done by a fresh reading; everything else gets its result."""
    if not deals:
        return []
    further = {name for deal in deals for row in deal.wanted for name in row.further}
    [records] = state.gateway.fetch([roles_lookup([each.deal_id for each in deals], further)])
    held = held_roles(records, further, state.gateway.describe(CONTACT_ROLE))
    flags = open_flags(state, {each.parent: each.deal_id for each in deals})
    units: list[Unit] = []
    for number, deal in enumerate(deals):
        now = held.get(deal.deal_id, [])
        there = roles_there(state, deal.parent, deal.wanted, now, deal.changes, flag=flags.get(deal.parent))
        left = _left_to_do(state, deal, there, doubted=doubted)
        if left:
            unit = role_unit(deal.parent, left, number=number, routes=state.plan.routes, ids=state.ids)
            units.append(unit)
    return units


def _left_to_do(
    state: RunState, deal: DealRoles, there: RolesThere, *, doubted: frozenset[str] | set[str]
) -> list[Change]:
    synthetic = Change(
        deal.parent,
        OPPORTUNITY,
        Action.NOOP,
        deal.parent.removeprefix(f"{OPPORTUNITY}:"),
        deal.parent,
        record_id=deal.deal_id,
    )
    fresh = plan_roles(synthetic, deal.wanted, there.held, policy=_policy(deal, there), ledger={})
    now = {each.change_id: each for each in fresh.changes}
    steals = _steals(deal, there, fresh.changes)
    left: list[Change] = []
    results: list[RowResult] = []
    for change in deal.changes:
        if _has_no_taker(change, there, now) and change.change_id not in doubted | state.proven:
            continue  # what would take the flag is refused or blocked: it may come by a retry, and this goes along
        is_proven = change.change_id in state.proven
        is_doubted = change.change_id in doubted
        result = _end_of(there, change, now.get(change.change_id), is_doubted=is_doubted, is_proven=is_proven)
        if result is None and steals and change.values.get("IsPrimary") is True:
            result = _conflict(change, "somebody else was made the primary contact since the plan was made")
        if result is None:
            left.append(there.sent(change))
        else:
            results.append(there.named(result))
    keeping = _keeping_flag(left, fresh.changes)
    asked_for = [each for each in keeping if each.row is not None]
    results += [unknown(each) if each.change_id in doubted else _keeps_flag(each) for each in asked_for]
    state.release([each.change_id for each in keeping if each.row is None], "NOT_SAVED")
    state.settle(results)
    return [each for each in left if each not in keeping]


def _policy(deal: DealRoles, there: RolesThere) -> RolePolicy:
    """The policy to compare by: a retry knows some rows of the deal only, and deletes none that they lack."""
    is_mirrored = any(each.action is Action.DELETE for each in deal.changes)
    return RolePolicy.MERGE if there.policy is RolePolicy.MIRROR and not is_mirrored else there.policy


def _steals(deal: DealRoles, there: RolesThere, fresh: Sequence[Change]) -> bool:
    """Whether somebody has the flag from whom the plan does not take it: then it is not taken."""
    contacts = {each.record_id: each.contact_id for each in there.held}
    planned = {each.change_id for each in deal.changes}
    losing = {contacts.get(each.record_id or "") for each in deal.changes if gives_flag_away(each)} - {None}
    return any(
        each.row is None
        and gives_flag_away(each)
        and each.change_id not in planned
        and contacts.get(each.record_id or "") not in losing
        for each in fresh
    )


def _has_no_taker(change: Change, there: RolesThere, now: Mapping[str, Change]) -> bool:
    """Whether a change gives a flag away that its role has still, though nothing is there to take it."""
    if change.row is not None or change.action is not Action.UPDATE or not gives_flag_away(change):
        return False
    has_it = any(each.record_id == change.record_id and each.is_primary for each in there.held)
    return has_it and change.change_id not in now


def _end_of(
    there: RolesThere, change: Change, now: Change | None, *, is_doubted: bool, is_proven: bool
) -> RowResult | None:
    """The result that a fresh reading gives a change, or None when it is still to be sent."""
    if change.action is not Action.CONVERT:
        return _fresh_result(change, now, is_doubted=is_doubted, is_proven=is_proven)
    if there.made is None:  # the conversion made no role, or somebody has deleted it: the row's is a new one
        return _fresh_result(there.sent(change), now, is_doubted=is_doubted, is_proven=is_proven)
    return there.arrival(change) if there.is_as_wanted(change) else None


def _keeping_flag(left: Sequence[Change], fresh: Sequence[Change]) -> list[Change]:
    """Those that must not give the primary flag away, because the role that would take it is not sent."""
    takers = {
        each.change_id
        for each in fresh
        if each.action in (Action.CREATE, Action.UPDATE) and each.values.get("IsPrimary") is True
    }
    if not takers or takers & {each.change_id for each in left}:
        return []
    return [each for each in left if gives_flag_away(each)]


def _fresh_result(
    change: Change, now: Change | None, *, is_doubted: bool, is_proven: bool
) -> RowResult | None:
    """The result that a fresh reading gives a change, or None when it is still to be sent."""
    if change.action is Action.DELETE:
        is_there = now is not None and now.action is Action.DELETE
        return None if is_there else RowResult(change.change_id, Outcome.DELETED, change.record_id)
    if now is None or now.action is Action.NOOP:
        is_ours = is_doubted or is_proven
        done = Outcome.CREATED if change.action is Action.CREATE else Outcome.UPDATED
        outcome = done if is_ours else Outcome.UNCHANGED
        record_id = now.record_id if now else change.record_id
        return RowResult(change.change_id, outcome, record_id, adopted=not is_ours)
    if is_proven:
        return _conflict(change, "this run saved the role, and somebody has removed or changed it since")
    if now.action is Action.CREATE and change.action is Action.CREATE:
        return unknown(change) if is_doubted else None
    if now.action is Action.UPDATE and change.action is Action.UPDATE and now.record_id == change.record_id:
        return None
    if is_doubted and change.action is Action.CREATE and "Role" in now.values:
        return unknown(
            change
        )  # that another role could become this one says nothing of the one that was sent
    return _conflict(change, "the deal's contact roles were changed in the org since the plan was made")


def _conflict(change: Change, message: str) -> RowResult:
    problem = Problem(
        "CHANGED_IN_ORG", Stage.ORG, message, "Nothing was touched; run the job again.", row=change.row
    )
    return RowResult(change.change_id, Outcome.CONFLICT, change.record_id, (problem,))


def _keeps_flag(change: Change) -> RowResult:
    message = "the contact stays primary until the role that takes the flag over is settled"
    problem = Problem("BLOCKED_BY", Stage.ORG, message, "Settle that role first.", row=change.row)
    return RowResult(change.change_id, Outcome.BLOCKED, change.record_id, (problem,))

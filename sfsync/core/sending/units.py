"""Changes become the units that are sent: which records travel together, and in which order within a unit.

A new deal carries its roles, the primary one last. The roles of a deal that exists are one unit too, those
that give the primary flag away first and those that take it last, so that at no moment two contacts have it.
The plan's routes say what makes each unit safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sfsync.core.contact_roles.roles import gives_flag_away
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.sending.batches import DEALS_PER_GRAPH, GRAPHS_PER_CALL, Unit, by_account
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.values import Pending, PlannedValue, Value
from sfsync.core.writes import Node, NodeRef, Route

Ids = Mapping[str, str]
"""Change id -> record id, for the records that this run has created so far."""

Routes = Mapping[str, Route]
"""sObject -> the route of its creates; of contact roles, of those on deals that exist."""

_NO_IDS: Ids = {}

ROLE_DEALS_PER_READ: Final = DEALS_PER_GRAPH * GRAPHS_PER_CALL
"""Deals that exist whose roles are read again together, right before they go: as many as one call may carry."""


def default_strategy(sobject: str, routes: Routes) -> Strategy:
    """How creates travel where a plan has not chosen: as their route asks for."""
    route = routes.get(sobject)
    if route is Route.JOB_FENCE:
        return Strategy.BULK
    is_whole = sobject == OPPORTUNITY or route is Route.RECEIPT_FENCE
    return Strategy.GRAPHS if is_whole else Strategy.COLLECTIONS


def unit_id_of(change: Change) -> str:
    """The name of the unit that a change goes in: its deal's for a role, else its own."""
    return change.parent if change.sobject == CONTACT_ROLE and change.parent else change.change_id


def deal_units(
    deals: Iterable[Change], changes: Iterable[Change], routes: Routes, ids: Ids = _NO_IDS
) -> list[Unit]:
    """New deals, each with those of `changes` that are its new roles."""
    roles: dict[str, list[Change]] = {}
    for each in changes:
        if each.sobject == CONTACT_ROLE and each.action is Action.CREATE and each.parent is not None:
            roles.setdefault(each.parent, []).append(each)
    units = (
        _deal_unit(deal, roles.get(deal.change_id, []), number=number, route=routes[OPPORTUNITY], ids=ids)
        for number, deal in enumerate(deals)
    )
    return by_account(units)


def deal_sizes(creates: Sequence[Change], changes: Iterable[Change], routes: Routes) -> list[int]:
    """How many nodes each create is in a graph, its new roles and its receipt included, in the order of sending."""
    roles: dict[str, int] = {each.change_id: 0 for each in creates}
    for each in changes:
        if each.sobject == CONTACT_ROLE and each.action is Action.CREATE and each.parent in roles:
            roles[each.parent] += 1
    placed = [(_account(each, _NO_IDS), roles[each.change_id]) for each in creates]
    placed.sort(key=lambda each: (each[0] is None, each[0] or ""))
    of_itself = 3 if creates and routes.get(creates[0].sobject) is Route.RECEIPT_FENCE else 1
    return [of_itself + count for _, count in placed]


def _deal_unit(deal: Change, roles: Sequence[Change], *, number: int, route: Route, ids: Ids) -> Unit:
    ref = f"d{number}"
    nodes = [Node(ref, deal.change_id, deal.sobject, None, _body(deal.values, ids, {}))]
    own = {deal.change_id: NodeRef(ref)}
    nodes += [
        Node(f"{ref}r{place}", role.change_id, role.sobject, None, _body(role.values, ids, own))
        for place, role in enumerate(sorted(roles, key=_primary_last))
    ]
    return Unit(deal.change_id, tuple(nodes), route, account=_account(deal, ids), keeps_id=True)


def delete_units(changes: Iterable[Change]) -> list[Unit]:
    """Deletions of single records, each by itself."""
    return by_account(
        Unit(
            each.change_id,
            (Node(f"x{number}", each.change_id, each.sobject, each.record_id, {}, deletes=True),),
            Route.BY_ID,
            account=each.account,
            alone=True,
            also_locks=_also_locks(each),
        )
        for number, each in enumerate(changes)
    )


def record_units(changes: Iterable[Change], routes: Routes, ids: Ids = _NO_IDS) -> list[Unit]:
    """Creates and updates of single records."""
    return by_account(
        _record_unit(each, number=number, routes=routes, ids=ids) for number, each in enumerate(changes)
    )


def _record_unit(change: Change, *, number: int, routes: Routes, ids: Ids) -> Unit:
    is_create = change.action is Action.CREATE
    record_id = None if is_create else change.record_id
    node = Node(f"n{number}", change.change_id, change.sobject, record_id, _body(change.values, ids, {}))
    route = routes[change.sobject] if is_create else Route.BY_ID
    return Unit(
        change.change_id,
        (node,),
        route,
        account=_account(change, ids),
        keeps_id=is_create,
        also_locks=_also_locks(change),
    )


def role_units(changes: Sequence[Change], routes: Routes, ids: Ids = _NO_IDS) -> list[Unit]:
    """The role changes of deals that are in the org already, one unit a deal."""
    new_deals = {each.change_id for each in changes if each.action is Action.CREATE}
    by_deal: dict[str, list[Change]] = {}
    for each in changes:
        if each.sobject == CONTACT_ROLE and each.action in WRITES and each.parent not in new_deals:
            by_deal.setdefault(each.parent or "", []).append(each)
    units = (
        role_unit(deal, roles, number=number, routes=routes, ids=ids)
        for number, (deal, roles) in enumerate(by_deal.items())
    )
    return by_account(units)


def role_unit(deal_id: str, roles: Sequence[Change], *, number: int, routes: Routes, ids: Ids) -> Unit:
    """The changes of one existing deal's roles as one unit, all or nothing."""
    nodes = tuple(
        Node(
            f"r{number}n{place}",
            role.change_id,
            role.sobject,
            None if role.action is Action.CREATE else role.record_id,
            _body(role.values, ids, {}),
            deletes=role.action is Action.DELETE,
        )
        for place, role in enumerate(sorted(roles, key=_demotions_first))
    )
    return Unit(deal_id, nodes, _role_route(nodes, routes), account=roles[0].account)


def _role_route(nodes: Sequence[Node], routes: Routes) -> Route:
    """A receipt fences every change of a deal's roles; without one, changes by id may be repeated as they are.

    A job cannot keep rows together, so it carries only plain inserts, and nothing that moves the primary flag.
    """
    route = routes[CONTACT_ROLE]
    if route is Route.RECEIPT_FENCE:
        return route
    if all(node.record_id is not None for node in nodes):
        return Route.BY_ID
    is_plain = all(node.record_id is None and node.body.get("IsPrimary") is not True for node in nodes)
    return route if is_plain or route is not Route.JOB_FENCE else Route.AT_MOST_ONCE


def _primary_last(role: Change) -> bool:
    return role.values.get("IsPrimary") is True


def _demotions_first(role: Change) -> int:
    """Flags are given away first and taken last; a deletion is between, as it may clear the flags of its deal."""
    if role.action is Action.DELETE:
        return 1
    if gives_flag_away(role):
        return 0
    return 3 if role.values.get("IsPrimary") is True else 2


def _account(change: Change, ids: Ids) -> str | None:
    account = change.desired.get("AccountId")
    if isinstance(account, Pending):
        return ids.get(account.change_id, account.change_id)
    return account if isinstance(account, str) else change.account


def _also_locks(change: Change) -> tuple[str, ...]:
    """The deal of a role that goes by itself, and the account that a record leaves for another one."""
    deal = change.parent if change.sobject == CONTACT_ROLE else None
    return tuple(each for each in (deal, change.before.get("AccountId")) if isinstance(each, str))


def _body(
    values: Mapping[str, PlannedValue], ids: Ids, own: Mapping[str, NodeRef]
) -> dict[str, Value | NodeRef]:
    return {name: _sent(value, ids, own) for name, value in values.items()}


def _sent(value: PlannedValue, ids: Ids, own: Mapping[str, NodeRef]) -> Value | NodeRef:
    if not isinstance(value, Pending):
        return value
    return own.get(value.change_id) or ids.get(value.change_id)

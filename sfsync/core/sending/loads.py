"""What a plan has to send, counted: all that the choice of a way needs, and what the portions of a book add up to.

Prices of calls are those of each portion, which is packed by itself; a job takes the rows of all portions, so its
price is that of their sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.costs import (
    changes_of,
    create_price,
    role_looks,
    roles_in_graphs,
    second_pass,
    update_price,
)
from sfsync.core.sending.prices import (
    DEFAULT_SPEED,
    ROWS_PER_READ,
    Speed,
    job_price,
    parts,
    together,
)
from sfsync.core.sending.strategy import Price, Strategy
from sfsync.core.sending.units import Routes
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route

_BY_CALLS: Final = (Strategy.COLLECTIONS, Strategy.GRAPHS)

Prices = Mapping[Strategy, Price]


@dataclass(frozen=True, slots=True)
class Rows:
    """The creates or the updates of one sObject: how many, and what they cost by the ways that are calls.

    `looks` are the calls that read them again before they go by a job.
    """

    count: int = 0
    by_calls: Prices = field(default_factory=dict)
    looks: int = 0

    def __add__(self, other: Rows) -> Rows:
        names = dict.fromkeys((*self.by_calls, *other.by_calls))
        summed = {name: _sum(self.by_calls.get(name), other.by_calls.get(name)) for name in names}
        return Rows(self.count + other.count, summed, self.looks + other.looks)

    def price(self, way: Strategy, *, speed: Speed) -> Price:
        """What all of them cost by one way."""
        if way is Strategy.BULK:
            return job_price(self.count, reads=self.looks, speed=speed)
        return self.by_calls[way]


@dataclass(frozen=True, slots=True)
class NewRoles:
    """The new roles of new deals: how many, the looks at their deals before a job, their price behind receipts."""

    count: int = 0
    looks: int = 0
    behind_receipts: Price | None = None

    def __add__(self, other: NewRoles) -> NewRoles:
        receipts = [each for each in (self.behind_receipts, other.behind_receipts) if each is not None]
        both = _sum(receipts[0], receipts[1] if len(receipts) > 1 else None) if receipts else None
        return NewRoles(self.count + other.count, self.looks + other.looks, both)


@dataclass(frozen=True, slots=True)
class Load:
    """What a plan, or a book of plans, has to send; `+` adds two portions up.

    `updates` are those that go at once, not in a second pass. `flags` are new roles with the primary flag,
    `other_roles` new roles of deals that exist.
    """

    creates: Mapping[str, Rows] = field(default_factory=dict)
    updates: Mapping[str, Rows] = field(default_factory=dict)
    roles: NewRoles = NewRoles()
    flags: int = 0
    other_roles: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            _added(self.creates, other.creates),
            _added(self.updates, other.updates),
            self.roles + other.roles,
            self.flags + other.flags,
            self.other_roles + other.other_roles,
        )

    def without_looks(self) -> Load:
        """The same, where roles follow their deals without a look."""
        return replace(self, roles=replace(self.roles, looks=0))


def load_of(changes: Sequence[Change], routes: Routes, *, speed: Speed = DEFAULT_SPEED) -> Load:
    """What these changes are to send."""
    last = second_pass(changes)
    creates: dict[str, Rows] = {}
    updates: dict[str, Rows] = {}
    for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
        new = changes_of(changes, sobject, Action.CREATE)
        if new:
            prices = {way: create_price(way, new, changes, routes, speed=speed) for way in _BY_CALLS}
            creates[sobject] = Rows(len(new), prices)
        count = sum(1 for each in changes_of(changes, sobject, Action.UPDATE) if each.change_id not in last)
        if count:
            prices = {way: update_price(way, count, is_strict=False, speed=speed) for way in _BY_CALLS}
            updates[sobject] = Rows(count, prices, parts(count, ROWS_PER_READ))
    roles = changes_of(changes, CONTACT_ROLE, Action.CREATE)
    deals = {each.change_id for each in changes_of(changes, OPPORTUNITY, Action.CREATE)}
    own = [each for each in roles if each.parent in deals]
    return Load(
        creates,
        updates,
        _new_roles(own, speed) if own and routes.get(OPPORTUNITY) is Route.KEY_FENCE else NewRoles(len(own)),
        sum(each.values.get("IsPrimary") is True for each in roles),
        len(roles) - len(own),
    )


def _new_roles(roles: Sequence[Change], speed: Speed) -> NewRoles:
    counts = Counter(each.parent for each in roles).values()
    receipts = roles_in_graphs([count + 1 for count in counts], speed=speed)
    return NewRoles(len(roles), role_looks(len(counts)), receipts)


def _added(some: Mapping[str, Rows], more: Mapping[str, Rows]) -> dict[str, Rows]:
    return {name: some.get(name, Rows()) + more.get(name, Rows()) for name in dict.fromkeys((*some, *more))}


def _sum(some: Price | None, more: Price | None) -> Price:
    if some is None or more is None:
        found = some or more
        assert found is not None
        return found
    return together(some, more)

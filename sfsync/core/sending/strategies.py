"""Chooses how the writes of a plan travel: the way that costs the fewest calls, of those that their route allows.

A key allows every way for rows that stand alone. New deals with roles go in graphs, or the deals by a job with
their unique key and the roles after them by a job or by receipts; a job moves no primary flag, and rows behind
receipts go in graphs. Updates on a condition stay conditional. The break-even of two ways is where their prices
cross (`prices`); no number of rows is named here. Source: reliability.md 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sfsync.core.job import OnRoleError
from sfsync.core.plans.plan import Change
from sfsync.core.sending.loads import Load, NewRoles, Rows, load_of
from sfsync.core.sending.prices import WINDOW_PRICE, Speed, job_price, together
from sfsync.core.sending.strategy import Choice, Operation, Price, Strategy
from sfsync.core.sending.units import Routes, default_strategy
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.errors import ConfigError

_IN_GRAPHS: Final = "a new deal and its contact roles go in one transaction, which a collection is not"
_ONE_WAY: Final = {
    Route.RECEIPT_FENCE: "they go behind receipts, which only graphs carry",
    Route.JOB_FENCE: "without a key or receipts only a bulk job says what became of them",
    Route.AT_MOST_ONCE: "nothing makes them safe to repeat",
}
_NO_JOBS: Final = "the org lets this user run no bulk jobs"
_FLAG: Final = (
    "a job moves no primary flag, and the org has no object for receipts that the roles could go behind"
)
_TOO_LAX: Final = "their contact roles would follow by the job fence, and the job wants a stricter route"
_WHOLE_DEALS: Final = "a deal is to fall with a refused role, and a job commits the deals before the roles"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a job says of how its writes travel; None leaves it to the plan."""

    strategy: Strategy | None = None
    route: Route | None = None
    on_role_error: OnRoleError = OnRoleError.ROLE


class Offers(Protocol):
    """What the org offers besides keys; each is asked for when it counts, and once."""

    def has_receipts(self) -> bool:
        """Whether there is an object for receipts."""
        ...

    def has_jobs(self) -> bool:
        """Whether this user may run bulk jobs."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the writes of a plan travel, and the routes that they take then."""

    routes: Routes
    choices: tuple[Choice, ...] = ()


@dataclass(slots=True)
class _Ways:
    """The possible ways of some rows, the usual one first, and why another one is not possible."""

    prices: dict[Strategy, Price] = field(default_factory=dict)
    refused: dict[Strategy, str] = field(default_factory=dict)
    window_price: int = 1

    def cheapest(self) -> Price:
        """The way of the fewest calls; of two, the usual one, by which also goes what one call carries."""
        usual = next(iter(self.prices.values()))
        if usual.writes <= 1:
            return usual
        return min(self.prices.values(), key=self._weight)

    def _weight(self, price: Price) -> int:
        return price.calls * (self.window_price if price.strategy is Strategy.BULK else 1)

    def refuse(self, way: Strategy, why: str) -> None:
        """Takes a way out."""
        if self.prices.pop(way, None) is not None:
            self.refused[way] = why


def choose_strategies(
    changes: Sequence[Change], routes: Routes, wish: Wish, *, is_strict: bool, offers: Offers, speed: Speed
) -> Chosen:
    """How the writes of these changes travel.

    Raises:
        ConfigError: the way that the job wants is not possible for some of them.
    """
    load = load_of(changes, routes, speed=speed)
    return choose_for(load, routes, wish, is_strict=is_strict, offers=offers, speed=speed)


def choose_for(
    load: Load, routes: Routes, wish: Wish, *, is_strict: bool, offers: Offers, speed: Speed
) -> Chosen:
    """The same for a load that is counted already: that of one plan, or of all portions of a book.

    Raises:
        ConfigError: the way that the job wants is not possible for some of it.
    """
    return _Choosing(load, dict(routes), wish, is_strict, offers, speed).choose()


@dataclass(slots=True)
class _Choosing:
    load: Load
    routes: dict[str, Route]
    wish: Wish
    is_strict: bool
    offers: Offers
    speed: Speed

    def choose(self) -> Chosen:
        choices: list[Choice] = []
        for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
            creates = self.load.creates.get(sobject)
            if creates is not None:
                choices.append(self._creates(sobject, creates))
            updates = self.load.updates.get(sobject)
            if updates is not None and not self.is_strict:
                ways = self._ways_of_updates(updates)
                choices.append(self._settled(sobject, Operation.UPDATE, updates.count, ways))
        self._send_roles_by_job()
        return Chosen(self.routes, tuple(choices))

    def _creates(self, sobject: str, creates: Rows) -> Choice:
        roles = self.load.roles if sobject == OPPORTUNITY else NewRoles()
        ways = self._ways_of_creates(sobject, creates, has_roles=bool(roles.count))
        if not roles.count or self.routes[sobject] is not Route.KEY_FENCE:
            return self._settled(sobject, Operation.CREATE, creates.count, ways)
        route = self._add_roles(ways, roles)
        choice = self._settled(sobject, Operation.CREATE, creates.count, ways)
        if choice.strategy is Strategy.BULK and route is not None:
            self.routes[CONTACT_ROLE] = route
        return choice

    def _ways_of_creates(self, sobject: str, creates: Rows, *, has_roles: bool) -> _Ways:
        route, usual = self.routes[sobject], default_strategy(sobject, self.routes)
        ways = _Ways()
        for way in dict.fromkeys((usual, *Strategy)):
            why = "" if way is usual else _ONE_WAY.get(route, "")
            if not why and has_roles and way is not usual:
                why = _IN_GRAPHS if way is Strategy.COLLECTIONS else self._why_not_apart()
            if why:
                ways.refused[way] = why
            else:
                ways.prices[way] = creates.price(way, speed=self.speed)
        return ways

    def _why_not_apart(self) -> str:
        """Why the roles of new deals cannot follow them; "" where they can."""
        return _WHOLE_DEALS if self.wish.on_role_error is OnRoleError.DEAL else ""

    def _add_roles(self, ways: _Ways, roles: NewRoles) -> Route | None:
        """Adds what the roles cost that follow their deals; returns the route that they take then."""
        route = self._route_of_roles() if Strategy.BULK in ways.prices else None
        if route is None:
            ways.refuse(Strategy.BULK, _FLAG if self._may_be_lax() else _TOO_LAX)
            return None
        follow = job_price(roles.count, reads=roles.looks, speed=self.speed)
        if route is Route.RECEIPT_FENCE and roles.behind_receipts is not None:
            follow = roles.behind_receipts
        ways.prices[Strategy.BULK] = together(ways.prices[Strategy.BULK], follow)
        return route

    def _route_of_roles(self) -> Route | None:
        """The route of roles that follow their deals; None where none is strict enough.

        Where the org has both, receipts go before jobs, because they prove most; a person's word for jobs sends
        plain roles by the job fence. One route is for all roles of a plan.
        """
        is_better = self.wish.strategy is Strategy.BULK or not self.offers.has_receipts()
        if not self.load.flags and is_better and self._may_be_lax():
            return Route.JOB_FENCE
        return Route.RECEIPT_FENCE if self.offers.has_receipts() else None

    def _may_be_lax(self) -> bool:
        return self.wish.route in (None, Route.JOB_FENCE)

    def _ways_of_updates(self, updates: Rows) -> _Ways:
        ways = _Ways(window_price=WINDOW_PRICE)
        for way in (Strategy.COLLECTIONS, Strategy.GRAPHS, Strategy.BULK):
            ways.prices[way] = updates.price(way, speed=self.speed)
        return ways

    def _wants_jobs(self, ways: _Ways) -> bool:
        """Whether jobs are asked for, or would be chosen by what is known of their price so far."""
        wanted = self.wish.strategy
        return Strategy.BULK in ways.prices and (wanted or ways.cheapest().strategy) is Strategy.BULK

    def _settled(self, sobject: str, operation: Operation, count: int, ways: _Ways) -> Choice:
        wanted = self.wish.strategy
        if len(ways.prices) > 1 and self._wants_jobs(ways) and not self.offers.has_jobs():
            ways.refuse(Strategy.BULK, _NO_JOBS)
        if wanted is not None and wanted not in ways.prices:
            raise _impossible(sobject, operation, wanted, ways)
        price = ways.prices[wanted] if wanted is not None else ways.cheapest()
        others = tuple(each for each in ways.prices.values() if each.strategy is not price.strategy)
        return Choice(sobject, operation, count, price, others, is_forced=wanted is not None)

    def _send_roles_by_job(self) -> None:
        """Sends plain new roles of deals that exist by a job too, where a person wants jobs."""
        if self.wish.strategy is not Strategy.BULK or not self.load.other_roles:
            return
        if self.offers.has_jobs() and self._route_of_roles() is Route.JOB_FENCE:
            self.routes[CONTACT_ROLE] = Route.JOB_FENCE


def _impossible(sobject: str, operation: Operation, wanted: Strategy, ways: _Ways) -> ConfigError:
    possible = " or ".join(sorted(each.value for each in ways.prices))
    return ConfigError(
        f"{operation.value}s of {sobject} cannot go by {wanted.value}: {ways.refused.get(wanted, _NO_JOBS)}",
        code="STRATEGY_NOT_POSSIBLE",
        hint=f"They can go by {possible}; the strategy auto takes the one of the fewest calls.",
    )

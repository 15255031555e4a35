"""Asks the org what it offers to make writes safe to repeat, and chooses by it how a plan's creates and updates go.

The org is asked about receipts only when something in the plan would go behind one, so a run with nothing to
do costs no call for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.job import Job, UpdateMode
from sfsync.core.plans.plan import WRITES, Action, Change, OrgCalls, Plan, PredictedCalls
from sfsync.core.ports import OrgGateway
from sfsync.core.sending.book_sending import BookSending
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.sending.loads import Load, load_of
from sfsync.core.sending.pace import USUAL_THREADS
from sfsync.core.sending.prices import DEFAULT_SPEED, Speed
from sfsync.core.sending.receipts import RECEIPT, can_keep_receipts
from sfsync.core.sending.routes import Means, choose_routes
from sfsync.core.sending.strategies import Wish, choose_for, choose_strategies
from sfsync.core.sending.strategy import Choice
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Route
from sfsync.engine.planning.schema import Schema
from sfsync.errors import ConfigError

MOST_STRICT: Final = 500
"""Updates of one plan that are each sent on a condition; more go without, two hundred times faster."""


@dataclass(slots=True)
class BookLoad:
    """What the portions of a book have to send: taken in as they are planned, chosen for when all are."""

    job: Job
    schema: Schema
    offers: OrgOffers
    load: Load = field(default_factory=Load)
    updates: int = 0
    _asks: bool = False

    def add(self, plan: Plan) -> None:
        """Takes a portion in, as it was planned by itself."""
        self.load += load_of(plan.changes, plan.routes, speed=_speed(self.job, self.offers.gateway))
        self.updates += updates_of(plan.changes)
        self._asks = self._asks or _needs_more_than_keys(self.schema, plan.changes)

    def sending(self) -> BookSending:
        """How all portions go.

        Raises:
            ConfigError: as `plan_sending`.
        """
        job, offers = self.job, self.offers
        is_strict = _is_strict(job.update_mode, self.updates)
        routes = _routes(job, self.schema, offers, asks=self._asks)
        wish, speed = Wish(job.strategy, job.route, job.on_role_error), _speed(job, offers.gateway)
        load = self.load.without_looks()  # the roles of deals that the run has just made follow unseen
        chosen = choose_for(load, routes, wish, is_strict=is_strict, offers=offers, speed=speed)
        return BookSending(chosen.routes, is_strict, chosen.choices, _threads(job))


@dataclass(frozen=True, slots=True)
class Sending:
    """How the writes of a plan go: by which routes, on conditions or not, by which strategies, and for how many
    calls.
    """

    routes: Mapping[str, Route]
    is_strict: bool
    choices: tuple[Choice, ...]
    predicted: PredictedCalls
    org_calls: OrgCalls | None


def plan_sending(
    job: Job, schema: Schema, changes: Sequence[Change], offers: OrgOffers, *, earlier: int = 0
) -> Sending:
    """How the writes of these changes go; `earlier` counts the updates of portions that were planned before.

    Raises:
        ConfigError: the job wants a route that the org cannot give, or a strategy that the route does not allow.
    """
    routes = _routes(job, schema, offers, asks=_needs_more_than_keys(schema, changes))
    is_strict = goes_on_conditions(job.update_mode, changes, earlier=earlier)
    wish, gateway = Wish(job.strategy, job.route, job.on_role_error), offers.gateway
    speed = _speed(job, gateway)
    chosen = choose_strategies(changes, routes, wish, is_strict=is_strict, offers=offers, speed=speed)
    predicted = predicted_calls(
        changes, chosen.routes, is_strict=is_strict, choices=chosen.choices, threads=_threads(job)
    )
    if predicted.total:
        gateway.learn_limits()
    return Sending(chosen.routes, is_strict, chosen.choices, predicted, org_calls(gateway))


def _routes(job: Job, schema: Schema, offers: OrgOffers, *, asks: bool) -> Mapping[str, Route]:
    means = Means(has_receipts=False, has_jobs=False)
    if asks or job.route is not None:
        means = means_of(offers)
    return choose_routes(schema.writing, means, wanted=job.route)


def _speed(job: Job, gateway: OrgGateway) -> Speed:
    latency_s = gateway.usage.latency_s or DEFAULT_SPEED.latency_s
    return Speed(latency_s=latency_s, concurrency=_threads(job))


def _threads(job: Job) -> int:
    return job.threads or USUAL_THREADS


def org_calls(gateway: OrgGateway) -> OrgCalls | None:
    """What the org says of the calls of its day, by the answers so far."""
    usage = gateway.usage
    if usage.limit_max is None:
        return None
    return OrgCalls(usage.limit_used or 0, usage.limit_max)


class OrgOffers:
    """What the org offers besides keys, each asked for when it counts and once."""

    def __init__(self, gateway: OrgGateway) -> None:
        self.gateway = gateway
        self._has_receipts: bool | None = None
        self._has_jobs: bool | None = None

    def has_receipts(self) -> bool:
        """Whether there is an object for receipts; at most one call."""
        if self._has_receipts is None:
            try:
                self._has_receipts = can_keep_receipts(self.gateway.describe(RECEIPT))
            except ConfigError as error:
                if error.code != "UNKNOWN_SOBJECT":
                    raise
                self._has_receipts = False
        return self._has_receipts

    def has_jobs(self) -> bool:
        """Whether this user may run bulk jobs; one call."""
        if self._has_jobs is None:
            self._has_jobs = self.gateway.jobs.is_allowed()
        return self._has_jobs


def means_of(offers: OrgOffers) -> Means:
    """What the org offers besides keys; whether there are jobs is asked only where there are no receipts."""
    has_receipts = offers.has_receipts()
    return Means(has_receipts=has_receipts, has_jobs=not has_receipts and offers.has_jobs())


def goes_on_conditions(mode: UpdateMode, changes: Sequence[Change], *, earlier: int = 0) -> bool:
    """Whether each update of the plan goes on the condition that nobody has edited its record meanwhile.

    `earlier` counts the updates of earlier portions.
    """
    return _is_strict(mode, earlier + updates_of(changes))


def _is_strict(mode: UpdateMode, updates: int) -> bool:
    if mode is not UpdateMode.AUTO:
        return mode is UpdateMode.STRICT
    return updates <= MOST_STRICT


def updates_of(changes: Sequence[Change]) -> int:
    """How many updates could go on a condition."""
    return sum(each.action is Action.UPDATE and each.sobject != CONTACT_ROLE for each in changes)


def _needs_more_than_keys(schema: Schema, changes: Sequence[Change]) -> bool:
    """Whether the plan writes rows without a key, or roles of deals that are in the org."""
    keyless = {each.sobject for each in schema.writing if each.key is None} - {CONTACT_ROLE}
    new_deals = {each.change_id for each in changes if each.action is Action.CREATE}
    return any(
        each.sobject in keyless or (each.sobject == CONTACT_ROLE and each.parent not in new_deals)
        for each in changes
        if each.action in WRITES
    )

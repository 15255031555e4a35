"""Which route the creates of each sObject take: decided once for a plan, from what the org offers.

A key makes a create safe by itself. Rows without one, and contact roles on deals that exist, take the best of
what the org allows: receipts, else bulk jobs, else they are sent once and a lost answer is left to a person.
A job may ask for a stricter route than it would get, never for a laxer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.job import Section
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.errors import ConfigError

STRICTNESS: Final = (Route.AT_MOST_ONCE, Route.JOB_FENCE, Route.KEY_FENCE, Route.RECEIPT_FENCE)
"""From laxest to strictest: what must hold for a repeat to do no harm. A receipt proves besides that a write
was saved, so it counts as stricter than a key."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the org offers besides keys: an object for receipts, and Bulk API 2.0 jobs."""

    has_receipts: bool
    has_jobs: bool

    def best(self) -> Route:
        """The best route of a create without a key."""
        if self.has_receipts:
            return Route.RECEIPT_FENCE
        return Route.JOB_FENCE if self.has_jobs else Route.AT_MOST_ONCE


def choose_routes(sections: Iterable[Section], means: Means, *, wanted: Route | None) -> Mapping[str, Route]:
    """The route of each sObject's creates; of contact roles, of those on deals that exist.

    Raises:
        ConfigError: the job wants a route that the org cannot give.
    """
    keys = {each.sobject: each.key for each in sections}
    routes = {
        sobject: Route.KEY_FENCE if key else means.best()
        for sobject, key in keys.items()
        if sobject != CONTACT_ROLE
    }
    routes.setdefault(OPPORTUNITY, Route.KEY_FENCE)
    routes[CONTACT_ROLE] = means.best()
    if wanted is None:
        return routes
    return raised_routes(routes, means, wanted=wanted)


def raised_routes(routes: Mapping[str, Route], means: Means, *, wanted: Route) -> Mapping[str, Route]:
    """The routes, none laxer than the one that is wanted.

    Raises:
        ConfigError: the org cannot give it.
    """
    return {sobject: _raised(sobject, route, wanted, means) for sobject, route in routes.items()}


def _raised(sobject: str, route: Route, wanted: Route, means: Means) -> Route:
    if STRICTNESS.index(route) >= STRICTNESS.index(wanted):
        return route
    if wanted is Route.RECEIPT_FENCE and means.has_receipts:
        return wanted
    raise ConfigError(
        f"{sobject}: the job wants the route {wanted.value}, but this org gives only {route.value}",
        code="ROUTE_NOT_POSSIBLE",
        hint="sfsync check says what the org lacks; sfsync org setup writes the metadata for it.",
    )

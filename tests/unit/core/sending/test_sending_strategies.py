"""Which way the writes of a plan travel: the cheapest that keeps them safe, and no flag by a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from sfsync.core.job import OnRoleError
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.prices import DEFAULT_SPEED
from sfsync.core.sending.strategies import Chosen, Wish, choose_strategies
from sfsync.core.sending.strategy import Operation, Strategy, strategy_of
from sfsync.core.writes import Route
from sfsync.errors import ConfigError

ACCOUNT, DEAL, ROLE = "Account", "Opportunity", "OpportunityContactRole"
KEYED = {ACCOUNT: Route.KEY_FENCE, DEAL: Route.KEY_FENCE, ROLE: Route.AT_MOST_ONCE}


@dataclass
class Org:
    """What an org offers, and what it was asked."""

    receipts: bool = False
    jobs: bool = True
    asked: list[str] = field(default_factory=list)

    def has_receipts(self) -> bool:
        """Whether there is an object for receipts."""
        self.asked.append("receipts")
        return self.receipts

    def has_jobs(self) -> bool:
        """Whether jobs are allowed."""
        self.asked.append("jobs")
        return self.jobs


def creates(sobject: str, count: int) -> list[Change]:
    """So many new records."""
    return [Change(f"{sobject}:{number}", sobject, Action.CREATE, str(number), "") for number in range(count)]


def updates(count: int) -> list[Change]:
    """So many updates of deals."""
    return [
        Change(f"{DEAL}:u{n}", DEAL, Action.UPDATE, f"u{n}", "", record_id=f"006{n}") for n in range(count)
    ]


def deals(count: int, *, roles: int = 0, primary: bool = False) -> list[Change]:
    """So many new deals with so many roles each."""
    values: dict[str, Any] = {"IsPrimary": True} if primary else {}
    new = creates(DEAL, count)
    return new + [
        Change(f"{ROLE}:{n}.{m}", ROLE, Action.CREATE, "", "", values=values, parent=each.change_id)
        for n, each in enumerate(new)
        for m in range(roles)
    ]


def chosen(
    changes: list[Change],
    org: Org,
    routes: dict[str, Route] | None = None,
    *,
    strict: bool = False,
    **wish: Any,
) -> Chosen:
    """How these changes travel."""
    return choose_strategies(
        changes, routes or KEYED, Wish(**wish), is_strict=strict, offers=org, speed=DEFAULT_SPEED
    )


def way(made: Chosen, sobject: str, operation: Operation = Operation.CREATE) -> Strategy | None:
    """The way of some rows."""
    return strategy_of(made.choices, sobject, operation)


def test_few_rows_go_as_ever_and_nothing_is_asked_of_jobs() -> None:
    """A plan of one call has nothing to choose."""
    org = Org()
    made = chosen([*creates(ACCOUNT, 3), *deals(5, roles=2)], org)
    assert (way(made, ACCOUNT), way(made, DEAL)) == (Strategy.COLLECTIONS, Strategy.GRAPHS)
    assert "jobs" not in org.asked
    assert dict(made.routes) == KEYED


def test_many_new_deals_with_plain_roles_go_by_jobs_and_their_roles_follow_by_the_job_fence() -> None:
    """The org has no receipts, so nothing stricter is left out."""
    made = chosen(deals(3000, roles=2), Org())
    assert (way(made, DEAL), made.routes[ROLE]) == (Strategy.BULK, Route.JOB_FENCE)


def test_receipts_are_never_left_for_jobs_without_a_persons_word() -> None:
    """Roles behind receipts make jobs dearer than graphs; forced, the plain ones go by a job."""
    org = Org(receipts=True)
    assert way(chosen(deals(3000, roles=2), org), DEAL) is Strategy.GRAPHS
    forced = chosen(deals(300, roles=2), org, strategy=Strategy.BULK)
    assert (way(forced, DEAL), forced.routes[ROLE]) == (Strategy.BULK, Route.JOB_FENCE)
    strict = chosen(deals(300, roles=2), org, strategy=Strategy.BULK, route=Route.RECEIPT_FENCE)
    assert strict.routes[ROLE] is Route.RECEIPT_FENCE


def test_a_primary_flag_keeps_deals_in_graphs_or_puts_their_roles_behind_receipts() -> None:
    """A job moves none."""
    assert way(chosen(deals(5000, roles=1, primary=True), Org()), DEAL) is Strategy.GRAPHS
    with pytest.raises(ConfigError, match="moves no primary flag"):
        chosen(deals(3, roles=1, primary=True), Org(), strategy=Strategy.BULK)
    made = chosen(deals(3, roles=1, primary=True), Org(receipts=True), strategy=Strategy.BULK)
    assert made.routes[ROLE] is Route.RECEIPT_FENCE


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"on_role_error": OnRoleError.DEAL}, "fall with a refused role"),
        ({"route": Route.KEY_FENCE}, "stricter route"),
    ],
)
def test_what_the_job_wants_besides_may_keep_deals_from_going_by_jobs(wish: dict[str, Any], why: str) -> None:
    """By itself the plan takes graphs then; forced, it says why not."""
    assert way(chosen(deals(5000, roles=1), Org(), **wish), DEAL) is Strategy.GRAPHS
    with pytest.raises(ConfigError, match=why):
        chosen(deals(3, roles=1), Org(), strategy=Strategy.BULK, **wish)


def test_without_jobs_the_cheapest_other_way_is_taken() -> None:
    """The org is asked once, and only because a job would be cheaper."""
    org = Org(jobs=False)
    assert way(chosen(deals(5000), org), DEAL) is Strategy.COLLECTIONS
    assert way(chosen(deals(5000, roles=2), org), DEAL) is Strategy.GRAPHS


@pytest.mark.parametrize("route", [Route.RECEIPT_FENCE, Route.JOB_FENCE, Route.AT_MOST_ONCE])
def test_rows_without_a_key_have_one_way(route: Route) -> None:
    """Their route says which; any other is refused by name."""
    routes = {**KEYED, DEAL: route}
    own = way(chosen(deals(4000), Org(), routes), DEAL)
    assert own is (Strategy.BULK if route is Route.JOB_FENCE else Strategy.GRAPHS)
    other = Strategy.GRAPHS if own is Strategy.BULK else Strategy.BULK
    with pytest.raises(ConfigError) as refused:
        chosen(deals(3), Org(), routes, strategy=other)
    assert refused.value.code == "STRATEGY_NOT_POSSIBLE"


def test_updates_on_conditions_have_nothing_to_choose() -> None:
    """Without conditions many go by a job, where that saves most of the calls."""
    assert chosen(updates(100), Org(), strict=True, strategy=Strategy.BULK).choices == ()
    assert way(chosen(updates(2_000), Org()), DEAL, Operation.UPDATE) is Strategy.COLLECTIONS
    assert way(chosen(updates(30_000), Org()), DEAL, Operation.UPDATE) is Strategy.BULK
    assert way(chosen(updates(30_000), Org(jobs=False)), DEAL, Operation.UPDATE) is Strategy.COLLECTIONS


def test_a_choice_tells_what_the_other_ways_would_cost() -> None:
    """The chosen way is never the dearer one."""
    [made] = chosen(deals(3000, roles=2), Org(receipts=True)).choices
    assert (made.price.calls, made.rows) == (19, 3000)
    assert all(each.calls >= made.price.calls for each in made.others)

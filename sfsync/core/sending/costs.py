"""What applying a plan costs in API calls when nothing fails, and how many creates go by which route.

Counted by the packing that the work itself does (`prices`), and by the ways that the plan has chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sfsync.core.deals.leads import convert_calls, lead_unit
from sfsync.core.plans.plan import Action, Change, PredictedCalls
from sfsync.core.references.second_pass import is_second_pass
from sfsync.core.sending.batches import Unit, graph_calls, update_batches
from sfsync.core.sending.pace import USUAL_THREADS
from sfsync.core.sending.prices import (
    DEFAULT_SPEED,
    ROWS_PER_READ,
    Speed,
    call_price,
    collection_calls_for,
    conditional_calls_for,
    graph_calls_for,
    job_price,
    parts,
    reads_of_batches,
    reads_of_places,
    together,
)
from sfsync.core.sending.strategy import Choice, Operation, Price, Strategy, strategy_of
from sfsync.core.sending.units import (
    ROLE_DEALS_PER_READ,
    Routes,
    deal_sizes,
    default_strategy,
    delete_units,
    record_units,
    role_units,
)
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, LEAD, OPPORTUNITY, WRITE_ORDER
from sfsync.core.writes import Route

_BROUGHT: Final = frozenset({Action.CREATE, Action.UPDATE, Action.CONVERT})

LEAD_READS: Final = 3
"""The leads before and after their conversion, and the deals that came out of them."""

_PARENTS: Final = frozenset({ACCOUNT, CONTACT})
"""What an undo deletes only after a look whether anything belongs to it."""

_NO_CHOICES: tuple[Choice, ...] = ()


def predicted_calls(
    changes: Sequence[Change],
    routes: Routes,
    *,
    is_strict: bool,
    choices: Sequence[Choice] = _NO_CHOICES,
    shares_jobs: bool = False,
    threads: int = USUAL_THREADS,
) -> PredictedCalls:
    """Reads and writes of an apply; updates are read again first, as many batches together as there are threads,
    so are parents to be made, and all is read back.

    What a collection of several rows has made is read by its ids, to see whose they are. With `shares_jobs` jobs
    carry the rows of other portions too and are not counted; roles follow their new deals then without a look.
    """
    reads, writes = 0, 0
    last, speed = second_pass(changes), Speed(concurrency=threads)
    for sobject in (ACCOUNT, CONTACT, OPPORTUNITY):
        creates = changes_of(changes, sobject, Action.CREATE)
        updates = [each for each in changes_of(changes, sobject, Action.UPDATE) if each.change_id not in last]
        reads += any(each.found_by for each in creates)  # whether somebody has made them meanwhile
        way = strategy_of(choices, sobject, Operation.CREATE) or default_strategy(sobject, routes)
        if creates:
            price = create_price(way, creates, changes, routes, shares_jobs=shares_jobs)
            reads, writes = reads + price.reads, writes + price.writes
        way = strategy_of(choices, sobject, Operation.UPDATE) or Strategy.COLLECTIONS
        price = update_price(way, len(updates), is_strict=is_strict, shares_jobs=shares_jobs, speed=speed)
        reads, writes = reads + price.reads, writes + price.writes
    leads = changes_of(changes, LEAD, Action.CONVERT)
    if leads:
        landed = record_units(changes_of(changes, OPPORTUNITY, Action.CONVERT), routes)
        reads += LEAD_READS
        writes += sum(1 for _ in convert_calls([lead_unit(each) for each in leads]))
        writes += sum(1 for _ in update_batches(landed, is_strict=is_strict))
    deletions = delete_units(changes_of(changes, OPPORTUNITY, Action.DELETE))
    reads += min(1, len(deletions))
    writes += sum(1 for _ in graph_calls(deletions))
    units = units_of_roles(changes, routes, choices)
    roles = role_price(units, routes, but=_created(changes) if shares_jobs else None)
    further = _second_pass_calls(
        [each for each in changes if each.change_id in last], routes, is_strict=is_strict, threads=threads
    )
    return PredictedCalls(
        reads + roles.reads + further.reads + read_backs(changes), writes + roles.writes + further.writes
    )


def second_pass(changes: Sequence[Change]) -> frozenset[str]:
    """The changes that wait until everything is created."""
    by_id = {each.change_id: each for each in changes}
    return frozenset(each.change_id for each in changes if is_second_pass(each, by_id))


def create_price(
    way: Strategy,
    creates: Sequence[Change],
    changes: Sequence[Change],
    routes: Routes,
    *,
    speed: Speed = DEFAULT_SPEED,
    shares_jobs: bool = False,
) -> Price:
    """What creates of one sObject cost by one way; new deals in graphs take their roles along."""
    count = len(creates)
    match way:
        case Strategy.BULK:
            return job_price(0 if shares_jobs else count, speed=speed)
        case Strategy.COLLECTIONS:
            reads, writes = reads_of_places(count), collection_calls_for(count)
            return call_price(way, count, reads=reads, writes=writes, speed=speed)
        case Strategy.GRAPHS:
            sizes = deal_sizes(creates, changes, routes)
            return call_price(way, sum(sizes), reads=0, writes=graph_calls_for(sizes), speed=speed)


def update_price(
    way: Strategy,
    count: int,
    *,
    is_strict: bool,
    speed: Speed = DEFAULT_SPEED,
    shares_jobs: bool = False,
) -> Price:
    """What updates of one sObject cost by one way, or each on its condition; they are read again first."""
    if is_strict:
        calls = conditional_calls_for(count)
    elif way is Strategy.BULK:
        return job_price(0 if shares_jobs else count, reads=parts(count, ROWS_PER_READ), speed=speed)
    else:
        calls = graph_calls_for([1] * count) if way is Strategy.GRAPHS else collection_calls_for(count)
    reads = reads_of_batches(calls, at_once=speed.concurrency)
    return call_price(way, count, reads=reads, writes=calls, speed=speed)


def role_price(
    units: Sequence[Unit],
    routes: Routes,
    *,
    speed: Speed = DEFAULT_SPEED,
    but: frozenset[str] | None = None,
) -> Price:
    """What the roles cost that do not go in one request with their deal; each deal's are read again first.

    Without the jobs where `but` is given, and without the looks at the deals that it names.
    """
    by_job = [unit for unit in units if unit.route is Route.JOB_FENCE]
    others = [unit.size for unit in units if unit.route is not Route.JOB_FENCE]
    in_graphs = roles_in_graphs(others, speed=speed)
    if routes.get(CONTACT_ROLE) is not Route.JOB_FENCE:
        return in_graphs
    if but is not None:
        looked_at = sum(1 for unit in units if unit.route is not Route.JOB_FENCE or unit.unit_id not in but)
        return together(roles_by_job(0, deals=looked_at, speed=speed), in_graphs)
    rows = sum(len(unit.nodes) for unit in by_job)
    return together(roles_by_job(rows, deals=len(units), speed=speed), in_graphs)


def _created(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(each.change_id for each in changes if each.action is Action.CREATE)


def roles_in_graphs(sizes: Sequence[int], *, speed: Speed = DEFAULT_SPEED) -> Price:
    """What roles of deals that exist cost in graphs; `sizes` are the nodes of each deal, its receipt included."""
    starts = range(0, len(sizes), ROLE_DEALS_PER_READ)
    writes = sum(graph_calls_for(sizes[start : start + ROLE_DEALS_PER_READ]) for start in starts)
    return call_price(Strategy.GRAPHS, sum(sizes), reads=len(starts), writes=writes, speed=speed)


def roles_by_job(rows: int, *, deals: int, speed: Speed = DEFAULT_SPEED) -> Price:
    """What new roles cost by a job, and the look at the roles that their deals have."""
    return job_price(rows, reads=role_looks(deals), speed=speed)


def role_looks(deals: int) -> int:
    """The calls that look at the roles of so many deals before a job takes theirs."""
    return parts(deals, ROWS_PER_READ)


def _second_pass_calls(
    changes: Sequence[Change], routes: Routes, *, is_strict: bool, threads: int
) -> PredictedCalls:
    """The calls that write what waits for all creates, and those that read it again before."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for each in changes:
        name = next(iter(each.values)) if each.completes is not None else ""
        groups.setdefault((each.sobject, name), []).append(each)
    batches = [
        sum(1 for _ in update_batches(record_units(group, routes), is_strict=is_strict and not name))
        for (_, name), group in groups.items()
    ]
    reads = sum(reads_of_batches(each, at_once=threads) for each in batches)
    return PredictedCalls(reads, sum(batches))


def undo_calls(changes: Sequence[Change], routes: Routes, *, is_strict: bool) -> PredictedCalls:
    """Reads and writes of an undo: deleted roles go in again, then each sObject's updates and deletions."""
    inserts = changes_of(changes, CONTACT_ROLE, Action.CREATE)
    reads, writes = 0, sum(1 for _ in graph_calls(role_units(inserts, routes)))
    for sobject in WRITE_ORDER:
        updates = record_units(changes_of(changes, sobject, Action.UPDATE), routes)
        update_calls = sum(1 for _ in update_batches(updates, is_strict=is_strict))
        deletions = delete_units(changes_of(changes, sobject, Action.DELETE))
        reads += reads_of_batches(update_calls, at_once=USUAL_THREADS)
        reads += bool(deletions) and sobject in _PARENTS
        writes += update_calls + sum(1 for _ in graph_calls(deletions))
    return PredictedCalls(reads + read_backs(changes), writes)


def changes_of(changes: Iterable[Change], sobject: str, action: Action) -> list[Change]:
    """The changes of one sObject and action, in their order."""
    return [each for each in changes if each.sobject == sobject and each.action is action]


def read_backs(changes: Sequence[Change]) -> int:
    """The calls that read back by ids what is written."""
    written = [each for each in changes if each.action in _BROUGHT and each.sobject != LEAD]
    return parts(len(written), ROWS_PER_READ)


def creates_by_route(
    changes: Sequence[Change], routes: Routes, choices: Sequence[Choice] = _NO_CHOICES
) -> dict[str, dict[str, int]]:
    """How many creates of each sObject take which route."""
    by_change = routes_of_creates(changes, routes, choices)
    counted: dict[str, dict[str, int]] = {}
    for each in changes:
        if each.action is Action.CREATE:
            route = by_change[each.change_id].value
            of_sobject = counted.setdefault(each.sobject, {})
            of_sobject[route] = of_sobject.get(route, 0) + 1
    return counted


def routes_of_creates(
    changes: Sequence[Change], routes: Routes, choices: Sequence[Choice] = _NO_CHOICES
) -> dict[str, Route]:
    """The route of each create by its change; the roles of a new deal take their deal's.

    Where new deals go by a job, their roles follow when the deals are there, like those of deals that exist.
    """
    units = units_of_roles(changes, routes, choices)
    apart = {node.change_id: unit.route for unit in units for node in unit.nodes}
    creates = (each for each in changes if each.action is Action.CREATE)
    return {
        each.change_id: apart.get(each.change_id)
        or routes[OPPORTUNITY if each.sobject == CONTACT_ROLE else each.sobject]
        for each in creates
    }


def units_of_roles(
    changes: Sequence[Change], routes: Routes, choices: Sequence[Choice] = _NO_CHOICES
) -> list[Unit]:
    """The units of roles that do not go in one request with their deal."""
    way = strategy_of(choices, OPPORTUNITY, Operation.CREATE) or default_strategy(OPPORTUNITY, routes)
    if way is Strategy.BULK:
        return role_units([each for each in changes if each.sobject == CONTACT_ROLE], routes)
    return role_units(changes, routes)

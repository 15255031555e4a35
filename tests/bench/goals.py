"""The figures to reach, as data: what is measured, how, and against which limit; and the rows of the table.

A goal is a row whose figure is computed from what was measured, in the same round where it is a ratio. A goal
without a figure at this size says so; it is never counted as met.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from figures import Figures
from peer_runs import PEERS
from sfsync_cases import RECORDS_A_DEAL, Measured, changed_of

PER: Final = 100_000
CONCURRENCY: Final = 4
FIXED_CALLS: Final = 6
MEMORY_MB: Final = 200
DEALS_A_GRAPH_CALL: Final = 166
LEAST_FOR_CPU: Final = 10_000
"""Deals from which a difference of two CPU times is more than noise."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A figure is None where it was not measured; `goal` is an upper limit.

    A figure is spoilt where it is a wall time on a machine that was busy with other things.
    """

    what: str
    unit: str
    how: str
    ours: float | None
    limit: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    goal: float | None = None
    is_spoilt: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without goal or figure, or where a busy machine may be why it is not."""
        if self.goal is None or self.ours is None:
            return None
        return True if self.ours <= self.goal else (None if self.is_spoilt else False)


def rows(figures: Figures) -> list[Row]:
    """Every line of the table, loads first, then what has a goal."""
    found: list[Row] = []
    for deals in figures.sizes():
        found += _loads(figures, deals)
    for deals in figures.sizes():
        found += [*_applies(figures, deals), *_against_journalled(figures, deals), *_resyncs(figures, deals)]
        found += [*_no_change(figures, deals), *_memory(figures, deals)]
    return [*found, *_growth(figures), *_journal(figures), *_start(figures)]


def _loads(figures: Figures, deals: int) -> Iterator[Row]:
    """First load: wall, calls, CPU; the peers do the same."""
    for latency in figures.latencies(deals):
        wall = figures.median("first load", deals, lambda each: each.wall_s, latency)
        floor = figures.floor("graphs", deals)
        calls = math.ceil(deals / DEALS_A_GRAPH_CALL)
        least = max(calls * latency / 1000 / CONCURRENCY, floor.cpu_s if floor else 0.0)
        goal = figures.in_rounds(lambda round_, ms=latency: _wall_goal(figures, deals, ms, round_))
        yield Row(
            f"first load, {deals:,} deals, {latency} ms a call",
            "s",
            "wall of run; goal 1.5 x max(calls x latency / 4, CPU) + 1 s",
            wall,
            least,
            _of_peers(figures, deals, latency, "wall_s"),
            goal if latency else None,
            is_spoilt=figures.is_busy,
        )
    goal_calls = math.ceil(deals / DEALS_A_GRAPH_CALL) + FIXED_CALLS if deals == 1_000 else None
    calls_of = figures.median("first load", deals, lambda each: each.calls + each.logins)
    yield Row(
        f"first load, {deals:,} deals: calls",
        "",
        "all requests of run, the login too; goal 7 + 6 fixed at 1,000 deals",
        calls_of,
        math.ceil(deals / DEALS_A_GRAPH_CALL),
        _of_peers(figures, deals, 0, "calls"),
        goal_calls,
    )
    bulk = figures.median("first load by bulk", deals, lambda each: each.calls + each.logins)
    if deals == PER or bulk is not None:
        goal_bulk = 45 if deals == PER else None
        yield Row(
            f"first load by bulk, {deals:,} deals: calls", "", "all requests of run", bulk, 26, {}, goal_bulk
        )
    floor = figures.floor("graphs", deals)
    yield Row(
        f"first load, {deals:,} deals: CPU per {PER:,} records",
        "s",
        "CPU of run, start-up and planning too",
        _per(figures.median("first load", deals, lambda each: each.cpu_s), deals),
        _per(floor.cpu_s if floor else None, deals),
        {
            name: value
            for name, cpu in _of_peers(figures, deals, 0, "cpu_s").items()
            if (value := _per(cpu, deals))
        },
    )


def _wall_goal(figures: Figures, deals: int, latency: int, round_: int) -> float | None:
    found = [each for each in figures.of("first load", deals, latency) if each.round == round_]
    if not found:
        return None
    [case] = found
    return 1.5 * max(case.calls * latency / 1000 / CONCURRENCY, case.cpu_s) + 1


def _applies(figures: Figures, deals: int) -> Iterator[Row]:
    """CPU of applying: that of run, without that of plan in the same round."""
    if deals < LEAST_FOR_CPU:
        return
    for name, goal in (("graphs", None), ("collections", 4.0), ("bulk", 3.5)):
        if not figures.of(f"first load by {name}", deals):
            continue
        floor = figures.floor(name, deals)
        least = _per(floor.cpu_s if floor else None, deals)
        ours = figures.in_rounds(lambda round_, way=name: _apply_cpu(figures, deals, way, round_))
        what = f"{deals:,} deals" + (" without roles" if name == "collections" else "")
        yield Row(
            f"apply by {name}, {what}: CPU per {PER:,} records",
            "s",
            "CPU of run - CPU of plan" + ("; goal 1.5 x the bare floor" if name == "graphs" else ""),
            ours,
            least,
            {},
            goal if goal is not None else (1.5 * least if least is not None else None),
        )


def _against_journalled(figures: Figures, deals: int) -> Iterator[Row]:
    """The same CPU beside a floor that keeps a journal; no goal is set on it."""
    floor = figures.floor("journalled", deals)
    if deals < LEAST_FOR_CPU or floor is None:
        return
    yield Row(
        f"the same, the floor with a journal, {deals:,} deals",
        "s",
        "limit: graphs with two durable commits a call and every record's outcome",
        figures.in_rounds(lambda round_: _apply_cpu(figures, deals, "graphs", round_)),
        _per(floor.cpu_s, deals),
    )


def _apply_cpu(figures: Figures, deals: int, strategy: str, round_: int) -> float | None:
    load = _in_round(figures, f"first load by {strategy}", deals, round_)
    plan = _in_round(figures, f"plan by {strategy}", deals, round_)
    if load is None or plan is None:
        return None
    return (load.cpu_s - plan.cpu_s) * PER / load.extra.get("records", RECORDS_A_DEAL * deals)


def _resyncs(figures: Figures, deals: int) -> Iterator[Row]:
    name = f"no change, {deals:,} deals"
    yield Row(
        f"{name}: reads per object",
        "",
        "most statements on one of the two sObjects",
        figures.median("no change", deals, _most_reads),
        1,
        {},
        2,
    )
    writes = figures.median("no change", deals, lambda each: each.write_calls)
    yield Row(f"{name}: writes", "", "calls that write", writes, 0, {}, 0)
    for what, how in (("first resync", "the run after the load"), ("no change", "the run after that")):
        calls = figures.median(what, deals, lambda each: each.calls + each.logins)
        yield Row(f"{what}, {deals:,} deals: calls", "", f"all requests of {how}", calls)
    changed = changed_of(deals)
    for way, goal in (("strict", 9), ("fast", 6)):
        yield Row(
            f"{changed} of {deals:,} deals changed, {way}: calls",
            "",
            f"all requests of run; goal {goal} + {FIXED_CALLS} fixed at 100,000 deals",
            figures.median(f"{changed} changed, {way}", deals, lambda each: each.calls + each.logins),
            FIXED_CALLS + 2,
            {},
            goal + FIXED_CALLS,
        )


def _no_change(figures: Figures, deals: int) -> Iterator[Row]:
    """What finding nothing to do takes; a run with one deal is the start-up."""
    if deals < LEAST_FOR_CPU:
        return
    name = f"no change, {deals:,} deals"
    floor = figures.floor("csv", deals)
    yield Row(
        f"{name}: CPU per {PER:,} rows",
        "s",
        "CPU of run, that of a run with one deal taken off",
        figures.in_rounds(lambda round_: _no_change_cpu(figures, deals, round_)),
        _per(floor.cpu_s if floor else None, deals),
        {},
        1.0,
    )
    yield Row(
        f"{name}: times a bare csv pass",
        "x",
        "the same CPU over that of a csv.reader pass in the same round",
        figures.in_rounds(lambda round_: _times_csv(figures, deals, round_)),
        1,
        {},
        3.5,
    )


def _no_change_cpu(figures: Figures, deals: int, round_: int) -> float | None:
    whole, start = (_in_round(figures, "no change", each, round_) for each in (deals, 1))
    return None if whole is None or start is None else _per(whole.cpu_s - start.cpu_s, deals)


def _times_csv(figures: Figures, deals: int, round_: int) -> float | None:
    ours = _no_change_cpu(figures, deals, round_)
    found = [each for each in figures.floors if (each.name, each.deals, each.round) == ("csv", deals, round_)]
    base = _per(found[0].cpu_s, deals) if found else None
    return None if ours is None or not base else ours / base


def _memory(figures: Figures, deals: int) -> Iterator[Row]:
    named = (
        ("plan", "plan"),
        ("first load", "run"),
        ("first resync", "first resync"),
        ("no change", "resync"),
    )
    for what, name in named:
        yield Row(
            f"peak memory of {name}, {deals:,} deals",
            "MB",
            "most resident memory of the process",
            figures.median(what, deals, lambda each: each.peak_mb),
            None,
            _of_peers(figures, deals, 0, "peak_mb") if name == "run" else {},
            MEMORY_MB,
        )


def _growth(figures: Figures) -> Iterator[Row]:
    for what, name in (("plan", "plan"), ("first load", "run"), ("no change", "resync")):
        small, large = (figures.median(what, each, lambda case: case.peak_mb) for each in (PER, 10 * PER))
        ours = None if small is None or large is None else 100 * (large / small - 1)
        yield Row(
            f"peak memory of {name}: growth from 100,000 to 1,000,000 deals",
            "%",
            "of the peaks",
            ours,
            0,
            {},
            15,
        )


def _journal(figures: Figures) -> Iterator[Row]:
    journal = figures.journal
    commits = journal.get("commits", {}).get("commits_per_call")
    yield Row("journal: commits a call", "", "syncs of the write-ahead log by strace", commits, 2, {}, 2)
    share = journal.get("share", {}).get("journal_share")
    how = "CPU in the journal over the CPU of applying, by samples"
    yield Row("journal: share of apply", "%", how, None if share is None else 100 * share, None, {}, 30)
    for deals in figures.sizes():
        size = figures.median("first load", deals, lambda each: each.extra.get("journal_bytes"))
        ours = None if size is None else size / (RECORDS_A_DEAL * deals)
        how = "size of the journal's files after a first load"
        yield Row(f"journal, {deals:,} deals: bytes a record", "B", how, ours, 68, {}, 150)
    killed = journal.get("killed", [])
    if killed:
        over = max(each["repeated_calls"] - each["in_flight"] for each in killed)
        yield Row(
            f"repeated calls beyond those in flight, {len(killed)} x SIGKILL",
            "",
            "kills at random moments of the writing, by the unique keys that came twice",
            max(over, 0),
            0,
            {},
            0,
        )


def _start(figures: Figures) -> Iterator[Row]:
    for what, name in (("plan", "plan"), ("first load", "run")):
        ours = figures.median(what, 1, lambda each: each.before_first_call_s)
        how = "from the start of the process to its first request, one deal"
        yield Row(f"before the first work: {name}", "s", how, ours, None, {}, 1.0, is_spoilt=figures.is_busy)


def _in_round(figures: Figures, what: str, deals: int, round_: int) -> Measured | None:
    return next((each for each in figures.of(what, deals) if each.round == round_), None)


def _most_reads(case: Measured) -> float:
    return max((case.reads.get(each, 0) for each in ("Opportunity", "OpportunityContactRole")), default=0)


def _per(cpu_s: float | None, deals: int) -> float | None:
    return None if cpu_s is None else cpu_s * PER / (RECORDS_A_DEAL * deals)


def _of_peers(figures: Figures, deals: int, latency: int, name: str) -> dict[str, float]:
    get: Callable[[object], float | None] = lambda each: getattr(each, name)  # noqa: E731
    found = {peer: figures.peer(peer, deals, latency, get) for peer in PEERS}
    return {peer: value for peer, value in found.items() if value is not None}

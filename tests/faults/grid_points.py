"""The points of the grid: every way to lose an answer, at every write call, for one or more calls in a row.

`lay` puts a way in force; `play` takes a route's step under it, lets later runs put things right, and judges what
the org holds against a step without faults. A point that is all right has no complaints.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from grid_routes import ROUTES, GridRoute, is_write, shape
from main_job_bench import RECEIPT, Bench, Ending, assert_every_row_counts_once

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import (
    Action,
    Drip,
    Drop,
    Garbage,
    Hold,
    Page,
    Redeliver,
    Redirect,
    Refuse,
    Reshape,
    Spoil,
    Truncate,
)
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.wire.messages import Request
from sfsync.salesforce import retrying
from sfsync.salesforce.retrying import RetryPolicy
from sfsync.salesforce.session import Timeouts

SENT_ROW = re.compile(rb'"method"\s*:\s*"POST"|"attributes"')
OPEN = (Outcome.UNKNOWN, Outcome.BLOCKED, Outcome.UNPROCESSED)
HTML = "<html><body>Bad Gateway</body></html>"
SORRY = Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred."}])
ODD = Refuse(500, HTML, "text/html")
QUICK = partial(RetryPolicy, deadline_s=2.0, timeouts=Timeouts(connect_s=2.0, read_s=0.4))
"""For calls that hang: an impatient client, so that the grid need not wait for two minutes."""


@dataclass
class OnWrite(FaultScript):
    """A script for the n-th write call from now."""

    def matches(self, request: Request) -> bool:
        """Whether the call is a write."""
        return is_write(request)


@dataclass
class Watch(OnWrite):
    """No fault: keeps what the write calls carried."""

    sent: list[bytes] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def matches(self, request: Request) -> bool:
        """Notes the body of a write."""
        if is_write(request):
            self.sent.append(request.body)
            self.methods.append(request.method)
        return False


@dataclass
class Waking(OnWrite):
    """Lets held calls commit just before the n-th write call is read."""

    bench: Bench | None = None

    def strikes(self) -> bool:
        """Releases what is held when its call has come."""
        if FaultScript.strikes(self) and self.bench is not None:
            self.bench.emulator.faults.release()
        return False


def _after(action: Action, phase: str = AFTER_COMMIT, *, commit: int | None = None) -> list[Any]:
    return [partial(OnWrite, action, phase, commit=commit)]


def _unsaved(action: Action) -> list[Any]:
    """The answer is spoiled on its way, and it was that of a call which saved nothing."""
    return [partial(OnWrite, ODD, BEFORE_READ), partial(OnWrite, action, "mid_reply")]


CUTS: dict[str, Action] = {
    "N7 half a status line": Truncate(6),
    "N7 half the headers": Truncate(60),
    "N7 a short body": Truncate(-10),
    "N7 no length, cut": Truncate(-10, framed=False),
    "N7 a status line and no more": Truncate(24, framed=False),
    "N8 a drip past the deadline": Drip(1, 0.3),
    "N10 bytes that are not HTTP": Garbage(),
}
ENDS: dict[str, Action] = {
    "a reset": Drop("reset"),
    "a close": Drop("close"),
    "N9 a page with 200": Page(),
    "N9 a redirect": Redirect("http://127.0.0.1:9/", 302),
    "N11 a proxy's 502": Refuse(502, HTML, "text/html"),
    "N11 a proxy's 504": Refuse(504, HTML, "text/html"),
    "S5 a 503 of a proxy": Refuse(503, HTML, "text/html", {"Retry-After": "1"}),
    "S6 an internal error": SORRY,
    "N10 bad gzip": Refuse(201, "no gzip", headers={"Content-Encoding": "gzip"}),
    "N10 an empty list": Refuse(200, []),
    "N10 an empty object": Refuse(200, {}),
    "N12 a proxy's 407": Refuse(407, ""),
}
SPOILED: dict[str, Action] = {
    "N10 broken gzip": Spoil("gzip"),
    "N10 a wrong type": Spoil("type"),
    "N10 half the JSON": Spoil("json"),
    "N10 a result fewer": Reshape("fewer"),
    "N10 a result more": Reshape("more"),
    "N10 no results": Reshape("empty"),
    "N10 a node fewer": Reshape("fewer", 1),
    "N10 a node more": Reshape("more", 1),
    "N10 nodes reversed": Reshape("reversed", 1),
    "N10 results reversed": Reshape("reversed"),
}


def _lost() -> dict[str, list[Any]]:
    """Way -> the scripts that lose one answer."""
    ways: dict[str, list[Any]] = {"N4 a reset before it is read": _after(Drop(), BEFORE_READ)}
    for name, action in ENDS.items():
        ways[f"{name}, committed"] = _after(action)
        ways[f"{name}, not committed"] = _after(action, BEFORE_COMMIT)
    for name, action in CUTS.items():
        ways[f"{name}, committed"] = _after(action, "mid_reply")
        ways[f"{name}, not committed"] = _unsaved(action)
    ways |= {f"{name}, committed": _after(action) for name, action in SPOILED.items()}
    ways["N5 a reset after the first of its commits"] = _after(Drop(), commit=1)
    ways["N5 a hang, committed"] = [partial(OnWrite, Hold("hung", cut="hang"), AFTER_COMMIT)]
    ways["N14 delivered twice"] = _after(Redeliver(), BEFORE_READ)
    ways["N14 delivered twice, first answer"] = _after(Redeliver("first"), BEFORE_READ)
    return ways


LOST = _lost()
ZOMBIES: dict[str, list[Any]] = {
    **{f"N6 a zombie, {cut}": [partial(OnWrite, Hold(cut=cut))] for cut in ("reset", "close", "hang")},
    "N14 delivered once more later": _after(Redeliver(later=True), BEFORE_READ),
    "N14 its answer lost and delivered once more later": [
        partial(OnWrite, Redeliver(later=True), BEFORE_READ),
        partial(OnWrite, Drop(), AFTER_COMMIT),
    ],
}
MOMENTS = ("after the run", "before the next run's first write", "after the next run")
SPELLS: dict[str, int | None] = {"once": 1, "twice": 2, "lasting": None}


@dataclass(frozen=True)
class Point:
    """A way at the n-th write call of a route's step, for one call, two, or all from there on."""

    route: str
    way: str
    nth: int
    spell: str = "once"
    moment: str = ""

    def __str__(self) -> str:
        """The point in a line."""
        return " | ".join(filter(None, (self.route, self.way, f"call {self.nth}", self.spell, self.moment)))


@dataclass
class Judged:
    """What a point came to: complaints, and how many records too many and too few."""

    point: Point
    exits: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    duplicates: int = 0
    lost: int = 0
    struck: bool = False


@dataclass(frozen=True)
class Clean:
    """A route's step without faults: what the org holds then, and what it took."""

    shape: dict[str, Counter[str]]
    inserted: Counter[str]
    methods: tuple[str, ...]
    rows_sent: int


def clean_step(route: GridRoute, folder: Path) -> Clean:
    """The route's step on a fresh org, without faults."""
    with route.opened(folder) as bench:
        watch = bench.emulator.faults.add(Watch(Drop()))
        assert isinstance(watch, Watch)
        ending = route.step(bench)
        assert ending.exit_code == 0, (route.name, ending)
        return Clean(shape(bench), _inserted(bench), tuple(watch.methods), _rows(watch.sent))


def _inserted(bench: Bench) -> Counter[str]:
    return Counter({name: number for name, number in bench.inserted().items() if name != RECEIPT})


def _rows(bodies: list[bytes]) -> int:
    return sum(len(SENT_ROW.findall(each)) for each in bodies)


def points_of(route: str, calls: int) -> Iterator[Point]:
    """All points of a route; where no fence is, a request that a proxy delivers twice is outside of the promise."""
    for point in _points_of(route, calls):
        if ROUTES[route].fenced or "delivered" not in point.way:
            yield point


def _points_of(route: str, calls: int) -> Iterator[Point]:
    for nth in range(1, calls + 1):
        for way in LOST:
            yield Point(route, way, nth)
        for way in ("a reset, committed", "a reset, not committed", "S6 an internal error, committed"):
            yield Point(route, way, nth, "twice")
            yield Point(route, way, nth, "lasting")
        for way in ZOMBIES:
            for moment in MOMENTS:
                yield Point(route, way, nth, moment=moment)
        yield from (Point(route, "N6 a zombie, reset", nth, "lasting", moment) for moment in MOMENTS)


def play(point: Point, clean: Clean, folder: Path) -> Judged:
    """Takes the route's step under the point's fault, and judges what comes of it."""
    route, judged = ROUTES[point.route], Judged(point)
    with pytest.MonkeyPatch.context() as patch, route.opened(folder) as bench:
        if "hang" in point.way or "drip" in point.way:
            patch.setattr(retrying, "RetryPolicy", QUICK)
        watch = bench.emulator.faults.add(Watch(Drop()))
        scripts = _lay(bench, point)
        ending = _judge_run(judged, route, bench, clean, route.step)
        judged.struck = all(each.struck for each in scripts)
        for script in scripts:
            script.count = 0
        patch.undo()
        _wake(bench, point, "after the run")
        if point.moment == "before the next run's first write":
            bench.emulator.faults.add(Waking(Drop(), nth=1, bench=bench))
        ending = _judge_run(judged, route, bench, clean, route.again)
        bench.emulator.faults.release()
        if ending.exit_code or point.moment:
            ending = _judge_run(judged, route, bench, clean, route.again)
        assert isinstance(watch, Watch)
        _judge_end(judged, route, bench, clean, ending, watch)
    return judged


def _lay(bench: Bench, point: Point) -> list[FaultScript]:
    ways: list[Callable[..., FaultScript]] = {**LOST, **ZOMBIES}[point.way]
    count = SPELLS[point.spell]
    return [bench.emulator.faults.add(each(nth=point.nth, count=count)) for each in ways]


def _wake(bench: Bench, point: Point, moment: str) -> None:
    if point.moment == moment:
        bench.emulator.faults.release()


def _judge_run(
    judged: Judged, route: GridRoute, bench: Bench, clean: Clean, step: Callable[[Bench], Ending]
) -> Ending:
    """Takes a step; what it says must be true whatever was lost."""
    ending = step(bench)
    judged.exits.append(ending.exit_code)
    if ending.exit_code not in _allowed(judged, route, ending):
        judged.complaints.append(f"run {len(judged.exits)} ended with {ending.exit_code}: {_codes(ending)}")
    try:
        assert_every_row_counts_once(ending.counts)
    except AssertionError:
        judged.complaints.append("a row is in no count, or in two")
    if ending.exit_code == 0 and ending.report and not _is_there(bench, clean):
        judged.complaints.append(f"run {len(judged.exits)} says that all is done, and it is not")
    return ending


def _allowed(judged: Judged, route: GridRoute, ending: Ending) -> set[int]:
    """How a step may end: an unknown row is an honest end without a fence, for updates, and in a long outage."""
    allowed = {0, 75}
    way, is_first = judged.point.way, len(judged.exits) == 1
    if not route.fenced:
        return allowed | {3}
    is_unknown = set(_codes(ending).split(", ")) <= {"UNKNOWN", ""}
    if is_first and is_unknown and (route.by_id or judged.point.spell == "lasting"):
        allowed |= {3}
    if is_first and "redirect" in way:
        allowed |= {2}
    if is_first and "407" in way:
        allowed |= {4}
    return allowed


def _codes(ending: Ending) -> str:
    return ", ".join(sorted(set(ending.codes().values()))) if ending.report else "no report"


def _is_there(bench: Bench, clean: Clean) -> bool:
    return shape(bench) == clean.shape


def _judge_end(
    judged: Judged, route: GridRoute, bench: Bench, clean: Clean, ending: Ending, watch: Watch
) -> None:
    """Nothing twice, nothing missing but what is named, and nothing left to do."""
    now, inserted = shape(bench), _inserted(bench)
    more = {name: number - clean.inserted[name] for name, number in inserted.items()}
    judged.duplicates = sum(max(0, number) for number in more.values())
    missing = sum((sum((clean.shape[name] - now[name]).values()) for name in clean.shape), 0)
    if route.fenced:
        judged.lost = missing
        if now != clean.shape:
            judged.complaints.append(f"the org is not as it should be: {_difference(now, clean)}")
    else:
        named = sum(counts[each.value] for counts in ending.counts.values() for each in OPEN)
        judged.lost = max(0, missing - named)
        if _rows(watch.sent) > clean.rows_sent:
            judged.complaints.append("a row without a fence was sent again")
    if judged.duplicates or judged.lost:
        judged.complaints.append(f"{judged.duplicates} duplicates, {judged.lost} lost")
    before = len(watch.sent), len(bench.emulator.audit.commits)
    route.again(bench)
    if (len(watch.sent), len(bench.emulator.audit.commits)) != before:
        judged.complaints.append("a further run writes")


def _difference(now: dict[str, Counter[str]], clean: Clean) -> str:
    told = []
    for name, wanted in clean.shape.items():
        told += [f"-{each}" for each in wanted - now[name]] + [f"+{each}" for each in now[name] - wanted]
    return " ".join(told)[:600]

"""The cases of sfsync: each is a fresh process of the real command line against the stub.

A case is measured as a whole; what a goal means by it (start-up taken off, a plan taken off) is said in `goals`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from made_deals import write_deals, write_job
from measured_processes import ROOT, Stub, Taken, run

PROGRAM: Final = [sys.executable, "-c", "from sfsync.cli.main import main; main()"]
RECORDS_A_DEAL: Final = 3
QUIET: Final = ("--json", "--progress", "none")
CHANGED: Final = 100
HOURS_BETWEEN_RUNS: Final = 6
"""How far the org's clock is put forward between runs: what a run has just written is not new to the next."""
READS: Final = ("versions", "describe", "picklist", "limits", "query", "query page", "replication")


@dataclass(frozen=True, slots=True)
class Measured:
    """One case once. Seconds, megabytes, bytes; `reads` are statements by sObject, describes left out."""

    what: str
    deals: int
    latency_ms: int
    round: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    calls: int
    logins: int
    write_calls: int
    reads: dict[str, int]
    kinds: dict[str, int]
    bytes_up: int
    bytes_down: int
    before_first_call_s: float | None
    most_in_flight: int
    stub_cpu_s: float
    exit_code: int
    written: int
    note: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def measured(
    what: str, taken: Taken, counts: dict[str, Any], *, deals: int, latency_ms: int, round_: int
) -> Measured:
    """A process and what came to the stub, as one case."""
    kinds = dict(sorted(counts["calls"].items()))
    writes = sum(count for kind, count in kinds.items() if is_write(kind))
    first = counts["first_request"]
    note = f"refused by the stub: {counts['refused'][0]}" if counts["refused"] else ""
    if taken.exit_code not in (0, 8):
        note = note or " ".join((taken.err or taken.out).split())[:300]
    return Measured(
        what=what,
        deals=deals,
        latency_ms=latency_ms,
        round=round_,
        wall_s=round(taken.wall_s, 4),
        cpu_s=round(taken.cpu_s, 4),
        peak_mb=round(taken.peak_mb, 1),
        calls=counts["api_calls"],
        logins=kinds.get("login", 0),
        write_calls=writes,
        reads=counts["statements"],
        kinds=kinds,
        bytes_up=counts["bytes_up"],
        bytes_down=counts["bytes_down"],
        before_first_call_s=None if first is None else round(first - taken.begun, 4),
        most_in_flight=counts["most_in_flight"],
        stub_cpu_s=round(counts["cpu_s"], 4),
        exit_code=taken.exit_code,
        written=sum(counts["written"].values()),
        note=note,
    )


def is_write(kind: str) -> bool:
    """Whether calls of this kind write; all calls of an ingest job do, which is there for the writing alone."""
    if kind.startswith(("bulk query", "bulk list")):
        return False
    writes = ("graph", "collection", "create", "update", "delete", "composite coll", "composite cond", "bulk")
    return kind.startswith(writes)


class Desk:
    """A folder with a job of so many deals, a state of its own, and the stub that it is brought to."""

    def __init__(self, stub: Stub, folder: Path, deals: int, *, with_roles: bool = True) -> None:
        self.stub, self.folder, self.deals = stub, folder, deals
        self.records = RECORDS_A_DEAL * deals if with_roles else deals
        self.job = write_job(folder, deals, with_roles=with_roles)
        self.state = folder / "state"

    def fresh(self) -> None:
        """An empty org, and no memory of it."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.stub.reset(store=True)

    def taken(self, command: str, *options: str, kill_when: Callable[[], bool] | None = None) -> Taken:
        """Runs a command of sfsync on the job."""
        words = [command] if command == "resume" else [command, str(self.job)]
        environ = self.stub.environ(self.state)
        return run(
            [*PROGRAM, *words, *options, *QUIET],
            cwd=ROOT,
            environ=environ,
            kill_when=kill_when,
            scratch=self.folder,
        )

    def case(self, what: str, command: str, *options: str, latency_ms: int = 0, round_: int = 1) -> Measured:
        """Measures a command of sfsync on the job."""
        self.stub.reset()
        self.stub.set_latency(latency_ms)
        taken = self.taken(command, *options)
        found = measured(
            what, taken, self.stub.counts(), deals=self.deals, latency_ms=latency_ms, round_=round_
        )
        self.stub.set_latency(0)
        return found

    def changed(self, rows: int, to: str = "send the contract") -> None:
        """Changes so many deals in the file, or none: their next step is another one."""
        write_deals(self.folder, self.deals, changed=rows, to=to)

    def journal_bytes(self) -> int:
        """The size of the journal's files."""
        return sum(path.stat().st_size for path in self.state.glob("journal.sqlite*"))

    def state_bytes(self) -> int:
        """The size of all that is kept."""
        return sum(path.stat().st_size for path in self.state.rglob("*") if path.is_file())


def changed_of(deals: int) -> int:
    """How many deals are changed: a hundred, or a tenth of few, so that no guard takes it for an accident."""
    return max(1, min(CHANGED, deals // 10))


def load(desk: Desk, *, round_: int, strategy: str | None = None) -> list[Measured]:
    """A plan and the first load of an empty org, by the way that the plan takes or by one that is asked for."""
    forced = ("--strategy", strategy) if strategy else ()
    way = f" by {strategy}" if strategy else ""
    _emptied(desk)
    plan = desk.case(f"plan{way}", "plan", *forced, round_=round_)
    loaded = desk.case(f"first load{way}", "run", *forced, round_=round_)
    sizes = {"journal_bytes": desk.journal_bytes(), "state_bytes": desk.state_bytes()}
    return [_with(plan, {"records": desk.records}), _with(loaded, {"records": desk.records} | sizes)]


def load_at(desk: Desk, *, latency_ms: int, round_: int) -> list[Measured]:
    """A first load over a network that takes its time: what only a wall tells."""
    _emptied(desk)
    return [desk.case("first load", "run", latency_ms=latency_ms, round_=round_)]


def _emptied(desk: Desk) -> None:
    desk.fresh()
    desk.changed(0)


def life(desk: Desk, *, round_: int) -> list[Measured]:
    """One job's life: planned, loaded, run again with nothing to do, and run with some deals changed.

    The first run after a load also settles what the load wrote in its last second; what no change takes is measured
    by the run after that. The way it was before, each row verified again, is measured too.
    """
    found = load(desk, round_=round_)

    def later(what: str, *options: str) -> Measured:
        desk.stub.pass_time(HOURS_BETWEEN_RUNS * 3600)
        return desk.case(what, "run", *options, round_=round_)

    found += [later("first resync"), later("no change"), later("no change, full", "--full")]
    changed = changed_of(desk.deals)
    desk.changed(changed)
    found.append(later(f"{changed} changed, strict", "--updates", "strict"))
    desk.changed(changed, to="ask for the signature")
    found.append(later(f"{changed} changed, fast", "--updates", "fast"))
    return found


def named_by_way(found: Measured) -> Measured:
    """A plan or a load that chose its way, as the one that is asked for that way."""
    return Measured(**(asdict(found) | {"what": f"{found.what} by {_way(found)}"}))


def ways_left(loaded: Measured) -> tuple[str, ...]:
    """The ways that a load with roles can be forced to, and that it did not choose by itself."""
    return tuple(each for each in ("graphs", "bulk") if each != _way(loaded))


def _way(loaded: Measured) -> str:
    return "bulk" if "bulk create" in loaded.kinds else "graphs"


def _with(found: Measured, extra: dict[str, Any]) -> Measured:
    return Measured(**(asdict(found) | {"extra": extra}))


def document(out: str) -> dict[str, Any]:
    """The JSON document that a command printed; empty where it printed none."""
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError:
        return {}
    return found

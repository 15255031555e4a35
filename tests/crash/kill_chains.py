"""One world of the kill campaign under way: its runs are killed, and the org is held to what must be there.

Each round of a chain kills its run, often the recovery too, and ends with a run or a resume that is left alone,
and one more run that must write nothing.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from client_processes import Nursery
from crash_worlds import ALL_WRITES, LARGE, LATE, Twin, Uninterrupted, World
from main_job_bench import assert_every_row_counts_once

from sfsync.emulator.fault_actions import Kill
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript

KILLED = -signal.SIGKILL
WAYS = ("write", "write", "write", "commit", "commit", "request")
PHASES = (BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT)
PRELUDE = """
import os, signal, threading, time
from sqlalchemy.engine.default import DefaultDialect
from sfsync.salesforce.session import Door

WAYS = {"commit": (DefaultDialect, "do_commit"), "request": (Door, "exchange")}

def die(after_s):
    def kill():
        time.sleep(after_s)
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=kill, daemon=True).start() if after_s else kill()

def arm(*, at, nth, moment, after_s):
    owner, name = WAYS[at]
    inner, calls = getattr(owner, name), []
    def outer(*args, **words):
        calls.append(None)
        if len(calls) == nth and moment == "before":
            die(after_s)
        answer = inner(*args, **words)
        if len(calls) == nth and moment == "after":
            die(after_s)
        return answer
    setattr(owner, name, outer)
"""
"""Lets a client die at its n-th commit of the journal or its n-th request: before, after, or a little later."""

PORTIONS = """
from sfsync.app.workplace import Surroundings

*others, _rows, threads = Surroundings.__init__.__defaults__
Surroundings.__init__.__defaults__ = (*others, {rows}, threads)
"""
"""Lets a client cut its rows into smaller portions; no option does, as nobody needs it."""

MOST_KILLS = 5
"""Of one round: the run, and recoveries of it."""


@dataclass
class Tally:
    """What has happened so far."""

    kills: Counter[str] = field(default_factory=Counter)
    with_open_intents: int = 0
    in_recovery: int = 0
    rounds: int = 0
    unknown: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.kills + other.kills,
            self.with_open_intents + other.with_open_intents,
            self.in_recovery + other.in_recovery,
            self.rounds + other.rounds,
            self.unknown + other.unknown,
        )

    @property
    def killed(self) -> int:
        """How many processes died."""
        return sum(number for name, number in self.kills.items() if name.startswith("way "))

    @property
    def counted(self) -> int:
        """How many of them did the large job."""
        return self.kills[f"job {LARGE.name}"]


@dataclass
class Chain:
    """One world under way, with the words that say what was done to it."""

    number: int
    world: World
    twin: Twin
    nursery: Nursery
    draw: random.Random
    tally: Tally
    trace: list[str] = field(default_factory=list)

    def live(self, rounds: int) -> None:
        """Lives through the rounds.

        Raises:
            AssertionError: the org or the counts are not what they must be.
        """
        for _ in range(rounds):
            self.world.begin_round()
            wanted = self.twin.after(self.world.round)
            self.trace.append(f"round {self.world.round}")
            self._kill(wanted)
            self._end(wanted)
            self.tally.rounds += 1

    def _kill(self, wanted: Uninterrupted) -> None:
        for number in range(1, MOST_KILLS + 1):
            if number > 1 and self.draw.random() < 0.25:
                return
            how = self._command() if number > 1 else "run"
            if not self._run_and_kill(how, wanted, is_recovery=number > 1):
                return

    def _command(self) -> str:
        return self.draw.choice(("run", "resume")) if self.world.open_runs() else "run"

    def _run_and_kill(self, how: str, wanted: Uninterrupted, *, is_recovery: bool) -> bool:
        """Runs a command that may die; says whether it did."""
        way = self.draw.choice(WAYS)
        most = {"write": wanted.writes, "commit": wanted.commits, "request": wanted.requests}[way]
        nth = self.draw.randint(1, most)
        death: dict[str, Any] | None = None
        script: FaultScript | None = None
        if way == "write":
            script = FaultScript(Kill(0), self.draw.choice(PHASES), path=ALL_WRITES, nth=nth)
        else:
            after_s = self.draw.choice((0.0, self.draw.uniform(0, 0.03)))
            death = {
                "at": way,
                "nth": nth,
                "moment": self.draw.choice(("before", "after")),
                "after_s": after_s,
            }
        client = self._start(how, death)
        if script is not None:
            script.action = Kill(client.pid)
            self.world.bench.emulator.faults.add(script)
        code = client.run()
        self.world.bench.emulator.faults.clear()
        moment = f"{script.phase} {nth}" if script else str(death)
        self.trace.append(f"  {how} killed at {way} {moment}: {code}")
        if code != KILLED:
            assert code in (0, 3), code
            return False
        self.tally.kills[f"way {way}"] += 1
        self.tally.kills[f"org {self.world.kind.name}"] += 1
        self.tally.kills[f"job {self.world.size.name}"] += 1
        self.tally.in_recovery += is_recovery
        self.tally.with_open_intents += self.world.open_intents() > 0
        return True

    def _start(self, how: str, death: dict[str, Any] | None = None) -> Any:
        bench = self.world.bench
        words = ("run", bench.job, "--json") if how == "run" else ("resume", "--json")
        err = str(bench.folder / "client.err")
        prelude = PORTIONS.format(rows=bench.portion_rows) if self.world.kind.portions else ""
        prelude += f"{PRELUDE}\narm(**{death!r})" if death else ""
        return self.nursery.start(
            *words, environ=bench.environ, folder=bench.folder, err=err, prelude=prelude
        )

    def _end(self, wanted: Uninterrupted) -> None:
        """Lets the round end, and holds the org to what an uninterrupted run leaves."""
        how = ("resume", "run")[self.world.round % 2] if self.world.open_runs() else "run"
        client = self._start(how)
        code = client.run()
        self.trace.append(f"  {how} to the end: {code}")
        assert code in (0, 3), f"{how} ends with {code}: {client.out.read_text()}"
        self._check(client.document, code, wanted)
        before = self.world.writes()
        client = self._start("run")
        again = client.run()
        assert again == code, f"another run ends with {again}, not {code}: {client.out.read_text()}"
        assert_every_row_counts_once(client.document["counts"])
        assert self.world.writes() == before, "another run wrote something"

    def _check(self, document: dict[str, Any], code: int, wanted: Uninterrupted) -> None:
        counts = document["counts"]
        assert_every_row_counts_once(counts)
        unknown = counts["OpportunityContactRole"]["unknown"]
        undone = sum(
            of_sobject[name]
            for of_sobject in counts.values()
            for name in ("unknown", "unprocessed", "conflicts", "rejected", "blocked")
        )
        assert undone == unknown, counts
        assert code == (3 if unknown else 0), counts
        assert unknown == 0 or self.world.kind.at_most_once, "a fenced row is unknown"
        held = self.world.picture()
        missing = Counter(wanted.picture[LATE[1]]) - Counter(held[LATE[1]])
        extra = Counter(held[LATE[1]]) - Counter(wanted.picture[LATE[1]])
        assert not extra, f"twice: {dict(extra)}"
        lost = missing - self.world.left_out
        self.world.left_out = missing
        assert sum(lost.values()) == unknown, f"lost in silence: {dict(lost)}, {unknown} listed"
        self.tally.unknown += unknown
        if not missing:
            for name, rows in wanted.picture.items():
                assert held[name] == rows, f"{name} differs: {differing(held[name], rows)}"
        assert held["Account"] == wanted.picture["Account"]
        inserted = self.world.inserted()
        inserted["OpportunityContactRole"] += sum(missing.values())
        assert inserted == wanted.inserted, (inserted, wanted.inserted)


def differing(held: list[Any], wanted: list[Any]) -> str:
    """What is there and should not be, and the other way round."""
    return f"{list(Counter(held) - Counter(wanted))} instead of {list(Counter(wanted) - Counter(held))}"

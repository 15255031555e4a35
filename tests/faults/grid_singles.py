"""Every fault of the emulator's catalogue at every write call of the example, in each kind of org.

Whatever the fault does to the org, nothing may be there twice, every row must be in one count, the exit code must
be a documented one, and once the fault is over a few runs must come to an end that a further run leaves alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from grid_points import QUICK, Watch
from grid_routes import JOBS_ORG, is_write
from main_job_bench import (
    ALAN,
    BARE_ORG,
    LEUNG,
    ORG_FILE,
    Bench,
    Ending,
    assert_every_row_counts_once,
)

from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.fault_catalogue import CATALOGUE
from sfsync.emulator.faults import FaultScript, script_from
from sfsync.emulator.server import running
from sfsync.emulator.wire.messages import Request
from sfsync.salesforce import retrying

ORGS: dict[str, Any] = {"receipts": ORG_FILE, "keys only": BARE_ORG, "jobs": JOBS_ORG}
DOCUMENTED = {0, 2, 3, 4, 6, 75}
MOST_RUNS = 4
MADE = "@Opportunity"
CREATE_OF_DEALS = 2
SLOW = ("delay", "drip", "hold")
FOREIGN = {"Name": "Foreign", "StageName": "Prospecting", "CloseDate": "2027-01-31"}


@dataclass(frozen=True)
class Single:
    """A script of the catalogue at the n-th write call of the example."""

    org: str
    fault: str
    script: int
    nth: int

    def __str__(self) -> str:
        """The point in a line."""
        return f"example, {self.org} | {self.fault} script {self.script} | call {self.nth}"


@dataclass
class SingleJudged:
    """What a point came to."""

    point: Single
    exits: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    duplicates: int = 0
    lost: int = 0
    struck: bool = False


def singles(calls: int) -> Iterator[Single]:
    """All points of every org."""
    for org in ORGS:
        for fault in CATALOGUE:
            last = CREATE_OF_DEALS if fault.id == "S13" else calls  # nobody takes a key that is there
            for script in range(len(fault.scripts)):
                for nth in range(1, last + 1):
                    yield Single(org, fault.id, script, nth)


class AtWrite(FaultScript):
    """A script of the catalogue that strikes write calls only."""

    def matches(self, request: Request) -> bool:
        """Whether the call is a write, and of deals where the script is about the deal that it makes."""
        is_meant = MADE not in repr(self.action) or b'/sobjects/Opportunity"' in request.body
        return is_meant and is_write(request)


def play_single(point: Single, folder: Path) -> SingleJudged:
    """Runs the example under the fault, then again without it until there is nothing left to do."""
    judged = SingleJudged(point)
    folder.mkdir(parents=True, exist_ok=True)
    with running(ORGS[point.org]) as emulator, pytest.MonkeyPatch.context() as patch:
        bench = Bench(emulator, folder)
        table = _script_table(bench, point)
        if table["action"] in SLOW:
            patch.setattr(retrying, "RetryPolicy", QUICK)
        script = emulator.faults.add(_script(table, point.nth))
        _judge(judged, bench)
        judged.struck = bool(script.struck)
        patch.undo()
        bench.emulator.faults.clear()
        bench.switch(read_only=False)
        bench.emulator.org.usage.used, bench.emulator.org.usage.long_limit = 0, 25
        bench.renew_token()
        watch = bench.emulator.faults.add(Watch(Drop()))
        assert isinstance(watch, Watch)
        for _ in range(MOST_RUNS):
            before = len(watch.sent)
            _judge(judged, bench)
            if len(watch.sent) == before:
                break
        else:
            judged.complaints.append("run after run writes")
        judged.duplicates = _doubles(bench)
        if judged.duplicates:
            judged.complaints.append(f"{judged.duplicates} records are there twice")
    return judged


def _script_table(bench: Bench, point: Single) -> dict[str, Any]:
    """The script's table with the ids of this org."""
    [fault] = [each for each in CATALOGUE if each.id == point.fault]
    named = {
        "<deal>": lambda: bench.find("Opportunity", Sfsync_Key__c="DEAL-1003"),
        "<role>": lambda: bench.find("OpportunityContactRole", Role="Evaluator"),
        "<account>": lambda: bench.find("Account", Sfsync_Key__c="ACC-1"),
        "<other account>": lambda: bench.create("Account", Name="Other", Sfsync_Key__c="ACC-99"),
        "<contact>": lambda: bench.find("Contact", Email=LEUNG),
        "<other contact>": lambda: bench.find("Contact", Email=ALAN),
        "<deleted deal>": lambda: _deleted_deal(bench),
        "<deal with the same key>": lambda: FOREIGN | {"Sfsync_Key__c": "DEAL-1001"},
        "<deal with the same legacy id>": lambda: FOREIGN | {"Legacy_Id__c": "L-1"},
    }

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(part) for name, part in value.items()}
        return named[value]() if isinstance(value, str) and value in named else value

    return dict(filled(fault.scripts[point.script]))


def _deleted_deal(bench: Bench) -> str:
    made = bench.create("Opportunity", **FOREIGN)
    bench.delete("Opportunity", made)
    return made


def _script(table: dict[str, Any], nth: int) -> FaultScript:
    if "path" in table:
        return script_from(table)
    script = script_from({**table, "nth": nth})
    return AtWrite(script.action, script.phase, nth=nth, count=script.count, commit=script.commit)


def _judge(judged: SingleJudged, bench: Bench) -> Ending:
    ending = bench.run()
    judged.exits.append(ending.exit_code)
    if ending.exit_code not in DOCUMENTED:
        judged.complaints.append(f"run {len(judged.exits)} ended with {ending.exit_code}")
    try:
        assert_every_row_counts_once(ending.counts)
    except AssertionError:
        judged.complaints.append("a row is in no count, or in two")
    return ending


def _doubles(bench: Bench) -> int:
    """How many living records of the job are there more than once."""
    keys = Counter(
        (sobject, row["Sfsync_Key__c"])
        for sobject in ("Contact", "Opportunity")
        for row in bench.emulator.org.storage.select(sobject, '"IsDeleted" = 0')
        if row["Sfsync_Key__c"] is not None
    )
    roles = Counter(
        (row["OpportunityId"], row["ContactId"], row["Role"])
        for row in bench.emulator.org.storage.select("OpportunityContactRole", '"IsDeleted" = 0')
    )
    return sum(number - 1 for number in (*keys.values(), *roles.values()))

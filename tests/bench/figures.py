"""What a benchmark found, as one value that goals, table and plots read; and its form as JSON.

Form of the JSON (schema sfsync.bench/1), one object:
  schema, size, machine {day, python, cores, system, most_load: processes that wanted a core, at the worst}
  cases     [sfsync_cases.Measured]  each case of sfsync: seconds, megabytes, bytes, calls by kind, reads by sObject
  floors    [peer_runs.FloorRun]     the least that a client must do
  peers     [peer_runs.PeerRun]      other clients; `note` where there is no figure
  journal   {commits, share, killed} from journal_cases
  notes     [text]                   what was left out, and why
  rows      [goals.Row]              the table: limit, peers, sfsync, goal, whether it is met
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from peer_runs import FloorRun, PeerRun
from sfsync_cases import Measured

SCHEMA: Final = "sfsync.bench/1"


def _machine() -> dict[str, Any]:
    return {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "most_load": round(os.getloadavg()[0], 1),
    }


@dataclass
class Figures:
    """All that was measured."""

    size: str
    cases: list[Measured] = field(default_factory=list)
    floors: list[FloorRun] = field(default_factory=list)
    peers: list[PeerRun] = field(default_factory=list)
    journal: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=_machine)

    def note_load(self) -> None:
        """Remembers how busy the machine is, if it never was as busy."""
        self.machine["most_load"] = max(self.machine["most_load"], round(os.getloadavg()[0], 1))

    @property
    def is_busy(self) -> bool:
        """Whether more wanted a core than the client and the stub, which are two."""
        return bool(self.machine.get("most_load", 0.0) > self.machine["cores"] + 1)

    def all_notes(self) -> list[str]:
        """The notes, and a word on a machine that was busy with other things."""
        load, cores = self.machine.get("most_load", 0.0), self.machine["cores"]
        if not self.is_busy:
            return self.notes
        busy = (
            f"the machine was busy (a load of {load} on {cores} cores): wall times of sfsync, peers and floors"
            " are too high by what they waited for a core, so no goal on wall is called missed"
        )
        return [busy, *self.notes]

    def sizes(self) -> list[int]:
        """The numbers of deals of the cases, the smallest first, the start-up case left out."""
        return sorted({each.deals for each in self.cases if each.deals > 1})

    def latencies(self, deals: int) -> list[int]:
        """The latencies at which that many deals were loaded."""
        return sorted({each.latency_ms for each in self.cases if each.deals == deals})

    def of(self, what: str, deals: int, latency_ms: int = 0) -> list[Measured]:
        """The rounds of one case that went well."""
        return [
            each
            for each in self.cases
            if (each.what, each.deals, each.latency_ms) == (what, deals, latency_ms) and not each.note
        ]

    def median(
        self, what: str, deals: int, get: Callable[[Measured], float | None], latency_ms: int = 0
    ) -> float | None:
        """The median of a figure over the rounds; None where there is none."""
        return median(get(each) for each in self.of(what, deals, latency_ms))

    def floor(self, name: str, deals: int, latency_ms: int = 0) -> FloorRun | None:
        """A floor's pass with the median CPU."""
        found = [
            each
            for each in self.floors
            if (each.name, each.deals, each.latency_ms) == (name, deals, latency_ms)
        ]
        return sorted(found, key=lambda each: each.cpu_s)[len(found) // 2] if found else None

    def peer(self, name: str, deals: int, latency_ms: int, get: Callable[[PeerRun], Any]) -> float | None:
        """The median of a peer's figure; None where there is none."""
        return median(
            get(each)
            for each in self.peers
            if (each.name, each.deals, each.latency_ms) == (name, deals, latency_ms)
        )

    def in_rounds(self, get: Callable[[int], float | None]) -> float | None:
        """The median of a ratio that is taken within each round."""
        return median(get(each) for each in sorted({case.round for case in self.cases}))

    def document(self, rows: Iterable[Any] = ()) -> dict[str, Any]:
        """The figures as JSON."""
        return {
            "schema": SCHEMA,
            "size": self.size,
            "machine": self.machine,
            "cases": [asdict(each) for each in self.cases],
            "floors": [asdict(each) for each in self.floors],
            "peers": [asdict(each) for each in self.peers],
            "journal": self.journal,
            "notes": self.notes,
            "rows": [asdict(each) for each in rows],
        }


def median(values: Iterable[float | None]) -> float | None:
    """The median of what is there."""
    known = [each for each in values if each is not None]
    return statistics.median(known) if known else None


def loaded(path: Path) -> Figures:
    """The figures of a file that was written before.

    Raises:
        ValueError: it is of another form.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no {SCHEMA}")
    return Figures(
        size=document["size"],
        cases=[Measured(**each) for each in document["cases"]],
        floors=[FloorRun(**each) for each in document["floors"]],
        peers=[PeerRun(**each) for each in document["peers"]],
        journal=document["journal"],
        notes=document["notes"],
        machine=document["machine"],
    )

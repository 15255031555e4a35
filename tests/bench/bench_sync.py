"""How fast, how small and how thrifty sfsync is, against its floors and its peers, on a stub that costs little.

    python tests/bench/bench_sync.py [--size quick|full|large|million] [--out FILE] [--no-peers]

Every case is a fresh process; cases, floors and peers of one round follow one another, and figures are medians
over the rounds. Prints the table and one line of JSON (its form: figures.py). Run by `make bench`; not collected by
pytest.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import journal_cases
from bench_table import terminal
from figures import Figures
from goals import LEAST_FOR_CPU, rows
from measured_processes import Stub, served_stub
from peer_runs import FLOORS, PEERS, floor, for_other_size, made_environment, peer
from sfsync_cases import Desk, Measured, life, load, load_at, named_by_way, ways_left

_KILLS: Final = (11, 12, 13)


@dataclass(frozen=True, slots=True)
class Size:
    """What is run: deals with their rounds, and the latencies of each."""

    rounds: dict[int, int]
    latencies: dict[int, tuple[int, ...]]
    kills: int


SIZES: Final = {
    "quick": Size({1_000: 1, 10_000: 1}, {1_000: (0, 80, 250), 10_000: (0, 80, 250)}, 1),
    "full": Size(
        {1_000: 3, 10_000: 3, 100_000: 1},
        {1_000: (0, 80, 250), 10_000: (0, 80, 250), 100_000: (0, 80)},
        3,
    ),
    "large": Size({100_000: 1}, {100_000: (0,)}, 0),
    "million": Size({100_000: 1, 1_000_000: 1}, {100_000: (0,), 1_000_000: (0,)}, 0),
}
_LARGEST_FOR_PEERS: Final = 10_000
_MOST_FOR_WAYS: Final = 100_000
"""The ways that a load does not choose tell no more of a million deals, and take an hour."""


class Bench:
    """One benchmark on its way."""

    def __init__(self, size: str, stub: Stub, folder: Path, *, with_peers: bool, out: Path | None) -> None:
        self.figures = Figures(size)
        self._size = SIZES[size]
        self._stub, self._folder = stub, folder
        self._with_peers = with_peers
        self._out = out

    def run(self) -> Figures:
        """Measures all."""
        if self._with_peers:
            reason = made_environment()
            if reason:
                self.figures.notes.append(reason)
                self._with_peers = False
        for round_ in range(1, max(self._size.rounds.values()) + 1):
            self._one(round_)
            for deals, rounds in self._size.rounds.items():
                if round_ <= rounds:
                    self._round(deals, round_)
        self._journal()
        self.save()
        return self.figures

    def save(self) -> str:
        """The figures so far as JSON, also in the file that was asked for: a run that is ended leaves its parts."""
        document = json.dumps(self.figures.document(rows(self.figures)), ensure_ascii=False)
        if self._out is not None:
            self._out.write_text(document + "\n", encoding="utf-8")
        return document

    def _one(self, round_: int) -> None:
        """The case of one deal: what starting costs."""
        self._say(f"start-up, round {round_}")
        desk = Desk(self._stub, self._folder / "one", 1)
        if round_ == 1:
            life(desk, round_=0)  # compiles the modules, once
        self._keep(life(desk, round_=round_))

    def _round(self, deals: int, round_: int) -> None:
        desk = Desk(self._stub, self._folder / f"deals-{deals}", deals)
        for name in FLOORS:
            self.figures.floors.append(floor(name, desk.folder, self._stub, deals=deals, round_=round_))
        for latency in self._size.latencies[deals]:
            self._say(f"{deals:,} deals, {latency} ms, round {round_}")
            if latency:
                self._keep(load_at(desk, latency_ms=latency, round_=round_))
            else:
                self._keep(found := life(desk, round_=round_))
                if LEAST_FOR_CPU <= deals <= _MOST_FOR_WAYS:
                    self._ways(desk, found[:2], round_)
            self._peers(desk, latency, round_)

    def _ways(self, desk: Desk, found: list[Measured], round_: int) -> None:
        """The same load by the ways that it did not choose; by collections only deals without roles may go."""
        plan, loaded = found
        way = named_by_way(loaded)
        self._keep([replace(plan, what=way.what.replace("first load", "plan")), way])
        for each in ways_left(loaded):
            self._say(f"{desk.deals:,} deals by {each}, round {round_}")
            self._keep(load(desk, round_=round_, strategy=each))
        lone = Desk(self._stub, self._folder / f"lone-{desk.deals}", desk.deals, with_roles=False)
        self._keep(load(lone, round_=round_, strategy="collections"))

    def _peers(self, desk: Desk, latency: int, round_: int) -> None:
        if not self._with_peers or desk.deals > _LARGEST_FOR_PEERS:
            return
        for name in PEERS:
            known = next(
                (
                    each
                    for each in self.figures.peers
                    if (each.name, each.latency_ms, each.round) == ("loop", latency, round_)
                ),
                None,
            )
            if name == "loop" and known is not None:
                self.figures.peers.append(for_other_size(known, desk.deals))
                continue
            self._say(f"{name}, {desk.deals:,} deals, {latency} ms, round {round_}")
            place = {"deals": desk.deals, "latency_ms": latency, "round_": round_}
            found = peer(name, desk.folder, self._stub, **place)
            self.figures.peers.append(found)
            if found.note:
                self._note(f"{name}: {found.note}")

    def _journal(self) -> None:
        if self._size.kills == 0:
            return
        self._say("journal")
        small, one_portion, large = journal_cases.desks(self._stub, self._folder)
        self.figures.journal["commits"] = journal_cases.commits(small, one_portion)
        self.figures.journal["share"] = journal_cases.journal_share(large)
        self._say("kills")
        self.figures.journal["killed"] = [
            journal_cases.killed(large, seed=seed) for seed in _KILLS[: self._size.kills]
        ]

    def _keep(self, found: list[Measured]) -> None:
        self.figures.cases += found
        for each in found:
            if each.note:
                self._note(f"{each.what}, {each.deals:,} deals: {each.note}")

    def _note(self, text: str) -> None:
        if text not in self.figures.notes:
            self.figures.notes.append(text)

    def _say(self, text: str) -> None:
        self.figures.note_load()
        self.save()
        sys.stderr.write(f"bench: {time.strftime('%H:%M:%S')} {text}\n")


def main() -> None:
    """Measure, and print a table and one JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=tuple(SIZES), default="quick")
    parser.add_argument("--out", type=Path, help="also write the JSON into this file")
    parser.add_argument("--no-peers", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sfsync-bench-") as folder, served_stub() as stub:
        bench = Bench(asked.size, stub, Path(folder), with_peers=not asked.no_peers, out=asked.out)
        figures = bench.run()
    sys.stdout.write(terminal(rows(figures)) + "\n")
    for note in figures.all_notes():
        sys.stdout.write(f"note: {note}\n")
    sys.stdout.write(bench.save() + "\n")


if __name__ == "__main__":
    main()

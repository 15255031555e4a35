"""Kills real processes at chosen moments until so many have died, and holds the org to what must be there.

A chain is one world that lives through a few rounds (kill_chains.py). Every chain draws from a seed of its own, so
`--chain N` plays just that chain again. Journals are files first, then in PostgreSQL, each with kills of its own;
the chains are shared among all processors. Prints a line for each chain and the sums at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context

from client_processes import Nursery, open_nursery
from crash_worlds import BY_STRATEGY, KINDS, LARGE, SMALL, Kind, Size, Twin, open_world
from kill_chains import Chain, Tally
from lead_world import LEADS
from postgres_cluster import Cluster, running_cluster
from sqlalchemy import Engine, event

PLAYED = (*KINDS, *BY_STRATEGY, LEADS)
"""The kinds of org in turn, the last with deals out of leads and made parents."""

ROUNDS = {SMALL.name: 6, LARGE.name: 2}
LARGE_SHARE = 0.9
"""Of the chains. In the small job of the others a death hits each place much more often."""

KILLS = {"sqlite": 1000, "postgres": 200}
"""Of the large job, on each kind of journal; those of the small one come on top."""


def commit_counter() -> list[None]:
    """A list that grows by one with each commit of a journal in this process."""
    seen: list[None] = []
    event.listen(Engine, "commit", lambda _: seen.append(None))
    return seen


@contextmanager
def warm_nursery(cluster: Cluster | None) -> Iterator[Nursery]:
    """A nursery that has run a job of each kind, so that its children find everything imported."""
    with open_nursery() as opened:
        for kind in PLAYED:
            with open_world(kind, SMALL, cluster) as world:
                world.begin_round()
                assert opened.warm("run", world.bench.job, "--json", environ=world.bench.environ) == 0
        yield opened


@dataclass(frozen=True)
class Share:
    """What one process of a campaign plays: every `step`-th chain from `first` on, until so many kills count."""

    backend: str
    seed: int
    first: int
    step: int
    kills: int
    is_one_chain: bool = False

    def chains(self) -> Iterator[tuple[int, random.Random, Kind, Size]]:
        """The chains, without end unless it is just the one."""
        for number in count(self.first, self.step):
            draw = random.Random(f"{self.seed}/{number}")
            size = LARGE if draw.random() < LARGE_SHARE else SMALL
            yield number, draw, PLAYED[number % len(PLAYED)], size
            if self.is_one_chain:
                return


def play(share: Share) -> tuple[Tally, str]:
    """Plays chains until enough processes have died; the tally, and the words of a broken promise or ""."""
    tally, commits = Tally(), commit_counter()
    twins: dict[tuple[str, str], Twin] = {}
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster()) if share.backend == "postgres" else None
        nursery = stack.enter_context(warm_nursery(cluster))
        for number, draw, kind, size in share.chains():
            known = twins.get((kind.name, size.name))
            if known is None:
                known = Twin(stack.enter_context(open_world(kind, size, cluster)), lambda: len(commits))
                twins[kind.name, size.name] = known
            with open_world(kind, size, cluster) as world:
                chain = Chain(number, world, known, nursery, draw, tally)
                try:
                    chain.live(ROUNDS[size.name])
                except AssertionError as broken:
                    words = f"chain {number} of seed {share.seed}, {kind.name}, {size.name}: {broken}"
                    return tally, "\n".join([words, *chain.trace])
            print(f"chain {number:>4}  {kind.name:<18} {size.name:<6} {tally.killed:>5} kills", flush=True)
            if tally.counted >= share.kills:
                break
    return tally, ""


def campaign(backend: str, options: argparse.Namespace) -> bool:
    """Kills processes whose journal is of that kind, and prints the sums; whether every promise was kept."""
    started, kills = time.monotonic(), options.kills or KILLS[backend]
    if options.chain is not None:
        shares = [Share(backend, options.seed, options.chain, 1, kills, is_one_chain=True)]
    else:
        parts = min(options.processes, kills)
        shares = [
            Share(backend, options.seed, options.first + part, parts, -(-kills // parts))
            for part in range(parts)
        ]
    with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn")) as pool:
        played = list(pool.map(play, shares))
    seconds = time.monotonic() - started
    told(sum((tally for tally, _ in played), Tally()), backend=backend, seed=options.seed, seconds=seconds)
    broken = [words for _, words in played if words]
    print("\n".join(f"FAILED: {words}" for words in broken) or "  twice 0, lost in silence 0")
    return not broken


def told(tally: Tally, *, backend: str, seed: int, seconds: float) -> None:
    """Prints the sums."""
    print(f"{backend}, seed {seed}: {tally.killed} kills in {tally.rounds} rounds, {seconds:.0f} s")
    for name, number in sorted(tally.kills.items()):
        print(f"  {name:<24} {number:>5}")
    share = tally.with_open_intents / max(tally.killed, 1)
    print(f"  {'in a recovery':<24} {tally.in_recovery:>5}")
    print(f"  {'with an intent open':<24} {tally.with_open_intents:>5} ({share:.0%})")
    print(f"  {'listed as unknown':<24} {tally.unknown:>5} (where an org gives no fence)")


def main() -> int:
    """Reads the options; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=tuple(KILLS), help="only journals of this kind")
    parser.add_argument(
        "--kills", type=int, help="stop after so many of the large job, on each kind of journal"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="begin with this chain")
    parser.add_argument("--chain", type=int, help="only this chain")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="play so many chains at once")
    options = parser.parse_args()
    backends = [options.backend] if options.backend else list(KILLS)
    return 0 if all(campaign(each, options) for each in backends) else 1


if __name__ == "__main__":
    sys.exit(main())

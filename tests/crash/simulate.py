"""Plays random histories by their seeds, one line each: `--seeds 1-5000`, and `--seeds 77 --trace` to see one.

The same machine as in history_machine.py, driven by a seeded draw: a seed gives the same history on every machine.
A range can be taken up where it was left. A history that breaks a promise prints its trace; the others go on, and
the exit code is 1 at the end. The seeds are shared among all processors.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

from crash_worlds import KINDS
from history import ACTIONS, History, open_history

STEPS = 60
WEIGHTS = {
    "run": 4,
    "edit-local": 5,
    "inject": 5,
    "crash": 4,
    "resume": 3,
    "foreign-edit": 2,
    "plan": 2,
    "apply": 2,
}


def play(seed: int, steps: int) -> tuple[History, str]:
    """Plays the history of a seed; the history, and what went wrong ("" = nothing)."""
    draw = random.Random(seed)
    names = [name for name in ACTIONS for _ in range(WEIGHTS.get(name, 1))]
    with open_history(KINDS[seed % len(KINDS)], seed=seed) as history:
        try:
            for _ in range(steps):
                history.act(draw.choice(names), draw.randrange(100), draw.randrange(100))
            history.end()
        except AssertionError as broken:
            return history, str(broken) or traceback.format_exc()
        except Exception:  # noqa: BLE001 - whatever goes wrong belongs to the seed
            return history, traceback.format_exc()
    return history, ""


@dataclass(frozen=True)
class Told:
    """What is told of a history; `broken` is "" when every promise was kept."""

    seed: int
    kind: str
    trace: tuple[str, ...]
    broken: str


def tell(seed: int, *, steps: int) -> Told:
    """Plays the history of a seed for somebody in another process."""
    history, broken = play(seed, steps)
    return Told(seed, history.kind.name, tuple(history.trace), broken)


@contextmanager
def told_in_order(seeds: range, *, steps: int, processes: int) -> Iterator[Iterator[Told]]:
    """The histories of the seeds, played by so many processes, in the order of the seeds."""
    played = partial(tell, steps=steps)
    if processes == 1:
        yield map(played, seeds)
        return
    pool: Any = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool.map(played, seeds)
    finally:
        pool.shutdown(cancel_futures=True)


def main() -> int:
    """Plays the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-100", help="a number, or a range such as 1-100")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--trace", action="store_true", help="print the trace of every history")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="play so many at once")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    failed, started = [], time.monotonic()
    with told_in_order(seeds, steps=options.steps, processes=min(options.processes, len(seeds))) as all_told:
        for told in all_told:
            words = told.broken.strip().splitlines()[-1] if told.broken else "kept"
            print(f"seed {told.seed:>6}  {told.kind:<18} {len(told.trace):>3} steps  {words}", flush=True)
            if told.broken or options.trace:
                print(
                    "\n".join(f"    {line}" for line in [*told.trace, *told.broken.splitlines()]), flush=True
                )
            if told.broken:
                failed.append(told.seed)
    seconds = time.monotonic() - started
    print(f"seeds {options.seeds}: {len(seeds)} histories, broken {failed or 'none'}, {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

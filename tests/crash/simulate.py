"""Plays random histories by their seeds, one line each: `--seeds 1-5000`, and `--seeds 77 --trace` to see one.

The same machine as in test_histories.py, driven by a seeded draw: a seed gives the same history on every machine.
A range can be taken up where it was left; a history that breaks a promise prints its trace, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

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


def main() -> int:
    """Plays the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-100", help="a number, or a range such as 1-100")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--trace", action="store_true", help="print the trace of every history")
    parser.add_argument("--keep-going", action="store_true", help="go on after a broken promise")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    failed, started = [], time.monotonic()
    for seed in range(int(first), int(last or first) + 1):
        history, broken = play(seed, options.steps)
        words = broken.strip().splitlines()[-1] if broken else "kept"
        print(f"seed {seed:>6}  {history.kind.name:<18} {len(history.trace):>3} steps  {words}", flush=True)
        if broken or options.trace:
            print("\n".join(f"    {line}" for line in [*history.trace, *broken.splitlines()]), flush=True)
        if broken:
            failed.append(seed)
            if not options.keep_going:
                break
    print(f"seeds {options.seeds}: broken {failed or 'none'}, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

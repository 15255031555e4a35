"""Plants every bug of the catalogue in a copy of the project, and lets the tests find it: `make mutants`.

A bug counts as caught when one of its own tests fails on it; when they all pass, the rest of the suite is asked.
The exit code is 1 for a bug that survives, that no longer applies, or that only breaks the code so that it cannot
be imported or run. `make mutants ARGS="NAME ..."` runs some; `--keep` leaves the copies for a look.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bug_catalogue import DoesNotApply, Mutant, catalogue, plant

SHORT_S: Final = 120
"""How long a bug's own tests may take; the machine may be busy, else half a minute would do."""

WHOLE_S: Final = 1800
NOT_ASKED: Final = (
    "mutants",
    "clients",
    "bench",
    "contract/emulator",
    "e2e/test_setup.py",
    "unit/test_layers.py",
)
"""Tests that a bug of the product cannot fail, or that look at the text of the code instead of what it does."""

BROKEN: Final = frozenset(
    {
        "AttributeError",
        "ImportError",
        "IndentationError",
        "ModuleNotFoundError",
        "NameError",
        "SyntaxError",
        "TypeError",
        "UnboundLocalError",
        "WrongTree",
    }
)
"""Errors that say that the patch is no bug a person would make, but code that does not run."""


@dataclass(frozen=True)
class Verdict:
    """What became of one planted bug; `by` is the test that noticed it."""

    mutant: Mutant
    word: str
    by: str
    seconds: float

    @property
    def is_caught(self) -> bool:
        """Whether a test failed for the bug's own sake."""
        return self.word in ("caught", "caught late")


def tried(mutant: Mutant, folder: Path, *, seed: int, asks_all: bool) -> Verdict:
    """Plants the bug in a copy of its own and runs the tests there."""
    started = time.monotonic()
    tree = folder / mutant.name
    try:
        plant(mutant, tree)
    except (DoesNotApply, FileNotFoundError) as error:
        return Verdict(mutant, "DOES NOT APPLY", str(error).splitlines()[0], 0.0)
    word, by = _asked(mutant, tree, [f"tests/{each}" for each in mutant.tests], seed=seed, limit_s=SHORT_S)
    if word == "SURVIVED" and asks_all:
        rest = ["tests", *(f"--ignore=tests/{each}" for each in NOT_ASKED)]
        word, by = _asked(mutant, tree, rest, seed=seed, limit_s=WHOLE_S)
        word = "caught late" if word == "caught" else word
    return Verdict(mutant, word, by, time.monotonic() - started)


def _asked(mutant: Mutant, tree: Path, tests: Sequence[str], *, seed: int, limit_s: float) -> tuple[str, str]:
    """What the tests say of the bug, and the one that said it."""
    report = tree / "witness.json"
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "tests" / "mutants"))),
        "PYTHONSAFEPATH": "1",
        "SFSYNC_MUTANT_TREE": str(tree.resolve()),
        "SFSYNC_MUTANT_MODULES": " ".join(mutant.modules),
        "SFSYNC_MUTANT_REPORT": str(report),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-p", "witness", "-p", "no:cacheprovider"]
    command += [f"--hypothesis-seed={seed}", f"--basetemp={tree / 'tmp'}", *tests]
    with (tree / "pytest.txt").open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "TIMED OUT", f"after {limit_s:.0f} s"
    if code == 0:
        return "SURVIVED", ""
    if not report.exists():
        return "NOT RUN", _last_line(tree / "pytest.txt")
    seen = json.loads(report.read_text(encoding="utf-8"))
    test = seen["test"].removeprefix("tests/")
    return ("BROKEN", f"{seen['error']} in {test}") if seen["error"] in BROKEN else ("caught", test)


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word from pytest"


def shown(verdict: Verdict) -> str:
    """The verdict as a line of the table, the rule and what it trips below."""
    mutant = verdict.mutant
    return (
        f"{verdict.word:<12} {verdict.seconds:5.1f} s  {mutant.name}\n"
        f"    breaks: {mutant.rule} ({', '.join(mutant.trips)})\n"
        f"    {'by' if verdict.is_caught else 'why'}: {verdict.by or 'every test passed'}"
    )


def main() -> int:
    """Runs the bugs that are asked for, and prints the table."""
    parser = argparse.ArgumentParser(description="Planted bugs, and the tests that catch them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="bugs to plant; all when none is named")
    parser.add_argument("--seed", type=int, default=20260930, help="the seed of the property tests")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="bugs tried at once")
    parser.add_argument(
        "--short", action="store_true", help="ask a bug's own tests only, not the rest of the suite"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave the copies there, with pytest's output"
    )
    given = parser.parse_args()
    mutants = catalogue()
    unknown = set(given.names) - {each.name for each in mutants}
    if unknown:
        parser.error(f"no such planted bug: {', '.join(sorted(unknown))}")
    wanted = [each for each in mutants if not given.names or each.name in given.names]
    folder = given.keep or Path(tempfile.mkdtemp(prefix="sfsync-mutants-"))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()

    def try_one(mutant: Mutant) -> Verdict:
        verdict = tried(mutant, folder, seed=given.seed, asks_all=not given.short)
        print(shown(verdict), flush=True)
        if given.keep is None:
            shutil.rmtree(folder / mutant.name, ignore_errors=True)
        return verdict

    try:
        with ThreadPoolExecutor(given.jobs) as pool:
            verdicts = list(pool.map(try_one, wanted))
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return _summed_up(verdicts, seconds=time.monotonic() - started, seed=given.seed)


def _summed_up(verdicts: Sequence[Verdict], *, seconds: float, seed: int) -> int:
    caught = sum(each.is_caught for each in verdicts)
    slowest = max(verdicts, key=lambda each: each.seconds)
    late = [each.mutant.name for each in verdicts if each.word == "caught late"]
    print(f"\n{caught} of {len(verdicts)} planted bugs caught in {seconds:.0f} s, seed {seed}; ", end="")
    print(f"the slowest took {slowest.seconds:.0f} s ({slowest.mutant.name})")
    if late:
        print(f"caught by the rest of the suite only: {', '.join(late)}")
    left = [f"{each.mutant.name} ({each.word})" for each in verdicts if not each.is_caught]
    if left:
        print(f"not caught: {', '.join(left)}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())

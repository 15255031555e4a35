"""Writes bad files of every kind by their seeds, reads each as a job does, and accounts for every row.

`--seeds 1-30` is the range, `--kind K --seed N` repeats one file and shows its trace. Files live in a temporary
folder that is emptied as it goes. What may not happen is printed with its kind and seed, and the exit code is 1.
Memory is judged in each process: after a warm-up that has seen every kind, it has to stay flat.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from all_kinds import NAMES
from commands import drive, example_environ
from fuzz_org import save_example_org
from judging import Account, TooSlow, Wrong, judged
from odd_words import LOCALES

from sfsync.app.snapshots import read_snapshot
from sfsync.core.orgs.snapshot import Snapshot
from sfsync.core.reading.numbers import number_form

CHUNK: Final = 3
LARGE: Final = 10_000
GROWTH_MB: Final = 60
"""By how much a process may grow between its second quarter and its last."""

COMMAND_FILES: Final = 200


@dataclass(frozen=True)
class Task:
    """Some seeds of one kind; `commands` drives the command line in place of the reader."""

    kind: str
    seeds: tuple[int, ...]
    commands: bool = False


@dataclass
class Told:
    """What became of a task: its accounts added up, what is wrong, and the memory of its process behind it."""

    task: Task
    process: int
    files: int = 0
    typed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    mapped: int = 0
    problems: int = 0
    read_back: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)
    memory_mb: float = 0.0
    seconds: float = 0.0

    def add(self, account: Account) -> None:
        """Adds what became of one file."""
        self.files += 1
        self.refused[account.refused] += account.refused != ""
        self.mapped += account.mapped
        self.problems += account.problems
        self.read_back += account.read_back


class _Place:
    """What a process keeps between its tasks: its folder and the org."""

    folder: Path
    org: Snapshot
    snapshot: Path
    surroundings: Any = None


def _settle(root: str, snapshot: str) -> None:
    import pyarrow.parquet  # noqa: F401 - what it and the locales take is no growth of ours

    for locale in LOCALES:
        number_form(locale)
    _Place.folder = Path(tempfile.mkdtemp(dir=root))
    _Place.snapshot = Path(snapshot)
    _Place.org = read_snapshot(_Place.snapshot)


def _do(task: Task) -> Told:
    """Judges the files of a task."""
    told, started = Told(task, os.getpid()), time.monotonic()
    files = _Place.folder / "judged"
    files.mkdir(exist_ok=True)
    for seed in task.seeds:
        (_Place.folder / "now").write_text(f"{task.kind} {seed}")
        try:
            if task.commands:
                told.typed += _drive(task.kind, seed)
            else:
                told.add(judged(task.kind, seed, folder=files, org=_Place.org, large=LARGE))
        except (Wrong, TooSlow) as wrong:
            told.wrong.append((seed, str(wrong)))
        except Exception:  # noqa: BLE001 - whatever goes wrong belongs to the kind and seed
            told.wrong.append((seed, traceback.format_exc()))
    (_Place.folder / "now").unlink()
    gc.collect()
    told.memory_mb, told.seconds = _memory_mb(), time.monotonic() - started
    return told


def _drive(kind: str, seed: int) -> int:
    if _Place.surroundings is None:
        _Place.surroundings = example_environ(_Place.folder)
        _Place.surroundings.__enter__()
    return drive(kind, seed, folder=_Place.folder, snapshot=_Place.snapshot)


def _memory_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0  # no such file on this system: memory is not judged
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def tasks_of(kinds: Sequence[str], seeds: Sequence[int]) -> list[Task]:
    """Every kind early, so that all of them are in the warm-up; then the commands over a sample."""
    chunks = [tuple(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    return [Task(kind, chunk) for chunk in chunks for kind in kinds]


def commands_of(kinds: Sequence[str], seeds: Sequence[int], files: int) -> list[Task]:
    """As many files as wanted, over all kinds in turn."""
    each = -(-files // max(1, len(kinds)))
    return [Task(kind, tuple(seeds[:each]), commands=True) for kind in kinds] if files else []


def growth(told: Sequence[Told]) -> float:
    """The most that a process has grown, in MB: its least memory of the last quarter over that of the second."""
    by_process: defaultdict[int, list[float]] = defaultdict(list)
    for each in told:
        if not each.task.commands:
            by_process[each.process].append(each.memory_mb)
    grown = [0.0]
    for series in by_process.values():
        quarter = len(series) // 4
        if quarter >= 10:
            grown.append(min(series[-quarter:]) - min(series[quarter : 2 * quarter]))
    return max(grown)


def played(tasks: Sequence[Task], *, root: Path, processes: int) -> tuple[list[Told], list[str]]:
    """What became of the tasks, and the kinds and seeds that ended a process."""
    told: list[Told] = []
    context = multiprocessing.get_context("spawn")
    given = (str(root), str(root / "org.snapshot.json"))
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_settle, initargs=given) as pool:
        waiting = [pool.submit(_do, task) for task in tasks]
        try:
            for done in as_completed(waiting):
                told.append(done.result())
                _print_wrong(told[-1])
        except BrokenProcessPool:
            return told, [each.read_text() for each in root.glob("*/now")]
    return told, []


def _print_wrong(told: Told) -> None:
    for seed, words in told.wrong:
        again = f'make fuzz ARGS="--kind {told.task.kind} --seed {seed}{" --commands" * told.task.commands}"'
        print(
            f"WRONG  {told.task.kind} {seed}: {words.strip().splitlines()[-1][:300]}\n       {again}",
            flush=True,
        )


def _summary(told: Sequence[Told], died: Sequence[str], *, seconds: float) -> int:
    wrong = sum(len(each.wrong) for each in told) + len(died)
    for each in died:
        print(f"WRONG  the process ended while it read one of: {each}")
    refused = sum((each.refused for each in told), Counter[str]())
    mapped, problems = sum(each.mapped for each in told), sum(each.problems for each in told)
    files, typed = sum(each.files for each in told), sum(each.typed for each in told)
    grown = growth(told)
    kinds = len({each.task.kind for each in told})
    print(
        f"{files:,} files of {kinds} kinds, {sum(refused.values()):,} of them refused by {len(refused)} codes"
    )
    read_back, seen = sum(each.read_back for each in told), mapped + problems
    print(
        f"{seen:,} rows: {mapped:,} mapped, {problems:,} problems; {read_back:,} rejects read back the same"
    )
    print(f"{wrong} findings: tracebacks, rows unaccounted for, wrong cells, files that take too long")
    print(f"{typed:,} commands; memory grew by {grown:.0f} MB at most; {seconds:.0f} s")
    if grown > GROWTH_MB:
        print(f"WRONG  memory grew by more than {GROWTH_MB} MB")
    return 1 if wrong or grown > GROWTH_MB else 0


def _one(kind: str, seed: int, *, root: Path, commands: bool) -> int:
    """Repeats one file and shows what is wrong in full."""
    _settle(str(root), str(root / "org.snapshot.json"))
    told = _do(Task(kind, (seed,), commands))
    for _, words in told.wrong:
        print(words)
    print(f"{kind} {seed}: refused {dict(told.refused)}, {told.mapped} mapped, {told.problems} problems")
    if _Place.surroundings is not None:
        _Place.surroundings.__exit__(None, None, None)
    return 1 if told.wrong else 0


def main() -> int:
    """Plays the seeds of all kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-30", help="a range such as 1-30")
    parser.add_argument("--seed", type=int, help="this seed alone, with --kind")
    parser.add_argument("--kind", action="append", choices=NAMES, metavar="KIND", help="only this kind")
    parser.add_argument(
        "--commands", action="store_true", help="with --seed: the command line over that file"
    )
    parser.add_argument(
        "--command-files", type=int, default=COMMAND_FILES, help="how many files go through it"
    )
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    kinds = tuple(options.kind or NAMES)
    first, _, last = options.seeds.partition("-")
    seeds, started = range(int(first), int(last or first) + 1), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sfsync-fuzz-") as folder:
        root = Path(folder)
        save_example_org(root / "org.snapshot.json")
        if options.seed is not None:
            return _one(kinds[0], options.seed, root=root, commands=options.commands)
        print(f"{len(kinds)} kinds, seeds {seeds[0]}-{seeds[-1]}", flush=True)
        tasks = [*tasks_of(kinds, seeds), *commands_of(kinds, seeds, options.command_files)]
        told, died = played(tasks, root=root, processes=options.processes)
    return _summary(told, died, seconds=time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())

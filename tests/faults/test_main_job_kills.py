"""P1: a client process is killed at any write call, once or twice, and the org ends as if nothing had happened.

The clients are real processes on a real journal; the emulator kills them with SIGKILL at a chosen request,
before it is read, before it is committed or after. The full grid, every request and every second kill, runs
with SFSYNC_FAULTS_GRID=1.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from client_processes import Nursery
from main_job_bench import (
    ALAN,
    GRID,
    LEUNG,
    ROOT,
    WRITES,
    Bench,
    FreshBench,
    Reference,
    assert_every_row_counts_once,
    role,
)
from primary_contacts import BEFORE, DEAL, MOVED, ROW, leung_is_primary

from sfsync.emulator.fault_actions import Kill
from sfsync.emulator.faults import PHASES, FaultScript
from sfsync.journal import open_journal

CALLS = range(1, 5)
BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT = PHASES[:3]
RECOVERIES = {"run": ("run", "trailhead", "--json"), "resume": ("resume", "--json")}
KILLED = -signal.SIGKILL


def run_and_kill(
    bench: Bench, nursery: Nursery, arguments: tuple[str, ...], script: FaultScript
) -> tuple[int, bool]:
    """Runs a command that is killed where the script says; its end, and whether the script struck."""
    client = nursery.start(*arguments, environ=bench.environ, folder=bench.folder)
    script.action = Kill(client.pid)
    bench.emulator.faults.add(script)
    ended = client.run()
    bench.emulator.faults.clear()
    return ended, bool(script.struck)


def at_write(nth: int, phase: str) -> FaultScript:
    """A kill at the n-th write call."""
    return FaultScript(Kill(0), phase, path=WRITES, nth=nth)


def at_request(nth: int, phase: str) -> FaultScript:
    """A kill at the n-th request of any kind."""
    return FaultScript(Kill(0), phase, nth=nth)


def recover(bench: Bench, nursery: Nursery, how: str) -> None:
    """Runs the command of the recovery to its end, which is that of the example."""
    client = nursery.start(*RECOVERIES[how], environ=bench.environ, folder=bench.folder)
    assert client.run() == 3, client.out.read_text()
    counts = client.document["counts"]
    assert_every_row_counts_once(counts)
    for of_sobject in counts.values():
        assert (of_sobject["unknown"], of_sobject["unprocessed"], of_sobject["conflicts"]) == (0, 0, 0)


def has_open_run(bench: Bench) -> bool:
    """Whether a run has begun and not ended, so that there is something to resume."""
    journal = open_journal(bench.folder / "state", clock=lambda: datetime.now(UTC))
    with journal:
        return any(each.exit_code is None for each in journal.runs())


def assert_like_uninterrupted(bench: Bench, reference: Reference) -> None:
    """The org holds what an uninterrupted run leaves, inserted once each, and another run writes nothing."""
    assert bench.picture() == reference.picture
    assert bench.inserted() == reference.inserted
    before = bench.write_count()
    ending = bench.run()
    assert (ending.exit_code, bench.write_count()) == (3, before)


MOMENTS = [
    (BEFORE_READ, "run"),
    (BEFORE_COMMIT, "resume"),
    (AFTER_COMMIT, "run"),
    (AFTER_COMMIT, "resume"),
    pytest.param(BEFORE_READ, "resume", marks=GRID),
    pytest.param(BEFORE_COMMIT, "run", marks=GRID),
]
"""When the kill comes and what is run then; a client cannot tell the first two moments apart."""


@pytest.mark.parametrize(("phase", "how"), MOMENTS)
@pytest.mark.parametrize("nth", CALLS)
def test_P1_killed_at_a_write_call(
    bench: Bench, reference: Reference, nursery: Nursery, *, nth: int, phase: str, how: str
) -> None:
    """A kill at any write call, then one run or resume: the org equals that of an uninterrupted run."""
    run = RECOVERIES["run"]
    assert run_and_kill(bench, nursery, run, at_write(nth, phase)) == (KILLED, True)
    recover(bench, nursery, how)
    assert_like_uninterrupted(bench, reference)


@pytest.mark.parametrize("how", RECOVERIES)
@pytest.mark.parametrize("nth", [2, *(pytest.param(nth, marks=GRID) for nth in (1, 3, 4))])
def test_P1_killed_again_while_recovering(
    bench: Bench, reference: Reference, nursery: Nursery, *, nth: int, how: str
) -> None:
    """A second kill, after the first write of the recovery, changes nothing either."""
    run = RECOVERIES["run"]
    assert run_and_kill(bench, nursery, run, at_write(nth, AFTER_COMMIT)) == (KILLED, True)
    ended, struck = run_and_kill(bench, nursery, RECOVERIES[how], at_write(1, AFTER_COMMIT))
    assert ended == (KILLED if struck else 3)
    recover(bench, nursery, how if struck else "run")
    assert_like_uninterrupted(bench, reference)


def test_P1_killed_as_users_start_it(bench: Bench, reference: Reference) -> None:
    """The same with the command started like a user's, not forked: killed after the deals' commit."""
    command = [sys.executable, "-c", "from sfsync.cli.main import main; main()", "run", "trailhead", "--json"]
    gate = [sys.executable, "-c", "import os, sys; sys.stdin.read(); os.execv(sys.argv[1], sys.argv[1:])"]
    with subprocess.Popen(
        [*gate, *command],
        cwd=ROOT,
        env={**bench.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as client:
        script = at_write(2, AFTER_COMMIT)
        script.action = Kill(client.pid)
        bench.emulator.faults.add(script)
        assert client.stdin is not None
        client.stdin.close()
        assert client.wait(timeout=60) == KILLED
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 3
    assert_like_uninterrupted(bench, reference)


@pytest.mark.parametrize("names_leung", [False, pytest.param(True, marks=GRID)])
@pytest.mark.parametrize(("phase", "how"), MOMENTS)
def test_P1_killed_while_the_primary_contact_moves(
    bench: Bench, nursery: Nursery, *, phase: str, how: str, names_leung: bool
) -> None:
    """An unfenced role: saved before the kill it is found, else it stays unknown and nothing is half done."""
    leung_is_primary(bench)
    others = [role(DEAL, LEUNG, "Evaluator", "no")] if names_leung else []
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes"), *others])
    run = ("run", bench.job, "--json")
    assert run_and_kill(bench, nursery, run, at_write(1, phase)) == (KILLED, True)
    again = nursery.start(
        *(run if how == "run" else RECOVERIES[how]), environ=bench.environ, folder=bench.folder
    )
    is_saved = phase == AFTER_COMMIT
    assert again.run() == (0 if is_saved else 3), again.out.read_text()
    assert bench.roles(DEAL) == (MOVED if is_saved else BEFORE)
    assert bench.write_count() == 1
    assert bench.run().exit_code == (0 if is_saved else 3)
    assert bench.write_count() == 1


@GRID
@pytest.mark.parametrize("how", RECOVERIES)
@pytest.mark.parametrize("phase", [each for each in PHASES[:3] if each != BEFORE_COMMIT])
def test_P1_grid_every_request_and_every_second_kill(
    reference: Reference, nursery: Nursery, fresh: FreshBench, *, phase: str, how: str
) -> None:
    """A kill at any request, then a second at every third request of the recovery, by turns.

    All pairs take most of an hour and find nothing more. A request that only reads has no commit to be killed
    before, so that phase is left to the writes above.
    """
    for first in range(1, reference.requests + 1):
        for second in range(1 + first % 3, 2 * reference.requests, 3):
            with fresh() as bench:
                ended, _ = run_and_kill(bench, nursery, RECOVERIES["run"], at_request(first, phase))
                assert ended == KILLED, first
                has_begun = has_open_run(bench)
                again = RECOVERIES[how if has_begun else "run"]
                ended, struck = run_and_kill(bench, nursery, again, at_request(second, phase))
                assert ended == (KILLED if struck else 3), (first, second)
                recover(bench, nursery, how if has_open_run(bench) else "run")
                assert_like_uninterrupted(bench, reference)
            if not struck:
                break

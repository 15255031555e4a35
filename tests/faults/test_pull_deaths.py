"""P1, P2: a pull that is killed or asked to stop costs reads and never a change, and its file is always whole."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from client_processes import Client, Nursery
from main_job_bench import Before, Bench, FreshBench, deal, role

from sfsync.emulator.fault_actions import Drop, Kill
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript

KILLED = -signal.SIGKILL
KEYS = [f"D-{number}" for number in range(1, 9)]
DYING = """
import os, signal
from sfsync.journal.job_memory import SqlJobMemory
from sfsync.report.files.pulled_file import NewFile

def dying(owner, name, moment):
    inner = getattr(owner, name)
    def outer(*args):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        inner(*args)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, outer)

"""
"""Lets the process die in one of the two durable steps of a pull, by a SIGKILL of its own."""

SMALL_PAGES = """
import sfsync.engine.pulling
sfsync.engine.pulling.PAGE = 3
"""


def write(bench: Bench) -> None:
    """Makes a job of eight deals, and brings them."""
    bench.write_job([deal(each) for each in KEYS], [role(each) for each in KEYS])
    assert bench.run().exit_code == 0


def start(bench: Bench, nursery: Nursery, *arguments: str, prelude: str = "") -> Client:
    """A pull into pulled.jsonl that waits at its gate."""
    pull = ("pull", bench.job, "--out", str(out(bench)), "--format", "jsonl", "--json", *arguments)
    return nursery.start(*pull, environ=bench.environ, folder=bench.folder, prelude=prelude)


def out(bench: Bench) -> Path:
    """The pulled file."""
    return bench.folder / "pulled.jsonl"


def pulled(bench: Bench) -> dict[str, Any]:
    """The rows of the pulled file, by key."""
    lines = out(bench).read_text().splitlines()
    return {each["Key"]: each for each in map(json.loads, lines)}


def edit(bench: Bench, key: str = "D-3") -> None:
    """A salesperson moves a deal."""
    bench.change("Opportunity", bench.deal(key)["Id"], StageName="Qualification")


@pytest.mark.parametrize("nth", range(1, 6))
def test_P1_a_kill_while_a_pull_reads_leaves_the_old_file_and_the_old_time(
    fresh: FreshBench, nursery: Nursery, nth: int
) -> None:
    """Whichever read it is, the next pull brings all that the dead one had seen."""
    with fresh() as bench:
        write(bench)
        assert start(bench, nursery).run() == 0
        edit(bench)
        old = out(bench).read_bytes()
        client = start(bench, nursery, "--since", "last")
        script = FaultScript(Kill(client.pid), AFTER_COMMIT, path="/query|/composite", nth=nth)
        bench.emulator.faults.add(script)
        code = client.run()
        bench.emulator.faults.clear()
        assert (code == KILLED) == bool(script.struck)
        if script.struck:
            assert out(bench).read_bytes() == old
        writes = len(bench.emulator.audit.commits)
        assert start(bench, nursery, "--since", "last").run() == 0
        assert pulled(bench)["D-3"]["StageName"] == "Qualification"
        assert len(bench.emulator.audit.commits) == writes


@pytest.mark.parametrize("how", ["all", "last"])
@pytest.mark.parametrize(
    ("step", "is_new", "reads_all"),
    [
        ('dying(NewFile, "keep", "before")', False, False),
        ('dying(NewFile, "keep", "after")', True, True),
        ('dying(SqlJobMemory, "put_watermark", "before")', True, True),
        ('dying(SqlJobMemory, "put_watermark", "after")', True, False),
    ],
    ids=["before the renaming", "after the renaming", "before the watermark", "after the watermark"],
)
def test_P1_a_kill_between_the_renaming_of_the_file_and_the_watermark_costs_reads_and_no_change(
    bench: Bench, nursery: Nursery, *, how: str, step: str, is_new: bool, reads_all: bool
) -> None:
    """The file is the old one or the new one; the next pull has every change, and reads all if it must."""
    write(bench)
    assert start(bench, nursery).run() == 0
    edit(bench)
    old = out(bench).read_bytes()
    since = ("--since", "last") if how == "last" else ()
    assert start(bench, nursery, *since, prelude=DYING + step).run() == KILLED
    assert (out(bench).read_bytes() != old) == is_new
    assert (pulled(bench)["D-3"]["StageName"] == "Qualification") == is_new
    edit(bench, "D-5")
    again = start(bench, nursery, "--since", "last")
    assert again.run() == 0
    assert {key for key, each in pulled(bench).items() if each["StageName"] == "Qualification"} == {
        "D-3",
        "D-5",
    }
    assert list(pulled(bench)) == KEYS
    assert (not again.document["since"]) == reads_all
    assert (
        any("not the one that the last pull wrote" in each for each in again.document["notes"]) == reads_all
    )
    assert start(bench, nursery, "--since", "last").run() == 0


def signalled(bench: Bench, nursery: Nursery, path: str, nth: int) -> int:
    """The exit code of a pull in three pages that gets SIGTERM while the emulator holds the answer to a read."""
    client = start(bench, nursery, prelude=SMALL_PAGES)
    deed = Before(Drop(), path=path, nth=nth, deed=lambda: os.kill(client.pid, signal.SIGTERM))
    bench.emulator.faults.add(deed)
    code = client.run()
    assert deed.seen >= nth
    return code


DEALS, ROLES = "/queryAll", "OpportunityContactRole"


@pytest.mark.parametrize(("path", "nth"), [(DEALS, 1), (ROLES, 2), (DEALS, 3)])
@pytest.mark.parametrize("is_first", [True, False])
def test_P2_a_pull_that_is_asked_to_stop_between_two_reads_leaves_the_old_file(
    bench: Bench, nursery: Nursery, *, path: str, nth: int, is_first: bool
) -> None:
    """SIGTERM while an answer is under way: exit 143 before the next read, and nothing half written stays."""
    write(bench)
    if not is_first:
        assert start(bench, nursery).run() == 0
    old = out(bench).read_bytes() if not is_first else None
    edit(bench)
    assert signalled(bench, nursery, path, nth) == 128 + signal.SIGTERM
    assert (out(bench).read_bytes() if out(bench).exists() else None) == old
    assert list(bench.folder.glob(".pulled*")) == []
    assert start(bench, nursery, "--since", "last").run() == 0
    assert pulled(bench)["D-3"]["StageName"] == "Qualification"


def test_P2_a_pull_that_has_read_all_when_it_is_asked_to_stop_writes_its_file(
    bench: Bench, nursery: Nursery
) -> None:
    """Nothing is left to be read, so the pull ends as it would have: exit 0, file and watermark."""
    write(bench)
    assert signalled(bench, nursery, ROLES, 3) == 0
    assert list(pulled(bench)) == KEYS
    assert list(bench.folder.glob(".pulled*")) == []
    again = start(bench, nursery, "--since", "last")
    assert again.run() == 0
    assert again.document["since"]

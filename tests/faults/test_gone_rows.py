"""P1: a client is killed while it closes or deletes vanished deals, and nothing is done twice."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from client_processes import Nursery
from main_job_bench import WRITES, Bench, FreshBench, deal, role

from sfsync.app.workplace import apply, plan
from sfsync.core.job import Limits
from sfsync.core.plans.plan_codec import dump_plan, load_plan
from sfsync.emulator.fault_actions import Drop, Kill
from sfsync.emulator.faults import PHASES, FaultScript
from sfsync.jobs import load_job

BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT = PHASES[:3]
KILLED = -signal.SIGKILL
KEYS = [f"D-{number}" for number in range(1, 9)]
POLICIES = pytest.mark.parametrize("policy", ["close", "delete"])


def write(bench: Bench, keys: list[str], policy: str) -> None:
    """Makes a job of deals with those keys, each with a role."""
    bench.write_job([deal(each) for each in keys], [role(each) for each in keys])
    job = bench.folder / "deals.toml"
    head = f'[opportunities]\nallow = ["reopen"]\nvanished = "{policy}"'
    job.write_text(job.read_text().replace("[opportunities]", head, 1))


def ends(bench: Bench) -> dict[str, tuple[str, bool]]:
    """Stage of every deal, and whether it is deleted."""
    return {key: (bench.deal(key)["StageName"], bool(bench.deal(key)["IsDeleted"])) for key in KEYS}


def killed(bench: Bench, nursery: Nursery, *arguments: str, path: str, phase: str, nth: int = 1) -> None:
    """Runs a command that is killed at its n-th such call."""
    client = nursery.start(*arguments, environ=bench.environ, folder=bench.folder)
    script = bench.emulator.faults.add(FaultScript(Kill(client.pid), phase, path=path, nth=nth))
    assert client.run() == KILLED
    assert script.struck
    bench.emulator.faults.clear()


@POLICIES
@pytest.mark.parametrize("phase", [BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT])
@pytest.mark.parametrize("recovery", ["run", "resume"])
def test_P1_a_kill_while_vanished_deals_are_closed_or_deleted(
    fresh: FreshBench, nursery: Nursery, policy: str, phase: str, recovery: str
) -> None:
    """Whoever takes the run over ends it: the deal is closed or deleted once, and its row can come back."""
    with fresh() as bench:
        write(bench, KEYS, policy)
        assert bench.run().exit_code == 0
        write(bench, KEYS[:7], policy)
        killed(bench, nursery, "run", bench.job, "--json", "--allow-deletes", path=WRITES, phase=phase)
        ended = bench.resume() if recovery == "resume" else bench.run(allow_deletes=True)
        assert ended.exit_code == 0
        gone = ("Closed Lost", False) if policy == "close" else ("Prospecting", True)
        assert ends(bench) == dict.fromkeys(KEYS[:7], ("Prospecting", False)) | {"D-8": gone}
        before = bench.write_count()
        assert bench.run(allow_deletes=True).exit_code == 0
        assert bench.write_count() == before
        write(bench, KEYS, policy)
        assert bench.run().exit_code == 0
        living = [each for each in bench.deals("D-8") if not each["IsDeleted"]]
        assert [each["StageName"] for each in living] == ["Prospecting"]


@POLICIES
def test_N5_a_lost_answer_to_a_closing_or_deletion_is_looked_up(bench: Bench, policy: str) -> None:
    """The org did it; the row counts as done, and nothing is sent twice."""
    write(bench, KEYS, policy)
    bench.run()
    write(bench, KEYS[:7], policy)
    bench.strike(Drop(), phase=AFTER_COMMIT)
    ending = bench.run(allow_deletes=True)
    assert ending.exit_code == 0
    assert ends(bench)["D-8"] == (("Closed Lost", False) if policy == "close" else ("Prospecting", True))
    before = bench.write_count()
    assert bench.run(allow_deletes=True).exit_code == 0
    assert bench.write_count() == before


@POLICIES
def test_C3_an_edit_between_the_plan_and_the_write_keeps_the_deal(bench: Bench, policy: str) -> None:
    """What somebody changes meanwhile is a conflict of the write, and the report names it."""
    write(bench, KEYS, policy)
    bench.run()
    write(bench, KEYS[:7], policy)
    job = replace(load_job(bench.job, environ=bench.environ), limits=Limits(allow_deletes=True))
    made = plan(job, around=bench.around)
    bench.change("Opportunity", bench.deal("D-8")["Id"], StageName="Qualification")
    report = apply(made, job, around=bench.around)
    assert ends(bench)["D-8"] == ("Qualification", False)
    assert report.exit_code == 3
    assert [each.code for _, _, each in report.problems()] == ["CHANGED_IN_ORG"]


@POLICIES
@pytest.mark.parametrize("is_saved", [False, True], ids=["plan", "saved plan"])
def test_C3_an_edit_of_a_field_outside_the_job_keeps_the_deal_too(
    bench: Bench, policy: str, is_saved: bool
) -> None:
    """Whichever field of a vanished deal somebody edits between the plan and the write."""
    write(bench, KEYS, policy)
    bench.run()
    write(bench, KEYS[:7], policy)
    job = replace(load_job(bench.job, environ=bench.environ), limits=Limits(allow_deletes=True))
    made = plan(job, around=bench.around)
    if is_saved:
        made = load_plan(dump_plan(made))
    edit = {"NextStep": "call on Monday", "LastModifiedDate": "2099-01-01T00:00:00.000Z"}
    bench.emulator.org.storage.update("Opportunity", bench.deal("D-8")["Id"], edit)
    report = apply(made, job, around=bench.around)
    assert ends(bench)["D-8"] == ("Prospecting", False)
    assert (report.exit_code, [each.code for _, _, each in report.problems()]) == (3, ["CHANGED_IN_ORG"])

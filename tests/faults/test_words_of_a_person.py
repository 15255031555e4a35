"""What a person tells the journal: a word about one row changes nothing about another one."""

from __future__ import annotations

import signal

import pytest
from client_processes import Nursery
from main_job_bench import Bench, deal, role

from sfsync.app.memory import adopt, forget
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import BEFORE_READ, FaultScript
from sfsync.errors import ConfigError, GuardError
from sfsync.jobs import load_job

DIES_UNREAD = """
import os, signal
import sfsync.engine.applying.plan_applying
sfsync.engine.applying.plan_applying.verify = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""
"""Lets a run die when all is written and nothing is read back: of new records without keys no ledger knows yet."""

NO_ROLES = [role("D-1", name="None")]
ACCOUNTS = """
[accounts]
file = "accounts.csv"
row_key = "id"

[accounts.fields]
Name = "name"

[opportunities]
"""


def ask_for_namesakes(bench: Bench) -> None:
    """Makes a keyless job of an account and a deal that both have the row key 1."""
    bench.write_job([deal("1")], [role("1")], has_key=False)
    (bench.folder / "accounts.csv").write_text("id,name\n1,Account 1\n")
    job = bench.folder / "deals.toml"
    job.write_text(job.read_text().replace("[opportunities]\n", ACCOUNTS, 1))
    bench.admit()


def accounts(bench: Bench) -> int:
    """How many accounts of the job the org has."""
    return len(bench.emulator.org.storage.select("Account", '"Name" = ?', "Account 1"))


def test_forgetting_a_row_forgets_no_other_row_with_the_same_key(bench: Bench) -> None:
    """The deal in doubt is named by its change; its bare key, which an account has too, is refused."""
    ask_for_namesakes(bench)
    bench.emulator.faults.add(FaultScript(Drop(), BEFORE_READ, path="/composite/graph"))
    assert bench.run().counts["Opportunity"]["unknown"] == 1
    job = load_job(bench.job, environ=bench.environ)
    with pytest.raises(ConfigError) as told:
        forget(job, ["1"], around=bench.around)
    assert told.value.code == "SEVERAL_ROWS"
    assert forget(job, ["Opportunity:1"], around=bench.around) == ["Opportunity:1"]
    assert bench.run().counts["Opportunity"]["created"] == 1
    assert (accounts(bench), len(bench.named("Deal 1"))) == (1, 1)


def test_the_record_of_another_row_is_not_adopted(bench: Bench) -> None:
    """Two rows that were one record would overwrite each other, and forgetting one would send the other again."""
    bench.write_job([deal("D-1")], [role("D-1")], has_key=False)
    bench.admit()
    assert bench.run().exit_code == 0
    [found] = bench.named("Deal D-1")
    job = load_job(bench.job, environ=bench.environ)
    with pytest.raises(ConfigError) as told:
        adopt(job, "D-2", str(found["Id"]), around=bench.around)
    assert told.value.code == "ADOPTED_ALREADY"
    assert adopt(job, "D-1", str(found["Id"]), around=bench.around) == "Opportunity:D-1"


def test_a_row_from_when_the_job_had_no_key_can_be_forgotten(bench: Bench) -> None:
    """A record that is known to the journal alone, and gone for good, does not hold its row back for ever."""
    bench.write_job([deal("D-1")], [role("D-1")], has_key=False)
    bench.admit()
    assert bench.run().exit_code == 0
    bench.delete("Opportunity", str(bench.named("Deal D-1")[0]["Id"]))
    bench.write_job([deal("D-1")], [role("D-1")])
    assert bench.run().codes()["Opportunity:D-1"] == "KEY_NOT_IN_ORG"
    forget(load_job(bench.job, environ=bench.environ), ["D-1"], around=bench.around)
    assert bench.run().counts["Opportunity"]["created"] == 1


@pytest.mark.parametrize("is_named", [True, False], ids=["by the org's id", "logged in"])
def test_P1_forgetting_a_row_of_an_interrupted_run_settles_that_run_first_or_is_refused(
    bench: Bench, nursery: Nursery, *, is_named: bool
) -> None:
    """What it has saved is remembered only by who reads it back: ended unasked, it would be created twice."""
    bench.write_job([deal("D-1")], NO_ROLES, has_key=False)
    bench.admit()
    org_id = bench.run().document.plan.org.org_id
    bench.write_job([deal("D-1", amount="250.00"), deal("D-2")], NO_ROLES, has_key=False)
    run = ("run", bench.job, "--json")
    client = nursery.start(*run, environ=bench.environ, folder=bench.folder, prelude=DIES_UNREAD)
    assert client.run() == -signal.SIGKILL
    job = load_job(bench.job, environ=bench.environ)
    if is_named:
        with pytest.raises(GuardError) as told:
            forget(job, ["D-1"], org_id=org_id, around=bench.around)
        assert told.value.code == "RUN_INTERRUPTED"
        assert "sfsync resume" in told.value.hint
    bench.delete("Opportunity", str(bench.named("Deal D-1")[0]["Id"]))
    assert forget(job, ["D-1"], around=bench.around) == ["Opportunity:D-1"]
    with pytest.raises(ConfigError) as over:
        bench.resume()
    assert over.value.code == "NO_SUCH_RUN"
    assert bench.run().exit_code == 0
    assert (len(bench.named("Deal D-1")), len(bench.named("Deal D-2"))) == (1, 1)

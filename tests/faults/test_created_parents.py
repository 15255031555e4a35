"""Parents that a run makes for its rows are there once, whatever is lost or killed, and so is what looks ahead."""

from __future__ import annotations

import csv
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from client_processes import Nursery
from main_job_bench import BARE_ORG, ORG_FILE, WRITES, Before, Bench, org_document

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, FailRows, Hold, Kill, Redeliver, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.emulator.wire.messages import Request

KEY = ', create_key = { field = "Sfsync_Key__c" }'
JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { column = "customer", match = ["Name"], missing = "create"%s }
ContactId = { column = "buyer", match = ["Name"], missing = "create"%s }
"""
CHAIN = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "name"
Name = "name"
ParentId = { column = "parent", match = "Sfsync_Key__c" }
"""
DEALS = [("D-1", "Hooli", "Gavin Belson"), ("D-2", "HOOLI", "Jared Dunn"), ("D-3", "Initech", "gavin belson")]
LIMIT = Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])


def ask_for_deals(bench: Bench, *, keyed: bool) -> None:
    """Makes a job of three deals with two new accounts and two new contacts."""
    key = KEY if keyed else ""
    (bench.folder / "parents.toml").write_text(JOB % (key, key))
    write(bench, "deals.csv", ("id", "customer", "buyer"), DEALS)
    bench.job = str(bench.folder / "parents.toml")


def ask_for_accounts(bench: Bench) -> None:
    """Makes a job of accounts that stand before their parents, two of them in a circle."""
    (bench.folder / "chain.toml").write_text(CHAIN)
    rows = [("A", "B"), ("B", "C"), ("C", ""), ("X", "Y"), ("Y", "X")]
    write(bench, "accounts.csv", ("name", "parent"), rows)
    bench.job = str(bench.folder / "chain.toml")


@dataclass
class After(FaultScript):
    """Strikes every call once so many write calls have arrived: the lost answer cannot be settled any more."""

    writes: int = 0
    bench: Bench | None = None

    def matches(self, request: Request) -> bool:
        """Whether the write whose answer is lost has arrived already."""
        assert self.bench is not None
        written, arrived = self.bench.written(), len(self.bench.emulator.audit.requests)
        is_later = len(written) >= self.writes and arrived > written[self.writes - 1]
        return FaultScript.matches(self, request) and is_later


def write(bench: Bench, name: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Writes a file of the job."""
    with (bench.folder / name).open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


ORGS = {
    "receipts": lambda: org_document(has_receipts=True, has_jobs=True),
    "jobs": lambda: org_document(has_receipts=False, has_jobs=True),
    "bare": lambda: BARE_ORG,
}


@contextmanager
def asked_for_deals(org: Any, folder: Path, *, keyed: bool) -> Iterator[Bench]:
    """A job of deals whose parents are to be made, on such an org."""
    with running(org) as emulator:
        bench = Bench(emulator, folder)
        ask_for_deals(bench, keyed=keyed)
        yield bench


@pytest.fixture(params=["receipts", "jobs", "bare"])
def keyed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A job whose parents have keys of their own, on each kind of org."""
    with asked_for_deals(ORGS[request.param](), tmp_path, keyed=True) as bench:
        yield bench


@pytest.fixture
def receipts(tmp_path: Path) -> Iterator[Bench]:
    """A job whose parents have no key, on an org that keeps receipts."""
    with asked_for_deals(ORG_FILE, tmp_path, keyed=False) as bench:
        yield bench


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Bench]:
    """A job whose parents have no key, on an org with bulk jobs alone."""
    with asked_for_deals(ORGS["jobs"](), tmp_path, keyed=False) as bench:
        yield bench


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Bench]:
    """A job whose parents have no key, on an org that offers nothing."""
    with asked_for_deals(BARE_ORG, tmp_path, keyed=False) as bench:
        yield bench


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Bench]:
    """Accounts that refer to later accounts and to each other."""
    with running(ORG_FILE) as emulator:
        bench = Bench(emulator, tmp_path)
        ask_for_accounts(bench)
        yield bench


def assert_each_once(bench: Bench) -> None:
    """Two accounts, two contacts and three deals with a role each, and none of them was ever committed twice."""
    storage = bench.emulator.org.storage
    inserted = bench.inserted()
    assert [inserted[name] for name in ("Account", "Contact", "Opportunity")] == [2, 2, 3]
    accounts = {row["Id"]: row["Name"] for row in storage.select("Account", '"IsDeleted" = 0')}
    deals = {
        row["Name"]: accounts[row["AccountId"]]
        for row in storage.select("Opportunity", '"IsDeleted" = 0')
        if row["Name"].startswith("D-")
    }
    assert deals == {"D-1": "Hooli", "D-2": "Hooli", "D-3": "Initech"}
    assert len(storage.select("OpportunityContactRole", '"IsPrimary" = 1')) == 3


def assert_chain(bench: Bench) -> None:
    """Five accounts with the parents that the file names."""
    rows = bench.emulator.org.storage.select("Account", '"IsDeleted" = 0')
    names = {row["Id"]: row["Name"] for row in rows}
    found = {row["Name"]: names.get(row["ParentId"]) for row in rows if row["Name"] in "ABCXY"}
    assert found == {"A": "B", "B": "C", "C": None, "X": "Y", "Y": "X"}
    assert bench.inserted()["Account"] == 5


LOST = {
    "before it is read": (Drop(), BEFORE_READ),
    "before the commit": (Drop(), BEFORE_COMMIT),
    "after the commit": (Drop(), AFTER_COMMIT),
    "delivered twice": (Redeliver(), BEFORE_READ),
}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("way", LOST)
def test_n1_a_keyed_parent_whose_answer_is_lost_is_there_once(keyed: Bench, way: str, nth: int) -> None:
    """The key tells whether the account (the first call) or the contact (the second) was saved."""
    action, phase = LOST[way]
    script = keyed.strike(action, phase=phase, nth=nth)
    assert keyed.run().exit_code == 0
    assert script.struck
    assert_each_once(keyed)
    assert keyed.plan().is_empty()


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("way", LOST)
def test_n5_a_parent_behind_a_receipt_whose_answer_is_lost_is_there_once(
    receipts: Bench, way: str, nth: int
) -> None:
    """The burned receipt tells, and the deals go to the record that it names."""
    action, phase = LOST[way]
    script = receipts.strike(action, phase=phase, nth=nth)
    assert receipts.run().exit_code == 0
    assert script.struck
    assert_each_once(receipts)
    assert receipts.plan().is_empty()


def test_n6_a_zombie_of_a_parent_is_fenced(receipts: Bench) -> None:
    """A create that was given up and arrives later makes no second account."""
    receipts.strike(Hold("zombie"))
    assert receipts.run().exit_code == 0
    assert receipts.emulator.faults.release("zombie") == 1
    assert_each_once(receipts)


def test_parents_go_by_a_bulk_job_where_there_is_nothing_better(jobs: Bench) -> None:
    """The job tells what became of them, also when the answer to its close is lost."""
    script = jobs.emulator.faults.add(
        FaultScript(Drop(), AFTER_COMMIT, path="/jobs/ingest/[^/]+$", method="PATCH", nth=1)
    )
    assert jobs.run().exit_code == 0
    assert script.struck
    assert_each_once(jobs)
    assert jobs.plan().is_empty()


def test_at_most_once_a_parent_that_was_saved_is_found_by_its_name(bare: Bench) -> None:
    """The run leaves its deals waiting; the next one finds the account by its name and makes none."""
    bare.strike(Drop(), phase=AFTER_COMMIT)
    ending = bare.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["blocked"]) == (3, 3)
    assert bare.run().counts["Opportunity"]["created"] == 3
    assert_each_once(bare)


def test_at_most_once_a_parent_that_may_be_on_its_way_is_not_sent_again(bare: Bench) -> None:
    """Run after run the deals wait, until a person says that it never arrived."""
    bare.strike(Hold("zombie"))
    assert bare.run().counts["Opportunity"]["blocked"] == 3
    ending = bare.run()
    assert ending.of(Outcome.BLOCKED) >= {"Opportunity:D-1", "Opportunity:D-2", "Opportunity:D-3"}
    assert set(ending.codes().values()) <= {"PARENT_UNSETTLED", "BLOCKED_BY"}
    bare.emulator.faults.release("zombie")
    assert bare.run().exit_code == 0
    assert_each_once(bare)


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("go_on", ["resume", "run"])
def test_p1_a_run_cut_off_after_a_parent_was_saved_goes_on_without_twins(
    receipts: Bench, nth: int, go_on: str, has_key: bool
) -> None:
    """Whether it is resumed or run anew: what was saved is known."""
    ask_for_deals(receipts, keyed=has_key)
    receipts.strike(Drop(), phase=AFTER_COMMIT, nth=nth)
    receipts.emulator.faults.add(After(LIMIT, count=None, writes=nth, bench=receipts))
    assert receipts.run().exit_code == 75
    receipts.emulator.faults.clear()
    ending = receipts.resume() if go_on == "resume" else receipts.run()
    assert ending.exit_code == 0
    assert_each_once(receipts)
    assert receipts.plan().is_empty()


def test_a_refused_parent_is_retried_with_the_rows_that_wait_for_it(receipts: Bench) -> None:
    """The rows are blocked by it, and retry brings all of them once."""
    refusal = FailRows(keys=("Hooli",), code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    receipts.emulator.faults.add(FaultScript(refusal, path="/composite", count=None))
    ending = receipts.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["blocked"]) == (3, 2)
    receipts.emulator.faults.clear()
    assert receipts.retry().exit_code == 0
    assert_each_once(receipts)
    assert receipts.plan().is_empty()


def test_a_parent_that_somebody_deleted_is_not_silently_made_again(receipts: Bench) -> None:
    """S16: what the journal remembers and the org has no more is a problem of the rows that name it."""
    assert receipts.run().exit_code == 0
    receipts.delete("Account", receipts.find("Account", Name="Initech"))
    write(receipts, "deals.csv", ("id", "customer", "buyer"), [("D-9", "Initech", "")])
    ending = receipts.run()
    assert ending.codes() == {"Opportunity:D-9": "GONE_FROM_ORG"}
    assert receipts.inserted()["Account"] == 2


@pytest.mark.parametrize("way", LOST)
def test_u1_a_lost_answer_of_the_second_pass_leaves_the_references_set(chain: Bench, way: str) -> None:
    """The record says whether the field was set, and the same value twice is the same value."""
    action, phase = LOST[way]
    script = chain.strike(action, phase=phase, nth=2)
    assert chain.run().exit_code in (0, 3)
    assert script.struck
    assert chain.run().exit_code == 0
    assert_chain(chain)
    assert chain.plan().is_empty()


@pytest.mark.parametrize("go_on", ["resume", "run"])
@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_p1_a_run_cut_off_between_the_passes_is_finished(chain: Bench, go_on: str, phase: str) -> None:
    """Resumed or run anew, the references are set and nothing is left to plan."""
    chain.strike(Drop(), phase=phase, nth=2)
    chain.emulator.faults.add(After(LIMIT, count=None, writes=2, bench=chain))
    assert chain.run().exit_code == 75
    chain.emulator.faults.clear()
    assert (chain.resume() if go_on == "resume" else chain.run()).exit_code == 0
    assert_chain(chain)
    assert chain.plan().is_empty()


def test_a_limit_between_the_passes_is_finished_by_resume(chain: Bench) -> None:
    """Nothing of the second pass was sent; resume sends it."""
    chain.strike(LIMIT, nth=2, count=None)
    assert chain.run().exit_code == 75
    chain.emulator.faults.clear()
    assert chain.resume().exit_code == 0
    assert_chain(chain)
    assert chain.plan().is_empty()


def test_a_field_that_an_automation_filled_before_the_second_pass_is_a_conflict(chain: Bench) -> None:
    """What somebody has written since the create is not overwritten, and that is said."""

    def fill() -> None:
        chain.edit(
            "Account", chain.find("Account", Name="A"), ParentId=chain.find("Account", Sfsync_Key__c="ACC-1")
        )

    chain.emulator.faults.add(Before(Drop(), BEFORE_READ, path="/query|/composite$", nth=4, deed=fill))
    ending = chain.run()
    problems = [problem.code for _, _, problem in ending.document.problems()]
    assert (ending.exit_code, problems) == (3, ["CHANGED_IN_ORG"])


def killed(bench: Bench, nursery: Nursery, nth: int, phase: str) -> int:
    """A run of the bench's job that the emulator kills at its n-th write call; how its process ended."""
    client = nursery.start("run", bench.job, "--json", environ=bench.environ, folder=bench.folder)
    bench.emulator.faults.add(FaultScript(Kill(client.pid), phase, path=WRITES, nth=nth))
    ended = client.run()
    bench.emulator.faults.clear()
    return ended


KILLS = pytest.mark.parametrize("phase", [BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT])


@KILLS
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("has_key", [True, False])
def test_p1_a_process_killed_while_it_makes_parents_leaves_no_twin(
    receipts: Bench, nursery: Nursery, nth: int, phase: str, has_key: bool
) -> None:
    """Accounts, contacts, deals: whichever call it died at, the next run of the job finishes the work once."""
    ask_for_deals(receipts, keyed=has_key)
    assert killed(receipts, nursery, nth, phase) == -signal.SIGKILL
    assert receipts.run().exit_code == 0
    assert_each_once(receipts)
    assert receipts.plan().is_empty()


@KILLS
@pytest.mark.parametrize("go_on", ["resume", "run"])
def test_p1_a_process_killed_in_the_second_pass_leaves_no_reference_open(
    chain: Bench, nursery: Nursery, go_on: str, phase: str
) -> None:
    """The accounts are there and wait for their parents; resume sets them as the next run does."""
    assert killed(chain, nursery, 2, phase) == -signal.SIGKILL
    assert (chain.resume() if go_on == "resume" else chain.run()).exit_code == 0
    assert_chain(chain)
    assert chain.plan().is_empty()

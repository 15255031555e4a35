"""N10: results that are shuffled, swapped, missing or altered, where each looks whole by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from main_job_bench import LEUNG, WRITES, Bench, deal, org_document, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import FailRows, Reshape
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running

ACCOUNTS = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "key"
Name = "name"
"""
DEALS = """
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal"
Name = "deal"
AccountId = { column = "account", match = "Sfsync_Key__c" }
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
"""
NAMES = ("Acme", "Bolt", "Cord")


def accounts(bench: Bench, *names: str) -> None:
    """A job of accounts, which go in one collection and are told apart by their places."""
    lines = [f"A-{place},{name}" for place, name in enumerate(names)]
    (bench.folder / "accounts.csv").write_text("\n".join(["key,name", *lines]) + "\n")
    (bench.folder / "accounts.toml").write_text(ACCOUNTS)
    bench.job = str(bench.folder / "accounts.toml")


def ids_of(bench: Bench) -> dict[str, str]:
    """Change id -> record id in the org."""
    return {
        f"Account:A-{place}": bench.find("Account", Sfsync_Key__c=f"A-{place}") for place in range(len(NAMES))
    }


@pytest.mark.parametrize("how", ["reversed", "rotated"])
def test_N10_shuffled_results_of_a_collection_give_no_row_anothers_id(bench: Bench, how: str) -> None:
    """Results carry no name, so a shuffle cannot be seen in them; what the run remembers is right all the same."""
    accounts(bench, *NAMES)
    bench.strike(Reshape(how), phase="after_commit")
    ending = bench.run()
    told = {name: result.record_id for name, result in ending.document.results.items()}
    assert told == ids_of(bench)
    accounts(bench, "Acme", "Bolt & Sons", "Cord")
    assert bench.run().counts["Account"]["updated"] == 1
    assert [
        bench.find("Account", Sfsync_Key__c=f"A-{place}", Name=name) for place, name in [(1, "Bolt & Sons")]
    ]
    assert bench.find("Account", Sfsync_Key__c="A-0", Name="Acme")
    assert bench.inserted()["Account"] == 3


@pytest.mark.parametrize("how", ["reversed", "rotated"])
def test_N10_a_shuffle_does_not_blame_the_wrong_row(bench: Bench, how: str) -> None:
    """One row of three is refused and the results are shuffled: the next run brings what is missing, once."""
    accounts(bench, *NAMES)
    refusal = FailRows(rows=(0,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    bench.emulator.faults.add(FaultScript(refusal, path=WRITES))
    bench.strike(Reshape(how), phase="after_commit")
    bench.run()
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.inserted()["Account"] == 3
    assert len(ids_of(bench)) == 3


@pytest.mark.parametrize("switch", ["result_row_missing", "result_echo_altered"])
def test_N10_a_bulk_job_whose_results_lack_or_alter_a_row(tmp_path: Path, switch: str) -> None:
    """The row is unknown and goes to a person; it is never sent again, this run or the next."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        bench = Bench(emulator, tmp_path)
        bench.write_job([deal(f"D-{n}") for n in range(3)], [role("D-0", name="None")], has_key=False)
        bench.admit()
        bench.switch(**{switch: True})
        ending = bench.run()
        is_there = switch == "result_echo_altered"  # blanks and line ends do not make another row
        assert bool(ending.of(Outcome.UNKNOWN)) is not is_there
        assert ending.exit_code == (0 if is_there else 3)
        bench.switch(**{switch: False})
        bench.run()
        assert bench.inserted()["Opportunity"] == 3


@pytest.mark.parametrize("how", ["fewer", "more", "reversed", "empty"])
def test_N10_the_parts_of_a_conditional_update_out_of_step(bench: Bench, how: str) -> None:
    """Sub-answers are known by their names: shuffled they are right, one too few or too many proves nothing."""
    keys = ("D-1", "D-2", "D-3")
    bench.write_job([deal(key) for key in keys], [role("D-1", LEUNG)])
    assert bench.run().exit_code == 0
    bench.write_job([deal(key, amount=f"{n}00.00") for n, key in enumerate(keys, 4)], [role("D-1", LEUNG)])
    bench.emulator.faults.add(FaultScript(Reshape(how), "after_commit", path=r"/composite$", nth=2))
    ending = bench.run()
    assert ending.exit_code in (0, 3)
    assert bench.run().exit_code == 0
    assert [bench.deal(key)["Amount"] for key in keys] == [400.0, 500.0, 600.0]


def test_N10_deals_go_to_their_own_accounts_though_results_were_shuffled(bench: Bench) -> None:
    """What refers to a record that this run has made gets the right id."""
    accounts(bench, *NAMES)
    deals = ["deal,account", "Deal 0,A-0", "Deal 1,A-1", "Deal 2,A-2"]
    (bench.folder / "deals.csv").write_text("\n".join(deals) + "\n")
    (bench.folder / "accounts.toml").write_text(ACCOUNTS + DEALS)
    bench.strike(Reshape("rotated"), phase="after_commit")
    assert bench.run().exit_code == 0
    for place in range(len(NAMES)):
        account = bench.find("Account", Sfsync_Key__c=f"A-{place}")
        assert bench.find("Opportunity", Name=f"Deal {place}", AccountId=account)

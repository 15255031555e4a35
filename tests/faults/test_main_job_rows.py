"""S8, S9, S10, S11: one bad row among good ones; only the culprit stays behind."""

from __future__ import annotations

import pytest
from main_job_bench import ALAN, GRID, LEUNG, WRITES, Bench, Carrying, deal, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, FailRows, Refuse
from sfsync.emulator.faults import FaultScript

KEYS = ("NEW-1", "NEW-2", "NEW-3")
ROLE_NAMES = (
    "Business User",
    "Decision Maker",
    "Economic Buyer",
    "Evaluator",
    "Influencer",
    "Technical Buyer",
)
RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def three_deals(bench: Bench) -> None:
    """Three new deals of one account, which share a graph, each with two roles; every role is another one."""
    roles = [
        role(key, contact, ROLE_NAMES[2 * place + number], "yes" if number == 0 else "no")
        for place, key in enumerate(KEYS)
        for number, contact in enumerate((LEUNG, ALAN))
    ]
    bench.write_job([deal(key) for key in KEYS], roles)


def refuse(bench: Bench, value: str, code: str = RULE) -> None:
    """Lets the org refuse every row that carries a value, always."""
    refusal = FailRows(keys=(value,), code=code, message="the rule says no")
    bench.emulator.faults.add(FaultScript(refusal, path="/composite", count=None))


@pytest.mark.parametrize("code", [RULE, "JSON_PARSER_ERROR"])
@pytest.mark.parametrize("culprit", KEYS)
def test_S10_a_deal_that_is_refused_goes_alone(bench: Bench, culprit: str, code: str) -> None:
    """At any place of the graph the culprit is rejected and its roles are blocked; the others are created."""
    three_deals(bench)
    refuse(bench, culprit, code)
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.of(Outcome.REJECTED) == {f"Opportunity:{culprit}"}
    assert ending.codes()[f"Opportunity:{culprit}"] == code
    assert ending.counts["OpportunityContactRole"]["blocked"] == 2
    assert bench.inserted() == {"Opportunity": 2, "OpportunityContactRole": 4}
    assert bench.deals(culprit) == []


@pytest.mark.parametrize("code", [RULE, pytest.param("JSON_PARSER_ERROR", marks=GRID)])
@pytest.mark.parametrize("culprit", ROLE_NAMES)
def test_S10_a_role_that_is_refused_goes_alone(bench: Bench, culprit: str, code: str) -> None:
    """At any place of the graph only that role is rejected; its deal and all else are created once."""
    three_deals(bench)
    refuse(bench, culprit, code)
    ending = bench.run()
    assert ending.exit_code == 3
    assert len(ending.of(Outcome.REJECTED)) == 1
    assert set(ending.codes().values()) == {code}
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 5}
    assert all(name != culprit for key in KEYS for _, name, _ in bench.roles(key))


def test_S10_two_culprits_in_one_graph(bench: Bench) -> None:
    """A refused deal and a refused role of another deal: everything else is created."""
    three_deals(bench)
    refuse(bench, "NEW-1")
    refuse(bench, ROLE_NAMES[5])
    ending = bench.run()
    assert len(ending.of(Outcome.REJECTED)) == 2
    assert bench.inserted() == {"Opportunity": 2, "OpportunityContactRole": 3}


def test_S10_a_corrected_row_is_brought_by_the_next_run(bench: Bench) -> None:
    """Once the org takes the role, the next run inserts it and nothing else."""
    three_deals(bench)
    refuse(bench, ROLE_NAMES[3])
    assert bench.run().exit_code == 3
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 6}


def many_accounts(bench: Bench) -> str:
    """Twelve deals of six accounts; the id of one account in the middle."""
    ids = [
        bench.create("Account", Name=f"Account {number}", Sfsync_Key__c=f"MANY-{number}")
        for number in range(6)
    ]
    deals = [deal(f"NEW-{number}", account=f"MANY-{number % 6}") for number in range(12)]
    bench.write_job(deals, [role(each["deal_id"]) for each in deals])
    bench.emulator.audit.clear()
    return ids[3]


@pytest.mark.parametrize("times", [1, 3])
def test_S8_an_account_that_is_locked_for_a_while(bench: Bench, times: int) -> None:
    """The deals of a locked account are tried again, and everything is created once."""
    locked = many_accounts(bench)
    bench.strike(FailRows(keys=(locked,)), count=times)
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 12, "OpportunityContactRole": 12}


def test_S8_an_account_that_stays_locked(bench: Bench) -> None:
    """Its deals are given up after bounded tries, those of all other accounts are created."""
    locked = many_accounts(bench)
    bench.strike(FailRows(keys=(locked,)), count=None)
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.of(Outcome.REJECTED) == {"Opportunity:NEW-3", "Opportunity:NEW-9"}
    assert set(ending.codes().values()) == {"UNABLE_TO_LOCK_ROW", "BLOCKED_BY"}
    assert bench.inserted() == {"Opportunity": 10, "OpportunityContactRole": 10}
    assert bench.write_count() <= 8


def moved_on(bench: Bench) -> None:
    """Three deals that are in the org already and move on: updates in one collection."""
    three_deals(bench)
    assert bench.run().exit_code == 0
    rows = [deal(key, stage="Qualification") for key in KEYS]
    bench.write_job(rows, [role("NEW-1", LEUNG, ROLE_NAMES[0], "yes")])


@pytest.mark.parametrize("culprit", KEYS)
def test_S9_an_update_that_is_refused_goes_alone(bench: Bench, culprit: str) -> None:
    """Of three updates in a call the refused one stays as it was."""
    moved_on(bench)
    refuse(bench, bench.deal(culprit)["Id"])
    ending = bench.run()
    assert ending.of(Outcome.REJECTED) == {f"Opportunity:{culprit}"}
    stages = {key: bench.deal(key)["StageName"] for key in KEYS}
    assert stages == {key: "Prospecting" if key == culprit else "Qualification" for key in KEYS}


ACCOUNTS = """
org = "local"

[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"

[accounts.fields]
Sfsync_Key__c = "key"
Name = "name"
NumberOfEmployees = "employees"
"""


@pytest.mark.parametrize("culprit", range(3))
def test_a_value_that_the_org_cannot_parse_is_one_rows_fault(bench: Bench, culprit: int) -> None:
    """The platform refuses the whole batch for half an employee; only that row is rejected."""
    rows = [f"ACC-9{place},Account {place},{2.5 if place == culprit else 7}" for place in range(3)]
    (bench.folder / "accounts.csv").write_text("\n".join(["key,name,employees", *rows]) + "\n")
    (bench.folder / "accounts.toml").write_text(ACCOUNTS)
    bench.job = str(bench.folder / "accounts.toml")
    ending = bench.run()
    assert ending.exit_code == 3
    assert len(ending.of(Outcome.REJECTED)) == 1
    assert bench.inserted() == {"Account": 2}


def test_a_request_that_is_refused_as_long_as_it_carries_one_row(bench: Bench) -> None:
    """A request of graphs refused as a whole is split until the culprit is alone with its own roles."""
    three_deals(bench)
    whole = [{"errorCode": "JSON_PARSER_ERROR", "message": "Unexpected character"}]
    bench.emulator.faults.add(Carrying(Refuse(400, whole), path=WRITES, count=None, text='"NEW-2"'))
    ending = bench.run()
    rejected = {change.parent or change.change_id for change, _, _ in ending.document.problems()}
    assert rejected == {"Opportunity:NEW-2"}
    assert bench.inserted() == {"Opportunity": 2, "OpportunityContactRole": 4}


@pytest.mark.parametrize("lost", ["after_commit", "before_commit"])
def test_a_refused_role_and_a_lost_answer_together(bench: Bench, lost: str) -> None:
    """The graph is sent again without the culprit and that answer is lost: everything is there once."""
    three_deals(bench)
    refuse(bench, ROLE_NAMES[2])
    bench.strike(Drop(), phase=lost, nth=2)
    ending = bench.run()
    assert len(ending.of(Outcome.REJECTED)) == 1
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 5}
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 6}

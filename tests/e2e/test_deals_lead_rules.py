"""Deals that come out of leads are new for the rules of deals: moves, probability, forecast, look-ups, roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import warm_sfsync
from lead_bench import (
    ALAN,
    BERTHA,
    CARL,
    LEAD_ORG,
    LEUNG,
    conversions,
    convert_by_hand,
    deal,
    deals_of,
    lead,
    lead_bench,
    lead_row,
    role,
    roles_of,
    write_leads_job,
)
from main_job_bench import ROOT, Bench

from sfsync.core.plans.plan import Action
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.switches import StageWithProbability


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads."""
    with lead_bench(tmp_path) as made:
        yield made


def document(bench: Bench, command: str, *options: str) -> dict[str, Any]:
    """The document of a command about the job."""
    done = warm_sfsync(command, bench.job, *options, "--json", environ=bench.environ, cwd=ROOT)
    return dict(done.document)


def in_job(bench: Bench, old: str, new: str) -> None:
    """Says something in the job otherwise."""
    text = Path(bench.job).read_text()
    assert old in text
    Path(bench.job).write_text(text.replace(old, new, 1))


def with_probability(bench: Bench, percent: int, policy: str = "override") -> None:
    """Gives all deals of the job a probability of their own."""
    in_job(bench, 'file = "deals.csv"\n', f'file = "deals.csv"\nprobability = "{policy}"\n')
    in_job(bench, 'Name = "deal"\n', f'Name = "deal"\nProbability = {{ constant = "{percent}" }}\n')


@pytest.mark.parametrize(
    ("words", "code"),
    [({"amount": ""}, "CLOSED_WITHOUT_AMOUNT"), ({"close_date": ""}, "CLOSED_WITHOUT_DATE")],
)
def test_a_lead_does_not_become_a_closed_deal_without_an_amount_or_a_date(
    bench: Bench, words: dict[str, str], code: str
) -> None:
    """The plan says so, and the lead stays open; with allow it goes."""
    write_leads_job(bench, [deal("D-1", stage="Closed Won", **words)])
    assert [each["code"] for each in document(bench, "run", "--yes")["problems"]] == [code]
    assert (conversions(bench), lead(bench)["IsConverted"]) == (0, 0)
    allow = 'allow = ["close-without-amount", "close-without-date"]'
    in_job(bench, 'file = "deals.csv"\n', f'file = "deals.csv"\n{allow}\n')
    assert document(bench, "run", "--yes")["exit_code"] == 0
    assert deals_of(bench)[0]["StageName"] == "Closed Won"


def test_a_deal_that_somebody_made_of_the_lead_moves_from_where_it_is(bench: Bench) -> None:
    """A person converted the lead and closed its deal: a row that says an earlier stage would reopen it."""
    convert_by_hand(bench)
    bench.change("Opportunity", deals_of(bench)[0]["Id"], StageName="Closed Won", Amount=5)
    write_leads_job(bench, [deal("D-1")])
    assert [each["code"] for each in document(bench, "plan")["problems"]] == ["REOPENED"]


@pytest.mark.parametrize("switch", list(StageWithProbability), ids=str)
def test_a_probability_that_the_stage_overruled_is_written_again_after_a_conversion(
    bench: Bench, switch: StageWithProbability
) -> None:
    """Whoever wins in one write, the deal has the row's probability at the end of the run, which is settled."""
    bench.switch(stage_with_probability=switch)
    write_leads_job(bench, [deal("D-1")], [role("D-1", primary="x")])
    with_probability(bench, 40)
    done = document(bench, "run", "--yes")
    assert (done["exit_code"], done["counts"]["Opportunity"]["created"]) == (0, 1)
    assert (done["probability_total"], done["probability"][0]["value"]) == (1, "40")
    assert deals_of(bench)[0]["Probability"] == 40
    assert document(bench, "run", "--yes")["api"]["writes"] == 0


def test_a_probability_for_new_deals_reaches_the_deal_of_a_run_that_died(bench: Bench) -> None:
    """With keep, a row's probability is for new deals: the deal of an unfinished conversion is one."""
    write_leads_job(bench, [deal("D-1")])
    with_probability(bench, 40, policy="keep")
    bench.strike(Drop(), phase="before_read", count=None)
    bench.run()
    assert deals_of(bench)[0]["Probability"] != 40
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert (deals_of(bench)[0]["Probability"], conversions(bench)) == (40, 1)
    assert bench.run().exit_code == 0


def test_the_deal_of_a_run_that_died_does_not_move_from_the_stage_that_the_platform_gave_it(
    bench: Bench,
) -> None:
    """It is judged as a new one: the close date that came with the conversion is not the deal's own."""
    write_leads_job(bench, [deal("D-1", stage="Closed Won", close_date="")])
    allow = 'allow = ["close-without-date"]\n'
    in_job(bench, 'file = "deals.csv"\n', f'file = "deals.csv"\n{allow}')
    bench.strike(Drop(), phase="before_read", count=None)
    bench.run()
    bench.emulator.faults.clear()
    assert lead(bench)["IsConverted"]
    in_job(bench, allow, "")
    assert [each["code"] for each in document(bench, "plan")["problems"]] == ["CLOSED_WITHOUT_DATE"]


def test_the_forecast_counts_a_converted_deal_as_created(bench: Bench) -> None:
    """It is in after alone; without a stage of its own it counts in the first, where the platform puts it."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", CARL, stage="", amount="")])
    [currency] = document(bench, "plan")["forecast"]["currencies"]
    assert (currency["total"]["before"]["count"], currency["total"]["after"]["count"]) == (0, 2)
    after = {each["stage"]: each["after"]["count"] for each in currency["by_stage"]}
    assert after == {"Prospecting": 1, "Needs Analysis": 1}
    done = document(bench, "run", "--yes")
    [written] = done["forecast"]["currencies"]
    assert (done["exit_code"], written["total"]) == (0, currency["total"])


def test_a_row_waits_for_an_account_that_is_deferred(bench: Bench) -> None:
    """Another account cannot be taken back, so the lead stays open until the named one is there."""
    write_leads_job(bench, [deal("D-1", account="ACC-77")])
    in_job(bench, 'match = "Sfsync_Key__c" }', 'match = "Sfsync_Key__c", missing = "defer" }')
    done = document(bench, "run", "--yes")
    assert (done["counts"]["Opportunity"]["skipped"], conversions(bench)) == (1, 0)
    assert "WAITS_FOR_PARENT" in {each["code"] for each in done["notes"]}
    account = bench.find("Account", Sfsync_Key__c="ACC-1")
    bench.change("Account", account, Sfsync_Key__c="ACC-77")
    assert document(bench, "run", "--yes")["exit_code"] == 0
    assert lead(bench)["ConvertedAccountId"] == account


def test_a_pick_says_which_of_two_leads_is_meant(tmp_path: Path) -> None:
    """The picks file that a plan writes lists both; the line that is left settles it."""
    org = {**LEAD_ORG, "records": [*LEAD_ORG["records"], lead_row(BERTHA, Company="Other Coop")]}
    org["records"][-1]["local"] = "bertha_again"
    with lead_bench(tmp_path, org) as bench:
        write_leads_job(bench, [deal("D-1")])
        [open_one] = bench.plan().open_references
        assert {each.telling.partition(",")[0] for each in open_one.candidates} == {
            "Farmers Coop",
            "Other Coop",
        }
        [meant] = [each for each in open_one.candidates if each.telling.startswith("Other")]
        line = f"Lead,{open_one.field},{open_one.value},{meant.record_id}"
        (bench.folder / "picks.csv").write_text(f"sobject,field,value,id\n{line}\n")
        in_job(bench, 'org = "local"\n', 'org = "local"\npicks = "picks.csv"\n')
        assert document(bench, "run", "--yes")["exit_code"] == 0
        [converted] = bench.emulator.org.storage.select("Lead", '"IsConverted" = 1 AND "Email" = ?', BERTHA)
        assert converted["Id"] == meant.record_id


@pytest.mark.parametrize("has_account", [True, False])
def test_a_contact_to_merge_into_is_found_by_its_name_and_the_rows_account(
    bench: Bench, has_account: bool
) -> None:
    """A name alone is never enough: without the row's account the row is a problem, and the lead stays open."""
    name = bench.emulator.org.storage.select("Contact", '"Email" = ?', LEUNG)[0]["Name"]
    write_leads_job(bench, [deal("D-1", account="ACC-1" if has_account else "", contact=name)])
    in_job(bench, 'column = "contact", match = "Email"', 'column = "contact", match = "Name + Account.Name"')
    done = document(bench, "run", "--yes")
    if has_account:
        assert lead(bench)["ConvertedContactId"] == bench.find("Contact", Email=LEUNG)
        assert done["exit_code"] == 0
    else:
        assert "LEAD_CONTACT_UNKNOWN" in {each["code"] for each in done["problems"]}
        assert conversions(bench) == 0


def test_a_job_that_chooses_the_primary_contact_chooses_it_for_a_new_deal(bench: Bench) -> None:
    """That the platform makes the lead's contact primary is nobody's choice; the next run leaves it as chosen."""
    roles = [role("D-1", ALAN, "Evaluator"), role("D-1", BERTHA, "Decision Maker")]
    write_leads_job(bench, [deal("D-1")], roles, extra='[roles]\nprimary = "first"\n')
    assert document(bench, "run", "--yes")["exit_code"] == 0
    wanted = [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False)]
    assert roles_of(bench, deals_of(bench)[0]["Id"]) == wanted
    assert document(bench, "run", "--yes")["api"]["writes"] == 0


def test_a_deal_of_a_lead_that_somebody_deleted_is_made_again_where_the_job_says_so(bench: Bench) -> None:
    """Else it is a problem that names the lead; the new one is plain, on the account of the lead, and stays."""
    write_leads_job(bench, [deal("D-1")])
    assert document(bench, "run", "--yes")["exit_code"] == 0
    bench.delete("Opportunity", deals_of(bench)[0]["Id"])
    assert [each["code"] for each in document(bench, "plan")["problems"]] == ["LEAD_DEAL_GONE"]
    in_job(bench, 'file = "deals.csv"\n', 'file = "deals.csv"\ndeleted = "recreate"\n')
    done = document(bench, "run", "--yes")
    assert (done["exit_code"], done["counts"]["Opportunity"]["created"], conversions(bench)) == (0, 1, 1)
    assert sorted(bool(each["IsDeleted"]) for each in deals_of(bench)) == [False, True]
    again = document(bench, "run", "--yes")
    assert (again["exit_code"], again["api"]["writes"]) == (0, 0)


def test_a_deal_of_a_lead_that_vanished_and_was_deleted_comes_back_with_its_row(bench: Bench) -> None:
    """As a plain deal on the account of the lead and without a second conversion, each time that it does."""
    others = [deal(f"D-{number}", "", account="ACC-2") for number in range(2, 6)]
    gone = 'file = "deals.csv"\nvanished = "delete"\n'

    def run(*deals: dict[str, str]) -> dict[str, Any]:
        write_leads_job(bench, deals)
        in_job(bench, 'file = "deals.csv"\n', gone)
        return document(bench, "run", "--yes", "--allow-deletes")

    assert run(deal("D-1"), *others)["exit_code"] == 0
    for deleted in (1, 2):
        assert run(*others)["exit_code"] == 0
        assert [bool(each["IsDeleted"]) for each in deals_of(bench)] == [True] * deleted
        back = run(deal("D-1"), *others)
        assert (back["exit_code"], back["problems"], conversions(bench)) == (0, [], 1)
        assert [bool(each["IsDeleted"]) for each in deals_of(bench)].count(False) == 1
        assert run(deal("D-1"), *others)["api"]["writes"] == 0


def test_an_audit_finds_the_converted_deal_as_it_was_sent(bench: Bench) -> None:
    """Nothing of it looks like another user's doing; what the platform filled in is not said to be changed."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", CARL)], [role("D-1", primary="x")])
    Path(bench.job).write_text(Path(bench.job).read_text() + "\n[safety]\nverify = true\n")
    done = document(bench, "run", "--yes")
    kinds = {each["kind"] for each in done["verify"]["findings"]}
    assert (done["exit_code"], kinds <= {"defaulted"}) == (0, True)


def test_a_plan_of_a_refused_lead_says_each_thing_once(bench: Bench) -> None:
    """A row that is refused because of its lead is off no probability, and its lead is in no change."""
    write_leads_job(bench, [deal("D-1", account="ACC-2", contact=LEUNG)])
    with_probability(bench, 40)
    made = bench.plan()
    refused = [each for each in made.changes if each.sobject != "OpportunityContactRole"]
    assert [(each.action, each.parent) for each in refused] == [(Action.REJECT, None)]
    assert made.off_stage_total == 0

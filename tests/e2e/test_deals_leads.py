"""Deals that come out of leads: the plan says what each becomes, the run does it once, the next run finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, warm_sfsync
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
from main_job_bench import ROOT, Bench, assert_every_row_counts_once

STATUS = "Closed - Converted"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads."""
    with lead_bench(tmp_path) as made:
        yield made


def sfsync(bench: Bench, *arguments: str) -> Done:
    """Runs a command as its user does."""
    return warm_sfsync(*arguments, environ=bench.environ, cwd=ROOT)


def run(bench: Bench) -> dict[str, Any]:
    """The document of a run of the job."""
    return sfsync(bench, "run", bench.job, "--yes", "--json").document


def problem_of(bench: Bench) -> dict[str, Any]:
    """The one problem of the deals in a plan of the job, in which nothing is converted."""
    document = sfsync(bench, "plan", bench.job, "--json").document
    assert document["changes"]["Opportunity"]["converted"] == 0
    [problem] = [each for each in document["problems"] if each["sobject"] == "Opportunity"]
    return dict(problem)


def only_deal(bench: Bench, email: str = BERTHA) -> dict[str, Any]:
    """The one deal that a lead has become."""
    [found] = deals_of(bench, email)
    assert found["Id"] == lead(bench, email)["ConvertedOpportunityId"]
    return found


def test_the_plan_says_what_the_lead_is_and_what_is_made_of_it(bench: Bench) -> None:
    """The plan names the lead, its status now and then, and the account, the contact and the deal that are made."""
    write_leads_job(bench, [deal("D-1")], [role("D-1", primary="x")])
    shown = sfsync(bench, "plan", bench.job)
    assert shown.exit_code == 0, shown.out + shown.err
    assert (
        "> lead Bertha Boxer (Open - Not Contacted) is converted to Closed - Converted:"
        " new account Farmers Coop, new contact Bertha Boxer, new deal" in " ".join(shown.out.split())
    )
    assert "+ Deal D-1 (D-1, line 2)" in shown.out
    assert "as Decision Maker, primary (the role that comes with the lead)" in " ".join(shown.out.split())
    assert "A conversion cannot be taken back." in shown.out
    assert conversions(bench) == 0


def test_the_plan_says_of_the_role_that_comes_with_the_lead_that_it_is_primary(bench: Bench) -> None:
    """Its row need not say so: the platform makes it primary, unless another row takes or refuses the flag."""
    expected = "as Decision Maker, primary (the role that comes with the lead)"
    write_leads_job(bench, [deal("D-1")], [role("D-1"), role("D-1", ALAN, "Evaluator")])
    assert expected in " ".join(sfsync(bench, "plan", bench.job).out.split())
    write_leads_job(bench, [deal("D-1")], [role("D-1"), role("D-1", ALAN, "Evaluator", primary="x")])
    shown = " ".join(sfsync(bench, "plan", bench.job).out.split())
    assert "as Decision Maker (the role that comes with the lead)" in shown
    assert "as Evaluator, primary" in shown
    write_leads_job(bench, [deal("D-1")], [role("D-1", primary="no")])
    assert expected not in " ".join(sfsync(bench, "plan", bench.job).out.split())


def test_a_run_converts_the_lead_and_brings_its_deal_and_role_to_the_wanted_state(bench: Bench) -> None:
    """The deal has the row's values and key, the platform's own role is the row's; the next run writes nothing."""
    write_leads_job(bench, [deal("D-1")], [role("D-1", primary="x"), role("D-1", ALAN, "Evaluator")])
    first = run(bench)
    assert (first["exit_code"], first["changes"]["Opportunity"]["converted"]) == (0, 1)
    assert (first["counts"]["Opportunity"]["rows"], first["counts"]["Opportunity"]["created"]) == (1, 1)
    assert "Lead" not in first["counts"]
    assert_every_row_counts_once(first["counts"])
    found = only_deal(bench)
    names = ("Name", "StageName", "CloseDate", "Amount", "Sfsync_Key__c")
    assert [found[each] for each in names] == ["Deal D-1", "Needs Analysis", "2027-01-31", 100.0, "D-1"]
    assert roles_of(bench, found["Id"]) == [
        (ALAN, "Evaluator", False),
        (BERTHA, "Decision Maker", True),
    ]
    assert lead(bench)["Status"] == STATUS
    second = run(bench)
    assert (second["exit_code"], second["api"]["writes"]) == (0, 0)
    assert second["counts"]["Opportunity"]["unchanged"] == 1
    assert second["counts"]["OpportunityContactRole"]["unchanged"] == 2


def test_the_plan_predicts_what_a_conversion_costs(bench: Bench) -> None:
    """The calls that were predicted are those that were made."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", CARL)], [role("D-1", primary="x")])
    planned = sfsync(bench, "plan", bench.job, "--json").document["api"]
    done = run(bench)
    assert (done["exit_code"], conversions(bench)) == (0, 1)
    assert done["api"]["calls"] - planned["calls"] == planned["predicted_calls"]
    assert done["api"]["writes"] == 3


def test_a_lead_is_merged_into_the_account_that_its_row_names(bench: Bench) -> None:
    """The row's account takes the lead in, and the plan says so; no account is made."""
    write_leads_job(bench, [deal("D-1", account="ACC-1")])
    account = bench.find("Account", Sfsync_Key__c="ACC-1")
    shown = " ".join(sfsync(bench, "plan", bench.job).out.split())
    assert f"({account}), new contact Bertha Boxer, new deal" in shown
    assert "merged into account " in shown
    assert run(bench)["exit_code"] == 0
    assert lead(bench)["ConvertedAccountId"] == account
    assert bench.deal("D-1")["AccountId"] == account


def test_a_lead_is_merged_into_the_contact_that_its_row_names(bench: Bench) -> None:
    """With a contact, its account is the lead's; the contact is primary, and no person is made."""
    write_leads_job(bench, [deal("D-1", contact=LEUNG)], [role("D-1", LEUNG, "Evaluator")])
    assert run(bench)["exit_code"] == 0
    contact = bench.find("Contact", Email=LEUNG)
    assert lead(bench)["ConvertedContactId"] == contact
    assert lead(bench)["ConvertedAccountId"] == bench.find("Account", Sfsync_Key__c="ACC-1")
    assert roles_of(bench, bench.deal("D-1")["Id"]) == [(LEUNG, "Evaluator", True)]
    assert run(bench)["api"]["writes"] == 0


def test_a_lead_may_be_merged_into_an_account_of_the_same_job(bench: Bench) -> None:
    """Accounts that the job brings go first, so a lead can go into one of them."""
    accounts = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
"""
    write_leads_job(bench, [deal("D-1", account="ACC-9")])
    Path(bench.job).write_text(Path(bench.job).read_text() + accounts)
    (bench.folder / "accounts.csv").write_text("id,name\nACC-9,Farmers of Canada\n")
    shown = " ".join(sfsync(bench, "plan", bench.job).out.split())
    assert "merged into the new account Farmers of Canada" in shown
    assert run(bench)["exit_code"] == 0
    assert lead(bench)["ConvertedAccountId"] == bench.find("Account", Sfsync_Key__c="ACC-9")


def test_another_primary_contact_takes_the_flag_from_the_leads(bench: Bench) -> None:
    """The role that the platform makes is primary; a row that says otherwise is brought about."""
    write_leads_job(bench, [deal("D-1")], [role("D-1"), role("D-1", ALAN, "Evaluator", primary="x")])
    assert run(bench)["exit_code"] == 0
    found = only_deal(bench)
    assert roles_of(bench, found["Id"]) == [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False)]
    write_leads_job(bench, [deal("D-2", CARL)], [role("D-2", ALAN, "Evaluator", primary="x")])
    assert run(bench)["exit_code"] == 0
    assert roles_of(bench, only_deal(bench, CARL)["Id"]) == [
        (ALAN, "Evaluator", True),
        (CARL, None, False),
    ]


@pytest.mark.parametrize("policy", ["append", "merge", "mirror"])
def test_two_roles_of_the_leads_contact_are_two_rows_in_the_org(bench: Bench, policy: str) -> None:
    """The platform's own role becomes the first of them, whatever may be done to roles that are there."""
    roles = [role("D-1"), role("D-1", BERTHA, "Evaluator")]
    write_leads_job(bench, [deal("D-1")], roles, extra=f'[roles]\npolicy = "{policy}"\n')
    assert run(bench)["exit_code"] == 0
    found = only_deal(bench)
    assert [each[:2] for each in roles_of(bench, found["Id"])] == [
        (BERTHA, "Decision Maker"),
        (BERTHA, "Evaluator"),
    ]
    assert run(bench)["api"]["writes"] == 0


def test_a_row_without_a_lead_is_a_plain_deal(bench: Bench) -> None:
    """The two kinds of rows stand in one file."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", "", account="ACC-1")])
    done = run(bench)
    assert (done["counts"]["Opportunity"]["created"], done["changes"]["Opportunity"]["converted"]) == (2, 1)
    assert (conversions(bench), run(bench)["api"]["writes"]) == (1, 0)


def test_what_the_row_leaves_out_is_what_the_platform_gives(bench: Bench) -> None:
    """A row with nothing but a lead and a key is enough: name, stage and close date come from the conversion."""
    write_leads_job(bench, [deal("D-1", deal="", stage="", close_date="", amount="")])
    assert run(bench)["exit_code"] == 0
    found = only_deal(bench)
    assert (found["Name"], found["StageName"], found["Sfsync_Key__c"]) == (
        "Farmers Coop",
        "Prospecting",
        "D-1",
    )


def test_the_deal_of_a_lead_that_somebody_converted_is_taken(bench: Bench) -> None:
    """A converted lead is read, not converted again: its deal gets the row's key and values."""
    convert_by_hand(bench)
    write_leads_job(bench, [deal("D-1")], [role("D-1")])
    done = run(bench)
    assert (done["exit_code"], done["counts"]["Opportunity"]["updated"]) == (0, 1)
    assert (conversions(bench), only_deal(bench)["Sfsync_Key__c"]) == (1, "D-1")
    assert roles_of(bench, only_deal(bench)["Id"]) == [(BERTHA, "Decision Maker", True)]
    assert run(bench)["api"]["writes"] == 0


def test_a_job_may_refuse_leads_that_are_converted(bench: Bench) -> None:
    """With when_converted = "error" such a row is a problem with its place."""
    convert_by_hand(bench)
    write_leads_job(bench, [deal("D-1")], lead='when_converted = "error"')
    problem = problem_of(bench)
    assert (problem["code"], problem["line"], problem["column"]) == ("LEAD_CONVERTED", 2, "lead")


def test_a_lead_that_was_converted_without_a_deal_gives_the_new_deal_its_account(bench: Bench) -> None:
    """The row is then an ordinary create on the account that the lead has become."""
    convert_by_hand(bench, makes_deal=False)
    write_leads_job(bench, [deal("D-1")])
    done = run(bench)
    assert (done["counts"]["Opportunity"]["created"], done["changes"]["Opportunity"]["converted"]) == (1, 0)
    assert bench.deal("D-1")["AccountId"] == lead(bench)["ConvertedAccountId"]
    assert run(bench)["api"]["writes"] == 0


def test_two_rows_that_name_one_lead_are_both_refused(bench: Bench) -> None:
    """A lead becomes one deal, so nobody guesses which row's."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", lead(bench)["Id"])])
    document = sfsync(bench, "plan", bench.job, "--json").document
    assert [each["code"] for each in document["problems"]] == ["LEAD_NAMED_TWICE"] * 2
    assert "lines 2 and 3" in document["problems"][0]["message"]


def test_a_second_row_cannot_take_the_deal_of_the_first(bench: Bench) -> None:
    """A lead whose deal has another row's key is a problem, and the first row stays as it is."""
    write_leads_job(bench, [deal("D-1")])
    assert run(bench)["exit_code"] == 0
    write_leads_job(bench, [deal("D-1"), deal("D-2")])
    document = run(bench)
    assert [(each["code"], each["key"]) for each in document["problems"]] == [("LEAD_TAKEN", "D-2")]
    assert document["counts"]["Opportunity"]["unchanged"] == 1
    assert len(deals_of(bench)) == 1


def test_rows_without_a_key_in_the_org_come_out_of_leads_too(bench: Bench) -> None:
    """The journal remembers which deal a lead has become; a second row cannot take it."""
    write_leads_job(bench, [deal("D-1")], has_key=False)
    bench.admit()
    assert run(bench)["exit_code"] == 0
    assert run(bench)["api"]["writes"] == 0
    write_leads_job(bench, [deal("D-1"), deal("D-2")], has_key=False)
    assert [each["code"] for each in run(bench)["problems"]] == ["LEAD_TAKEN"]
    assert only_deal(bench)["Name"] == "Deal D-1"


PROBLEMS = {
    "no lead": (deal("D-1", "nobody@farmers.example"), "", "LEAD_NOT_FOUND"),
    "a lead of a queue": (deal("D-1", "andy@dickenson.example"), "", "LEAD_OWNER_IS_QUEUE"),
    "a status that is not taken": (deal("D-1"), 'only_status = ["Working - Contacted"]', "LEAD_STATUS"),
    "no account where one is asked for": (deal("D-1"), 'account = "match"', "LEAD_NEEDS_TARGET"),
    "no contact where one is asked for": (
        deal("D-1", account="ACC-1"),
        'contact = "match"',
        "LEAD_NEEDS_TARGET",
    ),
    "a contact of another account": (
        deal("D-1", account="ACC-2", contact=LEUNG),
        "",
        "LEAD_CONTACT_ELSEWHERE",
    ),
    "the deal is there and the lead is open": (deal("DEAL-1003"), "", "LEAD_NOT_THIS_DEAL"),
    "an account that is not there": (deal("D-1", account="ACC-77"), "", "NOT_FOUND"),
}


@pytest.mark.parametrize(("row", "rule", "code"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_lead_that_cannot_become_the_deal_is_a_problem_of_its_row(
    tmp_path: Path, row: dict[str, str], rule: str, code: str
) -> None:
    """The problem has a code, a place and a hint, and the lead is left alone."""
    document = {**LEAD_ORG, "records": [*LEAD_ORG["records"]]}
    document["records"].append(lead_row("andy@dickenson.example", OwnerId="@inbound"))
    document["records"][-1]["local"] = "andrew"
    with lead_bench(tmp_path, document) as bench:
        write_leads_job(bench, [row], lead=rule)
        problem = problem_of(bench)
        assert (problem["code"], problem["line"]) == (code, 2)
        assert problem["hint"]
        assert run(bench)["exit_code"] == 3
        assert conversions(bench) == 0


def test_two_leads_with_one_address_are_a_problem_that_names_them(tmp_path: Path) -> None:
    """The first is never taken; the record id says which one is meant."""
    document = {**LEAD_ORG, "records": [*LEAD_ORG["records"], lead_row(BERTHA)]}
    document["records"][-1]["local"] = "bertha_again"
    with lead_bench(tmp_path, document) as bench:
        write_leads_job(bench, [deal("D-1")])
        problem = problem_of(bench)
        ids = [each["Id"] for each in bench.emulator.org.storage.select("Lead", '"Email" = ?', BERTHA)]
        assert problem["code"] == "LEAD_AMBIGUOUS"
        assert all(each in problem["message"] for each in ids)
        write_leads_job(bench, [deal("D-1", ids[1])])
        assert run(bench)["exit_code"] == 0


def test_an_owner_lets_a_lead_of_a_queue_be_converted(tmp_path: Path) -> None:
    """The row's owner owns what the lead becomes."""
    document = {**LEAD_ORG, "records": [*LEAD_ORG["records"], lead_row("dora@q.example", OwnerId="@inbound")]}
    with lead_bench(tmp_path, document) as bench:
        maria = "maria.jimenez@cloudkicks.example"
        write_leads_job(bench, [deal("D-1", "dora@q.example", owner=maria)])
        assert run(bench)["exit_code"] == 0
        assert only_deal(bench, "dora@q.example")["OwnerId"] == bench.find("User", Username=maria)


def test_a_status_that_does_not_stand_for_converted_stops_the_plan(bench: Bench) -> None:
    """Exit 2, and the statuses that there are."""
    write_leads_job(bench, [deal("D-1")], lead='status = "Qualified"')
    stopped = sfsync(bench, "plan", bench.job)
    assert stopped.exit_code == 2
    assert STATUS in stopped.err


def test_a_job_that_only_updates_converts_nothing(bench: Bench) -> None:
    """An open lead is then no deal yet, so its row is skipped and said so."""
    write_leads_job(bench, [deal("D-1")], extra='mode = "update"')
    document = run(bench)
    assert (document["counts"]["Opportunity"]["skipped"], conversions(bench)) == (1, 0)


def test_check_says_what_leads_become_and_what_it_cannot_tell(bench: Bench) -> None:
    """The status, that it is for good, and that the permission is seen only by converting."""
    write_leads_job(bench, [deal("D-1")])
    checked = sfsync(bench, "check", bench.job)
    assert checked.exit_code == 0, checked.err
    assert "the lead is converted to Closed - Converted, once and for good" in checked.out
    assert "unchecked: whether the user has the permission Convert Leads" in checked.out


def test_a_check_against_a_snapshot_says_the_same(bench: Bench) -> None:
    """The snapshot holds the lead statuses, so no org is needed."""
    write_leads_job(bench, [deal("D-1")])
    taken = bench.folder / "org.snapshot.json"
    assert sfsync(bench, "org", "snapshot", "-o", "local", "--out", str(taken)).exit_code == 0
    checked = sfsync(bench, "check", bench.job, "--snapshot", str(taken))
    assert checked.exit_code == 0, checked.err
    assert "the lead is converted to Closed - Converted, once and for good" in checked.out


def test_a_lead_that_became_another_deal_than_the_rows_is_a_problem(bench: Bench) -> None:
    """The row's key says one deal and its lead another: nothing is touched."""
    convert_by_hand(bench)
    write_leads_job(bench, [deal("DEAL-1003")])
    assert problem_of(bench)["code"] == "LEAD_NOT_THIS_DEAL"


def test_an_undo_says_by_name_that_a_conversion_stays(bench: Bench) -> None:
    """What the run added to the deal goes; the deal and the lead stay, and the plan says why."""
    write_leads_job(bench, [deal("D-1")], [role("D-1"), role("D-1", ALAN, "Evaluator")])
    done = run(bench)
    undone = sfsync(bench, "undo", done["run"], "--yes", "--json").document
    stays = {each["message"] for each in undone["notes"] if each["code"] == "CONVERSION_STAYS"}
    assert any("Opportunity Deal D-1: it came out of a lead" in each for each in stays)
    assert undone["exit_code"] == 0
    assert roles_of(bench, only_deal(bench)["Id"]) == [(BERTHA, "Decision Maker", True)]


def test_updates_after_the_conversion_can_be_undone(bench: Bench) -> None:
    """A later run moves the deal on; its undo brings the deal back to where the conversion's run left it."""
    write_leads_job(bench, [deal("D-1")])
    assert run(bench)["exit_code"] == 0
    write_leads_job(bench, [deal("D-1", amount="250.00")])
    later = run(bench)
    assert only_deal(bench)["Amount"] == 250.0
    assert sfsync(bench, "undo", later["run"], "--yes", "--json").exit_code == 0
    assert only_deal(bench)["Amount"] == 100.0


def test_with_all_or_nothing_a_bad_role_keeps_the_lead_open(bench: Bench) -> None:
    """on_error = "deal": a deal whose role cannot be written is not made, so its lead is not converted."""
    roles = [role("D-1"), role("D-1", "nobody@farmers.example", "Evaluator")]
    write_leads_job(bench, [deal("D-1")], roles, extra='[roles]\non_error = "deal"\n')
    assert run(bench)["exit_code"] == 3
    assert (conversions(bench), lead(bench)["IsConverted"]) == (0, 0)


def test_a_canary_converts_only_the_leads_of_its_deals(bench: Bench) -> None:
    """The first deal is brought and read back with its lead; then the rest goes."""
    write_leads_job(bench, [deal("D-1"), deal("D-2", CARL)], [role("D-1")])
    done = sfsync(bench, "run", bench.job, "--yes", "--canary", "1", "--json").document
    assert (done["exit_code"], done["counts"]["Opportunity"]["created"], conversions(bench)) == (0, 2, 2)
    assert run(bench)["api"]["writes"] == 0

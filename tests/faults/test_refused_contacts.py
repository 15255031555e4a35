"""A contact that the org refuses leaves its roles for later: a retry or a new run makes it primary all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lead_bench import ALAN, BERTHA, LEUNG, deal, deals_of, lead_bench, role, roles_of, write_leads_job
from main_job_bench import Bench, Carrying, Ending

from sfsync.emulator.fault_actions import FailRows

NEW = "dora@farmers.example"
CONTACTS = """
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
Email = "email"
AccountId = { column = "account", match = "Sfsync_Key__c" }
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with an open lead."""
    with lead_bench(tmp_path) as made:
        yield made


def write_job(bench: Bench, roles: list[dict[str, str]], words: str = "", *, has_lead: bool = True) -> None:
    """A job with one deal, roles, and a new contact that is among them."""
    row = deal("D-1") if has_lead else deal("D-1", "", account="ACC-1")
    write_leads_job(bench, [row], roles, extra=f"[roles]\n{words}\n" if words else "")
    Path(bench.job).write_text(Path(bench.job).read_text() + CONTACTS)
    (bench.folder / "contacts.csv").write_text(f"id,name,email,account\nC-9,Dora,{NEW},ACC-1\n")


def refuse_contact(bench: Bench) -> None:
    """Lets the org refuse the next contact."""
    refusal = FailRows(code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not yet")
    bench.emulator.faults.add(
        Carrying(refusal, "before_commit", path=r"/composite", text='"Dora"', nth=1, count=1)
    )


CASES = {
    "the rule's choice": (
        [role("D-1", NEW, "Evaluator"), role("D-1")],
        'primary = "first"',
        [(BERTHA, "Decision Maker", False), (NEW, "Evaluator", True)],
    ),
    "the rule's choice, where roles are only added": (
        [role("D-1", NEW, "Evaluator"), role("D-1")],
        'primary = "first"\npolicy = "append"',
        [(BERTHA, "Decision Maker", False), (NEW, "Evaluator", True)],
    ),
    "the file's choice": (
        [role("D-1", NEW, "Evaluator", "x"), role("D-1")],
        "",
        [(BERTHA, "Decision Maker", False), (NEW, "Evaluator", True)],
    ),
    "the rule's choice in a mirror": (
        [role("D-1", NEW, "Evaluator"), role("D-1")],
        'primary = "first"\npolicy = "mirror"',
        [(BERTHA, "Decision Maker", False), (NEW, "Evaluator", True)],
    ),
    "the file's choice alone": (
        [role("D-1", NEW, "Evaluator", "x")],
        "",
        [(BERTHA, None, False), (NEW, "Evaluator", True)],
    ),
    "the file's choice alone, where roles are only added": (
        [role("D-1", NEW, "Evaluator", "x")],
        'policy = "append"',
        [(BERTHA, None, False), (NEW, "Evaluator", True)],
    ),
}


@pytest.mark.parametrize("go_on", [Bench.retry, Bench.run], ids=["retry", "run"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refused_contact_of_a_leads_deal_is_primary_when_it_comes(
    bench: Bench,
    case: tuple[list[dict[str, str]], str, list[tuple[str, str | None, bool]]],
    go_on: Callable[[Bench], Ending],
) -> None:
    """The lead's contact has the flag meanwhile, and gives it away as in a run without the refusal."""
    roles, words, wanted = case
    write_job(bench, roles, words)
    refuse_contact(bench)
    ending = bench.run()
    assert ending.exit_code == 3, ending.codes()
    [found] = deals_of(bench)
    assert [each[0] for each in roles_of(bench, found["Id"]) if each[2]] == [BERTHA]
    ending = go_on(bench)
    assert (ending.exit_code, roles_of(bench, found["Id"])) == (0, wanted), ending.codes()
    commits = len(bench.emulator.audit.commits)
    assert (bench.run().exit_code, len(bench.emulator.audit.commits)) == (0, commits)


@pytest.mark.parametrize("go_on", [Bench.retry, Bench.run], ids=["retry", "run"])
@pytest.mark.parametrize("has_row", [True, False], ids=["with a row", "without a row"])
def test_a_refused_contact_of_a_deal_that_exists_is_primary_when_it_comes(
    bench: Bench, go_on: Callable[[Bench], Ending], *, has_row: bool
) -> None:
    """The contact who was primary gives the flag away in the retry too, though the plan's demotion had to wait."""
    write_job(bench, [role("D-1", LEUNG, "Evaluator", "x")], has_lead=False)
    (bench.folder / "contacts.csv").write_text("id,name,email,account\nC-8,Emil,,ACC-1\n")
    assert bench.run().exit_code == 0
    own = [role("D-1", LEUNG, "Evaluator")] if has_row else []
    write_job(bench, [role("D-1", NEW, "Business User", "x"), *own], has_lead=False)
    refuse_contact(bench)
    assert bench.run().exit_code == 3
    deal_id = bench.deal("D-1")["Id"]
    assert roles_of(bench, deal_id) == [(LEUNG, "Evaluator", True)]
    ending = go_on(bench)
    wanted = [(NEW, "Business User", True), (LEUNG, "Evaluator", False)]
    assert (ending.exit_code, roles_of(bench, deal_id)) == (0, wanted), ending.codes()


def test_a_choice_that_was_brought_stays_when_the_rows_move_about(bench: Bench) -> None:
    """Once a run has brought all roles of the deal, its primary contact is the org's own, the lead's or another."""
    write_job(bench, [role("D-1"), role("D-1", ALAN, "Evaluator")], 'primary = "first"')
    assert bench.run().exit_code == 0
    [found] = deals_of(bench)
    wanted = [(ALAN, "Evaluator", False), (BERTHA, "Decision Maker", True)]
    assert roles_of(bench, found["Id"]) == wanted
    write_job(bench, [role("D-1", ALAN, "Evaluator"), role("D-1")], 'primary = "first"')
    commits = len(bench.emulator.audit.commits)
    assert (bench.run().exit_code, len(bench.emulator.audit.commits)) == (0, commits)
    assert roles_of(bench, found["Id"]) == wanted


def test_a_choice_waits_for_the_wrong_row_of_the_leads_deal(bench: Bench) -> None:
    """Nobody is chosen while a row is wrong; corrected, it is chosen as it would have been at first."""
    write_job(bench, [role("D-1", "nobody@farmers.example", "Evaluator"), role("D-1")], 'primary = "first"')
    assert bench.run().exit_code == 3
    write_job(bench, [role("D-1", ALAN, "Evaluator"), role("D-1")], 'primary = "first"')
    assert bench.run().exit_code == 0
    [found] = deals_of(bench)
    assert roles_of(bench, found["Id"]) == [(ALAN, "Evaluator", True), (BERTHA, "Decision Maker", False)]


def test_whom_a_person_made_primary_meanwhile_stays(bench: Bench) -> None:
    """Between two runs somebody gives the flag to another contact: that is a choice, and the rule keeps it."""
    write_job(
        bench,
        [role("D-1", NEW, "Evaluator"), role("D-1"), role("D-1", ALAN, "Influencer")],
        'primary = "first"',
    )
    refuse_contact(bench)
    assert bench.run().exit_code == 3
    [found] = deals_of(bench)
    held = bench.find("OpportunityContactRole", OpportunityId=found["Id"], Role="Influencer")
    bench.change("OpportunityContactRole", held, IsPrimary=True)
    assert bench.run().exit_code == 0
    assert [each[0] for each in roles_of(bench, found["Id"]) if each[2]] == [ALAN]

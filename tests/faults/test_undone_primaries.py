"""S21: taking back a run that moved the primary flag gives it to the contact who had it, however the org behaves.

The role that had the flag need not be a row of the run. What it gives back goes with what takes the flag away in
one request, so that nothing that happens on the way leaves the deal with two primary contacts or with none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, BARE_ORG, LEUNG, ORG_FILE, WRITES, Before, Bench, Ending, role
from primary_contacts import BEFORE, DEAL, MOVED, ROW, leung_is_primary

from sfsync.app.past_runs import undoing
from sfsync.core.reports.results import Outcome
from sfsync.core.writes import Route
from sfsync.emulator.fault_actions import Drop, FailRows, Hold
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ
from sfsync.emulator.server import running
from sfsync.emulator.switches import PrimaryDuplicateDeleted, SecondPrimary

LARS = "lars.macmillan@getcloudy-canada.example"
ORGS: dict[str, Any] = {"with receipts": ORG_FILE, "without receipts": BARE_ORG}
ALAN_LEFT = (ALAN, "Decision Maker", False)


@pytest.fixture(params=ORGS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """An org that has receipts for roles of deals that exist, and one in which they go by their ids."""
    with running(ORGS[request.param]) as emulator:
        yield Bench(emulator, tmp_path)


@pytest.fixture(params=SecondPrimary)
def platform(request: pytest.FixtureRequest, bench: Bench) -> SecondPrimary:
    """What the org does about a second primary contact."""
    behaviour: SecondPrimary = request.param
    bench.switch(second_primary=behaviour)
    return behaviour


def moved(bench: Bench, *, alan_has_a_role: bool = False, names_leung: bool = False, **words: Any) -> str:
    """Lets a run give the flag from Leung to Alan; returns the run."""
    leung_is_primary(bench, alan_has_a_role=alan_has_a_role)
    others = [role(DEAL, LEUNG, "Evaluator", "no")] if names_leung else []
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes"), *others], **words)
    ending = bench.run(allow_deletes=True)
    assert ending.exit_code == 0
    return ending.document.run_id


def before(*, alan_has_a_role: bool) -> list[tuple[str, str | None, bool]]:
    """The roles of the deal before the run."""
    return [*([ALAN_LEFT] if alan_has_a_role else []), *BEFORE]


def notes(ending: Ending) -> str:
    """All that the plan of an undo says of what stays."""
    return "\n".join(each.message for each in ending.document.plan.notes)


def codes(ending: Ending) -> set[str]:
    """The codes of the notes of an undo's plan."""
    return {each.code for each in ending.document.plan.notes}


def somebody_makes_lars_primary(bench: Bench) -> None:
    """A person takes the flag from whoever has it, where the org would not, and gives it to a new role."""
    for held in bench.emulator.org.storage.select("OpportunityContactRole", '"IsPrimary" = 1'):
        bench.change("OpportunityContactRole", held["Id"], IsPrimary=False)
    lars = bench.create("Contact", LastName="MacMillan", Email=LARS)
    deal_id = bench.deal(DEAL)["Id"]
    bench.create(
        "OpportunityContactRole", OpportunityId=deal_id, ContactId=lars, Role="Influencer", IsPrimary=True
    )


@pytest.mark.parametrize("names_leung", [True, False], ids=["both_named", "one_named"])
@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.usefixtures("platform")
def test_S21_the_flag_goes_back_to_who_had_it(
    bench: Bench, *, alan_has_a_role: bool, names_leung: bool
) -> None:
    """Leung is primary again and alone, nobody is said to have touched anything, and once is enough."""
    run_id = moved(bench, alan_has_a_role=alan_has_a_role, names_leung=names_leung)
    ending = bench.undo(run_id)
    assert (ending.exit_code, notes(ending)) == (0, "")
    assert bench.roles(DEAL) == before(alan_has_a_role=alan_has_a_role)
    assert bench.deal(DEAL)["ContactId"] == bench.find("Contact", Email=LEUNG)
    writes = bench.write_count()
    again = bench.undo(run_id)
    assert (again.exit_code, bench.write_count()) == (0, writes)
    assert codes(again) == {"ALREADY_UNDONE"}
    assert bench.run().exit_code == 0
    assert bench.roles(DEAL) == MOVED


@pytest.mark.usefixtures("platform")
def test_S21_a_deleted_primary_role_comes_back_with_its_flag(bench: Bench) -> None:
    """A mirror deleted Leung's role and made Alan primary; afterwards Leung has the role and the flag."""
    run_id = moved(bench, policy="mirror")
    assert bench.roles(DEAL) == [(ALAN, "Decision Maker", True)]
    assert bench.undo(run_id).exit_code == 0
    assert bench.roles(DEAL) == BEFORE
    writes = bench.write_count()
    assert codes(bench.undo(run_id)) == {"ALREADY_UNDONE"}
    assert bench.write_count() == writes


@pytest.mark.parametrize("deletion", PrimaryDuplicateDeleted)
@pytest.mark.usefixtures("platform")
def test_S21_another_role_of_the_promoted_contact_loses_the_flag_that_it_shared(
    bench: Bench, deletion: PrimaryDuplicateDeleted
) -> None:
    """Alan's other role got the flag from the platform; it ends without, whatever a deletion does to siblings."""
    bench.switch(primary_duplicate_deleted=deletion)
    leung_is_primary(bench)
    alan, deal_id = bench.find("Contact", Email=ALAN), bench.deal(DEAL)["Id"]
    bench.create("OpportunityContactRole", OpportunityId=deal_id, ContactId=alan, Role="Other")
    bench.create("OpportunityContactRole", OpportunityId=deal_id, ContactId=alan, Role="Influencer")
    roles = bench.roles(DEAL)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    run = bench.run()
    assert run.exit_code == 0
    assert (ALAN, "Other", True) in bench.roles(DEAL)
    assert bench.undo(run.document.run_id).exit_code == 0
    assert bench.roles(DEAL) == roles


@pytest.mark.parametrize("deletion", PrimaryDuplicateDeleted)
@pytest.mark.usefixtures("platform")
def test_S21_a_contact_who_was_primary_all_along_stays_so(
    bench: Bench, deletion: PrimaryDuplicateDeleted
) -> None:
    """Taking a second role of the primary contact out again does not leave the deal without a primary contact."""
    bench.switch(primary_duplicate_deleted=deletion)
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, LEUNG, "Decision Maker", "yes")])
    bench.create(
        "OpportunityContactRole",
        OpportunityId=bench.deal(DEAL)["Id"],
        ContactId=bench.find("Contact", Email=LEUNG),
        Role="Influencer",
    )
    roles = bench.roles(DEAL)
    run = bench.run()
    assert run.exit_code == 0
    assert bench.undo(run.document.run_id).exit_code == 0
    assert bench.roles(DEAL) == roles


@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.usefixtures("platform")
def test_who_was_made_primary_since_stays_so(bench: Bench, *, alan_has_a_role: bool) -> None:
    """Somebody chose Lars after the run: Leung gets nothing back, and the undo says why."""
    run_id = moved(bench, alan_has_a_role=alan_has_a_role)
    somebody_makes_lars_primary(bench)
    ending = bench.undo(run_id)
    assert ending.exit_code == 0
    assert (LARS, "Influencer", True) in bench.roles(DEAL)
    assert (LEUNG, "Evaluator", False) in bench.roles(DEAL)
    assert "another contact was made primary since" in notes(ending)
    writes = bench.write_count()
    bench.undo(run_id)
    assert bench.write_count() == writes


@pytest.mark.usefixtures("platform")
def test_a_deleted_role_comes_back_without_the_flag_that_somebody_gave_away(bench: Bench) -> None:
    """A mirror deleted Leung's primary role; by now Lars is primary, so Leung gets the role alone."""
    run_id = moved(bench, policy="mirror")
    somebody_makes_lars_primary(bench)
    ending = bench.undo(run_id)
    assert ending.exit_code == 0
    assert {(LARS, "Influencer", True), (LEUNG, "Evaluator", False)} <= set(bench.roles(DEAL))
    assert "another contact was made primary since" in notes(ending)


@pytest.mark.usefixtures("platform")
def test_where_the_earlier_primary_role_is_gone_the_undo_says_so(bench: Bench) -> None:
    """Somebody deleted Leung's role: Alan's goes as it came, and the note tells whose flag it was."""
    run_id = moved(bench)
    bench.delete("OpportunityContactRole", bench.find("OpportunityContactRole", Role="Evaluator"))
    ending = bench.undo(run_id)
    assert (ending.exit_code, bench.roles(DEAL)) == (0, [])
    assert "it was primary before the run, and it is not in the org any more" in notes(ending)
    assert "touched" not in notes(ending)


def test_a_promoted_role_that_somebody_touched_keeps_the_flag(bench: Bench) -> None:
    """A person changed Alan's role since: it stays as it is, and so does the flag, which two must not have."""
    run_id = moved(bench)
    alan_role = bench.find("OpportunityContactRole", Role="Decision Maker")
    bench.change("OpportunityContactRole", alan_role, Role="Influencer")
    ending = bench.undo(run_id)
    assert ending.exit_code == 0
    assert bench.roles(DEAL) == [(ALAN, "Influencer", True), (LEUNG, "Evaluator", False)]
    assert "the role that the run made primary stays" in notes(ending)


@pytest.mark.parametrize("names_leung", [True, False], ids=["both_named", "one_named"])
def test_the_flag_goes_back_to_a_role_that_got_another_name_since(bench: Bench, *, names_leung: bool) -> None:
    """A person renamed Leung's role: the name stays theirs, the flag goes back."""
    run_id = moved(bench, names_leung=names_leung)
    held = bench.find("OpportunityContactRole", Role="Evaluator")
    bench.change("OpportunityContactRole", held, Role="Influencer")
    assert bench.undo(run_id).exit_code == 0
    assert bench.roles(DEAL) == [(LEUNG, "Influencer", True)]


@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
@pytest.mark.usefixtures("platform")
def test_n5_a_lost_answer_is_settled(bench: Bench, phase: str, *, alan_has_a_role: bool) -> None:
    """One answer is lost, before or after the org saved: the undo ends as if nothing had been."""
    run_id = moved(bench, alan_has_a_role=alan_has_a_role)
    script = bench.strike(Drop(), phase=phase)
    assert bench.undo(run_id).exit_code == 0
    assert script.struck
    assert bench.roles(DEAL) == before(alan_has_a_role=alan_has_a_role)


@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
@pytest.mark.usefixtures("platform")
def test_p1_an_undo_that_was_cut_off_is_gone_on_with(
    bench: Bench, phase: str, *, alan_has_a_role: bool
) -> None:
    """An answer is lost and the session ends with it, so nothing is settled; `resume` brings it to the same end."""
    run_id = moved(bench, alan_has_a_role=alan_has_a_role)
    bench.emulator.faults.add(
        Before(Drop(), phase, path=WRITES, count=1, deed=bench.emulator.org.sessions.end_all)
    )
    script = bench.strike(Drop(), phase=phase)
    ending = bench.undo(run_id)
    assert (ending.exit_code, script.struck) == (4, 1)
    bench.renew_token()
    assert bench.resume().exit_code == 0
    assert bench.roles(DEAL) == before(alan_has_a_role=alan_has_a_role)
    writes = bench.write_count()
    assert codes(bench.undo(run_id)) == {"ALREADY_UNDONE"}
    assert bench.write_count() == writes


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
@pytest.mark.usefixtures("platform")
def test_n5_a_deleted_primary_role_is_put_back_once_at_most(bench: Bench, phase: str) -> None:
    """Behind a receipt a lost answer is settled; without one the flag stays until a person has looked."""
    run_id = moved(bench, policy="mirror")
    bench.strike(Drop(), phase=phase)
    bench.undo(run_id)
    routes = bench.undo(run_id).document.plan.routes
    is_saved = routes["OpportunityContactRole"] is Route.RECEIPT_FENCE or phase == AFTER_COMMIT
    assert bench.roles(DEAL) == (BEFORE if is_saved else [(ALAN, "Decision Maker", True)])


@pytest.mark.usefixtures("platform")
def test_n6_a_request_that_arrives_late_changes_nothing_any_more(bench: Bench) -> None:
    """The first sending is held up and comes when the undo is long over: the deal is as it was."""
    run_id = moved(bench)
    bench.strike(Hold())
    assert bench.undo(run_id).exit_code == 0
    assert bench.emulator.faults.release() == 1
    assert bench.roles(DEAL) == BEFORE


@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.usefixtures("platform")
def test_s11_where_the_org_refuses_to_give_the_flag_back_it_stays_where_it_is(
    bench: Bench, *, alan_has_a_role: bool
) -> None:
    """Nothing is half done: Alan keeps role and flag, and the undo ends with exit 3."""
    run_id = moved(bench, alan_has_a_role=alan_has_a_role)
    leung_role = bench.find("OpportunityContactRole", Role="Evaluator")
    bench.strike(FailRows(keys=(leung_role,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    ending = bench.undo(run_id)
    assert ending.exit_code == 3
    assert bench.roles(DEAL) == MOVED
    assert {each.outcome for each in ending.document.results.values()} == {Outcome.REJECTED, Outcome.BLOCKED}


@pytest.mark.usefixtures("platform")
def test_c3_who_is_made_primary_between_plan_and_write_stays_so(bench: Bench) -> None:
    """The deal is read once more before anything of it is written; what moved is a conflict."""
    run_id = moved(bench)
    with undoing(run_id, bench.around) as (place, made):
        somebody_makes_lars_primary(bench)
        roles = bench.roles(DEAL)
        report = place.apply(made, is_fresh=True)
    assert report.exit_code == 3
    assert {each.outcome for each in report.results.values()} == {Outcome.CONFLICT}
    assert bench.roles(DEAL) == roles


def test_the_primary_contact_of_an_earlier_release_s_undo_is_put_right(bench: Bench) -> None:
    """Alan's role was taken out and nobody got the flag: asked for again, the undo gives it back."""
    run_id = moved(bench)
    bench.delete("OpportunityContactRole", bench.find("OpportunityContactRole", Role="Decision Maker"))
    assert bench.roles(DEAL) == [(LEUNG, "Evaluator", False)]
    assert bench.undo(run_id).exit_code == 0
    assert bench.roles(DEAL) == BEFORE

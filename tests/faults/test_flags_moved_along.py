"""A primary flag that the job itself moved is nobody's edit; one that a person moved stays a conflict."""

from __future__ import annotations

import pytest
from main_job_bench import ALAN, LEUNG, Bench, deal, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.switches import SecondPrimary

Marks = dict[str, str]


def bring(bench: Bench, marks: Marks, *, policy: str = "merge") -> None:
    """Runs a job of one deal with these contacts and their marks, which has nothing to complain of."""
    write(bench, marks, policy=policy)
    ending = bench.run(allow_deletes=True)
    assert ending.exit_code == 0, ending.codes()


def write(bench: Bench, marks: Marks, *, policy: str = "merge") -> None:
    """Makes these contacts the roles of the job's deal."""
    roles = [role("D-1", contact, "Evaluator", mark) for contact, mark in marks.items()]
    bench.write_job([deal("D-1")], roles, policy=policy)


def primary(bench: Bench) -> set[str]:
    """The primary contacts of the deal."""
    return {contact for contact, _, is_primary in bench.roles("D-1") if is_primary}


def flag(bench: Bench, contact: str, *, is_primary: bool) -> None:
    """Gives a contact of the deal the flag or takes it, as a salesperson."""
    somebody = bench.find("User", Username="maria.jimenez@cloudkicks.example")
    who = bench.find("Contact", Email=contact)
    found = bench.find("OpportunityContactRole", OpportunityId=bench.deal("D-1")["Id"], ContactId=who)
    bench.change("OpportunityContactRole", found, by=somebody, IsPrimary=is_primary)


@pytest.mark.parametrize("second_primary", SecondPrimary)
@pytest.mark.parametrize("left", [{LEUNG: ""}, {}], ids=["unmarked", "without its row"])
def test_the_flag_goes_to_and_fro_as_the_rows_say(
    bench: Bench, second_primary: SecondPrimary, left: Marks
) -> None:
    """The first contact lost it to a run of the job, also while its row was not in the file."""
    bench.switch(second_primary=second_primary)
    bring(bench, {LEUNG: "yes", ALAN: ""})
    for _ in range(2):
        bring(bench, {ALAN: "yes", **left})
        assert primary(bench) == {ALAN}
        bring(bench, {LEUNG: "yes", ALAN: ""})
        assert primary(bench) == {LEUNG}


def test_the_second_role_of_a_primary_contact_follows_and_can_be_taken_back(bench: Bench) -> None:
    """The platform gives the flag to all roles of the contact, and takes it from all."""
    both = [role("D-1", LEUNG, "Evaluator", "yes"), role("D-1", ALAN, "Other", "no")]
    second = role("D-1", ALAN, "Influencer", "no")
    bench.write_job([deal("D-1")], [*both, second])
    assert bench.run().exit_code == 0
    moved = [role("D-1", LEUNG, "Evaluator"), role("D-1", ALAN, "Other", "yes"), second | {"primary": ""}]
    bench.write_job([deal("D-1")], moved)
    assert bench.run().exit_code == 0
    assert primary(bench) == {ALAN}
    bench.write_job([deal("D-1")], [*both, second])
    assert bench.run().exit_code == 0
    assert primary(bench) == {LEUNG}


def test_a_flag_that_a_person_took_before_the_job_moved_it_on_is_still_a_conflict(bench: Bench) -> None:
    """Leung lost it to a person, and what the job did later was about Alan."""
    bring(bench, {LEUNG: "yes", ALAN: ""})
    flag(bench, LEUNG, is_primary=False)
    bring(bench, {LEUNG: "", ALAN: "yes"})
    write(bench, {LEUNG: "yes", ALAN: ""})
    assert len(bench.run().of(Outcome.CONFLICT)) == 1
    assert primary(bench) == {ALAN}


def test_a_flag_that_a_person_moved_after_the_job_is_still_a_conflict(bench: Bench) -> None:
    """The job made Alan primary, a person took it from him."""
    bring(bench, {LEUNG: "yes", ALAN: ""})
    bring(bench, {LEUNG: "", ALAN: "yes"})
    flag(bench, ALAN, is_primary=False)
    write(bench, {LEUNG: "", ALAN: "yes"})
    assert len(bench.run().of(Outcome.CONFLICT)) == 1
    assert primary(bench) == set()


def test_a_mirror_leaves_the_primary_role_of_a_deal_whose_other_role_is_a_conflict(bench: Bench) -> None:
    """Somebody gave Alan the flag that Leung's row asks for: Alan's role stays until that is settled."""
    bring(bench, {LEUNG: "yes", ALAN: ""})
    flag(bench, LEUNG, is_primary=False)
    flag(bench, ALAN, is_primary=True)
    write(bench, {LEUNG: "yes"}, policy="mirror")
    assert len(bench.run(allow_deletes=True).of(Outcome.CONFLICT)) == 1
    assert primary(bench) == {ALAN}


def test_a_mirror_moves_the_flag_to_a_contact_who_had_it_before(bench: Bench) -> None:
    """Alan, whom a run of the job made primary, goes, and Leung is primary again."""
    bring(bench, {LEUNG: "yes", ALAN: ""})
    bring(bench, {LEUNG: "", ALAN: "yes"})
    bring(bench, {LEUNG: "yes"}, policy="mirror")
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", True)]


def test_a_run_that_moved_the_flag_can_be_undone_after_its_undo_too(bench: Bench) -> None:
    """The flag that an undo gives back is the job's doing as well."""
    bring(bench, {LEUNG: "yes", ALAN: ""})
    write(bench, {LEUNG: "", ALAN: "yes"})
    done = bench.run()
    assert bench.undo(done.document.run_id).exit_code == 0
    assert primary(bench) == {LEUNG}
    bring(bench, {LEUNG: "", ALAN: "yes"})
    bring(bench, {LEUNG: "yes", ALAN: ""})
    assert primary(bench) == {LEUNG}

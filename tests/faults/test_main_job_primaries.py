"""S21: a job that gives the primary flag to another contact leaves exactly one, however the org behaves.

The role of a deal that exists has no fence: a lost answer is settled by reading, and never sent again blindly.
"""

from __future__ import annotations

import pytest
from main_job_bench import ALAN, LEUNG, Bench, role
from primary_contacts import BEFORE, DEAL, MOVED, ROW, leung_is_primary

from sfsync.emulator.fault_actions import Action, Drop, FailRows, Hold, Page, Refuse, Truncate
from sfsync.emulator.switches import SecondPrimary


@pytest.mark.parametrize("names_leung", [True, False], ids=["both_named", "one_named"])
@pytest.mark.parametrize("alan_has_a_role", [True, False], ids=["update", "insert"])
@pytest.mark.parametrize("behaviour", SecondPrimary)
def test_S21_the_primary_flag_moves(
    bench: Bench, behaviour: SecondPrimary, *, alan_has_a_role: bool, names_leung: bool
) -> None:
    """Afterwards Alan alone is primary, whether the org demotes, accepts or refuses a second primary."""
    bench.switch(second_primary=behaviour)
    leung_is_primary(bench, alan_has_a_role=alan_has_a_role)
    others = [role(DEAL, LEUNG, "Evaluator", "no")] if names_leung else []
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes"), *others])
    assert bench.run().exit_code == 0
    assert bench.roles(DEAL) == MOVED
    assert bench.deal(DEAL)["ContactId"] == bench.find("Contact", Email=ALAN)
    before = bench.write_count()
    assert bench.run().exit_code == 0
    assert bench.write_count() == before


@pytest.mark.parametrize("behaviour", [SecondPrimary.SEVERAL_STAY])
def test_I9_two_primaries_in_the_file_are_refused_before_any_call(
    bench: Bench, behaviour: SecondPrimary
) -> None:
    """Neither row is written, and the primary contact of the org stays."""
    bench.switch(second_primary=behaviour)
    leung_is_primary(bench)
    rows = [role(DEAL, ALAN, "Decision Maker", "yes"), role(DEAL, LEUNG, "Evaluator", "yes")]
    bench.write_job([ROW], rows)
    ending = bench.run()
    assert ending.exit_code == 3
    assert set(ending.codes().values()) == {"TWO_PRIMARIES"}
    assert bench.roles(DEAL) == BEFORE
    assert bench.write_count() == 0


LOST_AFTER: dict[str, tuple[Action, str]] = {
    "N5_drop": (Drop(), "after_commit"),
    "N7_cut_short": (Truncate(), "mid_reply"),
    "N9_page": (Page(), "after_commit"),
    "N11_gateway_timeout": (Refuse(504, "<html>", "text/html"), "after_commit"),
}
LOST_BEFORE: dict[str, tuple[Action, str]] = {
    "N4_drop": (Drop(), "before_read"),
    "N9_page": (Page(), "before_read"),
    "S5_503": (Refuse(), "before_read"),
}


@pytest.mark.parametrize("way", LOST_AFTER)
def test_a_role_of_an_existing_deal_whose_answer_was_lost_is_found(bench: Bench, way: str) -> None:
    """The role was saved and the answer lost: a look at the deal settles it, and it is there once."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    action, phase = LOST_AFTER[way]
    bench.strike(action, phase=phase)
    ending = bench.run()
    assert (ending.exit_code, bench.write_count()) == (0, 1)
    assert bench.roles(DEAL) == MOVED
    assert bench.run().exit_code == 0
    assert bench.write_count() == 1


@pytest.mark.parametrize("names_leung", [True, False], ids=["both_named", "one_named"])
@pytest.mark.parametrize("way", LOST_BEFORE)
def test_a_role_of_an_existing_deal_that_is_not_found_is_never_sent_again(
    bench: Bench, way: str, *, names_leung: bool
) -> None:
    """Nobody can say whether the role will still be saved: this run and the next leave it for a person.

    The primary contact keeps the flag until then, also where the file names it as not primary.
    """
    leung_is_primary(bench)
    others = [role(DEAL, LEUNG, "Evaluator", "no")] if names_leung else []
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes"), *others])
    action, phase = LOST_BEFORE[way]
    bench.strike(action, phase=phase)
    for _ in range(3):  # the run that meets the fault and two more
        ending = bench.run()
        assert ending.exit_code == 3
        assert ending.counts["OpportunityContactRole"]["unknown"] >= 1
        assert bench.write_count() == 1
    assert bench.roles(DEAL) == BEFORE


def test_N6_a_role_that_is_saved_after_all_is_taken_up_by_the_next_run(bench: Bench) -> None:
    """A role left for a person shows up late: the next run finds it, and everything is in order."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    bench.strike(Hold())
    assert bench.run().exit_code == 3
    assert bench.emulator.faults.release() == 1
    ending = bench.run()
    assert ending.exit_code == 0
    assert bench.roles(DEAL) == MOVED
    assert bench.write_count() == 1


@pytest.mark.parametrize("names_leung", [True, False], ids=["both_named", "one_named"])
def test_S10_a_refused_promotion_leaves_the_primary_contact(bench: Bench, *, names_leung: bool) -> None:
    """The org refuses the role that would take the flag over: its holder keeps it, and nothing is half done."""
    leung_is_primary(bench)
    others = [role(DEAL, LEUNG, "Evaluator", "no")] if names_leung else []
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes"), *others])
    bench.strike(FailRows(keys=("Decision Maker",), code="FIELD_CUSTOM_VALIDATION_EXCEPTION"), count=None)
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.counts["OpportunityContactRole"]["rejected"] == 1
    assert ending.counts["OpportunityContactRole"]["blocked"] == len(others)
    assert bench.roles(DEAL) == BEFORE

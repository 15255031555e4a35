"""N6: rows that ask for other roles than before, while an earlier role is in doubt and when none is."""

from __future__ import annotations

from main_job_bench import LEUNG, Bench, deal, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Hold


def asks_for(bench: Bench, *names: str) -> None:
    """The deal is to have Leung in these roles."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, name) for name in names])


def test_N6_a_role_in_doubt_is_not_sent_again_when_the_contact_gets_another(bench: Bench) -> None:
    """Its answer was lost and nothing fences it: it stays unknown, run after run, and comes once when it comes."""
    asks_for(bench, "Evaluator")
    assert bench.run().exit_code == 0
    asks_for(bench, "Evaluator", "Business User")
    bench.strike(Hold())
    assert bench.run().exit_code == 3
    asks_for(bench, "Evaluator", "Business User", "Influencer")
    for _ in range(3):
        ending = bench.run()
        assert (ending.exit_code, len(ending.of(Outcome.UNKNOWN))) == (3, 1)
    bench.emulator.faults.release()
    assert bench.run().exit_code == 0
    assert [name for _, name, _ in bench.roles("D-1")] == ["Business User", "Evaluator", "Influencer"]


def test_N6_another_role_does_not_become_the_one_in_doubt(bench: Bench) -> None:
    """Somebody gives the contact a role that no row asks for: it is not renamed to what may be on its way."""
    asks_for(bench, "Evaluator")
    assert bench.run().exit_code == 0
    asks_for(bench, "Evaluator", "Business User")
    bench.strike(Hold())
    assert bench.run().exit_code == 3
    deal_id, leung = str(bench.deal("D-1")["Id"]), bench.find("Contact", Email=LEUNG)
    bench.create("OpportunityContactRole", OpportunityId=deal_id, ContactId=leung, Role="Influencer")
    for _ in range(3):
        assert bench.run().exit_code == 3
    bench.emulator.faults.release()
    assert bench.run().exit_code == 0
    assert [name for _, name, _ in bench.roles("D-1")] == ["Business User", "Evaluator", "Influencer"]


def test_a_role_that_a_run_renamed_can_be_asked_for_again(bench: Bench) -> None:
    """The run itself made another role of it; nobody has removed it."""
    asks_for(bench, "Evaluator")
    assert bench.run().exit_code == 0
    asks_for(bench, "Business User")
    assert bench.run().exit_code == 0
    asks_for(bench, "Business User", "Evaluator")
    assert bench.run().codes() == {}
    assert [name for _, name, _ in bench.roles("D-1")] == ["Business User", "Evaluator"]

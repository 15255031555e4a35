"""What can be done about a run that is over: its failed rows tried again, or all of it taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, BARE_ORG, LEUNG, ORG_FILE, Bench, deal, role

from sfsync.emulator.fault_actions import Drop, FailRows
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.errors import ConfigError

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
DEALS = [deal("D-1"), deal("D-2"), deal("D-3")]
ROLES = [role("D-1"), role("D-2", ALAN, "Other"), role("D-3")]
ORGS: dict[str, Any] = {"with receipts": ORG_FILE, "without receipts": BARE_ORG}


@pytest.fixture(params=ORGS)
def mirrored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Bench, str]]:
    """A bench, and a mirror run on it that changed a deal and a role, created a deal, and deleted a role."""
    with running(ORGS[request.param]) as emulator:
        bench = Bench(emulator, tmp_path)
        bench.write_job([deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true"), role("D-1", ALAN, "Other")])
        assert bench.run().exit_code == 0
        bench.write_job(
            [deal("D-1", amount="250.00", next_step="call"), deal("D-2")],
            [role("D-1", LEUNG, "Decision Maker", "true"), role("D-2")],
            policy="mirror",
        )
        ending = bench.run(allow_deletes=True)
        assert ending.exit_code == 0
        yield bench, ending.document.run_id


def refuse(bench: Bench, *keys: str, code: str = RULE) -> None:
    """Lets the org refuse rows that carry a value."""
    bench.emulator.faults.add(FaultScript(FailRows(keys=keys, code=code), path="/composite", count=None))


def test_retry_takes_only_what_failed_and_what_waited_for_it(bench: Bench) -> None:
    """Once the org accepts them, refused deals and their blocked roles go; the others are not sent again."""
    bench.write_job(DEALS, ROLES)
    refuse(bench, "D-1", "D-2")
    assert bench.run().exit_code == 3
    bench.emulator.faults.clear()
    ending = bench.retry()
    assert ending.exit_code == 0
    assert ending.counts["Opportunity"]["rows"] == 2
    assert (bench.inserted()["Opportunity"], bench.inserted()["OpportunityContactRole"]) == (3, 3)


def test_retry_can_be_narrowed_to_a_code(bench: Bench) -> None:
    """Rows that failed by another code stay as they are."""
    bench.write_job(DEALS, ROLES)
    refuse(bench, "D-1")
    refuse(bench, "D-2", code="INVALID_CROSS_REFERENCE_KEY")
    assert bench.run().exit_code == 3
    bench.emulator.faults.clear()
    assert bench.retry(RULE).counts["Opportunity"]["created"] == 1
    assert (len(bench.deals("D-1")), len(bench.deals("D-2"))) == (1, 0)


def test_with_nothing_to_retry_it_says_so(bench: Bench) -> None:
    """A clean run has no failed rows."""
    bench.write_job(DEALS, ROLES)
    assert bench.run().exit_code == 0
    with pytest.raises(ConfigError) as told:
        bench.retry()
    assert told.value.code == "NOTHING_TO_RETRY"


def test_undo_takes_back_what_was_created_and_changed(bench: Bench) -> None:
    """Created deals go to the bin with their roles, changed fields get their old values, added roles go."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true")])
    assert bench.run().exit_code == 0
    before = bench.picture()
    bench.write_job(
        [deal("D-1", amount="250.00", next_step="call"), deal("D-2")],
        [role("D-1", LEUNG, "Evaluator", "true"), role("D-1", ALAN, "Other"), role("D-2")],
    )
    second = bench.run()
    assert second.exit_code == 0
    ending = bench.undo(second.document.run_id)
    assert ending.exit_code == 0
    assert bench.deal("D-1")["Amount"] == 100.0
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", True)]
    assert bench.picture()["OpportunityContactRole"] == before["OpportunityContactRole"]
    assert bench.deals("D-2")[0]["IsDeleted"] == 1


def test_after_an_undo_the_same_run_can_be_done_again(bench: Bench) -> None:
    """What was taken back is forgotten, so the rows are brought again; a key in the recycle bin is no conflict."""
    bench.write_job([deal("D-1")], [role("D-1")])
    first = bench.run()
    assert bench.undo(first.document.run_id).exit_code == 0
    assert bench.run().exit_code == 0
    assert [row["IsDeleted"] for row in bench.deals("D-1")].count(0) == 1


def test_undo_leaves_what_somebody_touched_since(bench: Bench) -> None:
    """A record that a person changed after the run stays, and the undo says so."""
    bench.write_job(DEALS, [role("D-1", name="None")])
    first = bench.run()
    bench.change("Opportunity", bench.deal("D-2")["Id"], Amount=999)
    ending = bench.undo(first.document.run_id)
    assert [bench.deals(key)[0]["IsDeleted"] for key in ("D-1", "D-2", "D-3")] == [1, 0, 1]
    assert [each.code for each in ending.document.plan.notes] == ["NOT_UNDONE"]


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_n5_a_lost_answer_to_an_undo_is_settled(bench: Bench, phase: str) -> None:
    """A deletion whose answer stays away is looked up, and repeated where it did not happen."""
    bench.write_job(DEALS, ROLES)
    first = bench.run()
    script = bench.strike(Drop(), phase=phase)
    assert bench.undo(first.document.run_id).exit_code == 0
    assert script.struck
    assert {bench.deals(key)[0]["IsDeleted"] for key in ("D-1", "D-2", "D-3")} == {1}


def test_an_undo_that_is_repeated_finds_nothing_left_and_writes_nothing(mirrored: tuple[Bench, str]) -> None:
    """Old values are not sent again, a role that was put back is not put back twice, and each is said."""
    bench, run_id = mirrored
    assert bench.undo(run_id).exit_code == 0
    before, writes = bench.picture(), bench.write_count()
    again = bench.undo(run_id)
    assert (again.exit_code, bench.write_count() - writes) == (0, 0)
    assert again.document.plan.changes == ()
    assert {each.code for each in again.document.plan.notes} == {"ALREADY_UNDONE"}
    assert bench.roles("D-1") == [(ALAN, "Other", False), (LEUNG, "Evaluator", True)]
    assert bench.picture() == before


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_n5_a_role_that_an_undo_may_have_put_back_is_not_sent_again(
    mirrored: tuple[Bench, str], phase: str
) -> None:
    """Where the answer was lost for good, repeating the undo leaves the role to a person, or finds it."""
    bench, run_id = mirrored
    script = bench.strike(Drop(), phase=phase)
    bench.undo(run_id)
    assert script.struck
    roles, writes = bench.roles("D-1"), bench.write_count()
    bench.undo(run_id)
    assert (bench.roles("D-1"), bench.write_count()) == (roles, writes)
    assert bench.roles("D-1").count((ALAN, "Other", False)) <= 1


def test_a_role_that_a_person_added_again_is_not_added_by_an_undo(mirrored: tuple[Bench, str]) -> None:
    """The deal has the deleted role once, whoever put it back."""
    bench, run_id = mirrored
    contact = bench.find("Contact", Email=ALAN)
    deal_id = bench.deal("D-1")["Id"]
    bench.create("OpportunityContactRole", OpportunityId=deal_id, ContactId=contact, Role="Other")
    assert bench.undo(run_id).exit_code == 0
    assert bench.roles("D-1") == [(ALAN, "Other", False), (LEUNG, "Evaluator", True)]


def test_a_role_is_put_back_on_a_deal_that_is_not_among_the_rows(bench: Bench) -> None:
    """A mirror of roles alone finds its deals in the org; undoing it puts the roles that it deleted back."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG), role("D-1", ALAN, "Other")])
    assert bench.run().exit_code == 0
    roles = bench.roles("D-1")
    bench.write_job([], [role("D-1", LEUNG)], policy="mirror")
    job = bench.folder / "deals.toml"
    text = job.read_text()
    start, end = text.index("[opportunities]"), text.index("[contact_roles]")
    rule = 'OpportunityId = { column = "deal_id", match = "Sfsync_Key__c" }'
    job.write_text((text[:start] + text[end:]).replace('OpportunityId = "deal_id"', rule))
    mirrored = bench.run(allow_deletes=True)
    assert len(bench.roles("D-1")) == 1
    assert bench.undo(mirrored.document.run_id).exit_code == 0
    assert bench.roles("D-1") == roles

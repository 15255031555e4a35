"""What somebody changed in the org brings its group into the plan, and the run ends as one of all rows does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import ALAN, LEUNG, deal, role
from postgres_cluster import Cluster
from resync_desk import ResyncDesk, planned_keys, resync_desk

from sfsync.app.memory import forget
from sfsync.core.plans.plan import Action
from sfsync.core.reports.results import Outcome
from sfsync.salesforce import change_reading

KEYS = ("D-1", "D-2", "D-3")


def write(desk: ResyncDesk, *keys: str, policy: str = "merge") -> None:
    """Makes deals with two roles each the job."""
    desk.write_job(
        [deal(key) for key in keys],
        [each for key in keys for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))],
        policy=policy,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ResyncDesk]:
    """Three deals with roles, settled."""
    with resync_desk(tmp_path) as made:
        write(made, *KEYS)
        made.settled()
        made.settled()
        yield made


def role_of(desk: ResyncDesk, key: str, name: str) -> str:
    """The id of a deal's role of that name."""
    return desk.find("OpportunityContactRole", OpportunityId=str(desk.deal(key)["Id"]), Role=name)


def test_a_deal_that_somebody_edited_is_planned_with_its_roles(desk: ResyncDesk) -> None:
    """It is the conflict that a run with --full finds."""
    desk.change("Opportunity", str(desk.deal("D-2")["Id"]), Amount=999)
    plan = desk.plan()
    assert planned_keys(plan) == {"D-2"}
    assert plan.untouched == {"Opportunity": 2, "OpportunityContactRole": 4}
    assert desk.run().of(Outcome.CONFLICT) == desk.run_in_full().of(Outcome.CONFLICT)


def test_a_role_that_somebody_edited_brings_its_deal(desk: ResyncDesk) -> None:
    """A role does not touch its deal in the org; its own stamp tells."""
    desk.change("OpportunityContactRole", role_of(desk, "D-3", "Other"), Role="Influencer")
    assert planned_keys(desk.plan()) == {"D-3"}


def test_a_role_that_somebody_deleted_is_told_as_such(desk: ResyncDesk) -> None:
    """It is nowhere in the org, so the count of roles tells, and all rows are looked at; then its deal alone."""
    desk.delete("OpportunityContactRole", role_of(desk, "D-1", "Other"))
    ending = desk.run()
    assert ending.document.plan.untouched == {}
    assert set(ending.codes().values()) == {"REMOVED_IN_ORG"}
    desk.later()
    assert planned_keys(desk.plan()) == {"D-1"}


def test_a_deal_that_somebody_deleted_is_told_at_every_run(desk: ResyncDesk) -> None:
    """Its group stays open for as long as something is to be told of it."""
    desk.delete("Opportunity", str(desk.deal("D-1")["Id"]))
    for _ in range(2):
        ending = desk.run()
        assert planned_keys(ending.document.plan) == {"D-1"}
        assert ending.exit_code == 3
        desk.later()


def test_what_this_job_wrote_a_moment_ago_is_no_change_of_somebodys(tmp_path: Path) -> None:
    """A run right after the first one reads what changed and plans nothing, though all is new to the org."""
    with resync_desk(tmp_path) as desk:
        write(desk, *KEYS)
        assert desk.run().exit_code == 0
        assert desk.plan().changes == ()


def test_an_edit_right_after_a_run_is_seen(tmp_path: Path) -> None:
    """Also one by our own user, of a record that the run has just written."""
    with resync_desk(tmp_path) as desk:
        write(desk, *KEYS)
        assert desk.run().exit_code == 0
        desk.change("Opportunity", str(desk.deal("D-2")["Id"]), Amount=7)
        assert planned_keys(desk.plan()) == {"D-2"}


def test_a_role_deleted_right_after_its_creation_is_seen(tmp_path: Path) -> None:
    """No count has it yet, but the run remembers that it made it."""
    with resync_desk(tmp_path) as desk:
        write(desk, *KEYS)
        assert desk.run().exit_code == 0
        desk.delete("OpportunityContactRole", role_of(desk, "D-1", "Other"))
        plan = desk.plan()
        assert [each.action for each in plan.changes if each.action is not Action.NOOP] == [Action.CONFLICT]


def test_the_run_deletes_a_role_itself_and_the_next_one_has_nothing_to_do(desk: ResyncDesk) -> None:
    """What a mirror removed is not taken for somebody's deletion."""
    write(desk, *KEYS, policy="mirror")
    desk.settled()
    desk.write_job(
        [deal(key) for key in KEYS], [role(key, LEUNG, primary="true") for key in KEYS], policy="mirror"
    )
    ending = desk.run(allow_deletes=True)
    assert ending.exit_code == 0
    assert [desk.roles(key) for key in KEYS] == [[(LEUNG, "Evaluator", True)]] * 3
    desk.later()
    assert desk.plan().changes == ()


def test_full_looks_at_every_row(desk: ResyncDesk) -> None:
    """Nothing is left out, and afterwards rows are settled as before."""
    ending = desk.run_in_full()
    assert planned_keys(ending.document.plan) == set(KEYS)
    assert ending.document.plan.untouched == {}
    desk.later()
    assert desk.plan().changes == ()


def test_more_changes_than_are_listed_make_a_run_look_at_every_row_once(
    desk: ResyncDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only their number is asked for; what else changed is found as ever, and the next run has nothing to do."""
    monkeypatch.setattr(change_reading, "MOST_LISTED", 2)
    for key in KEYS:
        desk.change("Opportunity", str(desk.deal(key)["Id"]), NextStep="call")
    desk.delete("OpportunityContactRole", role_of(desk, "D-1", "Other"))
    desk.later()
    ending = desk.run()
    assert ending.document.plan.untouched == {}
    assert set(ending.codes().values()) == {"REMOVED_IN_ORG"}
    desk.later()
    assert planned_keys(desk.plan()) == {"D-1"}


def test_roles_too_many_to_list_are_counted_again_when_they_are_old_enough(
    desk: ResyncDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as they may not be told from others of the last minutes, every row is looked at."""
    monkeypatch.setattr(change_reading, "MOST_LISTED", 2)
    for key in KEYS:
        desk.change("OpportunityContactRole", role_of(desk, key, "Other"), Role="Other")
    for _ in range(2):
        ending = desk.run()
        assert (ending.exit_code, ending.document.plan.untouched) == (0, {})
    desk.later()
    assert desk.settled().document.plan.untouched == {}
    assert desk.plan().changes == ()


def test_a_persons_word_makes_the_next_run_look_at_the_rows(desk: ResyncDesk) -> None:
    """A forgotten deal is planned as if it had never been sent."""
    from sfsync.jobs import load_job

    forget(load_job(desk.job, environ=desk.environ), ["D-2"], around=desk.around)
    assert "D-2" in planned_keys(desk.plan())


def test_an_undone_run_is_planned_again(desk: ResyncDesk) -> None:
    """The rows are as they were when they were settled, the org is not."""
    desk.write_job(
        [deal(key, amount="7.00" if key == "D-2" else "100.00") for key in KEYS],
        [each for key in KEYS for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))],
    )
    ending = desk.settled()
    assert desk.undo(ending.document.run_id).exit_code == 0
    assert planned_keys(desk.plan()) >= {"D-2"}


def test_an_account_that_somebody_changed_is_looked_at(desk: ResyncDesk) -> None:
    """Deals refer to it, so what it is now may change what becomes of them."""
    desk.change("Account", desk.find("Account", Sfsync_Key__c="ACC-1"), Name="Another name")
    assert planned_keys(desk.plan()) == set(KEYS)
    desk.settled()
    assert desk.plan().changes == ()


def test_a_row_that_vanished_is_told_while_the_others_are_left_out(desk: ResyncDesk) -> None:
    """The note is that of a run that looks at all rows."""
    text = Path(desk.job).read_text(encoding="utf-8")
    write(desk, *KEYS)
    Path(desk.job).write_text(text.replace('file = "deals.csv"', 'file = "deals.csv"\nvanished = "report"'))
    desk.settled()
    for name in ("deals.csv", "roles.csv"):
        lines = (desk.folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (desk.folder / name).write_text("".join(each for each in lines if not each.startswith("D-3")))
    for _ in range(2):
        ending = desk.run()
        assert planned_keys(ending.document.plan) == set()
        assert [each.key for each in ending.document.plan.gone.vanished] == ["D-3"]
        assert "ROWS_VANISHED" in {each.code for each in ending.document.plan.notes}
        desk.later()


def test_a_run_that_has_more_rows_than_before_is_measured_by_all_of_them(desk: ResyncDesk) -> None:
    """The rows that are left out count for the guard of growth, and in the journal."""
    assert desk.run().document.plan.row_count == 9


def test_a_plan_remembers_nothing(desk: ResyncDesk) -> None:
    """Only a run does: what a plan saw is seen by the next one too."""
    desk.change("Opportunity", str(desk.deal("D-2")["Id"]), NextStep="call")
    desk.later()
    assert planned_keys(desk.plan()) == planned_keys(desk.plan()) == {"D-2"}


def test_the_same_holds_of_a_journal_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """Settled, edited in the org, edited in the file, deleted role."""
    with resync_desk(tmp_path, database=cluster.schema()) as desk:
        write(desk, *KEYS)
        desk.settled()
        assert desk.plan().changes == ()
        desk.change("Opportunity", str(desk.deal("D-2")["Id"]), NextStep="call")
        assert planned_keys(desk.settled().document.plan) == {"D-2"}
        write(desk, "D-1", "D-2", "D-3", "D-4")
        assert planned_keys(desk.settled().document.plan) == {"D-4"}
        desk.delete("OpportunityContactRole", role_of(desk, "D-1", "Other"))
        assert set(desk.run().codes().values()) == {"REMOVED_IN_ORG"}

"""A run that was undone can be done again, and an undo gives back what the platform changed along with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import ALAN, LEUNG, ORG_FILE, Bench, Ending, deal, role

from sfsync.app.past_runs import undoing
from sfsync.emulator.server import running
from sfsync.emulator.switches import StageWithProbability

EARLY = "Needs Analysis"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org and a job of one deal with a role."""
    with running(ORG_FILE) as emulator:
        yield Bench(emulator, tmp_path)


def done(ending: Ending) -> str:
    """The name of a run that ended well, and had no conflict."""
    assert (ending.exit_code, ending.codes()) == (0, {})
    return ending.document.run_id


def asks_for(bench: Bench, *names: str, primary: str = "") -> Ending:
    """Runs the job whose deal has Leung in these roles, and Alan as another who may be primary."""
    rows = [role("D-1", LEUNG, name) for name in names]
    bench.write_job([deal("D-1")], [*rows, role("D-1", ALAN, "Other", primary)])
    return bench.run()


def roles(bench: Bench) -> list[str | None]:
    """The roles that Leung has."""
    return [name for email, name, _ in bench.roles("D-1") if email == LEUNG]


def test_a_role_that_was_renamed_and_undone_is_renamed_again(bench: Bench) -> None:
    """The undo wrote the old role, so it is ours; the same job then plans the rename and no conflict."""
    done(asks_for(bench, "Evaluator"))
    for _ in range(2):
        run = done(asks_for(bench, "Business User"))
        assert roles(bench) == ["Business User"]
        done(bench.undo(run))
        assert roles(bench) == ["Evaluator"]
    writes = bench.write_count()
    done(asks_for(bench, "Evaluator"))
    assert (bench.write_count(), roles(bench)) == (writes, ["Evaluator"])


def test_a_role_that_a_run_renamed_can_get_its_old_name_by_a_later_run(bench: Bench) -> None:
    """The first name is as much ours as the second."""
    for name in ("Evaluator", "Business User", "Evaluator", "Business User"):
        done(asks_for(bench, name))
        assert roles(bench) == [name]


@pytest.mark.parametrize("name", ["Influencer", "Business User"])
def test_a_role_that_somebody_renames_after_the_undo_is_a_conflict(bench: Bench, name: str) -> None:
    """What the undo wrote is the base: a name that somebody chose since is theirs, unless the row says the same."""
    done(asks_for(bench, "Evaluator"))
    done(bench.undo(done(asks_for(bench, "Business User"))))
    found = bench.emulator.org.storage.select("OpportunityContactRole", '"Role" = ?', "Evaluator")
    [own] = [each["Id"] for each in found if each["OpportunityId"] == bench.deal("D-1")["Id"]]
    bench.change("OpportunityContactRole", own, Role=name)
    ending = asks_for(bench, "Business User")
    assert list(ending.codes().values()) == ([] if name == "Business User" else ["CHANGED_IN_ORG"])
    assert roles(bench) == [name]


def test_a_role_that_somebody_gives_its_old_name_back_is_a_conflict(bench: Bench) -> None:
    """Without an undo the old name is somebody's edit, though a run of ours had brought it once."""
    done(asks_for(bench, "Evaluator"))
    done(asks_for(bench, "Business User"))
    found = bench.emulator.org.storage.select("OpportunityContactRole", '"Role" = ?', "Business User")
    [own] = [each["Id"] for each in found if each["OpportunityId"] == bench.deal("D-1")["Id"]]
    bench.change("OpportunityContactRole", own, Role="Evaluator")
    assert list(asks_for(bench, "Business User").codes().values()) == ["CHANGED_IN_ORG"]


def test_a_deal_whose_change_was_undone_is_changed_again(bench: Bench) -> None:
    """Fields that had a value, that had none, and the deal's stage."""
    bench.write_job([deal("D-1")], [role("D-1")])
    done(bench.run())
    for _ in range(2):
        row = deal("D-1", amount="250.00", next_step="call", stage="Qualification")
        bench.write_job([row], [role("D-1")])
        run = done(bench.run())
        assert bench.deal("D-1")["Amount"] == 250.0
        done(bench.undo(run))
        now = bench.deal("D-1")
        assert (now["Amount"], now["NextStep"], now["StageName"]) == (100.0, None, "Prospecting")


def test_a_primary_contact_whose_flag_was_given_back_is_made_primary_again(bench: Bench) -> None:
    """The flag goes there and back as often as the run is done and undone."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, primary="true"), role("D-1", ALAN, "Other")])
    done(bench.run())
    for _ in range(2):
        rows = [role("D-1", LEUNG, "Business User"), role("D-1", ALAN, "Other", "true")]
        bench.write_job([deal("D-1")], rows)
        run = done(bench.run())
        assert bench.roles("D-1") == [(ALAN, "Other", True), (LEUNG, "Business User", False)]
        done(bench.undo(run))
        assert bench.roles("D-1") == [(ALAN, "Other", False), (LEUNG, "Evaluator", True)]


def staged(bench: Bench, stage: str = EARLY, **words: str) -> Ending:
    """Runs the job whose one deal is in that stage."""
    bench.write_job([deal("D-1", stage=stage, **words)], [role("D-1")])
    return bench.run()


def odds(bench: Bench) -> tuple[str, float, str]:
    """Stage, probability and forecast category of the deal."""
    now = bench.deal("D-1")
    return now["StageName"], now["Probability"], now["ForecastCategoryName"]


@pytest.mark.parametrize("wins", list(StageWithProbability), ids=str)
def test_the_undo_of_a_stage_gives_the_deal_the_probability_back_that_it_had(
    bench: Bench, wins: StageWithProbability
) -> None:
    """A salesperson's own odds went with the new stage; they come back with the old one, in either kind of org."""
    bench.switch(stage_with_probability=wins)
    done(staged(bench, "Prospecting"))
    bench.change("Opportunity", bench.deal("D-1")["Id"], Probability=42, ForecastCategoryName="Best Case")
    for _ in range(2):
        run = done(staged(bench))
        assert odds(bench) == (EARLY, 20.0, "Pipeline")
        done(bench.undo(run))
        assert odds(bench) == ("Prospecting", 42.0, "Best Case")
    writes = bench.write_count()
    done(staged(bench, "Prospecting"))
    assert bench.write_count() == writes


def test_the_plan_of_an_undo_shows_the_probability_that_goes_back(bench: Bench) -> None:
    """A deal that had its stage's own odds gets its stage alone: the platform brings the rest."""
    done(staged(bench, "Prospecting"))
    run = done(staged(bench))
    with undoing(run, bench.around) as (_, made):
        [plain] = [each for each in made.changes if each.sobject == "Opportunity"]
    assert plain.values == {"StageName": "Prospecting"}
    done(bench.undo(run))
    bench.change("Opportunity", bench.deal("D-1")["Id"], Probability=42)
    run = done(staged(bench))
    with undoing(run, bench.around) as (_, made):
        [own] = [each for each in made.changes if each.sobject == "Opportunity"]
    assert own.values == {"StageName": "Prospecting", "Probability": 42}
    assert own.before == {"StageName": EARLY, "Probability": 20}


def test_the_odds_of_a_deal_that_was_won_come_back_with_its_stage(bench: Bench) -> None:
    """Winning a deal makes them 100; the undo opens it again as it was."""
    done(staged(bench, "Prospecting"))
    bench.change("Opportunity", bench.deal("D-1")["Id"], Probability=42)
    run = done(staged(bench, "Closed Won"))
    assert odds(bench)[1] == 100.0
    done(bench.undo(run))
    assert odds(bench)[:2] == ("Prospecting", 42.0)


def test_an_undo_of_another_field_leaves_the_odds_alone(bench: Bench) -> None:
    """Only a stage that the run moved had reset them; what somebody set since stays."""
    done(staged(bench, "Prospecting"))
    bench.change("Opportunity", bench.deal("D-1")["Id"], Probability=42)
    run = done(staged(bench, "Prospecting", amount="250.00"))
    bench.change("Opportunity", bench.deal("D-1")["Id"], Probability=43)
    done(bench.undo(run))
    assert (bench.deal("D-1")["Amount"], bench.deal("D-1")["Probability"]) == (100.0, 43.0)

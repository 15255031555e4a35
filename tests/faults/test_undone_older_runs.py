"""Taking back a run that is not the newest: what a later run brought counts as touched, and stays."""

from __future__ import annotations

from pathlib import Path

from main_job_bench import ALAN, LEUNG, Bench, Ending, deal, role
from primary_contacts import DEAL, MOVED, ROW, leung_is_primary

NO_ROLE = [role("D-1", name="None")]


def amounts(bench: Bench, *given: str) -> list[str]:
    """Runs the job once for each amount of its one deal; returns the runs."""
    runs = []
    for amount in given:
        bench.write_job([deal("D-1", amount=amount)], NO_ROLE)
        runs.append(done(bench.run()))
    return runs


def done(ending: Ending) -> str:
    """The name of a run that ended well."""
    assert ending.exit_code == 0
    return ending.document.run_id


def notes(ending: Ending) -> list[str]:
    """What the plan of an undo says of what stays."""
    return [f"{each.code}: {each.message}" for each in ending.document.plan.notes]


def test_a_value_that_a_later_run_brought_stays(bench: Bench) -> None:
    """The second run brought 250 and the third 300: undoing the second leaves 300 and names the third."""
    _, second, third = amounts(bench, "100.00", "250.00", "300.00")
    writes = bench.write_count()
    ending = bench.undo(second)
    assert ending.exit_code == 0
    assert (bench.deal("D-1")["Amount"], bench.write_count()) == (300.0, writes)
    assert notes(ending) == [
        f"NOT_UNDONE: Opportunity Deal D-1: run {third} wrote to it since; undo that one first"
    ]


def test_a_field_that_the_later_run_left_alone_stays_too(bench: Bench) -> None:
    """The record as a whole counts as touched, as it does when a person changes another field."""
    bench.write_job([deal("D-1")], NO_ROLE)
    done(bench.run())
    bench.write_job([deal("D-1", amount="250.00")], NO_ROLE)
    second = done(bench.run())
    bench.write_job([deal("D-1", amount="250.00", next_step="call")], NO_ROLE)
    done(bench.run())
    bench.undo(second)
    assert (bench.deal("D-1")["Amount"], bench.deal("D-1")["NextStep"]) == (250.0, "call")


def test_a_record_that_a_later_run_changed_is_not_deleted(bench: Bench) -> None:
    """The first run created the deal and the second changed it; the deal of the first alone goes."""
    bench.write_job([deal("D-1"), deal("D-2")], NO_ROLE)
    first = done(bench.run())
    bench.write_job([deal("D-1", amount="250.00"), deal("D-2")], NO_ROLE)
    done(bench.run())
    assert bench.undo(first).exit_code == 0
    assert [bench.deals(key)[0]["IsDeleted"] for key in ("D-1", "D-2")] == [0, 1]


def test_a_deal_to_which_a_later_run_added_a_role_is_not_deleted(bench: Bench) -> None:
    """The role would go with its deal, and the first run did not bring it."""
    bench.write_job([deal("D-1"), deal("D-2")], [role("D-2")])
    first = done(bench.run())
    bench.write_job([deal("D-1"), deal("D-2")], [role("D-1", ALAN), role("D-2")])
    done(bench.run())
    assert bench.undo(first).exit_code == 0
    assert [bench.deals(key)[0]["IsDeleted"] for key in ("D-1", "D-2")] == [0, 1]
    assert bench.roles("D-1") == [(ALAN, "Evaluator", False)]


def test_a_later_run_that_changed_nothing_is_no_hindrance(bench: Bench) -> None:
    """The same values once more are not written, so they touch nothing."""
    _, second, _ = amounts(bench, "100.00", "250.00", "250.00")
    assert notes(bench.undo(second)) == []
    assert bench.deal("D-1")["Amount"] == 100.0


def test_runs_are_taken_back_one_after_the_other_from_the_newest(bench: Bench) -> None:
    """A later run that was itself taken back counts no more."""
    first, second, third = amounts(bench, "100.00", "250.00", "300.00")
    seen = []
    for run_id in (third, second):
        assert notes(bench.undo(run_id)) == []
        seen.append(bench.deal("D-1")["Amount"])
    assert seen == [250.0, 100.0]
    assert notes(bench.undo(first)) == []
    assert bench.deals("D-1")[0]["IsDeleted"] == 1


def test_what_was_brought_again_after_an_undo_stays(bench: Bench) -> None:
    """The run was taken back and its rows brought again by another: undoing it once more takes nothing away."""
    _, second = amounts(bench, "100.00", "250.00")
    done(bench.undo(second))
    [again] = amounts(bench, "250.00")
    writes = bench.write_count()
    assert f"run {again} wrote to it since" in notes(bench.undo(second))[0]
    assert (bench.deal("D-1")["Amount"], bench.write_count()) == (250.0, writes)


def test_a_later_run_of_another_job_counts_as_well(bench: Bench) -> None:
    """Two jobs may bring the same deal; the older run of the one leaves what the other brought."""
    _, second = amounts(bench, "100.00", "250.00")
    bench.write_job([deal("D-1", amount="300.00")], NO_ROLE)
    other = Path(bench.job).rename(bench.folder / "other.toml")
    bench.job = str(other)
    done(bench.run())
    bench.undo(second)
    assert bench.deal("D-1")["Amount"] == 300.0


def test_a_role_that_a_later_run_renamed_gets_its_flag_back_all_the_same(bench: Bench) -> None:
    """The later run wrote another field of the role that was primary: its flag is as the first run left it."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    first = done(bench.run())
    assert bench.roles(DEAL) == MOVED
    bench.write_job([ROW], [role(DEAL, LEUNG, "Influencer")])
    done(bench.run())
    assert bench.undo(first).exit_code == 0
    assert bench.roles(DEAL) == [(LEUNG, "Influencer", True)]


def test_a_flag_that_a_later_run_moved_on_stays_there(bench: Bench) -> None:
    """Leung, Alan, Leung again by a later run of ours: undoing the first run has nothing to give back."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    first = done(bench.run())
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "no"), role(DEAL, LEUNG, "Evaluator", "yes")])
    second = done(bench.run())
    roles, writes = bench.roles(DEAL), bench.write_count()
    ending = bench.undo(first)
    assert (bench.roles(DEAL), bench.write_count()) == (roles, writes)
    assert f"run {second} wrote to it since" in notes(ending)[0]


def test_a_flag_that_a_later_run_took_away_does_not_come_back(bench: Bench) -> None:
    """Later runs gave Leung the flag and took it again: nobody is primary, and an older undo leaves that."""
    leung_is_primary(bench)
    bench.write_job([ROW], [role(DEAL, ALAN, "Decision Maker", "yes")])
    first = done(bench.run())
    for flag in ("yes", "no"):
        bench.write_job(
            [ROW], [role(DEAL, ALAN, "Decision Maker", "no"), role(DEAL, LEUNG, "Evaluator", flag)]
        )
        done(bench.run())
    roles, writes = bench.roles(DEAL), bench.write_count()
    bench.undo(first)
    assert (bench.roles(DEAL), bench.write_count()) == (roles, writes)

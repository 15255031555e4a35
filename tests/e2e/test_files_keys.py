"""Keys that stand in several rows: none is sent, or the last row counts, or the rows are one, as the job says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, deal_desk, notes, row


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """An org without deals of ours."""
    with deal_desk(tmp_path) as made:
        yield made


def counts(desk: DealDesk) -> dict[str, int]:
    """The counts of deals of a run that are not zero."""
    done = warm_sfsync("run", desk.job, "--json", "--yes", environ=desk.environ, cwd=desk.folder)
    return {name: count for name, count in done.document["counts"]["Opportunity"].items() if count}


def test_by_default_no_row_of_a_repeated_key_is_sent_and_both_lines_are_shown(desk: DealDesk) -> None:
    """The other rows go."""
    desk.write(row("D-1"), row("D-1", amount="7.00"), row("D-2"))
    plan = desk.plan()
    assert [each.problems[0].message for each in plan.changes if each.problems] == [
        '"D-1" is also the key of line 3',
        '"D-1" is also the key of line 2',
    ]
    assert counts(desk) == {"rows": 3, "created": 1, "rejected": 2}


def test_last_sends_the_last_row_and_skips_the_others_by_line(desk: DealDesk) -> None:
    """A second run has nothing to do, and nothing is left undone."""
    desk.write(row("D-1"), row("D-1", amount="7.00"), row("D-2"), options='duplicate_keys = "last"')
    plan = desk.plan()
    [skipped] = [each.problems[0] for each in plan.changes if each.action == "skip"]
    assert (skipped.code, skipped.row and skipped.row.line) == ("SUPERSEDED", 2)
    assert skipped.message == 'line 3 has the same key "D-1" and comes later, so it counts'
    assert notes(plan)["KEYS_REPEATED"] == (
        'opportunities: 1 row has the key of a later row, which counts (duplicate_keys = "last", keys: 1)'
    )
    assert counts(desk) == {"rows": 3, "created": 2, "skipped": 1}
    assert desk.deal("D-1")["Amount"] == 7
    assert counts(desk) == {"rows": 3, "unchanged": 2, "skipped": 1}


def test_merge_makes_one_row_in_which_later_cells_win_and_tells_what_differs(desk: DealDesk) -> None:
    """A cell that is empty in the later row comes from the earlier one."""
    rows = (row("D-1", name="Shoes", amount="5.00"), row("D-1", name="", amount="7.00"))
    desk.write(*rows, options='duplicate_keys = "merge"')
    [skipped] = [each.problems[0] for each in desk.plan().changes if each.action == "skip"]
    assert skipped.message == (
        'is one row with line 3, which has the same key "D-1"; amount is "7.00" there, not "5.00"'
    )
    assert counts(desk) == {"rows": 2, "created": 1, "skipped": 1}
    assert (desk.deal("D-1")["Name"], desk.deal("D-1")["Amount"]) == ("Shoes", 7)


def test_a_merged_row_that_is_not_done_comes_back_with_all_of_its_lines(desk: DealDesk) -> None:
    """Both lines corrected and imported by the same job are one row again."""
    rows = (row("D-1", name="Shoes"), row("D-1", name="", amount="seven"))
    desk.write(*rows, row("D-2"), options='duplicate_keys = "merge"')
    done = warm_sfsync("run", desk.job, "--json", "--yes", environ=desk.environ, cwd=desk.folder)
    rejects = Path(done.document["files"]["rejects"])
    assert [line.split(",")[0] for line in rejects.read_text().splitlines()] == ["id", "D-1", "D-1"]
    rejects.write_text(rejects.read_text().replace(",seven,", ",7.00,"))
    words = ("import", str(rejects), "--job", desk.job, "--json", "--yes")
    again = warm_sfsync(*words, environ=desk.environ, cwd=desk.folder)
    assert again.exit_code == 0, again.out + again.err
    assert (desk.deal("D-1")["Name"], desk.deal("D-1")["Amount"]) == ("Shoes", 7)


@pytest.mark.parametrize("other", ["D-1 ", "D-1\u00a0", "\uff24-1", "D-\u200b1"])
def test_keys_that_only_look_alike_are_refused_whatever_the_job_says(desk: DealDesk, other: str) -> None:
    """Blanks, width and what nobody sees are slips, which no rule settles."""
    desk.write(row("D-1"), row(other), options='duplicate_keys = "last"')
    assert [each.problems[0].code for each in desk.plan().changes] == ["DUPLICATE_KEY"] * 2


def test_an_import_of_some_rows_by_a_job_closes_none_of_the_others(desk: DealDesk) -> None:
    """A file of rejects has lost no rows, whatever the job says of rows that vanish."""
    desk.bring(row("D-1"), row("D-2"), options='vanished = "close"')
    (desk.folder / "some.csv").write_text("id,name,stage,close,amount\nD-1,Deal,Prospecting,2027-01-31,9\n")
    words = ("import", "some.csv", "--job", desk.job, "--json", "--yes")
    done = warm_sfsync(*words, environ=desk.environ, cwd=desk.folder)
    assert done.exit_code == 0, done.out + done.err
    assert desk.deal("D-2")["StageName"] == "Prospecting"

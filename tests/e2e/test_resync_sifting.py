"""A resync plans what changed in the source or in the org, and leaves the rest out, counted and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import warm_sfsync
from main_job_bench import ALAN, LEUNG, deal, role
from resync_desk import ResyncDesk, planned_keys, resync_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ResyncDesk]:
    """Three deals with roles."""
    with resync_desk(tmp_path) as made:
        write(made)
        yield made


def write(desk: ResyncDesk, **amounts: str) -> None:
    """Makes three deals the job; `amounts` by D_1, D_2, D_3."""
    keys = ("D-1", "D-2", "D-3")
    desk.write_job(
        [deal(key, amount=amounts.get(key.replace("-", "_"), "100.00")) for key in keys],
        [each for key in keys for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))],
    )


def test_nothing_changed_so_nothing_is_planned_and_every_row_is_counted(desk: ResyncDesk) -> None:
    """All rows are unchanged, none of them is in the plan, and nothing is written."""
    desk.settled()
    writes = desk.write_count()
    ending = desk.run()
    assert ending.document.plan.changes == ()
    assert ending.counts["Opportunity"]["unchanged"] == ending.counts["Opportunity"]["rows"] == 3
    assert ending.counts["OpportunityContactRole"]["unchanged"] == 6
    assert (ending.exit_code, desk.write_count()) == (0, writes)


def test_a_changed_row_brings_its_group_alone(desk: ResyncDesk) -> None:
    """The deal with its roles is planned; the others are not."""
    desk.settled()
    write(desk, D_2="222.00")
    ending = desk.run()
    plan = ending.document.plan
    assert planned_keys(plan) == {"D-2"}
    assert plan.untouched == {"Opportunity": 2, "OpportunityContactRole": 4}
    assert (ending.counts["Opportunity"]["updated"], ending.counts["Opportunity"]["unchanged"]) == (1, 2)
    assert desk.deal("D-2")["Amount"] in (222, 222.0, "222.00")
    desk.later()
    assert desk.plan().changes == ()


def test_the_terminal_the_document_and_the_page_say_what_was_not_planned(desk: ResyncDesk) -> None:
    """One line for people, one entry for programs; `--full` plans all again."""
    desk.settled()
    words: Any = {"environ": desk.environ | {"PATH": ""}, "cwd": desk.folder}
    told = warm_sfsync("plan", desk.job, **words)
    assert "9 rows are as at the last run and were not planned." in told.out
    done = warm_sfsync("run", desk.job, "--json", **words)
    document = done.document
    assert done.err.splitlines()[-1].endswith(" ended with 0: nothing had to be written, 9 rows as before")
    assert document["not_planned"] == {"Opportunity": 3, "OpportunityContactRole": 6}
    assert document["counts"]["Opportunity"]["unchanged"] == 3
    assert "were not planned" in Path(document["files"]["report"]).read_text(encoding="utf-8")
    assert warm_sfsync("plan", desk.job, "--full", "--json", **words).document["not_planned"] == {}


def test_a_resync_with_nothing_to_do_asks_the_org_once_more_than_a_plan_has_to(desk: ResyncDesk) -> None:
    """Beside identity, describes and stages one call tells all that changed; nothing is written or looked up."""
    desk.settled()
    desk.settled()
    before = desk.last_call()
    ending = desk.run()
    paths = [path.partition("?")[0].rpartition("/")[2] for path in desk.queries(before)]
    assert sorted(paths) == ["composite", "composite"]
    assert (ending.document.usage.reads, ending.document.usage.writes) == (2, 0)


def test_a_strict_resync_with_a_changed_deal_costs_seven_calls_beside_the_fixed_ones(
    desk: ResyncDesk,
) -> None:
    """What changed; records, contacts and roles; the record before its write, the write, and what it brought."""
    desk.settled()
    desk.settled()
    write(desk, D_2="222.00")
    usage = desk.run().document.usage
    assert usage.reads + usage.writes - 4 <= 7  # the fixed ones: identity, two describes, stages


def test_rows_in_another_order_and_other_quotes_are_the_same_rows(desk: ResyncDesk) -> None:
    """The bytes of the files differ, the rows do not."""
    desk.settled()
    for name in ("deals.csv", "roles.csv"):
        head, *lines = (desk.folder / name).read_text(encoding="utf-8").splitlines()
        cells = [",".join(f'"{each}"' for each in line.split(",")) for line in reversed(lines)]
        (desk.folder / name).write_text("\n".join([head, *cells]) + "\n", encoding="utf-8")
    assert desk.plan().changes == ()


def test_a_row_that_comes_twice_brings_its_group(desk: ResyncDesk) -> None:
    """How often a row is there counts, so the doubles are refused as by a run of all rows."""
    desk.settled()
    with (desk.folder / "deals.csv").open("a", encoding="utf-8") as file:
        file.write((desk.folder / "deals.csv").read_text(encoding="utf-8").splitlines()[-1] + "\n")
    assert planned_keys(desk.plan()) == {"D-3"}


def test_a_job_that_says_something_else_plans_all_rows(desk: ResyncDesk) -> None:
    """Its digest is in every print."""
    desk.settled()
    text = Path(desk.job).read_text(encoding="utf-8")
    Path(desk.job).write_text(
        text.replace('NextStep = "next_step"', 'Description = "next_step"'), encoding="utf-8"
    )
    assert planned_keys(desk.plan()) == {"D-1", "D-2", "D-3"}


def test_a_rejected_row_is_told_at_every_run_and_the_others_are_left_out(desk: ResyncDesk) -> None:
    """Its group is never settled."""
    write(desk, D_2="much")
    desk.run()
    desk.later()
    for _ in range(2):
        ending = desk.run()
        assert planned_keys(ending.document.plan) == {"D-2"}
        assert ending.exit_code == 3
        desk.later()

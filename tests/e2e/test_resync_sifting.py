"""A resync plans what changed in the source or in the org, and leaves the rest out, counted and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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

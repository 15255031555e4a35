"""What a run blocked because nobody could say of its parent goes on when a resume has settled the parent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lead_bench import BERTHA, LEUNG, deal, deals_of, lead_bench, role, roles_of, write_leads_job
from main_job_bench import Before, Bench, assert_every_row_counts_once

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, Hold, Page
from sfsync.emulator.faults import FaultScript

OLD = deal("D-2", "", account="ACC-1")
UPDATES = r"/sobjects/Opportunity/\w{18}$"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A deal out of a lead with its role, and a run that was stopped after it lost sight of the deal.

    The update that brings the deal's values is held up by the network. The run is stopped before its next write,
    which is the role of a deal that exists.
    """
    with lead_bench(tmp_path) as made:
        write_leads_job(made, [OLD])
        assert made.run().exit_code == 0
        write_leads_job(made, [deal("D-1"), OLD], [role("D-1"), role("D-2", LEUNG)])
        planned = made.plan()
        made.emulator.faults.add(Before(Drop(), path=r"FROM%20OpportunityContactRole", deed=made.stop.set))
        made.emulator.faults.add(FaultScript(Hold(), "before_read", path=UPDATES))
        lost = made.emulator.faults.add(FaultScript(Page(), "before_read", path=UPDATES, nth=2, count=None))
        ending = made.apply(planned)
        assert ending.exit_code == 130
        assert ending.of(Outcome.UNKNOWN) == {"Opportunity:D-1"}
        assert len(ending.of(Outcome.BLOCKED)) == 1
        made.stop.clear()
        lost.count = 0
        yield made


@pytest.mark.parametrize("is_late", [True, False], ids=["saved late", "never saved"])
def test_a_role_goes_on_when_a_resume_has_settled_its_deal(bench: Bench, *, is_late: bool) -> None:
    """Whether the deal's update was saved late or never: the resume brings the deal, and then its role."""
    if is_late:
        bench.emulator.faults.release()
    ending = bench.resume()
    assert (ending.exit_code, ending.codes()) == (0, {})
    assert_every_row_counts_once(ending.counts)
    [found] = deals_of(bench)
    assert found["Amount"] == 100.0
    assert roles_of(bench, found["Id"]) == [(BERTHA, "Decision Maker", True)]
    assert roles_of(bench, bench.deal("D-2")["Id"]) == [(LEUNG, "Decision Maker", False)]
    commits = len(bench.emulator.audit.commits)
    assert (bench.run().exit_code, len(bench.emulator.audit.commits)) == (0, commits)


def test_a_role_stays_blocked_while_its_deal_is_refused(bench: Bench) -> None:
    """A parent that ended without its record in the org blocks what waits for it in the resume as before."""
    [found] = deals_of(bench)
    bench.emulator.faults.release()
    bench.delete("Opportunity", found["Id"])
    ending = bench.resume()
    assert ending.exit_code == 3
    assert_every_row_counts_once(ending.counts)
    assert ending.of(Outcome.CONFLICT) == {"Opportunity:D-1"}
    assert len(ending.of(Outcome.BLOCKED)) == 1

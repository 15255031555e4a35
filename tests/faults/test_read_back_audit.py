"""The read-back audit where the org has moved between our write and the reading: by whom, and what is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from main_job_bench import ORG_FILE, Before, Bench, deal, role

from sfsync.core.reports.audit import Finding, Kind
from sfsync.core.reports.report import Report
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import BEFORE_READ
from sfsync.emulator.server import running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The example org and a job of one deal."""
    with running(ORG_FILE) as emulator:
        made = Bench(emulator, tmp_path)
        write(made, "Call")
        yield made


def write(bench: Bench, next_step: str) -> None:
    """Makes one deal with that next step the job."""
    bench.write_job([deal("D-1", next_step=next_step)], [role("D-1")])


def audited(bench: Bench) -> Report:
    """Plans and applies the job with an audit; nothing that an audit finds changes the exit code."""
    ending = bench.apply(bench.planned_with(verify=True))
    assert ending.exit_code == 0
    return ending.document


def difference(report: Report) -> Finding:
    """The one thing of the deal that is not as it was sent."""
    assert report.audit is not None
    [found] = [each for each in report.audit.differences() if each.sobject == "Opportunity"]
    return found


def once_it_holds(bench: Bench, next_step: str, deed: Callable[[str], None]) -> None:
    """Does something to the deal before the first reading that finds it with that next step."""
    waiting = [deed]

    def look() -> None:
        found = [each for each in bench.deals("D-1") if each["NextStep"] == next_step]
        if found and waiting:
            waiting.pop()(found[0]["Id"])

    for nth in range(1, 30):
        script = Before(Drop(), BEFORE_READ, path=r"/query|/composite$", nth=nth)
        script.deed = look
        bench.emulator.faults.add(script)


def maria(bench: Bench) -> str:
    """The id of a salesperson."""
    return bench.find("User", Username="maria.jimenez@cloudkicks.example")


def test_an_edit_by_another_user_before_the_reading_is_told_as_theirs(bench: Bench) -> None:
    """We created the record, so the org has told who we are; the finding names the other user's id."""
    by = maria(bench)
    once_it_holds(bench, "Call", lambda found: bench.edit("Opportunity", found, by=by, NextStep="Wait"))
    found = difference(audited(bench))
    assert (found.kind, found.field, found.held, found.by) == (Kind.BY_ANOTHER_USER, "NextStep", "Wait", by)


def test_a_text_that_another_user_shortened_is_not_told_as_cut_off(bench: Bench) -> None:
    """Nobody can say whether the platform or the person shortened it, so it is only said to be changed."""
    by = maria(bench)
    once_it_holds(bench, "Call", lambda found: bench.edit("Opportunity", found, by=by, NextStep="Ca"))
    assert difference(audited(bench)).kind is Kind.CHANGED_IN_ORG


def test_a_record_that_is_gone_when_it_is_read_back_is_told_as_missing(bench: Bench) -> None:
    """Deleted right after it was created: a finding without a field, and the run still ends with 0."""
    once_it_holds(bench, "Call", lambda found: bench.remove("Opportunity", found))
    found = difference(audited(bench))
    assert (found.kind, found.field) == (Kind.MISSING, "")


def test_an_edit_after_our_only_update_names_nobody(bench: Bench) -> None:
    """Where no record of the run is surely last modified by us, the org has not told who we are."""
    audited(bench)
    write(bench, "Visit")
    by = maria(bench)
    once_it_holds(bench, "Visit", lambda found: bench.edit("Opportunity", found, by=by, NextStep="Wait"))
    report = audited(bench)
    assert (difference(report).held, difference(report).kind) == ("Wait", Kind.CHANGED_IN_ORG)

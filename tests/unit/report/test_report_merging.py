"""Several reports as one: whatever way rows are cut into portions, the whole tells what one run would tell."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import DEAL, ROLE, a_deal, a_plan, a_problem, a_report, a_role, an_image, done, failed
from rich.console import Console

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.image_merging import with_rows_of
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.ports import ApiUsage
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reading.source_marks import marks_after
from sfsync.core.reports.audit import Audit, Finding, Kind
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_merging import ReportSum
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.resync.sifted import PrintedSection, Sifted
from sfsync.errors import GuardError, Interrupted
from sfsync.report.document import row_entries, run_document
from sfsync.report.files.kept_rows import KeptRows
from sfsync.report.files.rejects import delimited_lines, left_rows
from sfsync.report.words.terminal import draw_report

STAGES = {
    "Prospecting": StageInfo("Prospecting", "Prospecting", Decimal(10), "Pipeline", True, False, False),
    "Closed Won": StageInfo("Closed Won", "Closed Won", Decimal(100), "Closed", True, True, True),
}


def whole_of(ends: Sequence[int]) -> Report:
    """A run of deals, each with a role, that end as the numbers say."""
    changes: list[Change] = []
    roles: list[Change] = []
    results: list[RowResult] = []
    for ordinal, kind in enumerate(ends, start=1):
        deal = _deal(ordinal, kind)
        role = a_role(ordinal, deal, Action.BLOCKED if kind == 3 else Action.CREATE)
        changes.append(deal)
        roles.append(role)
        results += _results(deal, role, kind)
    basis = ForecastBasis(
        {each.record_id or "": _old(each) for each in changes if each.action is Action.UPDATE},
        STAGES,
        {"005A": "Ann"},
    )
    rows = {ordinal: (f"Deal {ordinal}", '="x"') for ordinal in range(1, len(ends) + 1)}
    quotes = ((0, "01"), (2, "11"), (4, "10"))
    role_rows = an_image(dict.fromkeys(rows, ("a", "b")), name="contact_roles", file="roles.csv")
    roles.sort(key=lambda each: each.action is not Action.BLOCKED)  # as planning lists them
    plan = a_plan([*changes, *roles], an_image(rows, quotes=quotes), role_rows)
    mark = SourceMark("opportunities", "deal", "text", "Deal 99", "basis")
    return a_report(replace(plan, forecast=basis, marks=(mark,)), results, seconds=2.0)


def _deal(ordinal: int, kind: int) -> Change:
    values = {"Name": f"Deal {ordinal}", "Amount": Decimal(f"{ordinal}.50"), "StageName": "Closed Won"}
    if kind == 3:
        return a_deal(ordinal, Action.REJECT, problems=(a_problem(),))
    if kind == 4:
        return a_deal(ordinal, Action.NOOP, record_id=f"006{ordinal:015d}")
    if kind == 5:
        before = {"Amount": Decimal(1)}
        given = {"record_id": f"006{ordinal:015d}", "values": values, "desired": values, "before": before}
        return a_deal(ordinal, Action.UPDATE, **given)
    if kind == 6:
        return a_deal(ordinal, Action.SKIP, problems=(a_problem("LEFT_OUT", "a rule leaves it out"),))
    return a_deal(ordinal, values=values, desired=values)


def _old(deal: Change) -> Deal:
    return Deal("Prospecting", "Pipeline", Decimal(10), Decimal(1), None, "005A")


def _results(deal: Change, role: Change, kind: int) -> list[RowResult]:
    match kind:
        case 1:
            return [
                failed(deal, Outcome.REJECTED, a_problem("RULE", "a rule of the org")),
                failed(role, Outcome.BLOCKED),
            ]
        case 2:
            return []
        case 3:
            return []
        case 5:
            return [done(deal, Outcome.UPDATED), done(role)]
        case 4 | 6:
            return [done(role)]
    return [done(deal, adopted=kind == 7), done(role)]


def cut(report: Report, groups: Sequence[int]) -> list[Report]:
    """The report in as many parts as the numbers name; a deal and its role are in the part of their number."""
    parts = []
    for number in sorted(set(groups)):
        own = {ordinal for ordinal, group in enumerate(groups, start=1) if group == number}
        changes = tuple(each for each in report.plan.changes if each.row and each.row.ordinal in own)
        ids = {each.change_id for each in changes}
        basis = report.plan.forecast
        assert basis is not None
        deals = {name: deal for name, deal in basis.deals.items() if int(name[3:]) in own}
        plan = replace(
            report.plan,
            plan_id=f"{report.plan.plan_id}.{number:04d}",
            whole=report.plan.plan_id,
            portion=number,
            changes=changes,
            sources={name: _rows_of(image, own) for name, image in report.plan.sources.items()},
            forecast=replace(basis, deals=deals),
        )
        results = {name: each for name, each in report.results.items() if name in ids}
        parts.append(replace(report, plan=plan, results=results, run_id=plan.plan_id))
    return parts


def _rows_of(image: SourceImage, ordinals: set[int]) -> SourceImage:
    return with_rows_of(image, ordinals)


def told(report: Report) -> tuple[Any, ...]:
    """What a program, a terminal, the rejects files and the watermarks say, but for names and calls."""
    report = replace(report, usage=ApiUsage())
    document = run_document(report, files={})
    for name in ("confirm", "api", "run"):
        document.pop(name)
    stream = io.StringIO()
    draw_report(report, Console(file=stream, width=110))
    text = [
        line for line in stream.getvalue().splitlines() if "API calls" not in line and "calls of" not in line
    ]
    rejects = {
        name: list(delimited_lines(report.plan.sources[name], rows))
        for name, rows in left_rows(report).items()
    }
    return document, text, rejects, marks_after(report)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=12), st.booleans())
def test_portions_tell_what_the_whole_tells(rows: list[tuple[int, int]], is_condensed: bool) -> None:
    """Document, terminal text, exit code and rejects, whether rows were let go of or not."""
    whole = whole_of([kind for kind, _ in rows])
    parts = cut(whole, [group for _, group in rows])
    merged = Report.merge(each.condensed() if is_condensed else each for each in parts)
    assert told(merged) == told(whole)
    assert merged.exit_code == whole.exit_code
    assert merged.run_id == whole.run_id
    assert bool(merged.tally) is is_condensed


def test_a_condensed_report_lets_go_of_what_is_done() -> None:
    """Two hundred created deals: a hundred are kept to be shown, with no raw row of any; all are counted."""
    report = whole_of([0] * 200 + [1]).condensed()
    deals = [each for each in report.plan.changes if each.sobject == DEAL]
    assert len(deals) == 101
    assert report.plan.sources["opportunities"].rows.keys() == {201}
    assert report.tally[DEAL]["created"] == 200
    assert report.counts() == whole_of([0] * 200 + [1]).counts()
    assert report.condensed() is report


def test_a_merged_report_holds_no_more_than_its_parts_have_to_tell() -> None:
    """However many parts there are, a hundred writes of each sObject are kept, those that stand first."""
    whole = whole_of([0] * 600)
    merged = Report.merge(each.condensed() for each in cut(whole, [number % 7 + 1 for number in range(600)]))
    kept = [each.row.ordinal for each in merged.plan.changes if each.sobject == ROLE and each.row]
    assert kept == list(range(1, 101))
    assert len(merged.results) == 200


def test_a_sum_holds_nothing_of_a_portion_that_the_whole_does_not_tell() -> None:
    """What a portion knows for a later run, and its own catalogue of stages, go with it."""
    whole = whole_of([4])
    basis = whole.plan.forecast
    assert basis is not None
    added, portions = ReportSum(), 50
    tracemalloc.start()
    try:
        for number in range(portions):
            prints = PrintedSection("deals.csv", "p" * (100_000 + number))
            stages = {f"Stage {each}": STAGES["Prospecting"] for each in range(1_000 + number)}
            plan = replace(
                whole.plan,
                plan_id=f"book.{number:04d}",
                whole="book",
                sifted=Sifted("book", True, True, {"opportunities": prints}),
                forecast=replace(basis, stages=stages),
            )
            added.add(replace(whole, plan=plan).condensed())
        del plan, prints, stages
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < portions * 20_000
    assert added.total().plan.sifted is None


def test_the_worst_end_is_the_end_of_the_whole() -> None:
    """A part that was stopped stops the whole; calls are added up, and the longest time counts."""
    some, more = cut(whole_of([0, 0]), [1, 2])
    some = replace(some, stopped=GuardError("too much", code="X", hint=""), seconds=5.0)
    more = replace(more, stopped=Interrupted("a signal", signal_number=2), usage=ApiUsage(reads=1, writes=9))
    merged = Report.merge([some, more])
    assert merged.stopped is some.stopped
    assert (merged.usage.reads, merged.usage.writes, merged.seconds) == (5, 11, 5.0)
    assert Report.merge([replace(some, stopped=None), more]).stopped is more.stopped


def test_partitions_keep_their_run_ids_and_tell_a_note_once() -> None:
    """Reports of several runs name them all; a note that each of them has is told once."""
    parts = []
    for number, part in enumerate(cut(whole_of([0, 1]), [1, 2])):
        plan = replace(part.plan, whole="", notes=(a_problem("NOTE"),))
        parts.append(replace(part, plan=plan, run_id=f"run-{number}", notes=(a_problem("OWN"),)))
    merged = Report.merge(parts)
    assert merged.run_id == "run-0, run-1"
    assert (len(merged.plan.notes), len(merged.notes)) == (1, 1)


def test_what_reading_back_found_stands_in_the_order_of_rows() -> None:
    """Findings of all parts are one list, and their rows are added up."""
    parts = []
    for part in reversed(cut(whole_of([0, 0]), [1, 2])):
        [deal] = [each for each in part.plan.changes if each.sobject == DEAL]
        found = Finding(Kind.TRIMMED, DEAL, deal.key, deal.label, "006", "Name", row=deal.row)
        parts.append(replace(part, audit=Audit(1, (found,))))
    audit = Report.merge(parts).audit
    assert audit is not None
    assert (audit.rows, [each.key for each in audit.findings]) == (2, ["D-1", "D-2"])


def test_rows_that_were_kept_come_back_in_the_order_of_one_plan() -> None:
    """More portions than files are open at once; the lines are those that one run would have written."""
    whole = whole_of([0, 1, 5] * 100)
    with KeptRows() as kept:
        for part in cut(whole, [number * 7 % 250 for number in range(300)]):
            kept.add(part)
        assert list(kept.rows()) == list(row_entries(whole))
        assert list(kept.rows()) == list(row_entries(whole))
        assert list(kept.made()) == []


def test_nothing_cannot_be_merged() -> None:
    """There is no report of no report."""
    with pytest.raises(ValueError, match="no report"):
        Report.merge([])

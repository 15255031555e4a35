"""What the page of a plan or a run says, as JSON-ready data: `html_report` makes it a page, at once or later.

run_results.json keeps it, so that the page can be made again without the plan. Lists are cut, and say by how much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sfsync.core.plans.plan import WRITES, Action
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_numbers import action
from sfsync.core.reports.results import COUNTED, Outcome
from sfsync.core.values import shown
from sfsync.report.document import Files, in_write_order, report_counts
from sfsync.report.nouns import counted, noun
from sfsync.report.pages.cut import Cut, cut
from sfsync.report.pages.inert_json import inert, seen
from sfsync.report.pages.page_forecast import forecast_part
from sfsync.report.pages.page_records import record_part, written_first
from sfsync.report.pages.page_run import coverage_part, guarantee_part, phase_part
from sfsync.report.words.cost_view import usage_lines
from sfsync.report.words.field_values import Named
from sfsync.report.words.lines import Line, Tone
from sfsync.report.words.plan_view import untouched_lines
from sfsync.report.words.problem_groups import placed, problem_group_lines

MOST_LINES: Final = 400
"""Lines of problems, and of notes."""

MOST_PLAIN_BYTES: Final = 700_000
"""What the records that are there without a script may take, counted as their data is."""

_PLANNED: Final = {
    Outcome.CREATED.value: "create",
    Outcome.UPDATED.value: "update",
    Outcome.UNCHANGED.value: "leave alone",
    Outcome.SKIPPED.value: "leave out",
    Outcome.REJECTED.value: "not possible",
}
"""What is planned, in the words of the plan on a terminal."""

Page = Mapping[str, Any]


def page_of(report: Report, files: Files, beside: Sequence[str] = ()) -> Page:
    """Everything that the page says; every text in it is safe to see, and none is markup yet.

    `beside` are names of further files in the folder of the page.
    """
    plan = report.plan
    records = record_part(report, Named.of(plan))
    page = {
        "heading": _heading(report),
        "applied": report.applied,
        "org": [plan.org.name, plan.org.org_id, "sandbox" if plan.org.is_sandbox else "not a sandbox"],
        "planned_at": plan.created_at,
        "exit_code": report.exit_code,
        "calls": report.usage.reads + report.usage.writes,
        "seconds": f"{report.seconds:.1f}",
        "counts": _counts(report),
        "untouched": [each.text for each in untouched_lines(plan)],
        "forecast": forecast_part(report.forecast(), applied=report.applied),
        "coverage": coverage_part(report),
        "off_stage": _off_stage(report),
        "problems": _lines(_problem_lines(report)),
        "notes": _lines(_note_lines(report)),
        "records": records,
        "groups": _groups(report, records["entries"]),
        "guarantees": guarantee_part(report),
        "phases": phase_part(report),
        "usage": [each.text for each in usage_lines(report)] if report.applied else [],
        "files": file_names(files, beside),
    }
    whole: Page = seen(page)
    return whole


def _heading(report: Report) -> str:
    undone = report.plan.undoes
    what = f"takes back run {undone} of job {report.plan.job}" if undone else f"job {report.plan.job}"
    return f"{'Run' if report.applied else 'Plan'} {report.run_id}: {what}"


def _counts(report: Report) -> Mapping[str, Any]:
    counts = report_counts(report)
    named = [each.value for each in COUNTED if any(of_sobject[each.value] for of_sobject in counts.values())]
    words: Mapping[str, str] = {} if report.applied else _PLANNED
    rows = [
        [words.get(title, title), [of_sobject[title] for of_sobject in counts.values()]]
        for title in ("rows", *named)
    ]
    return {"titles": [noun(name, 2) for name in counts], "rows": rows}


def _off_stage(report: Report) -> Mapping[str, Any]:
    plan = report.plan
    deals = ([each.key, each.stage, shown(each.default), shown(each.value)] for each in plan.off_stage)
    listed = cut(deals, len(plan.off_stage), count=plan.off_stage_total)
    return {"count": plan.off_stage_total, "deals": listed}


def _groups(report: Report, records: list[Any]) -> list[Mapping[str, Any]]:
    """The writes of each sObject: how many of each kind, and how many records are shown without a script."""
    groups: list[Mapping[str, Any]] = []
    for sobject in in_write_order({each.sobject for each in report.plan.changes if each.action in WRITES}):
        own = report.numbers().get(sobject, {})
        numbers = [(each.value, own.get(action(each), 0)) for each in Action if each in WRITES]
        count = sum(number for _, number in numbers)
        shown_records = _affordable(written_first(records, sobject))
        groups.append(
            {
                "sobject": sobject,
                "title": counted(sobject, count),
                "numbers": [[word, number] for word, number in numbers if number],
                "shown": shown_records,
                "left_out": count - shown_records,
            }
        )
    return groups


def _affordable(records: list[Mapping[str, Any]]) -> int:
    """How many of the records have room in the page a second time, as they are without a script."""
    size = 0
    for number, each in enumerate(records):
        size += len(inert(each))
        if size > MOST_PLAIN_BYTES // 4:
            return number
    return len(records)


def _problem_lines(report: Report) -> Iterator[Line]:
    problems = (placed(problem, change) for change, _, problem in report.problems())
    yield from problem_group_lines(problems, tone=Tone.BAD, with_causes=True)


def _note_lines(report: Report) -> Iterator[Line]:
    if report.stopped is not None:
        yield Line(f"Stopped: {report.stopped.message}", tone=Tone.BAD)
        yield Line(report.stopped.hint, 2)
    yield from problem_group_lines((*report.plan.notes, *report.notes), tone=Tone.PLAIN)


def _lines(lines: Iterator[Line]) -> Cut:
    return cut(([each.indent, each.tone.value, each.text] for each in lines), MOST_LINES)


def file_names(files: Files, beside: Sequence[str] = ()) -> list[str]:
    """The names of the files beside the page, each once, and the page itself is none of them."""
    paths = [path for name, each in files.items() if name != "report" for path in _paths(each)]
    return list(dict.fromkeys([*(Path(path).name for path in paths if path), *beside]))


def _paths(named: str | Mapping[str, str]) -> Iterator[str]:
    yield from [named] if isinstance(named, str) else named.values()

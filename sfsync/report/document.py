"""The machine output of plan, run, import, resume and retry: one JSON document of the schema sfsync.run/1.

Its keys are a promise to programs: keys may be added, never renamed. Every input row is in exactly one of
the counts of its sObject; rows themselves are in run_results.json, which `folder` writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sfsync.core.plans.guards import changes_digest
from sfsync.core.plans.plan import Action, Change, OffStage
from sfsync.core.reports import report_numbers as numbers
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import COUNTED, Outcome, Problem, Stage
from sfsync.core.reports.standing import standing
from sfsync.core.sobject import CONTACT_ROLE, LEAD, OPPORTUNITY, WRITE_ORDER
from sfsync.core.values import canonical, shown
from sfsync.report.safe_text import json_text
from sfsync.report.words.audit_view import audit_document
from sfsync.report.words.cost_view import api_document
from sfsync.report.words.forecast_view import forecast_entry

SCHEMA: Final = "sfsync.run/1"

ROUTES: Final = ("key fence", "receipt fence", "job fence", "at most once")
"""The routes that a create can take; all four are always present."""

Files = Mapping[str, str | Mapping[str, str]]
"""Where the files of a run are, by what they hold; "" where there is none."""


def run_document(report: Report, *, files: Files) -> dict[str, Any]:
    """The report as one JSON-ready document."""
    plan = report.plan
    counts, left = report_counts(report), standing(plan)
    return {
        "schema": SCHEMA,
        "run": report.run_id,
        "job": plan.job,
        "partition": plan.share,
        "action": "apply" if report.applied else "plan",
        "undoes": plan.undoes or "",
        "stays": {"records": left.records, "later_runs": list(left.later_runs)},
        "confirm": report.confirm or changes_digest(plan.changes),
        "org": {"id": plan.org.org_id, "name": json_text(plan.org.name), "sandbox": plan.org.is_sandbox},
        "counts": counts,
        "not_planned": dict(plan.untouched),
        "api": api_document(report),
        "changes": {sobject: _marks(report, sobject) for sobject in counts},
        "guarantee": _guarantee(report, counts),
        "forecast": forecast_entry(report.forecast(), applied=report.applied),
        "probability": [_off_stage(each) for each in plan.off_stage],
        "probability_total": plan.off_stage_total,
        "verify": audit_document(report.audit),
        "gone": gone_entries(report),
        "problems": [problem_entry(each, change, outcome) for change, outcome, each in report.problems()],
        "notes": [problem_entry(each, change, outcome) for each, change, outcome in remarks(report)],
        "files": {"rejects": "", "report": ""} | dict(files),
        "seconds": round(report.seconds, 3),
        "exit_code": report.exit_code,
    }


def _off_stage(deal: OffStage) -> dict[str, Any]:
    """A deal off its stage's probability; numbers are text, exact as in the plan."""
    return {
        "key": json_text(deal.key),
        "stage": json_text(deal.stage),
        "default": shown(canonical(deal.default)),
        "value": shown(canonical(deal.value)),
    }


def gone_entries(report: Report) -> dict[str, list[dict[str, str]]]:
    """The rows that the source has no more, and those whose record was merged into another."""
    by_id = {each.change_id: each for each in report.plan.changes}
    gone = report.plan.gone
    return {
        "vanished": [
            {
                "sobject": each.sobject,
                "key": json_text(each.key),
                "record_id": each.record_id,
                "fate": each.fate.value,
                "outcome": report.result(change).outcome.value
                if (change := by_id.get(each.change_id))
                else "",
            }
            for each in gone.vanished
        ],
        "followed": [
            {
                "sobject": each.sobject,
                "key": json_text(each.key),
                "merged_id": each.old_id,
                "record_id": each.record_id,
            }
            for each in gone.followed
        ],
    }


def report_counts(report: Report) -> dict[str, dict[str, int]]:
    """Rows per outcome for every sObject that the plan is about, parents before children."""
    counted = report.counts()
    plan = report.plan
    named = {*report.numbers(), *plan.key_fields, *plan.untouched} - {LEAD}
    return {each: counted.get(each) or _nothing() for each in in_write_order(named)}


def in_write_order(sobjects: Iterable[str]) -> list[str]:
    """The sObjects with parents before children."""
    return sorted(sobjects, key=lambda name: WRITE_ORDER.index(name) if name in WRITE_ORDER else 9)


def remarks(report: Report) -> Iterator[tuple[Problem, Change | None, Outcome | None]]:
    """What a person should know and what makes no row undone: why a run stopped, notes, remarks on rows."""
    if report.stopped is not None:
        stopped = report.stopped
        yield Problem(stopped.code, Stage.ORG, stopped.message, stopped.hint), None, None
    for note in (*report.plan.notes, *report.notes):
        yield note, None, None
    for change, outcome, problem in report.remarks():
        yield problem, change, outcome


def problem_entry(problem: Problem, change: Change | None, outcome: Outcome | None) -> dict[str, Any]:
    """One problem as it stands in the document."""
    row = problem.row or (change.row if change else None)
    return {
        "code": problem.code,
        "stage": problem.stage.value,
        "source": row.source if row else "",
        "file": json_text(row.file) if row else "",
        "line": row.line if row else 0,
        "column": json_text(problem.column),
        "field": problem.field,
        "value": json_text(problem.value),
        "message": json_text(problem.message),
        "hint": json_text(problem.hint),
        "outcome": outcome.value if outcome else "",
        "sobject": change.sobject if change else "",
        "key": json_text(change.key) if change else "",
    }


def row_entries(report: Report) -> Iterator[dict[str, Any]]:
    """One entry for every input row, for the results file."""
    for change, result in report.rows():
        assert change.row is not None  # Report.rows leaves out changes without a row
        yield {
            "sobject": change.sobject,
            "key": json_text(change.key),
            "label": json_text(change.label),
            "source": change.row.source,
            "file": json_text(change.row.file),
            "line": change.row.line,
            "outcome": result.outcome.value,
            "record_id": result.record_id,
            "codes": list(dict.fromkeys(each.code for each in result.problems)),
        } | _of_role(change)


def made_entries(report: Report) -> list[dict[str, Any]]:
    """One entry for every record that rows refer to and that is in no file, for the results file."""
    return [
        {
            "sobject": change.sobject,
            "key": json_text(change.key),
            "label": json_text(change.label),
            "made_for_rows": change.made_for,
            "outcome": report.result(change).outcome.value,
            "record_id": report.result(change).record_id,
        }
        for change in made_parents(report)
    ]


def made_parents(report: Report) -> list[Change]:
    """The creates of records that rows refer to and that are in no file."""
    return [each for each in report.plan.changes if each.made_for and each.action is Action.CREATE]


def _nothing() -> dict[str, int]:
    return {"rows": 0} | {each.value: 0 for each in COUNTED}


def _marks(report: Report, sobject: str) -> dict[str, int]:
    tally = report.numbers()
    own = tally.get(sobject, {})
    marks = {
        "adopted": own.get(numbers.ADOPTED, 0),
        # a lead whose contact is known, an earlier run has converted
        "converted": numbers.total(tally, numbers.CONVERTED) if sobject == OPPORTUNITY else 0,
        "deleted": own.get(numbers.end(Outcome.DELETED), 0),
        "created_for_references": own.get(numbers.MADE, 0),
    }
    if sobject == CONTACT_ROLE:
        marks["other_account"] = own.get(numbers.OTHER_ACCOUNT, 0)
    return marks


def _of_role(change: Change) -> dict[str, str]:
    """What an entry of a contact role has besides: the contact's account where it is not the deal's, else ""."""
    return {"other_account": json_text(change.other_account or "")} if change.sobject == CONTACT_ROLE else {}


def _guarantee(report: Report, sobjects: Iterable[str]) -> dict[str, dict[str, int]]:
    tally = report.numbers()
    return {
        each: {name: tally.get(each, {}).get(numbers.route(name), 0) for name in ROUTES} for each in sobjects
    }

"""The report for a browser: one HTML file with everything in it, no script, nothing fetched from anywhere.

Whatever comes from rows or from the org is escaped by the template engine, after what a reader could not see
(control and bidirectional characters) is spelled out. A policy in the file forbids all but its own style sheet,
which it names by hash. Lists are cut, so that the file of a huge run stays small; run_results.json has all of it.
Source: W3C, Content Security Policy Level 3 (hashes of style sheets); OWASP ASVS 5.0, 1.2.1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfsync.core.deals.forecast import CurrencyEffect, Effect, Shift
from sfsync.core.plan import WRITES, Action, Change
from sfsync.core.report import Report
from sfsync.core.report_numbers import action
from sfsync.core.results import COUNTED
from sfsync.core.values import shown
from sfsync.report.charts import Chart, bar_chart
from sfsync.report.document import Files, in_write_order, report_counts
from sfsync.report.field_values import Named
from sfsync.report.forecast_view import (
    ROUNDING,
    currency_name,
    gaps,
    owner_name,
    quarters,
    what_counts,
)
from sfsync.report.lines import Line, Tone
from sfsync.report.nouns import counted, noun
from sfsync.report.plan_view import untouched_lines
from sfsync.report.problem_groups import placed, problem_group_lines
from sfsync.report.safe_text import shortened, visible

if TYPE_CHECKING:
    from jinja2 import Template

MOST_RECORDS: Final = 100
"""Records of each sObject that are shown field by field."""

MOST_FIELDS: Final = 25
MOST_ROWS: Final = 24
"""Names in a table of the forecast, and deals in a list of it."""

MOST_BARS: Final = 12
MOST_CURRENCIES: Final = 10
MOST_LINES: Final = 400
"""Lines of problems, and of notes."""

TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Cut:
    """The first entries of a list, and how many were left out."""

    entries: Sequence[Any]
    left_out: int


def html_report(report: Report, files: Files) -> str:
    """The report as one HTML document."""
    known = Named.of(report.plan)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(
        style=_Trusted(style),
        style_hash=f"sha256-{digest}",
        report=report,
        plan=report.plan,
        heading=_heading(report),
        counts=_counts(report),
        untouched=[each.text for each in untouched_lines(report.plan)],
        forecast=_forecast(report.forecast(), applied=report.applied),
        off_stage=Cut(report.plan.off_stage, report.plan.off_stage_total - len(report.plan.off_stage)),
        off_stage_total=report.plan.off_stage_total,
        percent=shown,
        changes=[_changes(report, name, known) for name in _written(report)],
        problems=_cut(_problem_lines(report), MOST_LINES),
        notes=_cut(_note_lines(report), MOST_LINES),
        files=[Path(path).name for path in _paths(files) if path],
    )


class _Trusted(str):
    """Text of our own that goes into the file as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


def _visible(value: object) -> object:
    """Text of rows and of the org with hidden characters spelled out; numbers and our own markup stay."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _heading(report: Report) -> str:
    undone = report.plan.undoes
    what = f"takes back run {undone} of job {report.plan.job}" if undone else f"job {report.plan.job}"
    return f"{'Run' if report.applied else 'Plan'} {report.run_id}: {what}"


def _counts(report: Report) -> Mapping[str, Any]:
    counts = report_counts(report)
    named = [each.value for each in COUNTED if any(of_sobject[each.value] for of_sobject in counts.values())]
    rows = [(title, [of_sobject[title] for of_sobject in counts.values()]) for title in ("rows", *named)]
    return {"titles": [noun(name, 2) for name in counts], "rows": rows}


def _forecast(effect: Effect | None, *, applied: bool) -> Mapping[str, Any] | None:
    if effect is None or effect.is_empty:
        return None
    movers = (
        ("Back to an earlier stage", effect.backward),
        ("Reopened", effect.reopened),
        (f"Pushed past a quarter's end ({quarters(effect)})", effect.pushed),
    )
    return {
        "counts": what_counts(applied=applied),
        "rounding": ROUNDING,
        "currencies": [_currency(each) for each in effect.currencies[:MOST_CURRENCIES]],
        "left_out": max(0, len(effect.currencies) - MOST_CURRENCIES),
        "movers": [(title, len(found), _cut(iter(found), MOST_ROWS)) for title, found in movers if found],
        "gaps": gaps(effect),
    }


def _currency(effect: CurrencyEffect) -> Mapping[str, Any]:
    tables = (
        ("By stage", effect.by_stage, _name),
        ("By forecast category", effect.by_category, _name),
        ("By close month", effect.by_close_month, _name),
        ("By owner", effect.by_owner, owner_name),
    )
    charts = (("Amount by stage", effect.by_stage), ("Amount by close month", effect.by_close_month))
    return {
        "name": currency_name(effect.currency),
        "total": effect.total,
        "charts": [each for each in (_chart(*chart) for chart in charts) if each is not None],
        "tables": [
            (title, _cut(((shortened(name(each), most=80), each) for each in shifts), MOST_ROWS))
            for title, shifts, name in tables
        ],
    }


def _chart(title: str, shifts: Sequence[Shift]) -> Chart | None:
    def name(shift: Shift) -> str:
        return shortened(_name(shift), most=28)

    return bar_chart(title, shifts, value=lambda each: each.amount, name=name, most=MOST_BARS)


def _name(shift: Shift) -> str:
    return shift.name or "(none)"


def _written(report: Report) -> list[str]:
    return in_write_order({each.sobject for each in report.plan.changes if each.action in WRITES})


def _changes(report: Report, sobject: str, known: Named) -> Mapping[str, Any]:
    changes = [each for each in report.plan.changes if each.sobject == sobject and each.action in WRITES]
    of_sobject = report.numbers().get(sobject, {})
    numbers = [(each.value, of_sobject.get(action(each), 0)) for each in Action if each in WRITES]
    count = sum(number for _, number in numbers)
    entries = ((each, _outcome(report, each), _cut(known.fields(each), MOST_FIELDS)) for each in changes)
    return {
        "title": counted(sobject, count),
        "numbers": [(word, number) for word, number in numbers if number],
        "records": _cut(entries, MOST_RECORDS, count=count),
    }


def _outcome(report: Report, change: Change) -> str:
    """What became of a change; "" in a plan that was not applied."""
    return report.result(change).outcome.value if report.applied else ""


def _problem_lines(report: Report) -> Iterator[Line]:
    problems = (placed(problem, change) for change, _, problem in report.problems())
    yield from problem_group_lines(problems, tone=Tone.BAD, with_causes=True)


def _note_lines(report: Report) -> Iterator[Line]:
    if report.stopped is not None:
        yield Line(f"Stopped: {report.stopped.message}", tone=Tone.BAD)
        yield Line(report.stopped.hint, 2)
    yield from problem_group_lines((*report.plan.notes, *report.notes), tone=Tone.PLAIN)


def _cut(entries: Iterator[Any], most: int, *, count: int | None = None) -> Cut:
    """The first entries; the rest is only counted, or not even that where the count is known."""
    first = list(islice(entries, most))
    return Cut(first, sum(1 for _ in entries) if count is None else count - len(first))


def _paths(files: Files) -> Iterator[str]:
    for each in files.values():
        yield from [each] if isinstance(each, str) else each.values()

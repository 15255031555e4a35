"""How a plan in portions is shown, asked about and written on the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sfsync.cli.output import asked_to_write, console, deliver, is_terminal
from sfsync.cli.watch_options import current_watch

if TYPE_CHECKING:
    from sfsync.app.workplace import Workplace
    from sfsync.core.plans.plan import Plan
    from sfsync.core.plans.plan_book import PlanBook


def show_book_only(place: Workplace, book: PlanBook, shown: Plan | None = None, *, as_json: bool) -> int:
    """Shows a book that is not to be written now, and what would stop it; returns the exit code.

    `shown` is the book as a person sees it, where it was condensed while it was made.
    """
    from sfsync.app.books import excess_of, planned_report
    from sfsync.core.reports.results import Problem, Stage
    from sfsync.report.files.kept_rows import KeptRows

    excess = excess_of(place, book)
    notes = (Problem(excess.code, Stage.PLAN, excess.message, excess.hint),) if excess else ()
    with KeptRows() as kept:
        report = planned_report(book, watch=kept.add)
        seconds = place.bench.seconds() - place.opened_at
        report = replace(report, usage=place.gateway.usage, seconds=seconds, notes=notes)
        if not as_json:
            _draw(shown or report.plan, book)
        folder = place.run_folder(report.plan.job, book.plan_id)
        return deliver(report, folder, as_json=as_json, kept=kept)


def write_book(
    place: Workplace,
    book: PlanBook,
    shown: Plan | None = None,
    *,
    is_fresh: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Shows a book, asks where there is somebody to ask, writes it and reports; returns the exit code."""
    from sfsync.app.books import apply_book, planned_report
    from sfsync.report.files.kept_rows import KeptRows

    if not as_json:
        _draw(shown or planned_report(book).plan, book)
    if not (yes or as_json or book.totals.writes == 0) and is_terminal():
        asked_to_write()
    if watch := current_watch():
        watch.writes(book.plan_id)
    with KeptRows() as kept:
        report = apply_book(place, book, is_fresh=is_fresh, watch=kept.add)
        report = replace(report, usage=place.gateway.usage)
        folder = place.run_folder(report.plan.job, book.plan_id)
        return deliver(report, folder, as_json=as_json, kept=kept)


def _draw(plan: Plan, book: PlanBook) -> None:
    from sfsync.report.nouns import counted, enumerated
    from sfsync.report.words.terminal import draw_plan

    draw_plan(plan, console())
    actions = book.totals.actions
    words = [
        f"{action} {counted(sobject, count)}"
        for sobject, numbers in actions.items()
        for action, count in numbers.items()
    ]
    click.echo(f"In all {book.portions:,} portions: {enumerated(words)}; shown are the first of them.")

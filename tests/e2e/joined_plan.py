"""All portions of a book as one plan, as if the job had been planned at one time; it is as large as the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.deals.forecast_basis import ForecastBasis
from sfsync.core.deals.gone import GoneRows
from sfsync.core.deals.probability import MOST_LISTED
from sfsync.core.plans.plan import Plan, SourceImage
from sfsync.core.plans.plan_book import PlanBook, summed
from sfsync.core.reading.quoting import add_run, marks_at
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.writes import Route

_BETTER: Final = (Route.KEY_FENCE, Route.RECEIPT_FENCE, Route.JOB_FENCE, Route.BY_ID, Route.AT_MOST_ONCE)
"""A portion that needs no more than keys has not asked what else the org offers."""


def joined(book: PlanBook) -> Plan:
    """The whole plan of a book; of one portion it is that one."""
    if book.portions == 1:
        return book.plan(1)
    plans = [book.plan(number) for number in range(1, book.portions + 1)]
    first = plans[0]
    changes = tuple(change for plan in plans for change in plan.changes)
    routes = _routes(plans)
    is_strict = all(each.is_strict for each in plans)
    names: dict[str, str] = {}
    for each in plans:
        names |= dict(each.names)
    return replace(
        first,
        plan_id=book.plan_id,
        whole="",
        portion=0,
        changes=changes,
        routes=routes,
        is_strict=is_strict,
        sources=_images(plans),
        predicted=predicted_calls(changes, routes, is_strict=is_strict),
        forecast=_basis(plans),
        open_references=tuple(dict.fromkeys(one for each in plans for one in each.open_references)),
        off_stage=tuple(one for each in plans for one in each.off_stage)[:MOST_LISTED],
        off_stage_total=sum(each.off_stage_total for each in plans),
        gone=_gone(plans),
        names=tuple(names.items()),
    )


def _routes(plans: Sequence[Plan]) -> Mapping[str, Route]:
    names = dict.fromkeys(name for each in plans for name in each.routes)
    return {
        name: min((each.routes[name] for each in plans if name in each.routes), key=_BETTER.index)
        for name in names
    }


def _gone(plans: Sequence[Plan]) -> GoneRows:
    known: Mapping[str, int] = {}
    for each in plans:
        known = summed(known, each.gone.known)
    vanished = tuple(one for each in plans for one in each.gone.vanished)
    return GoneRows(vanished, tuple(one for each in plans for one in each.gone.followed), known)


def _basis(plans: Sequence[Plan]) -> ForecastBasis | None:
    known = [each.forecast for each in plans if each.forecast is not None]
    if not known:
        return None
    deals = {name: deal for each in known for name, deal in each.deals.items()}
    owners = {name: label for each in known for name, label in each.owners.items()}
    return replace(known[0], deals=deals, owners=owners)


def _images(plans: Sequence[Plan]) -> dict[str, SourceImage]:
    images: dict[str, list[SourceImage]] = {}
    for plan in plans:
        for name, image in plan.sources.items():
            images.setdefault(name, []).append(image)
    return {name: _image(parts) for name, parts in images.items()}


def _image(parts: Sequence[SourceImage]) -> SourceImage:
    rows = {
        ordinal: (raw, marks_at(part.quotes, ordinal), marks_at(part.types, ordinal))
        for part in parts
        for ordinal, raw in part.rows.items()
    }
    quotes: list[tuple[int, str]] = []
    types: list[tuple[int, str]] = []
    add_run(quotes, 0, marks_at(parts[0].quotes, 0))
    for ordinal in sorted(rows):
        add_run(quotes, ordinal, rows[ordinal][1])
        add_run(types, ordinal, rows[ordinal][2])
    raws = {ordinal: rows[ordinal][0] for ordinal in sorted(rows)}
    return replace(parts[0], rows=raws, quotes=tuple(quotes), types=tuple(types))

"""What of a book is tried again: one plan of the failed rows of all portions, with no more than these need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sfsync.core.plans.image_merging import merged_image, with_rows_of
from sfsync.core.plans.plan import WRITES, Change, Plan, SourceImage
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.values import Pending

_DONE = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.UNCHANGED})


def undone_of(
    portions: Iterable[tuple[Plan, Mapping[str, RowResult]]],
) -> tuple[Plan, dict[str, RowResult]]:
    """The rows of all portions that were tried and are not done, as one plan, with what the journal knows of them.

    With them come writes of no row, which may have waited for them, and the results of what they refer to. Portions
    are taken one at a time.
    """
    changes: list[Change] = []
    results: dict[str, RowResult] = {}
    images: dict[str, list[SourceImage]] = {}
    first: Plan | None = None
    for plan, known in portions:
        undone = [each for each in plan.changes if each.action in WRITES and _is_wanted(each, known)]
        first = first or replace(plan, changes=(), sources={})
        changes += undone
        needed = {name for each in undone for name in (each.change_id, *_referred(each))}
        results |= {name: each for name, each in known.items() if name in needed}
        for name, image in plan.sources.items():
            rows = {each.row.ordinal for each in undone if each.row and each.row.source == name}
            images.setdefault(name, []).append(with_rows_of(image, rows))
        first = _with_more(first, plan, undone)
    if first is None:
        raise ValueError("a book has portions")
    sources = {name: merged_image(some) for name, some in images.items()}
    return replace(first, changes=tuple(changes), sources=sources, plan_id=first.whole), results


def _is_wanted(change: Change, known: Mapping[str, RowResult]) -> bool:
    result = known.get(change.change_id)
    return change.row is None if result is None else result.outcome not in _DONE


def _referred(change: Change) -> Iterable[str]:
    values = (*change.desired.values(), *change.values.values())
    yield from (each.change_id for each in values if isinstance(each, Pending))
    yield from (each for each in (change.parent, change.completes) if each is not None)


def _with_more(first: Plan, plan: Plan, undone: Iterable[Change]) -> Plan:
    """The plan so far with what another portion says of its rows: routes, keys, names, and deals as they were."""
    basis = first.forecast or plan.forecast
    if basis is not None:
        ids = {each.record_id for each in undone}
        more = plan.forecast.deals if plan.forecast else {}
        own = {} if first.forecast in (None, plan.forecast) else dict(basis.deals)
        basis = replace(basis, deals=own | {name: each for name, each in more.items() if name in ids})
    return replace(
        first,
        routes={**plan.routes, **first.routes},
        key_fields={**plan.key_fields, **first.key_fields},
        forecast=basis,
        names=tuple(dict.fromkeys((*first.names, *plan.names)))[:400],
    )

"""Parents that came into the org between plan and apply, by a person or by another job: taken, not made twice.

Right before a run makes parents for its rows it looks for them once more, as the rows do and by their keys, in
one read. One record that is there by now is taken, and the rows go to it; of several nobody can tell, so the parent
is a conflict and its rows wait. Between this look and the create there is no fence but a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Lookup, Record
from sfsync.core.records import full_id
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.values import clean_key
from sfsync.engine.applying.run_state import RunState


def take_made_meanwhile(state: RunState, sobject: str) -> None:
    """Settles the parents still to be made that are in the org by now."""
    changes = [each for each in state.waiting(sobject, Action.CREATE) if each.found_by]
    if not changes:
        return
    lookups = _lookups(state, sobject, changes)
    there = _by_value(lookups, state.gateway.fetch(lookups))
    for change in changes:
        places = ((name, value.casefold()) for name, value in _sought(state, change))
        found = next((ids for place in places if (ids := there.get(place))), None)
        if found:
            state.settle([_taken(state, change, sorted(found))])


def _sought(state: RunState, change: Change) -> Iterable[tuple[str, str]]:
    key_field = state.plan.key_fields.get(change.sobject)
    return (*(((key_field, change.key),) if key_field else ()), *change.found_by)


def _lookups(state: RunState, sobject: str, changes: Sequence[Change]) -> list[Lookup]:
    values: dict[str, dict[str, None]] = {}
    for change in changes:
        for name, value in _sought(state, change):
            values.setdefault(name, {})[value] = None
    return [Lookup(sobject, ("Id", name), name, tuple(wanted)) for name, wanted in values.items()]


def _by_value(
    lookups: Sequence[Lookup], answers: Sequence[Sequence[Record]]
) -> Mapping[tuple[str, str], set[str]]:
    """The ids of records by field and compared value. Source: SOQL compares text without letter case."""
    there: dict[tuple[str, str], set[str]] = {}
    for lookup, records in zip(lookups, answers, strict=True):
        name = lookup.where_field or ""
        for record in records:
            value = clean_key(str(record.get(name) or "")).casefold()
            there.setdefault((name, value), set()).add(full_id(record))
    return there


def _taken(state: RunState, change: Change, found: Sequence[str]) -> RowResult:
    words = f'{change.sobject} "{change.label}"'
    if len(found) > 1:
        message = (
            f"since the plan was made {len(found)} records of {words} came into the org: {', '.join(found)}"
        )
        hint = "Merge or rename them, or name the one you mean in picks.csv; then run the job again."
        problem = Problem("MADE_MEANWHILE", Stage.ORG, message, hint)
        return RowResult(change.change_id, Outcome.CONFLICT, problems=(problem,))
    message = f"{words} was made meanwhile: {found[0]} is taken, and no second one was made"
    state.notes.append(
        Problem("MADE_MEANWHILE", Stage.ORG, message, "Look whether it is the one that the rows mean.")
    )
    return RowResult(change.change_id, Outcome.UNCHANGED, found[0], adopted=True)

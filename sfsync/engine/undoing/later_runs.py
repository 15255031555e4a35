"""What later runs wrote to records that an older run had written: to an undo of the older one they are touched.

The ledger cannot tell it. It holds what the newest run left, so that a value which a later run brought looks as if
it were the older run's own. The journal can: it knows which records each run wrote. A run of any job counts, but
not what was taken back since.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from sfsync.core.deals.second_writes import is_second
from sfsync.core.plans.plan import Plan
from sfsync.core.ports import ChangeRecord, Journal, RunRecord
from sfsync.core.reports.results import Outcome
from sfsync.errors import GuardError

PREFIX: Final = "undo "
"""In front of the name of a change, in the name of the change that takes it back."""

LoadPlan = Callable[[RunRecord], Plan]

_WRITTEN: Final = frozenset({Outcome.CREATED.value, Outcome.UPDATED.value, Outcome.DELETED.value})


@dataclass(frozen=True, slots=True)
class LaterWrite:
    """A write of a later run to a record; `fields` is None where the run's plan is not there to tell them."""

    run_id: str
    fields: frozenset[str] | None


def later_writes(
    plan: Plan, own: Collection[str], journal: Journal, load: LoadPlan
) -> dict[str, list[LaterWrite]]:
    """By record id, what runs after that of the plan wrote and nobody took back, oldest first.

    `own` are the records that the plan's run wrote: of writes to others the fields are not looked up.
    """
    itself = plan.whole or plan.plan_id
    newer = takewhile(lambda each: each.run_id != itself, journal.runs())
    own_ids = frozenset(own)
    later = [each for each in newer if each.org_id == plan.org.org_id]
    undoable = {itself, *(each.run_id for each in later)}
    standing: dict[tuple[str, str], tuple[str, LaterWrite]] = {}
    for run, part in ((each, part) for each in reversed(later) for part in _parts(each, journal)):
        written = _written(journal.changes(part.run_id))
        is_undo = any(name.startswith(PREFIX) for name in written)
        made = _loaded(part, load) if is_undo or not own_ids.isdisjoint(written.values()) else None
        if is_undo:
            undoable.discard(run.run_id)
        if made is not None and made.undoes in undoable:
            for name in written:
                standing.pop((made.undoes, name.removeprefix(PREFIX)), None)
            continue
        fields = {each.change_id: frozenset(each.values) for each in made.changes} if made else {}
        for name, record_id in written.items():
            standing[run.run_id, name] = record_id, LaterWrite(run.run_id, fields.get(name))
    found: dict[str, list[LaterWrite]] = {}
    for record_id, write in standing.values():
        found.setdefault(record_id, []).append(write)
    return found


def _parts(run: RunRecord, journal: Journal) -> list[RunRecord]:
    """The run itself, or the runs of a book's portions."""
    return journal.books.portions(run.run_id) if run.portions else [run]


def _written(changes: dict[str, ChangeRecord]) -> dict[str, str]:
    """The records that a run wrote, by change id."""
    return {
        name: each.record_id
        for name, each in changes.items()
        if each.outcome in _WRITTEN and each.record_id is not None and not is_second(name)
    }


def _loaded(run: RunRecord, load: LoadPlan) -> Plan | None:
    """The plan of a run, or None where it is gone: then all that the run wrote stands."""
    try:
        return load(run)
    except GuardError:
        return None

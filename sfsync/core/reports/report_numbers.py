"""What a report counts of its changes: one table of numbers for each sObject, that two reports can be added by.

Every view takes its counts from here, so that a report whose rows are all there and one that kept only the undone
ones tell the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sfsync.core.contact_roles.role_coverage import coverage_words
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.reports.results import COUNTED, NOT_DONE, Outcome, RowResult
from sfsync.core.sending.costs import creates_by_route
from sfsync.core.sending.strategy import Choice
from sfsync.core.sending.units import Routes
from sfsync.core.sobject import LEAD, OPPORTUNITY

Tally = Mapping[str, Mapping[str, int]]
"""sObject -> what is counted -> how many.

Rows are counted by `Outcome` (its value); the other words are those below. An sObject of which there is no row has
an entry all the same.
"""

ROWS: Final = "rows"
ADOPTED: Final = "adopted"
CONVERTED: Final = "leads converted"
MADE: Final = "created for references"
OTHER_ACCOUNT: Final = "other account"
_END: Final = "end: "
_ACTION: Final = "action: "
_ROUTE: Final = "route: "

IN_ORG: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})
"""Outcomes of rows whose record is in the org as the row wants it."""


def end(outcome: Outcome) -> str:
    """The word for changes that ended so: of rows, and of writes that no row asks for."""
    return _END + outcome.value


def action(kind: Action) -> str:
    """The word for changes with that action, with or without a row."""
    return _ACTION + kind.value


def route(name: str) -> str:
    """The word for creates that go by that route."""
    return _ROUTE + name


_NONE: Final[Mapping[str, int]] = {}


def tally_of(
    ends: Iterable[tuple[Change, RowResult]],
    routes: Routes,
    choices: Sequence[Choice] = (),
    untouched: Mapping[str, int] = _NONE,
) -> dict[str, dict[str, int]]:
    """The numbers of changes with what became of them; `untouched` counts rows that were left as they are."""
    pairs = list(ends)
    counted: Counter[tuple[str, str]] = Counter()
    for change, result in pairs:
        counted.update((change.sobject, word) for word in _words(change, result))
    found: dict[str, dict[str, int]] = {change.sobject: {} for change, _ in pairs}
    for (sobject, word), count in counted.items():
        found[sobject][word] = count
    changes = [change for change, _ in pairs]
    for sobject, by_route in creates_by_route(changes, routes, choices).items():
        found[sobject] |= {route(name): count for name, count in by_route.items()}
    if covered := coverage_words(pairs):
        found.setdefault(OPPORTUNITY, {}).update(covered)
    for sobject, count in untouched.items():
        own = found.setdefault(sobject, {})
        for word in (ROWS, Outcome.UNCHANGED.value, end(Outcome.UNCHANGED)):
            own[word] = own.get(word, 0) + count
    return found


def is_end(change: Change) -> bool:
    """Whether a report tells what became of a change: of a row, of a write, and of a reference left open."""
    is_write = change.action in WRITES and change.sobject != LEAD  # what became of a lead, its deal tells
    return change.row is not None or is_write or change.completes is not None


def _words(change: Change, result: RowResult) -> Iterable[str]:
    outcome = result.outcome
    yield action(change.action)
    if is_end(change) or outcome is Outcome.DELETED:
        yield end(outcome)
    if change.row is not None:
        yield ROWS
        yield outcome.value
        if outcome in IN_ORG and (result.adopted or change.adopted):
            yield ADOPTED
        if change.other_account and outcome in IN_ORG:
            yield OTHER_ACCOUNT
    if change.sobject == LEAD and change.record_id is None and outcome is Outcome.CREATED:
        yield CONVERTED
    if change.made_for and outcome is Outcome.CREATED:
        yield MADE


def counts_in(tally: Tally) -> dict[str, dict[str, int]]:
    """Rows per sObject and outcome; sObjects without a row are left out."""
    return {
        sobject: {ROWS: numbers[ROWS]} | {each.value: numbers.get(each.value, 0) for each in COUNTED}
        for sobject, numbers in tally.items()
        if numbers.get(ROWS)
    }


def total(tally: Tally, word: str) -> int:
    """How many there are of all sObjects."""
    return sum(numbers.get(word, 0) for numbers in tally.values())


def not_done_in(tally: Tally) -> int:
    """How many ends leave something undone."""
    return sum(total(tally, end(each)) for each in NOT_DONE)

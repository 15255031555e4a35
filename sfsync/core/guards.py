"""What stops a plan before it does harm: too many changes, deletions nobody asked for, an unlikely size.

`Limits` are the run's own words (`--max-changes` and so on). The rest is measured against what the job has
brought to the org so far; a plan that is out of proportion goes only when its digest is given back, which a
person can do and a schedule cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter

from sfsync.core.deals.gone import excess_of_vanished
from sfsync.core.job import Limits
from sfsync.core.plan import Action, Change, Plan
from sfsync.core.plan_book import BookTotals, known_records, totals_of
from sfsync.core.sobject import OPPORTUNITY
from sfsync.errors import GuardError

FEWEST: Final = 50
"""Below so many records a share says nothing: small plans are never out of proportion."""


MOST_CHANGED: Final = 0.20
MOST_CLEARED: Final = 0.01
MOST_GROWN: Final = 3

_CHANGES: Final = TypeAdapter(tuple[Change, ...])


def changes_digest(changes: Sequence[Change]) -> str:
    """The name of exactly these changes, whenever they are planned: 12 hexadecimal digits."""
    plain = _CHANGES.dump_python(tuple(changes), mode="json")
    # Escaped, because a cell may hold half a character that no encoding has.
    return hashlib.blake2b(json.dumps(plain, ensure_ascii=True).encode(), digest_size=6).hexdigest()


def digest_of_all(digests: Sequence[str]) -> str:
    """The name of all changes of a book, by the names of its portions'; of one portion it is its own."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.blake2b("".join(digests).encode(), digest_size=6).hexdigest()


def refuse_by_limits(plan: Plan, limits: Limits, *, managed: Mapping[str, int], last_rows: int) -> None:
    """Stops a plan that goes too far. `managed` counts the records that the journal knows, by sObject.

    Raises:
        GuardError: what is too much, and what to say if it is meant.
    """
    refuse_totals(
        totals_of(plan),
        limits,
        managed=managed,
        last_rows=last_rows,
        is_undo=plan.undoes is not None,
        digest=lambda: changes_digest(plan.changes),
    )


def refuse_totals(
    totals: BookTotals,
    limits: Limits,
    *,
    managed: Mapping[str, int],
    last_rows: int,
    is_undo: bool,
    digest: Callable[[], str],
) -> None:
    """Stops a plan, whole or in portions, that goes too far; `digest` gives the name of its changes.

    Raises:
        GuardError: what is too much, and what to say if it is meant.
    """
    if limits.max_changes is not None and totals.written > limits.max_changes:
        raise GuardError(
            f"the plan writes {totals.written:,} records, and at most {limits.max_changes:,} were allowed",
            code="TOO_MANY_CHANGES",
            hint="Look at the plan with sfsync plan, then raise --max-changes if it is meant.",
        )
    deleted = totals.count(Action.DELETE)
    if deleted and not limits.allow_deletes:
        raise GuardError(
            f"the plan deletes {deleted:,} records of the org, and nobody allowed that",
            code="DELETES_NOT_ALLOWED",
            hint="Look at the plan with sfsync plan, then give --allow-deletes if it is meant.",
        )
    if is_undo:
        return
    reasons = [
        *_proportions(totals, managed),
        *_growth(totals, last_rows),
        *excess_of_vanished(totals.vanished, totals.known),
    ]
    if reasons and limits.confirmed != (name := digest()):
        raise GuardError(
            f"the plan is out of proportion: {' and '.join(reasons)}",
            code="OUT_OF_PROPORTION",
            hint=f"Look at it with sfsync plan; if it is meant, give --confirm {name}.",
        )


def _proportions(totals: BookTotals, managed: Mapping[str, int]) -> Iterator[str]:
    """What the plan changes too many of; what it finishes or makes itself was never brought, so it is not known."""
    for sobject, brought in managed.items():
        known = known_records(totals, sobject, brought)
        moved = totals.moved.get(sobject, 0)
        if known < FEWEST:
            continue
        if moved > known * MOST_CHANGED:
            yield f"it changes {moved:,} of {known:,} known records of {sobject}"
        for name, count in totals.cleared.get(sobject, {}).items():
            if count > known * MOST_CLEARED:
                yield f"it clears {sobject}.{name} on {count:,} of {known:,}"


def _growth(totals: BookTotals, last_rows: int) -> Iterator[str]:
    if totals.is_partial:
        return  # of a source that is read on from a watermark, no run has all the rows
    if last_rows >= FEWEST and totals.rows > last_rows * MOST_GROWN:
        yield f"it has {totals.rows:,} rows, and the last run had {last_rows:,}"


def canary_scope(changes: Sequence[Change], deals: Sequence[Change]) -> frozenset[str]:
    """The changes that the first deals need: themselves, their roles, and whatever these refer to."""
    by_id = {each.change_id: each for each in changes}
    roles: dict[str, list[Change]] = {}
    for each in changes:
        if each.parent is not None:
            roles.setdefault(each.parent, []).append(each)
    scope: set[str] = set()
    ahead = list(deals)
    while ahead:
        change = ahead.pop()
        if change.change_id in scope:
            continue
        scope.add(change.change_id)
        ahead += roles.get(change.change_id, [])
        needed = (*change.waits_for(), *((change.parent,) if change.sobject == OPPORTUNITY else ()))
        ahead += [by_id[name] for name in needed if name in by_id]
    return frozenset(scope)

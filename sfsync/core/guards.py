"""What stops a plan before it does harm: too many changes, deletions nobody asked for, an unlikely size.

`Limits` are the run's own words (`--max-changes` and so on). The rest is measured against what the job has
brought to the org so far; a plan that is out of proportion goes only when its digest is given back, which a
person can do and a schedule cannot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from sfsync.core.deals.gone import vanished_excess
from sfsync.core.job import Limits
from sfsync.core.plan import NEW, WRITES, Action, Change, Plan
from sfsync.core.plan_text import changes_pieces
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.errors import GuardError

FEWEST: Final = 50
"""Below so many records a share says nothing: small plans are never out of proportion."""


MOST_CHANGED: Final = 0.20
MOST_CLEARED: Final = 0.01
MOST_GROWN: Final = 3


def changes_digest(changes: Sequence[Change]) -> str:
    """The name of exactly these changes, whenever they are planned: 12 hexadecimal digits."""
    name = hashlib.blake2b(digest_size=6)
    for piece in changes_pieces(changes):
        name.update(piece)
    return name.hexdigest()


def refuse_by_limits(plan: Plan, limits: Limits, *, managed: Mapping[str, int], last_rows: int) -> None:
    """Stops a plan that goes too far. `managed` counts the records that the journal knows, by sObject.

    Raises:
        GuardError: what is too much, and what to say if it is meant.
    """
    writes = [each for each in plan.changes if each.action in WRITES]
    if limits.max_changes is not None and len(writes) > limits.max_changes:
        raise GuardError(
            f"the plan writes {len(writes):,} records, and at most {limits.max_changes:,} were allowed",
            code="TOO_MANY_CHANGES",
            hint="Look at the plan with sfsync plan, then raise --max-changes if it is meant.",
        )
    deleted = sum(each.action is Action.DELETE for each in writes)
    if deleted and not limits.allow_deletes:
        raise GuardError(
            f"the plan deletes {deleted:,} records of the org, and nobody allowed that",
            code="DELETES_NOT_ALLOWED",
            hint="Look at the plan with sfsync plan, then give --allow-deletes if it is meant.",
        )
    if plan.undoes is not None:
        return
    vanished = vanished_excess(plan.gone, [each.change_id for each in writes])
    reasons = [*_proportions(plan, managed), *_growth(plan, last_rows), *vanished]
    if not reasons:
        return
    digest = changes_digest(plan.changes)
    if limits.confirmed == digest:
        return
    raise GuardError(
        f"the plan is out of proportion: {' and '.join(reasons)}",
        code="OUT_OF_PROPORTION",
        hint=f"Look at it with sfsync plan; if it is meant, give --confirm {digest}.",
    )


def _proportions(plan: Plan, managed: Mapping[str, int]) -> Iterator[str]:
    """What the plan changes too many of; what it finishes or makes itself was never brought, so it is not known."""
    left_over = {each.change_id for each in plan.changes if each.is_left_over}
    own = left_over | {each.change_id for each in plan.changes if each.action in NEW}
    writes = [
        each
        for each in plan.changes
        if each.action in WRITES and each.change_id not in own and not _is_role_of(each, own)
    ]
    for sobject, brought in managed.items():
        known = brought - len(left_over) if sobject == OPPORTUNITY else brought
        of_sobject = [each for each in writes if each.sobject == sobject]
        if known < FEWEST:
            continue
        if len(of_sobject) > known * MOST_CHANGED:
            yield f"it changes {len(of_sobject):,} of {known:,} known records of {sobject}"
        cleared: dict[str, int] = {}
        for change in of_sobject:
            for name, value in change.values.items():
                cleared[name] = cleared.get(name, 0) + (value is None)
        for name, count in cleared.items():
            if count > known * MOST_CLEARED:
                yield f"it clears {sobject}.{name} on {count:,} of {known:,}"


def _is_role_of(change: Change, deals: Collection[str]) -> bool:
    return change.sobject == CONTACT_ROLE and change.parent in deals


def _growth(plan: Plan, last_rows: int) -> Iterator[str]:
    rows = plan.row_count
    if plan.marks:
        return  # of a source that is read on from a watermark, no run has all the rows
    if last_rows >= FEWEST and rows > last_rows * MOST_GROWN:
        yield f"it has {rows:,} rows, and the last run had {last_rows:,}"


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

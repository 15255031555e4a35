"""What stops a plan before it does harm: too many changes, deletions nobody asked for, an unlikely size.

`Limits` are the run's own words (`--max-changes` and so on). The rest is measured against what the job has
brought to the org so far; a plan that is out of proportion goes only when its digest is given back, which a
person can do and a schedule cannot.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sfsync.core.deals.gone import vanished_excess
from sfsync.core.job import Limits
from sfsync.core.plans.plan import NEW, WRITES, Action, Change, Plan
from sfsync.core.plans.plan_book import BookTotals
from sfsync.core.plans.plan_text import changes_pieces
from sfsync.core.sending.book_sending import job_rows
from sfsync.core.sending.costs import read_backs
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.errors import GuardError

FEWEST: Final = 50
"""Below so many records a share says nothing: small plans are never out of proportion."""


UNNAMED: Final = "unnamed"
"""Stands for the digest of changes that nobody has asked for yet: it costs as much as writing the plan down."""

MOST_CHANGED: Final = 0.20
MOST_CLEARED: Final = 0.01
MOST_GROWN: Final = 3


def changes_digest(changes: Sequence[Change]) -> str:
    """The name of exactly these changes, whenever they are planned: 12 hexadecimal digits."""
    name = hashlib.blake2b(digest_size=6)
    for piece in changes_pieces(changes):
        name.update(piece)
    return name.hexdigest()


def refuse_totals(
    totals: BookTotals,
    limits: Limits,
    *,
    managed: Mapping[str, int],
    last_rows: int,
    confirm: Callable[[], str],
) -> None:
    """Stops a plan that goes too far, in all its portions. `managed` counts the records that the journal knows, by
    sObject, `last_rows` the rows of the last run; `confirm` makes the plan's name when it has to be told.

    Raises:
        GuardError: what is too much, and what to say if it is meant.
    """
    if limits.max_changes is not None and totals.writes > limits.max_changes:
        raise GuardError(
            f"the plan writes {totals.writes:,} records, and at most {limits.max_changes:,} were allowed",
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
    if totals.is_undo:
        return
    vanished = vanished_excess(totals.vanished, totals.brought)
    reasons = [*_proportions(totals, managed), *_growth(totals, last_rows), *vanished]
    if not reasons:
        return
    digest = confirm()
    if limits.confirmed == digest:
        return
    raise GuardError(
        f"the plan is out of proportion: {' and '.join(reasons)}",
        code="OUT_OF_PROPORTION",
        hint=f"Look at it with sfsync plan; if it is meant, give --confirm {digest}.",
    )


def totals_of(plan: Plan, digest: str = "") -> BookTotals:
    """What a plan adds to the totals of a book; `digest` names its changes where that is known already.

    What a plan finishes or makes itself was never brought, so its changes are to no known record.
    """
    left_over = {each.change_id for each in plan.changes if each.is_left_over}
    own = left_over | {each.change_id for each in plan.changes if each.action in NEW}
    writes = [each for each in plan.changes if each.action in WRITES]
    known = [each for each in writes if each.change_id not in own and not _is_role_of(each, own)]
    cleared = Counter(
        (each.sobject, name) for each in known for name, value in each.values.items() if value is None
    )
    written = frozenset(each.change_id for each in writes)
    return BookTotals(
        actions=_numbers((each.sobject, each.action.value) for each in plan.changes),
        rows=_numbers((each.sobject, each.action.value) for each in plan.changes if each.row is not None),
        known_changes=Counter(each.sobject for each in known),
        cleared=_numbers(cleared.elements()),
        left_over=len(left_over),
        vanished=Counter(each.sobject for each in plan.gone.vanished if each.change_id in written),
        brought=plan.gone.known,
        predicted=plan.predicted,
        digests=(digest or changes_digest(plan.changes),),
        is_undo=plan.undoes is not None,
        reads_on=bool(plan.marks),
        job_rows=job_rows(plan),
        read_backs=read_backs(plan.changes),
    )


def _numbers(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for (sobject, word), count in Counter(pairs).items():
        counted.setdefault(sobject, {})[word] = count
    return counted


def _proportions(totals: BookTotals, managed: Mapping[str, int]) -> Iterator[str]:
    """What changes too many of the known records."""
    for sobject, brought in managed.items():
        known = brought - totals.left_over if sobject == OPPORTUNITY else brought
        changed = totals.known_changes.get(sobject, 0)
        if known < FEWEST:
            continue
        if changed > known * MOST_CHANGED:
            yield f"it changes {changed:,} of {known:,} known records of {sobject}"
        for name, count in totals.cleared.get(sobject, {}).items():
            if count > known * MOST_CLEARED:
                yield f"it clears {sobject}.{name} on {count:,} of {known:,}"


def _is_role_of(change: Change, deals: Collection[str]) -> bool:
    return change.sobject == CONTACT_ROLE and change.parent in deals


def _growth(totals: BookTotals, last_rows: int) -> Iterator[str]:
    rows = totals.row_count
    if totals.reads_on:
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

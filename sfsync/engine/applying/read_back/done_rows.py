"""What is remembered of one row of a run when its record has been written, or was found as the row wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sfsync.core.plans.plan import Change
from sfsync.core.reports.results import DEFERRED
from sfsync.core.values import Pending, Value


@dataclass(frozen=True, slots=True)
class Done:
    """One row: the values it wanted, whether it was written, and by which further changes (`completed_by`).

    `sent` are the fields that this run sent, `may_move` those that another write of the run may have moved.
    """

    change: Change
    record_id: str
    desired: dict[str, Value]
    is_written: bool
    completed_by: tuple[str, ...] = ()
    sent: frozenset[str] = frozenset()
    may_move: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether its record is read back: it was written, or another write may have moved what is known of it."""
        return self.is_written or bool(self.may_move)

    @property
    def names(self) -> frozenset[str]:
        """The changes that it came by."""
        return frozenset((self.change.change_id, *self.completed_by))

    @property
    def deferred(self) -> list[str]:
        """The lookups that the row goes without for now: what the org holds there meanwhile is remembered, so that
        the run that sets them does not write over somebody's choice.
        """
        return [each.field for each in self.change.problems if each.code == DEFERRED]


def wanted(change: Change, ids: Mapping[str, str]) -> dict[str, Value]:
    """What a row wants of its record, with the ids of records that the run has made; what has none is left out."""
    values: dict[str, Value] = {}
    for name, value in change.desired.items():
        if name in change.kept:  # it is the org's own: nothing of it was brought
            continue
        if not isinstance(value, Pending):
            values[name] = value
        elif value.change_id in ids:
            values[name] = ids[value.change_id]
    return values


def completed(done: Sequence[Done]) -> list[Done]:
    """What is done, with each completion as a part of its record, which has one entry in the ledger."""
    merged = {each.change.change_id: each for each in done if each.change.completes is None}
    for each in done:
        if (record := each.change.completes) is None:
            continue
        own = merged.get(record)
        if own is None:  # a retry completes a record that an earlier run made
            merged[each.change.change_id] = each
            continue
        desired = {**own.desired, **each.desired}
        names = (*own.completed_by, each.change.change_id)
        sent = own.sent | each.sent
        merged[record] = replace(own, desired=desired, is_written=True, completed_by=names, sent=sent)
    return list(merged.values())

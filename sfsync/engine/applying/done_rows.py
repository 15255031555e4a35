"""What is remembered of one row of a run when its record has been written, or was found as the row wants it."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.core.plan import Change
from sfsync.core.results import DEFERRED
from sfsync.core.values import Value


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

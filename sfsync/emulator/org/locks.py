"""Row locks: who writes to which record right now, and which records an approval process holds.

A write locks the record and its account; a role or a product of a deal locks the deal and its account. The
lock is held until the call that took it has answered, which is longer than its transaction only when the
call is slow (a scripted delay or a set latency). A second writer in that time is refused with
UNABLE_TO_LOCK_ROW, as the platform does after its wait. A record in an approval process refuses every
change (ENTITY_IS_LOCKED) until it is released.
Source: Record-level locking cheat sheet and Bulk API Developer Guide [D]; UNABLE_TO_LOCK_ROW text recorded
[R]; ENTITY_IS_LOCKED [D].
"""

import threading
from collections.abc import Iterable
from typing import Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.storage import Row, Storage

_CHILDREN_OF_DEALS: Final = frozenset({"OpportunityContactRole", "OpportunityLineItem"})


class RowLocks:
    """The records locked by calls in flight."""

    def __init__(self) -> None:
        self._holders: dict[str, int] = {}
        self._guard = threading.Lock()

    def take(self, record_ids: Iterable[str], *, call: int) -> None:
        """Lock records for a call.

        Raises: RowRefusedError when another call holds one of them.
        """
        with self._guard:
            for record_id in record_ids:
                if self._holders.setdefault(record_id, call) != call:
                    raise RowRefusedError("UNABLE_TO_LOCK_ROW", lock_message(record_id))

    def release(self, call: int) -> None:
        """Give back every lock of a call."""
        with self._guard:
            if self._holders:
                self._holders = {held: holder for held, holder in self._holders.items() if holder != call}


def lock_message(record_id: str) -> str:
    """Return the platform's words for a row that stays locked."""
    return f"unable to obtain exclusive access to this record or 1 records: {record_id}"


def locked_records(storage: Storage, sobject: str, row: Row) -> list[str]:
    """Return the records that a write to this row locks."""
    if sobject in _CHILDREN_OF_DEALS:
        deal = row["OpportunityId"]
        found = [row.get("Id"), deal, storage.value("Opportunity", deal, "AccountId")]
    else:
        found = [row.get("Id"), row.get("AccountId")]
    return [record_id for record_id in found if record_id]


def check_approval_lock(storage: Storage, record_id: str) -> None:
    """Refuse the change of a record that an approval process holds.

    Raises: RowRefusedError.
    """
    if storage.is_approval_locked(record_id):
        message = "This record is locked. If you need to edit it, please contact your admin."
        raise RowRefusedError("ENTITY_IS_LOCKED", message)

"""Row locks on accounts: who writes to which account right now.

A write to an account, its contacts, its deals or their roles locks the account. The lock is held until
the call that took it has answered, which is longer than its transaction only when the call is slow (a
scripted delay or a set latency). A second writer in that time is refused with UNABLE_TO_LOCK_ROW, as the
platform does after its wait.
Source: Record-level locking cheat sheet [D]; UNABLE_TO_LOCK_ROW text recorded [R].
"""

import threading

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.storage import Row, Storage


class AccountLocks:
    """The accounts locked by calls in flight."""

    def __init__(self) -> None:
        self._holders: dict[str, int] = {}
        self._guard = threading.Lock()

    def take(self, account_id: str, *, call: int) -> None:
        """Lock an account for a call.

        Raises: RowRefusedError when another call holds it.
        """
        with self._guard:
            holder = self._holders.setdefault(account_id, call)
        if holder != call:
            raise RowRefusedError("UNABLE_TO_LOCK_ROW", lock_message(account_id))

    def release(self, call: int) -> None:
        """Give back every lock of a call."""
        with self._guard:
            self._holders = {account: holder for account, holder in self._holders.items() if holder != call}


def lock_message(record_id: str) -> str:
    """Return the platform's words for a row that stays locked."""
    return f"unable to obtain exclusive access to this record or 1 records: {record_id}"


def locked_account(storage: Storage, sobject: str, row: Row) -> str | None:
    """Return the account that a write to this row locks."""
    if sobject == "Account":
        return str(row["Id"])
    if sobject == "OpportunityContactRole":
        account = storage.value("Opportunity", row["OpportunityId"], "AccountId")
        return str(account) if account else None
    account = row.get("AccountId")
    return str(account) if account else None

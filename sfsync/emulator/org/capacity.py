"""Whether the org takes another write: maintenance, and the room left in its storage.

Maintenance is a switch, or begins after a number of rows, which may be in the middle of a call. Storage is
counted in records; the recycle bin is not counted.
Source: Object Reference, StatusCode INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE and
STORAGE_LIMIT_EXCEEDED [D].
"""

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.definition import Table
from sfsync.emulator.org.schema import Schema
from sfsync.emulator.org.storage import Storage
from sfsync.emulator.switches import Switches


class Capacity:
    """What an org still takes."""

    def __init__(self, limits: Table, schema: Schema, storage: Storage) -> None:
        self.rows_until_read_only: int | None = limits.get("read_only_after_rows")
        self._most_records: int | None = limits.get("storage_records")
        self._counted = [sobject for sobject in schema if sobject.createable]
        self._storage = storage

    def take_row(self, switches: Switches, *, new: bool) -> None:
        """Let one row pass.

        Raises: RowRefusedError in maintenance, and for a new record in a full org.
        """
        if switches.read_only or self.rows_until_read_only == 0:
            message = "Insert, update, and delete operations are not allowed during maintenance."
            raise RowRefusedError("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", message)
        if self.rows_until_read_only is not None:
            self.rows_until_read_only -= 1
        if new and (switches.storage_full or self._is_full()):
            raise RowRefusedError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")

    def _is_full(self) -> bool:
        return self._most_records is not None and self._most_records <= sum(
            map(self._storage.count, self._counted)
        )

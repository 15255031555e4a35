"""Remembers with which record a deleted one went to the recycle bin, which the played tables do not say.

A table of its own beside the records, in the same transactions: what was deleted with a parent comes back
with it, what was deleted on its own does not.
Source: Object Reference and SOAP API Developer Guide, undelete [D].
"""

from dataclasses import dataclass

from sfsync.emulator.org.storage import Storage


@dataclass(frozen=True, slots=True)
class Binned:
    """One deleted record."""

    sobject: str
    id: str


class RecycleBin:
    """The deleted records of one org that can still come back."""

    def __init__(self, storage: Storage) -> None:
        self._run = storage.connection.execute
        self._run(
            'CREATE TABLE IF NOT EXISTS "recycle_bin" ("id" TEXT PRIMARY KEY, "sobject" TEXT, "root" TEXT)'
        )

    def add(self, record: Binned, *, root: str) -> None:
        """Remember a record that was deleted together with the root of the deletion."""
        statement = 'INSERT OR REPLACE INTO "recycle_bin" VALUES (?, ?, ?)'
        self._run(statement, (record.id, record.sobject, root))

    def went_with(self, root: str) -> list[Binned]:
        """Return what was deleted together with a record, without the record itself."""
        statement = 'SELECT "sobject", "id" FROM "recycle_bin" WHERE "root" = ? AND "id" <> ? ORDER BY rowid'
        return [Binned(*row) for row in self._run(statement, (root, root)).fetchall()]

    def take_out(self, record_id: str) -> None:
        """Forget a record that came back or is gone for good."""
        self._run('DELETE FROM "recycle_bin" WHERE "id" = ?', (record_id,))

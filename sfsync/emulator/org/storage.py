"""Records in SQLite: one table per sObject, one column per field, named exactly as they are.

The query engine reads the same tables, so the storage contract is the interface: Id TEXT PRIMARY KEY in
the 18-character form, empty text is NULL, booleans 0/1, dates and datetimes as ISO text in UTC; deleted
rows stay with IsDeleted = 1.
Invariant: all statements of one connection run under `lock`; statements for inserts are prepared once
per object.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

from sfsync.emulator.org.schema import Field, Schema, SObject

Row = dict[str, Any]
_STATEMENT_CACHE: Final = 512
PATIENCE_S: Final = 1.0
"""How long to wait for a database that another process is about to close."""
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY")
_COLUMN_TYPES: Final = {
    "boolean": "INTEGER",
    "int": "INTEGER",
    "currency": "REAL",
    "double": "REAL",
    "percent": "REAL",
}


class Storage:
    """The tables of one org."""

    def __init__(self, schema: Schema, *, path: Path | None, recycle_bin_holds_keys: bool) -> None:
        self.lock = threading.RLock()
        self.connection = sqlite3.connect(
            str(path) if path else ":memory:",
            timeout=PATIENCE_S,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=_STATEMENT_CACHE,
        )
        self.starts = self._take_possession()
        self._bin_holds_keys = recycle_bin_holds_keys
        self._columns: dict[str, tuple[str, ...]] = {}
        self._insert: dict[str, str] = {}
        for sobject in schema:
            self._create_table(sobject)
        self.connection.execute('CREATE TABLE IF NOT EXISTS "_approval_lock" ("Id" TEXT PRIMARY KEY)')

    def _take_possession(self) -> int:
        """Keep every other process out, and return how often the database was opened before.

        Two emulators that count ids on one file would give the same id to two records.
        """
        for pragma in ("locking_mode = EXCLUSIVE", *_PRAGMAS):
            self.connection.execute(f"PRAGMA {pragma}")
        starts = int(self.connection.execute("PRAGMA user_version").fetchone()[0])
        self.connection.execute(f"PRAGMA user_version = {starts + 1}")
        return starts

    def close(self) -> None:
        """Close the connection; waits for the statement that runs."""
        with self.lock:
            self.connection.close()

    def insert(self, sobject: str, row: Row) -> None:
        """Add a complete row; absent columns become NULL."""
        self.connection.execute(self._insert[sobject], tuple(map(row.get, self._columns[sobject])))

    def update(self, sobject: str, record_id: str, changes: Row) -> None:
        """Change columns of one row, if any."""
        if not changes:
            return
        assignments = ", ".join(f'"{name}" = ?' for name in changes)
        statement = f'UPDATE "{sobject}" SET {assignments} WHERE "Id" = ?'  # noqa: S608 - names come from the schema
        self.connection.execute(statement, (*changes.values(), record_id))

    def restamp(self, moment: str) -> None:
        """Let every record look as if it was created, and last modified, at that moment."""
        for sobject, columns in self._columns.items():
            stamps = [
                name for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp") if name in columns
            ]
            assignments = ", ".join(f'"{name}" = ?' for name in stamps)
            if not stamps:
                continue
            self.connection.execute(f'UPDATE "{sobject}" SET {assignments}', [moment] * len(stamps))  # noqa: S608

    def remove(self, sobject: str, record_id: str) -> None:
        """Take a row out for good."""
        self.connection.execute(f'DELETE FROM "{sobject}" WHERE "Id" = ?', (record_id,))  # noqa: S608

    def get(self, sobject: str, record_id: str) -> Row | None:
        """Return a row as stored, deleted or not."""
        rows = self.select(sobject, '"Id" = ?', record_id)
        return rows[0] if rows else None

    def value(self, sobject: str, record_id: str, column: str) -> Any:
        """Return one cell, or None when the row does not exist."""
        statement = f'SELECT "{column}" FROM "{sobject}" WHERE "Id" = ?'  # noqa: S608
        found = self._rows(statement, (record_id,))
        return found[0][0] if found else None

    def select(self, sobject: str, where: str, *parameters: object) -> list[Row]:
        """Return the rows under a condition written by the emulator itself, in the order of their ids."""
        statement = f'SELECT * FROM "{sobject}" WHERE {where} ORDER BY "Id"'  # noqa: S608
        names = self._columns[sobject]
        return [dict(zip(names, row, strict=True)) for row in self._rows(statement, parameters)]

    def find(self, sobject: SObject, field: Field, value: object, *, deleted: bool = False) -> list[str]:
        """Return the ids whose field equals the value as the platform compares it."""
        collate = "" if field.case_sensitive or field.type in {"id", "reference"} else " COLLATE NOCASE"
        alive = ' AND "IsDeleted" = 0' if sobject.has_recycle_bin and not deleted else ""
        statement = (
            f'SELECT "Id" FROM "{sobject.name}" WHERE "{field.name}" = ?{collate}{alive} ORDER BY "Id"'  # noqa: S608
        )
        return [row[0] for row in self._rows(statement, (value,))]

    def key_owner(self, sobject: SObject, field: Field, value: object) -> str | None:
        """Return the id of the record that already holds a unique value, if any."""
        owners = self.find(sobject, field, value, deleted=self._bin_holds_keys)
        return owners[0] if owners else None

    def count(self, sobject: SObject) -> int:
        """Return how many records live."""
        alive = ' WHERE "IsDeleted" = 0' if sobject.has_recycle_bin else ""
        statement = f'SELECT count(*) FROM "{sobject.name}"{alive}'  # noqa: S608
        return int(self._rows(statement)[0][0])

    def set_approval_lock(self, record_id: str, *, locked: bool) -> None:
        """Let an approval process hold a record, or release it."""
        statement = (
            'INSERT OR IGNORE INTO "_approval_lock" VALUES (?)'
            if locked
            else 'DELETE FROM "_approval_lock" WHERE "Id" = ?'
        )
        with self.lock:
            self.connection.execute(statement, (record_id,))

    def is_approval_locked(self, record_id: str) -> bool:
        """Whether an approval process holds a record."""
        return bool(self._rows('SELECT 1 FROM "_approval_lock" WHERE "Id" = ?', (record_id,)))

    def last_id(self, sobject: str) -> str | None:
        """Return the highest id of an object."""
        found = self._rows(f'SELECT max("Id") FROM "{sobject}"')[0][0]  # noqa: S608
        return str(found) if found else None

    def _rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self.connection.execute(statement, parameters).fetchall()

    def _create_table(self, sobject: SObject) -> None:
        names = [field.name for field in sobject.fields.values()]
        columns = ", ".join(map(_column, sobject.fields.values()))
        self.connection.execute(f'CREATE TABLE IF NOT EXISTS "{sobject.name}" ({columns}) WITHOUT ROWID')
        held = [row[1] for row in self.connection.execute(f'PRAGMA table_info("{sobject.name}")')]
        for field in sobject.fields.values():
            if field.name not in held:
                self.connection.execute(f'ALTER TABLE "{sobject.name}" ADD COLUMN {_column(field)}')
        quoted = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        self._insert[sobject.name] = f'INSERT INTO "{sobject.name}" ({quoted}) VALUES ({marks})'  # noqa: S608
        held = [row[1] for row in self.connection.execute(f'PRAGMA table_info("{sobject.name}")')]
        self._columns[sobject.name] = tuple(held)
        if held != names:
            quoted = ", ".join(f'"{name}"' for name in held)
            self._insert[sobject.name] = (
                f'INSERT INTO "{sobject.name}" ({quoted}) VALUES ({", ".join("?" * len(held))})'  # noqa: S608
            )
        for field in sobject.fields.values():
            self._create_index(sobject, field)

    def _create_index(self, sobject: SObject, field: Field) -> None:
        is_looked_up = field.external_id or field.unique or field.child_name or field.type == "email"
        if not is_looked_up and field.name != "SystemModstamp":
            return
        collate = "" if field.case_sensitive or field.type in {"reference", "datetime"} else " COLLATE NOCASE"
        filled = f' WHERE "{field.name}" IS NOT NULL'
        alive = f'{filled} AND "IsDeleted" = 0'
        place = f'ON "{sobject.name}" ("{field.name}"{collate})'
        name = f"{sobject.name}_{field.name}"
        run = self.connection.execute
        if not field.unique:
            run(f'CREATE INDEX IF NOT EXISTS "{name}" {place}{filled}')
        elif self._bin_holds_keys or not sobject.has_recycle_bin:
            run(f'CREATE UNIQUE INDEX IF NOT EXISTS "{name}" {place}{filled}')
        else:
            run(f'CREATE UNIQUE INDEX IF NOT EXISTS "{name}" {place}{alive}')
            run(f'CREATE INDEX IF NOT EXISTS "{name}_all" {place}{filled}')


def _column(field: Field) -> str:
    if field.name == "Id":
        return '"Id" TEXT PRIMARY KEY'
    return f'"{field.name}" {_COLUMN_TYPES.get(field.type, "TEXT")}'

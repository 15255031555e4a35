"""SQLite databases: a file of rows is no database, so one that is named or hidden in a file is refused by name."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from damaged_kinds import damaged
from written_files import ANY, COLUMNS, Draw, Written, ascii_deals, kind, refused


def database(draw: Draw) -> bytes:
    """A database with a table of deals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.db"
        held = sqlite3.connect(path)
        held.execute(f"create table deals ({', '.join(COLUMNS)})")
        rows = [[(each.cells or {})[name] for name in COLUMNS] for each in ascii_deals(draw)]
        held.executemany("insert into deals values (?, ?, ?, ?, ?, ?)", rows)
        held.commit()
        held.close()
        return path.read_bytes()


@kind
def databases_named_as_files(draw: Draw) -> Written:
    """A database by the name of a table of text, or by its own."""
    name = draw.word(
        "deals.csv", "deals.tsv", "deals.jsonl", "deals.db", "deals.sqlite", "deals.sqlite3", "deals.json"
    )
    return refused(name, database(draw), "SOURCE_KIND", "KIND_NOT_READ")


@kind
def databases_damaged(draw: Draw) -> Written:
    """A damaged database by the name of a table of text: refused, never read as rows without a word."""
    return Written("deals.csv", damaged(database(draw), draw), refusals=frozenset({ANY}), must_refuse=True)

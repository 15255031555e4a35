"""SQLite databases: read by a query, damaged, with odd cells; and refused by name in the place of a file."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from damaged_kinds import damaged
from written_files import ANY, COLUMNS, Draw, Row, Written, ascii_deals, deals, kind, refused

QUERY: Final = "SELECT id, name, stage, close, amount, note FROM deals ORDER BY rowid"
_ODD: Final = (
    *(
        None,
        0,
        -1,
        2**63 - 1,
        1.5,
        1e308,
        -1e-308,
        float("inf"),
        b"",
        b"\xff\x00",
        b"text",
        "a\0b",
        "",
        " ",
        "x" * 70_000,
    ),
    *("NULL", "\ufeff", "\u202ex", "1,5", "2026-02-30"),
)


def database(rows: Sequence[Row], *, odd: Mapping[int, tuple[str, object]] = MappingProxyType({})) -> bytes:
    """A database with a table of deals; `odd` are other cells, by row and column."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.db"
        held = sqlite3.connect(path)
        held.execute(f"create table deals ({', '.join(COLUMNS)})")
        cells: list[dict[str, object]] = [dict(each.cells or {}) for each in rows]
        for number, (column, value) in odd.items():
            cells[number][column] = value
        values = [[each[name] for name in COLUMNS] for each in cells]
        held.executemany("insert into deals values (?, ?, ?, ?, ?, ?)", values)
        held.commit()
        held.close()
        return path.read_bytes()


@kind
def databases_named_as_files(draw: Draw) -> Written:
    """A database by the name of a table of text, or by its own."""
    name = draw.word(
        "deals.csv", "deals.tsv", "deals.jsonl", "deals.db", "deals.sqlite", "deals.sqlite3", "deals.json"
    )
    return refused(name, database(ascii_deals(draw)), "SOURCE_KIND", "KIND_NOT_READ")


@kind
def databases_damaged(draw: Draw) -> Written:
    """A damaged database by the name of a table of text: refused, never read as rows without a word."""
    return Written(
        "deals.csv", damaged(database(ascii_deals(draw)), draw), refusals=frozenset({ANY}), must_refuse=True
    )


@kind
def databases(draw: Draw) -> Written:
    """Whole databases, read by a query."""
    rows = [replace(each, line=number) for number, each in enumerate(deals(draw), start=1)]
    return Written("deals.db", database(rows), tuple(rows), query=QUERY)


@kind
def databases_of_odd_cells(draw: Draw) -> Written:
    """Cells of any type that SQLite keeps, in any column: every row is mapped or a problem."""
    rows = ascii_deals(draw)
    odd = {n: (draw.word(*COLUMNS), draw.random.choice(_ODD)) for n in range(len(rows)) if draw.below(3) == 0}
    return Written("deals.db", database(rows, odd=odd), count=len(rows), query=QUERY)


@kind
def databases_read_though_damaged(draw: Draw) -> Written:
    """A damaged database that is read by a query: refused, or rows that are accounted for."""
    content = damaged(database(ascii_deals(draw)), draw)
    return Written("deals.db", content, refusals=frozenset({ANY}), query=QUERY)


@kind
def odd_queries(draw: Draw) -> Written:
    """Queries that write, do not end, name no column, or are none."""
    query = draw.word(
        *(
            "",
            ";",
            "DELETE FROM deals",
            "DROP TABLE deals",
            "SELECT 1",
            "SELECT * FROM nowhere",
            "PRAGMA x",
        ),
        *(
            "SELECT id, id FROM deals",
            "SELECT id AS '' FROM deals",
            "SELECT *, :since FROM deals",
            "SELECT * FROM deals;;",
        ),
        *(
            "SELECT * FROM deals WHERE 0",
            "SELECT abs(-9223372036854775808)",
            "SELECT * FROM deals; SELECT 1",
            "\0",
            "(",
        ),
        *(
            "SELECT CAST(x'ff' AS TEXT) AS id, 1 AS name FROM deals",
            "WITH x AS (SELECT 1) SELECT * FROM deals, x",
            "😀",
        ),
        *(
            "ATTACH 'other.db' AS o",
            "SELECT * FROM deals -- :x",
            "/* */",
            "EXPLAIN SELECT * FROM deals",
            "SELECT '%s' a",
        ),
    )
    return Written("deals.db", database(ascii_deals(draw)), refusals=frozenset({ANY}), query=query or " ")

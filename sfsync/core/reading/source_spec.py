"""Where the rows of a section come from, as a job says it; opening them is `sfsync.sources`'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

STANDARD_INPUT: Final = Path("-")
"""The path that stands for standard input in place of a source's file."""

STANDARD_INPUT_SHOWN: Final = "(standard input)"
"""What problems and reports call it."""


@dataclass(frozen=True, slots=True)
class ListedRoles:
    """Roles as a list in the deals' `column`: what stands between two entries, and how an entry is written."""

    column: str
    split: str = ";"
    pattern: str = "name (email)"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where a section's rows come from.

    `kind` is "csv", "jsonl", "json", "xlsx" or "parquet" for a file, "nested" for the roles inside deal
    documents (then `nested` is the key that holds them and `path` is the deals' file), "rows" for an iterable given
    in Python, "database" for the `query`, which stands in the file at `path`. `listed` are roles that stand as a
    list in a cell of the deals, whose file it is. `sheet` is that of a workbook; None is its only one with rows.
    `database` is a URL and may hold a password; a relative SQLite file lies in `folder`. With a `watermark`, a
    column of the query, only rows from the last greatest value less `overlap_min` minutes on are read; all if
    `is_full`. With `is_partial` it has some of the section's rows, and says nothing of the others.
    """

    kind: str
    path: Path | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    nested: str | None = None
    sheet: str | None = None
    rows: Iterable[Any] | None = field(default=None, compare=False)
    listed: ListedRoles | None = None
    database: str = field(default="", repr=False)
    folder: Path = Path()
    query: str = field(default="", repr=False)
    watermark: str | None = None
    overlap_min: int = 0
    is_full: bool = False
    is_partial: bool = field(default=False, repr=False)

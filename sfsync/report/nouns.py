"""The words for sObjects and for places in files that every message to a person uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfsync.core.reports.results import RowRef
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY

_NOUNS: Final = {
    ACCOUNT: ("account", "accounts"),
    CONTACT: ("contact", "contacts"),
    OPPORTUNITY: ("deal", "deals"),
    CONTACT_ROLE: ("contact role", "contact roles"),
}


def noun(sobject: str, count: int = 1) -> str:
    """What a salesperson calls one record, or several, of the sObject."""
    one, several = _NOUNS.get(sobject, (sobject, sobject))
    return one if count == 1 else several


def counted(sobject: str, count: int) -> str:
    """A number of records in words: `1 deal`, `1,204 contact roles`."""
    return f"{count:,} {noun(sobject, count)}"


def rows_counted(count: int) -> str:
    """A number of rows in words."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def place(row: RowRef | None) -> str:
    """Where a row stands, for a person; "" when nobody knows."""
    return f"{unit(row.file)} {row.line}" if row else ""


def where_shown(row: RowRef) -> str:
    """The file and the place in it, in front of what is said of a row."""
    return f"{row.file} row {row.line}: " if unit(row.file) == "row" else f"{row.file}:{row.line}: "


def unit(file: str) -> str:
    """What is counted in a source: lines of a file, rows of a query."""
    return "row" if file.endswith(".sql") else "line"


def enumerated(words: Sequence[str]) -> str:
    """`1 account, 2 deals and 4 contact roles`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)

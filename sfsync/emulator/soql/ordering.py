"""Translates ORDER BY, LIMIT and OFFSET of one level.

Nulls come first unless NULLS LAST is said, in either direction; text sorts without regard to case.
Source: SOQL and SOSL Reference, "ORDER BY", "OFFSET" [D].
"""

from typing import Final

from sfsync.emulator.soql.conditions import Operand, OperandReader, operand_of
from sfsync.emulator.soql.errors import QueryFault, invalid_field, malformed
from sfsync.emulator.soql.level import Level
from sfsync.emulator.soql.sql import Sql
from sfsync.emulator.soql.statement import Call, Path, Query, Sorting
from sfsync.emulator.soql.text_matching import collation
from sfsync.emulator.soql.values import Family

_MAX_OFFSET: Final = 2_000


def field_reader(level: Level) -> OperandReader:
    """Return how ORDER BY of ungrouped rows reads its items: fields only, and sortable ones.

    Raises (the returned function):
        QueryFault: INVALID_FIELD for a field that cannot be sorted, MALFORMED_QUERY for a function.
    """

    def read(item: Path | Call) -> Operand:
        if isinstance(item, Call):
            raise malformed(f"{item.name} is not allowed in this context", offset=item.offset)
        found = level.scope.find(item)
        if not found.field.sortable:
            raise invalid_field(f"field '{item}' can not be sorted in a query call", offset=item.offset)
        return operand_of(found)

    return read


def order_clause(query: Query, read: OperandReader) -> str:
    """Return the items of ORDER BY as SQL; empty when the statement has none."""
    return ", ".join(_sort_item(sorting, read(sorting.expression)) for sorting in query.order_by)


def _sort_item(sorting: Sorting, operand: Operand) -> str:
    sql = operand.sql
    if operand.family is Family.TEXT:
        sql += f" COLLATE {collation(is_case_sensitive=operand.is_case_sensitive)}"
    sql += " DESC" if sorting.is_descending else " ASC"
    if operand.type == "id":  # never null; without the words SQLite can walk the index backwards
        return sql
    return f"{sql} NULLS {'LAST' if sorting.is_nulls_last else 'FIRST'}"


def offset_of(query: Query) -> int:
    """Return how many rows to leave out.

    Raises:
        QueryFault: NUMBER_OUTSIDE_VALID_RANGE beyond 2,000.
    """
    if query.offset is not None and query.offset > _MAX_OFFSET:
        reason = f"Maximum SOQL offset allowed is {_MAX_OFFSET}"
        raise QueryFault("NUMBER_OUTSIDE_VALID_RANGE", reason, offset=query.offset_at)
    return query.offset or 0


def limit_clause(query: Query) -> Sql:
    """Return LIMIT and OFFSET as SQL; empty when the statement has neither."""
    skipped = offset_of(query)
    if query.limit is None and not skipped:
        return Sql("")
    return Sql(" LIMIT ? OFFSET ?", (-1 if query.limit is None else query.limit, skipped))

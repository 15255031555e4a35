"""Reads SELECT of grouped rows: aggregates, GROUP BY and HAVING.

Every column is either an aggregate or a grouped field; unnamed aggregates are called expr0, expr1 ... in
SELECT order. Text groups without regard to case, as it compares.
Source: SOQL and SOSL Reference, "Aggregate Functions", "GROUP BY" [D].
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from sfsync.emulator.soql.catalogue import FieldShape
from sfsync.emulator.soql.conditions import Operand, operand_of, operand_of_date, translate_condition
from sfsync.emulator.soql.date_functions import is_date_function
from sfsync.emulator.soql.errors import invalid_field, malformed
from sfsync.emulator.soql.json_values import conversion_for
from sfsync.emulator.soql.level import Level
from sfsync.emulator.soql.ordering import limit_clause, order_clause
from sfsync.emulator.soql.record_plan import Leaf, Row
from sfsync.emulator.soql.result import Record
from sfsync.emulator.soql.scope import FoundField
from sfsync.emulator.soql.sql import Sql, join_balanced
from sfsync.emulator.soql.statement import AllFields, Call, Children, Path, Query, Selected
from sfsync.emulator.soql.text_matching import collation, sameness
from sfsync.emulator.soql.values import Family, family_of

_AGGREGATES: Final = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_COUNTS: Final = frozenset({"COUNT", "COUNT_DISTINCT"})
_NUMBERS_ONLY: Final = frozenset({"SUM", "AVG"})
_DECIMALS: Final = 10
"""The platform adds decimals; the storage adds binary fractions, whose noise lies beyond this place."""


def is_grouped(query: Query) -> bool:
    """Say whether a query answers with groups instead of records."""
    if query.group_by or query.having:
        return True
    return any(
        isinstance(selection, Selected)
        and isinstance(selection.expression, Call)
        and selection.expression.name in _AGGREGATES
        for selection in query.selections
    )


def is_count(query: Query) -> bool:
    """Say whether a query is `SELECT COUNT() FROM ...`.

    Raises:
        QueryFault: MALFORMED_QUERY; COUNT() stands beside something else.
    """
    bare = [
        selection.expression
        for selection in query.selections
        if isinstance(selection, Selected)
        and isinstance(selection.expression, Call)
        and selection.expression.name == "COUNT"
        and selection.expression.argument is None
    ]
    if bare and (len(query.selections) > 1 or query.group_by or query.order_by):
        reason = "COUNT() must be the only element in the SELECT list, without GROUP BY and ORDER BY"
        raise malformed(reason, offset=bare[0].offset)
    return bool(bare)


@dataclass(slots=True)
class Grouping:
    """The SELECT of a grouped level while it is read."""

    level: Level
    columns: list[str] = field(default_factory=list)
    leaves: dict[str, Leaf] = field(default_factory=dict)
    _grouped: dict[str, Operand] = field(default_factory=dict)
    _unnamed: Iterator[int] = field(default_factory=count)

    def statement(self, query: Query) -> Sql:
        """Return the whole statement of the groups.

        Raises:
            QueryFault: a column that is neither grouped nor aggregated, or cannot be either.
        """
        for item in query.group_by:
            self._group(item)
        for selection in query.selections:
            self._select(selection)
        if query.having and not query.group_by:
            raise malformed("unexpected token: 'HAVING'")
        if not query.group_by and (query.limit is not None or query.order_by):
            clause = "LIMIT" if query.limit is not None else "ORDER BY"
            reason = f"Non-grouped query that uses overall aggregate functions cannot also use {clause}"
            raise malformed(reason, offset=query.source.offset)
        return self._assemble(query)

    def _assemble(self, query: Query) -> Sql:
        conditions = self.level.standing_conditions(query)
        if query.where:
            conditions.append(translate_condition(query.where, self.level))
        where = join_balanced(conditions, joint="AND") if conditions else Sql("1")
        having = Sql("")
        if query.having:
            held = translate_condition(query.having, self.level, read_group=self._read_grouped)
            having = Sql(f" HAVING {held.text}", held.parameters)
        order = order_clause(query, self._read_order)
        limit = limit_clause(query)
        groups = ", ".join(_sameness(operand) for operand in self._grouped.values())
        text = f"SELECT {', '.join(self.columns)} {self.level.scope.from_clause()} WHERE {where.text}"
        text += f" GROUP BY {groups}" if groups else ""
        text += having.text + (f" ORDER BY {order}" if order else "") + limit.text
        return Sql(text, where.parameters + having.parameters + limit.parameters)

    def _group(self, item: Path | Call) -> None:
        if isinstance(item, Call):
            operand = self._date_operand(item)
            self._grouped[operand.sql] = operand
            return
        found = self.level.scope.find(item)
        if not found.field.groupable:
            raise invalid_field(f"field '{item}' can not be grouped in a query call", offset=item.offset)
        self._grouped[found.sql] = operand_of(found)

    def _select(self, selection: Selected | AllFields | Children) -> None:
        match selection:
            case Selected(Path() as path, alias):
                found = self._grouped_field(path)
                leaf = self._leaf(found.sql, found.field.type, found.field)
                self._add(alias or found.field.name, leaf, path.offset)
            case Selected(Call() as call, alias):
                operand = self._called(call)
                leaf = self._leaf(operand.sql, operand.type, None)
                self._add(alias or f"expr{next(self._unnamed)}", leaf, call.offset)
            case Children(query):
                reason = "Grouped query cannot use child relationships in the SELECT list"
                raise malformed(reason, offset=query.source.offset)
            case AllFields(_, offset):
                raise malformed("Grouped query cannot use FIELDS() in the SELECT list", offset=offset)

    def _grouped_field(self, path: Path) -> FoundField:
        found = self.level.scope.find(path)
        if found.sql not in self._grouped:
            raise malformed(f"Field must be grouped or aggregated: {path}", offset=path.offset)
        return found

    def _called(self, call: Call) -> Operand:
        if not is_date_function(call):
            return self._aggregate_operand(call)
        operand = self._date_operand(call)
        if operand.sql not in self._grouped:
            raise malformed(f"Field must be grouped or aggregated: {call.argument}", offset=call.offset)
        return operand

    def _date_operand(self, call: Call) -> Operand:
        if not is_date_function(call) or call.argument is None:
            raise malformed(f"{call.name} is not played by this emulator in GROUP BY", offset=call.offset)
        return operand_of_date(call, self.level.scope.find(call.argument))

    def _leaf(self, sql: str, type_name: str, grouped: FieldShape | None) -> Leaf:
        self.columns.append(sql)
        return Leaf(
            index=len(self.columns) - 1,
            type=type_name,
            is_custom=grouped is not None and grouped.custom,
            convert=conversion_for(type_name),
            is_aggregate=grouped is None,
        )

    def _add(self, key: str, leaf: Leaf, offset: int) -> None:
        if key in self.leaves:
            raise malformed(f"duplicate alias: {key}", offset=offset)
        self.leaves[key] = leaf

    def _aggregate_operand(self, call: Call) -> Operand:
        if call.name not in _AGGREGATES or call.argument is None:
            raise malformed(
                f"{call.name} is not played by this emulator in grouped queries", offset=call.offset
            )
        found = self.level.scope.find(call.argument)
        operand = operand_of(found)
        is_number = family_of(found.field.type) is Family.NUMBER
        if not found.field.aggregatable or (call.name in _NUMBERS_ONLY and not is_number):
            reason = f"field {call.argument} does not support aggregate operator {call.name}"
            raise malformed(reason, offset=call.offset)
        sql = f"{call.name}({_collated(operand)})"
        if call.name == "COUNT_DISTINCT":
            sql = f"COUNT(DISTINCT {_sameness(operand)})"
        if call.name in _NUMBERS_ONLY and found.field.type != "int":
            sql = f"ROUND({sql}, {_DECIMALS})"
        type_name = "int" if call.name in _COUNTS else "double" if call.name == "AVG" else found.field.type
        return Operand(sql, str(call.argument), type_name, found.field.case_sensitive, call.offset)

    def _read_grouped(self, item: Path | Call) -> Operand:
        if isinstance(item, Call):
            return self._called(item)
        return operand_of(self._grouped_field(item))

    def _read_order(self, item: Path | Call) -> Operand:
        operand = self._read_grouped(item)
        if operand.found and not operand.found.field.sortable:
            raise invalid_field(f"field '{item}' can not be sorted in a query call", offset=item.offset)
        return operand

    def record(self, row: Row) -> Record:
        """Return the AggregateResult of one group."""
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        for key, leaf in self.leaves.items():
            value = row[leaf.index]
            record[key] = value if leaf.convert is None else leaf.convert(value)
        return record


def _sameness(operand: Operand) -> str:
    if operand.family is not Family.TEXT:
        return operand.sql
    return sameness(operand.sql, is_case_sensitive=operand.is_case_sensitive)


def _collated(operand: Operand) -> str:
    if operand.family is not Family.TEXT:
        return operand.sql
    return f"{operand.sql} COLLATE {collation(is_case_sensitive=operand.is_case_sensitive)}"

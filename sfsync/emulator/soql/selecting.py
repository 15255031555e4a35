"""Reads SELECT of ungrouped rows into a RecordPlan, and answers a level that has one.

Plain fields, parent paths, FIELDS(), toLabel() and format() become leaves; child subqueries become slots that
a second statement fills for all parents at once.
Invariant: one SQLite statement per level, however many parents there are.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sfsync.emulator.soql.catalogue import FieldShape
from sfsync.emulator.soql.conditions import translate_condition
from sfsync.emulator.soql.errors import QueryFault, invalid_field, malformed
from sfsync.emulator.soql.json_values import conversion_for, formatting_for
from sfsync.emulator.soql.level import Level
from sfsync.emulator.soql.ordering import field_reader, limit_clause, offset_of, order_clause
from sfsync.emulator.soql.record_plan import ChildSlot, Leaf, RecordPlan, Row
from sfsync.emulator.soql.scope import FoundField, sobject_named
from sfsync.emulator.soql.sql import Sql, join_balanced
from sfsync.emulator.soql.statement import AllFields, Call, Children, Path, Query, Selected, Selection
from sfsync.emulator.soql.text_matching import is_listed

# Source: SOQL and SOSL Reference, "FIELDS()" and "Relationship Query Limitations" [D].
_MAX_FIELDS_LIMIT: Final = 200
_ADVICE: Final = "Please reference your WSDL or the describe call for the appropriate names."


@dataclass(slots=True)
class ChildFetch:
    """A child subquery to run once the parents' ids are known."""

    query: Query
    selecting: "Selecting"
    reference_sql: str
    slot: ChildSlot

    def run(self, connection: sqlite3.Connection, parent_ids: Sequence[str]) -> None:
        """Fetch the children of all the parents, and theirs, and put them into their slots."""
        parents = is_listed(self.reference_sql, parent_ids)
        statement = self._statement(self.selecting.rows_where(self.query, parents))
        rows_by_parent = self.slot.rows_by_parent
        for row in connection.execute(statement.text, statement.parameters):
            rows_by_parent.setdefault(row[-1], []).append(row)
        if self.selecting.children:
            id_index = self.slot.plan.id_index
            ids = [row[id_index] for rows in rows_by_parent.values() for row in rows]
            for child in self.selecting.children:
                child.run(connection, ids)

    def _statement(self, body: Sql) -> Sql:
        order = order_clause(self.query, field_reader(self.selecting.level))
        columns = self.selecting.columns
        skipped = offset_of(self.query)
        if self.query.limit is None and not skipped:
            sorted_by = f" ORDER BY {order}" if order else ""
            return Sql(
                f"SELECT {', '.join(columns)}, {self.reference_sql} {body.text}{sorted_by}", body.parameters
            )
        named = ", ".join(f"{sql} AS c{index}" for index, sql in enumerate(columns))
        names = ", ".join(f"c{index}" for index in range(len(columns)))
        place = (
            f"ROW_NUMBER() OVER (PARTITION BY {self.reference_sql}{f' ORDER BY {order}' if order else ''})"
        )
        inner = f"SELECT {named}, {self.reference_sql} AS parent, {place} AS place {body.text}"
        last = -1 if self.query.limit is None else skipped + self.query.limit
        kept = "place > ? AND (? < 0 OR place <= ?)"
        text = f"SELECT {names}, parent FROM ({inner}) WHERE {kept} ORDER BY place"  # noqa: S608 - confirmed names
        return Sql(text, (*body.parameters, skipped, last, last))


@dataclass(slots=True)
class Selecting:
    """The SELECT of one level while it is read; `columns` are the SQL expressions to fetch."""

    level: Level
    columns: list[str] = field(default_factory=list)
    children: list[ChildFetch] = field(default_factory=list)
    _indexes: dict[str, int] = field(default_factory=dict)
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def read(self, query: Query) -> RecordPlan:
        """Return the plan of the level's records.

        Raises:
            QueryFault: an unknown name, a field named twice, an alias or a function that does not apply.
        """
        root = self.level.scope.root
        plan = RecordPlan(root, self._column(root.id_column))
        for selection in query.selections:
            self._add(selection, plan, query)
        return plan

    def rows_where(self, query: Query, *extra: Sql) -> Sql:
        """Return FROM and WHERE of the level, the query's condition and the standing ones together."""
        conditions = [*extra, *self.level.standing_conditions(query)]
        if query.where:
            conditions.append(translate_condition(query.where, self.level))
        order_clause(query, field_reader(self.level))  # asks for the joins that sorting needs
        if not conditions:
            return Sql(self.level.scope.from_clause())
        held = join_balanced(conditions, joint="AND")
        return Sql(f"{self.level.scope.from_clause()} WHERE {held.text}", held.parameters)

    def statement(self, query: Query) -> Sql:
        """Return the whole statement of the level."""
        body, limit = self.rows_where(query), limit_clause(query)
        order = order_clause(query, field_reader(self.level))
        sorted_by = f" ORDER BY {order}" if order else ""
        text = f"SELECT {', '.join(self.columns)} {body.text}{sorted_by}{limit.text}"
        return Sql(text, body.parameters + limit.parameters)

    def _column(self, sql: str) -> int:
        if sql not in self._indexes:
            self._indexes[sql] = len(self.columns)
            self.columns.append(sql)
        return self._indexes[sql]

    def _add(self, selection: Selection, plan: RecordPlan, query: Query) -> None:
        match selection:
            case Selected(Path() as path, alias):
                if alias is not None:
                    raise malformed("only aggregate expressions use field aliasing", offset=path.offset)
                self._add_path(path, plan)
            case Selected(Call() as call, alias):
                self._add_call(call, alias, plan)
            case AllFields():
                for path in _fields_of(selection, query, self.level):
                    self._add_path(path, plan)
            case Children(inner):
                self._add_children(inner, plan)

    def _add_path(self, path: Path, plan: RecordPlan) -> None:
        found = self.level.scope.find(path)
        self._refuse_repeated((*found.table.names, found.field.name), path)
        convert = conversion_for(found.field.type)
        leaf = Leaf(self._column(found.sql), found.field.type, found.field.custom, convert)
        self._record_of(found, plan).entries[found.field.name] = leaf

    def _add_call(self, call: Call, alias: str | None, plan: RecordPlan) -> None:
        if call.name not in {"TOLABEL", "FORMAT"} or call.argument is None:
            raise malformed(f"{call.name} is not played by this emulator in SELECT", offset=call.offset)
        found = self.level.scope.find(call.argument)
        is_format = call.name == "FORMAT"
        convert = formatting_for(found.field.type) if is_format else conversion_for(found.field.type)
        leaf = Leaf(
            self._column(found.sql), "string" if is_format else found.field.type, found.field.custom, convert
        )
        if alias is not None:
            self._refuse_repeated((alias,), call.argument)
            plan.entries[alias] = leaf
            return
        self._refuse_repeated((*found.table.names, found.field.name), call.argument)
        self._record_of(found, plan).entries[found.field.name] = leaf

    def _refuse_repeated(self, names: tuple[str, ...], path: Path) -> None:
        way = tuple(name.lower() for name in names)
        if way in self._seen:
            raise invalid_field(f"duplicate field selected: {path}", offset=path.offset)
        self._seen.add(way)

    def _record_of(self, found: FoundField, plan: RecordPlan) -> RecordPlan:
        """Return the record that holds the field: the plan itself or, level by level, a parent in it."""
        for depth, name in enumerate(found.table.names, start=1):
            parent = plan.entries.get(name)
            if not isinstance(parent, RecordPlan):
                table = self.level.scope.table_at(found.table.names[:depth])
                parent = RecordPlan(table, self._column(table.id_column))
                plan.entries[name] = parent
            plan = parent
        return plan

    def _add_children(self, query: Query, plan: RecordPlan) -> None:
        offset = query.source.offset
        if query.group_by or query.having:
            raise malformed("aggregates are not allowed in a subquery", offset=offset)
        name = query.source.parts[-1]
        link = plan.table.shape.child_relationships.get(name.lower())
        if link is None:
            reason = (
                f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting "
                "to use a custom relationship, be sure to append the '__r' after the custom relationship "
                f"name. {_ADVICE}"
            )
            raise QueryFault("INVALID_TYPE", reason, offset=offset)
        self._refuse_repeated((link.name,), query.source)
        setting = self.level.setting
        shape = sobject_named(link.sobject, catalogue=setting.catalogue, offset=offset)
        level = self.level.open_child(query, shape)
        selecting = Selecting(level)
        slot = ChildSlot(selecting.read(query), setting.nest)
        reference = level.scope.find(Path((link.field,), offset))
        self.children.append(ChildFetch(query, selecting, reference.sql, slot))
        plan.entries[link.name] = slot


def _fields_of(selection: AllFields, query: Query, level: Level) -> list[Path]:
    is_bounded = query.limit is not None and query.limit <= _MAX_FIELDS_LIMIT
    if selection.kind != "STANDARD" and not is_bounded:
        reason = f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_FIELDS_LIMIT}"
        raise malformed(reason, offset=selection.offset)

    def is_wanted(shape: FieldShape) -> bool:
        return selection.kind == "ALL" or shape.custom == (selection.kind == "CUSTOM")

    fields = level.scope.root.shape.fields.values()
    return [Path((shape.name,), selection.offset) for shape in fields if is_wanted(shape)]


def fetch_rows(connection: sqlite3.Connection, statement: Sql) -> list[Row]:
    """Return every row of a statement."""
    return connection.execute(statement.text, statement.parameters).fetchall()

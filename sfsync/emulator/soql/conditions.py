"""Translates WHERE and HAVING: one condition of a statement into one SQLite condition.

Every leaf means what the platform means: text without regard to case, null as empty text, `!=` and NOT IN
true for nulls. NOT flips a leaf's two-valued answer, never SQL's third value.
Invariant: literals become parameters; a list becomes one parameter, however long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.emulator.soql.date_functions import date_function, is_date_function
from sfsync.emulator.soql.errors import QueryFault, invalid_field, malformed
from sfsync.emulator.soql.level import Level
from sfsync.emulator.soql.scope import FoundField, sobject_named
from sfsync.emulator.soql.sql import Sql, SqlValue, join_balanced
from sfsync.emulator.soql.statement import (
    Call,
    Chain,
    Comparison,
    Condition,
    Literal,
    NamedDate,
    Negation,
    Path,
    Query,
    Selected,
)
from sfsync.emulator.soql.text_matching import collation, includes_all, is_any_of, is_like, is_listed
from sfsync.emulator.soql.values import Family, family_of, range_for, value_for, wrong_type

_ORDERINGS: Final = frozenset({"<", "<=", ">", ">="})
_LABELLING: Final = frozenset({"TOLABEL"})


@dataclass(frozen=True, slots=True)
class Operand:
    """The left side of a comparison: a field, or in HAVING an aggregate."""

    sql: str
    name: str
    type: str
    is_case_sensitive: bool
    offset: int
    found: FoundField | None = None

    @property
    def family(self) -> Family:
        """How it is stored and compared."""
        return family_of(self.type)


OperandReader = Callable[[Path | Call], Operand]


def operand_of(found: FoundField) -> Operand:
    """Return a field as the side of a comparison."""
    sql, field = found.sql, found.field
    if field.type == "boolean" and found.table.names:
        sql = f"COALESCE({sql}, 0)"  # a flag of a missing parent counts as false
    return Operand(sql, field.name, field.type, field.case_sensitive, found.path.offset, found)


def operand_of_date(call: Call, found: FoundField) -> Operand:
    """Return a date function on a field as the side of a comparison.

    Raises:
        QueryFault: INVALID_FIELD when the function does not take the field.
    """
    sql, type_name = date_function(call, found)
    return Operand(sql, f"{call.name}({call.argument})", type_name, False, call.offset)  # noqa: FBT003 - numbers


def translate_condition(
    condition: Condition, level: Level, *, read_group: OperandReader | None = None
) -> Sql:
    """Return the SQL of a condition on the rows (or, with `read_group`, the groups) of a level.

    Raises:
        QueryFault: a field that cannot be filtered, a literal of the wrong type, an operator that
            does not apply.
    """
    return _Translation(level, read_group).translate(condition, is_under_or=False)


@dataclass(frozen=True, slots=True)
class _Translation:
    level: Level
    read_group: OperandReader | None

    def translate(self, condition: Condition, *, is_under_or: bool) -> Sql:
        match condition:
            case Chain(joint, conditions):
                is_or = is_under_or or joint == "OR"
                pieces = [self.translate(each, is_under_or=is_or) for each in conditions]
                return join_balanced(pieces, joint=joint)
            case Negation(inner):
                return _is_not_true(self.translate(inner, is_under_or=is_under_or))
            case Comparison(operand, operator, Query() as query):
                return self._semi_join(self._operand(operand), operator, query, is_under_or=is_under_or)
            case Comparison(operand, operator, Literal() as literal):
                return self._compare(self._operand(operand), operator, literal)
            case Comparison(operand, operator, tuple() as literals):
                return self._compare_list(self._operand(operand), operator, literals)
        raise AssertionError(condition)

    def _operand(self, side: Path | Call) -> Operand:
        if isinstance(side, Call) and side.name in _LABELLING and side.argument:
            side = side.argument
        if self.read_group is not None:
            return self.read_group(side)
        if isinstance(side, Path):
            return operand_of(self._filterable(side))
        if not is_date_function(side) or side.argument is None:
            raise malformed(f"{side.name} is not allowed in this context", offset=side.offset)
        return operand_of_date(side, self._filterable(side.argument))

    def _filterable(self, path: Path) -> FoundField:
        found = self.level.scope.find(path)
        if not found.field.filterable:
            raise invalid_field(f"field '{path}' can not be filtered in a query call", offset=path.offset)
        return found

    def _compare(self, operand: Operand, operator: str, literal: Literal) -> Sql:
        if operator == "LIKE":
            return _like(operand, literal)
        if operator in _ORDERINGS:
            return self._order(operand, operator, literal)
        equal = self._equal(operand, literal)
        return equal if operator == "=" else _is_not_true(equal)

    def _equal(self, operand: Operand, literal: Literal) -> Sql:
        if isinstance(literal.value, NamedDate):
            first, after = self._range(operand, literal)
            return Sql(f"({operand.sql} >= ? AND {operand.sql} < ?)", (first, after))
        return _is_one_of(operand, [_value(operand, literal)])

    def _order(self, operand: Operand, operator: str, literal: Literal) -> Sql:
        if operand.family is Family.BOOLEAN or operand.type == "multipicklist":
            raise _bad_operator(operand)
        if isinstance(literal.value, NamedDate):
            first, after = self._range(operand, literal)
            bound, operator = {
                "<": (first, "<"), "<=": (after, "<"), ">": (after, ">="), ">=": (first, ">=")
            }[operator]  # fmt: skip
            return Sql(f"{operand.sql} {operator} ?", (bound,))
        sql = operand.sql
        if operand.family is Family.TEXT:
            sql = f"{sql} COLLATE {collation(is_case_sensitive=operand.is_case_sensitive)}"
        return Sql(f"{sql} {operator} ?", (_value(operand, literal),))

    def _compare_list(self, operand: Operand, operator: str, literals: Sequence[Literal]) -> Sql:
        if operator in {"INCLUDES", "EXCLUDES"}:
            included = _includes(operand, literals)
            return included if operator == "INCLUDES" else _is_not_true(included)
        plain = [_value(operand, each) for each in literals if not isinstance(each.value, NamedDate)]
        pieces = [self._equal(operand, each) for each in literals if isinstance(each.value, NamedDate)]
        if plain:
            pieces.append(_is_one_of(operand, plain))
        found = join_balanced(pieces, joint="OR")
        return found if operator == "IN" else _is_not_true(found)

    def _range(self, operand: Operand, literal: Literal) -> tuple[str, str]:
        return range_for(literal, name=operand.name, type_name=operand.type, now=self.level.setting.now)

    def _semi_join(self, operand: Operand, operator: str, query: Query, *, is_under_or: bool) -> Sql:
        if is_under_or:
            raise malformed(
                "Semi join sub-selects are not allowed with the 'OR' operator", offset=operand.offset
            )
        if operand.family is not Family.ID:
            reason = (
                "The left operand field in the where expression for outer query should be an id field, "
                f"cannot use: '{operand.name}'"
            )
            raise malformed(reason, offset=operand.offset)
        self.level.count_semi_join(offset=operand.offset)
        inner = _inner_select(query, self.level)
        found = Sql(f"{operand.sql} IN ({inner.text})", inner.parameters)
        return found if operator == "IN" else _is_not_true(found)


def _inner_select(query: Query, outer: Level) -> Sql:
    if (
        query.group_by
        or query.having
        or query.order_by
        or query.limit is not None
        or query.offset is not None
    ):
        raise malformed("a semi join sub-select has only SELECT, FROM and WHERE", offset=query.source.offset)
    match query.selections:
        case (Selected(Path() as path, None),):
            pass
        case _:
            raise malformed("a semi join sub-select selects exactly one field", offset=query.source.offset)
    setting = outer.setting
    shape = sobject_named(str(query.source), catalogue=setting.catalogue, offset=query.source.offset)
    if shape.name == outer.scope.root.shape.name:
        reason = "The inner and outer selects should not be on the same object type"
        raise malformed(reason, offset=query.source.offset)
    level = setting.open_level(query, shape, is_semi_join=True)
    found = level.scope.find(path)
    if family_of(found.field.type) is not Family.ID:
        reason = f"The inner select field '{path}' should be an id or reference field"
        raise malformed(reason, offset=path.offset)
    where = [Sql(f"{found.sql} IS NOT NULL"), *level.standing_conditions(query)]
    if query.where:
        where.append(translate_condition(query.where, level))
    held = join_balanced(where, joint="AND")
    return Sql(f"SELECT {found.sql} {level.scope.from_clause()} WHERE {held.text}", held.parameters)


def _is_one_of(operand: Operand, values: Sequence[SqlValue]) -> Sql:
    present = [value for value in values if value is not None]
    choices = []
    if len(present) < len(values):
        choices.append(Sql(f"{operand.sql} IS NULL"))
    if present and operand.family is Family.TEXT:
        choices.append(is_any_of(operand.sql, present, is_case_sensitive=operand.is_case_sensitive))
    elif len(present) == 1:
        choices.append(Sql(f"{operand.sql} = ?", (present[0],)))
    elif present:
        choices.append(is_listed(operand.sql, present))
    return join_balanced(choices, joint="OR")


def _like(operand: Operand, literal: Literal) -> Sql:
    if operand.family is not Family.TEXT or operand.type == "multipicklist":
        raise _bad_operator(operand)
    if not isinstance(literal.value, str):
        raise wrong_type(operand.name, operand.type, offset=literal.offset)
    if not literal.value:
        return Sql(f"{operand.sql} IS NULL")
    return is_like(operand.sql, literal.value, is_case_sensitive=operand.is_case_sensitive)


def _includes(operand: Operand, literals: Sequence[Literal]) -> Sql:
    if operand.type != "multipicklist":
        raise _bad_operator(operand)
    pieces = []
    for literal in literals:
        value = _value(operand, literal)
        pieces.append(
            includes_all(operand.sql, value) if isinstance(value, str) else _is_one_of(operand, [None])
        )
    return join_balanced(pieces, joint="OR")


def _value(operand: Operand, literal: Literal) -> SqlValue:
    return value_for(literal, name=operand.name, type_name=operand.type)


def _is_not_true(condition: Sql) -> Sql:
    return Sql(f"(({condition.text}) IS NOT TRUE)", condition.parameters)


def _bad_operator(operand: Operand) -> QueryFault:
    kind = "id" if operand.family is Family.ID else operand.type
    return QueryFault(
        "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field", offset=operand.offset
    )

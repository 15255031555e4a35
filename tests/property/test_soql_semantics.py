"""SOQL against a plain reading of it: on random small orgs the engine and a few lines of Python agree.

Conditions are made as pairs of a text and a predicate over a row, so that every shape of NOT, AND, OR, null, LIKE,
IN and comparison is judged by Python's own logic. Text compares without case, null is not less than anything, and a
condition on null is false unless it asks for null or for anything else.
"""

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.emulator.soql import ChildRelationship, SObjectShape, run_query

Row = dict[str, Any]
Condition = tuple[str, Callable[[Row], bool]]
COLUMNS = {
    "Id": ("id", "TEXT PRIMARY KEY"),
    "Name": ("string", "TEXT"),
    "Key__c": ("string", "TEXT"),
    "Amount": ("currency", "REAL"),
    "Flag__c": ("boolean", "INTEGER"),
    "Day__c": ("date", "TEXT"),
    "Sizes__c": ("multipicklist", "TEXT"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    type: str
    case_sensitive: bool = False
    relationship_name: str | None = None
    reference_to: tuple[str, ...] = ()
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    custom: bool = False


@dataclass(frozen=True, slots=True)
class OneTable:
    api_version: float = 66.0
    name: str = "Deal"
    fields: Mapping[str, Shape] = field(
        default_factory=lambda: {
            name.lower(): Shape(name, kind, case_sensitive=name == "Key__c")
            for name, (kind, _) in COLUMNS.items()
        }
    )
    child_relationships: Mapping[str, ChildRelationship] = field(default_factory=dict)

    def sobject(self, name: str, /) -> SObjectShape | None:
        """Know deals only."""
        return self if name.lower() == "deal" else None

    def record_url(self, sobject: str, record_id: str, /) -> str:
        """Return some path."""
        return f"/{sobject}/{record_id}"


@pytest.fixture(scope="module")
def records():
    """Open an empty table of deals."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.execute(
        f'CREATE TABLE "Deal" ({", ".join(f"{name} {sql}" for name, (_, sql) in COLUMNS.items())})'
    )
    yield opened
    opened.close()


def ask(records: sqlite3.Connection, soql: str) -> list[Row]:
    """Return the records of a statement."""
    now = datetime(2026, 9, 30, tzinfo=UTC)
    result = run_query(soql, catalogue=OneTable(), connection=records, now=now, user_id="")
    return list(result.records)


def store(records: sqlite3.Connection, rows: list[Row]) -> None:
    """Replace what the table holds."""
    records.execute("DELETE FROM Deal")
    marks = ", ".join("?" * len(COLUMNS))
    records.executemany(
        f"INSERT INTO Deal VALUES ({marks})", [tuple(row[name] for name in COLUMNS) for row in rows]
    )


texts = st.text("aAbBéÉ%_\\' ", min_size=1, max_size=3)
amounts = st.integers(-3, 3)
days = st.sampled_from(["2025-12-31", "2026-01-01", "2026-09-30"])
sizes = st.lists(st.sampled_from("SML"), min_size=1, unique=True).map(";".join)
cells = st.fixed_dictionaries(
    {
        "Name": st.none() | texts,
        "Key__c": st.none() | texts,
        "Amount": st.none() | amounts,
        "Flag__c": st.booleans(),
        "Day__c": st.none() | days,
        "Sizes__c": st.none() | sizes,
    }
)
orgs = st.lists(cells, max_size=6).map(
    lambda rows: [{"Id": f"001000000000{n:03d}AAA", **row} for n, row in enumerate(rows)]
)


def quoted(value: str | None) -> str:
    """Return a literal."""
    return "null" if value is None else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def plain(value: Any) -> str:
    """Return a literal that needs no quotes."""
    return "null" if value is None else str(value).lower()


def folded(name: str, value: str | None) -> str | None:
    """Return a text as its field compares it."""
    return value if name == "Key__c" or value is None else value.lower()


def ascii_folded(name: str, value: str) -> str:
    """Return a text as its field sorts it: letters beyond A-Z sort by their code."""
    return value if name == "Key__c" else "".join(c.lower() if c.isascii() else c for c in value)


ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@st.composite
def text_conditions(draw: st.DrawFn) -> Condition:
    """Compare a text with a value, a list or an order."""
    name = draw(st.sampled_from(["Name", "Key__c"]))
    kind = draw(st.sampled_from(["=", "!=", "IN", "NOT IN", *ORDERINGS]))
    if kind in ORDERINGS:
        bound, holds = draw(texts), ORDERINGS[kind]
        limit = ascii_folded(name, bound)
        return (
            f"{name} {kind} {quoted(bound)}",
            lambda row: row[name] is not None and holds(ascii_folded(name, row[name]), limit),
        )
    values = draw(st.lists(st.none() | texts, min_size=1, max_size=3))
    values = values if "IN" in kind else values[:1]
    among = {folded(name, value) for value in values}
    literal = f"({', '.join(map(quoted, values))})" if "IN" in kind else quoted(values[0])
    is_wanted = kind in {"=", "IN"}
    return f"{name} {kind} {literal}", lambda row: (folded(name, row[name]) in among) == is_wanted


@st.composite
def patterns(draw: st.DrawFn) -> Condition:
    """Compare a text with a pattern of literal characters and wildcards."""
    name = draw(st.sampled_from(["Name", "Key__c"]))
    parts = draw(
        st.lists(st.sampled_from(["%", "_"]) | texts.map(lambda text: f"={text[0]}"), min_size=1, max_size=4)
    )
    wild = {"%": ".*", "_": "."}
    expression = "".join(
        wild[part] if part in wild else re.escape(folded(name, part[1:]) or "") for part in parts
    )
    literal = "".join(part if part in wild else re.sub(r"([\\'%_])", r"\\\1", part[1:]) for part in parts)
    finder = re.compile(expression, re.DOTALL)
    return (
        f"{name} LIKE '{literal}'",
        lambda row: row[name] is not None and finder.fullmatch(folded(name, row[name]) or "") is not None,
    )


@st.composite
def value_conditions(draw: st.DrawFn) -> Condition:
    """Compare a number, a flag, a date or its year, or the values of a multi-select."""
    name, values = draw(st.sampled_from([("Amount", amounts), ("Day__c", days)]))
    kind = draw(
        st.sampled_from(["=", "!=", "IN", "NOT IN", "flag", "year", "INCLUDES", "EXCLUDES", *ORDERINGS])
    )
    if kind == "flag":
        flag = draw(st.booleans())
        return f"Flag__c = {plain(flag)}", lambda row: row["Flag__c"] == flag
    if kind == "year":
        return "CALENDAR_YEAR(Day__c) != 2026", lambda row: not (row["Day__c"] or "").startswith("2026")
    if kind in {"INCLUDES", "EXCLUDES"}:
        wanted = draw(st.lists(sizes, min_size=1, max_size=2))
        choices = [set(choice.split(";")) for choice in wanted]
        return (
            f"Sizes__c {kind} ({', '.join(map(quoted, wanted))})",
            lambda row: (
                any(c <= set((row["Sizes__c"] or "").split(";")) for c in choices) == (kind == "INCLUDES")
            ),
        )
    if kind in ORDERINGS:
        bound, holds = draw(values), ORDERINGS[kind]
        return f"{name} {kind} {bound}", lambda row: row[name] is not None and holds(row[name], bound)
    among = draw(st.lists(st.none() | values, min_size=1, max_size=3))
    among = among if "IN" in kind else among[:1]
    literal = f"({', '.join(map(plain, among))})" if "IN" in kind else plain(among[0])
    return f"{name} {kind} {literal}", lambda row: (row[name] in among) == (kind in {"=", "IN"})


def joined(joint: str, parts: list[Condition]) -> Condition:
    """Join conditions by AND or OR."""
    holds = all if joint == "AND" else any
    return f" {joint} ".join(f"({text})" for text, _ in parts), lambda row: holds(
        test(row) for _, test in parts
    )


def negated(part: Condition) -> Condition:
    """Return the opposite of a condition."""
    text, test = part
    return f"NOT ({text})", lambda row: not test(row)


conditions = st.recursive(
    text_conditions() | patterns() | value_conditions(),
    lambda inner: (
        inner.map(negated)
        | st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda p: joined(*p)
        )
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(rows=orgs, condition=conditions)
def test_conditions_find_what_plain_logic_finds(records, rows, condition):
    """Any nesting of NOT, AND and OR over any comparison finds exactly the rows that the words say."""
    store(records, rows)
    text, test = condition
    found = [row["Id"] for row in ask(records, f"SELECT Id FROM Deal WHERE {text} ORDER BY Id")]
    assert found == [row["Id"] for row in rows if test(row)]


def sort_key(name: str, row: Row) -> Any:
    """Return what a row is sorted by when its value is not null."""
    return ascii_folded(name, row[name]) if isinstance(row[name], str) else row[name]


@settings(max_examples=150, deadline=None)
@given(
    rows=orgs,
    name=st.sampled_from(["Name", "Key__c", "Amount", "Day__c"]),
    direction=st.sampled_from(["", "ASC", "DESC"]),
    nulls=st.sampled_from(["", "NULLS FIRST", "NULLS LAST"]),
    limit=st.integers(0, 7),
    offset=st.integers(0, 3),
)
def test_order_limit_and_offset_cut_what_sorting_sorts(records, rows, name, direction, nulls, limit, offset):
    """Nulls stand where they are told to, first unless told otherwise; LIMIT and OFFSET cut the sorted rows."""
    store(records, rows)
    some = [row for row in rows if row[name] is not None]
    some = sorted(some, key=lambda row: sort_key(name, row), reverse=direction == "DESC")
    none = [row for row in rows if row[name] is None]
    expected = [*some, *none] if nulls == "NULLS LAST" else [*none, *some]
    order = f"ORDER BY {name} {direction} {nulls}, Id LIMIT {limit} OFFSET {offset}"
    found = [row["Id"] for row in ask(records, f"SELECT Id FROM Deal {order}")]
    assert found == [row["Id"] for row in expected][offset : offset + limit]


def aggregated(rows: list[Row]) -> Row:
    """Return the aggregates of rows as the platform defines them: nulls do not count."""
    values = [row["Amount"] for row in rows if row["Amount"] is not None]
    return {
        "expr0": len(rows),
        "expr1": len(values),
        "total": sum(values) if values else None,
        "least": min(values, default=None),
        "most": max(values, default=None),
        "mean": pytest.approx(sum(values) / len(values)) if values else None,
        "names": len({row["Name"].lower() for row in rows if row["Name"] is not None}),
    }


@settings(max_examples=150, deadline=None)
@given(rows=orgs, least=st.integers(0, 3))
def test_aggregates_count_what_counting_counts(records, rows, least):
    """Aggregates of all rows and of groups agree with plain sums; HAVING leaves whole groups out."""
    store(records, rows)
    columns = (
        "COUNT(Id), COUNT(Amount), SUM(Amount) total, MIN(Amount) least, MAX(Amount) most, "
        "AVG(Amount) mean, COUNT_DISTINCT(Name) names"
    )
    attributes = {"attributes": {"type": "AggregateResult"}}
    assert ask(records, f"SELECT {columns} FROM Deal") == [{**attributes, **aggregated(rows)}]
    grouped = ask(
        records,
        f"SELECT Flag__c, {columns} FROM Deal GROUP BY Flag__c HAVING COUNT(Id) > {least} ORDER BY Flag__c",
    )
    by_name = ask(records, "SELECT Name, COUNT(Id) n FROM Deal GROUP BY Name")
    assert len(by_name) == len({folded("Name", row["Name"]) for row in rows})
    assert sum(group["n"] for group in by_name) == len(rows)
    groups = [(flag, [row for row in rows if row["Flag__c"] == flag]) for flag in (False, True)]
    assert grouped == [
        {**attributes, "Flag__c": flag, **aggregated(held)} for flag, held in groups if len(held) > least
    ]

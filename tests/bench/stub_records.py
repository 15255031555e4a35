"""Answers queries from the stub's store: which records a statement means, and how they are shown.

A statement that can only be answered by looking at every record is answered so for COUNT(), bulk queries and
pages by id; any other condition must lead to its records by an id, a key, a name or a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from stub_soql import Condition, Query, UnknownSoqlError
from stub_store import Body, Store, Table

TIMES: Final = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_BODILESS: Final = frozenset({"Id", *TIMES, "IsDeleted", "CreatedById", "LastModifiedById"})
"""Fields that are known without reading what is saved: every record here is written by the one user."""

Getter = Callable[[int, Body], Any]


@lru_cache(maxsize=4096)
def platform_time(moment: float) -> str:
    """A moment as the platform writes it, to the second."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class Records:
    """Reads of one store."""

    def __init__(self, store: Store, org: Mapping[str, Any]) -> None:
        self._store = store
        self._user = org["user"]
        self._record_type = org["record_type"]
        self._stages = {each["ApiName"]: each for each in org["listed"]["OpportunityStage"]}
        self._listed = org["listed"]

    def listed(self, query: Query) -> list[dict[str, Any]] | None:
        """The records of a small object that is kept as it was asked for, or None."""
        found = self._listed.get(query.sobject)
        if found is None:
            return None
        unknown = [name for name in query.fields if any(name not in each for each in found)]
        if unknown or query.conditions:
            raise UnknownSoqlError(f"{query.sobject} is known without {unknown or 'conditions'}")
        return list(found)

    def numbers(self, query: Query, *, with_deleted: bool) -> list[int]:
        """The records that a statement means, in the order of their ids, or as its list names them."""
        table = self._table(query.sobject)
        found = list(self._matching(table, query, with_deleted=with_deleted))
        if query.others:
            either = replace(query, conditions=query.others, others=())
            found = sorted({*found, *self._matching(table, either, with_deleted=with_deleted)})
        if query.order_by is not None:
            if query.order_by not in ("Id", *TIMES):
                raise UnknownSoqlError(f"ORDER BY {query.order_by}")
            found.sort()
            if query.order_by in TIMES:
                found.sort(key=getattr(table, _ARRAYS[query.order_by]).__getitem__)
        return found[: query.limit] if query.limit is not None else found

    def _matching(self, table: Table, query: Query, *, with_deleted: bool) -> Iterator[int]:
        """The records that meet all conditions of a list, each once; no more than are asked for in any order."""
        candidates, rest = self._candidates(table, query)
        tests = [self._test(table, each) for each in rest]
        needs_body = any(each.path not in _BODILESS for each in rest)
        most = query.limit if query.order_by is None and not query.others else None
        seen: set[int] = set()
        for number in candidates:
            if number in seen or (table.is_deleted[number] and not with_deleted):
                continue
            body = table.body(number) if needs_body else {}
            if all(test(number, body) for test in tests):
                yield number
                seen.add(number)
                if len(seen) == most:
                    return

    def shown(self, query: Query, numbers: Iterable[int]) -> list[dict[str, Any]]:
        """The records as an answer has them."""
        table = self._table(query.sobject)
        columns = [(name.split("."), self._getter(table, name)) for name in query.fields]
        return [self._record(table, number, columns) for number in numbers]

    def cells(self, query: Query, number: int) -> list[Any]:
        """The values of one record in the order of the statement's fields."""
        table = self._table(query.sobject)
        body = table.body(number)
        return [self._getter(table, name)(number, body) for name in query.fields]

    def _record(self, table: Table, number: int, columns: list[tuple[list[str], Getter]]) -> dict[str, Any]:
        body = table.body(number)
        record: dict[str, Any] = {"attributes": table.attributes(table.id_of(number))}
        for path, get in columns:
            value = get(number, body)
            if len(path) == 1:
                record[path[0]] = value
            elif path[0] in record and record[path[0]] is not None:
                record[path[0]][path[1]] = value
            else:
                record[path[0]] = None if value is None else {"attributes": {"type": path[0]}, path[1]: value}
        return record

    def _table(self, sobject: str) -> Table:
        table = self._store.tables.get(sobject)
        if table is None:
            raise UnknownSoqlError(f"no records of {sobject} are kept here")
        return table

    def _candidates(self, table: Table, query: Query) -> tuple[Iterable[int], list[Condition]]:
        for place, each in enumerate(query.conditions):
            if each.operator in ("=", "IN"):
                found = table.found(each.path, each.values)
                if found is not None:
                    return found, [*query.conditions[:place], *query.conditions[place + 1 :]]
        for each in query.conditions:
            if each.path in ("SystemModstamp", "LastModifiedDate") and each.operator in (">=", ">"):
                return table.since(_moment(each)), list(query.conditions)
        for place, each in enumerate(query.conditions):
            if each.operator == "!=" and each.values == (None,) and each.path in table.keys:
                rest = [*query.conditions[:place], *query.conditions[place + 1 :]]
                return sorted(set(table.keys[each.path].values())), rest
        known = (*_BODILESS, *table.keys)
        strange = [each.path for each in query.conditions if each.path not in known]
        if strange and len(table):
            raise UnknownSoqlError(f"{table.name} by {strange} would read every record")
        return range(len(table)), list(query.conditions)

    def _test(self, table: Table, condition: Condition) -> Callable[[int, Body], bool]:
        get = self._getter(table, condition.path)
        values = {_plain(each) for each in condition.values}
        [first] = values if len(values) == 1 else (None,)
        if condition.path in TIMES:
            moment, moments = _moment(condition), getattr(table, _ARRAYS[condition.path])
            compare = _COMPARISONS[condition.operator]
            return lambda number, _: compare(int(moments[number]), moment)
        match condition.operator:
            case "IN" | "=":
                return lambda number, body: _plain(get(number, body)) in values
            case "!=":
                return lambda number, body: _plain(get(number, body)) not in values
        compare = _COMPARISONS[condition.operator]
        return lambda number, body: (value := get(number, body)) is not None and compare(_plain(value), first)

    def _getter(self, table: Table, path: str) -> Getter:
        name, _, rest = path.partition(".")
        if rest:
            return self._parent_getter(table, name, rest)
        if name not in table.fields:
            raise UnknownSoqlError(f"{table.name} has no field {name}")
        own = self._own_getters(table).get(name)
        return own if own is not None else lambda _, body: body.get(name)

    def _own_getters(self, table: Table) -> dict[str, Getter]:
        user = self._user["Id"]
        getters: dict[str, Getter] = {
            "Id": lambda number, _: table.id_of(number),
            "CreatedById": lambda *_: user,
            "LastModifiedById": lambda *_: user,
            "OwnerId": lambda _, body: body.get("OwnerId") or user,
            "CreatedDate": lambda number, _: platform_time(table.created[number]),
            "LastModifiedDate": lambda number, _: platform_time(table.modified[number]),
            "SystemModstamp": lambda number, _: platform_time(table.modified[number]),
            "IsDeleted": lambda number, _: bool(table.is_deleted[number]),
            "IsPrimary": lambda _, body: body.get("IsPrimary") or False,
        }
        if table.name == "Opportunity":
            getters |= {
                "HasOpportunityLineItem": lambda *_: False,
                "RecordTypeId": lambda _, body: body.get("RecordTypeId") or self._record_type,
                "Probability": lambda _, body: self._of_stage(body, "Probability", "DefaultProbability"),
                "ForecastCategoryName": lambda _, body: self._of_stage(
                    body, "ForecastCategoryName", "ForecastCategoryName"
                ),
                "IsClosed": lambda _, body: self._of_stage(body, "", "IsClosed"),
                "IsWon": lambda _, body: self._of_stage(body, "", "IsWon"),
            }
        return getters

    def _of_stage(self, body: Body, own: str, of_stage: str) -> Any:
        given = body.get(own)
        stage = self._stages.get(body.get("StageName"))
        return given if given is not None or stage is None else stage[of_stage]

    def _parent_getter(self, table: Table, name: str, field: str) -> Getter:
        if name in ("Owner", "CreatedBy", "LastModifiedBy"):
            return lambda *_: self._user.get(field)
        if f"{name}Id" not in table.fields or name not in self._store.tables:
            raise UnknownSoqlError(f"{table.name} leads to no {name} here")
        parents, get = self._store.tables[name], self._getter(self._store.tables[name], field)

        def of_parent(_: int, body: Body) -> Any:
            number = parents.number_of(body.get(f"{name}Id"))
            return None if number is None else get(number, parents.body(number))

        return of_parent


_ARRAYS: Final = {"SystemModstamp": "modified", "LastModifiedDate": "modified", "CreatedDate": "created"}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda one, other: bool(one == other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


def _moment(condition: Condition) -> float:
    [value] = condition.values
    if not isinstance(value, datetime):
        raise UnknownSoqlError(f"{condition.path} is compared with {value!r}")
    return value.timestamp()


def _plain(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value

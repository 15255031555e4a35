"""Plays the writes of REST: single records, collections, composite graphs; atomic where the platform is.

The only refusals are those that a safe client relies on: a unique value that is there (DUPLICATE_VALUE), a record
that is not (ENTITY_IS_DELETED, NOT_FOUND), a record that was modified since (412). Nothing else is validated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final

from stub_counts import Counts
from stub_soql import UnknownSoqlError
from stub_store import Body, DuplicateError, Store, Table

_REFERENCE: Final = re.compile(r"@\{(\w+)\.id\}")
_HALTED: Final = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


class Writes:
    """Writes to one store."""

    def __init__(self, store: Store, counts: Counts) -> None:
        self._store = store
        self._counts = counts

    def table(self, sobject: str) -> Table:
        """The table of an sObject."""
        table = self._store.tables.get(sobject)
        if table is None:
            raise UnknownSoqlError(f"no records of {sobject} are kept here")
        return table

    def create(self, sobject: str, body: Body) -> tuple[int, Any]:
        """POST of one record."""
        [result] = self.insert_rows(self.table(sobject), [body])
        if result["success"]:
            return 201, result
        return 400, [_rest_error(each) for each in result["errors"]]

    def update(
        self, sobject: str, record_id: str, body: Body, unmodified_since: str | None
    ) -> tuple[int, Any]:
        """PATCH of one record, on a condition where there is one."""
        table, now = self.table(sobject), self._store.clock.now()
        with table.guard:
            number = _live(table, record_id)
            if number is None:
                return 404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
            if (
                unmodified_since
                and int(table.modified[number]) > parsedate_to_datetime(unmodified_since).timestamp()
            ):
                message = "The resource has been modified since the given time"
                return 412, [{"errorCode": "MODIFIED", "message": message}]
            try:
                table.check(body, number)
            except DuplicateError as error:
                return 400, [{"errorCode": "DUPLICATE_VALUE", "message": str(error), "fields": []}]
            is_new = table.update(number, body, now)
        self._note(f"update {sobject}", 1, updates=0 if is_new else 1)
        return 204, None

    def delete(self, sobject: str, record_id: str) -> tuple[int, Any]:
        """DELETE of one record."""
        table = self.table(sobject)
        with table.guard:
            number = _live(table, record_id)
            if number is None:
                return 404, [{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}]
            table.delete(number, self._store.clock.now())
        self._note(f"delete {sobject}", 1)
        return 204, None

    def collection(self, method: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """POST or PATCH of up to 200 records, each by itself."""
        rows = document["records"]
        table = self.table(rows[0]["attributes"]["type"])
        bodies = [_fields(each) for each in rows]
        if method == "POST":
            return self.insert_rows(table, bodies)
        return self.update_rows(table, [each.get("id") or each.get("Id") for each in rows], bodies)

    def insert_rows(self, table: Table, bodies: Sequence[Body]) -> list[dict[str, Any]]:
        """Inserts each row that no other has the unique value of; results in the rows' order."""
        results: list[dict[str, Any]] = []
        repeated, now = 0, self._store.clock.now()
        fields = list(table.keys)
        with table.guard:
            fresh, seen = [], set()
            for body in bodies:
                values = [(name, body[name]) for name in fields if body.get(name) is not None]
                error = _duplicate(table, body)
                if error is None and not seen.isdisjoint(values):
                    error = DuplicateError(values[0][0], "in this call")
                if error is not None:
                    repeated += 1
                    results.append(_failure("DUPLICATE_VALUE", str(error)))
                    continue
                seen.update(values)
                fresh.append(body)
                results.append({})
            numbers = iter(table.insert(fresh, now))
            for result in results:
                if not result:
                    result |= {"id": table.id_of(next(numbers)), "success": True, "errors": []}
        self._note(f"create {table.name}", len(bodies), creates=repeated)
        return results

    def update_rows(self, table: Table, ids: Sequence[str], bodies: Sequence[Body]) -> list[dict[str, Any]]:
        """Updates each row whose record is there; results in the rows' order."""
        results: list[dict[str, Any]] = []
        same, now = 0, self._store.clock.now()
        with table.guard:
            for record_id, body in zip(ids, bodies, strict=True):
                number = _live(table, record_id)
                if number is None:
                    results.append(_failure("ENTITY_IS_DELETED", "entity is deleted"))
                    continue
                same += not table.update(number, body, now)
                results.append({"id": table.id_of(number), "success": True, "errors": []})
        self._note(f"update {table.name}", len(bodies), updates=same)
        return results

    def delete_rows(self, table: Table, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Deletes each record that is there; results in the ids' order."""
        results: list[dict[str, Any]] = []
        for each in ids:
            status, _ = self.delete(table.name, each)
            gone = _failure("ENTITY_IS_DELETED", "entity is deleted")
            results.append({"id": each, "success": True, "errors": []} if status == 204 else gone)
        return results

    def kinds(self, sobject: str) -> dict[str, tuple[str, str]]:
        """The fields of an sObject: lower-case name -> name and type."""
        return self.table(sobject).kinds

    def graphs(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Composite graphs, each all or nothing."""
        return {"graphs": [self._graph(each) for each in document["graphs"]]}

    def _graph(self, graph: Mapping[str, Any]) -> dict[str, Any]:
        nodes = graph["compositeRequest"]
        failures = self._refusals(nodes)
        if failures:
            answers = [
                _subanswer(
                    node, 400, [failures[node["referenceId"]]] if node["referenceId"] in failures else _HALTED
                )
                for node in nodes
            ]
            self._note("refused graph", 1, creates=sum(each["method"] == "POST" for each in nodes))
        else:
            answers = self._committed(nodes)
        response = {"compositeResponse": answers}
        return {"graphId": graph["graphId"], "graphResponse": response, "isSuccessful": not failures}

    def _refusals(self, nodes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Why nodes of a graph cannot be saved, by reference id."""
        found = {}
        for node in nodes:
            _, sobject, record_id = _place(node["url"])
            table = self.table(sobject)
            try:
                if node["method"] == "POST":
                    table.check(node["body"])
                elif not record_id.startswith("@{") and _live(table, record_id) is None:
                    error = {"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": []}
                    found[node["referenceId"]] = error
            except DuplicateError as error:
                shown = {"errorCode": "DUPLICATE_VALUE", "message": str(error), "fields": []}
                found[node["referenceId"]] = shown
        return found

    def _committed(self, nodes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        ids: dict[str, str] = {}
        answers = []
        for node in nodes:
            _, sobject, record_id = _place(node["url"])
            table = self.table(sobject)
            body = _referred(node.get("body") or {}, ids)
            if node["method"] == "POST":
                with table.guard:
                    [number] = table.insert([body], self._store.clock.now())
                ids[node["referenceId"]] = record_id = table.id_of(number)
                answers.append(_subanswer(node, 201, {"id": record_id, "success": True, "errors": []}))
                self._note(f"create {sobject}", 1)
                continue
            record_id = _REFERENCE.sub(lambda found: ids[found[1]], record_id)
            done = self.delete(sobject, record_id) if node["method"] == "DELETE" else None
            status, shown = done or self.update(sobject, record_id, body, None)
            answers.append(_subanswer(node, status, shown))
        return answers

    def _note(self, what: str, count: int, *, creates: int = 0, updates: int = 0) -> None:
        self._counts.note_write(what, count, creates=creates, updates=updates)


def _fields(row: Mapping[str, Any]) -> Body:
    return {name: value for name, value in row.items() if name not in ("attributes", "id", "Id")}


def _referred(body: Mapping[str, Any], ids: Mapping[str, str]) -> Body:
    return {
        name: ids[value[2:-4]] if isinstance(value, str) and _REFERENCE.fullmatch(value) else value
        for name, value in body.items()
    }


def _place(url: str) -> tuple[str, str, str]:
    """The version, the sObject and the id in an address."""
    parts = url.split("/")
    return parts[3], parts[5], parts[6] if len(parts) > 6 else ""


def _duplicate(table: Table, body: Body) -> DuplicateError | None:
    try:
        table.check(body)
    except DuplicateError as error:
        return error
    return None


def _live(table: Table, record_id: Any) -> int | None:
    number = table.number_of(record_id)
    return None if number is None or table.is_deleted[number] else number


def _subanswer(node: Mapping[str, Any], status: int, body: Any) -> dict[str, Any]:
    return {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": node["referenceId"]}


def _failure(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


def _rest_error(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"errorCode": error["statusCode"], "message": error["message"], "fields": error["fields"]}

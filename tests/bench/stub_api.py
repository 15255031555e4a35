"""Finds what a request means and answers it: the resources of REST that sfsync and the peers ask for.

Every other address is refused with 501 and remembered, so that a benchmark never measures an answer that was
made up. Kinds, for the counts: login, versions, describe, picklist, limits, query, query page, composite query,
composite collections, composite conditional, composite mixed, collection, graph, create, update, delete,
replication, bulk create, bulk upload, bulk close, bulk poll, bulk results, and the same of a bulk query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import orjson
from stub_bulk import Jobs
from stub_counts import Counts
from stub_records import Records, platform_time
from stub_soql import UnknownSoqlError, parse
from stub_store import Store
from stub_writes import Writes

_PAGE: Final = 2_000
_DAY_LIMIT: Final = 100_000_000


@dataclass
class Reply:
    """An answer: a JSON document, bytes of another type, or a file."""

    status: int
    document: Any = None
    kind: str = "other"
    raw: bytes | None = None
    path: Path | None = None
    media: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """The stub's org behind HTTP."""

    def __init__(self, org: Mapping[str, Any], counts: Counts) -> None:
        self._org = org
        self.counts = counts
        self.store = Store(org)
        self.records = Records(self.store, org)
        self.writes = Writes(self.store, counts)
        self.jobs = Jobs(self.records, self.writes, org["user"]["Id"])
        self.origin, self.token = "", ""
        self._describes = {name: orjson.dumps(each) for name, each in org["describes"].items()}
        self._cursors: dict[str, tuple[Any, list[int]]] = {}

    def forget(self) -> None:
        """Empties the org."""
        self.store.clear()
        self.jobs.clear()
        self._cursors.clear()

    def answer(self, method: str, target: str, document: Any, headers: Mapping[str, str]) -> Reply:
        """The answer to one request, or to one part of a composite one."""
        path, _, query = target.partition("?")
        try:
            return self._answer(
                method, path, dict(parse_qsl(query, keep_blank_values=True)), document, headers
            )
        except UnknownSoqlError as error:
            self.counts.note_refused(f"{method} {path}: {error}")
            return Reply(400, [{"errorCode": "STUB_CANNOT", "message": str(error)}])

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], document: Any, headers: Mapping[str, str]
    ) -> Reply:
        parts = path.strip("/").split("/")
        if parts[:2] == ["services", "oauth2"] and parts[2] == "token":
            return Reply(200, self._grant(), "login")
        if parts[:2] != ["services", "data"]:
            return self._unknown(method, path)
        match method, parts[3:]:
            case "GET", []:
                return Reply(200, self._org["versions"], "versions")
            case "GET", ["query" | "queryAll" as resource]:
                return Reply(200, self._query(query["q"], with_deleted=resource == "queryAll"), "query")
            case "GET", ["query" | "queryAll", locator]:
                return Reply(200, self._next(unquote(locator)), "query page")
            case "GET", ["limits"]:
                return Reply(200, self._org["limits"], "limits")
            case "GET", ["ui-api", "object-info", sobject, "picklist-values", record_type]:
                return Reply(200, self._org["picklists"][f"{sobject}/{record_type}"], "picklist")
        found = self._many(method, parts[3:], query, document, headers)
        return found or self._unknown(method, path)

    def _many(
        self,
        method: str,
        parts: list[str],
        query: Mapping[str, str],
        document: Any,
        headers: Mapping[str, str],
    ) -> Reply | None:
        match method, parts:
            case "POST", ["composite"]:
                return self._composite(document)
            case "POST", ["composite", "graph"]:
                return Reply(200, self.writes.graphs(document), "graph")
            case "POST" | "PATCH", ["composite", "sobjects"]:
                return Reply(200, self.writes.collection(method, document), "collection")
            case _, ["jobs", kind, *rest]:
                return self._job(method, kind, rest, query, document)
            case _, ["sobjects", *rest]:
                return self._sobject(method, rest, query, document, headers)
        return None

    def _unknown(self, method: str, path: str) -> Reply:
        self.counts.note_refused(f"{method} {path}")
        return Reply(501, [{"errorCode": "STUB_CANNOT", "message": f"{method} {path} is not played here"}])

    def _grant(self) -> dict[str, str]:
        org_id, user = self._org["listed"]["Organization"][0]["Id"], self._org["user"]["Id"]
        return {
            "access_token": self.token,
            "instance_url": self.origin,
            "id": f"{self.origin}/id/{org_id}/{user}",
            "token_type": "Bearer",
            "scope": "api id",
            "issued_at": str(int(self.store.clock.now() * 1000)),
            "signature": "c3R1Yg==",
        }

    def _query(self, soql: str, *, with_deleted: bool) -> dict[str, Any]:
        query = parse(soql)
        self.counts.note_statement(query.sobject)
        listed = self.records.listed(query)
        if listed is not None:
            return {"totalSize": len(listed), "done": True, "records": listed}
        numbers = self.records.numbers(query, with_deleted=with_deleted)
        if not query.fields:
            return {"totalSize": len(numbers), "done": True, "records": []}
        cursor = f"01gb{len(self._cursors):011d}AAA"
        if len(numbers) > _PAGE:
            self._cursors[cursor] = (query, numbers)
        return self._page(query, numbers, cursor, 0)

    def _next(self, locator: str) -> dict[str, Any]:
        cursor, _, start = locator.partition("-")
        query, numbers = self._cursors[cursor]
        return self._page(query, numbers, cursor, int(start))

    def _page(self, query: Any, numbers: list[int], cursor: str, start: int) -> dict[str, Any]:
        end = start + _PAGE
        page = {
            "totalSize": len(numbers),
            "done": end >= len(numbers),
            "records": self.records.shown(query, numbers[start:end]),
        }
        if end < len(numbers):
            page["nextRecordsUrl"] = f"/services/data/v66.0/query/{cursor}-{end}"
        else:
            self._cursors.pop(cursor, None)
        return page

    def _composite(self, document: Mapping[str, Any]) -> Reply:
        answers, kinds = [], set()
        for each in document["compositeRequest"]:
            lowered = {name.lower(): value for name, value in (each.get("httpHeaders") or {}).items()}
            found = self.answer(each["method"], each["url"], each.get("body"), lowered)
            body = orjson.Fragment(found.raw) if found.raw is not None else found.document
            answers.append(
                {
                    "body": body,
                    "httpHeaders": {},
                    "httpStatusCode": found.status,
                    "referenceId": each["referenceId"],
                }
            )
            kinds.add({"collection": "collections", "update": "conditional"}.get(found.kind, found.kind))
        [kind] = kinds if len(kinds) == 1 else ["mixed"]
        return Reply(200, {"compositeResponse": answers}, f"composite {kind}")

    def _sobject(
        self,
        method: str,
        rest: list[str],
        query: Mapping[str, str],
        document: Any,
        headers: Mapping[str, str],
    ) -> Reply | None:
        match method, rest:
            case "GET", []:
                return Reply(200, {"sobjects": self._listed_objects()}, "describe")
            case "GET", [sobject, "describe"]:
                known = self._describes.get(sobject)
                if known is None:
                    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
                    return Reply(404, missing, "describe")
                return Reply(200, kind="describe", raw=known)
            case "GET", [sobject, "deleted" | "deleted/"]:
                return Reply(200, self._deleted(sobject, query), "replication")
            case "GET", [sobject, "updated"]:
                return Reply(200, self._updated(sobject, query), "replication")
            case "POST", [sobject]:
                return Reply(*self.writes.create(sobject, document), "create")
            case "PATCH", [sobject, record_id]:
                since = headers.get("if-unmodified-since")
                return Reply(*self.writes.update(sobject, record_id, document, since), "update")
            case "DELETE", [sobject, record_id]:
                return Reply(*self.writes.delete(sobject, record_id), "delete")
        return None

    def _listed_objects(self) -> list[dict[str, Any]]:
        """The describes without what is inside of an object."""
        return [
            {name: value for name, value in each.items() if not isinstance(value, list | dict)}
            for each in self._org["describes"].values()
        ]

    def _deleted(self, sobject: str, query: Mapping[str, str]) -> dict[str, Any]:
        self.counts.note_statement(sobject)
        table, start, end = self._span(sobject, query)
        # Roles that were deleted by themselves appear nowhere. Source: the emulator's getDeleted.
        found = [
            each
            for each in table.since(start)
            if table.is_deleted[each] and table.modified[each] < end and sobject != "OpportunityContactRole"
        ]
        return {
            "deletedRecords": [
                {"id": table.id_of(each), "deletedDate": platform_time(table.modified[each])}
                for each in found
            ],
            "earliestDateAvailable": platform_time(float(self._org["created"])),
            "latestDateCovered": platform_time(min(end, self.store.clock.now()) // 60 * 60),
        }

    def _updated(self, sobject: str, query: Mapping[str, str]) -> dict[str, Any]:
        self.counts.note_statement(sobject)
        table, start, end = self._span(sobject, query)
        found = [
            each for each in table.since(start) if not table.is_deleted[each] and table.modified[each] < end
        ]
        covered = platform_time(min(end, self.store.clock.now()) // 60 * 60)
        return {"ids": [table.id_of(each) for each in found], "latestDateCovered": covered}

    def _span(self, sobject: str, query: Mapping[str, str]) -> tuple[Any, float, float]:
        start, end = (
            datetime.fromisoformat(query[each].replace(" ", "+")).timestamp() // 60 * 60
            for each in ("start", "end")
        )
        return self.writes.table(sobject), start, end

    def _job(
        self, method: str, kind: str, rest: list[str], query: Mapping[str, str], document: Any
    ) -> Reply | None:
        name = "bulk" if kind == "ingest" else "bulk query"
        if not rest:
            if method == "POST":
                return Reply(200, self.jobs.create(document), f"{name} create")
            return Reply(200, self.jobs.listed(), f"{name} list")
        job = self.jobs.get(rest[0])
        if job is None:
            return Reply(
                404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
            )
        match method, rest[1:]:
            case "GET", []:
                return Reply(200, self.jobs.shown(job), f"{name} poll")
            case "PATCH", []:
                return Reply(200, self.jobs.patch(job, document["state"]), f"{name} close")
            case "DELETE", []:
                self.jobs.forget(job)
                return Reply(204, kind=f"{name} delete")
            case "PUT", ["batches"]:
                return Reply(201, kind=f"{name} upload", raw=b"")
            case "GET", ["results"]:
                return self._query_results(job, query)
            case "GET", [file] if kind == "ingest":
                return Reply(
                    200, kind=f"{name} results", path=self.jobs.result_path(job, file), media="text/csv"
                )
        return None

    def _query_results(self, job: Any, query: Mapping[str, str]) -> Reply:
        locator = int(query.get("locator") or 0)
        rows, count, rest = self.jobs.query_page(job, locator, int(query.get("maxRecords") or 50_000))
        headers = {
            "Sforce-Locator": "null" if rest is None else str(rest),
            "Sforce-NumberOfRecords": str(count),
        }
        return Reply(200, kind="bulk query results", raw=rows, media="text/csv", headers=headers)

    def limit_info(self) -> str:
        """What the org says of its limit with every answer."""
        return f"api-usage={sum(self.counts.calls.values()) + 1}/{_DAY_LIMIT}"

"""Packs SOQL statements into few calls and gathers their records, complete or not at all.

One short statement is a GET; anything else goes five statements to a composite call, which costs one call
of the org's limit. Such calls go side by side; the pages of a query follow one another, on the same host only.
Invariant: the records handed out are as many as the org counted; a query that changed or expired between its pages
is asked again, a bounded number of times.
Source: REST API Developer Guide, "Query", "Composite" (at most 5 queries a call).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.verdict import CallKind, Evidence, Fault
from sfsync.errors import OrgUnavailable
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.courier import Answered, Courier, Inspect
from sfsync.salesforce.origins import is_safe_target
from sfsync.salesforce.session import Request, refusal_evidence
from sfsync.salesforce.side_by_side import side_by_side
from sfsync.salesforce.soql import Statement, counting, statements_of

_QUERIES_PER_CALL: Final = 5
_MAX_URL_CHARS: Final = 8_000
_MAX_RESTARTS: Final = 2
_SCALARS: Final = frozenset((str, int, bool, float, Decimal, type(None)))


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a query; `next_target` leads to the rest."""

    total: int
    records: list[Any] = field(repr=False)
    next_target: str | None


class _Restart(Exception):
    """The pages of a query no longer belong together."""


class Queries:
    """Asks an org for records."""

    def __init__(self, courier: Courier, api_path: str, *, threads: int = 1) -> None:
        self._courier = courier
        self._threads = threads
        self._api_path = api_path

    def fetch(self, lookups: Sequence[Lookup]) -> list[list[Record]]:
        """The records of each look-up, complete, in the look-ups' order.

        Raises:
            ConfigError: a name is no API name, or unknown to the org.
            OrgUnavailable: the org did not answer, or its answers do not add up.
        """
        plans = [statements_of(lookup) for lookup in lookups]
        results = iter(self.run([statement for plan in plans for statement in plan]))
        found = [_merged([next(results) for _ in plan]) for plan in plans]
        for lookup, records in zip(lookups, found, strict=True):
            _require_readable(lookup, records)
        return found

    def count(self, lookup: Lookup) -> int:
        """How many records a look-up without a field to find them by means.

        Raises:
            ConfigError: a name is no API name, or unknown to the org.
            OrgUnavailable: the org did not answer.
        """
        return self._first_page(counting(lookup)).total

    def run(self, statements: Sequence[Statement]) -> list[list[Record]]:
        """The records of each statement."""
        if len(statements) == 1:
            return [self._whole(statements[0])]
        packs = [
            statements[start : start + _QUERIES_PER_CALL]
            for start in range(0, len(statements), _QUERIES_PER_CALL)
        ]
        found = side_by_side([partial(self._all_of, pack) for pack in packs], threads=self._threads)
        return [records for of_pack in found for records in of_pack]

    def _all_of(self, pack: Sequence[Statement]) -> list[list[Record]]:
        pages = self._first_pages(pack)
        return [self._whole(statement, page) for statement, page in zip(pack, pages, strict=True)]

    def rest_of(self, first: Any) -> list[Record] | None:
        """All records of a query whose first page came in another call; None where its pages do not add up."""
        if _inspect_page(first) is not None:
            return None
        try:
            return self._gathered(_page(first))
        except _Restart:
            return None

    def _whole(self, statement: Statement, page: _Page | None = None) -> list[Record]:
        for _ in range(1 + _MAX_RESTARTS):
            try:
                return self._gathered(page or self._first_page(statement))
            except _Restart:
                page = None
        raise OrgUnavailable(
            "a query kept changing between its pages",
            code="INCOMPLETE_QUERY",
            hint="try again when fewer records change",
        )

    def _gathered(self, page: _Page) -> list[Record]:
        total, seen, texts = page.total, {""}, dict[str, str]()
        records = [_lean(each, texts) for each in page.records]
        while page.next_target is not None:
            if page.next_target in seen:
                raise _Restart
            seen.add(page.next_target)
            page = self._page_at(page.next_target)
            records += [_lean(each, texts) for each in page.records]
        if len(records) != total:
            raise _Restart
        return records

    def _first_page(self, statement: Statement) -> _Page:
        target = query_target(self._api_path, statement)
        return self._page_at(target) if len(target) <= _MAX_URL_CHARS else self._first_pages([statement])[0]

    def _page_at(self, target: str) -> _Page:
        return _page(self._deliver(Request("GET", target, CallKind.READ), _inspect_page))

    def _first_pages(self, statements: Sequence[Statement]) -> list[_Page]:
        queries = [
            {"method": "GET", "url": query_target(self._api_path, each), "referenceId": f"q{place}"}
            for place, each in enumerate(statements)
        ]
        body = dump({"allOrNone": False, "compositeRequest": queries})
        request = Request("POST", f"{self._api_path}/composite", CallKind.READ, body)
        document = self._deliver(request, lambda found: _inspect_pages(found, len(queries)))
        return [_page(each["body"]) for each in subanswers(document, "q", len(queries)) or ()]

    def _deliver(self, request: Request, inspect: Inspect) -> Any:
        ending = self._courier.deliver(request, inspect=inspect)
        if isinstance(ending, Answered):
            return ending.document
        raise _Restart


def query_target(api_path: str, statement: Statement) -> str:
    """The path that answers a statement."""
    resource = "queryAll" if statement.include_deleted else "query"
    return f"{api_path}/{resource}?q={quote(statement.text, safe='')}"


def subanswers(document: Any, prefix: str, count: int) -> list[Mapping[str, Any]] | None:
    """The answers of a composite call in the order asked, or None when they are not exactly those.

    The reference ids asked with are `prefix` and a number from 0.
    """
    found = document.get("compositeResponse") if isinstance(document, dict) else None
    if not isinstance(found, list) or len(found) != count:
        return None
    by_reference = {each.get("referenceId"): each for each in found if _is_subanswer(each)}
    ordered = [by_reference.get(f"{prefix}{place}") for place in range(count)]
    return [each for each in ordered if each is not None] if None not in ordered else None


def _is_subanswer(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("referenceId"), str)
        and type(answer.get("httpStatusCode")) is int
        and "body" in answer
    )


def records_of(document: Any) -> list[Record] | None:
    """The records of a query's answer that is whole in one page; None where it is not, or is none."""
    if _inspect_page(document) is not None or not document["done"]:
        return None
    records = [_plain(each) for each in document["records"]]
    return records if len(records) == document["totalSize"] else None


def _inspect_page(document: Any) -> Evidence | None:
    is_page = (
        isinstance(document, dict)
        and isinstance(document.get("records"), list)
        and type(document.get("totalSize")) is int
        and isinstance(document.get("done"), bool)
        and all(isinstance(each, dict) for each in document["records"])
        and (document["done"] or isinstance(document.get("nextRecordsUrl"), str))
    )
    return None if is_page else Evidence(fault=Fault.CUT)


def inspect_parts(document: Any, prefix: str, count: int) -> Evidence | None:
    """What speaks against a composite answer whose parts may be refused one by one: a cut, or the org's trouble."""
    answers = subanswers(document, prefix, count)
    if answers is None:
        return Evidence(fault=Fault.CUT)
    troubled = (each for each in answers if each["httpStatusCode"] >= 500 or each["httpStatusCode"] == 401)
    found = next(troubled, None)
    return refusal_evidence(found["httpStatusCode"], found["body"]) if found is not None else None


def _inspect_pages(document: Any, count: int) -> Evidence | None:
    answers = subanswers(document, "q", count)
    if answers is None:
        return Evidence(fault=Fault.CUT)
    for answer in answers:
        status = answer["httpStatusCode"]
        found = (
            _inspect_page(answer["body"]) if 200 <= status < 300 else refusal_evidence(status, answer["body"])
        )
        if found is not None:
            return found
    return None


def _page(document: Mapping[str, Any]) -> _Page:
    next_target = None if document["done"] else document["nextRecordsUrl"]
    if next_target is not None and not is_safe_target(next_target):
        raise OrgUnavailable(
            "the org named an address for the next page that is no path of its own",
            code="FOREIGN_PAGE",
            hint="something between here and the org changes its answers",
        )
    return _Page(document["totalSize"], document["records"], next_target)


def _plain(value: Any) -> Any:
    """A record without the `attributes` of itself and of its parents."""
    if isinstance(value, dict):
        value.pop("attributes", None)
        for name, each in value.items():
            if isinstance(each, dict):
                value[name] = _plain(each)
    return value


def _lean(record: Any, texts: dict[str, str]) -> Any:
    """A plain record whose texts are held once, however many records say the same: users, moments, parents."""
    plain = _plain(record)
    for name, value in plain.items():
        if type(value) is str:
            plain[name] = texts.setdefault(value, value)
    return plain


def _require_readable(lookup: Lookup, records: list[Record]) -> None:
    """Refuses records without the id that was asked for, and values that no field can have."""
    for record in records:
        is_scalar = _SCALARS.issuperset(map(type, map(record.get, lookup.fields)))
        has_id = "Id" not in lookup.fields or (isinstance(record.get("Id"), str) and record["Id"] != "")
        if not is_scalar or not has_id:
            raise OrgUnavailable(
                f"the org answered a query on {lookup.sobject} in a form that is not the platform's",
                code="UNREADABLE",
                hint="check that the address of the org profile is that of an org",
            )


def _merged(parts: list[list[Record]]) -> list[Record]:
    """One list; a record that two statements found, because text ignores case, is in it once."""
    if len(parts) == 1:
        return parts[0]
    records = [each for part in parts for each in part]
    if not all("Id" in each for each in records):
        return records
    return list({each["Id"]: each for each in records}.values())

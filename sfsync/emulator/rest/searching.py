"""Searches: SOSL statements and parameterised searches over what the search index knows.

Contact roles cannot be searched. Source: REST API Developer Guide, Search and Parameterized Search [D].
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.org.schema import TEXT_TYPES, Field, SObject
from sfsync.emulator.rest.querying import run_soql
from sfsync.emulator.sosl.errors import SoslError
from sfsync.emulator.sosl.statement import GROUPS, MOST_ROWS, Search, Wanted, read_search
from sfsync.emulator.sosl.terms import read_plain_text, words_of
from sfsync.emulator.wire.messages import Reply

_WRAPPED_SINCE: Final = 37
_PARAMETERISED_SINCE: Final = 36
_UNSEARCHED: Final = frozenset({"picklist", "multipicklist", "encryptedstring"})
# Accepted without effect: they rank, record or explain results that an emulator does not rank or record.
_IDLE: Final = frozenset({"spellCorrection", "updateTracking", "updateViewStat"})
_OVERALL: Final = frozenset({"q", "in", "fields", "defaultLimit", "overallLimit", "offset"})
_OF_SOBJECT: Final = frozenset({"name", "fields", "where", "orderBy", "limit"})


def search(call: Call) -> Reply:
    """Answer a SOSL statement."""
    text = call.request.parameters().get("q", "")
    try:
        return _answer(call, read_search(text))
    except SoslError as problem:
        raise ApiError(400, problem.code, str(problem)) from None


def search_by_address(call: Call) -> Reply:
    """Answer a search given in the query string."""
    given = parse_qs(urlsplit(call.request.target).query)
    names = [name.strip() for listed in given.pop("sobject", []) for name in listed.split(",")]
    plain = {name: values[-1] for name, values in given.items()}
    sobjects = []
    for name in names:
        own = {key: plain.pop(f"{name}.{key}") for key in _OF_SOBJECT if f"{name}.{key}" in plain}
        sobjects.append({"name": name, **own})
    return _parameterised(call, plain, sobjects)


def search_by_body(call: Call) -> Reply:
    """Answer a search given in the body."""
    body = dict(call.request.json_object())
    sobjects = body.pop("sobjects", [])
    if not isinstance(sobjects, list) or not all(isinstance(part, dict) for part in sobjects):
        raise ApiError(400, "JSON_PARSER_ERROR", "sobjects must be a list of objects")
    return _parameterised(call, body, sobjects)


def _parameterised(call: Call, given: Mapping[str, Any], sobjects: list[dict[str, Any]]) -> Reply:
    if float(call.version) < _PARAMETERISED_SINCE:
        raise not_found()
    _refuse_unknown(given, known=_OVERALL | _IDLE)
    group = str(given.get("in", "ALL")).upper()
    if group not in GROUPS:
        raise _refused(f"unknown search group: {given['in']}")
    wanted = tuple(_wanted(part, given) for part in sobjects)
    offset = _whole(given.get("offset", 0), "offset")
    if offset and len(wanted) != 1:
        raise _refused("offset needs exactly one sobject")
    limit = min(_whole(given.get("overallLimit", MOST_ROWS), "overallLimit"), MOST_ROWS)
    try:
        term = read_plain_text(str(given.get("q", "")))
    except SoslError as problem:
        raise _refused(str(problem)) from None
    return _answer(call, Search(term, group, wanted, limit))


def _wanted(part: dict[str, Any], given: Mapping[str, Any]) -> Wanted:
    _refuse_unknown(part, known=_OF_SOBJECT)
    fields = part.get("fields") or given.get("fields") or "Id"
    limit = part.get("limit", given.get("defaultLimit", MOST_ROWS))
    clauses = [
        f"WHERE {part['where']}" if part.get("where") else "",
        f"ORDER BY {part['orderBy']}" if part.get("orderBy") else "",
        f"LIMIT {_whole(limit, 'limit')}",
        f"OFFSET {_whole(given['offset'], 'offset')}" if given.get("offset") else "",
    ]
    named = ", ".join(map(str, fields)) if isinstance(fields, list) else str(fields)
    return Wanted(str(part.get("name", "")), named, " ".join(filter(None, clauses)))


def _refuse_unknown(given: Mapping[str, Any], *, known: frozenset[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise _refused(f"unknown parameter: {unknown[0]}")


def _whole(value: object, name: str) -> int:
    if not str(value).isdecimal():
        raise _refused(f"{name} must be a whole number: {value}")
    return int(str(value))


def _refused(reason: str) -> ApiError:
    return ApiError(400, SoslError.code, reason)


def _answer(call: Call, asked: Search) -> Reply:
    everything = [Wanted(sobject.name) for sobject in call.org.schema if sobject.searchable]
    found: list[dict[str, Any]] = []
    for wanted in asked.wanted or everything:
        sobject = call.org.schema.sobject(wanted.sobject)
        if sobject is None or not sobject.searchable:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{wanted.sobject}' is not supported.")
        ids = _matches(call, sobject, asked)
        result = run_soql(call, wanted.soql, among=ids)
        if result.is_count or result.is_grouped:
            raise _refused("RETURNING takes fields, no aggregates")
        found += result.records[: asked.limit - len(found)]
    is_wrapped = float(call.version) >= _WRAPPED_SINCE
    return Reply(200, {"searchRecords": found} if is_wrapped else found)


def _matches(call: Call, sobject: SObject, asked: Search) -> list[str]:
    searched = [field.name for field in call.visible_fields(sobject) if _is_searched(field, asked.group)]
    return [
        record_id
        for record_id, texts in call.org.search_index.texts(sobject.name, searched)
        if asked.term([words_of(text) for text in texts])
    ]


def _is_searched(field: Field, group: str) -> bool:
    is_address = field.type in {"email", "phone"}
    match group:
        case "NAME":
            return field.name_field
        case "EMAIL" | "PHONE":
            return field.type == group.lower()
        case "SIDEBAR":
            return field.name_field or is_address or field.external_id
    return field.type in TEXT_TYPES - _UNSEARCHED

"""Parameterised search: records whose names or addresses contain all the words of a text.

A modest stand-in for the search index: words match at their beginning, without regard to case. Contact
roles cannot be searched. Source: REST API Developer Guide, Parameterized Search [D].
"""

from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.values import render_record
from sfsync.emulator.wire.messages import Reply

_DEFAULT_LIMIT: Final = 2000
_SEARCHED: Final = frozenset({"string", "email", "phone"})


def search_by_address(call: Call) -> Reply:
    """Answer a search given in the query string."""
    parameters = call.request.parameters()
    name = parameters.get("sobject", "")
    fields = parameters.get(f"{name}.fields") or parameters.get("fields") or "Id"
    limit = parameters.get(f"{name}.limit") or parameters.get("overallLimit") or str(_DEFAULT_LIMIT)
    wanted = [{"name": name, "fields": fields.split(","), "limit": limit}]
    return _search(call, parameters.get("q", ""), wanted)


def search_by_body(call: Call) -> Reply:
    """Answer a search given in the body."""
    body = call.request.json_object()
    defaults = {"fields": body.get("fields", ["Id"]), "limit": body.get("defaultLimit", _DEFAULT_LIMIT)}
    wanted = [{**defaults, **part} for part in body.get("sobjects", []) if isinstance(part, dict)]
    return _search(call, str(body.get("q", "")), wanted)


def _search(call: Call, text: str, wanted: list[dict[str, Any]]) -> Reply:
    words = text.casefold().split()
    if not words or not wanted:
        raise ApiError(400, "MALFORMED_SEARCH", "A search needs a text and at least one sobject")
    found: list[dict[str, Any]] = []
    for part in wanted:
        sobject = call.org.schema.sobject(str(part.get("name", "")))
        if sobject is None or not sobject.searchable:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{part.get('name')}' is not supported.")
        fields = call.visible_fields(sobject, [str(name).strip() for name in part["fields"]])
        found += _matches(call, sobject, words, fields=fields)[: int(part["limit"])]
    return Reply(200, {"searchRecords": found})


def _matches(call: Call, sobject: SObject, words: list[str], *, fields: list[Field]) -> list[dict[str, Any]]:
    searched = [field.name for field in call.visible_fields(sobject) if field.type in _SEARCHED]
    alive = '"IsDeleted" = 0' if sobject.has_recycle_bin else "1"
    rows = call.org.storage.select(sobject.name, alive)
    return [
        render_record(fields, row, url=call.record_url(sobject.name, row["Id"]), sobject=sobject.name)
        for row in rows
        if _has_words(" ".join(str(row[name]) for name in searched if row[name]), words)
    ]


def _has_words(text: str, words: list[str]) -> bool:
    parts = text.casefold().split()
    return all(any(part.startswith(word) for part in parts) for word in words)

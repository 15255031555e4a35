"""Sends a write call and gives every node of it exactly one answer.

Decides what kind of call a route makes, and what a whole request that was refused or lost means for each
row; `graph` and `collections` build the bodies and read the answers. Invariant: a row is `Written` only when
the answer's body proves it with a valid id; whatever proves nothing is `Unanswered`.
Source: REST API Developer Guide, "Composite Graph", "sObject Collections".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.sending.verdict import CallKind
from sfsync.core.sobject import record_id
from sfsync.core.writes import (
    Answer,
    Answers,
    ConvertCall,
    Halted,
    Node,
    Refused,
    Route,
    Unanswered,
    WriteCall,
    Written,
)

NO_PROOF: Final = "the answer does not prove it"
MISFIT: Final = "the answer does not fit the request"

Reader = Callable[[Any], dict[str, Answer]]
"""Reads a whole, good answer; nodes that it leaves out are unanswered."""


def kind_of(call: WriteCall) -> CallKind:
    """How far a write may be sent again: updates by id always, creates only behind a fence.

    A lead is its own fence: a second conversion is refused.
    """
    if call.route in (Route.KEY_FENCE, Route.RECEIPT_FENCE) or isinstance(call, ConvertCall):
        return CallKind.FENCED_CREATE
    is_update = call.route is Route.BY_ID and all(node.record_id is not None for node in call.nodes())
    return CallKind.UPDATE if is_update else CallKind.UNFENCED_CREATE


def complete(nodes: Iterable[Node], answers: Mapping[str, Answer]) -> Answers:
    """One answer for every node; those without one are unanswered."""
    return {node.change_id: answers.get(node.change_id, Unanswered(MISFIT)) for node in nodes}


def written(node: Node, result: Any) -> Answer:
    """The answer for a row whose result says success, when the result proves it."""
    if not isinstance(result, dict) or result.get("success") is not True:
        return Unanswered(NO_PROOF)
    found = record_id(str(result.get("id")), node.sobject)
    if found is None or (node.record_id is not None and found != record_id(node.record_id)):
        return Unanswered(NO_PROOF)
    return Written(found)


def refused(error: Any) -> Answer:
    """The answer for a row that one error of the platform stands for."""
    if not isinstance(error, dict):
        return Unanswered(MISFIT)
    code = error.get("statusCode") or error.get("errorCode")
    if not isinstance(code, str) or not code:
        return Unanswered(MISFIT)
    message = str(error.get("message") or "")
    if row_fate(code, message) is RowFate.HALTED:
        return Halted()
    names = error.get("fields")
    fields = tuple(str(each) for each in names) if isinstance(names, list) else ()
    return Refused(code, message, fields, tuple(dict.fromkeys(_matches(error))))


def _matches(error: Mapping[str, Any]) -> Iterable[str]:
    """The ids of the records that a unique field or a duplicate rule found.

    Source: REST API Developer Guide, duplicate results; the platform really spells the key `duplicateResut`.
    """
    yield from _ids_in(str(error.get("message") or ""))
    found = error.get("duplicateResut") or error.get("duplicateResult")
    results = found.get("matchResults") if isinstance(found, dict) else None
    for result in results if isinstance(results, list) else ():
        records = result.get("matchRecords") if isinstance(result, dict) else None
        for match in records if isinstance(records, list) else ():
            record = match.get("record") if isinstance(match, dict) else None
            text = record.get("Id") if isinstance(record, dict) else None
            if isinstance(text, str) and record_id(text):
                yield text


_ID_WORD: Final = re.compile(r"\b[0-9a-zA-Z][0-9][0-9A-Za-z]{13}(?:[A-Z0-5]{3})?\b")
"""A word that looks like a record id; the text around it may be translated and is not read."""


def _ids_in(message: str) -> Iterable[str]:
    for word in _ID_WORD.findall(message):
        found = record_id(word)
        if found is not None:
            yield found

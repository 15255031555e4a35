"""What a run will surely ask of its org, asked in one call: who it is, its stages, and describes.

Each part of the answer is judged by itself. A part that was refused, or is not what it must be, is left out,
and whoever needs it asks for it alone; so is all of it where the org refuses the call. Nothing is decided here.
Source: REST API Developer Guide, "Composite": 25 subrequests, of which at most 5 are queries; describes are
sObject resources, and the whole counts as one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from sfsync.core.sending.verdict import CallKind
from sfsync.core.sobject import is_api_name
from sfsync.errors import ConfigError
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.courier import Answered, Courier
from sfsync.salesforce.queries import records_of, subanswers
from sfsync.salesforce.session import Request
from sfsync.salesforce.soql import Statement

MOST_DESCRIBES: Final = 20
"""Subrequests left beside the queries of a composite call."""

MISSING: Final = frozenset({"NOT_FOUND", "INVALID_TYPE"})
"""Codes that say of an sObject that this user has none of that name."""


@dataclass(frozen=True, slots=True)
class AskedAhead:
    """What the org has answered: records by statement, describes by sObject, and the sObjects that it lacks."""

    records: Mapping[Statement, list[Any]] = field(default_factory=dict)
    describes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


def ask_ahead(
    courier: Courier, api_path: str, statements: Sequence[Statement], sobjects: Sequence[str]
) -> AskedAhead:
    """Asks for the statements' records and the sObjects' describes in one call.

    Raises:
        AccessError, OrgUnavailable: the org cannot be asked at all.
    """
    named = [each for each in dict.fromkeys(sobjects) if is_api_name(each)][:MOST_DESCRIBES]
    targets = [f"{api_path}/query?q={quote(each.text, safe='')}" for each in statements]
    targets += [f"{api_path}/sobjects/{each}/describe" for each in named]
    parts = [{"method": "GET", "url": url, "referenceId": f"a{place}"} for place, url in enumerate(targets)]
    body = dump({"allOrNone": False, "compositeRequest": parts})
    try:
        ending = courier.deliver(Request("POST", f"{api_path}/composite", CallKind.READ, body))
    except ConfigError:  # each question is asked alone, and is told by itself what is wrong
        return AskedAhead()
    document = ending.document if isinstance(ending, Answered) else None
    answers = subanswers(document, "a", len(targets)) or []
    asked, described = answers[: len(statements)], answers[len(statements) :]
    records = {
        statement: found
        for statement, answer in zip(statements, asked, strict=False)
        if _status(answer) == 200 and (found := records_of(answer["body"])) is not None
    }
    describes = {
        name: answer["body"]
        for name, answer in zip(named, described, strict=False)
        if _status(answer) == 200 and isinstance(answer["body"], dict)
    }
    missing = {name for name, answer in zip(named, described, strict=False) if _code(answer) in MISSING}
    return AskedAhead(records, describes, frozenset(missing))


def _status(answer: Mapping[str, Any]) -> int:
    return int(answer["httpStatusCode"])


def _code(answer: Mapping[str, Any]) -> str:
    """The code of a refused part; "" where there is none."""
    body = answer["body"]
    first = body[0] if isinstance(body, list) and body else None
    is_refusal = _status(answer) in (400, 404) and isinstance(first, dict)
    return str(first.get("errorCode")) if is_refusal and first is not None else ""

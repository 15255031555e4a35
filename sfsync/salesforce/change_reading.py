"""Asks an org what changed, as `core.resync.org_changes` wants to know it: queries, counts and getDeleted together.

Up to five queries and all getDeleted requests go in one composite call. Each part is judged by itself: one that is
refused leaves its answer open, and only what the whole call or the session refuses is an error.
Source: REST API Developer Guide, "Composite" (25 parts, 5 of them queries), "sObject Get Deleted".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from sfsync.core.ports import Record
from sfsync.core.resync.org_changes import CREATED, MOST_LISTED, ChangeAnswer, ChangeQuestion
from sfsync.core.sending.verdict import CallKind
from sfsync.errors import OrgUnavailable
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.courier import Answered, Courier
from sfsync.salesforce.queries import Queries, inspect_parts, query_target, subanswers
from sfsync.salesforce.session import Request
from sfsync.salesforce.soql import Statement, changes_statement, counting_statement

_QUERIES_PER_CALL: Final = 5
_PARTS_PER_CALL: Final = 25

_NO_PART: Final = OrgUnavailable(
    "the org did not answer all parts of a call",
    code="INCOMPLETE_QUERY",
    hint="try again when the org answers",
)


@dataclass(slots=True)
class _Asked:
    """One question under way: what each of its parts brought."""

    question: ChangeQuestion
    records: list[Record] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    deleted: list[str] | None = None
    too_many: int = 0

    def answer(self) -> ChangeAnswer:
        return ChangeAnswer(
            self.records,
            self.counts.get("own"),
            tuple(self.counts.get(str(each)) for each in range(len(self.question.counted_before))),
            self.deleted,
            self.too_many,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    asked: _Asked
    kind: str
    target: str

    @property
    def is_query(self) -> bool:
        return self.kind != "deleted"


class ChangeReading:
    """Asks one org."""

    def __init__(self, courier: Courier, queries: Queries, api_path: str) -> None:
        self._courier, self._queries, self._api_path = courier, queries, api_path

    def changes(self, questions: Sequence[ChangeQuestion]) -> list[ChangeAnswer]:
        """The answers in the order of the questions.

        Raises:
            AccessError, ConfigError, LimitReached, OrgUnavailable: the org did not answer.
        """
        asked = [_Asked(each) for each in questions]
        room = MOST_LISTED
        for pack in _packs([part for each in asked for part in self._parts(each)]):
            for part, answer in zip(pack, self._answers(pack), strict=True):
                room -= self._take(part, answer, room)
        return [each.answer() for each in asked]

    def _parts(self, asked: _Asked) -> list[_Part]:
        question = asked.question
        parts = [_Part(asked, "records", self._query(changes_statement(question)))]
        if question.user is not None and question.own_until is not None:
            parts.append(_Part(asked, "own", self._query(_own(question))))
        for place, before in enumerate(question.counted_before):
            statement = counting_statement(question.sobject, before={CREATED: before})
            parts.append(_Part(asked, str(place), self._query(statement)))
        if question.deleted_until is not None:
            span = f"start={_moment(question.since)}&end={_moment(question.deleted_until)}"
            target = f"{self._api_path}/sobjects/{question.sobject}/deleted?{span}"
            parts.append(_Part(asked, "deleted", target))
        return parts

    def _query(self, statement: Statement) -> str:
        return query_target(self._api_path, statement)

    def _answers(self, pack: Sequence[_Part]) -> list[Any]:
        parts = [
            {"method": "GET", "url": each.target, "referenceId": f"c{place}"}
            for place, each in enumerate(pack)
        ]
        body = dump({"allOrNone": False, "compositeRequest": parts})
        request = Request("POST", f"{self._api_path}/composite", CallKind.READ, body)
        ending = self._courier.deliver(request, inspect=lambda found: inspect_parts(found, "c", len(pack)))
        answers = subanswers(ending.document, "c", len(pack)) if isinstance(ending, Answered) else None
        if answers is None:
            raise _NO_PART
        return answers

    def _take(self, part: _Part, answer: Any, room: int) -> int:
        """Keeps what a part brought; returns how many records were listed of those that there is room for."""
        body = answer["body"]
        if not 200 <= answer["httpStatusCode"] < 300 or not isinstance(body, dict):
            return 0
        total = body.get("totalSize")
        if part.kind == "deleted":
            part.asked.deleted = _deleted_ids(body, part.asked.question.since)
        elif part.kind != "records":
            if type(total) is int:
                part.asked.counts[part.kind] = total
        elif type(total) is int and total > room:
            part.asked.too_many = total
        else:
            part.asked.records = self._queries.rest_of(body)
        return len(part.asked.records or ()) if part.kind == "records" else 0


def _packs(parts: Sequence[_Part]) -> list[list[_Part]]:
    """The parts in calls: queries spread over as few as can be, the others along with them."""
    queries = [each for each in parts if each.is_query]
    others = [each for each in parts if not each.is_query]
    packs = [
        queries[start : start + _QUERIES_PER_CALL] for start in range(0, len(queries), _QUERIES_PER_CALL)
    ]
    room = _PARTS_PER_CALL - _QUERIES_PER_CALL
    for place in range(0, len(others), room):
        if place // room == len(packs):
            packs.append([])
        packs[place // room] += others[place : place + room]
    return packs


def _own(question: ChangeQuestion) -> Statement:
    """The statement that counts what our user modified, and what is not listed."""
    assert question.own_until is not None
    return counting_statement(
        question.sobject,
        before={question.stamp: question.own_until},
        since={question.stamp: question.since},
        also={"LastModifiedById": question.user},
        include_deleted=True,
    )


def _deleted_ids(body: Any, since: datetime) -> list[str] | None:
    """The ids that getDeleted names; None where the org does not look back so far, or the form is not known."""
    found, earliest = body.get("deletedRecords"), body.get("earliestDateAvailable")
    if not isinstance(found, list) or not isinstance(earliest, str):
        return None
    try:
        begins = datetime.fromisoformat(earliest.replace("+0000", "+00:00"))
        ids = [str(each["id"]) for each in found]
    except (KeyError, TypeError, ValueError):
        return None
    return ids if begins.astimezone(UTC) <= since else None


def _moment(at: datetime) -> str:
    return quote(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00", safe="")

"""Carries one request to the org and says how it ended: answered, refused, or nobody knows.

Between the retry layer and the door: adds the token, renews a session that expired (once a call, in one
thread) and replays the same request, and turns stops into errors. Invariant: an error raised for a write
means that the org surely did nothing; whenever any try was in doubt the end is `Lost`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sfsync.core.events import CallAnswered
from sfsync.core.sending.verdict import NOT_SENT, CallKind, Evidence, Fate, Sign, error_for, judge
from sfsync.salesforce.access import Access, Pass
from sfsync.salesforce.allowance import Allowance
from sfsync.salesforce.retrying import Retrier, Settled
from sfsync.salesforce.session import Answer, Request
from sfsync.salesforce.usage import Meter

Inspect = Callable[[Any], Evidence | None]
"""Looks into a good answer for a refusal inside it, and returns what then counts instead."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole, good answer."""

    document: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefusedWhole:
    """The org surely did nothing, and the fault lies in what was sent."""

    code: str
    message: str = field(repr=False)
    fields: tuple[str, ...] = ()
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody can say whether the org did it."""

    why: str


Ending = Answered | RefusedWhole | Lost


class Courier:
    """Sends requests with the current token, as often as the retry layer allows."""

    def __init__(self, access: Access, retrier: Retrier, meter: Meter, allowance: Allowance) -> None:
        self._access = access
        self._retrier = retrier
        self._meter = meter
        self._allowance = allowance

    def deliver(
        self, request: Request, *, inspect: Inspect | None = None, is_one_row: bool = False
    ) -> Ending:
        """Sends the request and settles its end.

        Of a request that is one row and nothing else, a code that nobody knows is the row's fault: rules and
        triggers of an org have many.

        Raises:
            AccessError, ConfigError, LimitReached, OrgUnavailable: the org surely did nothing.
        """
        settled = self._retrier.run(request.kind, lambda deadline_s: self._send(request, deadline_s, inspect))
        if is_one_row and settled.verdict.sign is Sign.STRANGE and not settled.in_doubt:
            evidence = settled.answer.evidence
            return RefusedWhole(evidence.code, evidence.message, evidence.fields)
        return _ending(settled, request.kind, address=self._access.address)

    def _send(self, request: Request, deadline_s: float, inspect: Inspect | None) -> Answer:
        pass_ = self._access.current()
        self._retrier.refuse_stopped()
        answer = self._exchange(request, pass_, deadline_s=deadline_s, inspect=inspect)
        if judge(answer.evidence, request.kind).fate is not Fate.REAUTHENTICATE or request.is_sent_once:
            return answer
        renewed = self._access.renew(pass_)
        if renewed is None:
            return answer
        self._retrier.refuse_stopped()
        return self._exchange(request, renewed, deadline_s=deadline_s, inspect=inspect)

    def _exchange(
        self, request: Request, pass_: Pass, *, deadline_s: float, inspect: Inspect | None
    ) -> Answer:
        with self._allowance.one_call():
            left_at_s = time.monotonic()
            answer = pass_.door.exchange(request, token=pass_.token, deadline_s=deadline_s)
            self._meter.note_seconds(time.monotonic() - left_at_s)
            if answer.evidence.fault not in NOT_SENT:
                self._meter.count_sent(request.kind)
        self._meter.note_limit(answer.limit_info)
        self._meter.note_date(answer.date)
        used = self._meter.usage
        self._retrier.tell(CallAnswered(self._meter.calls, used.limit_used, used.limit_max))
        if inspect is None or judge(answer.evidence, request.kind).fate is not Fate.OK:
            return answer
        found = inspect(answer.document)
        return answer if found is None else replace(answer, evidence=found)


def _ending(settled: Settled, kind: CallKind, *, address: str) -> Ending:
    verdict, evidence = settled.verdict, settled.answer.evidence
    if verdict.fate is Fate.OK:
        return Answered(settled.answer.document)
    if kind is not CallKind.READ and (settled.in_doubt or verdict.fate is Fate.AMBIGUOUS):
        return Lost(verdict.sign.value)
    if verdict.fate is Fate.REJECT:
        has_moved = verdict.sign is Sign.MOVED
        return RefusedWhole(evidence.code, evidence.message, evidence.fields, has_moved)
    error = error_for(verdict, evidence.code, address=address)
    names = _names_in(evidence.message)
    if not names:
        raise error
    raise type(error)(f"{error.message}: {names}", code=error.code, hint=error.hint)


_UNKNOWN_FIELD: Final = re.compile(
    r"No such column '([\w.]{1,80})' on (?:entity|sobject of type) '?(\w{1,80})"
)
_UNKNOWN_TYPE: Final = re.compile(r"sObject type '(\w{1,80})' is not supported")


def _names_in(message: str) -> str:
    """The API names that a refusal is about; the rest of its text may hold values and is not repeated."""
    field_of = _UNKNOWN_FIELD.search(message)
    if field_of:
        return f"no field {field_of[1]} on {field_of[2]} for this user"
    sobject = _UNKNOWN_TYPE.search(message)
    return f"no sObject {sobject[1]} for this user" if sobject else ""

"""The one retry layer: whether, when and how often a call is sent again, as the verdict on each answer says.

tenacity runs the loop; every number is in `RetryPolicy`. Waits are full jitter, or what Retry-After asks for;
each sleep waits on the stop event, so a signal ends it. Invariants: at most `max_tries` tries in a row, none
past the deadline, at most max(20, 10 % of the calls) retries a run; a call is never sent while the breaker is
open (see `breaker`), and never begun once a stop was asked for.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    sleep_using_event,
    wait_random_exponential,
)

from sfsync.core.events import CallRetried, Event, Listener
from sfsync.core.sending.verdict import CallKind, Fate, Verdict, judge
from sfsync.errors import Interrupted, SyncError
from sfsync.salesforce.allowance import Allowance
from sfsync.salesforce.breaker import Breaker, Outages
from sfsync.salesforce.session import Answer, Timeouts
from sfsync.salesforce.usage import Meter, http_date

Clock = Callable[[], datetime]
"""The time of day, aware; only HTTP dates and token lifetimes are read against it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Every number of the retry layer; times in seconds."""

    max_tries: int = 5
    first_wait_s: float = 0.5
    max_wait_s: float = 30.0
    max_retry_after_s: float = 300.0
    deadline_s: float = 120.0
    min_retries_per_run: int = 20
    retry_share_of_calls: float = 0.1
    breaker_limit: int = 5
    outages: Outages = field(default_factory=Outages)
    max_logins: int = 3
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class Settled:
    """The last answer of a call; `in_doubt` means that some try may have been carried out."""

    answer: Answer
    verdict: Verdict
    in_doubt: bool


class Retrier:
    """Sends calls as often as the policy allows."""

    def __init__(
        self, policy: RetryPolicy, *, clock: Clock, listener: Listener, stop: threading.Event, meter: Meter
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._listener = listener
        self._stop = stop
        self._meter = meter
        self.allowance = Allowance(meter)
        self.breaker = Breaker(policy.breaker_limit, policy.outages, stop=stop, listener=listener)

    def run(self, kind: CallKind, send: Callable[[float], Answer]) -> Settled:
        """Calls `send(deadline_s)` until its answer is final or the policy is used up; waits an outage out.

        Raises:
            OrgUnavailable: the breaker is open for longer than the policy waits; nothing was sent.
            Interrupted: a stop was asked for; nothing was sent, or what was sent surely had no effect.
        """
        self.refuse_stopped()
        self.breaker.await_org()
        settled = self._tried(kind, send, in_doubt=False)
        while _is_unsettled(settled) and self.breaker.is_worth_waiting and self._has_retries():
            try:
                self.breaker.await_org()
            except SyncError:
                break
            self.announce(CallRetried(settled.verdict.sign.value, self.policy.max_tries, 0.0))
            try:
                settled = self._tried(kind, send, in_doubt=settled.in_doubt)
            except SyncError:
                if kind is CallKind.READ or not settled.in_doubt:
                    raise
                break  # what could not be sent again may have been carried out before
        if _is_unsettled(settled) and (kind in (CallKind.READ, CallKind.LOGIN) or not settled.in_doubt):
            self.refuse_stopped()
        return settled

    def _tried(self, kind: CallKind, send: Callable[[float], Answer], *, in_doubt: bool) -> Settled:
        trip = _Trip(self, kind, send, in_doubt=in_doubt)
        loop = Retrying(
            stop=trip.is_over,
            wait=trip.wait_s,
            retry=retry_if_result(_is_unsettled),
            sleep=sleep_using_event(self._stop),
            before_sleep=trip.announce,
            retry_error_callback=_last_result,
        )
        try:
            settled: Settled = loop(trip.attempt)
        except SyncError:
            # A login that fails between two tries must not hide that the first may have been carried out.
            if trip.last is None or not trip.last.in_doubt or kind is CallKind.READ:
                raise
            return trip.last
        finally:
            trip.let_go()
        return settled

    def refuse_stopped(self) -> None:
        """Begins nothing once a stop was asked for.

        Raises:
            Interrupted: it was.
        """
        if self._stop.is_set():
            number = getattr(self._stop, "signal_number", signal.SIGINT)
            raise Interrupted("the run was interrupted", signal_number=number)

    def may_retry(self) -> bool:
        """Whether the run's bound on retries, its calls, and the breaker leave room for one more."""
        return self._has_retries() and not self.breaker.is_open and not self.allowance.is_spent

    def _has_retries(self) -> bool:
        bound = max(self.policy.min_retries_per_run, self.policy.retry_share_of_calls * self._meter.calls)
        return self._meter.usage.retries < bound

    def judged(self, answer: Answer, kind: CallKind) -> Verdict:
        """The verdict on an answer, counted by the breaker."""
        verdict = judge(answer.evidence, kind)
        self.breaker.note(verdict)
        return verdict

    def retry_after_s(self, answer: Answer) -> float | None:
        """How long the answer asks to wait, when it says so sensibly.

        A date is held against the answer's own, because this machine's clock may be wrong.
        """
        return parse_retry_after(answer.retry_after, now=http_date(answer.date) or self._clock())

    def is_stopped(self) -> bool:
        """Whether nothing may be sent again because the run is being stopped."""
        return self._stop.is_set()

    def announce(self, event: CallRetried) -> None:
        """Tells the listener, and counts the retry."""
        self._meter.count_retry()
        self._listener(event)

    def tell(self, event: Event) -> None:
        """Tells the listener."""
        self._listener(event)


class _Trip:
    """One call on its way: its tries so far, its deadline, and whether it is in doubt."""

    def __init__(
        self, retrier: Retrier, kind: CallKind, send: Callable[[float], Answer], *, in_doubt: bool
    ) -> None:
        self._retrier = retrier
        self._kind = kind
        self._send = send
        self._deadline_s = time.monotonic() + retrier.policy.deadline_s
        self._in_doubt = in_doubt
        self.last: Settled | None = None
        self._jitter = wait_random_exponential(
            multiplier=retrier.policy.first_wait_s, max=retrier.policy.max_wait_s
        )

    def attempt(self) -> Settled:
        if self.last is not None and self._retrier.is_stopped():
            return self.last
        answer = self._send(self._deadline_s)
        verdict = self._retrier.judged(answer, self._kind)
        self._in_doubt = self._in_doubt or not (verdict.certain or verdict.fate is Fate.OK)
        self.last = Settled(answer, verdict, self._in_doubt)
        return self.last

    def wait_s(self, state: RetryCallState) -> float:
        asked_s = self._retrier.retry_after_s(_last_result(state).answer)
        if asked_s is None:
            return self._jitter(state)
        if asked_s <= self._retrier.policy.max_retry_after_s:
            self._deadline_s += asked_s
        return asked_s

    def is_over(self, state: RetryCallState) -> bool:
        policy, wait_s = self._retrier.policy, state.upcoming_sleep
        return (
            state.attempt_number >= policy.max_tries
            or wait_s > max(policy.max_retry_after_s, policy.max_wait_s)
            or time.monotonic() + wait_s > self._deadline_s
            or self._retrier.is_stopped()
            or not self._retrier.may_retry()
        )

    def announce(self, state: RetryCallState) -> None:
        reason = _last_result(state).verdict.sign.value
        self._retrier.announce(CallRetried(reason, state.attempt_number, state.upcoming_sleep))

    def let_go(self) -> None:
        """Lets go of the call and its answer when it is over.

        The loop of tenacity refers to itself: what it holds stays in memory until Python looks for such circles.
        """
        del self.last, self._send


def parse_retry_after(text: str | None, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, or None when it is absent, past or absurd.

    Source: RFC 9110, "Retry-After": seconds or an HTTP date.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    moment = http_date(text)
    if moment is None:
        return None
    wait_s = (moment - now).total_seconds()
    return wait_s if wait_s >= 0 else None


def _is_unsettled(settled: Settled) -> bool:
    return settled.verdict.fate is Fate.RETRY


def _last_result(state: RetryCallState) -> Settled:
    assert state.outcome is not None
    settled: Settled = state.outcome.result()
    return settled

"""The state of one apply: what every change has come to, kept in memory and in the journal alike.

J1: `intend` makes the intent durable before the call leaves. J2: outcomes are durable before anything that
depends on them is sent, because `settle` returns only then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sfsync.core.contact_roles.roles import role_key
from sfsync.core.deals.second_writes import seconds_of
from sfsync.core.events import Listener, PhaseAdvanced
from sfsync.core.job import NO_LIMITS, Limits
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, Journal, LedgerEntry, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.references.parents import remembered_as
from sfsync.core.references.second_pass import is_second_pass, located
from sfsync.core.reports.audit import Audit, Moment
from sfsync.core.reports.results import NOT_DONE, Outcome, Problem, RowResult, Stage
from sfsync.core.sending.pace import Pace
from sfsync.core.sending.receipts import new_token, receipts_of, with_tokens
from sfsync.core.sending.units import unit_id_of
from sfsync.core.sobject import CONTACT_ROLE, LEAD
from sfsync.core.values import Pending, PlannedValue
from sfsync.core.writes import GraphCall, WriteCall
from sfsync.engine.applying.failure_limits import refuse_failures
from sfsync.engine.applying.in_doubt.recalled_results import (
    attempt_number,
    has_token,
    plain_problem,
    recalled,
)
from sfsync.engine.applying.read_back.read_ahead import Ahead
from sfsync.errors import Interrupted

_DONE: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED})

JOB_MARK: Final = "job:"
"""In front of the id of a bulk job, where the journal keeps the token of a receipt for other routes."""

_FAILED: Final = frozenset({Outcome.REJECTED, Outcome.UNKNOWN})


class Stop(Protocol):
    """A flag that a signal handler raises; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether the run is to stop before its next call."""
        ...

    @property
    def signal_number(self) -> int:
        """The signal that asked for the stop."""
        ...


@dataclass(frozen=True, slots=True)
class Intended:
    """A write whose intent is in the journal, as it may leave; `left_at` is the org's time before."""

    call: WriteCall
    change_ids: tuple[str, ...]
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read back last: from when on by the org's clock, as whom was written, and the records by id."""

    at: datetime | None = None
    user: str | None = None
    there: Mapping[str, Record] = field(default_factory=dict)


@dataclass(slots=True)
class RunState:
    """One apply under way. `pause` waits before a row is tried again; it takes the number of the try. `wait` waits
    so many seconds for a bulk job, or until the run is stopped.

    `scope` narrows the run to some changes for a while; None means all. `failures` counts the rows that the org
    refused or nobody can say of. `ids` holds the ids of the records that the plan's changes have become or met,
    `tokens` the receipt's token of each unit that has one, `jobs` the bulk job that a change went by, `proven` the
    changes that a receipt shows to have been saved, `notes` what a person should know and no row tells. `moments`
    says when each change was sent by this process, `audit` what reading back found where the plan asks for it.
    `lost` are changes of other portions of a book that did not come to the org, `first_left_at` is the org's clock
    before this process wrote first, None where it is not known, `read_back` the last reading of what was written.
    What is in `second_pass` is written when all creates are done, while `is_second_pass` says so. At most `threads`
    calls are in flight at a time; `seconds` is a clock that never goes back, `slowest_s` says how long the slowest
    answer took until now, `paces` holds the pace of each kind of write, `ahead` what was read for all portions.
    The state belongs to one thread.
    """

    plan: Plan
    run_id: str
    gateway: OrgGateway
    journal: Journal
    now: Callable[[], str]
    pause: Callable[[int], None]
    wait: Callable[[float], object]
    stop: Stop
    listener: Listener
    limits: Limits = NO_LIMITS
    scope: frozenset[str] | None = None
    failures: int = 0
    results: dict[str, RowResult] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    phase: str = ""
    by_id: dict[str, Change] = field(init=False)
    ids: dict[str, str] = field(init=False)
    attempts: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    notes: list[Problem] = field(default_factory=list)
    moments: dict[str, Moment] = field(default_factory=dict)
    first_left_at: datetime | None = None
    audit: Audit | None = None
    second_pass: frozenset[str] = field(init=False)
    is_second_pass: bool = False
    threads: int = 1
    seconds: Callable[[], float] = lambda: 0.0
    slowest_s: Callable[[], float] = lambda: 0.0
    paces: dict[str, Pace] = field(default_factory=dict)
    ahead: Ahead | None = None
    read_back: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        self.by_id = {each.change_id: each for each in self.plan.changes} | seconds_of(self.plan.changes)
        self.second_pass = frozenset(
            each.change_id for each in self.plan.changes if is_second_pass(each, self.by_id)
        )
        self.ids = {each.change_id: each.record_id for each in self.plan.changes if each.record_id}

    def waiting(self, sobject: str, action: Action) -> list[Change]:
        """The changes of that kind that are still to be sent; those with a dead parent get their result."""
        waiting = [
            each
            for each in self.plan.changes
            if each.sobject == sobject and each.action is action and each.change_id not in self.results
            if self.scope is None or each.change_id in self.scope
            if each.completes is None and (each.change_id in self.second_pass) == self.is_second_pass
        ]
        blocked = [result for each in waiting if (result := self._blocked(each)) is not None]
        self.settle(blocked)
        return [each for each in waiting if each.change_id not in self.results]

    def _blocked(self, change: Change) -> RowResult | None:
        for value in change.desired.values():
            if isinstance(value, Pending) and self.is_dead(value.change_id):
                return self.blocked(change, value.change_id)
        if change.parent is not None and self.is_dead(change.parent):
            return self.blocked(change, change.parent)
        return None

    def unblock(self) -> None:
        """Takes back that changes were blocked which nothing blocks by now; they are sent like any other."""
        while freed := [name for name, result in self.results.items() if self._is_freed(name, result)]:
            for name in freed:
                del self.results[name]

    def _is_freed(self, change_id: str, result: RowResult) -> bool:
        return result.outcome is Outcome.BLOCKED and self._blocked(self.by_id[change_id]) is None

    def is_dead(self, change_id: str) -> bool:
        """Whether a change has ended without its record being in the org."""
        result = self.results.get(change_id)
        return change_id in self.lost or (result is not None and result.outcome not in _DONE)

    def blocked(self, change: Change, by: str) -> RowResult:
        """The result of a change whose parent did not get into the org."""
        message = f"refers to {by}, which was not brought to the org"
        problem = Problem("BLOCKED_BY", Stage.ORG, message, "Correct that row first.", row=change.row)
        return RowResult(change.change_id, Outcome.BLOCKED, problems=(problem,))

    def check_stop(self) -> None:
        """Raises `Interrupted` when a signal has asked for a stop; called between writes only."""
        if self.stop.is_set():
            raise Interrupted(
                "the run was interrupted; every row is accounted for", signal_number=self.stop.signal_number
            )

    def next_attempt(self) -> str:
        """The name of a write that is about to leave; no other write of the run has it."""
        self.attempts += 1
        return f"{self.run_id}/{self.attempts}"

    def intend(self, call: WriteCall) -> Intended:
        """Writes down that a write is about to leave, after which it may.

        Raises:
            Interrupted: a stop was asked for; nothing was written down.
        """
        self.check_stop()
        nodes, left_at = call.nodes(), self.gateway.server_time
        self.first_left_at = self.first_left_at or left_at
        attempt_id = self.next_attempt()
        call, tokens = self._stamped(call, attempt_id)
        attempt = Attempt(
            attempt_id=attempt_id,
            route=call.route,
            body_hash=hashlib.blake2b(repr(nodes).encode(), digest_size=16).hexdigest(),
            change_ids=tuple(node.change_id for node in nodes),
            tokens=tokens,
        )
        self.journal.intend(self.run_id, attempt, at=self.now())
        return Intended(call, attempt.change_ids, left_at)

    def note_moment(self, intended: Intended, answered_at: datetime | None) -> None:
        """Remembers when changes were sent; `answered_at` is the org's time when it had answered."""
        moment = Moment(intended.left_at, answered_at)
        self.moments |= dict.fromkeys(intended.change_ids, moment)

    def _stamped(self, call: WriteCall, attempt_id: str) -> tuple[WriteCall, dict[str, str]]:
        """The call with its receipts' tokens, and the token of each change behind one.

        A unit keeps its token while it is not burned: were the same request delivered twice, or a refused one
        again, its two commits would still exclude each other.
        """
        receipts = receipts_of(call)
        for each in receipts:
            self.tokens.setdefault(each.unit_id, new_token(attempt_id, each.unit_id))
        tokens = {name: self.tokens[each.unit_id] for each in receipts for name in each.covers}
        return (with_tokens(call, self.tokens) if isinstance(call, GraphCall) else call), tokens

    def release(self, change_ids: Iterable[str], code: str) -> None:
        """Takes intents back: the org surely saved nothing, and the changes may be sent again."""
        outcome = Outcome.UNPROCESSED.value
        records = [
            ChangeRecord(
                each,
                ChangeState.REFUSED,
                outcome,
                detail={"code": code, "has_token": unit_id_of(self.by_id[each]) in self.tokens},
                updated_at=self.now(),
            )
            for each in change_ids
        ]
        if records:
            self.journal.record(self.run_id, records)

    def settle(self, results: Iterable[RowResult]) -> None:
        """Makes results final, in the journal first.

        Raises:
            GuardError: more rows have failed than the run's limits allow.
        """
        final = list(results)
        if not final:
            return
        self._remember(final)
        self.journal.record(self.run_id, [self._record(each) for each in final])
        self._keep(final)
        not_done = sum(1 for each in final if each.outcome in NOT_DONE)
        self.listener(PhaseAdvanced(self.phase, len(final), not_done))
        rows = [
            each for each in final if self.by_id[each.change_id].sobject != LEAD
        ]  # its deal counts for it
        self.failures += sum(1 for each in rows if each.outcome in _FAILED)
        refuse_failures(self.failures, self.limits)

    def _remember(self, results: Iterable[RowResult]) -> None:
        """Notes which record a row without a key became, before anything else is noted of it.

        So it does of a parent that was made with the text that names it as its key: rows may spell it otherwise.

        Only the ledger leads from such a row to its record; a run that ends early must not take that away.
        """
        org_id, keyed = self.plan.org.org_id, (*self.plan.key_fields, CONTACT_ROLE, LEAD)
        entries = [
            LedgerEntry(change.sobject, ledger_key(self.plan.job, key, key_field=None), record_id, {}, {})
            for result in results
            if result.outcome is Outcome.CREATED and (record_id := result.record_id) is not None
            if (change := self.by_id[result.change_id])
            if (key := change.key if change.sobject not in keyed else remembered_as(change)) is not None
        ]
        if entries:
            self.journal.put_ledger(org_id, entries)

    def _keep(self, results: Iterable[RowResult]) -> None:
        for result in results:
            self.results[result.change_id] = result
            if result.record_id is not None:
                self.ids[result.change_id] = result.record_id

    def _record(self, result: RowResult) -> ChangeRecord:
        state = ChangeState.REFUSED
        if result.outcome in _DONE:
            state = ChangeState.DONE
        elif result.outcome is Outcome.UNKNOWN:
            state = ChangeState.UNKNOWN
        detail: dict[str, Any] = {"adopted": True} if result.adopted else {}
        if result.outcome is Outcome.UNKNOWN:
            detail["role_key"] = self._role_key(self.by_id[result.change_id])
        if result.problems:
            detail["problems"] = [plain_problem(each) for each in result.problems]
        return ChangeRecord(
            result.change_id,
            state,
            result.outcome.value,
            result.record_id,
            detail or None,
            updated_at=self.now(),
        )

    def _role_key(self, change: Change) -> str:
        """The ledger's name of a role that may be in the org; "" for anything else."""
        deal, contact, role = (change.desired.get(name) for name in ("OpportunityId", "ContactId", "Role"))
        deal_id, contact_id = resolved(deal, self.ids), resolved(contact, self.ids)
        if not isinstance(deal_id, str) or not isinstance(contact_id, str):
            return ""
        return role_key(deal_id, contact_id, role if isinstance(role, str) else None)

    def recall(self) -> list[Change]:
        """Takes up what the journal knows of this run; returns the changes that nobody can say of yet."""
        unsettled: list[Change] = []
        records = self.journal.changes(self.run_id)
        spent = {each.token for each in records.values() if each.state is ChangeState.DONE}
        for change_id, record in records.items():
            # The newest attempt is still the last one of its changes, so its number is always among these.
            self.attempts = max(self.attempts, attempt_number(record))
            change = self.by_id.get(change_id)
            if change is None:
                continue
            if record.token is not None and record.token.startswith(JOB_MARK):
                self.jobs[change_id] = record.token.removeprefix(JOB_MARK)
            elif record.token is not None and record.token not in spent and has_token(record):
                self.tokens[unit_id_of(change)] = record.token
            if record.state in (ChangeState.INTENT, ChangeState.UNKNOWN):
                unsettled.append(change)
            elif record.outcome is not None and record.outcome != Outcome.UNPROCESSED.value:
                self._keep([recalled(change, record)])
        return [self.locate(each) for each in unsettled]

    def locate(self, change: Change) -> Change:
        """The change with the id of the record that it completes, once that is known."""
        self.by_id[change.change_id] = located(change, self.ids)
        return self.by_id[change.change_id]


def resolved(value: PlannedValue, ids: Mapping[str, str]) -> PlannedValue:
    """A value with the id of a record that this run has made."""
    return ids.get(value.change_id, value) if isinstance(value, Pending) else value

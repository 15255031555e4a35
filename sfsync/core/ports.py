"""The two things the engine needs from outside: an org, and a journal that survives a crash.

`salesforce/` implements `OrgGateway`, a snapshot implements `OrgSchema`, `journal/` implements `Journal`; the
engine knows none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job_memory import JobMemory
from sfsync.core.org_jobs import OrgJobs
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.book_runs import BookRuns
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.values import Value
from sfsync.core.writes import Answers, Route, WriteCall

Record = Mapping[str, Any]
"""One record of an org as JSON, `attributes` left out; numbers with a fraction are `Decimal`."""


@dataclass(frozen=True, slots=True)
class IdPage:
    """The first `most` records by id, of those behind the id `after`; "" begins."""

    after: str
    most: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """SELECT `fields` FROM `sobject` WHERE `where_field` IN `values`.

    Without a `where_field` all records are meant; with one and no values, none are. An empty value means none.

    `also` adds plain equality filters (`field = value`, None for an empty one), `before` and `since` filter by time
    (`field < time`, `field >= time`), `like` by text: a field and words, one of which it contains; `filled` leaves
    out records without a value there. Results come in no promised order. A look-up can be for one page of what it
    means; with values, for one page of what each of its statements means.
    """

    sobject: str
    fields: tuple[str, ...]
    where_field: str | None = None
    values: Sequence[str] = ()
    also: Mapping[str, str | bool | None] = field(default_factory=dict)
    include_deleted: bool = False
    before: Mapping[str, datetime] = field(default_factory=dict)
    page: IdPage | None = None
    like: tuple[str, tuple[str, ...]] | None = None
    since: Mapping[str, datetime] = field(default_factory=dict)
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """What a run has cost so far; the limits are the org's estimate for the day, `latency_s` a call's mean time."""

    reads: int = 0
    writes: int = 0
    logins: int = 0
    retries: int = 0
    limit_used: int | None = None
    limit_max: int | None = None
    latency_s: float | None = field(default=None, compare=False)


class OrgSchema(Protocol):
    """What an org is made of. Every method may raise `AccessError`, `OrgUnavailable` or `ConfigError`.

    A snapshot answers it as well as an org: who is given only this can neither read a record nor write one.
    """

    def identity(self) -> OrgIdentity:
        """Which org answers behind the URL; asked once, then remembered."""
        ...

    def describe(self, sobject: str) -> SObjectDescribe:
        """The sObject as the running user sees it; asked once.

        Raises:
            ConfigError: there is no such sObject for this user.
        """
        ...

    def stage_catalogue(self) -> StageCatalogue:
        """All opportunity stages in their order; asked once."""
        ...


class OrgGateway(OrgSchema, Protocol):
    """One org, with its records; `fetch` and `write` may be called by several threads at once."""

    def fetch(self, lookups: Sequence[Lookup]) -> list[list[Record]]:
        """The records of each lookup, complete, in the lookups' order; packed into few calls."""
        ...

    def fiscal_year_start(self) -> int | None:
        """The month (1 to 12) in which the org's fiscal year begins; None where the org does not tell.

        It comes with `identity`, and costs no call of its own.
        """
        ...

    def picklist_document(self, sobject: str, record_type_id: str) -> Mapping[str, Any] | str:
        """The picklist values that a record type offers, as the UI API gives them; or the code of a refusal."""
        ...

    def count(self, lookup: Lookup) -> int:
        """How many records a lookup without a `where_field` means; none of them is read."""
        ...

    def write(self, call: WriteCall) -> Answers:
        """Sends one write call and says of every node what became of it.

        An ambiguous answer is `Unanswered`, never an exception and never sent again for an insert.

        Raises:
            OrgUnavailable: the org surely did nothing, and stayed unavailable through all retries.
        """
        ...

    def learn_limits(self) -> None:
        """Asks the org for its calls of the day where no answer has told them: at most one call."""
        ...

    @property
    def jobs(self) -> OrgJobs:
        """The org's bulk jobs."""
        ...

    @property
    def server_time(self) -> datetime | None:
        """The org's clock at its latest answer, to the second; None before the first."""
        ...

    @property
    def usage(self) -> ApiUsage:
        """What has been used until now."""
        ...


class ChangeState(StrEnum):
    """How far a change got, as the journal knows it. A change without a state was never sent."""

    INTENT = "intent"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write call about to leave: its rows, a hash of what is sent, and by change id the receipts' tokens."""

    attempt_id: str
    route: Route
    body_hash: str
    change_ids: tuple[str, ...]
    tokens: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """The journal's last word on one change of a run: a JSON-ready `detail`, the `token` of its last receipt."""

    change_id: str
    state: ChangeState
    outcome: str | None = None
    record_id: str | None = None
    detail: Mapping[str, Any] | None = None
    attempt_id: str | None = None
    token: str | None = None
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: which plan of how many rows it applies, and how it ended (`exit_code` None = it did not end).

    A book is one run of so many `portions`; each of them is a run of its own too, with the book's name as `whole`.
    """

    run_id: str
    job: str
    org_id: str
    plan_digest: str
    plan_file: str
    started_at: str
    exit_code: int | None = None
    ended_at: str | None = None
    rows: int = 0
    share: str = ""
    whole: str = ""
    portions: int = 0


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What a job last brought to one record: the values it sent, and the values the org then held."""

    sobject: str
    key: str
    record_id: str
    sent: Mapping[str, Value]
    seen: Mapping[str, Value]


class Journal(Protocol):
    """What a job remembers between runs. Every method is durable when it returns.

    Raises `JournalError` when it cannot be; then nothing may be sent.
    """

    def begin_run(self, run: RunRecord, plan: bytes, *, takes_over: Collection[str] = ()) -> None:
        """Opens a run and keeps its plan, so that any host with this journal can go on with it.

        The runs that it takes over end in the same commit. A plan begun before is refused with `GuardError`.
        """
        ...

    def plan(self, run_id: str) -> bytes | None:
        """The plan that a run began with, as it was given; None when no one needs it any more."""
        ...

    def end_run(self, run_id: str, *, exit_code: int, ended_at: str) -> None:
        """Closes a run, of a book what has not ended of it. Its open changes are still listed by `open_changes`."""
        ...

    def runs(self, job: str | None = None) -> list[RunRecord]:
        """The runs known, newest first; a book is one, and its portions are not among them."""
        ...

    def intend(self, run_id: str, attempt: Attempt, *, at: str) -> None:
        """Marks the attempt's changes as about to be sent, in one commit."""
        ...

    def record(self, run_id: str, records: Iterable[ChangeRecord]) -> None:
        """Writes what became of changes, in one commit."""
        ...

    def changes(self, run_id: str) -> dict[str, ChangeRecord]:
        """The last word on every change of the run that was ever sent, by change id."""
        ...

    def open_changes(self, job: str, org_id: str) -> list[tuple[RunRecord, ChangeRecord]]:
        """Changes of earlier runs that are still INTENT or UNKNOWN, oldest first."""
        ...

    def sendings(self, run_id: str) -> dict[str, tuple[Route, str]]:
        """By which route, and when (ISO time), each change of the run was last about to be sent, by change id."""
        ...

    def serial(self, job: str, org_id: str, share: str = "") -> int:
        """A number that grows with each run of the job, or of its share, and with each write about to leave.

        An open run can be gone on with, so a plan is stale as well when a run that was there has sent more.
        """
        ...

    def knows_job(self, job: str, org_id: str, *, since: str | None = None) -> bool:
        """Whether a run of the job against the org has begun here, or a person said that it may begin here.

        Once the journal was found to be an older copy of itself, only a word that was said since then counts;
        with `since` (ISO time) only one that was said later than that.
        """
        ...

    def restored_at(self) -> str | None:
        """When the journal was last found to be an older copy of itself, which forgot what was sent since."""
        ...

    def org_ids(self, job: str) -> list[str]:
        """The orgs against which the job has run or may begin, sorted."""
        ...

    def admit_job(self, job: str, org_id: str, *, at: str) -> None:
        """Notes a person's word that this journal knows all that the job ever brought to the org."""
        ...

    def ledger(self, org_id: str, sobject: str, keys: Iterable[str]) -> dict[str, LedgerEntry]:
        """The entries of those keys that exist, by key."""
        ...

    def ledger_keys(self, org_id: str, sobject: str, record_id: str) -> list[str]:
        """The keys of the entries that are that record, sorted."""
        ...

    def count_ledger(self, org_id: str) -> dict[str, int]:
        """How many records of the org the journal knows, by sObject."""
        ...

    def put_ledger(self, org_id: str, entries: Iterable[LedgerEntry]) -> None:
        """Writes or replaces entries, in one commit."""
        ...

    def drop_ledger(self, org_id: str, sobject: str, record_ids: Iterable[str]) -> None:
        """Forgets the records with those ids, and the rows of jobs that are these, in one commit."""
        ...

    @property
    def memory(self) -> JobMemory:
        """Which rows each job brought."""
        ...

    @property
    def books(self) -> BookRuns:
        """The runs whose plan is a book."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...

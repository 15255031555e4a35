"""The plan as a value: one `Change` for each input row, and what the plan was computed from.

Apply reads the plan and nothing else: a change carries all that is sent, all that was read before, and the
changes that must be in the org first. Every input row is in exactly one change, also those that write
nothing, so that the ten counts of a report are the changes counted by outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from sfsync.core.deals.forecast_basis import ForecastBasis
from sfsync.core.deals.gone import NO_GONE, GoneRows
from sfsync.core.job import NO_LIMITS, Limits, Mode, OnRoleError, RolePolicy
from sfsync.core.reading.quoting import Runs
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.references.open_references import OpenReference
from sfsync.core.reports.results import Outcome, Problem, RowRef
from sfsync.core.resync.sifted import Sifted
from sfsync.core.sending.strategy import Choice, Operation, Strategy, strategy_of
from sfsync.core.sobject import CONTACT_ROLE, LEAD
from sfsync.core.values import Pending, PlannedValue, Value
from sfsync.core.writes import Route


class Action(StrEnum):
    """What apply does with a change; only the first four write.

    CONVERT is a lead that becomes a deal, that deal, or the role that it brings along. UNKNOWN is a role that an
    earlier run may or may not have written: it is left for a person.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CONVERT = "convert"
    NOOP = "no-op"
    SKIP = "skip"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    REJECT = "reject"


WRITES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE, Action.CONVERT})
"""The actions that write."""

NEW: Final = frozenset({Action.CREATE, Action.CONVERT})
"""The actions that bring a record which was not there."""

PLANNED_OUTCOME: Mapping[Action, Outcome] = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.DELETE: Outcome.DELETED,
    Action.CONVERT: Outcome.CREATED,
    Action.NOOP: Outcome.UNCHANGED,
    Action.SKIP: Outcome.SKIPPED,
    Action.CONFLICT: Outcome.CONFLICT,
    Action.BLOCKED: Outcome.BLOCKED,
    Action.UNKNOWN: Outcome.UNKNOWN,
    Action.REJECT: Outcome.REJECTED,
}
"""What each action becomes when apply goes as planned."""


WITHOUT_OWN_KEY: Final = frozenset({CONTACT_ROLE, LEAD})
"""The sObjects whose records are known by what they belong to, with or without a key of the org."""


def _is_unset(value: object) -> bool:
    """Whether a value is left out of a saved plan, so that plans saved before it was known keep their digest."""
    return value in ("", None, 0, ())


_NOTHING: Final[Mapping[str, Any]] = {}


def _nothing() -> Mapping[str, Any]:
    """One empty mapping for all: most changes have two, and a plan has many changes."""
    return _NOTHING


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one row.

    `change_id` is the sObject and the row's own key (`Opportunity:DEAL-1`), stable within a plan.
    `desired` holds every value the row wants; `values` what is sent (all of `desired` for a create, only what
    differs for an update); `before` what the org held for the fields of `values`, and what else of the record must
    not have moved since.
    `parent` is the change of the deal that a role belongs to, or of the lead that a deal comes out of. `account` is
    the id or the change of the deal's account: changes that share one go in one call, because the platform locks
    the account.
    `adopted` marks a record that the job met in the org and had not written itself, `is_derived` a role that
    stands for the deal's own `ContactId`. `because` says why a role is primary where its row does not say so, or
    why a row goes to another record than before (merged, created again). `other_account` names the account of a
    contact that is not the deal's. `made_for` is how many rows refer to a
    parent that is in no file and is made for them; `completes` is the change of the record that this update, of no
    row of its own, completes once what it refers to is there. `is_left_over` marks a deal whose lead an earlier run
    converted without living to bring the row's values to it. `kept` are the fields of `desired` that differ and
    that a policy leaves to the org. `found_by` are the fields and values by which rows look for a parent that is
    made for them, in their order. `merged_into` is the ordinal of the row that a skipped row is one with.
    """

    change_id: str
    sobject: str
    action: Action
    key: str
    label: str
    row: RowRef | None = None
    record_id: str | None = None
    desired: Mapping[str, PlannedValue] = field(default_factory=_nothing)
    values: Mapping[str, PlannedValue] = field(default_factory=_nothing)
    before: Mapping[str, Value] = field(default_factory=_nothing)
    parent: str | None = None
    account: str | None = None
    problems: tuple[Problem, ...] = ()
    adopted: bool = False
    is_derived: bool = False
    because: Annotated[str, Field(exclude_if=_is_unset)] = ""
    other_account: Annotated[str | None, Field(exclude_if=_is_unset)] = None
    made_for: Annotated[int, Field(exclude_if=_is_unset)] = 0
    completes: Annotated[str | None, Field(exclude_if=_is_unset)] = None
    is_left_over: Annotated[bool, Field(exclude_if=_is_unset)] = False
    kept: Annotated[tuple[str, ...], Field(exclude_if=_is_unset)] = ()
    found_by: Annotated[tuple[tuple[str, str], ...], Field(exclude_if=_is_unset)] = ()
    merged_into: Annotated[int, Field(exclude_if=_is_unset)] = 0

    def waits_for(self) -> tuple[str, ...]:
        """The changes whose records this one refers to."""
        return tuple(each.change_id for each in self.desired.values() if isinstance(each, Pending))


@dataclass(frozen=True, slots=True)
class OrgIdentity:
    """Which org a plan was made for."""

    org_id: str
    name: str
    is_sandbox: bool
    instance_url: str


@dataclass(frozen=True, slots=True)
class SourceImage:
    """The source's own form and rows, so that rejects can be written as they came.

    `rows` maps a row's ordinal to its raw text: cells for a delimited file, one item (the document) for JSON.
    Of a delimited file, `before` is the text in front of the header, `header` its cells where they are not just
    `columns`, and `quotes` says which cells stand in quotes, the header's as those of row 0. `types` says
    what each cell is besides text (`core.reading.typed_cells`).
    """

    name: str
    file: str
    kind: str
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    line_end: str
    rows: Mapping[int, tuple[str, ...]]
    before: Annotated[str, Field(exclude_if=_is_unset)] = ""
    header: Annotated[tuple[str, ...], Field(exclude_if=_is_unset)] = ()
    quotes: Annotated[Runs, Field(exclude_if=_is_unset)] = ()
    types: Annotated[Runs, Field(exclude_if=_is_unset)] = ()


@dataclass(frozen=True, slots=True)
class OffStage:
    """A deal whose probability is not the one that its stage implies; both are percentages."""

    key: str
    stage: str
    default: Value
    value: Value


@dataclass(frozen=True, slots=True)
class PredictedCalls:
    """How many API calls applying the plan takes when nothing fails."""

    reads: int
    writes: int

    @property
    def total(self) -> int:
        """Reads and writes together."""
        return self.reads + self.writes


@dataclass(frozen=True, slots=True)
class OrgCalls:
    """The org's own estimate of the calls of its day: used, and allowed."""

    used: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that apply needs, and what it must refuse by.

    `serial` counts the applied runs of this job in this journal and their writes: a plan with an old one is stale.
    `schema_digest` covers the parts of describe and the stage catalogue that the plan depends on.
    `key_fields` names the key field of each sObject that has one, `routes` what makes creates safe to repeat
    (of contact roles: those on deals that exist). `is_strict` says that each update is sent on the condition that
    nobody wrote to its record meanwhile. `profile` is the name of the org profile, `undoes` the run that the plan
    takes back, `limits` the job file's own, which hold for those who go on with the run too. `forecast` is what is
    needed to say the plan's effect on the forecast (`core.deals.forecast`); None where no deals are meant.
    `open_references` are those that a person has to settle. `off_stage` are the first of the deals that will be off
    their stage's probability, `off_stage_total` counts all of them. `is_audited` says that what is read back is
    judged value by value. `gone` are the rows that the source or the org has no more. `names` are ids and names of
    records that the first changes refer to, for people to read. `marks` say how far the sources were read that are
    read on from a watermark. `share` is the share of the job that it plans; "" is all of it. `whole` is the plan
    of which this is a portion, `portion` its number from 1 on; "" and 0 for a plan that is whole itself. `tally`
    counts by sObject and outcome the rows of which a condensed plan holds no change. `choices` say how creates and
    updates travel where there is a choice, `org_calls` how many calls the org had used when the plan was made; None
    where it does not say.
    """

    plan_id: str
    job: str
    profile: str
    job_digest: str
    org: OrgIdentity
    schema_digest: str
    serial: int
    created_at: str
    mode: Mode
    role_policy: RolePolicy
    on_role_error: OnRoleError
    key_fields: Mapping[str, str]
    routes: Mapping[str, Route]
    changes: tuple[Change, ...]
    is_strict: bool
    notes: tuple[Problem, ...]
    sources: Mapping[str, SourceImage]
    predicted: PredictedCalls
    undoes: str | None = None
    limits: Limits = NO_LIMITS
    forecast: ForecastBasis | None = None
    open_references: tuple[OpenReference, ...] = ()
    off_stage: tuple[OffStage, ...] = ()
    off_stage_total: int = 0
    is_audited: bool = False
    gone: GoneRows = NO_GONE
    names: tuple[tuple[str, str], ...] = ()
    marks: tuple[SourceMark, ...] = ()
    share: str = ""
    whole: str = ""
    portion: int = 0
    tally: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    org_calls: OrgCalls | None = None
    untouched: Mapping[str, int] = field(default_factory=dict)
    sifted: Sifted | None = None

    def strategy(self, sobject: str, operation: Operation) -> Strategy | None:
        """How these rows travel; None where the plan leaves it to their route."""
        return strategy_of(self.choices, sobject, operation)

    def keyless(self) -> list[str]:
        """The sObjects that the plan writes without a key of the org, contact roles left out."""
        named = {each.sobject for each in self.changes} - self.key_fields.keys() - WITHOUT_OWN_KEY
        return sorted(named)

    @property
    def row_count(self) -> int:
        """How many input rows the plan is about, those that it leaves out as unchanged among them."""
        return sum(each.row is not None for each in self.changes) + sum(self.untouched.values())

    def is_empty(self) -> bool:
        """Whether applying would write nothing."""
        return not any(each.action in WRITES for each in self.changes)

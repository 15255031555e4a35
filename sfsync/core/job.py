"""A job as a value: which rows, from which source, become which records of which org, by which rules.

Files are read and checked in `sfsync.jobs`; the planner sees only these. One `Section` is one mapping step:
a source, an sObject, and a rule for each of its fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from sfsync.core.contact_roles.role_rules import AS_GIVEN, RoleRules
from sfsync.core.deals.gone import NO_POLICIES, GonePolicies
from sfsync.core.deals.lead_rule import LeadRule
from sfsync.core.plans.partition import Partition
from sfsync.core.presets.preset import PresetColumns
from sfsync.core.reading.repeated_keys import DuplicateKeys
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.references.picks import NO_PICKS, Picks
from sfsync.core.sending.strategy import Strategy
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.writes import Route

SECTIONS: Final = {
    "accounts": ACCOUNT,
    "contacts": CONTACT,
    "opportunities": OPPORTUNITY,
    "contact_roles": CONTACT_ROLE,
}
"""The sections of a job file and the sObject that each one writes, in the order of writing."""

ROW_KEY: Final = "row key"
"""Stands for a key field where the section has none; no field of an org can have this name."""


class Mode(StrEnum):
    """What a job may do with a row: create it, update it, or whichever the plan finds right."""

    UPSERT = "upsert"
    INSERT = "insert"
    UPDATE = "update"


class Blank(StrEnum):
    """What an empty cell means for a field."""

    SKIP = "skip"
    NULL = "null"
    ERROR = "error"
    DEFAULT = "default"


class Missing(StrEnum):
    """What becomes of a row whose reference finds no record.

    ERROR, the default, rejects the row. DEFER lets it go without the lookup, which a later run sets. SKIP leaves
    the row out, and CREATE brings the record first.
    """

    ERROR = "error"
    DEFER = "defer"
    CREATE = "create"
    SKIP = "skip"


class Inactive(StrEnum):
    """What becomes of an owner who has left: a problem of the row, no owner from it, or another user instead."""

    ERROR = "error"
    SKIP = "skip"
    DEFAULT = "default"


class FieldPolicy(StrEnum):
    """Who has the say where a row and its record differ in a field.

    GUARD, the default, writes the row's value unless somebody changed the field in the org since the last run.
    """

    GUARD = "guard"
    SOURCE = "source"
    ORG = "org"
    CREATE_ONLY = "create-only"
    FILL_EMPTY = "fill-empty"
    FORWARD_ONLY = "forward-only"


class ProbabilityPolicy(StrEnum):
    """Whose probability a deal has: its stage's own, the row's, or the one that is in the org."""

    DEFAULT = "default"
    OVERRIDE = "override"
    KEEP = "keep"


class Move(StrEnum):
    """Movements of deals that are problems of their rows unless the job allows them; `deals.movement` says when."""

    BACKWARD = "backward"
    REOPEN = "reopen"
    CLOSE_WITHOUT_AMOUNT = "close-without-amount"
    CLOSE_WITHOUT_DATE = "close-without-date"


def allowed_moves(names: Iterable[str]) -> tuple[Move, ...]:
    """The movements of those names, each once, sorted.

    Raises:
        ValueError: a name is none.
    """
    return tuple(sorted({Move(each) for each in names}))


class RolePolicy(StrEnum):
    """What may be done to the roles that a deal already has."""

    APPEND = "append"
    MERGE = "merge"
    MIRROR = "mirror"


class UpdateMode(StrEnum):
    """How updates are kept from overwriting an edit made a moment before: by a condition on each, or not at all.

    AUTO is strict for few updates and fast for many.
    """

    AUTO = "auto"
    STRICT = "strict"
    FAST = "fast"


class OnRoleError(StrEnum):
    """What a refused contact role takes down with it: itself, or its new deal."""

    ROLE = "role"
    DEAL = "deal"


@dataclass(frozen=True, slots=True)
class CreateKey:
    """The own key of a parent that a run makes: its field, and the column of the row that holds the value.

    Without a `column` the text that names the parent is the key. Without a `field` the section of the parent's
    own rows says which it is.
    """

    field: str = ""
    column: str | None = None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of the sObject gets its value from a row.

    Exactly one of `column`, `compose` (text with `{column}` places) and `constant` is given. `or_columns` are
    read, in order, where `column` is empty or its word becomes "" in the `value_map`. With `as_record_id` the text
    is a record id, and always the 18-character one.
    `match` names, in order, the fields of the referenced sObject by which a reference is looked up ("Id" is
    the id itself); it is empty for plain fields. `account` is the column that says the account of a strategy such
    as "Name + Account.Name"; `inactive_default` is the user who takes the place of one who left.
    `value_map` must name every value that occurs, unless `keep_unmapped`. Where `missing` is CREATE, a parent that
    is nowhere is made: `create` names the column of further fields of it, `create_key` its own key; None is a
    parent without one. `numbers` is the locale and `date_format` the form in which the cells are written (`dates`
    knows the forms), `times` an exact factor of the number. `field_type` and `create_rules`, the rules that type
    what `create` reads, are settled when the org's describe is known.
    """

    field: str
    column: str | None = None
    compose: str | None = None
    constant: str | None = None
    value_map: Mapping[str, str] | None = None
    keep_unmapped: bool = False
    blank: Blank = Blank.SKIP
    default: str | None = None
    match: tuple[str, ...] = ()
    date_format: str | None = None
    numbers: str | None = None
    times: Decimal | None = None
    policy: FieldPolicy = FieldPolicy.GUARD
    account: str | None = None
    missing: Missing = Missing.ERROR
    inactive: Inactive = Inactive.ERROR
    inactive_default: str | None = None
    create: Mapping[str, str] = dataclasses.field(default_factory=dict)
    create_key: CreateKey | None = None
    or_columns: tuple[str, ...] = ()
    as_record_id: bool = False
    create_rules: Mapping[str, FieldRule] = dataclasses.field(default_factory=dict)
    field_type: str = ""

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The columns that may give the value, the first one first."""
        return (() if self.column is None else (self.column,)) + self.or_columns


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping step: rows of one source become records of one sObject.

    `key` is the API name of the unique external id field that tells the rows apart. Where the org has none,
    `row_key` is the column of the source that does; the journal then remembers which record each row became.
    Contact roles have neither.
    `replace` maps a column to words that are put right in it before any rule reads it. Of deals, `probability` is
    None where the job does not say, `allow` has the movements that are no problem, each once, sorted, and `lead`
    says how rows that name a lead come out of it. `gone` says what is done about rows that are gone from the source
    or from the org. `numbers` and `dates` say how the cells of number and date fields are written, where a
    rule does not say it itself. `preset` says what the file's header may be; then the columns of the rules are
    canonical until the section is fitted to the header.
    """

    name: str
    sobject: str
    source: SourceSpec
    rules: tuple[FieldRule, ...]
    key: str | None = None
    row_key: str | None = None
    ignore: tuple[str, ...] = ()
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    probability: ProbabilityPolicy | None = None
    allow: tuple[Move, ...] = ()
    gone: GonePolicies = NO_POLICIES
    lead: LeadRule | None = None
    numbers: str | None = None
    dates: str | None = None
    preset: PresetColumns | None = None
    duplicate_keys: DuplicateKeys = DuplicateKeys.ERROR

    @property
    def match_name(self) -> str:
        """By what other rows of the job refer to a row of this section: its key field, or `ROW_KEY`."""
        return self.key or ROW_KEY

    def rule(self, field_name: str) -> FieldRule | None:
        """The rule of that field, or None when the job leaves the field alone."""
        return next((each for each in self.rules if each.field.lower() == field_name.lower()), None)


def _is_unset(value: object) -> bool:
    """Whether a limit is left out of a saved plan, so that plans saved before it was known keep their digest."""
    return value is None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one run may go; None is no limit.

    `canary` is how many deals are written and read back before the rest goes. `confirmed` is the digest of a
    plan that a person has looked at. `api_budget` is how many API calls a run may take; without it a run stops
    when the org has used most of its day's.
    """

    max_changes: int | None = None
    max_failures: int | None = None
    canary: int | None = None
    allow_deletes: bool = False
    confirmed: str | None = None
    api_budget: Annotated[int | None, Field(exclude_if=_is_unset)] = None

    def over(self, other: Limits) -> Limits:
        """These limits, and the other ones where these say nothing."""
        return Limits(
            max_changes=other.max_changes if self.max_changes is None else self.max_changes,
            max_failures=other.max_failures if self.max_failures is None else self.max_failures,
            canary=other.canary if self.canary is None else self.canary,
            allow_deletes=self.allow_deletes or other.allow_deletes,
            confirmed=self.confirmed or other.confirmed,
            api_budget=other.api_budget if self.api_budget is None else self.api_budget,
        )


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Job:
    """A validated job. `digest` changes whenever something changes that a plan depends on (not the rows).

    `route` is the laxest route that creates may take; None leaves the choice to the plan. `limits` are the job's
    own; those of a run win over them. `strategy` is how writes travel; None takes the way of the fewest calls.
    `picks` are the references that a person has settled. `verify` says that what is read back is judged value by
    value; None leaves it to the command. `partition` is the share of the rows that is brought; None is all. At most
    `threads` calls are in flight at a time; None is the usual number. `ping` is the address that is told how runs
    end; it is a secret.
    """

    name: str
    org: str | None
    sections: Mapping[str, Section]
    digest: str
    file: str = ""
    description: str = ""
    mode: Mode = Mode.UPSERT
    role_policy: RolePolicy = RolePolicy.MERGE
    on_role_error: OnRoleError = OnRoleError.ROLE
    route: Route | None = None
    update_mode: UpdateMode = UpdateMode.AUTO
    limits: Limits = NO_LIMITS
    picks: Picks = NO_PICKS
    role_rules: RoleRules = AS_GIVEN
    verify: bool | None = None
    strategy: Strategy | None = None
    partition: Partition | None = None
    threads: int | None = None
    ping: str | None = field(default=None, repr=False)

    @property
    def share(self) -> str:
        """Which share of the job this is, such as "2/4"; "" is all of it."""
        return str(self.partition) if self.partition else ""

    def of_partition(self, partition: Partition) -> Job:
        """The job that brings that share of the rows alone."""
        parents = {name: each for name, each in self.sections.items() if each.sobject in (ACCOUNT, CONTACT)}
        rest = {name: each for name, each in self.sections.items() if name not in parents}
        sections = parents if partition.is_parents else rest
        return dataclasses.replace(self, sections=sections, partition=partition)

    def partitions(self, count: int) -> list[Job]:
        """The job shared out among `count` processes; what deals and roles refer to comes first, by itself.

        Where there are `count + 1`, the first has to end before the others begin, which go side by side on one
        journal. `Report.merge` makes one report of theirs.
        """
        shares = [self.of_partition(Partition(number, count)) for number in range(count + 1)]
        return [each for each in shares if each.sections]

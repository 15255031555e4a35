"""What an org made of what was sent: each difference found when reading back, by what the platform tells of it.

What a kind rests on: text and numbers speak for themselves (cut off, rounded); a field that is as it was before
was ignored; for the rest the record's last modification decides: who made it, and whether it falls into the second
of our own write. Where that does not decide, the kind is `CHANGED_IN_ORG`, which claims nothing.
Source: Object Reference, "System Fields" (LastModifiedDate has a grain of one second; automation of our own
transaction runs as our user).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sfsync.core.reports.results import RowRef
from sfsync.core.sobject import ACCOUNT, CONTACT, OPPORTUNITY
from sfsync.core.values import PlannedValue, Value, is_same, trimmed

GRAIN: Final = timedelta(seconds=1)
"""How far the org's clock in an answer and the time on a record may lie apart for one and the same write."""

OF_INTEREST: Final = {
    ACCOUNT: ("RecordTypeId", "OwnerId"),
    CONTACT: ("RecordTypeId", "OwnerId"),
    OPPORTUNITY: ("Probability", "ForecastCategoryName", "RecordTypeId", "OwnerId"),
}
"""Fields that a create may leave to the platform, and whose value somebody wants to know then."""


class Kind(StrEnum):
    """What became of a value; DEFAULTED and TRIMMED are no loss, all others are differences."""

    MISSING = "missing"
    IGNORED = "ignored by the platform"
    TRUNCATED = "truncated"
    ROUNDED = "rounded"
    BY_AUTOMATION = "changed by automation"
    BY_ANOTHER_USER = "changed by another user"
    ROLE_RENAMED = "role renamed"
    PRIMARY_MOVED = "primary moved"
    CHANGED_IN_ORG = "changed in the org"
    TRIMMED = "trimmed"
    DEFAULTED = "defaulted"


HARMLESS: Final = frozenset({Kind.TRIMMED, Kind.DEFAULTED})
"""Kinds where all that was sent is there."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who modified a record last, and when; `created_*` is the same of its beginning. None is not known."""

    by: str | None
    at: datetime | None
    created_by: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """The org's clock before a write left and when its answer came; None is not known."""

    before: datetime | None
    after: datetime | None

    def holds(self, at: datetime | None) -> bool:
        """Whether a record's time can be that of the write."""
        if at is None or self.before is None or self.after is None:
            return False
        return self.before - GRAIN <= at <= self.after + GRAIN


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that is not as it was sent, or that the platform filled in.

    `sent` and `held` are typed values; `field` is "" for a record that is missing. `by` is the id of the user who
    modified the record last, where another user did.
    """

    kind: Kind
    sobject: str
    key: str
    label: str
    record_id: str
    field: str = ""
    sent: PlannedValue = None
    held: Value = None
    by: str = ""
    row: RowRef | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What reading back found: how many records were written and read, and every finding."""

    rows: int
    findings: tuple[Finding, ...] = ()

    def counts(self) -> dict[Kind, int]:
        """How many findings of each kind, in the order of the kinds; kinds without any are left out."""
        counted = Counter(each.kind for each in self.findings)
        return {kind: counted[kind] for kind in Kind if counted[kind]}

    def differences(self) -> tuple[Finding, ...]:
        """The findings where something that was sent is not there."""
        return tuple(each for each in self.findings if each.kind not in HARMLESS)


def running_user(written: Iterable[tuple[Stamp, Moment, bool]]) -> str | None:
    """Who we are to the org, by the records of the run: each with its stamp, our write's moment, and if it is new.

    Whoever created what we inserted. Without inserts whoever last modified records in the second of our own writes,
    if that is several records or one of that user's own; None where it is not, or where they do not agree: somebody
    may have edited a single record in that same second.
    """
    known = list(written)
    creators = {stamp.created_by for stamp, _, is_new in known if is_new}
    in_time = [stamp for stamp, moment, is_new in known if not is_new and moment.holds(stamp.at)]
    users = creators or {each.by for each in in_time}
    is_proven = bool(creators) or len(in_time) > 1 or any(each.by == each.created_by for each in in_time)
    return next(iter(users)) if is_proven and len(users) == 1 else None


def is_of_our_write(stamp: Stamp, moment: Moment, *, is_new: bool) -> bool:
    """Whether a record's last modification is our own write, to the second."""
    if is_new and stamp.at is not None and stamp.created_at is not None:
        return stamp.at - stamp.created_at <= GRAIN
    return moment.holds(stamp.at)


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of a written record: what was sent, what was there before (updates), and what is there now."""

    name: str
    sent: PlannedValue
    held: Value
    before: Mapping[str, Value]
    is_new: bool
    scale: int | None = None


def kind_of(value: Compared, stamp: Stamp, *, us: str | None, is_ours: bool) -> Kind | None:
    """What became of a value, None when it is as it was sent. `is_ours` says that our write was the last.

    Where another user modified the record since, nobody can say who shortened a text or put an old value back.
    """
    if is_same(value.sent, value.held, scale=value.scale):
        return Kind.TRIMMED if _is_trimmed(value) else None
    tells_itself = _shape(value) or (Kind.IGNORED if _is_as_before(value) else None)
    if us is not None and stamp.by is not None and stamp.by != us:
        return Kind.BY_ANOTHER_USER if tells_itself is None else Kind.CHANGED_IN_ORG
    if tells_itself is not None:
        return tells_itself
    return Kind.BY_AUTOMATION if is_ours and us is not None else Kind.CHANGED_IN_ORG


def role_kind(value: Compared, kind: Kind) -> Kind:
    """The same in the words of a contact role: its name and its flag have words of their own."""
    if kind in (Kind.TRUNCATED, Kind.TRIMMED):
        return kind
    if value.name == "Role" and value.held is not None:
        return Kind.ROLE_RENAMED
    if value.name == "IsPrimary" and value.sent is True:
        return Kind.PRIMARY_MOVED
    return kind


def _is_trimmed(value: Compared) -> bool:
    return (
        isinstance(value.sent, str) and value.sent != (value.held or "") and trimmed(value.sent) == value.held
    )


def _shape(value: Compared) -> Kind | None:
    """What the two values themselves tell: cut off at the end, or rounded by less than one in the last digit."""
    sent, held = value.sent, value.held
    if isinstance(sent, str) and isinstance(held, str) and held and sent.startswith(held):
        return Kind.TRUNCATED
    if isinstance(sent, Decimal) and isinstance(held, Decimal) and _is_rounding(sent, held):
        return Kind.ROUNDED
    return None


def _is_rounding(sent: Decimal, held: Decimal) -> bool:
    """Whether `held` is `sent` with fewer digits behind the point, rounded to nearest, up or down."""
    digits, sent_digits = _digits(held), _digits(sent)
    return digits < sent_digits and abs(sent - held) < Decimal(1).scaleb(-digits)


def _digits(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _is_as_before(value: Compared) -> bool:
    if value.is_new:
        return value.held is None
    return value.name in value.before and is_same(value.before[value.name], value.held, scale=value.scale)

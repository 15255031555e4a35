"""Rows that are gone: from the source, or from the org. What a job wants done about them, and what a plan found.

A row has vanished when the job brought it before and its complete source has it no more. A record is gone when the
org deleted it or merged it into another. Nothing here reads anything; the engine's `gone_*` modules do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sfsync.core.job_memory import JobRow
from sfsync.core.values import Value

CHANGE_PREFIX: Final = "gone "
"""In front of the sObject and key of a vanished row, in the name of the change that closes or deletes its deal."""

MOST_VANISHED: Final = 0.20
"""The share of a job's rows that may be closed or deleted without a person's word."""

FEW: Final = 3
"""So many vanished rows are no matter of shares, as long as they are not most of the job's."""


class Vanished(StrEnum):
    """What happens to the record of a row that the source has no more."""

    REPORT = "report"
    IGNORE = "ignore"
    CLOSE = "close"
    DELETE = "delete"


class Deleted(StrEnum):
    """What happens to a row whose record was deleted in the org."""

    PARK = "park"
    RECREATE = "recreate"


class Merged(StrEnum):
    """What happens to a row whose record was merged into another."""

    FOLLOW = "follow"
    PARK = "park"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class GonePolicies:
    """What a section wants done about gone rows; `vanished_stage` is the API name of the stage that closes."""

    vanished: Vanished = Vanished.IGNORE
    vanished_stage: str = "Closed Lost"
    deleted: Deleted = Deleted.PARK
    merged: Merged = Merged.FOLLOW


NO_POLICIES: Final = GonePolicies()


class Fate(StrEnum):
    """What a plan does with a vanished row."""

    REPORTED = "reported"
    CLOSE = "close"
    DELETE = "delete"
    CHANGED = "changed in the org"
    NOT_OURS = "not created by this job"
    OTHER_JOB = "brought by another job"
    CLOSED = "closed already"
    ABSENT = "not in the org"


@dataclass(frozen=True, slots=True)
class VanishedRow:
    """A row that the source has no more, and what the plan does with its record; `detail` says why."""

    sobject: str
    key: str
    record_id: str
    fate: Fate
    detail: str = ""

    @property
    def change_id(self) -> str:
        """The name of the change that closes or deletes it."""
        return f"{CHANGE_PREFIX}{self.sobject}:{self.key}"


@dataclass(frozen=True, slots=True)
class FollowedRow:
    """A row whose record was merged into another, which is its record from now on.

    `seen` is what the master held of the row's fields, `sent` what the row wanted then: together they are the base
    of the next comparison, by which the master keeps its values until the row changes.
    """

    change_id: str
    sobject: str
    key: str
    old_id: str
    record_id: str
    sent: Mapping[str, Value]
    seen: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class GoneRows:
    """All gone rows of a plan; `known` counts the rows of each sObject that the job ever brought."""

    vanished: tuple[VanishedRow, ...] = ()
    followed: tuple[FollowedRow, ...] = ()
    known: Mapping[str, int] = field(default_factory=dict)


NO_GONE: Final = GoneRows()


def vanished_rows(
    known: Iterable[JobRow], present: Iterable[str], *, key_field: str | None, folds_case: bool
) -> list[JobRow]:
    """Those of a job's rows that its source has no more; `present` are all keys of the source.

    Rows that were brought under another key field say nothing, nor do deals that this job closed as vanished.
    """
    there = {_compared(each, folds_case=folds_case) for each in present}
    return [
        row
        for row in known
        if row.key_field in (None, key_field or "")
        and row.fate != Fate.CLOSED
        and _compared(row.key, folds_case=folds_case) not in there
    ]


def _compared(key: str, *, folds_case: bool) -> str:
    return key.casefold() if folds_case else key


def vanished_excess(gone: GoneRows, writes: Iterable[str]) -> Iterator[str]:
    """Why closing and deleting vanished rows is out of proportion; `writes` are the plan's writing changes."""
    yield from excess_of_vanished(vanished_writes(gone, writes), gone.known)


def vanished_writes(gone: GoneRows, writes: Iterable[str]) -> dict[str, int]:
    """How many vanished rows of each sObject are closed or deleted."""
    written, count = frozenset(writes), dict[str, int]()
    for each in gone.vanished:
        if each.change_id in written:
            count[each.sobject] = count.get(each.sobject, 0) + 1
    return count


def excess_of_vanished(written: Mapping[str, int], known: Mapping[str, int]) -> Iterator[str]:
    """Why closing and deleting so many vanished rows is out of proportion to those that the job ever brought."""
    for sobject, brought in known.items():
        count = written.get(sobject, 0)
        is_most = count * 2 > brought
        if count > brought * MOST_VANISHED and (count > FEW or is_most):
            yield f"it closes or deletes {count:,} of the {brought:,} rows of {sobject} that the job brought"

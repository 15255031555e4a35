"""What became of a row: the ten counts, and the problem that a person can act on.

Every input row ends in exactly one `Outcome`. A `Problem` says where (file, line, column), what (value,
message) and what to do (hint); its code is stable, its words are for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """The one end of an input row; the values are the keys of the machine output.

    DELETED is the end of a record that no input row asks for, so it is in no count of rows.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    CONFLICT = "conflicts"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    UNPROCESSED = "unprocessed"
    DELETED = "deleted"


COUNTED: Final = tuple(each for each in Outcome if each is not Outcome.DELETED)
"""The outcomes that an input row can have."""

NOT_DONE: Final = frozenset(
    {Outcome.CONFLICT, Outcome.REJECTED, Outcome.BLOCKED, Outcome.UNKNOWN, Outcome.UNPROCESSED}
)
"""Outcomes that leave something for a person or a later run: exit code 3."""

DEFERRED: Final = "DEFERRED"
OWNER_LEFT_OUT: Final = "OWNER_LEFT_OUT"
OWNER_REPLACED: Final = "OWNER_REPLACED"
REMARKS: Final = frozenset({DEFERRED, OWNER_LEFT_OUT, OWNER_REPLACED})
"""The codes of what is said of a row that goes all the same; it is not undone by them."""


class Stage(StrEnum):
    """Where in the flow a problem was found."""

    PARSE = "parse"
    MAP = "map"
    MATCH = "match"
    PLAN = "plan"
    ORG = "org"


@dataclass(frozen=True, slots=True)
class RowRef:
    """Where a row stands: the job's source (`opportunities`, ...), its file, its first line (1 = top).

    `ordinal` counts the rows of the source from 1; it tells JSON documents apart that share a line.
    """

    source: str
    file: str
    line: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one row, and what to do about it."""

    code: str
    stage: Stage
    message: str
    hint: str = ""
    row: RowRef | None = None
    column: str = ""
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class RowResult:
    """The outcome of one change of a plan; `record_id` is known for everything that is in the org."""

    change_id: str
    outcome: Outcome
    record_id: str | None = None
    problems: tuple[Problem, ...] = ()
    adopted: bool = False


Counts = Mapping[str, Mapping[str, int]]
"""sObject -> "rows" and one entry for each `Outcome` -> how many."""


def count_outcomes(
    pairs: Iterable[tuple[str, Outcome]], *, unchanged: Mapping[str, int] | None = None
) -> dict[str, dict[str, int]]:
    """Counts per sObject from (sObject, outcome) pairs and of further rows that are unchanged; every sObject
    carries all ten keys.
    """
    counts: dict[str, dict[str, int]] = {}
    for sobject, outcome in pairs:
        of_sobject = counts.setdefault(sobject, {"rows": 0} | {each.value: 0 for each in COUNTED})
        of_sobject["rows"] += 1
        of_sobject[outcome.value] += 1
    for sobject, count in (unchanged or {}).items():
        of_sobject = counts.setdefault(sobject, {"rows": 0} | {each.value: 0 for each in COUNTED})
        of_sobject["rows"] += count
        of_sobject[Outcome.UNCHANGED.value] += count
    return counts


def with_tally(counts: Counts, tally: Counts) -> dict[str, dict[str, int]]:
    """Counts with rows that are only tallied by outcome; every sObject carries all ten keys."""
    found = {name: dict(each) for name, each in counts.items()}
    for sobject, outcomes in tally.items():
        of_sobject = found.setdefault(sobject, {"rows": 0} | {each.value: 0 for each in COUNTED})
        for outcome, count in outcomes.items():
            of_sobject["rows"] += count
            of_sobject[outcome] += count
    return found

"""Which groups of rows a run has settled.

A group is settled when each of its rows is in the org as it wants to be and nothing has to be told of it again: the
next run then leaves it out, counts its rows as unchanged, and says nothing of them. So a row that was left out by a
rule, that a note or a remark is about, or of which a value stays as the org has it, keeps its whole group open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sfsync.core.plans.plan import Change
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome, Problem, RowRef
from sfsync.core.resync.memory import KnownPrint
from sfsync.core.resync.prints import unpacked_groups, unpacked_rows
from sfsync.core.resync.sifted import Sifted

SETTLED: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED})
"""The ends of a row that a later run would only count as unchanged, and of a role that no row asks for."""

RETOLD: Final = frozenset(
    {
        "ACCOUNTS_HIDDEN",
        "AMOUNT_FROM_PRODUCTS",
        "BLANK_LINES",
        "CLOSE_DATE_AHEAD",
        "COLUMN_NEVER_SEEN",
        "COLUMN_NOT_MAPPED",
        "DOUBLE_ROLE",
        "FOOTER_LEFT_OUT",
        "KEPT_BY_POLICY",
        "KEYS_REPEATED",
        "MERGED_ROWS",
        "NOT_PINNED",
        "OTHER_ACCOUNT",
        "PRIMARY_KEPT",
        "PRIMARY_WAITS",
        "NOT_PRIMARY",
        "PROBABILITY_NOT_SENT",
        "PROBABILITY_OFF_STAGE",
        "RECORD_TYPE_VALUES_UNKNOWN",
        "ROWS_VANISHED",
        "VANISHED_CHANGED_IN_ORG",
        "VANISHED_NOT_OURS",
        "VANISHED_SHARED",
        "VANISHED_UNSURE",
    }
)
"""Notes of a plan that the next run tells again by itself, or whose rows stay open: any other keeps all open."""

Place = tuple[str, int]
"""A row by its source and ordinal."""


def settled_prints(sifted: Sifted, report: Report) -> Iterator[KnownPrint]:
    """The prints of the groups that the run has settled, each with how often it occurs."""
    if not sifted.is_settling:
        return
    groups = _groups_by_place(sifted)
    left_open = set(unpacked_groups(sifted.open_groups))
    for place in _open_places(report):
        found = groups.get(place)
        if found is None:
            return  # a row of nobody knows where: in doubt nothing is settled
        left_open |= found
    if any(each.row is None for each in report.notes):
        return
    for name, part in sifted.sections.items():
        counted: dict[tuple[bytes, bytes], int] = {}
        for row in unpacked_rows(part.rows):
            if row.group not in left_open:
                counted[row.print, row.group] = counted.get((row.print, row.group), 0) + 1
        yield from (KnownPrint(name, *each, copies) for each, copies in sorted(counted.items()))


def _groups_by_place(sifted: Sifted) -> dict[Place, set[bytes]]:
    groups: dict[Place, set[bytes]] = {}
    for part in sifted.sections.values():
        for row in unpacked_rows(part.rows):
            groups.setdefault((part.source, row.ordinal), set()).add(row.group)
    return groups


def _open_places(report: Report) -> Iterator[Place]:
    """The rows of which something is left to do or to tell."""
    changes = {each.change_id: each for each in report.plan.changes}
    for change in report.plan.changes:
        row = _row_of(change, changes)
        if row is not None and not is_quiet(report, change):
            yield row.source, row.ordinal
    for note in report.notes:
        if note.row is not None:
            yield note.row.source, note.row.ordinal


def is_quiet(report: Report, change: Change) -> bool:
    """Whether a later run would only count the row of a change as unchanged, as long as it stays as it is."""
    if change.kept or change.other_account or change.merged_into or change.is_left_over:
        return False
    result = report.result(change)
    return result.outcome in SETTLED and not result.problems and not change.problems


def _row_of(change: Change, changes: Mapping[str, Change]) -> RowRef | None:
    """The row that a change is of, or that it completes."""
    whole = changes.get(change.completes) if change.completes else change
    if whole is None:
        return None
    parent = changes.get(whole.parent) if whole.row is None and whole.parent else None
    return whole.row or (parent.row if parent is not None else None)


def untold(notes: Sequence[Problem], places: frozenset[Place]) -> Problem | None:
    """A note that no later run would tell again if its rows were left out; None where there is none.

    `places` are the rows that stay open because notes are about them.
    """
    return next(
        (
            each
            for each in notes
            if each.code not in RETOLD
            and not (each.row is not None and (each.row.source, each.row.ordinal) in places)
        ),
        None,
    )

"""The making of an undo's plan: what the undone run did, what is planned so far, and what a person should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sfsync.core.plans.plan import Change, Plan
from sfsync.core.ports import LedgerEntry, OrgGateway, Record
from sfsync.core.reports.results import Problem, RowResult, Stage
from sfsync.core.reports.standing import NOT_UNDONE
from sfsync.engine.undoing.later_runs import LaterWrite


@dataclass(slots=True)
class Going:
    """Ids of records that an undo deletes, and, by lookup field, of those that it gives their old value of it."""

    deleted: set[str] = field(default_factory=set)
    leaving: dict[str, set[str]] = field(default_factory=dict)

    def from_field(self, name: str) -> set[str]:
        """The records that do not hang on a parent by that lookup any more when all this is done."""
        return self.deleted | self.leaving.get(name, set())


@dataclass(slots=True)
class Undo:
    """What is known and decided so far; `ledger` is what the org held after the run, by change id.

    `doubtful` are changes of which nobody can say whether an earlier run or undo saved them, `unsettled` the deals
    of which that is so for the role that was primary; each deal is named by the change that its roles have as
    parent. `later` is what later runs wrote, by record id; `deals` are the run's deals as they are now. `elsewhere`
    is what the portions of a book that are taken back before this one delete and give back.
    """

    plan: Plan
    results: Mapping[str, RowResult]
    gateway: OrgGateway
    ledger: Mapping[str, LedgerEntry]
    doubtful: frozenset[str]
    later: Mapping[str, Sequence[LaterWrite]]
    unsettled: set[str | None] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    deals: list[Record] = field(default_factory=list)
    elsewhere: Going = field(default_factory=Going)

    def leave(self, change: Change, why: str, *, code: str = NOT_UNDONE) -> None:
        """Says that something stays as it is, and why."""
        message = f"{change.sobject} {change.label or change.key}: {why}"
        self.notes.append(Problem(code, Stage.PLAN, message, row=change.row, value=change.key))

    def is_done(self, change: Change, what: str) -> None:
        """Says that something is as it was before the run already."""
        self.leave(change, what, code="ALREADY_UNDONE")

    def record_id(self, change: Change) -> str:
        """The record that the run wrote by that change."""
        return self.results[change.change_id].record_id or change.record_id or ""

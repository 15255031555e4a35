"""Plans references to rows of the same section or a later one, such as an account's parent account.

What such a reference means is known only when those rows are planned. What the org has already is resolved at
once; the rest is taken out of the row, and looked at again when its section, or all of them, are planned. A row
that creates its record then gets a second pass; one whose record is there is planned anew with what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.job import Missing
from sfsync.core.models import Reference
from sfsync.core.plans.plan import NEW, Action, Change
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.reading.checks import Invalid, row_problem
from sfsync.core.references.candidates import MISSING, BlockedBy, Resolved
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.references.second_pass import completion, open_problem, open_reference
from sfsync.core.sobject import WRITE_ORDER
from sfsync.core.values import Pending
from sfsync.engine.planning.parent_planning import ParentPlanner
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.row_planning import RowPlanner
from sfsync.engine.planning.schema import Schema, target

Put = Callable[[Change], None]
"""Takes a change in place of the one with the same id."""

_ITSELF: Final = Invalid(
    "SELF_REFERENCE", "the row refers to itself", "Name another record, or leave the cell empty."
)


@dataclass(slots=True)
class _HeldBack:
    """A row without those of its references that are yet to be found."""

    read: ReadSection
    row: CheckedRow
    references: dict[str, tuple[str, Reference]]
    records: list[Record] = field(default_factory=list)
    entry: LedgerEntry | None = None
    lead: str | None = None
    change: Change | None = None
    made: dict[str, Resolved] = field(default_factory=dict)


@dataclass(slots=True)
class SelfReferences:
    """The references of a plan that look ahead; `put` takes the changes that are planned anew."""

    schema: Schema
    table: ReferenceTable
    rows: RowPlanner
    parents: ParentPlanner
    put: Put
    further: list[Change] = field(default_factory=list)
    _held: dict[str, _HeldBack] = field(default_factory=dict)
    _completing: dict[str, dict[str, Pending]] = field(default_factory=dict)

    def hold_back(self, read: ReadSection) -> None:
        """Takes out of the rows of a section what refers to rows that are not planned yet."""
        sobject = read.section.sobject
        names = dict(looks_ahead(self.schema, sobject))
        for row in read.rows if names else ():
            for name, goal in names.items():
                value = row.values.get(name)
                if isinstance(value, Reference) and not row.problems:
                    self._hold(read, row, name, goal, value)

    def _hold(self, read: ReadSection, row: CheckedRow, name: str, goal: str, reference: Reference) -> None:
        resolved = self.table.resolve(goal, reference, of=read.section.sobject)
        if isinstance(resolved, str):
            row.values[name] = resolved
        elif isinstance(resolved, Invalid) and resolved.code not in MISSING:
            return
        else:
            del row.values[name]
        held = self._held.setdefault(row.place, _HeldBack(read, row, {}))
        held.references[name] = goal, reference

    def change(
        self,
        read: ReadSection,
        row: CheckedRow,
        records: list[Record],
        entry: LedgerEntry | None,
        *,
        lead: str | None = None,
    ) -> Change:
        """The change of a row, for the time being without what was held back of it."""
        held = self._held.get(row.place)
        if held is None:
            return self.rows.change(read, row, records, entry, lead=lead)
        held.records, held.entry, held.lead = records, entry, lead
        held.change = self.rows.change(read, row, records, entry, lead=lead)
        return held.change

    def settle(self, sobject: str | None) -> None:
        """Resolves what points at an sObject whose rows are planned now; None when all are.

        References to one section alone may still reject their rows; later ones find others built on them, so a new
        record then goes without.
        """
        waiting = [
            each for each in self._held.values() if sobject is None or each.read.section.sobject == sobject
        ]
        self._make_parents(waiting, sobject)
        for is_last in (False, True):
            for held in waiting:
                for name, (goal, reference) in list(held.references.items()):
                    if sobject is None or goal == sobject:
                        self._settle_one(
                            held, name, goal, reference, is_last=is_last, is_late=sobject is None
                        )

    def _make_parents(self, waiting: Sequence[_HeldBack], goal: str | None) -> None:
        """Makes what rows refer to and nothing is, for all rows at once."""
        asking: dict[str, list[tuple[_HeldBack, str]]] = {}
        for held in waiting:
            for name, (meant, reference) in held.references.items():
                if name in held.row.told and name not in held.row.values and goal in (None, meant):
                    held.row.values[name] = reference
                    asking.setdefault(held.read.section.sobject, []).append((held, name))
        for sobject, pairs in asking.items():
            self.parents.settle(sobject, [held.row for held, _ in pairs])
            for held, name in pairs:
                found = held.row.values.pop(name)
                if not isinstance(found, Reference):
                    held.made[name] = found

    def _settle_one(
        self, held: _HeldBack, name: str, goal: str, reference: Reference, *, is_last: bool, is_late: bool
    ) -> None:
        change = held.change
        assert change is not None  # every row that was held back has been planned
        if change.action in (Action.REJECT, Action.BLOCKED, Action.UNKNOWN) and change.record_id is None:
            del held.references[name]
            return
        resolved = self._resolved(held, name, goal, reference)
        is_bad = isinstance(resolved, Invalid)
        if not is_last and not is_bad:
            return  # whoever is rejected is rejected first, so that nobody is planned to follow it
        del held.references[name]
        is_told = is_bad and (not is_late or _goes_without(held, name, resolved))
        if change.action not in NEW or isinstance(resolved, str) or is_told:
            if held.row.values.get(name) != resolved:
                self._plan_anew(held, name, resolved)
        elif isinstance(resolved, Pending):
            self._completing.setdefault(change.change_id, {})[name] = resolved
        else:
            self._leave_open(held, change, name, resolved)

    def _resolved(self, held: _HeldBack, name: str, goal: str, reference: Reference) -> Resolved:
        change, row, sobject = held.change, held.row, held.read.section.sobject
        assert change is not None
        known = row.values.get(name)
        found = known if isinstance(known, str) else self.table.resolve(goal, reference, of=sobject)
        made = held.made.get(name, found)
        # A row that disagrees about its new parent stays refused, though the others' rows have it made.
        if isinstance(made, Invalid) or (isinstance(found, Invalid) and found.code in MISSING):
            found = made
        is_own = found == change.record_id or found == Pending(change.change_id)
        return _ITSELF if is_own else found

    def _plan_anew(self, held: _HeldBack, name: str, resolved: Resolved) -> None:
        held.row.values[name] = resolved
        held.change = self.rows.change(held.read, held.row, held.records, held.entry, lead=held.lead)
        self.put(held.change)

    def _leave_open(self, held: _HeldBack, change: Change, name: str, resolved: BlockedBy | Invalid) -> None:
        self.rows.references.keep_open([resolved])
        if isinstance(resolved, BlockedBy):
            problem = open_problem(name, resolved.change_id)
        else:
            problem = row_problem(
                held.read.section, held.row.ref, name, resolved, value=held.row.texts.get(name, "")
            )
        self.further.append(open_reference(change, held.row.ref, name, problem))

    @property
    def is_used(self) -> bool:
        """Whether any row refers ahead."""
        return bool(self._held)

    def completions(self, changes: Sequence[Change]) -> list[Change]:
        """The updates and open references that stand behind the changes."""
        by_id = {each.change_id: each for each in changes}
        found = [
            completion(by_id[change_id], name, value)
            for change_id, values in self._completing.items()
            for name, value in values.items()
        ]
        return [*found, *self.further]


def looks_ahead(schema: Schema, sobject: str) -> Iterable[tuple[str, str]]:
    """The reference fields of an sObject that point at rows of its own section or of a later one."""
    written = {each.sobject for each in schema.writing}
    place = WRITE_ORDER.index(sobject)
    for section in schema.sections.values():
        for rule in section.rules if section.sobject == sobject else ():
            described = schema.describe(sobject).field(rule.field)
            goal = target(described) if described and described.type == "reference" else ""
            if goal in written and WRITE_ORDER.index(goal) >= place:
                yield rule.field, goal


def _goes_without(held: _HeldBack, name: str, resolved: Resolved) -> bool:
    """Whether the rule defers the reference: that is said of the row, and takes nothing else away."""
    rule = held.read.section.rule(name)
    is_missing = isinstance(resolved, Invalid) and resolved.code in MISSING
    return is_missing and rule is not None and rule.missing is Missing.DEFER

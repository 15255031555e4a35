"""What the references of a row become under the policies of their rules: an id, a problem, or something said.

A row whose reference finds none is rejected, goes without the lookup, or is left out, as its rule says; several
hits are a problem under every policy. What the planners of parents and of references ahead have settled is taken
as they say. Invariant: a lookup whose cell was filled is never sent empty. It is sent
as an id, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sfsync.core.job import FieldRule, Inactive, Missing, Section
from sfsync.core.models import Reference
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.ports import Record
from sfsync.core.reading.checks import Invalid, row_problem
from sfsync.core.references.candidates import MISSING, BlockedBy, Resolved, Unresolved
from sfsync.core.references.open_references import OpenReference
from sfsync.core.references.owners import INACTIVE, USER
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.reports.results import (
    DEFERRED,
    OWNER_LEFT_OUT,
    OWNER_REPLACED,
    Problem,
    Stage,
)
from sfsync.core.values import Pending, PlannedValue
from sfsync.engine.planning.parent_problems import UNSETTLED
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.schema import target

WAITS = "WAITS_FOR_PARENT"
"""The code of a row that cannot go without the record that it refers to, and waits for it."""

LEFT_OUT = "LEFT_OUT"
"""The code of a row that its rule leaves out because the record that it refers to is not there."""

NOT_GONE = frozenset({WAITS, LEFT_OUT})
"""The codes of rows that are not brought now and do not say that their record is not wanted."""


@dataclass(slots=True)
class RowReferences:
    """A row's values with references resolved, and what is to be said of those that are not.

    `problems` reject or block the row, `left_out` leaves it out, `remarks` let it go.
    """

    desired: dict[str, PlannedValue] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    is_blocked: bool = False


@dataclass(slots=True)
class ReferencePolicies:
    """Resolves the references of rows one by one, and keeps those that a person has to settle."""

    table: ReferenceTable
    open: dict[OpenReference, None] = field(default_factory=dict)

    def resolved(
        self, section: Section, describe: SObjectDescribe, row: CheckedRow, record: Record
    ) -> RowReferences:
        """The row's values for the record that it is, {} where there is none."""
        found = RowReferences()
        for name, value in row.values.items():
            reference_field = describe.field(name)
            if isinstance(value, Reference | BlockedBy | Invalid) and reference_field is not None:
                self._resolve(found, section, reference_field, row, value, record)
            else:
                found.desired[name] = value
        return found

    def _resolve(
        self,
        found: RowReferences,
        section: Section,
        of: Field,
        row: CheckedRow,
        value: Reference | BlockedBy | Invalid,
        record: Record,
    ) -> None:
        is_there = bool(record)
        resolved = self._meant(section, of, value, record.get(of.name))
        rule = section.rule(of.name)
        if isinstance(resolved, str | Pending):
            found.desired[of.name] = resolved
        elif isinstance(resolved, BlockedBy):
            found.is_blocked = True
            found.problems.append(self._problem(section, row, of, blocked_by(resolved), value))
        elif isinstance(value, Reference) and _is_excused(resolved, rule):
            assert rule is not None  # it excuses
            self._without_leaver(found, section, of, row, value, rule, resolved)
        else:
            found.is_blocked = found.is_blocked or resolved.code == UNSETTLED
            is_required = of.is_required_on_create and not is_there
            place, said = without_parent(rule, resolved, is_required=is_required)
            chosen = {Missing.DEFER: found.remarks, Missing.SKIP: found.left_out}.get(place, found.problems)
            chosen.append(self._problem(section, row, of, said, value))

    def _meant(
        self, section: Section, of: Field, value: Reference | BlockedBy | Invalid, held: object
    ) -> Resolved:
        if isinstance(value, Reference):
            return self._looked_up(section, of, value, held)
        self.keep_open([value])
        return value

    def _looked_up(self, section: Section, of: Field, value: Reference, held: object) -> Resolved:
        resolved = self.table.resolve(target(of), value, of=section.sobject, held=held)
        self.keep_open([resolved])
        return resolved

    def keep_open(self, resolved: Iterable[object]) -> None:
        """Remembers those that a person has to settle."""
        self.open |= {
            each.open: None for each in resolved if isinstance(each, Unresolved) and each.open is not None
        }

    def _without_leaver(
        self,
        found: RowReferences,
        section: Section,
        of: Field,
        row: CheckedRow,
        value: Reference,
        rule: FieldRule,
        refusal: Invalid,
    ) -> None:
        """The rule's other user in the place of one who left, or no owner from this row."""
        name = rule.inactive_default
        if name is None:
            why = f"{refusal.message}; the owner is left as the org has it"
            said = Invalid(OWNER_LEFT_OUT, why, "Name an active user when there is one.")
            found.remarks.append(self._problem(section, row, of, said, value))
            return
        other = self._looked_up(section, of, Reference(name, value.match), None)
        if isinstance(other, str):
            found.desired[of.name] = other
            said = Invalid(OWNER_REPLACED, f"{refusal.message}; {name} is the owner, as the job says")
            found.remarks.append(self._problem(section, row, of, said, value))
            return
        why = other.message if isinstance(other, Invalid) else f"no user is {name}"
        refused = replace(refusal, message=f"{refusal.message}, nor does inactive_default help: {why}")
        found.problems.append(self._problem(section, row, of, refused, value))

    def _problem(
        self,
        section: Section,
        row: CheckedRow,
        of: Field,
        invalid: Invalid,
        value: Reference | BlockedBy | Invalid,
    ) -> Problem:
        text = value.value if isinstance(value, Reference) else row.texts.get(of.name, "")
        problem = row_problem(section, row.ref, of.name, invalid, value=text)
        return replace(problem, stage=Stage.MATCH)


def _is_excused(refusal: Invalid, rule: FieldRule | None) -> bool:
    """Whether a user has left and the rule says what happens then."""
    return refusal.code == INACTIVE and rule is not None and rule.inactive is not Inactive.ERROR


def without_parent(
    rule: FieldRule | None, resolved: Invalid, *, is_required: bool
) -> tuple[Missing, Invalid]:
    """What becomes of a row by its rule, and what is said, where a reference means no record.

    Only where none is found; a row that cannot do without the record waits for it instead of going without.
    """
    policy = rule.missing if rule is not None and resolved.code in MISSING else Missing.ERROR
    if policy is Missing.DEFER and not is_required:
        message = f"deferred: {resolved.message}; the row goes without it, and a later run sets it"
        return policy, Invalid(DEFERRED, message, resolved.hint)
    if policy is Missing.DEFER:
        message = f"{resolved.message}; the row waits for it"
        return Missing.SKIP, Invalid(WAITS, message, "A later run that finds it brings the row.")
    if policy is Missing.SKIP:
        return policy, Invalid(LEFT_OUT, f"{resolved.message}; the row is left out", resolved.hint)
    return Missing.ERROR, resolved


def blocked_by(blocked: BlockedBy) -> Invalid:
    """Why a row waits for another one of its job."""
    message = f"refers to {blocked.change_id}, which is not brought to the org"
    return Invalid("BLOCKED_BY", message, "Correct that row first, then import both again.")


def referred(read: ReadSection, describe: SObjectDescribe) -> Iterator[tuple[str, Reference]]:
    """What the rows of a section refer to: the sObject that is meant, and the reference."""
    for row in read.rows:
        for name, value in row.values.items():
            reference_field = describe.field(name)
            if isinstance(value, Reference) and reference_field is not None:
                yield target(reference_field), value
    for rule in read.section.rules:
        if rule.inactive_default is not None:
            yield USER, Reference(rule.inactive_default, rule.match)

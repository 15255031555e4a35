"""Plans the parents that rows refer to and that are nowhere: one create for each, before the rows that name it.

Which parents this job made before is known in `parent_memory`. Only a reference that means no record of the org, no
row of the job and no parent planned already makes one. Of an earlier creation of which nobody can say, rows wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.core.checks import Invalid
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.job import Job
from sfsync.core.models import Reference
from sfsync.core.plan import WRITES, Action, Change
from sfsync.core.ports import Journal, OrgGateway
from sfsync.core.references.candidates import MISSING, Resolved
from sfsync.core.references.parents import STANDARD_PARENTS, Identity, Naming, agreed, found_by, identity
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.values import Pending
from sfsync.engine.planning.parent_memory import KeyClaims, ParentJudge, ParentMemory, Wanted
from sfsync.engine.planning.parent_problems import earlier_unsettled, incomplete, key_is_taken
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.schema import Schema, target


@dataclass(slots=True)
class _Group:
    """The rows of one section that name one parent, which is nowhere."""

    named: Identity
    rows: list[CheckedRow] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)


@dataclass(slots=True)
class ParentPlanner:
    """Plans the missing parents of a job's rows; `made` are the changes that create them, by change id."""

    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str
    table: ReferenceTable
    planned: dict[str, PlannedRecords]
    unfenced: Collection[str]
    made: dict[str, Change] = field(default_factory=dict)
    memory: ParentMemory = field(init=False)
    claims: KeyClaims = field(init=False)
    _named: dict[Identity, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = ParentMemory(self.job, self.schema, self.gateway, self.journal, self.org_id)
        self.claims = KeyClaims(self.memory)

    def judge(self, sobject: str, rows: Sequence[CheckedRow]) -> None:
        """Puts into the rows why they cannot go that disagree about a parent of an earlier run."""
        goals = {name: self._goal(sobject, name) for name in {each for row in rows for each in row.told}}
        ParentJudge(self.memory, self.table, self.planned).judge(sobject, goals, rows)

    def settle(self, sobject: str, rows: Iterable[CheckedRow]) -> None:
        """Puts into the rows what their missing parents are: a record, a change that makes one, or why not."""
        groups: dict[Identity, _Group] = {}
        for row in rows:
            for name in row.told if not row.problems else ():
                named = self._named_by(sobject, row, name)
                if named is not None and self._is_missing(sobject, row, name):
                    group = groups.setdefault(named, _Group(named))
                    group.rows.append(row)
                    group.fields.append(name)
                    group.namings.append(Naming(row.ref, row.values[name], row.told[name]))
        for wanted in {each.sobject for each in groups}:
            self._settle_groups(wanted, [each for named, each in groups.items() if named.sobject == wanted])

    def _named_by(self, sobject: str, row: CheckedRow, name: str) -> Identity | None:
        """Which parent a row's reference names, whether it is there or not; its key is the row's claim."""
        reference, told, goal = row.values.get(name), row.told[name], self._goal(sobject, name)
        if not isinstance(reference, Reference) or goal is None:
            return None
        named = identity(goal, reference)
        if named is not None:
            self.claims.take(named, Naming(row.ref, reference, told))
        return named

    def _is_missing(self, sobject: str, row: CheckedRow, name: str) -> bool:
        """Whether a row's reference means nothing that is there."""
        reference, goal = row.values[name], self._goal(sobject, name)
        assert isinstance(reference, Reference)  # it names a parent
        assert goal is not None
        resolved = self.table.resolve(goal, reference, of=sobject)
        return isinstance(resolved, Invalid) and resolved.code in MISSING

    def _goal(self, sobject: str, name: str) -> str | None:
        """The sObject that a reference field of a row points at."""
        if sobject not in self.schema.rules:  # roles that deals alone bring
            return STANDARD_PARENTS.get(name.lower())
        described = self.schema.describe(sobject).field(name)
        return target(described) if described else None

    def _settle_groups(self, sobject: str, groups: Sequence[_Group]) -> None:
        told = [self._wanted(each) for each in groups]
        known = self.memory.known(sobject, told)
        for group, wanted in zip(groups, told, strict=True):
            meant = self._meant(wanted, known)
            for place, (row, name) in enumerate(zip(group.rows, group.fields, strict=True)):
                row.values[name] = wanted.said.against.get(place, meant)

    def _wanted(self, group: _Group) -> Wanted:
        said = agreed(group.named, group.namings)
        key = said.key if self.schema.made[group.named.sobject].key else group.named.row_key
        has_own_key = any(each.told.key is not None for each in group.namings)
        return Wanted(group.named, said, key, group.namings[0].reference, has_own_key)

    def _meant(self, wanted: Wanted, known: Mapping[Identity, Resolved]) -> Resolved:
        """What the rows that name a parent refer to from now on."""
        named, said, key = wanted.named, wanted.said, wanted.key
        sobject, key_field = named.sobject, self.schema.made[named.sobject].key
        if named in self._named:
            return Pending(self._named[named])
        if named in known:
            return known[named]
        change_id = f"{sobject}:{key}"
        claimed = self.claims.refusal(wanted)
        if claimed is not None:
            return claimed
        if not key or change_id in self.made or self._is_a_row(sobject, change_id):
            return key_is_taken(named, key)
        if not {change_id, f"{sobject}:{named.row_key}"}.isdisjoint(self.unfenced):
            return earlier_unsettled(self.job, change_id, key)
        values: dict[str, Any] = {}
        for name, text in {**said.texts, **({key_field: key} if key_field else {})}.items():
            typed, invalid = self.schema.rules[sobject].check(name, text)
            if invalid is not None:
                return replace(invalid, message=f"the new {sobject} cannot be made: {invalid.message}")
            values[name] = typed
        lacking = self.schema.rules[sobject].missing_on_create(values)
        if lacking:
            return incomplete(sobject, lacking)
        change = Change(
            change_id, sobject, Action.CREATE, key, wanted.text, desired=values, values=values, made_for=1
        )
        change = replace(change, found_by=found_by(sobject, wanted.reference))
        self.made[change_id], self._named[named] = change, change_id
        section = self.schema.made[sobject]
        self.planned.setdefault(sobject, PlannedRecords(section.match_name)).add(change)
        return Pending(change_id)

    def _is_a_row(self, sobject: str, change_id: str) -> bool:
        return sobject in self.planned and change_id in self.planned[sobject].changes


def wanted_parents(changes: Sequence[Change]) -> list[Change]:
    """The changes without the parents that nothing waits for any more, the others with how many rows do.

    A lead and the deal that comes out of it are one row.
    """
    rows = {each.parent: each.change_id for each in changes if comes_from_lead(each)}
    waiting: dict[str, set[str]] = {}
    for each in changes:
        for value in each.values.values() if each.action in WRITES else ():
            if isinstance(value, Pending):
                waiting.setdefault(value.change_id, set()).add(
                    each.completes or rows.get(each.change_id, each.change_id)
                )
    return [
        replace(each, made_for=len(waiting[each.change_id])) if each.made_for else each
        for each in changes
        if not each.made_for or each.change_id in waiting
    ]

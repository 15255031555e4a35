"""Plans the parents that rows refer to and that are nowhere: one create for each, before the rows that name it.

Which parents this job made before is known in `parent_memory`. Only a reference that means no record of the org, no
row of the job and no parent planned already makes one. Of an earlier creation of which nobody can say, rows wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.job import Job
from sfsync.core.models import Reference
from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.ports import Journal, OrgGateway
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.candidates import MISSING, Resolved
from sfsync.core.references.parents import STANDARD_PARENTS, Identity, Naming, found_by, identity
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.values import Pending
from sfsync.engine.planning.parent_memory import KeyClaims, ParentJudge, ParentMemory, Said, Wanted, said_of
from sfsync.engine.planning.parent_problems import earlier_unsettled, incomplete, key_is_taken
from sfsync.engine.planning.parents_across import ParentsAcross
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.schema import Schema, target


@dataclass(slots=True)
class _Group:
    """The rows of one section that name one parent, which is nowhere; `of` is the rows' sObject."""

    of: str
    named: Identity
    rows: list[CheckedRow] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)


@dataclass(slots=True)
class ParentPlanner:
    """Plans the missing parents of a job's rows; `made` are the changes that create them, by change id.

    `made_of` says for each of them for rows of which sObject it was planned first, and what they name. `across` is
    what the rows of all portions say, of a job that is planned in portions.
    """

    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str
    table: ReferenceTable
    planned: dict[str, PlannedRecords]
    unfenced: Collection[str]
    across: ParentsAcross | None = None
    made: dict[str, Change] = field(default_factory=dict)
    memory: ParentMemory = field(init=False)
    claims: KeyClaims = field(init=False)
    made_of: dict[str, tuple[str, Identity]] = field(default_factory=dict)
    _named: dict[Identity, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = ParentMemory(self.job, self.schema, self.gateway, self.journal, self.org_id)
        self.claims = KeyClaims(self.memory, self.across)

    def judge(self, sobject: str, rows: Sequence[CheckedRow]) -> None:
        """Puts into the rows why they cannot go that disagree about a parent of an earlier run."""
        goals = {name: self.goal_of(sobject, name) for name in {each for row in rows for each in row.told}}
        ParentJudge(self.memory, self.table, self.planned, self.across).judge(sobject, goals, rows)

    def settle(self, sobject: str, rows: Iterable[CheckedRow]) -> None:
        """Puts into the rows what their missing parents are: a record, a change that makes one, or why not."""
        groups: dict[Identity, _Group] = {}
        for row in rows:
            for name in row.told if not row.problems else ():
                named = self._named_by(sobject, row, name)
                if named is not None and self._is_missing(sobject, row, name):
                    group = groups.setdefault(named, _Group(sobject, named))
                    group.rows.append(row)
                    group.fields.append(name)
                    group.namings.append(Naming(row.ref, row.values[name], row.told[name]))
        for wanted in {each.sobject for each in groups}:
            self._settle_groups(wanted, [each for named, each in groups.items() if named.sobject == wanted])

    def _named_by(self, sobject: str, row: CheckedRow, name: str) -> Identity | None:
        """Which parent a row's reference names, whether it is there or not; its key is the row's claim."""
        reference, told, goal = row.values.get(name), row.told[name], self.goal_of(sobject, name)
        if not isinstance(reference, Reference) or goal is None:
            return None
        named = identity(goal, reference)
        if named is not None:
            self.claims.take(named, Naming(row.ref, reference, told))
        return named

    def _is_missing(self, sobject: str, row: CheckedRow, name: str) -> bool:
        """Whether a row's reference means nothing that is there."""
        reference, goal = row.values[name], self.goal_of(sobject, name)
        assert isinstance(reference, Reference)  # it names a parent
        assert goal is not None
        resolved = self.table.resolve(goal, reference, of=sobject)
        if self.across is not None and isinstance(resolved, Pending):
            return self.across.made_of(resolved.change_id) == sobject
        return isinstance(resolved, Invalid) and resolved.code in MISSING

    def goal_of(self, sobject: str, name: str) -> str | None:
        """The sObject that a reference field of a row points at."""
        return goal_of(self.schema, sobject, name)

    def _settle_groups(self, sobject: str, groups: Sequence[_Group]) -> None:
        said = [said_of(each.of, each.named, each.namings, self.across) for each in groups]
        told = [self._wanted(each, all_said) for each, all_said in zip(groups, said, strict=True)]
        known = self.memory.known(sobject, told)
        for group, wanted, all_said in zip(groups, told, said, strict=True):
            meant = self._meant(wanted, known, of=group.of)
            for place, (row, name) in enumerate(zip(group.rows, group.fields, strict=True)):
                row.values[name] = all_said.why(place, group.namings[place]) or meant

    def _wanted(self, group: _Group, said: Said) -> Wanted:
        named, agreed = group.named, said.agreed
        key = agreed.key if self.schema.made[named.sobject].key else named.row_key
        has_own_key = any(each.told.key is not None for each in said.namings)
        return Wanted(named, agreed, key, said.namings[0].reference, has_own_key)

    def _meant(self, wanted: Wanted, known: Mapping[Identity, Resolved], *, of: str) -> Resolved:
        """What the rows of the sObject `of` that name a parent refer to from now on."""
        named, said, key = wanted.named, wanted.said, wanted.key
        sobject, key_field = named.sobject, self.schema.made[named.sobject].key
        if named in self._named:
            return Pending(self._named[named])
        if self.across is not None and (earlier := self.across.made_for(named)) is not None:
            return Pending(earlier)
        if named in known:
            return known[named]
        change_id = f"{sobject}:{key}"
        claimed = self.claims.refusal(wanted)
        if claimed is not None:
            return claimed
        if not key or change_id in self.made or self._is_a_row(sobject, change_id):  # or an earlier portion's
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
        self.made_of[change_id] = of, named
        section = self.schema.made[sobject]
        self.planned.setdefault(sobject, PlannedRecords(section.match_name)).add(change)
        return Pending(change_id)

    def _is_a_row(self, sobject: str, change_id: str) -> bool:
        return sobject in self.planned and self.planned[sobject].change(change_id) is not None


def wanted_parents(changes: Sequence[Change]) -> list[Change]:
    """The changes without the parents that nothing waits for any more, the others with how many rows do.

    A lead and the deal that comes out of it are one row.
    """
    waiting = waiting_for(changes)
    return [
        replace(each, made_for=len(waiting[each.change_id])) if each.made_for else each
        for each in changes
        if not each.made_for or each.change_id in waiting
    ]


def goal_of(schema: Schema, sobject: str, name: str) -> str | None:
    """The sObject that a reference field of a row points at."""
    if sobject not in schema.rules:  # roles that deals alone bring
        return STANDARD_PARENTS.get(name.lower())
    described = schema.describe(sobject).field(name)
    return target(described) if described else None


def waiting_for(changes: Sequence[Change]) -> dict[str, set[str]]:
    """Which rows that are written wait for a record to be created, by the change that creates it."""
    rows = {each.parent: each.change_id for each in changes if comes_from_lead(each)}
    waiting: dict[str, set[str]] = {}
    for each in changes:
        for value in each.values.values() if each.action in WRITES else ():
            if isinstance(value, Pending):
                waiting.setdefault(value.change_id, set()).add(
                    each.completes or rows.get(each.change_id, each.change_id)
                )
    return waiting

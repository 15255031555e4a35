"""Plans the parents that rows refer to and that are nowhere: one create for each, before the rows that name it.

A parent that this job made before is known by its own key in the org, or by the journal where it has none, also
when somebody has renamed it since. Only a reference that means no record of the org, no row of the job and no
parent planned already makes one. Of an earlier creation of which nobody can say, the rows wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.core.checks import Invalid
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.job import Job, Missing
from sfsync.core.keys import ledger_key
from sfsync.core.models import Reference
from sfsync.core.plan import WRITES, Action, Change
from sfsync.core.ports import Journal, Lookup, OrgGateway, Record
from sfsync.core.references.candidates import MISSING, Resolved
from sfsync.core.references.parents import STANDARD_PARENTS, Agreed, Identity, Naming, agreed, identity
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.values import Pending, clean_key
from sfsync.engine.planning.matching import full_id
from sfsync.engine.planning.parent_problems import earlier_unsettled, incomplete, key_is_taken, made_and_gone
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
    _named: dict[Identity, str] = field(default_factory=dict)

    def settle(self, sobject: str, rows: Iterable[CheckedRow]) -> None:
        """Puts into the rows what their missing parents are: a record, a change that makes one, or why not."""
        groups: dict[Identity, _Group] = {}
        for row in rows:
            for name in row.told if not row.problems else ():
                named = self._missing(sobject, row, name)
                if named is not None:
                    group = groups.setdefault(named, _Group(named))
                    group.rows.append(row)
                    group.fields.append(name)
                    group.namings.append(Naming(row.ref, row.values[name], row.told[name]))
        for wanted in {each.sobject for each in groups}:
            self._settle_groups(wanted, [each for named, each in groups.items() if named.sobject == wanted])

    def _missing(self, sobject: str, row: CheckedRow, name: str) -> Identity | None:
        """Which parent a row's reference names, if it means nothing that is there."""
        reference, rule = row.values.get(name), row.told[name].rule
        if not isinstance(reference, Reference) or rule.missing is not Missing.CREATE:
            return None
        goal = self._goal(sobject, name)
        if goal is None:
            return None
        resolved = self.table.resolve(goal, reference, of=sobject)
        is_missing = isinstance(resolved, Invalid) and resolved.code in MISSING
        return identity(goal, reference) if is_missing else None

    def _goal(self, sobject: str, name: str) -> str | None:
        """The sObject that a reference field of a row points at."""
        if sobject not in self.schema.rules:  # roles that deals alone bring
            return STANDARD_PARENTS.get(name.lower())
        described = self.schema.describe(sobject).field(name)
        return target(described) if described else None

    def _settle_groups(self, sobject: str, groups: Sequence[_Group]) -> None:
        told = [agreed(each.named, each.namings) for each in groups]
        known = self._known(sobject, groups, told)
        for group, said in zip(groups, told, strict=True):
            meant = self._meant(group, said, known)
            for place, (row, name) in enumerate(zip(group.rows, group.fields, strict=True)):
                row.values[name] = said.against.get(place, meant)

    def _known(
        self, sobject: str, groups: Sequence[_Group], told: Sequence[Agreed]
    ) -> Mapping[Identity, Resolved]:
        """Those parents that the job has made before: in the org, or gone from it. An empty key is nobody's."""
        key_field = self.schema.made[sobject].key
        keys: dict[str, list[Identity]] = {}
        names: dict[str, list[Identity]] = {}
        for group, said in zip(groups, told, strict=True):
            key = self._key(group, said)
            if key:
                keys.setdefault(key, []).append(group.named)
                names.setdefault(ledger_key(self.job.name, key, key_field=key_field), []).append(group.named)
            # what was made without a key before is still remembered
            names[ledger_key(self.job.name, group.named.row_key, key_field=None)] = [group.named]
        entries = self.journal.ledger(self.org_id, sobject, names)
        ids = tuple(dict.fromkeys(entry.record_id for entry in entries.values()))
        lookups = [Lookup(sobject, ("Id",), "Id", ids)]
        if key_field is not None:
            lookups.append(Lookup(sobject, ("Id", key_field), key_field, tuple(keys)))
        asked = [each for each in lookups if each.values]
        answers = self.gateway.fetch(asked) if asked else []
        there = {full_id(each): each for records in answers for each in records}
        found: dict[Identity, Resolved] = {}
        if key_field is not None:
            by_key = self._by_key(sobject, key_field, keys, there)
            found |= {named: record_id for key, record_id in by_key.items() for named in keys[key]}
        own = {named: key for key, each in keys.items() for named in each}
        for name, entry in entries.items():
            for named in names[name]:
                gone = made_and_gone(self.job, own.get(named, named.row_key), entry)
                found.setdefault(named, entry.record_id if entry.record_id in there else gone)
        return found

    def _by_key(
        self, sobject: str, key_field: str, keys: Iterable[str], there: Mapping[str, Record]
    ) -> dict[str, str]:
        """The records that have one of the keys, by the key as the rows spell it."""
        described = self.schema.rules[sobject].describe.field(key_field)
        is_folded = described is not None and not described.case_sensitive
        spelled = {key.casefold() if is_folded else key: key for key in keys}
        found: dict[str, str] = {}
        for record_id, record in there.items():
            own = clean_key(str(record.get(key_field) or ""))
            key = spelled.get(own.casefold() if is_folded else own)
            if key is not None:
                found[key] = record_id
        return found

    def _key(self, group: _Group, said: Agreed) -> str:
        return said.key if self.schema.made[group.named.sobject].key else group.named.row_key

    def _meant(self, group: _Group, said: Agreed, known: Mapping[Identity, Resolved]) -> Resolved:
        """What the rows of a group refer to from now on."""
        sobject, key = group.named.sobject, self._key(group, said)
        key_field = self.schema.made[sobject].key
        if group.named in self._named:
            return Pending(self._named[group.named])
        if group.named in known:
            return known[group.named]
        change_id = f"{sobject}:{key}"
        if not key or change_id in self.made or self._is_a_row(sobject, change_id):
            return key_is_taken(group.named, key)
        if not {change_id, f"{sobject}:{group.named.row_key}"}.isdisjoint(self.unfenced):
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
        label = group.namings[0].reference.value
        change = Change(
            change_id, sobject, Action.CREATE, key, label, desired=values, values=values, made_for=1
        )
        self.made[change_id], self._named[group.named] = change, change_id
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

"""Decides for one row with a key what happens to it: created, updated, left alone, or not possible, and why.

The row has been read and checked, its record looked up; what is decided here depends on nothing else of the plan
than the rows it refers to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from sfsync.core.checks import Invalid, missing_problem, row_problem
from sfsync.core.diff import difference, held
from sfsync.core.job import FieldPolicy, Job, Mode
from sfsync.core.models import Reference
from sfsync.core.plan import Action, Change
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.resolve import BlockedBy, ReferenceTable
from sfsync.core.results import Problem, Stage
from sfsync.core.values import Pending, PlannedValue, Value
from sfsync.engine.matching import full_id
from sfsync.engine.reading import CheckedRow, ReadSection
from sfsync.engine.row_problems import (
    already_there,
    gone,
    lacks_key,
    moved,
    not_there,
    unclear_match,
    unsettled,
)
from sfsync.engine.schema import Schema, target


@dataclass(slots=True)
class RowPlanner:
    """Plans rows one by one. `unfenced` are changes that an earlier run may have written; `kept` counts values that
    a field's policy left as the org has them, by section, field and policy.
    """

    job: Job
    schema: Schema
    table: ReferenceTable
    unfenced: Collection[str]
    kept: Counter[tuple[str, str, FieldPolicy]] = field(default_factory=Counter)

    def change(
        self, read: ReadSection, row: CheckedRow, records: list[Record], entry: LedgerEntry | None
    ) -> Change:
        """The change of a row; `records` are the org's that it may be, `entry` is what the job last brought."""
        base = _base_change(read, row)
        if row.problems:
            return replace(base, action=Action.REJECT, problems=tuple(row.problems))
        desired, problems, is_blocked = self._resolved(read, row, records[0] if records else {})
        base = replace(base, desired=desired)
        if problems:
            return replace(
                base, action=Action.BLOCKED if is_blocked else Action.REJECT, problems=tuple(problems)
            )
        key_field = read.section.key
        if len(records) > 1 or (records and key_field and records[0].get(key_field) != row.key):
            return replace(base, action=Action.REJECT, problems=(unclear_match(row, records),))
        if records:
            return self._of_existing(read, row, base, record=records[0], entry=entry)
        return self._of_absent(read, row, base, entry=entry)

    def _resolved(
        self, read: ReadSection, row: CheckedRow, record: Record
    ) -> tuple[dict[str, PlannedValue], list[Problem], bool]:
        """The values with references resolved, the problems of those that are not, and if one is blocked."""
        describe = self.schema.describe(read.section.sobject)
        desired: dict[str, PlannedValue] = {}
        problems: list[Problem] = []
        is_blocked = False
        for name, value in row.values.items():
            reference_field = describe.field(name)
            if not isinstance(value, Reference) or reference_field is None:
                desired[name] = value
                continue
            goal, sobject, held = target(reference_field), read.section.sobject, record.get(name)
            resolved = self.table.resolve(goal, value, of=sobject, held=held)
            if isinstance(resolved, str | Pending):
                desired[name] = resolved
                continue
            is_blocked = is_blocked or isinstance(resolved, BlockedBy)
            invalid = blocked_by(resolved) if isinstance(resolved, BlockedBy) else resolved
            problem = row_problem(read.section, row.ref, name, invalid, value=value.value)
            problems.append(replace(problem, stage=Stage.MATCH))
        return desired, problems, is_blocked

    def _of_existing(
        self, read: ReadSection, row: CheckedRow, base: Change, *, record: Record, entry: LedgerEntry | None
    ) -> Change:
        rules = self.schema.rules[read.section.sobject]
        found_id = full_id(record)
        account = base.account or _text_or_none(record.get("AccountId"))
        base = replace(base, record_id=found_id, account=account, adopted=entry is None)
        if self.job.mode is Mode.INSERT:
            return replace(base, action=Action.SKIP, problems=(already_there(row),))
        emptied = missing_problem(read.section, row.ref, rules.emptied(base.desired))
        if emptied is not None:
            return replace(base, action=Action.REJECT, problems=(emptied,))
        if entry is not None and entry.record_id != found_id:
            entry = None
        remote = held(rules.describe, record, base.desired)
        policies = {rule.field: rule.policy for rule in read.section.rules}
        found = difference(
            rules.describe, base.desired, remote, entry, policies=policies, stages=rules.stages
        )
        self.kept.update((read.section.name, name, policies[name]) for name in found.kept)
        if found.conflicts:
            return replace(base, action=Action.CONFLICT, problems=(moved(row, found.conflicts),))
        if not found.values:
            return base
        return replace(base, action=Action.UPDATE, values=found.values, before=found.before)

    def _of_absent(
        self, read: ReadSection, row: CheckedRow, base: Change, *, entry: LedgerEntry | None
    ) -> Change:
        rules, key_field = self.schema.rules[read.section.sobject], read.section.key
        if entry is not None:
            was_keyless = key_field is not None and entry.key != row.key
            problem = lacks_key(row, entry, key_field or "") if was_keyless else gone(row, entry)
            return replace(base, action=Action.CONFLICT, problems=(problem,))
        if self.job.mode is Mode.UPDATE:
            return replace(base, action=Action.SKIP, problems=(not_there(row),))
        if base.change_id in self.unfenced:
            return replace(base, action=Action.UNKNOWN, problems=(unsettled(row, self.job, key_field),))
        missing = missing_problem(read.section, row.ref, rules.missing_on_create(base.desired))
        if missing is not None:
            return replace(base, action=Action.REJECT, problems=(missing,))
        values = {name: value for name, value in base.desired.items() if value is not None}
        return replace(base, action=Action.CREATE, values=values)


def blocked_by(blocked: BlockedBy) -> Invalid:
    """Why a row waits for another one of its job."""
    message = f"refers to {blocked.change_id}, which is not brought to the org"
    return Invalid("BLOCKED_BY", message, "Correct that row first, then import both again.")


def _base_change(read: ReadSection, row: CheckedRow) -> Change:
    sobject = read.section.sobject
    name = f"{sobject}:{row.key}"
    if row.problems or not row.key:
        name = f"{sobject}@{row.place}"
    return Change(name, sobject, Action.NOOP, row.key, row.label, row=row.ref, account=_account(row))


def _account(row: CheckedRow) -> str | None:
    account = row.values.get("AccountId")
    return account.value if isinstance(account, Reference) else None


def _text_or_none(value: Value) -> str | None:
    return value if isinstance(value, str) else None

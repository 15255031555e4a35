"""Decides for one row with a key what happens to it: created, updated, left alone, or not possible, and why.

The row has been read and checked, its record looked up; what is decided here depends on nothing else of the plan
than the rows it refers to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import chain

from sfsync.core.diff import difference, held
from sfsync.core.job import FieldPolicy, Job, Mode
from sfsync.core.models import Reference
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.reading.checks import missing_problem
from sfsync.core.records import full_id
from sfsync.core.reports.results import DEFERRED
from sfsync.core.values import Pending, text_or_none
from sfsync.engine.planning.deal_rules import DealRules
from sfsync.engine.planning.gone_records import GoneRecords
from sfsync.engine.planning.lead_problems import waits_for_account
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.row_problems import (
    already_there,
    lacks_key,
    moved,
    not_there,
    unclear_match,
    unsettled,
)
from sfsync.engine.planning.row_references import ReferencePolicies
from sfsync.engine.planning.schema import Schema


@dataclass(slots=True)
class RowPlanner:
    """Plans rows one by one; one that is planned anew counts as it was planned last.

    `unfenced` are changes that an earlier run may have written.
    """

    job: Job
    schema: Schema
    references: ReferencePolicies
    unfenced: Collection[str]
    deals: DealRules
    _kept: dict[str, list[tuple[str, str, FieldPolicy]]] = field(default_factory=dict)
    gone: GoneRecords = field(init=False)

    def __post_init__(self) -> None:
        self.gone = GoneRecords(self.schema)

    @property
    def kept(self) -> Counter[tuple[str, str, FieldPolicy]]:
        """How many values a field's policy left as the org has them, by section, field and policy."""
        return Counter(chain(*self._kept.values()))

    def change(
        self,
        read: ReadSection,
        row: CheckedRow,
        records: list[Record],
        entry: LedgerEntry | None,
        *,
        lead: str | None = None,
    ) -> Change:
        """The change of a row; `records` are the org's that it may be, `entry` is what the job last brought.

        `lead` is the change of the lead that it comes out of.
        """
        self._kept.pop(row.place, None)
        self.deals.begin(row)
        self.gone.begin(read.section, row)
        change = self._change(read, row, records, entry, lead=lead)
        if lead is None:  # what comes out of a lead may be refused yet
            self.deals.observe(change, records[0] if records else {})
        return change

    def _change(
        self,
        read: ReadSection,
        row: CheckedRow,
        records: list[Record],
        entry: LedgerEntry | None,
        *,
        lead: str | None,
    ) -> Change:
        base = _base_change(read, row)
        if row.problems:
            known = {name: value for name, value in row.values.items() if isinstance(value, str)}
            return replace(base, action=Action.REJECT, desired=known, problems=tuple(row.problems))
        describe = self.schema.describe(read.section.sobject)
        record = records[0] if records else {}
        found = self.references.resolved(read.section, describe, row, record)
        is_new = _is_left_over(row, entry, record)
        desired, remarks = self.deals.sendable(read, row, found.desired, record, is_new=is_new)
        base = replace(base, desired=desired, problems=(*found.remarks, *remarks))
        if found.problems:
            action = Action.BLOCKED if found.is_blocked else Action.REJECT
            return replace(base, action=action, problems=tuple(found.problems))
        if found.left_out:
            there = full_id(records[0]) if len(records) == 1 else None
            return replace(base, action=Action.SKIP, record_id=there, problems=tuple(found.left_out))
        key_field = read.section.key
        # What came out of a lead has no key yet; any other record was found by it.
        if len(records) > 1 or (records and key_field and records[0].get(key_field) not in (row.key, None)):
            return replace(base, action=Action.REJECT, problems=(unclear_match(row, records),))
        if records:
            return self._of_existing(read, row, base, record=records[0], entry=entry)
        if lead is not None:
            return self._of_lead(read, row, base, lead=lead)
        return self._of_absent(read, row, base, entry=entry)

    def _of_existing(
        self, read: ReadSection, row: CheckedRow, base: Change, *, record: Record, entry: LedgerEntry | None
    ) -> Change:
        rules = self.schema.rules[read.section.sobject]
        found_id = full_id(record)
        account = base.account or text_or_none(record.get("AccountId"))
        is_left_over = _is_left_over(row, entry, record)
        is_met = _is_met(entry, read.section.key) and not is_left_over
        base = replace(base, record_id=found_id, account=account, adopted=is_met, is_left_over=is_left_over)
        if self.job.mode is Mode.INSERT and not is_left_over:
            return replace(base, action=Action.SKIP, problems=(already_there(row),))
        emptied = missing_problem(read.section, row.ref, rules.emptied(base.desired))
        if emptied is not None:
            return replace(base, action=Action.REJECT, problems=(emptied,))
        if entry is not None and entry.record_id != found_id:
            entry = None
        if entry is not None:
            entry = self.gone.cleared.base(read.section.sobject, record, entry, base.desired)
        remote = held(rules.describe, record, base.desired)
        policies = {} if is_left_over else {rule.field: rule.policy for rule in read.section.rules}
        found = difference(
            rules.describe, base.desired, remote, entry, policies=policies, stages=rules.stages
        )
        if found.kept:
            self._kept[row.place] = [(read.section.name, name, policies[name]) for name in found.kept]
            base = replace(base, kept=found.kept)
        if found.conflicts:
            return replace(
                base, action=Action.CONFLICT, problems=(moved(row, found.conflicts, remote, base.desired),)
            )
        if not found.values:
            return base
        change = replace(base, action=Action.UPDATE, values=found.values, before=found.before)
        return self.deals.judged(read, row, change, record, is_new=is_left_over)

    def _of_lead(self, read: ReadSection, row: CheckedRow, base: Change, *, lead: str) -> Change:
        """A row that comes out of a lead: the platform fills what the row leaves out, so nothing is missing.

        Only one whose account is deferred waits: a new account in its place could not be taken back.
        """
        if self.job.mode is Mode.UPDATE:
            return replace(base, action=Action.SKIP, problems=(not_there(row),))
        deferred = [each for each in base.problems if (each.field, each.code) == ("AccountId", DEFERRED)]
        if deferred:
            return replace(base, action=Action.SKIP, problems=tuple(map(waits_for_account, deferred)))
        rules = self.schema.rules[read.section.sobject]
        emptied = missing_problem(read.section, row.ref, rules.emptied(base.desired))
        if emptied is not None:
            return replace(base, action=Action.REJECT, problems=(emptied,))
        values = {name: value for name, value in base.desired.items() if value is not None}
        change = replace(base, action=Action.CONVERT, values=values, parent=lead)
        return self.deals.judged(read, row, change, {})

    def _of_absent(
        self, read: ReadSection, row: CheckedRow, base: Change, *, entry: LedgerEntry | None
    ) -> Change:
        rules, key_field = self.schema.rules[read.section.sobject], read.section.key
        if entry is not None:
            was_keyless = key_field is not None and entry.key != row.key
            if was_keyless:
                problem = lacks_key(row, entry, key_field or "")
                return replace(base, action=Action.CONFLICT, problems=(problem,))
            parked = self.gone.change(read.section, row, base, entry)
            if parked is not None:
                return parked
            base = replace(base, because=self.gone.because(entry))
        if self.job.mode is Mode.UPDATE:
            return replace(base, action=Action.SKIP, problems=(not_there(row),))
        if base.change_id in self.unfenced:
            return replace(base, action=Action.UNKNOWN, problems=(unsettled(row, self.job, key_field),))
        missing = missing_problem(read.section, row.ref, rules.missing_on_create(base.desired))
        if missing is not None:
            return replace(base, action=Action.REJECT, problems=(missing,))
        values = base.desired  # most rows have no empty cell that counts, and need no second mapping
        if None in values.values():
            values = {name: value for name, value in values.items() if value is not None}
        return self.deals.judged(read, row, replace(base, action=Action.CREATE, values=values), {})


def _is_left_over(row: CheckedRow, entry: LedgerEntry | None, record: Record) -> bool:
    """Whether an earlier run converted the row's lead and did not live to bring the row's values to the deal."""
    if not row.lead or not record or entry is None:
        return False
    return entry.record_id == full_id(record) and not entry.sent


def _base_change(read: ReadSection, row: CheckedRow) -> Change:
    sobject = read.section.sobject
    name = f"{sobject}:{row.key}"
    if row.problems or not row.key:
        name = f"{sobject}@{row.place}"
    return Change(name, sobject, Action.NOOP, row.key, row.label, row=row.ref, account=_account(row))


def _account(row: CheckedRow) -> str | None:
    account = row.values.get("AccountId")
    if isinstance(account, Pending):
        return account.change_id
    return account.value if isinstance(account, Reference) else text_or_none(account)


def _is_met(entry: LedgerEntry | None, key_field: str | None) -> bool:
    """Whether nothing but its key, if that, was ever brought to the record: the job meets it now."""
    return entry is None or not entry.sent.keys() - {key_field}

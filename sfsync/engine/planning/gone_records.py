"""What the org says of records that a job brought and that no row's key finds any more, and what is planned then.

A record may be deleted (who did it, when, and whether it is still in the recycle bin), merged into another one, or
be there without the key. Of a chain of merges the last record counts. A row is created again once at most: were it
deleted again, somebody means it.
Source: Object Reference, IsDeleted and MasterRecordId; queryAll shows deleted records until the bin is emptied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.deals.gone import Deleted, FollowedRow, Merged
from sfsync.core.diff import held
from sfsync.core.job import Section
from sfsync.core.job_memory import JobRow
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import full_id
from sfsync.core.values import Pending, text_or_none
from sfsync.engine.planning.cleared_lookups import ClearedLookups
from sfsync.engine.planning.matching import OwnRecords
from sfsync.engine.planning.merged_references import MERGEABLE, add_masters, last_of_chain
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.row_problems import gone, merged_away, recreated_before, two_rows
from sfsync.engine.planning.schema import Schema

_FACTS: Final = ("Id", "IsDeleted", "LastModifiedDate", "LastModifiedBy.Name")


@dataclass(frozen=True, slots=True)
class GoneRecord:
    """What became of one record; `deleted` is None where nothing is left of it, `master` what has taken it in."""

    deleted: Record | None = None
    is_there: bool = False
    master: Record | None = None


@dataclass(slots=True)
class GoneRecords:
    """The records of one plan that are gone, and the rows whose record is now another."""

    schema: Schema
    cleared: ClearedLookups = field(init=False)
    followed: dict[tuple[str, str], FollowedRow] = field(default_factory=dict)
    _records: dict[str, GoneRecord] = field(default_factory=dict)
    _rows: dict[str, Mapping[str, JobRow]] = field(default_factory=dict)
    _takers: Counter[str] = field(default_factory=Counter)
    _others: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cleared = ClearedLookups(self.schema)

    def learn(
        self,
        read: ReadSection,
        own: OwnRecords,
        *,
        gateway: OrgGateway,
        journal: Journal,
        job: str,
        org_id: str,
    ) -> None:
        """Asks the org, once a section, for the records that known rows no longer find, or no longer point to."""
        self.cleared.learn(read, own, gateway=gateway, journal=journal, job=job, org_id=org_id)
        section = read.section
        lost = {
            row.key: own.ledger[row.key]
            for row in read.rows
            if not row.problems and row.key in own.ledger and not own.of(row)
        }
        if not lost:
            return
        names = tuple(dict.fromkeys(name for row in read.rows for name in row.values))
        ids = {each.record_id for each in lost.values()}
        records = _with_masters(gateway, section.sobject, ids, names)
        self._rows[section.sobject] = journal.memory.rows(org_id, job, section.sobject, lost)
        for key, entry in lost.items():
            found = _fate(records, entry.record_id)
            self._records[entry.record_id] = found
            if found.master is not None:
                master = full_id(found.master)
                self._takers[master] += 1
                own_names = {ledger_key(job, key, key_field=each) for each in (None, section.key)}
                keys = journal.ledger_keys(org_id, section.sobject, master)
                self._others[master] = [each for each in keys if each not in own_names]

    def change(self, section: Section, row: CheckedRow, base: Change, entry: LedgerEntry) -> Change | None:
        """The change of a row whose record is gone; None where it is to be created again."""
        found = self._records.get(entry.record_id, GoneRecord())
        is_recreated = self._recreated_at(section, row)
        if found.master is not None and section.gone.merged is not Merged.RECREATE:
            return self._merged(section, row, base, entry, found.master)
        recreates = (
            section.gone.merged is Merged.RECREATE
            if found.master is not None
            else section.gone.deleted is Deleted.RECREATE and not found.is_there
        )
        if recreates and is_recreated is None:
            self.cleared.recreated[entry.record_id] = base.change_id
            return None
        if recreates:
            problem = recreated_before(row, entry, str(is_recreated))
        else:
            problem = gone(row, entry, found.deleted, is_there=found.is_there)
        return replace(base, action=Action.CONFLICT, problems=(problem,))

    def because(self, entry: LedgerEntry) -> str:
        """Why a row that had a record is created again."""
        found = self._records.get(entry.record_id, GoneRecord())
        if found.master is not None:
            return f"{entry.record_id} was merged into {full_id(found.master)}, and is created again"
        return f"{entry.record_id} was deleted in the org, and is created again"

    def _recreated_at(self, section: Section, row: CheckedRow) -> str | None:
        known = self._rows.get(section.sobject, {}).get(row.key)
        return known.recreated_at if known is not None else None

    def begin(self, section: Section, row: CheckedRow) -> None:
        """Forgets that a row follows its record, which is planned anew."""
        self.followed.pop((section.sobject, row.key), None)

    def _merged(
        self, section: Section, row: CheckedRow, base: Change, entry: LedgerEntry, master: Record
    ) -> Change:
        """The row becomes the record that its own was merged into, unless another row is that already."""
        found_id = full_id(master)
        base = replace(base, record_id=found_id)
        if section.gone.merged is Merged.PARK:
            return replace(base, action=Action.CONFLICT, problems=(merged_away(row, entry, found_id),))
        key = master.get(section.key) if section.key else None
        if self._takers[found_id] > 1 or self._others[found_id] or key:
            problem = two_rows(row, entry, found_id, str(key or ""))
            return replace(base, action=Action.CONFLICT, problems=(problem,))
        sent = {name: value for name, value in base.desired.items() if not isinstance(value, Pending)}
        describe = self.schema.describe(section.sobject)
        seen = held(describe, master, sent)
        stamp = {section.key: row.key} if section.key else {}
        self.followed[section.sobject, row.key] = FollowedRow(
            base.change_id, section.sobject, row.key, entry.record_id, found_id, sent, {**seen, **stamp}
        )
        before = held(describe, master, stamp)
        action = Action.UPDATE if stamp else Action.NOOP
        named = _named(master, found_id)
        because = f"{entry.record_id} was merged into {named}, which the row goes to from now on"
        return replace(base, action=action, values=stamp, before=before, adopted=True, because=because)


def _fate(records: Mapping[str, Record], lost_id: str) -> GoneRecord:
    record = records.get(lost_id)
    if record is None:
        return GoneRecord()
    if not record.get("IsDeleted"):
        return GoneRecord(is_there=True)
    return GoneRecord(deleted=record, master=last_of_chain(records, lost_id))


def _named(record: Record, found_id: str) -> str:
    """A record in words, by its name where that was read."""
    name = text_or_none(record.get("Name"))
    return f"{name} ({found_id})" if name else found_id


def _with_masters(
    gateway: OrgGateway, sobject: str, ids: Iterable[str], names: Iterable[str]
) -> dict[str, Record]:
    """The records, deleted ones too, and those that they were merged into, by id."""
    is_mergeable = sobject in MERGEABLE
    further = ("MasterRecordId", *names) if is_mergeable else ()
    fields = tuple(dict.fromkeys((*_FACTS, *further)))
    lookup = Lookup(sobject, fields, "Id", tuple(sorted(ids)), include_deleted=True)
    records = {full_id(each): each for each in gateway.fetch([lookup])[0]}
    if is_mergeable:
        add_masters(records, sobject, fields, gateway)
    return records

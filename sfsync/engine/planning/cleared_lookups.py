"""Which lookups the platform has emptied because the record that they pointed to was deleted: nobody's edits.

A deletion empties the lookups to a record, where it does not take their records along. Such a lookup is empty, and
what the job last saw there is the id of a record that is in the recycle bin, or that the org has no more and a row
makes or has made anew. To the comparison it counts as if it had been empty all along: the row has the say.
A merge moves lookups to the master: one that is empty after it was emptied by somebody.
Source: cascadeDelete of the describes; Object Reference, MasterRecordId; queryAll shows deleted records until the
bin is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.records import full_id
from sfsync.core.sobject import record_id
from sfsync.core.values import Pending, PlannedValue
from sfsync.engine.planning.matching import OwnRecords
from sfsync.engine.planning.merged_references import MERGEABLE
from sfsync.engine.planning.reading import ReadSection
from sfsync.engine.planning.schema import Schema, target


@dataclass(slots=True)
class ClearedLookups:
    """What became of the records to which emptied lookups of one plan pointed, by id.

    `recreated` are the records that rows of this plan make anew, by the change that does; `_anew` are those that
    earlier runs made anew.
    """

    schema: Schema
    recreated: dict[str, str] = field(default_factory=dict)
    _binned: set[str] = field(default_factory=set)
    _absent: set[str] = field(default_factory=set)
    _anew: set[str] = field(default_factory=set)

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
        """Asks the org for the records to which lookups of the section's records pointed that are empty now.

        One read for each sObject that is pointed to; none where no lookup was emptied, or all is known.
        """
        asked: dict[str, set[str]] = {}
        for row in read.rows:
            entry = own.ledger.get(row.key) if not row.problems else None
            for record in own.of(row) if entry is not None else ():
                for name, pointed_to in self._emptied(read.section.sobject, record, entry).items():
                    described = self.schema.describe(read.section.sobject).field(name)
                    if described is not None and name in row.values:
                        asked.setdefault(target(described), set()).add(pointed_to)
        known = self._binned | self._absent
        for sobject, ids in asked.items():
            if unknown := ids - known:
                self._ask(sobject, unknown, gateway)
            if self._absent & ids:
                rows = journal.memory.rows(org_id, job, sobject).values()
                self._anew |= {each.record_id for each in rows if each.recreated_at is not None}

    def _ask(self, sobject: str, ids: set[str], gateway: OrgGateway) -> None:
        fields = ("Id", "IsDeleted", *(("MasterRecordId",) if sobject in MERGEABLE else ()))
        [found] = gateway.fetch([Lookup(sobject, fields, "Id", tuple(sorted(ids)), include_deleted=True)])
        self._binned |= {
            full_id(each) for each in found if each.get("IsDeleted") and not each.get("MasterRecordId")
        }
        self._absent |= ids - {full_id(each) for each in found}

    def _emptied(self, sobject: str, record: Record, entry: LedgerEntry | None) -> dict[str, str]:
        """The lookups of a record that are empty and were not when the job last saw it, and what they held."""
        describe = self.schema.describe(sobject)
        found = {}
        for name, seen in entry.seen.items() if entry is not None else ():
            described = describe.field(name)
            is_lookup = described is not None and described.type == "reference"
            if is_lookup and record.get(name, "") is None and isinstance(seen, str):
                found[name] = record_id(seen) or seen
        return found

    def base(
        self, sobject: str, record: Record, entry: LedgerEntry, desired: Mapping[str, PlannedValue]
    ) -> LedgerEntry:
        """What the job last brought to a record, as the deletions of others have left it."""
        cleared = {
            name: None
            for name, pointed_to in self._emptied(sobject, record, entry).items()
            if name in desired and self._is_cleared(pointed_to, desired[name])
        }
        return replace(entry, seen={**entry.seen, **cleared}) if cleared else entry

    def _is_cleared(self, pointed_to: str, wanted: PlannedValue) -> bool:
        """Whether a record's deletion has emptied a lookup that is to point to `wanted`.

        A record of which nothing is left may be one that our user no longer sees. So it counts only where the job
        makes it anew, or has done so.
        """
        if pointed_to in self._binned:
            return True
        if pointed_to not in self._absent:
            return False
        if isinstance(wanted, Pending):
            return self.recreated.get(pointed_to) == wanted.change_id
        return wanted in self._anew

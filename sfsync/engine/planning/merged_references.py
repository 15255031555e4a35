"""Lets references to an account or contact that was merged into another mean that one.

Only what the org does not find is looked for among deleted records, in one more read. A record that was deleted and
not merged stays not found. Of a chain of merges the last record counts.
Source: Object Reference, MasterRecordId; a merge moves what belonged to the merged record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sfsync.core.ports import LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.records import full_id
from sfsync.core.references.candidates import Candidate
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.sobject import ACCOUNT, CONTACT, record_id
from sfsync.core.values import clean_key

MERGEABLE: Final = (ACCOUNT, CONTACT)
LONGEST_CHAIN: Final = 5


def learn_merged(table: ReferenceTable, gateway: OrgGateway) -> None:
    """Teaches the table what became of the accounts and contacts that it was asked for and did not find."""
    lookups = [
        Lookup(
            target,
            tuple(dict.fromkeys(("Id", "IsDeleted", "MasterRecordId", name))),
            name,
            values,
            include_deleted=True,
        )
        for target in MERGEABLE
        for name, values in table.take_unfound(target).items()
    ]
    if not lookups:
        return
    for lookup, found in zip(lookups, gateway.fetch(lookups), strict=True):
        name = lookup.where_field or ""
        records = {full_id(each): each for each in found}
        lost = list(records)
        add_masters(records, lookup.sobject, lookup.fields, gateway)
        for each in lost:
            last = last_of_chain(records, each)
            if last is not None:
                spelled = clean_key(str(records[each].get(name) or ""))
                table.lead_on(lookup.sobject, name, spelled, Candidate(full_id(last), "", spelled=spelled))


def follow_merged(
    entries: Mapping[str, LedgerEntry], answers: Sequence[list[Record]], sobject: str, gateway: OrgGateway
) -> tuple[dict[str, LedgerEntry], list[list[Record]]]:
    """The ledger's entries that lead to none of the records, led on to those that theirs were merged into.

    These come with the records that were found; one more read where an entry leads nowhere.
    """
    there = {full_id(each) for records in answers for each in records}
    lost = tuple(dict.fromkeys(each.record_id for each in entries.values() if each.record_id not in there))
    if not lost:
        return dict(entries), list(answers)
    fields = ("Id", "IsDeleted", "MasterRecordId")
    [found] = gateway.fetch([Lookup(sobject, fields, "Id", lost, include_deleted=True)])
    records = {full_id(each): each for each in found}
    add_masters(records, sobject, fields, gateway)
    ends = {each: last for each in lost if each in records and (last := last_of_chain(records, each))}
    led_on = {
        name: replace(each, record_id=full_id(ends[each.record_id])) if each.record_id in ends else each
        for name, each in entries.items()
    }
    return led_on, [*answers, list(ends.values())]


def add_masters(records: dict[str, Record], sobject: str, fields: Iterable[str], gateway: OrgGateway) -> None:
    """Adds the records that these were merged into, one read for each link of the longest chain."""
    for _ in range(LONGEST_CHAIN):
        masters = {master for each in records.values() if (master := _master_id(each)) is not None}
        ahead = tuple(sorted(masters - records.keys()))
        if not ahead:
            return
        [found] = gateway.fetch([Lookup(sobject, tuple(fields), "Id", ahead, include_deleted=True)])
        records |= {full_id(each): each for each in found}


def last_of_chain(records: Mapping[str, Record], lost_id: str) -> Record | None:
    """The living record that a deleted one was merged into; None where it was not, or that one is gone too."""
    last, seen = records[lost_id], {lost_id}
    while (master := _master_id(last)) is not None and master not in seen and master in records:
        seen.add(master)
        last = records[master]
    return last if len(seen) > 1 and not last.get("IsDeleted") else None


def _master_id(record: Record) -> str | None:
    master = record.get("MasterRecordId")
    return record_id(master) if isinstance(master, str) else None

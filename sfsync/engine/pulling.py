"""Reads deals with their roles out of an org, page by page: all of them, or what has changed since a time.

A role that changes does not touch its deal, so roles are asked for by their own time. A role that somebody removed
leaves no trace; it is seen when its deal changes, or by reading all. Nothing is written.
Source: Object Reference, SystemModstamp; queryAll brings deleted deals. Contact roles: salesforce-facts 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sfsync.core.events import Listener, PhaseAdvanced, PhaseStarted
from sfsync.core.ports import IdPage, Lookup, OrgGateway, Record
from sfsync.core.pull import MODSTAMP, ROLE_FIELDS, PulledDeal, deal_fields, pulled, vanished_deal
from sfsync.core.records import full_id
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.engine.applying.run_state import Stop
from sfsync.errors import Interrupted

PAGE: Final = 2_000
"""So many deals are held at a time: one page of a query. Source: REST API Developer Guide, "Query"."""

PHASE: Final = "pull deals"


@dataclass(slots=True)
class Puller:
    """Reads one org. `keys` are the job's deals, key by record id; None means every deal with a key."""

    gateway: OrgGateway
    key_field: str | None
    keys: Mapping[str, str] | None
    stop: Stop
    listener: Listener

    def everything(self) -> Iterator[list[PulledDeal]]:
        """All deals, in pages."""
        self.listener(PhaseStarted(PHASE, len(self.keys) if self.keys is not None else None))
        if self.keys is not None:
            yield from self.by_ids(sorted(self.keys))
            return
        filled = (self.key_field or "Id",)
        for records in self._pages(OPPORTUNITY, self._fields(), filled=filled, include_deleted=True):
            yield self._with_roles(records)

    def changed(self, since: datetime) -> Iterator[list[PulledDeal]]:
        """The deals that were changed since then, or one of whose roles was; none comes twice.

        With every deal of the org meant, deals that have lost their key come too, with an empty key.
        """
        self.listener(PhaseStarted(PHASE))
        for ids in self._touched(since):
            yield from self.by_ids(ids)

    def by_ids(self, ids: Sequence[str]) -> Iterator[list[PulledDeal]]:
        """The deals with those ids; of one that the org has not, that it is deleted."""
        fields = self._fields()
        for start in range(0, len(ids), PAGE):
            self._check_stop()
            some = tuple(ids[start : start + PAGE])
            [records] = self.gateway.fetch([Lookup(OPPORTUNITY, fields, "Id", some, include_deleted=True)])
            there = {full_id(each) for each in records}
            keys = self.keys or {}
            missing = [vanished_deal(each, keys.get(each, "")) for each in some if each not in there]
            yield [*self._with_roles(records), *missing]

    def _touched(self, since: datetime) -> Iterator[list[str]]:
        """The ids of deals to read, in pages."""
        times = {MODSTAMP: since}
        seen: set[str] = set()
        for sobject, name in ((OPPORTUNITY, "Id"), (CONTACT_ROLE, "OpportunityId")):
            for found in self._changed_ids(sobject, name, times, is_deal=sobject == OPPORTUNITY):
                new = sorted(found - seen)
                seen |= found
                if new:
                    yield new

    def _changed_ids(
        self, sobject: str, name: str, times: Mapping[str, datetime], *, is_deal: bool
    ) -> Iterator[set[str]]:
        fields = tuple(dict.fromkeys(("Id", name)))
        if self.keys is None:
            for records in self._pages(sobject, fields, since=times, include_deleted=is_deal):
                yield {full_id({"Id": each[name]}) for each in records}
            return
        ids = sorted(self.keys)
        for start in range(0, len(ids), PAGE):
            self._check_stop()
            some = tuple(ids[start : start + PAGE])
            lookup = Lookup(sobject, fields, name, some, since=times, include_deleted=is_deal)
            yield {full_id({"Id": each[name]}) for each in self.gateway.fetch([lookup])[0]}

    def _pages(
        self,
        sobject: str,
        fields: tuple[str, ...],
        *,
        include_deleted: bool,
        since: Mapping[str, datetime] | None = None,
        filled: tuple[str, ...] = (),
    ) -> Iterator[list[Record]]:
        after = ""
        while True:
            self._check_stop()
            page = IdPage(after, PAGE)
            lookup = Lookup(
                sobject, fields, since=since or {}, filled=filled, page=page, include_deleted=include_deleted
            )
            [records] = self.gateway.fetch([lookup])
            if records:
                yield records
            if len(records) < PAGE:
                return
            after = str(records[-1]["Id"])

    def _with_roles(self, records: Sequence[Record]) -> list[PulledDeal]:
        ids = tuple(full_id(each) for each in records if not each.get("IsDeleted"))
        roles: dict[str, list[Record]] = {}
        if ids:
            [found] = self.gateway.fetch([Lookup(CONTACT_ROLE, ROLE_FIELDS, "OpportunityId", ids)])
            for each in found:
                roles.setdefault(full_id({"Id": each["OpportunityId"]}), []).append(each)
        self.listener(PhaseAdvanced(PHASE, len(records)))
        return [pulled(each, self._key(each), roles.get(full_id(each), ())) for each in records]

    def _key(self, record: Record) -> str:
        if self.keys is not None:
            return self.keys.get(full_id(record), "")
        return str(record.get(self.key_field or "") or "")

    def _fields(self) -> tuple[str, ...]:
        names = (each.name for each in self.gateway.describe(OPPORTUNITY).fields.values())
        return deal_fields(names, self.key_field)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise Interrupted(
                "the pull was interrupted; the file and its watermark are as they were",
                signal_number=self.stop.signal_number,
            )

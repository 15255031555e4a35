"""Lets the portions of one planning ask an org once for what they all refer to.

Answers are remembered value by value, within bounds: the value that nobody asked for longest goes first. What a
portion asks for its own rows is asked once anyway and is not kept. Where few records of the org have a key at all,
these keys are read once, and no others are asked for; a create whose key is there by the time it is written is
refused by the org and settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.org_jobs import OrgJobs
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.ports import ApiUsage, IdPage, Lookup, OrgGateway, Record
from sfsync.core.records import full_id, value_at
from sfsync.core.sobject import record_id
from sfsync.core.values import clean_key
from sfsync.core.writes import Answers, WriteCall
from sfsync.errors import ConfigError

MOST_VALUES: Final = 50_000
"""So many values with their records are remembered."""

FEW_KEYS: Final = 2_000
"""So many records with a key are few: one page of a query. Source: REST API Developer Guide, 2,000 rows a page."""

Shape = tuple[str, tuple[str, ...], str, bool]
"""What is asked of which sObject, by which field, and whether deleted records count."""


@dataclass(slots=True)
class RememberingGateway:
    """An org for one planning; implements `core.ports.OrgGateway`.

    `once` are sObjects with the field by which their own rows are looked up; `filled` has for those of them that
    few records of the org fill all values that are there, as they are compared.
    """

    org: OrgGateway
    once: Collection[tuple[str, str]] = ()
    most: int = MOST_VALUES
    filled: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _answers: dict[tuple[Shape, str], tuple[Record, ...]] = field(default_factory=dict)
    _unknown: dict[str, ConfigError] = field(default_factory=dict)
    _picklists: dict[tuple[str, str], Mapping[str, Any] | str] = field(default_factory=dict)

    def look_for_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Reads in one call which keys the records of each sObject have, where these are few."""
        asked = list(keys)
        first = IdPage("", FEW_KEYS)
        lookups = [Lookup(sobject, ("Id", name), page=first, filled=(name,)) for sobject, name in asked]
        answers = self.org.fetch(lookups) if lookups else []
        for (sobject, name), records in zip(asked, answers, strict=True):
            if len(records) < FEW_KEYS:
                there = frozenset(clean_key(str(each.get(name))).casefold() for each in records)
                self.filled[sobject, name] = there

    def fetch(self, lookups: Sequence[Lookup]) -> list[list[Record]]:
        """The records of each look-up; only what is not remembered is asked for."""
        rests = [self._rest(each) for each in lookups]
        asked = [each for each in rests if each is not None]
        answers = iter(self.org.fetch(asked) if asked else [])
        return [
            self._known(each) if rest is None else self._taken(each, rest, next(answers))
            for each, rest in zip(lookups, rests, strict=True)
        ]

    def _rest(self, lookup: Lookup) -> Lookup | None:
        """What is left to be asked of a look-up; None where nothing is."""
        if lookup.where_field is None:
            return lookup
        filled = self._filled(lookup)
        if filled is not None:
            there = tuple(each for each in lookup.values if clean_key(each).casefold() in filled)
            return replace(lookup, values=there) if there else None
        if not self._is_kept(lookup):
            return lookup
        shape = _shape(lookup)
        values = tuple(each for each in lookup.values if (shape, each) not in self._answers)
        if not values:
            return None if lookup.values else lookup
        return replace(lookup, values=values) if len(values) < len(lookup.values) else lookup

    def _filled(self, lookup: Lookup) -> frozenset[str] | None:
        """All values of the field that is asked for, where they are known; deleted records have others."""
        if lookup.include_deleted:
            return None
        return self.filled.get((lookup.sobject, lookup.where_field or ""))

    def _is_kept(self, lookup: Lookup) -> bool:
        is_plain = not (
            lookup.also or lookup.before or lookup.since or lookup.page or lookup.like or lookup.filled
        )
        return is_plain and (lookup.sobject, lookup.where_field) not in self.once

    def _known(self, lookup: Lookup) -> list[Record]:
        """The remembered records of a look-up; each value counts as asked for just now."""
        found: dict[str, Record] = {}
        if self._filled(lookup) is not None:
            return []
        shape = _shape(lookup)
        for value in lookup.values:
            records = self._answers.pop((shape, value), None)
            if records is not None:
                self._answers[shape, value] = records
                found |= {full_id(each): each for each in records}
        return list(found.values())

    def _taken(self, lookup: Lookup, rest: Lookup, records: list[Record]) -> list[Record]:
        """The records of a look-up of which some was asked for just now."""
        if not self._is_kept(lookup) or self._filled(lookup) is not None:
            return records
        known = self._known(lookup) if rest is not lookup else []
        found: dict[str, list[Record]] = {_compared(rest, each): [] for each in rest.values}
        count = len(found)
        for record in records:
            found.setdefault(_held(rest, record), []).append(record)
        if len(found) > count:
            return [*known, *records]  # the org compares otherwise than we do: nothing is remembered
        shape = _shape(rest)
        for value in rest.values:  # as it is spelled: another spelling may mean another record
            self._answers[shape, value] = tuple(found[_compared(rest, value)])
        while len(self._answers) > self.most:
            del self._answers[next(iter(self._answers))]
        return list({full_id(each): each for each in (*known, *records)}.values())

    def describe(self, sobject: str) -> SObjectDescribe:
        """The sObject as the running user sees it; that there is none is remembered too.

        Raises:
            ConfigError: there is no such sObject for this user.
        """
        known = self._unknown.get(sobject.lower())
        if known is not None:
            raise known
        try:
            return self.org.describe(sobject)
        except ConfigError as error:
            self._unknown[sobject.lower()] = error
            raise

    def picklist_document(self, sobject: str, record_type_id: str) -> Mapping[str, Any] | str:
        """The picklist values that a record type offers; asked once."""
        place = (sobject, record_type_id)
        if place not in self._picklists:
            self._picklists[place] = self.org.picklist_document(sobject, record_type_id)
        return self._picklists[place]

    def identity(self) -> OrgIdentity:
        """Which org answers."""
        return self.org.identity()

    def fiscal_year_start(self) -> int | None:
        """The month in which the org's fiscal year begins."""
        return self.org.fiscal_year_start()

    def stage_catalogue(self) -> StageCatalogue:
        """All opportunity stages in their order."""
        return self.org.stage_catalogue()

    def count(self, lookup: Lookup) -> int:
        """How many records a look-up means."""
        return self.org.count(lookup)

    def write(self, call: WriteCall) -> Answers:
        """Sends one write call; planning never does."""
        return self.org.write(call)

    def learn_limits(self) -> None:
        """The org's own."""
        self.org.learn_limits()

    @property
    def jobs(self) -> OrgJobs:
        """The org's bulk jobs."""
        return self.org.jobs

    @property
    def server_time(self) -> datetime | None:
        """The org's clock at its latest answer."""
        return self.org.server_time

    @property
    def usage(self) -> ApiUsage:
        """What has been used until now."""
        return self.org.usage


def _shape(lookup: Lookup) -> Shape:
    return (lookup.sobject, lookup.fields, lookup.where_field or "", lookup.include_deleted)


def _compared(lookup: Lookup, value: str) -> str:
    """A value as the org compares it. Source: SOQL and SOSL Reference (text comparison ignores case)."""
    return (record_id(value) or value) if lookup.where_field == "Id" else clean_key(value).casefold()


def _held(lookup: Lookup, record: Record) -> str:
    """What a record has in the field that it was found by."""
    if lookup.where_field == "Id":
        return full_id(record)
    value = value_at(record, lookup.where_field or "")
    return "" if value is None else clean_key(str(value)).casefold()

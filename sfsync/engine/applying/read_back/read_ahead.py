"""What was read back for all portions of a book before they end: on disk by id, where each portion takes its own.

A portion that sends anything after that reads its records by ids, and so does one that wants another field, or
whose record is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from sfsync.core.ports import Lookup, OrgGateway, Record
from sfsync.core.scratch import Scratch
from sfsync.core.sending.queried import typed_record


@dataclass(slots=True)
class ReadRecords:
    """Records as a query job tells them, and which fields of each sObject."""

    scratch: Scratch
    _fields: dict[str, frozenset[str]] = field(default_factory=dict)

    def keep(self, window: Lookup, pages: Iterable[Sequence[Mapping[str, object]]]) -> None:
        """Keeps all that a look-up brings; pages that break off bring nothing."""
        for page in pages:
            self.scratch.put(window.sobject, ((str(each["Id"]), json.dumps(each).encode()) for each in page))
        self._fields[window.sobject] = frozenset(window.fields)

    def records(self, gateway: OrgGateway, lookup: Lookup) -> dict[str, Record]:
        """The records of a look-up by id that are there, by id."""
        if not self._fields.get(lookup.sobject, frozenset()).issuperset(lookup.fields):
            return {}
        describe = gateway.describe(lookup.sobject)
        kept = self.scratch.get(lookup.sobject, [str(each) for each in lookup.values])
        found: dict[str, Record] = {}
        for name, entries in kept.items():
            with suppress(ValueError):  # what cannot be understood is read by its id
                record = typed_record(describe, json.loads(entries[-1]))
                found[name] = {each: record.get(each) for each in lookup.fields}
        return found


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a portion may take of what was read: all while it has sent nothing, so while `attempts` stays.

    `read_at` is the org's clock before the reading.
    """

    there: ReadRecords
    read_at: datetime | None
    attempts: int = 0

    def at(self, attempts: int) -> Ahead:
        """The same for a portion that has been taken up with so many attempts."""
        return replace(self, attempts=attempts)

    def records(self, gateway: OrgGateway, lookups: Sequence[Lookup], attempts: int) -> dict[str, Record]:
        """The records of look-ups by id, by id."""
        found: dict[str, Record] = {}
        for each in lookups if attempts == self.attempts else ():
            found |= self.there.records(gateway, each)
        return found

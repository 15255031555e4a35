"""What the search index knows: records that were written a while ago, and those the org started with.

The platform indexes writes some time after they are committed, so a record that was just saved is not
found by a search although a query finds it. How long that takes is `search_lag_s` under [limits] of the
org file, by the org's clock.
Source: REST API Developer Guide, Search; the index is updated asynchronously [D].
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sfsync.emulator.org.clock import Clock, stamp
from sfsync.emulator.org.schema import Schema
from sfsync.emulator.org.storage import Row, Storage

LAG_S: Final = 60.0


@dataclass(slots=True)
class SearchIndex:
    """The records of one org that a search can find."""

    storage: Storage
    clock: Clock
    lag_s: float
    _started: str = ""
    _last_ids: dict[str, str | None] = field(default_factory=dict)

    def take_in(self, schema: Schema) -> None:
        """Index everything the org holds now, without a lag."""
        self._started = stamp(self.clock.now())
        self._last_ids = {sobject.name: self.storage.last_id(sobject.name) for sobject in schema}

    def rows(self, sobject: str) -> list[Row]:
        """Return the rows of an object that are in the index, in the order of their ids."""
        indexed = stamp(self.clock.now() - timedelta(seconds=self.lag_s))
        where = '("SystemModstamp" < ? OR ("SystemModstamp" <= ? AND "Id" <= ?))'
        last_id = self._last_ids.get(sobject) or ""
        return self.storage.select(sobject, where, indexed, self._started, last_id)

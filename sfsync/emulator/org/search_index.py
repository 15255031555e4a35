"""What the search index knows: records that were written a while ago, and those the org started with.

The platform indexes writes some time after they are committed, so a record that was just saved is not
found by a search although a query finds it. How long that takes is `search_lag_s` under [limits] of the
org file, by the org's clock.
Source: REST API Developer Guide, Search; the index is updated asynchronously [D].
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sfsync.emulator.org.clock import Clock, stamp
from sfsync.emulator.org.schema import Schema
from sfsync.emulator.org.storage import Storage

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

    def texts(self, sobject: str, fields: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Return the ids that are in the index, in their order, each with what its fields hold."""
        indexed = stamp(self.clock.now() - timedelta(seconds=self.lag_s))
        columns = ", ".join(f'"{name}"' for name in ("Id", *fields))
        where = '"SystemModstamp" < ? OR ("SystemModstamp" <= ? AND "Id" <= ?)'
        statement = f'SELECT {columns} FROM "{sobject}" WHERE {where} ORDER BY "Id"'  # noqa: S608 - names of the schema
        parameters = (indexed, self._started, self._last_ids.get(sobject) or "")
        with self.storage.lock:
            rows = self.storage.connection.execute(statement, parameters).fetchall()
        return [(record_id, [text for text in texts if text]) for record_id, *texts in rows]

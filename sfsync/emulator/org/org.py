"""The played org: everything that outlives a call, put together from a definition.

Holds the schema, the records, the ids, the sessions, the open query cursors and the switches. Knows
nothing of HTTP.
Invariant: an org with a fresh database has an organization id of its own, so that a journal of another
one is noticed; with a database file the same org comes back.
"""

import random
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from sfsync.emulator.bulk.job_store import JobStore
from sfsync.emulator.org.building import Stage, build_schema, stages_of
from sfsync.emulator.org.capacity import Capacity
from sfsync.emulator.org.certificates import jwt_keys
from sfsync.emulator.org.clock import Clock, SystemClock
from sfsync.emulator.org.currencies import currencies_of
from sfsync.emulator.org.cursors import Cursors
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition
from sfsync.emulator.org.grants import Grants
from sfsync.emulator.org.hooks import Hooks
from sfsync.emulator.org.ids import IdSequence, in_base62, normalised, with_checksum
from sfsync.emulator.org.lead_mapping import lead_mapping
from sfsync.emulator.org.locks import RowLocks
from sfsync.emulator.org.logins import Logins
from sfsync.emulator.org.recycle_bin import RecycleBin
from sfsync.emulator.org.rights import Rights
from sfsync.emulator.org.schema import Schema, SObject
from sfsync.emulator.org.search_index import LAG_S, SearchIndex
from sfsync.emulator.org.sessions import (
    DEFAULT_IDLE_MINUTES,
    LONGEST_IDLE_MINUTES,
    SHORTEST_IDLE_MINUTES,
    Sessions,
)
from sfsync.emulator.org.storage import PATIENCE_S, Row, Storage
from sfsync.emulator.org.usage import Usage
from sfsync.emulator.switches import Switches

_DAILY_REQUESTS: Final = 15_000
_LONG_REQUESTS: Final = 25
_NEWEST_VERSION: Final = 68
_POD_DIGITS: Final = 3


class Org:
    """One org."""

    def __init__(
        self,
        definition: OrgDefinition,
        *,
        clock: Clock | None = None,
        database: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self.definition = definition
        self.clock: Clock = clock or SystemClock()
        self.switches = definition.switches
        self._random = random.Random(seed) if seed is not None else secrets.SystemRandom()  # noqa: S311 - ids, not secrets
        fresh_pod = "8d" + in_base62(self._random.randrange(62**_POD_DIGITS), _POD_DIGITS)
        self.pod = _remembered_pod(database) or fresh_pod
        self.schema = build_schema(definition, pod=self.pod)
        self.storage = _opened(self.schema, database, self.switches)
        self.id = self._organization_id()
        self.stages: dict[str, Stage] = {stage.name: stage for stage in stages_of(definition)}
        self.templates: dict[str, Row] = {
            item.name: {field.name: field.initial for field in item.fields.values()} for item in self.schema
        }
        self.required = {item.name: _required(item) for item in self.schema}
        self._sequences = {
            item.name: IdSequence(
                item.key_prefix, self.pod, self.storage.last_id(item.name), starts=self.storage.starts
            )
            for item in self.schema
        }
        idle_minutes = _idle_minutes(definition)
        self.sessions = Sessions(self.id, self.random_token, clock=self.clock, idle_minutes=idle_minutes)
        self.grants = Grants(
            self.random_token, clock=self.clock, idle_hours=definition.oauth.get("refresh_token_hours")
        )
        self.logins = Logins(self)
        self.jwt_keys = jwt_keys(definition)
        self.usage = Usage(
            int(definition.limits.get("daily_api_requests", _DAILY_REQUESTS)),
            long_limit=int(definition.limits.get("concurrent_long_requests", _LONG_REQUESTS)),
        )
        self.newest_version = int(definition.organization.get("api_version", _NEWEST_VERSION))
        self.latency_s = float(definition.limits.get("latency_s", 0.0))
        self.rights = Rights(definition, self.storage)
        self.locks = RowLocks()
        self.recent: dict[str, list[str]] = {}
        self.cursors = Cursors(self.pod, clock=self.clock, switches=self.switches, starts=self.storage.starts)
        lag_s = float(definition.limits.get("search_lag_s", LAG_S))
        self.search_index = SearchIndex(self.storage, self.clock, lag_s)
        self.jobs = JobStore(self.clock, self.pod, definition.limits, starts=self.storage.starts)
        self.hooks = Hooks(definition)
        self.capacity = Capacity(definition.limits, self.schema, self.storage)
        self.fiscal_year_start = int(definition.organization.get("fiscal_year_start_month", 1))
        self.fiscal_year_named_by_start = bool(definition.organization.get("fiscal_year_named_by_start"))
        self.currencies = currencies_of(definition)
        self.recycle_bin = RecycleBin(self.storage)
        self.lead_mapping = lead_mapping(definition, self.schema)
        self.client_id = str(definition.oauth.get("client_id") or "3MVG9" + self.random_token())
        self.client_secret = str(definition.oauth.get("client_secret") or self.random_token())
        self.api_user_id = ""

    def next_id(self, sobject: SObject) -> str:
        """Return a new id of an object."""
        return self._sequences[sobject.name].next_id()

    def random_token(self) -> str:
        """Return text that cannot be guessed (unless the org was started with a seed)."""
        letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
        return "".join(self._random.choices(letters, k=64))

    def _organization_id(self) -> str:
        stored = self.storage.last_id("Organization")
        if stored:
            return stored
        given = self.definition.organization.get("id")
        if given:
            return normalised(str(given)) or str(given)
        return self.new_organization_id()

    def new_organization_id(self) -> str:
        """Return an id for an organization that did not exist before."""
        return with_checksum(f"00D{self.pod}{in_base62(self._random.randrange(62**7), 7)}")


def _idle_minutes(definition: OrgDefinition) -> int:
    minutes = int(definition.organization.get("session_timeout_minutes", DEFAULT_IDLE_MINUTES))
    if not SHORTEST_IDLE_MINUTES <= minutes <= LONGEST_IDLE_MINUTES:
        raise DefinitionError(
            f"session_timeout_minutes is {SHORTEST_IDLE_MINUTES} to {LONGEST_IDLE_MINUTES}, not {minutes}"
        )
    return minutes


def _required(sobject: SObject) -> tuple[str, ...]:
    fields = sobject.fields.values()
    return tuple(field.name for field in fields if field.createable and not field.nillable)


def _opened(schema: Schema, database: Path | None, switches: Switches) -> Storage:
    """Return the tables of the org.

    Raises: DefinitionError when the database cannot be used.
    """
    try:
        return Storage(schema, path=database, recycle_bin_holds_keys=switches.recycle_bin_holds_keys)
    except sqlite3.OperationalError as problem:
        in_use = "locked" in str(problem)
        why = "another emulator has it open" if in_use else str(problem)
        raise DefinitionError(f"the database {database} cannot be used: {why}") from None
    except sqlite3.DatabaseError as problem:
        raise DefinitionError(f"{database} is no database of the emulator: {problem}") from None


def _remembered_pod(database: Path | None) -> str | None:
    if database is None or not database.exists():
        return None
    connection = sqlite3.connect(str(database), timeout=PATIENCE_S)
    try:
        found = connection.execute('SELECT "Id" FROM "User" LIMIT 1').fetchone()
    except sqlite3.DatabaseError:
        return None  # a file of another kind; opening it says so
    finally:
        connection.close()
    return str(found[0])[3:8] if found else None

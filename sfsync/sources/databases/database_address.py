"""Where a source's database is: its URL made safe, made read-only, and made printable.

SQLite and PostgreSQL are read: of these it is known how a session is kept from writing. What leaves this machine is
encrypted. No message shows more of a URL than host, port and name of the database.
Source: libpq, "Database Connection Control Functions"; SQLite, "URI Filenames" (mode=ro).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from sfsync.core.orgs.hosts import is_here
from sfsync.errors import ConfigError

_WEAK: Final = frozenset({"disable", "allow", "prefer"})
_WAITS: Final = {"connect_timeout": "10", "keepalives_idle": "30", "application_name": "sfsync"}
_FORMS: Final = "The forms are postgresql://user:password@host:5432/database and sqlite:///deals.db."
_BUSY_WAIT_S: Final = 30


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database as it is connected to, and as messages call it; `secret` is taken out of foreign words."""

    url: URL = field(repr=False)
    place: str
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL, else SQLite."""
        return self.url.get_backend_name() == "postgresql"

    @property
    def secret(self) -> str:
        """The password, where there is one."""
        return str(self.url.password or self.url.query.get("password") or "")

    def engine(self) -> Engine:
        """An engine that keeps no connection.

        Raises:
            ConfigError: the driver is not installed.
        """
        try:
            return create_engine(
                self.url, poolclass=NullPool, hide_parameters=True, connect_args=self.arguments
            )
        except ImportError:
            raise ConfigError(
                f"{self.place} is a PostgreSQL database, but its driver is not installed",
                code="NO_POSTGRES_DRIVER",
                hint="Install sfsync with the extra postgres: pip install 'sfsync[postgres]'.",
            ) from None


def read_address(text: str, *, folder: Path, key: str) -> DatabaseAddress:
    """The address that a job's URL leads to; a relative SQLite file lies in `folder`, `key` is where it is said.

    Raises:
        ConfigError: the URL cannot be read, is of another database, or would go unencrypted to another host.
    """
    try:
        url = make_url(text)
        name = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        # Its words repeat the URL, which may hold the password.
        raise ConfigError(
            f"{key} cannot be read as the URL of a database", code="DATABASE_URL", hint=_FORMS
        ) from None
    if name == "sqlite":
        return _sqlite(url, folder, key)
    if name in ("postgresql", "postgres"):
        return _postgres(url, key)
    raise ConfigError(
        f"{key}: a database of the kind {name} is not read",
        code="DATABASE_KIND",
        hint=f"{_FORMS} Export other ones as CSV or JSON Lines, or give their rows from Python.",
    )


def _sqlite(url: URL, folder: Path, key: str) -> DatabaseAddress:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigError(f"{key} names no SQLite file", code="DATABASE_URL", hint=_FORMS)
    path = Path(normpath(folder.absolute() / url.database))
    read_only = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    return DatabaseAddress(read_only, f"sqlite {path}", {"timeout": _BUSY_WAIT_S})


def _postgres(url: URL, key: str) -> DatabaseAddress:
    given = dict(url.query)
    waits = {name: value for name, value in _WAITS.items() if name not in given}
    hosts = [url.host or "", *_listed(given.get("host")), *_listed(given.get("hostaddr"))]
    if not all(is_here(each.partition(":")[0] if each.count(":") == 1 else each) for each in hosts):
        mode = str(given.get("sslmode", "require"))
        if mode in _WEAK:
            raise ConfigError(
                f"{key} asks for sslmode={mode}, which may go unencrypted to another host",
                code="DATABASE_NOT_ENCRYPTED",
                hint="Use sslmode=verify-full with sslrootcert, or at least sslmode=require.",
            )
        waits["sslmode"] = mode
    with_driver = url.set(drivername="postgresql+psycopg").update_query_dict(waits)
    shown = next((each for each in hosts if each), "local")
    port = f":{url.port}" if url.port else ""
    return DatabaseAddress(with_driver, f"postgresql://{shown}{port}/{url.database or url.username or ''}")


def _listed(given: str | tuple[str, ...] | None) -> list[str]:
    values = (given,) if isinstance(given, str) else given or ()
    return [each for value in values for each in value.split(",")]

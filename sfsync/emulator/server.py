"""Listening: starts an emulator on a loopback port, for a command line or inside a test.

`serve` is the blocking entry of a process, `running` the context manager of a test. Both put org, faults
and audit together and hand connections to threads, over plain http or, when asked, https with an authority
made for this one start. Never binds anything but a loopback address.
"""

import contextlib
import json
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.audit import Audit
from sfsync.emulator.call import Call
from sfsync.emulator.exchange import Emulator
from sfsync.emulator.faults import Faults
from sfsync.emulator.org.clock import Clock, VirtualClock, stamp
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, load_definition, names_of
from sfsync.emulator.org.not_played import not_played
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.origin import definition_of, snapshot_with
from sfsync.emulator.org.seeding import seed as seed_org
from sfsync.emulator.org.snapshot_file import Snapshot
from sfsync.emulator.org.work import Work
from sfsync.emulator.switches import Switches
from sfsync.emulator.wire.connection import Connection
from sfsync.emulator.wire.messages import Request

if TYPE_CHECKING:
    from sfsync.emulator.wire.tls import Tls

_HOSTS: Final = ("127.0.0.1", "::1")
_AGE_OF_SEEDS: Final = timedelta(days=1)
"""What an admin has set up was there before; nothing of it was modified a moment ago."""

_POLL_S: Final = 0.02
_PUBLIC: Final = (
    "instance_url",
    "access_token",
    "client_id",
    "client_secret",
    "org_id",
    "username",
    "password",
    "security_token",
)
_TOLD_ABOVE: Final = frozenset({"instance_url", "org_id"})


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to start an emulator from a command line."""

    port: int = 0
    org: Path | None = None
    json: bool = False
    db: Path | None = None
    host: str = "127.0.0.1"
    snapshot: Path | None = None
    tls: bool = False
    jwt_certificates: tuple[Path, ...] = ()
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """An emulator that listens, with all a test needs to use and to judge it."""

    instance_url: str
    access_token: str
    client_id: str
    client_secret: str
    org_id: str
    username: str
    password: str
    security_token: str
    org: Org
    faults: Faults
    audit: Audit
    tls: "Tls | None" = None

    @property
    def ca_file(self) -> Path | None:
        """The authority to trust, when the emulator speaks https."""
        return self.tls.ca_file if self.tls is not None else None

    def public(self) -> dict[str, str]:
        """Return what a client needs to know."""
        known = {name: getattr(self, name) for name in _PUBLIC}
        return known | ({"ca_file": str(self.ca_file)} if self.ca_file else {})


class EmulatorServer(socketserver.ThreadingTCPServer):
    """A socket that hands each connection to a thread."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, emulator: Emulator, *, tls: bool = False) -> None:
        if host not in _HOSTS:
            raise ValueError(f"the emulator listens on {' or '.join(_HOSTS)} only, not on {host}")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.emulator = emulator
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((host, port), Connection)
        if tls:
            from sfsync.emulator.wire.tls import Tls

            emulator.tls = Tls()
        shown = f"[{host}]" if ":" in host else host
        emulator.base_url = f"{'https' if tls else 'http'}://{shown}:{self.server_address[1]}"

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; with TLS its thread will shake hands."""
        accepted, address = super().get_request()
        return (self.emulator.tls.wrapped(accepted) if self.emulator.tls else accepted), address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection and serve it in a thread."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._guard:
            self._open.discard(request)
        if self.emulator.tls is not None:
            self.emulator.tls.say_goodbye(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients go away as they like; anything else is a bug and is shown."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening and end all connections."""
        self.emulator.stopping.set()
        self.emulator.faults.clear()
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.emulator.org.storage.close()
        if self.emulator.tls is not None:
            self.emulator.tls.close()


def build(
    definition: OrgDefinition,
    *,
    clock: Clock | None = None,
    database: Path | None = None,
    seed: int | None = None,
) -> Emulator:
    """Return an emulator of a definition, seeded, not listening yet.

    Raises: DefinitionError when the definition contradicts itself.
    """
    org = Org(definition, clock=clock, database=database, seed=seed)
    work = Work(
        org.storage,
        before_commit=lambda: None,
        after_commit=lambda _: None,
        ended=lambda: org.locks.release(0),
    )
    now = stamp(org.clock.now() - _AGE_OF_SEEDS)
    seed_org(
        org, now=now, call_as=lambda user: Call(org, Request("POST", "/"), work, user_id=user, version="68.0")
    )
    org.search_index.take_in(org.schema)
    token = org.sessions.open(org.api_user_id)
    return Emulator(org, Faults(org.clock), Audit(), control_token=token)


def offered(emulator: Emulator) -> RunningEmulator:
    """What an emulator offers a client: its address, ways to log in, and its insides for tests."""
    org = emulator.org
    username = str(org.storage.value("User", org.api_user_id, "Username"))
    account = org.logins.give_password(username)
    return RunningEmulator(
        instance_url=emulator.base_url,
        access_token=emulator.control_token,
        client_id=org.client_id,
        client_secret=org.client_secret,
        org_id=org.id,
        username=username,
        password=account.password or "",
        security_token=account.security_token,
        org=org,
        faults=emulator.faults,
        audit=emulator.audit,
        tls=emulator.tls,
    )


def started(
    emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0, tls: bool = False
) -> tuple[EmulatorServer, RunningEmulator]:
    """Start serving in background threads and return the server and what it offers."""
    server = EmulatorServer(host, port, emulator, tls=tls)
    threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="emulator", daemon=True).start()
    return server, offered(emulator)


@contextlib.contextmanager
def running(
    definition: OrgDefinition | Snapshot | dict[str, Any] | Path | None = None,
    *,
    port: int = 0,
    clock: Clock | None = None,
    switches: Switches | None = None,
    database: Path | None = None,
    seed: int | None = None,
    tls: bool = False,
) -> Iterator[RunningEmulator]:
    """Run an emulator while the block runs.

    The definition may be a value, a parsed document or a file: an org file, or a snapshot (a file whose name
    ends in .json, a document with a schema).
    """
    definition = definition_of(definition)
    if switches is not None:
        definition = replace(definition, switches=switches)
    emulator = build(definition, clock=clock, database=database, seed=seed)
    server, offered = started(emulator, port=port, tls=tls)
    try:
        yield offered
    finally:
        server.stop()


def serve(options: ServeOptions) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    Raises: DefinitionError for an org file that cannot be used; OSError when the port is taken.
    """
    definition = _definition(options)
    definition = _with_certificates(definition, options.jwt_certificates)
    clock = VirtualClock(options.clock) if options.clock else None
    emulator = build(definition, clock=clock, database=options.db)
    server, offered = _started_at(emulator, options)
    # Only now: a start that fails leaves the signals of its process alone.
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(json.dumps(offered.public()) + "\n" if options.json else _welcome(offered))
    sys.stdout.flush()
    sys.stderr.writelines(f"not played: {line}\n" for line in not_played(definition.snapshot))
    stop.wait()
    server.stop()
    return 0


def _started_at(emulator: Emulator, options: ServeOptions) -> tuple[EmulatorServer, RunningEmulator]:
    try:
        return started(emulator, host=options.host, port=options.port, tls=options.tls)
    except OSError as problem:
        raise OSError(f"port {options.port} of {options.host}: {problem.strerror or problem}") from None
    except OverflowError:
        raise DefinitionError(f"--port is 0 to 65535, not {options.port}") from None


def _definition(options: ServeOptions) -> OrgDefinition:
    if options.snapshot is not None:
        return snapshot_with(options.snapshot, options.org)
    return load_definition(options.org) if options.org else default_definition()


def _with_certificates(definition: OrgDefinition, paths: tuple[Path, ...]) -> OrgDefinition:
    """Return the definition with more certificates registered for the app."""
    if not paths:
        return definition
    registered = [*names_of(definition.oauth.get("certificate", [])), *map(str, paths)]
    return replace(definition, oauth={**definition.oauth, "certificate": registered})


def default_definition() -> OrgDefinition:
    """Return the org file that ships with the project, or a plain new org where there is none."""
    shipped = Path(__file__).parents[2] / "config" / "emulator" / "org.toml"
    return load_definition(shipped) if shipped.is_file() else OrgDefinition()


def _welcome(offered: RunningEmulator) -> str:
    secrets = offered.public()
    words = {
        "organization": f"{offered.org_id} (not a real org; everything stays on this machine)",
        **{name.replace("_", " "): text for name, text in secrets.items() if name not in _TOLD_ABOVE},
    }
    lines = [f"  {name:<14} {text}" for name, text in words.items()]
    first = f"The sfsync emulator plays a Salesforce org at {offered.instance_url}"
    look = f"Look at its records in a browser: {offered.instance_url}/"
    return "\n".join([first, *lines, look, "Stop it with Ctrl+C.", ""])

"""A client with planted secrets and row values on an emulated org, and the search of all that it leaves."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from client_processes import Nursery
from main_job_bench import LEUNG, Bench, deal, role
from planting import PRIVATE, ROWS, SECRETS, Search, files_below, planted

from sfsync.emulator.server import RunningEmulator

IS_GRID = os.environ.get("SFSYNC_LEAKS") == "1"
SEED = int(os.environ.get("SFSYNC_LEAKS_SEED") or (random.SystemRandom().randrange(10**6) if IS_GRID else 7))
SECRET = planted(SECRETS, SEED)
ROW = planted(ROWS, SEED + 1)
DEBUG = """
import functools, logging
logging.basicConfig(level=logging.DEBUG)
from sfsync.salesforce import retrying
from sfsync.salesforce.session import Timeouts
retrying.RetryPolicy = functools.partial(
    retrying.RetryPolicy, first_wait_s=0.0, max_wait_s=0.0, max_retry_after_s=0.0, deadline_s=1.0,
    timeouts=Timeouts(0.5, 0.5),
)
import sfsync.app.workplace
sfsync.app.workplace.pause = lambda stop, tries: None
"""
"""What a client does first: it logs everything, and has little patience."""


@dataclass
class Scene:
    """One client on one org, and what it may not show."""

    emulator: RunningEmulator
    folder: Path
    key: str
    nursery: Nursery
    totals: Search
    given: dict[str, str] = field(default_factory=dict)
    prelude: str = DEBUG

    def __post_init__(self) -> None:
        self.bench = Bench(self.emulator, self.folder)
        bad = ROW["bad cell"]
        rows = [
            deal("D-1", deal=ROW["deal name"], next_step=ROW["next step"]),
            deal("D-2", amount=ROW["amount"]),
            deal("D-3", stage=ROW["stage"]),
            deal("D-4", account=ROW["account"]),
            deal("D-5", close_date=ROW["date"]),
            deal("D-6", close_date="2027-02-30", next_step=bad),
        ]
        roles = [
            role("D-1", LEUNG, "Evaluator"),
            role("D-1", ROW["contact e-mail"]),
            role("D-1", name=ROW["role"]),
        ]
        self.bench.write_job(rows, roles)
        self.inputs = {each.name for each in self.folder.iterdir()}

    @property
    def environ(self) -> dict[str, str]:
        """The client's environment, with secrets that are none of its business."""
        strange = {
            "HTTP_PROXY": f"http://u:{SECRET['netrc password']}@127.0.0.1:9",
            "HTTPS_PROXY": f"http://u:{SECRET['https proxy password']}@127.0.0.1:9",
            "ALL_PROXY": f"http://u:{SECRET['all proxy password']}@127.0.0.1:9",
            "AWS_SECRET_ACCESS_KEY": SECRET["cloud key"],
            "DATABASE_URL": f"postgres://u:{SECRET['database url']}@h/d",
            "COOKIE": SECRET["cookie in the environment"],
            "SSLKEYLOGFILE": str(self.folder / "tls-keys"),
            "SFSYNC_ORGS__LOCAL__MAX_OUTAGE_MINUTES": "0",
        }
        return {**self.bench.environ, **strange, **self.given}

    def log_in_by(self, way: str) -> None:
        """Sets the profile to a way to log in, with planted secrets."""
        settings = {
            "LOGIN": way,
            "LOGIN_URL": self.emulator.instance_url,
            "CLIENT_ID": SECRET["client id"],
            "CLIENT_SECRET": SECRET["client secret"],
            "USERNAME": "integration@cloudkicks.example",
            "PASSWORD": SECRET["password"] + SECRET["security token"],
            "PRIVATE_KEY": self.key,
            "ALLOW_PASSWORD": "true",
        }
        self.given |= {f"SFSYNC_ORGS__LOCAL__{name}": value for name, value in settings.items()}

    def go(self, name: str, *arguments: str, strike: Callable[[int], object] = lambda _: None) -> int:
        """Runs a command line and searches everything that left it; its exit code."""
        err = self.folder / "client.err"
        arguments = arguments or ("run", self.bench.job)
        client = self.nursery.start(
            *arguments,
            environ=self.environ,
            folder=self.folder,
            grace_s=0.3,
            err=str(err),
            prelude=self.prelude,
        )
        strike(client.pid)
        exit_code = client.run()
        self.emulator.faults.clear()
        lines = {f"key line {n}": line for n, line in enumerate(self.key.splitlines()) if len(line) > 30}
        tokens = {"token": self.emulator.access_token.partition("!")[2]}
        tokens |= {
            f"token {n}": token.partition("!")[2] for n, token in enumerate(self.emulator.org.sessions._live)
        }
        search = Search(
            {**SECRET, **lines, **tokens, "assertion": "eyJ0eXAi", "assertion 2": "eyJhbGci"}, ROW
        )
        search.look("stderr", err.read_bytes(), may_hold_rows=False)
        search.look("stdout", client.out.read_bytes(), may_hold_rows=True)
        for path in files_below(self.folder):
            if path.name in self.inputs or path.name.startswith("client"):
                continue
            holds_rows = path.name.startswith(PRIVATE)
            search.look(str(path.relative_to(self.folder)), path.read_bytes(), may_hold_rows=holds_rows)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        for folder in (each for each in (self.folder / "state").rglob("*") if each.is_dir()):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        assert not (self.folder / "tls-keys").exists()
        self.totals.files += search.files
        self.totals.bytes_read += search.bytes_read
        self.totals.hits += search.hits
        assert [str(hit) for hit in search.hits] == [], (name, arguments)
        return exit_code

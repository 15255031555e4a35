"""The clients as the tests use them: the sf command and a jsforce script, each against one emulator."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from npm_clients import HERE, NpmClients, environment

from sfsync.emulator.server import RunningEmulator

ORG_FILE: Final = HERE.parents[1] / "config" / "emulator" / "org.toml"
_PATIENCE_S: Final = 120


class JsforceError(Exception):
    """What jsforce threw."""

    def __init__(self, name: str, code: str | None, message: str) -> None:
        super().__init__(f"{name} {code}: {message}")
        self.name = name
        self.code = code


@dataclass(frozen=True)
class Jsforce:
    """A way to run JavaScript with a connection to the emulator."""

    clients: NpmClients
    emulator: RunningEmulator
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, body: str, *, connection: dict[str, Any] | None = None, **args: Any) -> Any:
        """Run the body of an async function of (conn, jsforce, args) and return its value.

        Raises:
            JsforceError: jsforce threw.
        """
        if connection is None:
            connection = {
                "instanceUrl": self.emulator.instance_url,
                "accessToken": self.emulator.access_token,
            }
        check = json.dumps({"connection": connection, "args": args})
        driver = [self.clients.node, HERE / "jsforce_driver.cjs"]
        done = subprocess.run(
            driver,
            check=False,
            input=body,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            env=environment(self.home, NODE_PATH=str(self.clients.modules), CHECK=check, **self.variables),
        )
        assert done.returncode == 0, done.stderr
        outcome = json.loads(done.stdout)
        if "error" in outcome:
            error = outcome["error"]
            raise JsforceError(error["name"], error.get("errorCode"), error["message"])
        return outcome["value"]


@dataclass(frozen=True)
class Ending:
    """How an sf command ended."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What a command with --json printed."""
        return dict(json.loads(self.out))


@dataclass(frozen=True)
class SfCli:
    """The Salesforce CLI with a home of its own."""

    clients: NpmClients
    emulator: RunningEmulator
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> Ending:
        """Run a command and return how it ended."""
        done = subprocess.run(
            [*self.clients.sf, *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            cwd=self.home,
            env=environment(self.home, SF_ACCESS_TOKEN=self.emulator.access_token, **self.variables),
        )
        return Ending(done.returncode, done.stdout, done.stderr)

    def text(self, *words: str) -> str:
        """Run a command that must succeed and return what it printed."""
        ending = self.run(*words)
        assert ending.exit_code == 0, ending
        return ending.out

    def result(self, *words: str) -> Any:
        """Run a command with --json that must succeed and return its result."""
        ending = self.run(*words, "--json")
        assert ending.exit_code == 0, ending
        assert ending.document["status"] == 0
        return ending.document["result"]

    def log_in(self) -> str:
        """Log in by access token as the default org and return what the command printed."""
        return self.text(
            "org", "login", "access-token", "--instance-url", self.emulator.instance_url,
            "--alias", "emulator", "--set-default", "--no-prompt",
        )  # fmt: skip


def calls(emulator: RunningEmulator) -> list[str]:
    """Return what arrived since the audit was cleared: method and path without query, in order."""
    return [f"{entry.method} {entry.path.partition('?')[0]}" for entry in emulator.audit.requests]


def effects(emulator: RunningEmulator, sobject: str) -> list[str]:
    """Return what was committed on records of an object since the audit was cleared: insert, update, delete."""
    return [commit.op for commit in emulator.audit.commits if commit.sobject == sobject]

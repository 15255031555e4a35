"""A desk for the safety features: an emulated org, a job with its files, and the command line on them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import Done, warm_sfsync

from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[2]
ORG_FILE = ROOT / "config" / "emulator" / "org.toml"
HEADER = "id,name,stage,close\n"
JOB = """
org = "local"
{top}
[opportunities]
file = "deals.csv"
{key} = "{named}"
[opportunities.fields]
{mapped}
Name = "name"
StageName = "stage"
CloseDate = "close"
"""
RECEIPT = "Sfsync_Receipt__c"
GRAPHS = "/composite/graph"


def row(key: str, name: str = "") -> str:
    """A line of deals.csv that the org accepts."""
    return f"{key},{name or f'Deal {key}'},Prospecting,2027-01-31\n"


def org_without_keys(*, has_jobs: bool = True) -> dict[str, Any]:
    """The example org's definition before anything of sfsync was set up in it, perhaps without bulk jobs."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["organization"]["bulk_api"] = has_jobs
    document["objects"] = [each for each in document["objects"] if each["name"] != RECEIPT]
    document["fields"] = [
        each for each in document["fields"] if each["object"] != RECEIPT and each["name"] != "Sfsync_Key__c"
    ]
    for record in document["records"]:
        record["values"].pop("Sfsync_Key__c", None)
    return document


@dataclass
class SafetyDesk:
    """One org, one state folder, and a job on them."""

    emulator: RunningEmulator
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a user whose org "local" is the emulator."""
        return {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "SFSYNC_STATE": str(self.folder / "state"),
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": self.emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": self.emulator.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }

    def write(self, rows: str, *, top: str = "", has_key: bool = True) -> None:
        """Makes these rows the job job.toml; without a key the column id is its row_key."""
        (self.folder / "deals.csv").write_text(HEADER + rows)
        key, named = ("key", "Sfsync_Key__c") if has_key else ("row_key", "id")
        mapped = 'Sfsync_Key__c = "id"' if has_key else ""
        (self.folder / "job.toml").write_text(JOB.format(top=top, key=key, named=named, mapped=mapped))

    def command(self, *arguments: str, **further: str) -> Done:
        """Runs a command in the desk's folder, with further variables."""
        return warm_sfsync(*arguments, environ=self.environ | further, cwd=self.folder)

    def run(self, *arguments: str, expected: int = 0) -> Mapping[str, Any]:
        """Runs the job with --json; its document."""
        done = self.command("run", "./job.toml", "--json", *arguments)
        assert done.exit_code == expected, done.out + done.err
        return done.document

    def deals(self, name: str) -> list[dict[str, Any]]:
        """The living deals of that name."""
        return self.emulator.org.storage.select("Opportunity", '"Name" = ? AND "IsDeleted" = 0', name)


@contextmanager
def desk_on(org: Path | dict[str, Any], folder: Path) -> Iterator[SafetyDesk]:
    """A desk on a fresh org of that definition."""
    with running(org) as emulator:
        yield SafetyDesk(emulator, folder)

"""A desk for parents that are not there yet: an emulated org whose records refer to each other, and jobs on it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import Done, warm_sfsync

import sfsync
from sfsync.app.workplace import Surroundings
from sfsync.core.job import Job
from sfsync.core.plans.plan import Plan
from sfsync.core.reports.report import Report
from sfsync.emulator.server import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
ORG_FILE = ROOT / "config" / "emulator" / "org.toml"
RECEIPT = "Sfsync_Receipt__c"
LOOKUPS = (("Opportunity", "Renewal_Of__c", "Opportunity"), ("Account", "Main_Contact__c", "Contact"))


def org_with_lookups(*, has_receipts: bool = True, has_jobs: bool = True) -> dict[str, Any]:
    """The example org with a lookup from deal to deal and one from account to contact."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["organization"]["bulk_api"] = has_jobs
    if not has_receipts:
        document["objects"] = [each for each in document["objects"] if each["name"] != RECEIPT]
        document["fields"] = [each for each in document["fields"] if each["object"] != RECEIPT]
    for sobject, name, target in LOOKUPS:
        relationship = name.removesuffix("__c")
        document["fields"].append(
            {
                "object": sobject,
                "name": name,
                "label": relationship.replace("_", " "),
                "type": "Lookup",
                "reference_to": target,
                "relationship_name": f"{relationship}__r",
                "child_relationship": f"{relationship}_Of__r",
            }
        )
    return document


@dataclass
class ParentsDesk:
    """One org and one folder with a job and its files."""

    emulator: RunningEmulator
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment that leads to the org."""
        return {
            "HOME": str(self.folder),
            "SFSYNC_STATE": str(self.folder / "state"),
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": self.emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": self.emulator.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }

    @property
    def around(self) -> Surroundings:
        """What a run is given of its process."""
        return Surroundings(environ=self.environ)

    def job(self, text: str, **files: str) -> Job:
        """The job of this text, its files written beside it."""
        (self.folder / "parents.toml").write_text(text, encoding="utf-8")
        for name, content in files.items():
            (self.folder / f"{name}.csv").write_text(content, encoding="utf-8")
        return sfsync.load_job(self.folder / "parents.toml", environ=self.environ)

    def sync(self, text: str, **files: str) -> Report:
        """Plans and applies the job."""
        return sfsync.sync(self.job(text, **files), around=self.around)

    def plan(self, text: str, **files: str) -> Plan:
        """Plans the job."""
        return sfsync.plan(self.job(text, **files), around=self.around)

    def command(self, *arguments: str) -> Done:
        """Runs the command line in the folder of the job."""
        return warm_sfsync(*arguments, environ=self.environ, cwd=self.folder)

    def records(self, sobject: str) -> list[dict[str, Any]]:
        """The living records of an sObject."""
        return self.emulator.org.storage.select(sobject, '"IsDeleted" = 0')

    def record(self, sobject: str, **values: str) -> Mapping[str, Any]:
        """The one living record with those values."""
        [found] = [
            each
            for each in self.records(sobject)
            if all(each[name] == value for name, value in values.items())
        ]
        return found

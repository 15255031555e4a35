"""A bench for the main job: an emulated org, a job with its files, runs of it, and what the org then holds.

`Bench.run` is the real engine on the real journal over real HTTP; only the waits between tries are left out.
The picture of an org leaves ids and times out, so that two orgs with the same history look the same.
"""

from __future__ import annotations

import csv
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from sfsync.app.books import apply_either, sync
from sfsync.app.memory import admit
from sfsync.app.past_runs import resume, retrying, undoing
from sfsync.app.workplace import StopFlag, Surroundings, apply, plan
from sfsync.core.job import Limits
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.portions import PORTION_ROWS
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import COUNTED, NOT_DONE, Outcome
from sfsync.emulator.fault_actions import Action
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import RunningEmulator
from sfsync.emulator.wire.messages import Request
from sfsync.errors import SyncError
from sfsync.jobs import load_job

ROOT = Path(__file__).resolve().parents[2]
ORG_FILE = ROOT / "config" / "emulator" / "org.toml"
RECEIPT = "Sfsync_Receipt__c"


def org_document(*, has_receipts: bool, has_jobs: bool) -> dict[str, Any]:
    """The example org's definition, with or without the object for receipts and bulk jobs."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["organization"]["bulk_api"] = has_jobs
    if not has_receipts:
        document["objects"] = [each for each in document["objects"] if each["name"] != RECEIPT]
        document["fields"] = [each for each in document["fields"] if each["object"] != RECEIPT]
    return document


BARE_ORG = org_document(has_receipts=False, has_jobs=False)
"""An org that offers keys and nothing else: what has none of its own goes at most once."""

GRID = pytest.mark.skipif(
    os.environ.get("SFSYNC_FAULTS_GRID") != "1", reason="the full grid runs with SFSYNC_FAULTS_GRID=1"
)
WRITES = r"/composite/(graph|sobjects)|/sobjects/(Account|Contact|Opportunity)/\w{18}$"
"""The calls of the main job that write; it reads by /query and /composite."""

TIMES = {"CreatedDate", "LastModifiedDate", "SystemModstamp", "LastStageChangeDate"}
HISTORY_IDS = {"LastAmountChangedHistoryId", "LastCloseDateChangedHistoryId"}
NAMED_BY = {"Account": "Name", "Contact": "Email", "User": "Username", "RecordType": "DeveloperName"}
DEAL_COLUMNS = ("deal_id", "deal", "account", "stage", "close_date", "amount", "next_step")
ROLE_COLUMNS = ("deal_id", "contact", "role", "primary")
LEUNG, ALAN = "leung.chan@getcloudy.example", "alan.johnson@getcloudy.example"

JOB = """
org = "local"

[opportunities]
file = "deals.csv"
{key}

[opportunities.fields]
{key_rule}
Name = "deal"
AccountId = {{ column = "account", match = "Sfsync_Key__c" }}
StageName = {stage_rule}
CloseDate = "close_date"
Amount = {amount_rule}
NextStep = "next_step"

[contact_roles]
file = "roles.csv"

[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = {{ column = "contact", match = "Email" }}
Role = "role"
IsPrimary = "primary"

[roles]
policy = "{policy}"
"""


@dataclass(frozen=True)
class Reference:
    """What an uninterrupted run of the example leaves behind, and what it took."""

    picture: dict[str, list[Any]]
    counts: dict[str, dict[str, int]]
    inserted: dict[str, int]
    writes: int
    requests: int


class Impatient(StopFlag):
    """A stop flag whose waits end at once: no test sleeps between tries."""

    def wait(self, timeout: float | None = None) -> bool:
        """Says whether a stop was asked for, without waiting."""
        del timeout
        return self.is_set()


@dataclass(frozen=True)
class Ending:
    """How a run ended, whether it could make a report or not."""

    exit_code: int
    report: Report | None = None

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The counts of the report; none when there is no report."""
        return self.report.counts() if self.report else {}

    @property
    def document(self) -> Report:
        """The report of a run that made one."""
        assert self.report is not None
        return self.report

    def of(self, outcome: Outcome) -> set[str]:
        """The change ids with that outcome."""
        return {change.change_id for change, result in self.document.rows() if result.outcome is outcome}

    def codes(self) -> dict[str, str]:
        """Change id -> code of its first problem, of all rows that are not done."""
        return {
            change.change_id: (result.problems[0].code if result.problems else "")
            for change, result in self.document.rows()
            if result.outcome in NOT_DONE
        }


@dataclass
class Carrying(FaultScript):
    """A script for calls whose body carries a text."""

    text: str = ""

    def matches(self, request: Request) -> bool:
        """Whether the call is meant and carries the text."""
        return FaultScript.matches(self, request) and self.text.encode() in request.body


@dataclass
class Before(FaultScript):
    """No fault: something that somebody else does in the org before the n-th such call is carried out."""

    deed: Callable[[], None] = field(default=lambda: None)

    def met(self) -> bool:
        """Does the deed and nothing else, under no lock: it may call the org, and is done before the call."""
        self.deed()
        return False


@dataclass
class Bench:
    """One org, one state folder, and a job on them; `database` is where the journal is if not in the folder.

    A job of more rows than `portion_rows` is planned and written in portions.
    """

    emulator: RunningEmulator
    folder: Path
    job: str = "trailhead"
    token: str = field(default="")
    stop: StopFlag = field(default_factory=Impatient)
    stage_rule: str = '"stage"'
    amount_rule: str = '"amount"'
    database: str | None = None
    portion_rows: int = PORTION_ROWS

    def __post_init__(self) -> None:
        self.token = self.token or self.emulator.access_token

    @property
    def environ(self) -> dict[str, str]:
        """The environment that leads to the org, and nothing else of this process."""
        return {
            "HOME": str(self.folder),
            "SFSYNC_CONFIG": str(ROOT / "config"),
            "SFSYNC_STATE": self.database or str(self.folder / "state"),
            "SFSYNC_STATE_FOLDER": str(self.folder / "state"),
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": self.emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": self.token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }

    @property
    def around(self) -> Surroundings:
        """What a run is given of its process."""
        return Surroundings(environ=self.environ, stop=self.stop, portion_rows=self.portion_rows)

    def renew_token(self) -> None:
        """Puts a new token into the environment, as a person does after an exit 4."""
        self.token = self.emulator.org.sessions.open(self.emulator.org.api_user_id)

    def write_job(
        self,
        deals: Iterable[Mapping[str, str]],
        roles: Iterable[Mapping[str, str]],
        *,
        policy: str = "merge",
        has_key: bool = True,
    ) -> None:
        """Makes these rows the job, in files of the bench's folder; without a key the journal tells them apart."""
        _write_csv(self.folder / "deals.csv", DEAL_COLUMNS, deals)
        _write_csv(self.folder / "roles.csv", ROLE_COLUMNS, roles)
        (self.folder / "deals.toml").write_text(
            JOB.format(
                policy=policy,
                key='key = "Sfsync_Key__c"' if has_key else 'row_key = "deal_id"',
                stage_rule=self.stage_rule,
                amount_rule=self.amount_rule,
                key_rule='Sfsync_Key__c = "deal_id"' if has_key else "",
            )
        )
        self.job = str(self.folder / "deals.toml")

    def run(self, **limits: Any) -> Ending:
        """Plans and applies the job, within limits if some are given."""
        around = replace(self.around, limits=Limits(**limits))
        try:
            report = sync(load_job(self.job, environ=self.environ), around=around)
        except SyncError as error:
            return Ending(error.exit_code)
        return Ending(report.exit_code, report)

    def admit(self) -> None:
        """Says that the job never ran with another journal."""
        admit(load_job(self.job, environ=self.environ), around=self.around)

    def resume(self) -> Ending:
        """Goes on with the newest interrupted run."""
        report = resume(around=self.around)
        return Ending(report.exit_code, report)

    def retry(self, *codes: str, run_id: str | None = None) -> Ending:
        """Tries the failed rows of a run again, by default of the newest."""
        with retrying(run_id, codes, self.around) as (place, made):
            report = place.apply(made, is_fresh=True)
        return Ending(report.exit_code, report)

    def undo(self, run_id: str) -> Ending:
        """Takes a run back."""
        with undoing(run_id, self.around) as (place, made):
            report = apply_either(place, made, is_fresh=True)
        return Ending(report.exit_code, report)

    def plan(self) -> Plan:
        """Plans the job."""
        return plan(load_job(self.job, environ=self.environ), around=self.around)

    def planned_with(self, **words: Any) -> Plan:
        """Plans the job with other words of its own."""
        return plan(replace(load_job(self.job, environ=self.environ), **words), around=self.around)

    def apply(self, made: Plan) -> Ending:
        """Applies a plan of the job."""
        report = apply(made, load_job(self.job, environ=self.environ), around=self.around)
        return Ending(report.exit_code, report)

    def strike(
        self, action: Action, *, phase: str = "before_read", nth: int = 1, count: int | None = 1
    ) -> FaultScript:
        """Scripts a fault for the n-th write call from now."""
        return self.emulator.faults.add(FaultScript(action, phase, path=WRITES, nth=nth, count=count))

    def inserted(self) -> Counter[str]:
        """How many records of each sObject were ever inserted over the wire, rolled back ones left out."""
        inserted = (each.sobject for each in self.emulator.audit.commits if each.op == "insert")
        return Counter(each for each in inserted if each != "AsyncApiJob")

    def write_count(self) -> int:
        """How many write calls have arrived at the org."""
        return len(self.written())

    def written(self) -> list[int]:
        """The numbers of the requests that were write calls."""
        return [each.n for each in self.emulator.audit.requests if re.search(WRITES, each.path)]

    def create(self, sobject: str, **values: Any) -> str:
        """Creates a record over the API, as another tool or a person does; returns its id."""
        return str(self._call("POST", sobject, values)["id"])

    def change(self, sobject: str, record_id: str, *, by: str = "", **values: Any) -> None:
        """Changes a record over the API, as a salesperson does: the user `by`, else the job's own."""
        token = self.emulator.org.sessions.open(by) if by else ""
        self._call("PATCH", f"{sobject}/{record_id}", values, token=token)

    def remove(self, sobject: str, record_id: str) -> None:
        """Deletes a record without a call, for a deed of `Before`."""
        table = {"what": "delete", "object": sobject, "id": record_id}
        change_org(self.emulator.org, self.emulator.audit, table)

    def edit(self, sobject: str, record_id: str, *, by: str = "", **values: Any) -> None:
        """Changes a record without a call, for a deed of `Before`: a call would wait for the one that it is in."""
        table = {"what": "edit", "object": sobject, "id": record_id, "values": values}
        change_org(self.emulator.org, self.emulator.audit, table, by=by)

    def delete(self, sobject: str, record_id: str) -> None:
        """Deletes a record over the API; it goes into the recycle bin."""
        self._call("DELETE", f"{sobject}/{record_id}", None)

    def _call(self, method: str, path: str, values: Any, *, token: str = "") -> Any:
        answer = requests.request(
            method,
            f"{self.emulator.instance_url}/services/data/v66.0/sobjects/{path}",
            json=values,
            headers={"Authorization": f"Bearer {token or self.emulator.access_token}"},
            timeout=10,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def switch(self, **switches: Any) -> None:
        """Lets the org behave otherwise at a doubtful point."""
        self.emulator.org.switches = replace(self.emulator.org.switches, **switches)

    def find(self, sobject: str, **values: str) -> str:
        """The id of the one record with those values."""
        where = " AND ".join(f'"{name}" = ?' for name in values)
        [found] = self.emulator.org.storage.select(sobject, where, *values.values())
        return str(found["Id"])

    def named(self, name: str) -> list[dict[str, Any]]:
        """All living deals of that name."""
        return self.emulator.org.storage.select("Opportunity", '"Name" = ? AND "IsDeleted" = 0', name)

    def deals(self, key: str) -> list[dict[str, Any]]:
        """All records with a key, in the recycle bin or not."""
        return self.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" = ?', key)

    def deal(self, key: str) -> dict[str, Any]:
        """The one record with a key."""
        [found] = self.deals(key)
        return found

    def roles(self, key: str) -> list[tuple[str, str | None, bool]]:
        """The roles of a deal: e-mail of the contact, role, primary."""
        return sorted(
            (row["contact"], row["Role"], bool(row["IsPrimary"]))
            for row in _roles(self.emulator)
            if row["deal"] == key
        )

    def picture(self) -> dict[str, list[Any]]:
        """What the org holds, ids and times left out."""
        org = self.emulator.org
        names = _names(self.emulator)
        shown = {
            sobject: sorted(
                repr(_told(row, names)) for row in org.storage.select(sobject, '"IsDeleted" IN (0, 1)')
            )
            for sobject in ("Account", "Contact", "Opportunity")
        }
        roles = [
            (row["deal"], row["contact"], row["Role"], row["IsPrimary"]) for row in _roles(self.emulator)
        ]
        return {**shown, "OpportunityContactRole": sorted(map(repr, roles))}


FreshBench = Callable[[], AbstractContextManager[Bench]]
"""Makes a bench on a fresh org."""


def deal(key: str, **values: str) -> dict[str, str]:
    """A row of deals.csv that the org accepts."""
    row = {
        "deal_id": key,
        "deal": f"Deal {key}",
        "account": "ACC-1",
        "stage": "Prospecting",
        "close_date": "2027-01-31",
        "amount": "100.00",
        "next_step": "",
    }
    return row | values


def role(key: str, contact: str = LEUNG, name: str = "Evaluator", primary: str = "") -> dict[str, str]:
    """A row of roles.csv."""
    return {"deal_id": key, "contact": contact, "role": name, "primary": primary}


def assert_every_row_counts_once(counts: Mapping[str, Mapping[str, int]]) -> None:
    """Each input row is in exactly one count."""
    for of_sobject in counts.values():
        assert sum(of_sobject[each.value] for each in COUNTED) == of_sobject["rows"]


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _names(emulator: RunningEmulator) -> dict[str, str]:
    names: dict[str, str] = {}
    for sobject, name in NAMED_BY.items():
        rows = emulator.org.storage.select(sobject, "1 = 1")
        names |= {row["Id"]: f"{sobject} {row[name] or row.get('Name')}" for row in rows}
    return names


def _told(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in TIMES | HISTORY_IDS | {"Id"}}
    return {name: names.get(value, value) for name, value in sorted(kept.items()) if value is not None}


def _roles(emulator: RunningEmulator) -> list[dict[str, Any]]:
    storage = emulator.org.storage
    deals = {row["Id"]: row["Sfsync_Key__c"] for row in storage.select("Opportunity", "1 = 1")}
    people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
    rows = storage.select("OpportunityContactRole", '"IsDeleted" = 0')
    return [{**row, "deal": deals[row["OpportunityId"]], "contact": people[row["ContactId"]]} for row in rows]

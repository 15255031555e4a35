"""CumulusCI's load_dataset: its task class, given what a project of CumulusCI gives it.

The dataset is a SQLite file as CumulusCI keeps it, made before the task starts; what that took is
left out. Its mapping asks for REST (collections of 200): above 2,000 rows the task would choose the Bulk API
1.0 by itself, which the stub does not play.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from peer_loads import PlainAdapter, connected, deals_of, ids_of

MAPPING: Final = """
Deals:
  sf_object: Opportunity
  table: deals
  api: rest
  fields:
    Sfsync_Key__c: Sfsync_Key__c
    Name: Name
    AccountId: AccountId
    StageName: StageName
    CloseDate: CloseDate
    Amount: Amount
    Type: Type
    LeadSource: LeadSource
    NextStep: NextStep
    Description: Description
Roles:
  sf_object: OpportunityContactRole
  table: roles
  api: rest
  fields:
    ContactId: ContactId
    Role: Role
  lookups:
    OpportunityId:
      table: deals
      key_field: deal_id
"""
PROJECT: Final = """
minimum_cumulusci_version: '3.0'
project:
  name: bench
  package:
    name: bench
    api_version: '66.0'
"""


def load(folder: Path, url: str, token: str) -> dict[str, Any]:
    """Loads the deals and roles of a folder."""
    sf = connected(url, token)
    accounts, contacts = ids_of(sf, "Account", "Sfsync_Key__c"), ids_of(sf, "Contact", "Email")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        begun, cpu = time.time(), time.process_time()
        count = _dataset(root / "data.sqlite", folder, accounts, contacts)
        made_s, made_cpu_s = time.time() - begun, time.process_time() - cpu
        (root / "mapping.yml").write_text(MAPPING)
        (root / "cumulusci.yml").write_text(PROJECT)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        os.chdir(root)
        task = _task(root, url, token)
        task()
        return {"records": count, "left_out_s": made_s, "left_out_cpu_s": made_cpu_s}


def _dataset(path: Path, folder: Path, accounts: dict[str, str], contacts: dict[str, str]) -> int:
    """The dataset: every value is text, every row has a number."""
    with sqlite3.connect(path) as db:
        numbers: dict[str, int] = {}
        deals = list(deals_of(folder, accounts))
        names = list(deals[0])
        columns = ", ".join(f'"{name}" VARCHAR(255)' for name in names)
        db.execute(f"CREATE TABLE deals (id INTEGER PRIMARY KEY, {columns})")
        for number, deal in enumerate(deals, start=1):
            numbers[deal["Sfsync_Key__c"]] = number
            marks = ", ".join("?" * (len(names) + 1))
            db.execute(f"INSERT INTO deals VALUES ({marks})", (number, *(deal[name] for name in names)))
        db.execute(
            "CREATE TABLE roles"
            " (id INTEGER PRIMARY KEY, ContactId VARCHAR(18), Role VARCHAR(40), deal_id VARCHAR(20))"
        )
        with (folder / "roles.csv").open(newline="", encoding="utf-8") as file:
            rows = [
                (contacts[row["contact"]], row["role"], str(numbers[row["deal_id"]]))
                for row in csv.DictReader(file)
            ]
        db.executemany("INSERT INTO roles (ContactId, Role, deal_id) VALUES (?, ?, ?)", rows)
    return len(deals) + len(rows)


def _task(root: Path, url: str, token: str) -> Any:
    import requests
    from cumulusci.core.config import BaseProjectConfig, OrgConfig, TaskConfig, UniversalConfig
    from cumulusci.core.keychain import BaseProjectKeychain
    from cumulusci.tasks.bulkdata.load import LoadData

    requests.adapters.HTTPAdapter.send = _plain_send(requests.adapters.HTTPAdapter.send)
    project = BaseProjectConfig(UniversalConfig())
    project.set_keychain(BaseProjectKeychain(project, None))
    address = url.replace("http://", "https://")
    identity = f"{address}/id/00D000000000001AAA/005000000000001AAA"
    org = OrgConfig(
        {"instance_url": address, "access_token": token, "id": identity, "username": "bench"}, "bench"
    )
    org.refresh_oauth_token = lambda *_, **__: None
    options = {
        "mapping": str(root / "mapping.yml"),
        "database_url": f"sqlite:///{root / 'data.sqlite'}",
        "set_recently_viewed": False,
    }
    return LoadData(project, TaskConfig({"options": options}), org)


def _plain_send(send: Any) -> Any:
    """Plain http for the loopback, whatever adapter a client of the task has mounted."""

    def sent(self: Any, request: Any, *rest: Any, **options: Any) -> Any:
        if not isinstance(self, PlainAdapter) and request.url.startswith("https://127.0.0.1"):
            request.url = "http" + request.url.removeprefix("https")
        return send(self, request, *rest, **options)

    return sent

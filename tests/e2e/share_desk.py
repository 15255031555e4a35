"""A job with accounts, contacts, deals and roles whose deals can be shared out, and what an org holds of it."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from sfsync.emulator.server import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
ORG_FILE = ROOT / "config" / "emulator" / "org.toml"
ACCOUNTS = 12
DEALS = 90
JOB = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
AccountId = { column = "account", match = "Sfsync_Key__c" }
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
AccountId = { column = "account", match = "Sfsync_Key__c" }
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = { column = "deal", match = "Sfsync_Key__c" }
ContactId = { column = "contact", match = "Sfsync_Key__c" }
Role = "role"
"""


def write(path: Path, header: str, rows: list[str]) -> None:
    """Writes a file of rows without commas in their cells."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(each.split(",") for each in [header, *rows])


def write_job(tmp_path: Path, *, bad_rows: bool) -> None:
    """Writes a job whose roles are of contacts of other accounts too, and one of whose rows may be bad."""
    write(tmp_path / "accounts.csv", "id,name", [f"A-{n},Account {n}" for n in range(ACCOUNTS)])
    contacts = [f"C-{n},Contact {n},A-{n % ACCOUNTS}" for n in range(2 * ACCOUNTS)]
    write(tmp_path / "contacts.csv", "id,name,account", contacts)
    deals = [f"D-{n},Deal {n},Prospecting,2027-01-31,A-{n * 7 % ACCOUNTS}" for n in range(DEALS)]
    write(
        tmp_path / "deals.csv",
        "id,name,stage,close,account",
        deals + ["D-bad,Bad,Prospecting,soon,A-1"] * bad_rows,
    )
    roles = [f"D-{n % DEALS},C-{n % (2 * ACCOUNTS)},Influencer" for n in range(2 * DEALS)]
    write(tmp_path / "roles.csv", "deal,contact,role", roles)
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")


def surroundings(emulator: RunningEmulator, state: str) -> dict[str, str]:
    """The environment of a process that works on that org with that journal."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SFSYNC_STATE": state,
        "SFSYNC_ORGS__LOCAL__LOGIN": "token",
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": emulator.access_token,
        "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
    }


def org_of(emulator: RunningEmulator) -> dict[str, list[tuple[str, ...]]]:
    """Accounts, deals and roles of the org, by the names that people know."""
    queries = {
        "deals": "SELECT Sfsync_Key__c, Name, StageName, Account.Sfsync_Key__c FROM Opportunity",
        "roles": "SELECT Opportunity.Sfsync_Key__c, Contact.Sfsync_Key__c, Role, IsPrimary"
        " FROM OpportunityContactRole",
        "contacts": "SELECT Sfsync_Key__c, LastName, Account.Sfsync_Key__c FROM Contact",
    }
    return {name: sorted(map(_texts, _records(emulator, query))) for name, query in queries.items()}


def _records(emulator: RunningEmulator, query: str) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{emulator.instance_url}/services/data/v66.0/query",
        params={"q": query},
        headers={"Authorization": f"Bearer {emulator.access_token}"},
        timeout=30,
    )
    records: list[dict[str, Any]] = answer.json()["records"]
    return records


def _texts(record: Mapping[str, Any]) -> tuple[str, ...]:
    values = (each for name, each in record.items() if name != "attributes")
    return tuple(str(v.get("Sfsync_Key__c")) if isinstance(v, dict) else str(v) for v in values)

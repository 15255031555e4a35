"""What the stub's org is made of: describes, stages, picklists as the emulator gives them, and many small parents.

Asked once at start of an emulator process of its own, so that the stub imports nothing of sfsync and yet stays in
step with the form that the product reads. Accounts and contacts are made here, 500 accounts with two contacts each
unless said otherwise, so that deals spread over accounts as they do in an org.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ORG_FILE: Final = Path(__file__).parents[2] / "config" / "emulator" / "org.toml"
SOBJECTS: Final = ("Account", "Contact", "Opportunity", "OpportunityContactRole", "Sfsync_Receipt__c")
ACCOUNTS: Final = 500
_API: Final = "/services/data/v66.0"
_STAGES: Final = (
    "SELECT ApiName, MasterLabel, DefaultProbability, ForecastCategoryName, IsActive, IsClosed, IsWon"
    " FROM OpportunityStage ORDER BY SortOrder"
)
_ORGANIZATION: Final = "SELECT Id, Name, IsSandbox, InstanceName, FiscalYearStartMonth FROM Organization"


def made_org(accounts: int = ACCOUNTS) -> dict[str, Any]:
    """The org as one JSON document, asked of an emulator that is started for it."""
    command = [sys.executable, "-m", "sfsync.emulator", "serve", "--json", "--org", str(ORG_FILE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ORG_FILE.parents[2]) as process:
        assert process.stdout is not None
        try:
            return _asked(json.loads(process.stdout.readline()), accounts)
        finally:
            process.terminate()


def _asked(offered: dict[str, str], accounts: int) -> dict[str, Any]:
    def get(path: str) -> Any:
        request = urllib.request.Request(
            offered["instance_url"] + path, headers={"Authorization": f"Bearer {offered['access_token']}"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def records(soql: str) -> list[dict[str, Any]]:
        found = get(f"{_API}/query?q={urllib.parse.quote(soql, safe='')}")
        return list(found["records"])

    describes = {name: get(f"{_API}/sobjects/{name}/describe") for name in SOBJECTS}
    record_types = {each["recordTypeId"]: each for each in describes["Opportunity"]["recordTypeInfos"]}
    default = next(each for each, info in record_types.items() if info["defaultRecordTypeMapping"])
    user = records("SELECT Id, Name, Username FROM User WHERE Username = 'integration@cloudkicks.example'")[0]
    return {
        "describes": describes,
        "listed": {"Organization": records(_ORGANIZATION), "OpportunityStage": records(_STAGES)},
        "picklists": {
            f"Opportunity/{each}": get(f"{_API}/ui-api/object-info/Opportunity/picklist-values/{each}")
            for each in record_types
        },
        "versions": get("/services/data"),
        "limits": get(f"{_API}/limits"),
        "record_type": default,
        "user": {"Id": user["Id"], "Name": user["Name"], "Username": user["Username"]},
        "created": datetime(2026, 1, 1, tzinfo=UTC).timestamp(),
        "accounts": [_account(number) for number in range(accounts)],
        "contacts": [_contact(number) for number in range(2 * accounts)],
    }


def _account(number: int) -> dict[str, Any]:
    return {"Name": f"Customer {number:04d}", "Sfsync_Key__c": f"A-{number:04d}"}


def _contact(number: int) -> dict[str, Any]:
    """Two contacts for each account; `AccountId` is the place of the account until it has an id."""
    first, last = ("Leung", "Alan")[number % 2], f"Chan {number:04d}"
    email = f"person.{number:04d}@customer.example"
    return {
        "Name": f"{first} {last}",
        "LastName": last,
        "FirstName": first,
        "Email": email,
        "AccountId": number // 2,
    }

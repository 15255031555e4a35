"""A desk for jobs whose rows refer to records: an org with namesakes and leavers, jobs, and the rows' ends."""

import tomllib
from pathlib import Path
from typing import Any

import sfsync
from sfsync.app.workplace import Surroundings, opened
from sfsync.core.ports import Lookup
from sfsync.core.reports.report import Report

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "cloudkicks.example"
CLOUDY, CANADA = "Get Cloudy Consulting", "Get Cloudy Canada"
LEUNG = "leung.chan@getcloudy.example"

USERS: list[dict[str, Any]] = [
    {"username": f"pat.one@{DOMAIN}", "last_name": "Pat", "email": f"sales@{DOMAIN}"},
    {"username": f"pat.two@{DOMAIN}", "last_name": "Pat", "email": f"sales@{DOMAIN}", "active": False},
    {"username": f"pat.three@{DOMAIN}", "last_name": "Pat", "email": f"sales@{DOMAIN}", "active": False},
    {"username": f"kim.one@{DOMAIN}", "last_name": "Kim", "email": f"desk@{DOMAIN}"},
    {"username": f"kim.two@{DOMAIN}", "last_name": "Kim", "email": f"desk@{DOMAIN}"},
    {
        "username": f"alex@{DOMAIN}",
        "last_name": "Alex",
        "email": f"alex@{DOMAIN}.invalid",
        "alias": "alexx",
        "federation_id": "FED-7",
    },
]
CONTACTS = [
    {"FirstName": "Jane", "LastName": "Doe", "Email": "jane@a.example", "AccountId": "@get_cloudy"},
    {"FirstName": "Jane", "LastName": "Doe", "Email": "jane@b.example", "AccountId": "@get_cloudy_canada"},
    *(
        {"FirstName": "Sam", "LastName": "Lee", "AccountId": "@get_cloudy", "Title": f"No. {n}"}
        for n in range(7)
    ),
]
RECORDS: list[dict[str, Any]] = [
    *({"object": "Contact", "values": values} for values in CONTACTS),
    {"object": "Account", "values": {"Name": "Twin Shoes", "BillingCity": "Oslo"}},
    {"object": "Account", "values": {"Name": "Twin Shoes", "BillingCity": "Bergen"}},
]
KINDS = [
    {"object": "Opportunity", "developer_name": "Default", "namespace": "npsp", "name": "Donation"},
    {"object": "Opportunity", "developer_name": "Shared", "namespace": "alpha", "name": "Common"},
    {"object": "Opportunity", "developer_name": "Shared", "namespace": "beta", "name": "Common"},
]


def org_document() -> dict[str, Any]:
    """The example org with users of one address, contacts and accounts of one name, and packages' record types."""
    document = tomllib.loads((ROOT / "config" / "emulator" / "org.toml").read_text(encoding="utf-8"))
    document["users"] += USERS
    document["records"] += RECORDS
    document["record_types"] += KINDS
    return document


def deals(field: str = "", *, top: str = "") -> str:
    """A job for deals with one more field rule."""
    return f"""
org = "local"
{top}
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = {{ constant = "Prospecting" }}
CloseDate = {{ constant = "2026-12-01" }}
{field}
"""


def roles(contact: str, *, deal: str = "") -> str:
    """The section of contact roles, with a rule for the contact and one for the deal."""
    return f"""
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = {deal or '"id"'}
ContactId = {contact}
Role = {{ constant = "Evaluator" }}
"""


class Desk:
    """A folder with a job and its files, and the org behind it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.around = Surroundings(environ=environ)
        self.ids = {
            **{each["Email"]: each["Id"] for each in self.fetch("Contact", "Email") if each["Email"]},
            **{each["Username"]: each["Id"] for each in self.fetch("User", "Username")},
            **{
                f"{each['Name']} {each['BillingCity'] or ''}".strip(): each["Id"]
                for each in self.fetch("Account", "Name", "BillingCity")
            },
        }

    def job(self, text: str, **files: str) -> sfsync.app.workplace.Job:
        """The job of this text, its files written beside it."""
        self.write("job.toml", text)
        for name, content in files.items():
            self.write(f"{name}.csv", content)
        return sfsync.load_job(self.folder / "job.toml", environ=self.around.environ)

    def write(self, name: str, content: str) -> Path:
        """A file in the desk's folder."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def sync(self, text: str, **files: str) -> Report:
        """Plans and applies the job."""
        return sfsync.sync(self.job(text, **files), around=self.around)

    def plan(self, text: str, **files: str) -> sfsync.Plan:
        """Plans the job."""
        return sfsync.plan(self.job(text, **files), around=self.around)

    def fetch(self, sobject: str, *fields: str) -> list[dict[str, Any]]:
        """All records of an sObject."""
        job = self.job(deals(), deals="id\n")
        with opened(job, self.around) as place:
            return [dict(each) for each in place.gateway.fetch([Lookup(sobject, ("Id", *fields))])[0]]

    def deals(self, field: str) -> dict[str, Any]:
        """The value of a field of each deal that has a key, by key."""
        return {
            each["Sfsync_Key__c"]: each[field] for each in self.fetch("Opportunity", "Sfsync_Key__c", field)
        }


def ends(report: Report) -> list[tuple[str, str]]:
    """Outcome and first problem code of every row."""
    return [
        (result.outcome.value, result.problems[0].code if result.problems else "")
        for _, result in report.rows()
    ]


def said(report: Report) -> str:
    """All that the report says of its rows."""
    found = [each for _, result in report.rows() for each in result.problems]
    return "\n".join(f"{each.message} {each.hint}" for each in found)

"""A bench for deals that come out of leads: an emulated org with leads, a job whose rows name them, and its runs.

Deals are counted by what the org holds, so that a second deal of a lead shows whatever made it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import requests
from main_job_bench import BARE_ORG, Bench

from sfsync.emulator.fault_actions import Action
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running

CONVERT = r"/services/Soap/u/"
"""The calls that convert leads; nothing else goes by SOAP."""

DEAL_COLUMNS = ("deal_id", "deal", "lead", "account", "contact", "stage", "close_date", "amount", "owner")
ROLE_COLUMNS = ("deal_id", "contact", "role", "primary")
BERTHA, CARL = "bertha@farmers.example", "carl@farmers.example"
LEUNG, ALAN = "leung.chan@getcloudy.example", "alan.johnson@getcloudy.example"


def lead_row(email: str, **values: Any) -> dict[str, Any]:
    """A lead as an org file gives it."""
    own = {"FirstName": email.partition("@")[0].title(), "LastName": "Boxer", "Company": "Farmers Coop"}
    return {"object": "Lead", "local": email.partition("@")[0], "values": {**own, "Email": email, **values}}


def org_with_leads(org: Mapping[str, Any] = BARE_ORG) -> dict[str, Any]:
    """An org's definition with two open leads more."""
    document = deepcopy(dict(org))
    document["records"] += [lead_row(BERTHA), lead_row(CARL)]
    return document


LEAD_ORG: Final = org_with_leads()

JOB = """
org = "local"
{extra}

[opportunities]
file = "deals.csv"
{key}

[opportunities.lead]
column = "lead"
match = ["Id", "Email"]
{lead}

[opportunities.fields]
{key_rule}
Name = "deal"
AccountId = {{ column = "account", match = "Sfsync_Key__c" }}
ContactId = {{ column = "contact", match = "Email" }}
StageName = "stage"
CloseDate = "close_date"
Amount = "amount"
OwnerId = {{ column = "owner", match = "Username" }}

[contact_roles]
file = "roles.csv"

[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = {{ column = "contact", match = "Email" }}
Role = "role"
IsPrimary = "primary"
"""


def deal(key: str, lead: str = BERTHA, **values: str) -> dict[str, str]:
    """A row of deals.csv that comes out of a lead."""
    row = dict.fromkeys(DEAL_COLUMNS, "")
    own = {
        "deal_id": key,
        "deal": f"Deal {key}",
        "lead": lead,
        "stage": "Needs Analysis",
        "close_date": "2027-01-31",
        "amount": "100.00",
    }
    return row | own | values


def role(key: str, contact: str = BERTHA, name: str = "Decision Maker", primary: str = "") -> dict[str, str]:
    """A row of roles.csv."""
    return {"deal_id": key, "contact": contact, "role": name, "primary": primary}


def write_leads_job(
    bench: Bench,
    deals: Iterable[Mapping[str, str]],
    roles: Iterable[Mapping[str, str]] = (),
    *,
    lead: str = "",
    extra: str = "",
    has_key: bool = True,
) -> None:
    """Makes these rows the job, in files of the bench's folder."""
    rows = list(roles) or [role("NONE", LEUNG, "None")]
    for name, columns, each in (("deals", DEAL_COLUMNS, deals), ("roles", ROLE_COLUMNS, rows)):
        with (bench.folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(each)
    text = JOB.format(
        key='key = "Sfsync_Key__c"' if has_key else 'row_key = "deal_id"',
        key_rule='Sfsync_Key__c = "deal_id"' if has_key else "",
        lead=lead,
        extra=extra,
    )
    (bench.folder / "leads.toml").write_text(text)
    bench.job = str(bench.folder / "leads.toml")


def strike(bench: Bench, action: Action, *, phase: str, nth: int = 1, count: int | None = 1) -> FaultScript:
    """Scripts a fault for the n-th call from now that converts leads."""
    return bench.emulator.faults.add(FaultScript(action, phase, path=CONVERT, nth=nth, count=count))


def conversions(bench: Bench) -> int:
    """How many calls that convert leads have arrived."""
    return sum("/services/Soap/u/" in each.path for each in bench.emulator.audit.requests)


def lead(bench: Bench, email: str = BERTHA) -> dict[str, Any]:
    """The lead as the org holds it."""
    [found] = bench.emulator.org.storage.select("Lead", '"Email" = ?', email)
    return found


BY_HAND = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:p="urn:partner.soap.sforce.com">
<env:Header><p:SessionHeader><p:sessionId>{token}</p:sessionId></p:SessionHeader></env:Header><env:Body>
<p:convertLead><p:leadConverts><p:convertedStatus>Closed - Converted</p:convertedStatus>
<p:doNotCreateOpportunity>{without_deal}</p:doNotCreateOpportunity><p:leadId>{lead}</p:leadId></p:leadConverts>
</p:convertLead></env:Body></env:Envelope>"""


def convert_by_hand(bench: Bench, email: str = BERTHA, *, makes_deal: bool = True) -> None:
    """Converts a lead as a person does, outside of sfsync."""
    emulator = bench.emulator
    body = BY_HAND.format(
        token=emulator.access_token,
        without_deal=str(not makes_deal).lower(),
        lead=lead(bench, email)["Id"],
    )
    answer = requests.post(
        f"{emulator.instance_url}/services/Soap/u/66.0",
        data=body,
        headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
        timeout=10,
    )
    assert "<success>true</success>" in answer.text, answer.text


def deals_of(bench: Bench, email: str = BERTHA) -> list[dict[str, Any]]:
    """Every deal of the account that a lead has become, in the recycle bin or not."""
    account = lead(bench, email)["ConvertedAccountId"]
    return bench.emulator.org.storage.select("Opportunity", '"AccountId" = ?', account) if account else []


def roles_of(bench: Bench, deal_id: str) -> list[tuple[str, str | None, bool]]:
    """The roles of a deal: e-mail of the contact, role, primary."""
    storage = bench.emulator.org.storage
    people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
    rows = storage.select("OpportunityContactRole", '"OpportunityId" = ? AND "IsDeleted" = 0', deal_id)
    held = [(people[row["ContactId"]], row["Role"], bool(row["IsPrimary"])) for row in rows]
    return sorted(held, key=str)


@contextmanager
def lead_bench(folder: Path, org: Any = LEAD_ORG) -> Iterator[Bench]:
    """A bench on a fresh org with leads."""
    with running(org) as emulator:
        yield Bench(emulator, folder)

"""Makes the rows of a benchmark: D deals and 2 D roles as CSV, and the job that brings them, alike at every call.

A deal's row has about 200 bytes: quotes, commas and newlines in one row of seven, letters beyond ASCII in every
second; amounts have two decimals. Deals spread over the stub's accounts, so that requests side by side need not
share one.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stub_org import ACCOUNTS

DEAL_COLUMNS: Final = (
    *("deal_id", "name", "account", "stage", "close_date", "amount"),
    *("type", "source", "next_step", "description"),
)
ROLE_COLUMNS: Final = ("deal_id", "contact", "role")
_DEALS_JOB: Final = """org = "stub"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "name"
AccountId = { column = "account", match = "Sfsync_Key__c" }
StageName = "stage"
CloseDate = "close_date"
Amount = "amount"
Type = "type"
LeadSource = "source"
NextStep = "next_step"
Description = "description"
"""
_ROLES_JOB: Final = """[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
"""
_STAGES: Final = ("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Negotiation/Review")
_TYPES: Final = ("New Customer", "Existing Customer - Upgrade", "Existing Customer - Replacement")
_SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Other")
_TEXTS: Final = (
    "Samples are on their way, the fitting is agreed for the week after",
    "Żółte buty dla całego zespołu: rozmowa z kierownikiem we wtorek",
    "wants the soles in grey; asked for terms of 30 days, net",
    "Größe 47 fehlt noch, Angebot über 250 Paar liegt beim Einkauf vor",
    "talked to the team lead, who will ask the board in the next round",
    "サンプルは好評で、来週の注文を待っています。色は灰色のみ",
)
_SPECIAL: Final = 'first line, with a comma\nsecond line: "quoted" words, and more of them'


def deal_rows(deals: int, *, changed: int = 0, to: str = "") -> Iterator[tuple[str, ...]]:
    """The rows of the deals; in `changed` of them, spread over all, the next step is `to`."""
    every = max(deals // changed, 1) if changed else 0
    for number in range(deals):
        is_changed = every and number % every == 0 and number // every < changed
        yield (
            f"D-{number:07d}",
            f"Sneakers {number}, {_TYPES[number % 3]}",
            f"A-{number % ACCOUNTS:04d}",
            _STAGES[number % 5],
            f"2027-{1 + number % 12:02d}-{1 + number % 28:02d}",
            f"{100 + number % 90_000}.{number % 100:02d}",
            _TYPES[number % 3],
            _SOURCES[number % 4],
            to if is_changed else ("call back" if number % 3 else ""),
            _SPECIAL if number % 7 == 0 else _TEXTS[number % 6],
        )


def role_rows(deals: int) -> Iterator[tuple[str, ...]]:
    """Two roles for each deal, of the two contacts of its account."""
    for number in range(deals):
        account = number % ACCOUNTS
        yield (f"D-{number:07d}", f"person.{2 * account:04d}@customer.example", "Decision Maker")
        yield (f"D-{number:07d}", f"person.{2 * account + 1:04d}@customer.example", "Influencer")


def write_job(folder: Path, deals: int, *, with_roles: bool = True) -> Path:
    """Writes both files and the job into a folder; the job's path. Without roles it brings the deals alone."""
    folder.mkdir(parents=True, exist_ok=True)
    write_deals(folder, deals)
    with (folder / "roles.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(itertools.chain([ROLE_COLUMNS], role_rows(deals)))
    job = folder / "bench.toml"
    job.write_text(_DEALS_JOB + (_ROLES_JOB if with_roles else ""), encoding="utf-8")
    return job


def write_deals(folder: Path, deals: int, *, changed: int = 0, to: str = "") -> None:
    """Writes the file of deals again, with so many of them changed."""
    with (folder / "deals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(itertools.chain([DEAL_COLUMNS], deal_rows(deals, changed=changed, to=to)))

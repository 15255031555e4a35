"""The world of the kill campaign whose deals come out of leads, or of accounts and contacts that are made for them.

A round brings deals out of open leads, one of them merged into an account that is made for it, and plain deals
whose account, and of some the contact too, are made from their names. Every deal out of a lead has roles whose
first row is another contact than the lead's; the job makes the first primary. The last of them get their roles in
the round after.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

from crash_worlds import Kind, Picture, World
from lead_bench import lead_row
from main_job_bench import ALAN, org_document, role

LEADS_A_ROUND: Final = 6
PLAIN_A_ROUND: Final = 4
LATE_A_ROUND: Final = 2
MOST_ROUNDS: Final = 6
COLUMNS: Final = ("deal_id", "lead", "customer", "buyer", "stage")
ROLE_COLUMNS: Final = ("deal_id", "contact", "role", "primary")

JOB: Final = """
org = "local"

[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"

[opportunities.lead]
column = "lead"
match = ["Email"]

[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "deal_id"
AccountId = { column = "customer", match = ["Name"], missing = "create" }
ContactId = { column = "buyer", match = ["Name"], missing = "create" }
StageName = "stage"
CloseDate = { constant = "2027-01-31" }

[contact_roles]
file = "roles.csv"

[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
IsPrimary = "primary"

[roles]
primary = "first"
"""


def email_of(round_number: int, number: int) -> str:
    """The address of a lead of a round."""
    return f"lead{round_number}x{number}@farmers.example"


def org_of_leads() -> dict[str, Any]:
    """The example org with open leads for all rounds; each has a company of its own."""
    document = deepcopy(org_document(has_receipts=True, has_jobs=False))
    for each in range(1, MOST_ROUNDS + 1):
        emails = [email_of(each, number) for number in range(LEADS_A_ROUND)]
        document["records"] += [lead_row(email, Company=f"Coop of {email}") for email in emails]
    return document


class LeadWorld(World):
    """A world whose rounds bring leads and made parents."""

    def begin_round(self) -> None:
        """Makes the job of the next round."""
        self.round += 1
        came_late, self.late_keys = self.late_keys, []
        rows = [self._of_lead(*each.removeprefix("R").split("-L")) for each in came_late]
        deals = [*rows, *(self._of_lead(self.round, number) for number in range(LEADS_A_ROUND))]
        self.late_keys = [each["deal_id"] for each in deals[-LATE_A_ROUND:]]
        roles = [
            row
            for each in deals
            if each["deal_id"] not in self.late_keys
            for row in (role(each["deal_id"], ALAN, "Evaluator"), role(each["deal_id"], each["lead"]))
        ]
        deals += [self._plain(number) for number in range(PLAIN_A_ROUND)]
        self._write("deals.csv", COLUMNS, deals)
        self._write("roles.csv", ROLE_COLUMNS, roles)
        path = self.bench.folder / "leads.toml"
        path.write_text(JOB)
        self.bench.job = str(path)

    def _of_lead(self, round_number: Any, number: Any) -> dict[str, str]:
        customer = f"Made for lead {round_number}" if int(number) == 0 else ""
        lead = email_of(int(round_number), int(number))
        return _row(f"R{round_number}-L{number}", lead=lead, customer=customer, stage="Needs Analysis")

    def _plain(self, number: int) -> dict[str, str]:
        """Two deals share an account and differ in its spelling; every second has a contact that is made too."""
        name = f"Made {self.round}-{number // 2}"
        buyer = f"Dora Made{self.round}x{number}" if number % 2 else ""
        customer = name.upper() if number % 2 else name
        return _row(f"R{self.round}-P{number}", customer=customer, buyer=buyer, stage="Prospecting")

    def _write(self, name: str, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
        with (self.bench.folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)

    def picture(self) -> Picture:
        """What the org holds, its leads too."""
        leads = self.bench.emulator.org.storage.select("Lead", '"IsDeleted" = 0')
        told = [(each["Email"], each["Status"], bool(each["IsConverted"])) for each in leads]
        return {**super().picture(), "Lead": sorted(map(repr, told))}


def _row(key: str, **values: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {"deal_id": key} | values


LEADS: Final = Kind("leads, made parents", org_of_leads(), world=LeadWorld)
"""The kind of org that this world needs."""

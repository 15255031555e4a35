"""Pages to look at: the plan and the run of a job on the emulator, with deals of all kinds.

Forty deals move through the pipeline, some rows are wrong, and one name is an attack.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

from sfsync.cli.main import run
from sfsync.emulator.server import running

ORG = Path(__file__).resolve().parents[2] / "config" / "emulator" / "org.toml"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"

STAGES = ("Prospecting", "Needs Analysis", "Value Proposition", "Proposal/Price Quote", "Negotiation/Review")
OWNERS = ("maria.jimenez@cloudkicks.example", "")
PEOPLE = ("leung.chan@getcloudy.example", "alan.johnson@getcloudy.example")
GOODS = ("Custom Sneakers", "Running Shoes", "Rain Boots", "Trade Show Sneakers", "Hiking Boots")

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "deal"
AccountId = { column = "account", match = "Name" }
StageName = "stage"
CloseDate = "close"
Amount = "amount"
OwnerId = { column = "owner", match = "Email" }
NextStep = "next step"
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
IsPrimary = "primary"
"""


@dataclass(frozen=True)
class Pages:
    """Where the pages are."""

    plan: Path
    run: Path


def _rows(moved: int) -> str:
    """The deals; `moved` says how many stages those of even number have gone on."""
    lines = ["deal_id,deal,account,stage,close,amount,owner,next step"]
    for number in range(1, 41):
        stage = STAGES[min(len(STAGES) - 1, (number * 3) % 4 + (moved if number % 2 == 0 else 0))]
        stage = "Need Analysis" if number in (13, 29) and moved else stage
        close = "31.02.2027" if number == 17 and moved else f"2027-{1 + (number + moved) % 6:02}-28"
        name = f"Get Cloudy - {5 * number} {GOODS[number % 5]}"
        owner = OWNERS[number % 3 == 0]
        amount = 400 * number + 350 * moved
        step = f"Call about {GOODS[number % 5]}" if moved else ""
        lines.append(
            f"DEAL-{number:03},{name},Get Cloudy Consulting,{stage},{close},{amount}.00,{owner},{step}"
        )
    if moved:
        quoted = HOSTILE.replace('"', '""')
        lines.append(f'DEAL-666,"{quoted}",Get Cloudy Consulting,Prospecting,2027-03-28,1.00,,"{quoted}"')
    return "\n".join(lines) + "\n"


def _roles() -> str:
    lines = ["deal_id,contact,role,primary"]
    lines += [
        f"DEAL-{number:03},{PEOPLE[number % 2]},Decision Maker,{'yes' if number % 3 else ''}"
        for number in range(1, 41)
        if number % 4
    ]
    return "\n".join(lines) + "\n"


def _type(*arguments: str) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
        code = run(list(arguments))
    assert code in (0, 3), said.getvalue()


@contextmanager
def report_pages(folder: Path) -> Iterator[Pages]:
    """The pages of a plan and of its run, in a folder of their own."""
    with running(ORG) as emulator:
        own = {
            "SFSYNC_STATE": str(folder / "state"),
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": emulator.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }
        job = folder / "pipeline.toml"
        job.write_text(JOB)
        (folder / "roles.csv").write_text(_roles())
        with mock.patch.dict(os.environ, own):
            for moved in (0, 1):
                (folder / "deals.csv").write_text(_rows(moved))
                if moved:
                    _type("plan", str(job))
                _type("run", str(job), "--yes", "--verify")
    found = (folder / "state" / "runs" / "pipeline").glob("*/report.html")
    pages = sorted(found, key=lambda page: page.stat().st_mtime_ns)  # names of one second are in no order
    by_kind = {"Planned only" in page.read_text(): page for page in pages}
    yield Pages(by_kind[True], by_kind[False])

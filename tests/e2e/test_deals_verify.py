"""What a run reads back is judged value by value: ignored, cut off, rounded, filled in, or changed, and by whom."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from safety_desk import ORG_FILE, SafetyDesk, desk_on

HOOKS = ORG_FILE.parent / "hooks.py"
HEADER = "id,name,stage,close,amount,next step,account\n"
JOB = """
org = "local"
{top}
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
NextStep = "next step"
AccountId = {{ column = "account", match = "Sfsync_Key__c" }}
"""
ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
IsPrimary = "primary"
"""
LEUNG = "leung.chan@getcloudy.example"
ALAN = "alan.johnson@getcloudy.example"
OWN_HOOKS = '''
from sfsync.emulator.org.hooks import Event


def shorten(event: Event) -> None:
    """Before a deal is saved: cut its next step off, as an admin's flow does."""
    if event.row["NextStep"] and event.row["NextStep"].startswith("cut"):
        event.row["NextStep"] = event.row["NextStep"][:10]


def rewrite(event: Event) -> None:
    """Before a deal is saved: put another next step in."""
    if event.row["NextStep"] == "please rewrite":
        event.row["NextStep"] = "Call the customer"


def rename_role(event: Event) -> None:
    """Before a role is saved: every evaluator is an influencer here, and no sponsor is primary."""
    if event.row["Role"] == "Evaluator":
        event.row["Role"] = "Influencer"
    if event.row["Role"] == "Executive Sponsor":
        event.row["IsPrimary"] = False
'''


def line(key: str, **values: str) -> str:
    """A line of deals.csv that the org accepts."""
    row = {
        "name": f"Deal {key}",
        "stage": "Prospecting",
        "close": "2027-01-31",
        "amount": "",
        "next": "",
        "account": "",
    }
    return ",".join([key, *(row | values).values()]) + "\n"


def write(desk: SafetyDesk, rows: str, *, roles: str = "", top: str = "") -> None:
    """Makes these rows the job job.toml."""
    (desk.folder / "deals.csv").write_text(HEADER + rows)
    (desk.folder / "roles.csv").write_text("id,contact,role,primary\n" + roles)
    (desk.folder / "job.toml").write_text(JOB.format(top=top) + (ROLES if roles else ""))


def org_with_hooks(folder: Path) -> dict[str, Any]:
    """The example org whose admins have automated deals and roles."""
    (folder / "own_hooks.py").write_text(OWN_HOOKS)
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    own = folder / "own_hooks.py"
    hooks = {"shorten": own, "rewrite": own, "round_amount": HOOKS}
    document["triggers"] = [
        {"object": "Opportunity", "name": name, "hook": f"{path}:{name}", "on": ["insert", "update"]}
        for name, path in hooks.items()
    ]
    document["triggers"] += [
        {
            "object": "OpportunityContactRole",
            "name": "RenameRole",
            "hook": f"{own}:rename_role",
            "on": ["insert"],
        },
    ]
    return document


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """An org with automation, and a job on it."""
    with desk_on(org_with_hooks(tmp_path), tmp_path) as made:
        yield made


@pytest.fixture
def plain_desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org without any automation."""
    with desk_on(ORG_FILE, tmp_path) as made:
        yield made


def kinds(document: Mapping[str, Any]) -> dict[str, str]:
    """Field -> kind of the findings that are no defaults."""
    findings = document["verify"]["findings"]
    return {each["field"]: each["kind"] for each in findings if each["kind"] != "defaulted"}


def test_a_value_that_was_cut_off_is_told_from_one_that_was_rounded(desk: SafetyDesk) -> None:
    """The text is a prefix of what was sent, the number has fewer digits; the exit code stays 0."""
    write(desk, line("D-1", amount="10.50", next="cut this here"))
    document = desk.run("--verify")
    assert kinds(document) == {"NextStep": "truncated", "Amount": "rounded"}
    [cut] = [each for each in document["verify"]["findings"] if each["kind"] == "truncated"]
    assert (cut["sent"], cut["held"], cut["line"], cut["key"]) == ("cut this here", "cut this h", 2, "D-1")
    assert document["verify"]["not_as_sent"] == 2


def test_a_value_that_a_trigger_rewrote_is_changed_by_automation(desk: SafetyDesk) -> None:
    """The record was last modified in the second of our own write and by our own user, on create and on update."""
    write(desk, line("D-1", next="please rewrite"))
    assert kinds(desk.run("--verify")) == {"NextStep": "changed by automation"}
    write(desk, line("D-1", next="something else"))
    assert desk.run("--verify")["verify"]["not_as_sent"] == 0
    write(desk, line("D-1", next="please rewrite"))
    assert kinds(desk.run("--verify")) == {"NextStep": "changed by automation"}


def test_an_amount_that_the_products_keep_is_ignored_by_the_platform(plain_desk: SafetyDesk) -> None:
    """A deal that gets products after it was planned: the org keeps their sum, and saves the other fields."""
    storage = plain_desk.emulator.org.storage
    audited = "[safety]\nverify = true"
    write(plain_desk, line("D-1", amount="178", account="ACC-1"), top=audited)
    plain_desk.run()
    [found] = plain_desk.deals("Deal D-1")
    [entry] = storage.select("PricebookEntry", '"IsActive" = 1')
    write(plain_desk, line("D-1", amount="20", account="ACC-1", next="Ask"), top=audited)
    assert plain_desk.command("plan", "./job.toml", "--out", "plan.json").exit_code == 0
    add_product(plain_desk, found["Id"], entry)  # two of 89.00, so the amount stays what it was
    document = plain_desk.run("--plan", "plan.json")
    assert kinds(document) == {"Amount": "ignored by the platform"}
    assert plain_desk.deals("Deal D-1")[0]["NextStep"] == "Ask"


def add_product(desk: SafetyDesk, deal_id: str, entry: Mapping[str, Any]) -> None:
    """Gives a deal one product over the API, as a salesperson does."""
    import requests

    base = f"{desk.emulator.instance_url}/services/data/v66.0/sobjects"
    headers = {"Authorization": f"Bearer {desk.emulator.access_token}"}
    book = {"Pricebook2Id": entry["Pricebook2Id"]}
    requests.patch(f"{base}/Opportunity/{deal_id}", json=book, headers=headers, timeout=10).raise_for_status()
    item = {"OpportunityId": deal_id, "PricebookEntryId": entry["Id"], "Quantity": 2, "UnitPrice": 89}
    requests.post(f"{base}/OpportunityLineItem", json=item, headers=headers, timeout=10).raise_for_status()


def test_what_a_stage_implies_and_who_owns_a_new_deal_is_told_as_defaulted(plain_desk: SafetyDesk) -> None:
    """Probability, forecast category, record type and owner; no system field, and nothing of it is a difference."""
    write(plain_desk, line("D-1"))
    document = plain_desk.run("--verify")
    defaulted = {each["field"]: each["held"] for each in document["verify"]["findings"]}
    assert set(defaulted) == {"Probability", "ForecastCategoryName", "RecordTypeId", "OwnerId"}
    assert (defaulted["Probability"], defaulted["ForecastCategoryName"]) == ("10.0", "Pipeline")
    assert (document["verify"]["not_as_sent"], document["exit_code"]) == (0, 0)


def test_a_renamed_role_and_a_moved_flag_are_told(desk: SafetyDesk) -> None:
    """Automation renames the evaluator and takes the sponsor's flag; both are told, and the exit code is 0."""
    roles = f"D-1,{LEUNG},Executive Sponsor,yes\nD-1,{ALAN},Evaluator,no\n"
    write(desk, line("D-1"), roles=roles)
    document = desk.run("--verify")
    told = {(each["field"], each["kind"]) for each in document["verify"]["findings"]}
    assert {("Role", "role renamed"), ("IsPrimary", "primary moved")} <= told


def test_the_report_folder_and_the_terminal_tell_the_findings(desk: SafetyDesk) -> None:
    """verify.csv has every finding; the terminal counts each kind and shows the first, and no note repeats it."""
    write(desk, line("D-1", amount="10.50"))
    done = desk.command("run", "./job.toml", "--verify")
    assert done.exit_code == 0
    assert "Read back: 1 row; 1 value is not as sent." in done.out
    assert "rounded: 1" in done.out
    assert "Amount is 10.0, sent was 10.50" in " ".join(done.out.split())
    assert "NOT_AS_WRITTEN" not in done.out
    [path] = (desk.folder / "state" / "runs" / "job").glob("*/verify.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(each["field"], each["sent"]) for each in rows if each["kind"] == "rounded"] == [
        ("Amount", "10.50")
    ]


def test_an_import_is_audited_and_a_run_only_on_request(plain_desk: SafetyDesk) -> None:
    """By default imports are; a run is with --verify or [safety] verify, and --no-verify wins; no call is added."""
    write(plain_desk, line("D-0"))
    plain_desk.run()  # later runs ask what changed
    write(plain_desk, line("D-1"))
    quiet = plain_desk.run()
    assert quiet["verify"] == {}
    write(plain_desk, line("D-2"), top="[safety]\nverify = true\n")
    asked = plain_desk.run()
    assert asked["verify"]["rows"] == 1
    write(plain_desk, line("D-3"), top="[safety]\nverify = true\n")
    assert plain_desk.run("--no-verify")["verify"] == {}
    assert asked["api"]["predicted_calls"] == quiet["api"]["predicted_calls"]
    assert asked["api"]["calls"] == quiet["api"]["calls"]
    (plain_desk.folder / "more.csv").write_text(
        "id,Name,StageName,CloseDate\nD-9,Nine,Prospecting,2027-01-31\n"
    )
    done = plain_desk.command("import", "more.csv", "--key", "id", "-o", "local", "--json")
    assert done.document["verify"]["rows"] == 1


def test_a_saved_plan_knows_whether_it_is_audited(plain_desk: SafetyDesk) -> None:
    """What was said when planning holds when the plan is applied; a second word then is refused."""
    write(plain_desk, line("D-1"))
    assert plain_desk.command("plan", "./job.toml", "--verify", "--out", "plan.json").exit_code == 0
    refused = plain_desk.command("run", "./job.toml", "--plan", "plan.json", "--no-verify")
    assert refused.exit_code == 2
    assert plain_desk.run("--plan", "plan.json")["verify"]["rows"] == 1

"""The sf command line: logging in, looking at the org, and single records."""

import json
from pathlib import Path

import pytest
from client_programs import SfCli, calls, effects
from npm_clients import NpmClients

from sfsync.emulator.server import RunningEmulator

DEAL_AND_ROLE = ("Opportunity", "OpportunityContactRole")
DEAL = "Name='sf deal' StageName=Prospecting CloseDate=2026-12-31"


def test_sf_logs_in_by_access_token(
    npm_clients: NpmClients, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """A first login reads userinfo, the user, the versions and the organization; all of them are played."""
    assert f"with org ID {emulator.org_id}" in SfCli(npm_clients, emulator, tmp_path).log_in()
    first, user, scratch_orgs, versions, organization = emulator.audit.requests
    assert (first.path, first.status) == ("/services/oauth2/userinfo", 200)
    assert ("/v51.0/sobjects/User/005" in user.path, user.status) == (True, 200)
    assert ("ScratchOrgInfo" in scratch_orgs.path, scratch_orgs.status) == (True, 400)
    assert (versions.path, versions.status) == ("/services/data", 200)
    assert ("/v68.0/query?q=SELECT%20Name%2C%20InstanceName" in organization.path, organization.status) == (
        True,
        200,
    )


def test_sf_shows_the_org(sf: SfCli, emulator: RunningEmulator) -> None:
    """The display names the org, its address and the newest version."""
    shown = sf.result("org", "display")
    assert shown["id"] == emulator.org_id
    assert shown["instanceUrl"].rstrip("/") == emulator.instance_url
    assert shown["connectedStatus"] == "Connected"
    assert shown["apiVersion"] == "68.0"


def test_sf_lists_objects(sf: SfCli) -> None:
    """Standard and custom objects are in the list."""
    assert {"Opportunity", "Shoe_Model__c"} <= set(sf.result("sobject", "list"))
    assert set(sf.result("sobject", "list", "--sobject", "custom")) == {"Sfsync_Receipt__c", "Shoe_Model__c"}


def test_sf_describes_an_object(sf: SfCli) -> None:
    """The describe carries the fields of the org file."""
    described = sf.result("sobject", "describe", "--sobject", "Opportunity")
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Sfsync_Key__c"]["externalId"] is True
    assert fields["StageName"]["restrictedPicklist"] is False


def test_sf_creates_gets_updates_and_deletes_a_record(sf: SfCli, emulator: RunningEmulator) -> None:
    """A deal goes through its whole life by single-record calls."""
    created = sf.result("data", "create", "record", "--sobject", "Opportunity", "--values", DEAL)
    assert created["success"] is True
    one = ("--sobject", "Opportunity", "--record-id", created["id"])
    assert sf.result("data", "get", "record", *one)["Name"] == "sf deal"
    assert sf.result("data", "update", "record", *one, "--values", "Amount=12.5")["success"] is True
    assert sf.result("data", "get", "record", *one)["Amount"] == 12.5
    assert sf.result("data", "delete", "record", *one)["success"] is True
    assert effects(emulator, "Opportunity") == ["insert", "update", "delete"]
    assert sf.run("data", "get", "record", *one).exit_code == 1


def test_sf_finds_a_record_by_its_values(sf: SfCli) -> None:
    """`--where` turns into a query that finds exactly one record."""
    account = sf.result(
        "data", "get", "record", "--sobject", "Account", "--where", "Name='Get Cloudy Canada'"
    )
    assert account["Sfsync_Key__c"] == "ACC-2"


def test_sf_shows_why_a_record_is_refused(sf: SfCli) -> None:
    """The platform's code reaches the terminal."""
    ending = sf.run("data", "create", "record", "--sobject", "Account", "--values", "Phone=1", "--json")
    assert ending.exit_code == 1
    assert ending.document["name"] == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize("form", ["human", "csv", "json"])
def test_sf_queries_in_every_form(sf: SfCli, emulator: RunningEmulator, form: str) -> None:
    """The columns of a query with parents come out; the command asks for the column metadata as well."""
    soql = "SELECT Name, Account.Name, Amount FROM Opportunity WHERE Sfsync_Key__c = 'DEAL-1003'"
    shown = sf.text("data", "query", "--query", soql, "--result-format", form)
    assert "Get Cloudy - 20 Running Shoes" in shown
    assert "Get Cloudy Consulting" in shown
    [columns] = [entry for entry in emulator.audit.requests if "columns=true" in entry.path]
    assert columns.status == 200


def test_sf_queries_children_and_counts(sf: SfCli) -> None:
    """A subquery comes as a list of records; COUNT() as the size alone."""
    soql = "SELECT Name, (SELECT Role FROM OpportunityContactRoles) FROM Opportunity WHERE Amount = 1780"
    [deal] = sf.result("data", "query", "--query", soql)["records"]
    assert [role["Role"] for role in deal["OpportunityContactRoles"]["records"]] == ["Evaluator"]
    assert sf.result("data", "query", "--query", "SELECT COUNT() FROM Contact")["totalSize"] == 2


def test_sf_shows_a_query_mistake(sf: SfCli) -> None:
    """An unknown field ends the command with the platform's code."""
    ending = sf.run("data", "query", "--query", "SELECT Nonsense FROM Account", "--json")
    assert ending.exit_code == 1
    assert ending.document["name"] == "INVALID_FIELD"


def test_sf_imports_a_tree_file(sf: SfCli, emulator: RunningEmulator) -> None:
    """A file of a deal with its roles goes as one tree."""
    [contact] = sf.result("data", "query", "--query", "SELECT Id FROM Contact WHERE FirstName = 'Alan'")[
        "records"
    ]
    role = {
        "attributes": {"type": "OpportunityContactRole", "referenceId": "role1"},
        "ContactId": contact["Id"],
        "Role": "Evaluator",
    }
    deal = {
        "attributes": {"type": "Opportunity", "referenceId": "deal1"},
        "Name": "Tree deal",
        "StageName": "Prospecting",
        "CloseDate": "2026-12-31",
        "OpportunityContactRoles": {"records": [role]},
    }
    file = sf.home / "deals.json"
    file.write_text(json.dumps({"records": [deal]}))
    emulator.audit.clear()
    made = sf.result("data", "import", "tree", "--files", str(file))
    assert {row["refId"] for row in made} == {"deal1", "role1"}
    assert "POST /services/data/v68.0/composite/tree/Opportunity" in calls(emulator)
    assert [effects(emulator, sobject) for sobject in DEAL_AND_ROLE] == [["insert"]] * 2


def test_sf_imports_a_plan_whose_files_refer_to_each_other(sf: SfCli, emulator: RunningEmulator) -> None:
    """Files go in slices of 200, and references across files are resolved before they are sent."""
    accounts = [
        {"attributes": {"type": "Account", "referenceId": f"account{n}"}, "Name": f"Plan account {n}"}
        for n in range(250)
    ]
    contacts = [
        {
            "attributes": {"type": "Contact", "referenceId": f"contact{n}"},
            "LastName": f"Plan contact {n}",
            "AccountId": f"@account{n}",
        }
        for n in range(250)
    ]
    for name, rows in (("accounts", accounts), ("contacts", contacts)):
        (sf.home / f"{name}.json").write_text(json.dumps({"records": rows}))
    plan = [
        {"sobject": "Account", "files": ["accounts.json"]},
        {"sobject": "Contact", "files": ["contacts.json"]},
    ]
    (sf.home / "plan.json").write_text(json.dumps(plan))
    assert len(sf.result("data", "import", "tree", "--plan", str(sf.home / "plan.json"))) == 500
    trees = [call for call in calls(emulator) if "/composite/tree/" in call]
    assert [tree.rpartition("/")[2] for tree in trees] == ["Account", "Account", "Contact", "Contact"]
    soql = "SELECT COUNT() FROM Contact WHERE Account.Name LIKE 'Plan account %'"
    assert sf.result("data", "query", "--query", soql)["totalSize"] == 250


def test_sf_shows_which_rows_of_a_tree_are_wrong(sf: SfCli, emulator: RunningEmulator) -> None:
    """A refused tree names the reference and writes nothing."""
    rows = [
        {"attributes": {"type": "Account", "referenceId": "good"}, "Name": "Fine"},
        {"attributes": {"type": "Account", "referenceId": "bad"}, "Phone": "1"},
    ]
    file = sf.home / "wrong.json"
    file.write_text(json.dumps({"records": rows}))
    ending = sf.run("data", "import", "tree", "--files", str(file), "--json")
    assert ending.exit_code == 1
    assert "REQUIRED_FIELD_MISSING" in ending.out
    assert emulator.audit.commits == []


def test_sf_moves_deals_with_their_roles_by_export_and_import(
    sf: SfCli, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """A tree export of deals and roles makes files and a plan whose import creates both again."""
    roles = "(SELECT ContactId, Role FROM OpportunityContactRoles)"
    soql = f"SELECT Name, StageName, CloseDate, {roles} FROM Opportunity"
    where = " WHERE Sfsync_Key__c = 'DEAL-1003'"
    sf.result("data", "export", "tree", "--query", soql + where, "--plan", "--output-dir", str(tmp_path))
    [plan] = tmp_path.glob("*plan*.json")
    emulator.audit.clear()
    assert len(sf.result("data", "import", "tree", "--plan", str(plan))) == 2
    assert [effects(emulator, sobject) for sobject in DEAL_AND_ROLE] == [["insert"]] * 2


def test_sf_sends_a_request_of_ones_own(sf: SfCli) -> None:
    """`api request rest` shows an answer as it came."""
    answer = json.loads(
        sf.text("api", "request", "rest", "/services/data/v66.0/limits/recordCount?sObjects=Account")
    )
    assert answer["sObjects"][0]["name"] == "Account"


def test_sf_lists_limits(sf: SfCli) -> None:
    """The limits of the org are shown by name."""
    limits = {limit["name"]: limit["max"] for limit in sf.result("org", "list", "limits")}
    assert limits["DailyApiRequests"] == 15000


def test_sf_searches(sf: SfCli) -> None:
    """A SOSL search shows the records it found, object by object."""
    sosl = "FIND {Cloudy} IN NAME FIELDS RETURNING Account(Name), Opportunity(Name)"
    found = sf.result("data", "search", "--query", sosl)["searchRecords"]
    assert {record["attributes"]["type"] for record in found} == {"Account", "Opportunity"}

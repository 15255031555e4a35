"""What a Bulk job does to records, row by row, and what its three result files say of it."""

from collections.abc import Iterator

import pytest
from bulk_client import HEADER, Bulk, bulk_org, deals
from facts import fact, side

from sfsync.emulator.org.definition import load_definition

DEAL = "Deal,Prospecting,2026-12-31"


@pytest.fixture(scope="module")
def org() -> Iterator[Bulk]:
    """Run one org for the module."""
    with bulk_org() as client:
        yield client


def codes(org: Bulk, job: str) -> list[str]:
    """Return the codes of the refused rows."""
    return [row["sf__Error"].split(":")[0] for row in org.refused(job)]


@fact("5.1-complete-with-failures", "5.1-result-columns", "5.1-error-format", "5.1-row-order")
def test_good_and_bad_rows_of_an_insert(org: Bulk):
    """A job with refused rows is complete; each row is in one file, last first, under the columns sent."""
    rows = [f"{DEAL},mix-1", ",Prospecting,2026-12-31,mix-2", f"{DEAL},mix-3", f"{DEAL},mix-1"]
    job = org.load("\n".join([HEADER, *rows]) + "\n")
    info = org.info(job)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (
        "JobComplete",
        4,
        2,
    )
    saved = org.saved(job)
    assert list(saved[0]) == ["sf__Id", "sf__Created", *HEADER.split(",")]
    assert [(row["Sfsync_Key__c"], row["sf__Created"]) for row in saved] == [
        ("mix-3", "true"),
        ("mix-1", "true"),
    ]
    assert [org.get("Opportunity", row["sf__Id"])["Sfsync_Key__c"] for row in saved] == ["mix-3", "mix-1"]
    double, nameless = org.refused(job)
    assert list(double) == ["sf__Id", "sf__Error", *HEADER.split(",")]
    assert nameless["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert double["sf__Error"].startswith("DUPLICATE_VALUE:")
    assert double["sf__Error"].endswith(":--")
    assert org.call("GET", f"/jobs/ingest/{job}/unprocessedrecords").text.strip() == ",".join(
        f'"{name}"' for name in HEADER.split(",")
    )


@fact("5.1-failed-ids")
@pytest.mark.parametrize(("version", "shown"), [("53.0", True), ("52.0", False)])
@fact("11-53")
def test_updates_by_id(org: Bulk, version: str, shown: bool):
    """Rows are updated by their ids of 15 or 18 characters; the ids of refused rows are told since 53."""
    client = Bulk(org.emulator, version)
    first, second, third = org.deal(), org.deal(), org.deal()
    rows = [f"{first[:15]},a", f"{second},#N/A", ",b", "nope,c", f"{third},d", f"{third},e", f"{first},f"]
    with client.http:
        job = client.load("Id,Name\n" + "\n".join(rows[:6]) + "\n", "update")
        assert [row["sf__Id"] for row in client.saved(job)] == [first]
        assert client.saved(job)[0]["sf__Created"] == "false"
        refused = client.refused(job)
    assert codes(org, job) == [
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
        "REQUIRED_FIELD_MISSING",
    ]
    assert refused[-1]["sf__Id"] == (second if shown else "")
    assert org.get("Opportunity", first)["Name"] == "a"


def test_updates_and_deletes_need_an_id_column(org: Bulk):
    """Without the column that names the records the job fails, and a delete takes no other column."""
    assert "Field name not found : Id" in org.info(org.load("Name\nx\n", "update"))["errorMessage"]
    assert org.info(org.load("Name\nx\n", "delete"))["state"] == "Failed"
    assert org.info(org.load(f"Id,Name\n{org.deal()},x\n", "delete"))["state"] == "Failed"
    upsert = org.load("Name\nx\n", "upsert", externalIdFieldName="Sfsync_Key__c")
    assert "Field name not found : Sfsync_Key__c" in org.info(upsert)["errorMessage"]


def test_upserts_by_key(org: Bulk):
    """An upsert creates or changes by key; a key twice in a chunk fails its rows, a missing one its row."""
    org.deal(Sfsync_Key__c="up-1", Name="before")
    rows = ["up-1,after", "up-2,new", "up-3,x", "up-3,y", ",nameless"]
    content = "Sfsync_Key__c,Name,StageName,CloseDate,Id\n"
    content += "".join(f"{row},Prospecting,2026-12-31,\n" for row in rows)
    job = org.load(content, "upsert", externalIdFieldName="sfsync_key__c")
    assert [(row["Name"], row["sf__Created"]) for row in org.saved(job)] == [
        ("new", "true"),
        ("after", "false"),
    ]
    assert codes(org, job) == ["MISSING_ARGUMENT", "DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert org.count("up") == 2


def test_an_upsert_with_key_and_id_is_refused(org: Bulk):
    """An empty Id column beside the key is no error, a filled one is."""
    deal = org.deal(Sfsync_Key__c="ki-1")
    job = org.load(f"Id,Sfsync_Key__c\n{deal},ki-1\n", "upsert", externalIdFieldName="Sfsync_Key__c")
    assert codes(org, job) == ["INVALID_FIELD"]
    assert org.refused(job)[0]["sf__Id"] == deal


def test_upserts_by_id_and_by_a_key_on_several_records(org: Bulk):
    """An upsert by Id updates, or creates for an empty Id; a key that several records share is refused."""
    deal = org.deal(Legacy_Id__c="L-1")
    org.deal(Legacy_Id__c="L-1")
    content = f"Id,Name,StageName,CloseDate\n{deal},a,Prospecting,2026-12-31\n,b,Prospecting,2026-12-31\n"
    job = org.load(content, "upsert", externalIdFieldName="Id")
    assert [row["sf__Created"] for row in org.saved(job)] == ["true", "false"]
    job = org.load("Legacy_Id__c,Name\nL-1,x\n", "upsert", externalIdFieldName="Legacy_Id__c")
    assert codes(org, job) == ["DUPLICATE_EXTERNAL_ID"]


@fact("5.1-operations")
def test_deletes_and_hard_deletes():
    """A delete leaves the record in the recycle bin, a hard delete leaves nothing, also of its children."""
    from bulk_client import ORG_FILE

    users = tuple({**user, "has": ["BulkApiHardDelete"]} for user in load_definition(ORG_FILE).users)
    with bulk_org(users=users) as org:
        soft, hard = org.deal(), org.deal()
        contact = org.query("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
        role = org.create("OpportunityContactRole", OpportunityId=hard, ContactId=contact)
        job = org.load(f"Id\n{soft}\n{soft}\n006000000000000AAA\n", "delete")
        assert [row["sf__Id"] for row in org.saved(job)] == [soft]
        assert codes(org, job) == ["INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED"]
        assert [row["sf__Id"] for row in org.saved(org.load(f"Id\n{hard}\n", "hardDelete"))] == [hard]
        found = org.call(
            "GET", "/queryAll", params={"q": f"SELECT Id FROM Opportunity WHERE Id IN ('{soft}','{hard}')"}
        )
        assert [row["Id"] for row in found.json()["records"]] == [soft]
        roles = org.call("GET", "/queryAll", params={"q": "SELECT Id FROM OpportunityContactRole"}).json()[
            "records"
        ]
        assert role not in [row["Id"] for row in roles]


def test_roles_go_by_bulk_too(org: Bulk):
    """Contact roles are inserted like anything else and settle the primary contact."""
    contact = org.query("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
    org.deal(Sfsync_Key__c="role-1")
    header = "Opportunity.Sfsync_Key__c,ContactId,Role,IsPrimary"
    job = org.load(f"{header}\nrole-1,{contact},Evaluator,true\n", sobject="OpportunityContactRole")
    assert len(org.saved(job)) == 1
    deal = org.query("SELECT ContactId FROM Opportunity WHERE Sfsync_Key__c = 'role-1'")[0]
    assert deal["ContactId"] == contact


def test_fields_that_may_not_be_written(org: Bulk):
    """A read-only field refuses the rows that carry a value for it, and only those."""
    job = org.load(f"{HEADER},CreatedDate\n{DEAL},ro-1,2020-01-01T00:00:00Z\n{DEAL},ro-2,\n")
    assert codes(org, job) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]
    assert [row["Sfsync_Key__c"] for row in org.saved(job)] == ["ro-2"]
    job = org.load(f"{HEADER},Id\n{DEAL},ro-3,{org.deal()}\n")
    assert codes(org, job) == ["INVALID_ID_FIELD"]


def test_every_committed_row_is_in_the_audit(org: Bulk):
    """The audit lists each row a job wrote under the call that closed the job, and the steps of the job."""
    before = len(org.emulator.audit.commits)
    job = org.load(deals(0, 450, "audit"))
    entries = org.emulator.audit.commits[before:]
    rows = [entry for entry in entries if entry.sobject == "Opportunity"]
    steps = [(entry.id, entry.op) for entry in entries if entry.sobject == "AsyncApiJob"]
    assert sorted(entry.id for entry in rows) == sorted(row["sf__Id"] for row in org.saved(job))
    (close,) = {entry.request for entry in rows}
    assert org.emulator.audit.requests[close - 1].method == "PATCH"
    assert steps == [(job, "insert"), (job, "update"), (job, "update")]


@pytest.mark.parametrize(
    ("switch", "value", "expected"),
    [
        pytest.param("result_row_missing", True, ["a\r\nb "], marks=side("result_row_missing", "true")),
        pytest.param(
            "result_row_missing", False, [" c", "a\r\nb "], marks=side("result_row_missing", "false")
        ),
        pytest.param("result_echo_altered", True, ["c", "a\nb"], marks=side("result_echo_altered", "true")),
        pytest.param(
            "result_echo_altered", False, [" c", "a\r\nb "], marks=side("result_echo_altered", "false")
        ),
    ],
)
def test_results_that_do_not_add_up(org: Bulk, switch: str, value: bool, expected: list[str]):
    """With the switches on, one row is in no file, or the echoed cells are trimmed and lose their CRLF."""
    control = {"X-Sfsync-Emulator-Control": org.emulator.access_token}
    key = f"sum{switch[-7:]}{value}"
    job = org.load(f'{HEADER},NextStep\n{DEAL},{key}-1,"a\r\nb "\n{DEAL},{key}-2, c\n')
    org.call("PATCH", "/_emulator/switches", {switch: value}, headers=control)
    saved = org.saved(job)
    org.call("PATCH", "/_emulator/switches", {switch: False}, headers=control)
    assert [row["NextStep"] for row in saved] == expected
    assert org.info(job)["numberRecordsProcessed"] == 2

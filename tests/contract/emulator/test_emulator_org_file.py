"""What an org file can set up: persistence, hooks, duplicate rules, permissions, maintenance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator_client import DEAL, ORG_FILE, Client

from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.emulator.switches import ApiLimit, DeletedRecordWrite, LockStatus, Switches, TriggerRetries

HOOKS = "emulator_hooks"


@contextmanager
def org_with(**document: Any) -> Iterator[Client]:
    """Run an org of a document."""
    with running(document) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def test_records_survive_in_a_database_file(tmp_path: Path):
    """With a database file the same org comes back, with new ids after the old ones."""
    database = tmp_path / "org.db"
    seen = []
    for _ in range(2):
        with running({}, database=database) as emulator, Client(emulator).http as http:
            client = Client(emulator, http=http)
            seen.append((emulator.org_id, client.deal(), len(client.query("SELECT Id FROM Opportunity"))))
    (first_org, first, one), (second_org, second, two) = seen
    assert (first_org, one, two) == (second_org, 1, 2)
    assert first < second
    assert first[:8] == second[:8]


def test_fresh_orgs_have_ids_of_their_own():
    """Two fresh orgs are never taken for one another, unless they share a seed."""
    ids = []
    for seed in (None, None, 7, 7):
        with running({}, seed=seed) as emulator:
            ids.append(emulator.org_id)
    assert ids[0] != ids[1]
    assert ids[2] == ids[3]


def test_the_organization_cannot_be_taken_for_a_real_one():
    """Whatever the org file says, the name says emulator and the org is a sandbox."""
    with org_with(organization={"name": "Acme"}) as org:
        assert org.query("SELECT Name, IsSandbox FROM Organization")[0]["Name"] == "Acme (sfsync emulator)"


def test_validation_rules_and_triggers_s11_s19():
    """Validation rules refuse with the admin's text, triggers rewrite or raise. Source: facts 4.5, 7.3."""
    rules = [{"object": "Opportunity", "hook": f"{HOOKS}:needs_amount", "fields": ["Amount"]}]
    triggers = [{"object": "Opportunity", "name": "Trig", "hook": f"{HOOKS}:shout"}]
    with org_with(validation_rules=rules, triggers=triggers) as org:
        refused = org.call("POST", "/sobjects/Opportunity", DEAL).json()[0]
        assert (refused["errorCode"], refused["fields"]) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Amount"])
        assert org.get("Opportunity", org.deal(Amount=1))["Name"] == "DEAL"
        raised = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Name": "boom", "Amount": 1}).json()[0]
        assert raised["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert raised["message"] == "Trig: execution of BeforeInsert\n\ncaused by: boom"


def test_duplicate_rules_s12():
    """A block rule refuses with the matches; an alert rule lets allowSave through. Source: facts 7.4 [R]."""
    rule = {"object": "Account", "name": "Same name", "fields": ["Name"], "action": "alert"}
    with org_with(duplicate_rules=[rule]) as org:
        first = org.create("Account", Name="Twin")
        details = {"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"}
        (error,) = org.call("POST", "/sobjects/Account", {"Name": "TWIN"}, headers=details).json()
        assert error["errorCode"] == "DUPLICATES_DETECTED"
        found = error["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]["Id"]
        assert (found, error["duplicateResut"]["allowSave"]) == (first, True)
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
        assert org.call("POST", "/sobjects/Account", {"Name": "Twin"}, headers=allow).status_code == 201


def test_field_permissions_hide_and_lock():
    """A hidden field behaves as nonexistent, a locked one cannot be written. Facts 4.3 [D], 7.3 [R]."""
    user = "integration@cloudkicks.example"
    rights = [
        {"object": "Opportunity", "field": "NextStep", "user": user, "read": False},
        {"object": "Opportunity", "field": "Amount", "user": user, "edit": False},
    ]
    with org_with(field_permissions=rights) as org:
        hidden = org.call("POST", "/sobjects/Opportunity", {**DEAL, "NextStep": "x"}).json()[0]
        locked = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Amount": 1}).json()[0]
        assert (hidden["errorCode"], locked["errorCode"]) == (
            "INVALID_FIELD",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        )
        assert "NextStep" not in org.get("Opportunity", org.deal())
        assert org.call("GET", "/query?q=SELECT+NextStep+FROM+Opportunity").status_code == 400


def test_org_wide_switches_s3_s7():
    """Maintenance, full storage, a hard API limit and trigger retries refuse as the platform does."""
    with running({}) as emulator:
        org = Client(emulator)

        def code(**switches: Any) -> str:
            emulator.org.switches = replace(Switches(), **switches)
            records = [
                {"attributes": {"type": "Opportunity"}, **DEAL},
                {"attributes": {"type": "Opportunity"}},
            ]
            body = org.call("POST", "/composite/sobjects", {"records": records}).json()
            return str(body[0]["errors"][0]["statusCode"] if "errors" in body[0] else body[0]["errorCode"])

        assert code(read_only=True) == "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
        assert code(storage_full=True) == "STORAGE_LIMIT_EXCEEDED"
        assert code(trigger_retries=TriggerRetries.TOO_MANY_RETRIES) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        emulator.org.usage.used = emulator.org.usage.daily_limit
        assert code(api_limit=ApiLimit.HARD) == "REQUEST_LIMIT_EXCEEDED"
        org.http.close()


def test_deleted_record_switch():
    """A write to a deleted record answers by switch. Source: facts 13 [I]."""
    expected = {
        DeletedRecordWrite.ENTITY_IS_DELETED_404: (404, "ENTITY_IS_DELETED"),
        DeletedRecordWrite.ENTITY_IS_DELETED_400: (400, "ENTITY_IS_DELETED"),
        DeletedRecordWrite.NOT_FOUND_404: (404, "NOT_FOUND"),
    }
    with running({}) as emulator:
        org = Client(emulator)
        deal = org.deal()
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        for switch, answer in expected.items():
            emulator.org.switches = replace(Switches(), deleted_record_write=switch)
            got = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "x"})
            assert (got.status_code, got.json()[0]["errorCode"]) == answer
        org.http.close()


def test_switches_of_roles_and_keys():
    """Shared flags, silent demotions, untrimmed text and recycle-bin keys follow their switches. Facts 13 [I]."""
    switches = Switches(
        same_contact_shares_primary=False,
        demotion_moves_modstamp=False,
        text_is_trimmed=False,
        recycle_bin_holds_keys=True,
        chunked_replies=False,
    )
    with running(ORG_FILE, switches=switches) as emulator:
        org = Client(emulator)
        contact = org.create("Contact", LastName=" x ")
        assert org.get("Contact", contact)["LastName"] == " x "
        deal = org.deal(Sfsync_Key__c="binned")
        for primary in (True, False):
            role = {"OpportunityId": deal, "ContactId": contact, "IsPrimary": primary}
            org.create("OpportunityContactRole", **role)
        assert [role["IsPrimary"] for role in org.roles(deal)] == [True, False]
        org.call("DELETE", f"/sobjects/Opportunity/{deal}")
        again = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Sfsync_Key__c": "binned"})
        assert again.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        assert deal in again.json()[0]["message"]
        org.http.close()


def test_lock_status_and_conditions_in_composites_by_switch():
    """A single lock error may be a 500, and composites may ignore conditions. Facts 13 [I]."""
    switches = Switches(lock_status=LockStatus.SERVER_ERROR, composite_honours_conditions=False)
    with running({}, switches=switches) as emulator:
        org = Client(emulator)
        deal = org.deal()
        part = {
            "method": "PATCH",
            "url": f"/services/data/v66.0/sobjects/Opportunity/{deal}",
            "referenceId": "r",
        }
        old = {"If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
        parts = [{**part, "body": {"Name": "x"}, "httpHeaders": old}]
        answer = org.call("POST", "/composite", {"compositeRequest": parts}).json()
        assert answer["compositeResponse"][0]["httpStatusCode"] == 204
        emulator.faults.add(FaultScript(FailRows()))
        locked = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "y"})
        assert (locked.status_code, locked.json()[0]["errorCode"]) == (500, "UNABLE_TO_LOCK_ROW")
        org.http.close()

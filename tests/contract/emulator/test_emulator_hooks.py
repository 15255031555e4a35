"""Triggers, validation rules and duplicate rules: what they may do, in which order, and how often."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import emulator_hooks
import pytest
from emulator_client import DEAL, ORG_FILE, Client
from facts import fact, side
from roles_of_deals import add_role, flags
from switching import switched

from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import running

HOOKS = "emulator_hooks"


@contextmanager
def org_with(org: Path | dict[str, Any]) -> Iterator[Client]:
    """Run an org."""
    with running(org) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def trigger(hook: str, **rest: Any) -> dict[str, Any]:
    """Return the table of a trigger on deals."""
    return {"object": "Opportunity", "name": "Trig", "hook": f"{HOOKS}:{hook}", **rest}


def create_all(org: Client, *names: str, all_or_none: bool = False) -> Any:
    """Create deals of these names in one call and return the answer's body."""
    records = [{"attributes": {"type": "Opportunity"}, **DEAL, "Name": name} for name in names]
    body = {"allOrNone": all_or_none, "records": records}
    return org.call("POST", "/composite/sobjects", body).json()


def error_of(answer: Any) -> tuple[str, list[str]]:
    """Return code and fields of a refused single call."""
    (error,) = answer.json()
    return error["errorCode"], error.get("fields", [])


@pytest.fixture(scope="module")
def automated() -> Iterator[Client]:
    """Run the shipped org that automates a lot."""
    with org_with(ORG_FILE.parent / "automated.toml") as client:
        yield client


@fact("4.5-order", "7.3-trigger", "7.3-validation")
def test_validation_rules_and_triggers_s11_s19():
    """Triggers rewrite or raise before validation rules refuse with the admin's text. Facts 4.5, 7.3 [D], [R]."""
    rules = [{"object": "Opportunity", "hook": f"{HOOKS}:needs_amount", "fields": ["Amount"]}]
    with org_with({"validation_rules": rules, "triggers": [trigger("shout")]}) as org:
        refused = org.call("POST", "/sobjects/Opportunity", DEAL)
        assert error_of(refused) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Amount"])
        assert org.get("Opportunity", org.deal(Amount=1))["Name"] == "DEAL"
        raised = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Name": "boom"}).json()[0]
        assert raised["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert raised["message"] == "Trig: execution of BeforeInsert\n\ncaused by: boom"


@fact("4.5-order", "7.3-too-long", "7.3-email")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"LastName": None, "Email": "none"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": None, "Title": "x" * 129}, "STRING_TOO_LONG"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "Twin"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        ({"LastName": "Twin", "Title": "fine"}, "DUPLICATES_DETECTED"),
    ],
)
def test_order_of_the_checks(values: dict[str, Any], code: str):
    """Formats and lengths, required fields, validation rules, duplicate rules. Source: facts 4.5 [D]."""
    document = {
        "validation_rules": [{"object": "Contact", "hook": f"{HOOKS}:needs_title"}],
        "duplicate_rules": [{"object": "Contact", "name": "Same", "fields": ["LastName"]}],
        "records": [{"object": "Contact", "values": {"LastName": "Twin", "Title": "first"}}],
    }
    with org_with(document) as org:
        assert error_of(org.call("POST", "/sobjects/Contact", values))[0] == code


@fact("4.5-order")
def test_what_a_trigger_writes_is_checked_again():
    """A value written by a trigger must fit its field. Source: Apex Developer Guide, save order [D]."""
    with org_with({"triggers": [trigger("write_nonsense")]}) as org:
        assert error_of(org.call("POST", "/sobjects/Opportunity", DEAL)) == ("STRING_TOO_LONG", ["NextStep"])


@pytest.mark.parametrize(("hook", "action"), [("win", "before"), ("win_later", "after")])
def test_hooks_write_what_can_be_written(hook: str, action: str):
    """What the platform derives is not writeable for triggers either, and the row is refused. Apex [D]."""
    with org_with({"triggers": [trigger(hook, action=action, on=["insert"])]}) as org:
        error = org.call("POST", "/sobjects/Opportunity", DEAL).json()[0]
        assert error["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert "Field is not writeable: Opportunity.IsWon" in error["message"]
        assert org.query("SELECT Id FROM Opportunity") == []


@fact("4.6-retries", "2.7-custom")
@side("trigger_retries", "no_side_effect")
def test_good_rows_run_their_triggers_again_after_a_failure():
    """A partial failure undoes the attempt, and the good rows go through it all again. Source: facts 4.6 [D]."""
    both = ({}, {"action": "after"})
    with org_with({"triggers": [trigger("remember", **when) for when in both]}) as org:
        emulator_hooks.seen.clear()
        rows = create_all(org, "one", "no 1", "two")
        assert [row["success"] for row in rows] == [True, False, True]
        assert rows[1]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert emulator_hooks.seen.count("before insert one") == 2
        assert emulator_hooks.seen.count("after insert two") == 2
        assert len(org.query("SELECT Id FROM Opportunity")) == 2
        emulator_hooks.seen.clear()
        create_all(org, "three", "no 1", all_or_none=True)
        assert emulator_hooks.seen.count("before insert three") == 1


@fact("4.6-too-many")
def test_a_third_attempt_that_fails_ends_the_call():
    """Rows that go on failing fail the whole call, and nothing is saved. Source: facts 4.6 [D], code [P]."""
    with org_with({"triggers": [trigger("remember")]}) as org:
        emulator_hooks.seen.clear()
        answer = create_all(org, "good", "no 1", "no 2", "no 3")
        assert answer[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert answer[0]["message"].startswith("Too many batch retries")
        assert emulator_hooks.seen.count("before insert good") == 3
        assert org.query("SELECT Id FROM Opportunity") == []


@side("trigger_retries", "too_many_retries")
def test_too_many_retries_by_switch(org: Client):
    """By switch any partial failure ends the call, as in an org with triggers. Source: facts 13 [I]."""
    with switched(org, trigger_retries="too_many_retries"):
        answer = create_all(org, "good", "x" * 121)
        assert answer[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert org.query("SELECT Id FROM Opportunity WHERE Name = 'good'") == []


def test_scripted_rows_keep_their_places_in_a_second_attempt():
    """A fault of the third row of a call is not laid on another row when the good ones are saved again."""
    with org_with({"triggers": [trigger("shout")]}) as org:
        org.emulator.faults.add(FaultScript(FailRows(rows=(2,))))
        rows = create_all(org, "one", "two", "three", "four")
        assert [row["success"] for row in rows] == [True, True, False, True]
        assert len(org.query("SELECT Id FROM Opportunity")) == 3


def test_hooks_that_start_each_other_stop():
    """After 16 levels the first record is refused, and nothing is left. Apex Developer Guide, limits [D]."""
    with org_with({"triggers": [trigger("again", action="after", on=["insert", "update"])]}) as org:
        error = org.call("POST", "/sobjects/Opportunity", DEAL).json()[0]
        assert error["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert "Maximum trigger depth exceeded" in error["message"]
        assert org.query("SELECT Id FROM Opportunity") == []


@fact("7.3-trigger")
def test_a_refused_record_of_a_hook_refuses_its_row():
    """What a trigger cannot save fails the row that started it, with the inner code in the text. Facts 7.3."""
    with org_with({"triggers": [trigger("take_contact", action="after")]}) as org:
        error = org.call("POST", "/sobjects/Opportunity", DEAL).json()[0]
        assert error["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert "AfterInsert" in error["message"]
        assert "REQUIRED_FIELD_MISSING" in error["message"]
        assert org.query("SELECT Id FROM Opportunity") == []


def test_ready_made_hooks_add_a_role_and_move_the_primary_s20(automated: Client):
    """Automation adds a role by itself and makes the newest role primary. Source: reliability of clients."""
    org = automated
    (account,) = org.query("SELECT Id FROM Account")
    contacts = [row["Id"] for row in org.query("SELECT Id FROM Contact ORDER BY Id")]
    deal = org.deal(AccountId=account["Id"])
    assert [(role["ContactId"], role["IsPrimary"]) for role in org.roles(deal)] == [(contacts[0], True)]
    add_role(org, deal, contacts[1])
    assert flags(org, deal) == [False, True]
    twice = {"OpportunityId": deal, "ContactId": contacts[0]}
    refused = org.call("POST", "/sobjects/OpportunityContactRole", twice)
    assert error_of(refused) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ["ContactId"])


def test_ready_made_hooks_rewrite_values_s19(automated: Client):
    """Automation stores another value than the one sent, on insert and on update."""
    deal = automated.deal(Name="Big   deal", Amount=10.4)
    assert (automated.get("Opportunity", deal)["Name"], automated.get("Opportunity", deal)["Amount"]) == (
        "Big deal",
        10.0,
    )
    automated.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 99.6})
    assert automated.get("Opportunity", deal)["Amount"] == 100.0


def test_ready_made_hooks_refuse_and_fail_on_save_and_delete_s11(automated: Client):
    """Automation refuses a delete, breaks down on request, and validates. Source: facts 7.3 [R], [D]."""
    org = automated
    won = org.deal(StageName="Closed Won", Amount=1)
    assert (
        error_of(org.call("DELETE", f"/sobjects/Opportunity/{won}"))[0] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    )
    assert org.get("Opportunity", won)["Id"] == won
    failing = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Name": "Fail the trigger"}).json()[0]
    assert failing["message"].startswith("FailOnRequest: execution of BeforeInsert\n\ncaused by: ")
    amountless = org.call("POST", "/sobjects/Opportunity", {**DEAL, "StageName": "Closed Won"})
    assert error_of(amountless) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Amount"])


def test_the_platform_and_hooks_act_without_the_users_rights():
    """A user who may not create roles still gets those of ContactId and of triggers. Apex: system mode [D]."""
    user = "integration@cloudkicks.example"
    document = {
        "users": [{"username": user, "last_name": "User"}],
        "object_permissions": [{"object": "OpportunityContactRole", "user": user, "create": False}],
        "triggers": [trigger("take_named_contact", action="after", on=["insert"])],
    }
    with org_with(document) as org:
        contacts = [org.create("Contact", LastName=name) for name in ("one", "two")]
        deal = org.deal(ContactId=contacts[0], NextStep=contacts[1])
        assert [role["ContactId"] for role in org.roles(deal)] == contacts
        body = {"OpportunityId": deal, "ContactId": contacts[1]}
        refused = org.call("POST", "/sobjects/OpportunityContactRole", body)
        assert error_of(refused)[0] == "INSUFFICIENT_ACCESS_OR_READONLY"


@pytest.mark.parametrize(
    "hook", ["hooks.py:no_such", "no_such.py:hook", "no_such_module:hook", "emulator_hooks:seen"]
)
def test_a_hook_that_cannot_be_loaded_is_named(tmp_path: Path, hook: str):
    """An org with a hook that is missing or no function does not start."""
    (tmp_path / "hooks.py").write_text("def other(event): ...\n")
    (tmp_path / "org.toml").write_text(f'[[triggers]]\nobject = "Opportunity"\nhook = "{hook}"\n')
    with pytest.raises(DefinitionError, match="hook "), running(tmp_path / "org.toml"):
        pass


DUPLICATE_RULE = {"object": "Account", "name": "Same name", "fields": ["Name"], "action": "alert"}


@fact("7.3-duplicate-rule", "7.4-body", "7.4-alert-and-block")
def test_duplicate_rules_s12():
    """An alert rule refuses with the matches unless allowSave is sent. Source: facts 7.4 [R]."""
    with org_with({"duplicate_rules": [DUPLICATE_RULE]}) as org:
        first = org.create("Account", Name="Twin")
        details = {"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"}
        (error,) = org.call("POST", "/sobjects/Account", {"Name": "TWIN"}, headers=details).json()
        result = error["duplicateResut"]
        assert (error["errorCode"], result["allowSave"]) == ("DUPLICATES_DETECTED", True)
        assert (result["duplicateRule"], result["duplicateRuleEntityType"]) == ("Same name", "Account")
        (match,) = result["matchResults"]
        assert (match["size"], match["matchRecords"][0]["record"]["Id"]) == (1, first)
        (error,) = org.call("POST", "/sobjects/Account", {"Name": "TWIN"}).json()
        assert error["duplicateResut"]["matchResults"][0]["matchRecords"] == []
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; runAsCurrentUser=true"}
        assert org.call("POST", "/sobjects/Account", {"Name": "Twin"}, headers=allow).status_code == 201


@fact("7.4-alert-and-block", "4.5-validation-first")
def test_a_block_rule_lets_nothing_through():
    """AllowSave does not help against a block rule; a rule may run on updates too. Source: facts 7.4 [R]."""
    rule = {**DUPLICATE_RULE, "action": "block", "message": "Already there", "on": ["insert", "update"]}
    rules = [{"object": "Account", "hook": f"{HOOKS}:needs_site"}]
    with org_with({"duplicate_rules": [rule], "validation_rules": rules}) as org:
        twin = org.create("Account", Name="Twin", Site="here")
        other = org.create("Account", Name="Other", Site="here")
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
        body = {"Name": "Twin", "Site": "here"}
        error = org.call("POST", "/sobjects/Account", body, headers=allow).json()[0]
        assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", "Already there")
        assert error["duplicateResut"]["allowSave"] is False
        update = org.call("PATCH", f"/sobjects/Account/{other}", {"Name": "Twin"}).json()[0]
        assert update["errorCode"] == "DUPLICATES_DETECTED"
        assert org.call("PATCH", f"/sobjects/Account/{twin}", {"Name": "TWIN"}).status_code == 204
        invalid = org.call("POST", "/sobjects/Account", {"Name": "Twin"}).json()[0]
        assert invalid["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@fact("7.3-duplicate-rule")
def test_duplicate_rules_in_collections_and_graphs():
    """They refuse rows there as well, and the header of the outer call counts. Source: facts 7.3, 4.16."""
    with org_with({"duplicate_rules": [DUPLICATE_RULE]}) as org:
        org.create("Account", Name="Twin")
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
        row = {"attributes": {"type": "Account"}, "Name": "Twin"}
        for headers, success in (({}, False), (allow, True)):
            (result,) = org.call("POST", "/composite/sobjects", {"records": [row]}, headers=headers).json()
            assert result["success"] is success
            assert success or result["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
            node = {
                "method": "POST",
                "url": "/services/data/v66.0/sobjects/Account",
                "referenceId": "twin",
                "body": {"Name": "Twin"},
            }
            graphs = {"graphs": [{"graphId": "one", "compositeRequest": [node]}]}
            answer = org.call("POST", "/composite/graph", graphs, headers=headers).json()
            assert answer["graphs"][0]["isSuccessful"] is success

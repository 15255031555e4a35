"""S4, S7, S11, S12, S14, S17, S18, S23: what the platform, its admins and its users do to a run of the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, BARE_ORG, LEUNG, WRITES, Bench, deal, org_document, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import ChangeOrg, ExpireSession, FailRows, Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import running
from sfsync.errors import SyncError

KEYS = ("D-1", "D-2", "D-3")
NO_ROLE = [role("D-1", name="None")]
MAINTENANCE = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"


def three_deals(bench: Bench, **values: str) -> None:
    """A job of three deals, each with one role."""
    bench.write_job([deal(key, **values) for key in KEYS], [role(key) for key in KEYS])


def change(bench: Bench, what: str, **table: Any) -> None:
    """Somebody changes the org now."""
    change_org(bench.emulator.org, bench.emulator.audit, {"what": what, **table})


def refuse_rows(bench: Bench, code: str, message: str, *, count: int | None = None, **which: Any) -> None:
    """Lets the org refuse rows of the write calls."""
    action = FailRows(code=code, message=message, **which)
    bench.emulator.faults.add(FaultScript(action, path=WRITES, count=count))


def test_S4_a_row_that_may_not_be_written_is_rejected_alone(bench: Bench) -> None:
    """The user lacks a right on one record: that row says which right, the others are updated."""
    three_deals(bench)
    assert bench.run().exit_code == 0
    three_deals(bench, amount="250.00")
    refuse_rows(bench, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights", rows=(1,))
    bench.emulator.faults.add(
        FaultScript(
            FailRows(keys=(str(bench.deal("D-2")["Id"]),), code="INSUFFICIENT_ACCESS_OR_READONLY"),
            path="/composite",
            count=None,
        )
    )
    ending = bench.run()
    assert ending.codes() == {"Opportunity:D-2": "INSUFFICIENT_ACCESS_OR_READONLY"}
    assert [bench.deal(key)["Amount"] for key in KEYS] == [250.0, 100.0, 250.0]


def test_S4_a_key_of_a_record_that_nobody_shows_is_no_leave_to_create(bench: Bench) -> None:
    """A hidden record has the key: the deal is rejected with the reason, and nothing is made in its place."""
    three_deals(bench)
    refuse_rows(bench, "DUPLICATE_VALUE", "duplicate value found", keys=("D-2",))
    ending = bench.run()
    assert ending.of(Outcome.REJECTED) == {"Opportunity:D-2"}
    assert ending.codes()["Opportunity:D-2"] == "DUPLICATE_VALUE"
    assert bench.inserted() == {"Opportunity": 2, "OpportunityContactRole": 2}
    assert bench.write_count() <= 10


@pytest.mark.parametrize(("status", "code"), [(403, "API_CURRENTLY_DISABLED"), (403, "INSUFFICIENT_ACCESS")])
def test_S4_a_user_without_the_api_stops_the_run(bench: Bench, status: int, code: str) -> None:
    """Exit 4, nothing is written, and the next run does all of it."""
    three_deals(bench)
    bench.strike(Refuse(status, [{"errorCode": code, "message": "no access"}]), count=None)
    assert bench.run().exit_code == 4
    assert bench.inserted() == {}
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 3}


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_S7_an_org_that_becomes_read_only_is_left_in_peace(bench: Bench, phase: str) -> None:
    """Before or behind the first write, the run ends with 75; afterwards the next one brings the rest, once."""
    three_deals(bench)
    table = {"what": "switches", "values": {"read_only": True}}
    bench.emulator.faults.add(FaultScript(ChangeOrg(table), phase, path=WRITES))
    assert bench.run().exit_code in ((75,) if phase == "before_read" else (0,))
    written = bench.write_count()
    three_deals(bench, amount="250.00")
    assert bench.run().exit_code == 75
    assert bench.write_count() <= written + 1
    bench.switch(read_only=False)
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 3}
    assert [bench.deal(key)["Amount"] for key in KEYS] == [250.0] * 3


PEOPLE = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "key"
Name = "name"
"""


def accounts(bench: Bench, *names: str) -> None:
    """A job of accounts, which go in one collection."""
    lines = [f"A-{place},{name}" for place, name in enumerate(names)]
    (bench.folder / "accounts.csv").write_text("\n".join(["key,name", *lines]) + "\n")
    (bench.folder / "accounts.toml").write_text(PEOPLE)
    bench.job = str(bench.folder / "accounts.toml")


def test_S7_a_maintenance_that_begins_in_the_middle_of_a_batch(bench: Bench) -> None:
    """Rows that were saved before it count as created, the others wait for the next run."""
    accounts(bench, "Acme", "Bolt", "Cord", "Dune")
    refuse_rows(bench, MAINTENANCE, "not allowed during maintenance", from_row=2, count=1)
    ending = bench.run()
    assert ending.exit_code == 75
    counts = ending.counts["Account"]
    assert (counts["created"], counts["unprocessed"]) == (2, 2)
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Account": 4}


RULES = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A won opportunity needs an amount.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "Trig: System.LimitException: Apex CPU time limit exceeded",
}


@pytest.mark.parametrize("code", RULES)
@pytest.mark.parametrize("culprit", KEYS)
def test_S11_a_row_that_automation_refuses_carries_its_words(bench: Bench, code: str, culprit: str) -> None:
    """The rejected row names the field and says what the rule or the trigger said; the others are created."""
    three_deals(bench)
    refuse_rows(bench, code, RULES[code], keys=(culprit,), fields=("Amount",))
    ending = bench.run()
    told = ending.document.results[f"Opportunity:{culprit}"].problems[0]
    assert (told.code, told.field) == (code, "Amount")
    assert RULES[code] in told.message
    assert bench.inserted() == {"Opportunity": 2, "OpportunityContactRole": 2}


def test_S11_a_trigger_that_breaks_down_for_the_whole_batch(bench: Bench) -> None:
    """Every row is rejected by name, the run ends with 3, and once it is mended the next run brings all."""
    three_deals(bench)
    refuse_rows(bench, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Apex CPU time limit exceeded")
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.counts["Opportunity"]["rejected"] == 3
    assert bench.inserted() == {}
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.inserted() == {"Opportunity": 3, "OpportunityContactRole": 3}


def test_S12_a_duplicate_rule_rejects_the_row_with_what_it_found(bench: Bench) -> None:
    """The row names the records that match, is not forced in, and takes no other row with it."""
    three_deals(bench)
    twin = bench.find("Opportunity", Sfsync_Key__c="DEAL-1003")
    refuse_rows(bench, "DUPLICATES_DETECTED", f"Use one of these records? {twin}", keys=("D-2",))
    ending = bench.run()
    assert ending.of(Outcome.REJECTED) == {"Opportunity:D-2"}
    told = ending.document.results["Opportunity:D-2"].problems[0]
    assert told.code == "DUPLICATES_DETECTED"
    assert twin in told.hint
    assert bench.inserted()["Opportunity"] == 2
    sent = {name.lower() for each in bench.emulator.audit.requests for name in each.headers}
    assert "sforce-duplicate-rule-header" not in sent


def by_legacy_id(bench: Bench, matches: int) -> None:
    """A job whose key field is no unique one, and so many deals that have the key of its first row."""
    bench.write_job([deal("D-1"), deal("D-2")], NO_ROLE)
    text = Path(bench.job).read_text().replace("Sfsync_Key__c", "Legacy_Id__c")
    Path(bench.job).write_text(text.replace('match = "Legacy_Id__c"', 'match = "Sfsync_Key__c"'))
    values = {"StageName": "Prospecting", "CloseDate": "2027-01-31", "Legacy_Id__c": "D-1"}
    for number in range(matches):
        bench.create("Opportunity", Name=f"Twin {number}", **values)
    bench.emulator.audit.clear()


@pytest.mark.parametrize("matches", [2, 50])
def test_S14_a_key_on_several_records_is_for_a_person(bench: Bench, matches: int) -> None:
    """None of them is taken for the row, and no further one is made."""
    by_legacy_id(bench, matches)
    ending = bench.run()
    assert ending.exit_code in (2, 3)
    if ending.report:
        assert "Opportunity:D-1" in ending.codes()
    assert len(bench.named("Deal D-1")) == 0
    changed = {each.op for each in bench.emulator.audit.commits if each.sobject == "Opportunity"}
    assert changed <= {"insert"}


def test_S17_a_contact_merged_between_plan_and_apply(bench: Bench) -> None:
    """The role of the contact that is gone is refused by name; the next run gives it to the contact's master."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, "Evaluator"), role("D-1", ALAN, "Other")])
    plan = bench.plan()
    change(
        bench,
        "merge",
        object="Contact",
        id=bench.find("Contact", Email=LEUNG),
        loser=bench.find("Contact", Email=ALAN),
    )
    ending = bench.apply(plan)
    assert ending.exit_code == 3
    assert ending.counts["OpportunityContactRole"] | {"rows": 0} == {
        **dict.fromkeys(ending.counts["OpportunityContactRole"], 0),
        "created": 1,
        "rejected": 1,
    }
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", False)]
    assert bench.run().exit_code == 0
    assert bench.roles("D-1") == [(LEUNG, "Evaluator", False), (LEUNG, "Other", False)]
    assert bench.inserted()["Opportunity"] == 1


def test_S17_roles_that_a_merge_has_made_alike(bench: Bench) -> None:
    """Two roles now stand on one contact: nothing is added or deleted, and the row of the other says so."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG, "Evaluator"), role("D-1", ALAN, "Evaluator")])
    assert bench.run().exit_code == 0
    change(
        bench,
        "merge",
        object="Contact",
        id=bench.find("Contact", Email=LEUNG),
        loser=bench.find("Contact", Email=ALAN),
    )
    before = bench.roles("D-1")
    written = bench.write_count()
    ending = bench.run()
    assert ending.exit_code == 3
    assert len(ending.codes()) == 1
    assert bench.roles("D-1") == before
    assert bench.write_count() == written


def test_S17_an_account_merged_between_plan_and_apply(bench: Bench) -> None:
    """A deal of an account that is gone is refused by name and is not made without one."""
    other = bench.create("Account", Name="Twin", Sfsync_Key__c="ACC-9")
    bench.write_job([deal("D-1"), deal("D-2", account="ACC-9")], NO_ROLE)
    plan = bench.plan()
    change(bench, "merge", object="Account", id=bench.find("Account", Sfsync_Key__c="ACC-1"), loser=other)
    ending = bench.apply(plan)
    assert ending.exit_code == 3
    assert ending.of(Outcome.REJECTED) == {"Opportunity:D-2"}
    assert (len(bench.deals("D-1")), len(bench.deals("D-2"))) == (1, 0)


def test_S17_a_contact_of_a_job_that_was_merged_is_not_made_again(bench: Bench) -> None:
    """A row whose record went into another row's is a conflict, run after run."""
    accounts(bench, "Acme", "Bolt")
    text = Path(bench.job).read_text().replace('key = "Sfsync_Key__c"', 'row_key = "key"')
    Path(bench.job).write_text(text.replace('Sfsync_Key__c = "key"\n', ""))
    bench.admit()
    assert bench.run().exit_code == 0
    names = {name: bench.find("Account", Name=name) for name in ("Acme", "Bolt")}
    change(bench, "merge", object="Account", id=names["Acme"], loser=names["Bolt"])
    for _ in range(2):
        ending = bench.run()
        assert ending.exit_code == 3
        assert set(ending.codes().values()) == {"MERGED_ROWS"}
    assert bench.inserted()["Account"] == 2


def test_S18_a_record_in_an_approval_is_tried_by_the_next_run(bench: Bench) -> None:
    """The locked deal is rejected with the reason, the others are updated; unlocked, it is updated too."""
    three_deals(bench)
    assert bench.run().exit_code == 0
    three_deals(bench, amount="250.00")
    locked = FailRows(keys=(str(bench.deal("D-2")["Id"]),), code="ENTITY_IS_LOCKED", message="locked")
    bench.emulator.faults.add(FaultScript(locked, path="/composite", count=None))
    ending = bench.run()
    assert ending.codes() == {"Opportunity:D-2": "ENTITY_IS_LOCKED"}
    assert [bench.deal(key)["Amount"] for key in KEYS] == [250.0, 100.0, 250.0]
    bench.emulator.faults.clear()
    assert bench.run().exit_code == 0
    assert bench.deal("D-2")["Amount"] == 250.0


def test_S23_another_org_at_the_address_between_plan_and_apply(bench: Bench) -> None:
    """A sandbox was refreshed behind the profile: the plan is refused and nothing is written."""
    three_deals(bench)
    plan = bench.plan()
    change(bench, "swap_org")
    with pytest.raises(SyncError) as refused:
        bench.apply(plan)
    assert refused.value.exit_code in (4, 6)
    assert bench.write_count() == 0


def test_S23_another_org_in_the_middle_of_a_run(tmp_path: Path) -> None:
    """The session ends because the org was replaced: the new login leads elsewhere, so nothing more is written."""
    with running(BARE_ORG) as emulator:
        bench = LoggingIn(emulator, tmp_path)
        three_deals(bench)
        bench.emulator.faults.add(FaultScript(ChangeOrg({"what": "swap_org"}), path=WRITES))
        bench.emulator.faults.add(FaultScript(ExpireSession(everyone=True), path=WRITES))
        assert bench.run().exit_code == 6
        assert bench.inserted() == {}
        assert bench.write_count() == 1


def test_S23_a_job_without_keys_does_not_begin_anew_in_another_org(tmp_path: Path) -> None:
    """What the journal knows of one org says nothing of another, so a person must say that it is meant."""
    with running(org_document(has_receipts=True, has_jobs=False)) as emulator:
        bench = LoggingIn(emulator, tmp_path)
        bench.write_job([deal("D-1")], NO_ROLE, has_key=False)
        bench.admit()
        assert bench.run().exit_code == 0
        change(bench, "swap_org")
        written = bench.write_count()
        assert bench.run().exit_code in (4, 6)
        assert bench.write_count() == written


class LoggingIn(Bench):
    """A bench whose profile logs in by itself, so that it can do so again."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment with the app's credentials in place of a token."""
        given = super().environ
        given.pop("SFSYNC_ORGS__LOCAL__ACCESS_TOKEN")
        given.pop("SFSYNC_ORGS__LOCAL__INSTANCE_URL")
        return given | {
            "SFSYNC_ORGS__LOCAL__LOGIN": "client_credentials",
            "SFSYNC_ORGS__LOCAL__LOGIN_URL": self.emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__CLIENT_ID": self.emulator.client_id,
            "SFSYNC_ORGS__LOCAL__CLIENT_SECRET": self.emulator.client_secret,
        }

"""Leads in a plan: what a lead says of itself, what is sent, and what becomes of the platform's own role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfsync.core.contact_roles.lead_roles import (
    LEAD_CONTACT,
    arriving_roles,
    on_made_role,
    open_flag,
    still_differs,
    with_made_role,
    with_platforms_flag,
)
from sfsync.core.contact_roles.role_matching import matched
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.deals.leads import (
    LEAD_ROLE,
    Landed,
    convert_calls,
    landed,
    lead_change_id,
    lead_unit,
    without_idle_leads,
)
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reports.results import RowRef
from sfsync.core.values import Pending

LEAD_ID = "00Q000000000001EAA"
LEAD = Change(
    lead_change_id(LEAD_ID), "Lead", Action.CONVERT, LEAD_ID, "Bertha", values={"Status": "Qualified"}
)
DEAL = Change("Opportunity:D1", "Opportunity", Action.CONVERT, "D1", "Deal", parent=LEAD.change_id)
BERTHA, ALAN = Pending(LEAD.change_id), "003000000000002AAA"


def wants(
    contact: str | Pending, role: str | None, *, primary: bool | None = None, line: int = 2
) -> WantedRole:
    """A row that asks for a role."""
    ref = RowRef("contact_roles", "roles.csv", line)
    return WantedRole(ref, str(contact), contact, role, primary, place=f"contact_roles:{line}")


def test_an_open_lead_has_become_nothing() -> None:
    """Only IsConverted says that a lead is converted."""
    assert landed({"IsConverted": False, "ConvertedAccountId": None}) is None
    found = landed(
        {
            "IsConverted": True,
            "ConvertedAccountId": "001000000000001",
            "ConvertedContactId": ALAN,
            "Id": LEAD_ID,
        }
    )
    assert found == Landed("001000000000001AAA", ALAN, None)


def test_a_hundred_leads_go_in_one_call() -> None:
    """101 make two calls, and one that goes alone has its own."""
    units = [lead_unit(LEAD)] * 101
    assert [len(call.rows) for call, _ in convert_calls(units)] == [100, 1]
    alone = [units[0], replace(units[0], alone=True), units[0]]
    assert [len(call.rows) for call, _ in convert_calls(alone)] == [1, 1, 1]


def test_what_is_sent_has_the_ids_of_this_run() -> None:
    """An account that the plan creates first is named by its id once it has one."""
    wished = replace(LEAD, values={**LEAD.values, "ConvertedAccountId": Pending("Account:A")})
    unit = lead_unit(wished, {"Account:A": "001000000000001AAA"})
    assert unit.nodes[0].body == {"Status": "Qualified", "ConvertedAccountId": "001000000000001AAA"}
    assert unit.nodes[0].record_id == LEAD_ID


def test_a_lead_whose_deal_is_not_brought_is_not_converted() -> None:
    """It leaves the plan with its deal."""
    assert without_idle_leads([LEAD, DEAL]) == [LEAD, DEAL]
    rejected = replace(DEAL, action=Action.REJECT)
    assert without_idle_leads([LEAD, rejected]) == [rejected]


def test_what_waits_for_a_lead_that_stays_open_is_blocked_and_what_waits_for_that_too() -> None:
    """A deal out of another lead that names the contact keeps its own lead open."""
    row = RowRef("deals", "deals.csv", 3)
    other = replace(LEAD, change_id="Lead:other")
    buyer = {"Buyer__c": Pending(LEAD.change_id)}
    waits = replace(
        DEAL, change_id="Opportunity:W", parent="Lead:other", row=row, desired=buyer, values=buyer
    )
    [rejected, blocked] = without_idle_leads([LEAD, replace(DEAL, action=Action.REJECT), other, waits])
    assert (rejected.action, blocked.action) == (Action.REJECT, Action.BLOCKED)
    assert [each.code for each in blocked.problems] == ["BLOCKED_BY"]


@pytest.mark.parametrize("policy", list(RolePolicy))
def test_the_platforms_own_role_becomes_its_contacts_row(policy: RolePolicy) -> None:
    """It arrives with the deal under every policy; the row of another contact is added."""
    plan = arriving_roles(
        DEAL, [wants(BERTHA, "Decision Maker"), wants(ALAN, "Evaluator", line=3)], LEAD, policy=policy
    )
    assert [(each.action, each.record_id) for each in plan.changes] == [
        (Action.CONVERT, None),
        (Action.CREATE, None),
    ]
    assert plan.changes[0].values["ContactId"] == BERTHA
    assert plan.changes[0].values["Role"] == "Decision Maker"


def test_a_primary_row_of_another_contact_takes_the_flag() -> None:
    """The role that will be made is told to give it away, though it has no id yet."""
    plan = arriving_roles(DEAL, [wants(ALAN, "Evaluator", primary=True)], LEAD, policy=RolePolicy.APPEND)
    create, demotion = plan.changes
    assert (create.action, create.values["IsPrimary"]) == (Action.CREATE, True)
    assert (demotion.action, demotion.record_id, demotion.values) == (
        Action.UPDATE,
        LEAD_ROLE,
        {"IsPrimary": False},
    )


def test_the_made_role_is_found_by_its_contact_and_gets_what_its_row_wants() -> None:
    """Blank or named already, it is the row's; what it lacks is sent to its own id."""
    row = replace(wants("003000000000009AAA", "Decision Maker", primary=False), change_id="r")
    change = Change(
        "r",
        "OpportunityContactRole",
        Action.CONVERT,
        "",
        "",
        desired={"Role": "Decision Maker", "IsPrimary": False},
    )
    made = HeldRole("00K000000000001AAA", "003000000000009AAA", None, is_primary=True)
    other = HeldRole("00K000000000002AAA", ALAN, "Evaluator", is_primary=False)
    shown, found = with_made_role([other, made], [row], [change], "003000000000009AAA")
    assert found == made
    assert shown == [other, replace(made, record_id=LEAD_ROLE, role="Decision Maker")]
    assert still_differs(change, made) == {"Role": "Decision Maker", "IsPrimary": False}
    assert still_differs(change, replace(made, role="Decision Maker", is_primary=False)) == {}
    named = on_made_role(replace(change, action=Action.UPDATE, record_id=LEAD_ROLE), made)
    assert named.record_id == made.record_id


def test_a_deal_without_the_leads_contact_has_no_made_role() -> None:
    """Somebody deleted it, or the org makes none: then the row's is a new one."""
    other = HeldRole("00K000000000002AAA", ALAN, "Evaluator", is_primary=False)
    assert with_made_role([other], [], [], "003000000000009AAA") == ([other], None)


def test_the_platforms_flag_is_open_while_the_memory_of_the_deal_names_its_contact() -> None:
    """Not without a memory, not of another record, and not when all roles of the deal are brought."""
    entry = LedgerEntry("Opportunity", "D1", "006000000000001AAA", {}, {LEAD_CONTACT: ALAN})
    assert open_flag(entry, "006000000000001AAA") == ALAN
    assert open_flag(entry, "006000000000002AAA") is None
    assert open_flag(replace(entry, seen={}), "006000000000001AAA") is None
    assert open_flag(None, None) is None


def test_a_role_that_the_platform_made_becomes_the_first_row_of_its_contact() -> None:
    """However many the contact's rows are; a role that a person made is not taken for one of two rows."""
    held = [HeldRole("00K1", ALAN, None, is_primary=True)]
    rows = [wants(ALAN, "Evaluator"), wants(ALAN, "Influencer", line=3)]
    pairs, missing = matched(rows, with_platforms_flag(held, ALAN), policy=RolePolicy.MERGE)
    assert ([row.role for row, _ in pairs], [row.role for row in missing]) == (["Evaluator"], ["Influencer"])
    assert matched(rows, with_platforms_flag(held, "003000000000009AAA"), policy=RolePolicy.MERGE)[0] == []

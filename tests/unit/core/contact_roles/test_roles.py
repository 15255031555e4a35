"""The set comparison of one deal's contact roles."""

from collections.abc import Mapping

import pytest

from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.role_words import is_blank_role
from sfsync.core.contact_roles.roles import RolePlan, plan_roles, role_key
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry
from sfsync.core.reports.results import RowRef

DEAL = Change("Opportunity:D1", "Opportunity", Action.NOOP, "D1", "Deal", record_id="006000000000001AAA")
LEUNG, ALAN, LARS = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"
NOTHING: Mapping[str, LedgerEntry] = {}


def wants(contact: str, role: str | None, *, primary: bool | None = None, line: int = 2) -> WantedRole:
    """A row that asks for a role."""
    place = f"contact_roles:{line}"
    return WantedRole(
        RowRef("contact_roles", "roles.csv", line), contact, contact, role, primary, place=place
    )


def has(contact: str, role: str | None, *, primary: bool = False, number: int = 1) -> HeldRole:
    """A role that the org holds."""
    return HeldRole(f"00K00000000000{number}AAA", contact, role, primary)


def planned(
    wanted: list[WantedRole],
    held: list[HeldRole],
    *,
    policy: RolePolicy = RolePolicy.MERGE,
    ledger: Mapping[str, LedgerEntry] = NOTHING,
) -> RolePlan:
    """The plan for the deal."""
    return plan_roles(DEAL, wanted, held, policy=policy, ledger=ledger)


def actions(plan: RolePlan) -> list[tuple[Action, dict[str, object]]]:
    """What the plan does, and with which values."""
    return [(each.action, dict(each.values)) for each in plan.changes]


def test_a_role_that_is_there_is_left_alone() -> None:
    """The same contact in the same role needs nothing."""
    plan = planned([wants(LEUNG, "Influencer")], [has(LEUNG, "Influencer")])
    assert actions(plan) == [(Action.NOOP, {})]


def test_a_missing_role_is_created_whole() -> None:
    """A role that the deal lacks is inserted with its deal, contact, role and flag."""
    [(action, values)] = actions(planned([wants(LARS, "Influencer", primary=False)], []))
    assert action is Action.CREATE
    assert values == {
        "OpportunityId": DEAL.record_id,
        "ContactId": LARS,
        "Role": "Influencer",
        "IsPrimary": False,
    }


def test_a_held_role_is_one_wanted_role_and_no_more() -> None:
    """A contact in two roles, one of which is there, needs the other one besides; the first is not changed."""
    plan = planned(
        [wants(LEUNG, "Evaluator"), wants(LEUNG, "Decision Maker", line=3)], [has(LEUNG, "Evaluator")]
    )
    assert [action for action, _ in actions(plan)] == [Action.NOOP, Action.CREATE]


def test_another_role_of_the_same_contact_is_changed_not_doubled() -> None:
    """When one row of the contact is left on both sides, it is the same row with another role."""
    plan = planned([wants(LEUNG, "Decision Maker")], [has(LEUNG, "Evaluator")])
    assert actions(plan) == [(Action.UPDATE, {"Role": "Decision Maker"})]


def test_append_inserts_beside_another_role_of_the_same_contact() -> None:
    """The policy append changes no role that is there."""
    plan = planned([wants(LEUNG, "Decision Maker")], [has(LEUNG, "Evaluator")], policy=RolePolicy.APPEND)
    assert [each.action for each in plan.changes] == [Action.CREATE]


@pytest.mark.parametrize("policy", list(RolePolicy))
def test_a_blank_role_that_the_platform_made_is_adopted(policy: RolePolicy) -> None:
    """A row without a role, as the platform makes it for a primary contact, gets the wanted role."""
    plan = planned([wants(LEUNG, "Influencer")], [has(LEUNG, None, primary=True)], policy=policy)
    assert actions(plan) == [(Action.UPDATE, {"Role": "Influencer"})]


def test_exact_doubles_in_the_org_are_matched_one_by_one_and_reported() -> None:
    """Two equal rows in the org satisfy one wanted row; the extra one is a note, never a delete."""
    plan = planned([wants(LEUNG, "Other")], [has(LEUNG, "Other"), has(LEUNG, "Other", number=2)])
    assert [each.action for each in plan.changes] == [Action.NOOP]
    assert [each.code for each in plan.notes] == ["DOUBLE_ROLE"]


def test_I9_two_primary_contacts_are_refused_before_any_call() -> None:
    """Two contacts marked primary on one deal are a problem of both rows; the third row goes."""
    wanted = [
        wants(LEUNG, "Evaluator", primary=True, line=2),
        wants(ALAN, "Other", primary=True, line=3),
        wants(LARS, "Influencer", primary=False, line=4),
    ]
    plan = planned(wanted, [])
    assert [each.action for each in plan.changes] == [Action.REJECT, Action.REJECT, Action.CREATE]
    assert {each.problems[0].code for each in plan.changes[:2]} == {"TWO_PRIMARIES"}


def test_the_same_row_twice_is_written_once() -> None:
    """A repeated row is refused, and its problem names the first line."""
    plan = planned([wants(LEUNG, "Other", line=2), wants(LEUNG, "Other", line=7)], [])
    assert sorted(each.action for each in plan.changes) == [Action.CREATE, Action.REJECT]
    [refused] = [each for each in plan.changes if each.action is Action.REJECT]
    assert "line 2" in refused.problems[0].message


def test_S21_a_new_primary_takes_the_flag_from_the_old_one_explicitly() -> None:
    """The contact who has the flag loses it by a change of the plan, whatever the platform would do."""
    plan = planned([wants(ALAN, "Economic Buyer", primary=True)], [has(LEUNG, "Evaluator", primary=True)])
    demotions = [each for each in plan.changes if each.row is None]
    assert [dict(each.values) for each in demotions] == [{"IsPrimary": False}]
    assert demotions[0].record_id == "00K000000000001AAA"


def test_append_does_not_take_the_primary_flag_from_anybody() -> None:
    """With append, a primary row meets a primary contact that is there: a conflict, nothing is sent."""
    plan = planned(
        [wants(ALAN, "Other", primary=True)], [has(LEUNG, "Other", primary=True)], policy=RolePolicy.APPEND
    )
    assert [each.action for each in plan.changes] == [Action.CONFLICT]


def test_rows_of_one_contact_share_the_primary_flag() -> None:
    """Being primary belongs to the contact, so its other row is wanted primary too."""
    wanted = [
        wants(LEUNG, "Evaluator", primary=True, line=2),
        wants(LEUNG, "Decision Maker", primary=False, line=3),
    ]
    plan = planned(wanted, [])
    assert [each.values["IsPrimary"] for each in plan.changes] == [True, True]


def test_S16_a_role_that_somebody_removed_is_not_added_again() -> None:
    """What the ledger knows as written, and the deal has no more, is a conflict."""
    key = role_key(str(DEAL.record_id), LEUNG, "Other")
    ledger = {key: LedgerEntry("OpportunityContactRole", key, "00K1", {"Role": "Other"}, {"Role": "Other"})}
    plan = planned([wants(LEUNG, "Other")], [], ledger=ledger)
    assert [each.problems[0].code for each in plan.changes] == ["REMOVED_IN_ORG"]


def test_a_role_that_somebody_changed_is_a_conflict() -> None:
    """A role that moved in the org since the last run is not overwritten."""
    key = role_key(str(DEAL.record_id), LEUNG, "Other")
    ledger = {key: LedgerEntry("OpportunityContactRole", key, "00K1", {"Role": "Other"}, {"Role": "Other"})}
    plan = planned([wants(LEUNG, "Other")], [has(LEUNG, "Influencer")], ledger=ledger)
    assert [each.action for each in plan.changes] == [Action.CONFLICT]


def test_a_derived_primary_contact_is_satisfied_by_any_row_of_the_contact() -> None:
    """A deal's ContactId makes the contact primary in the role it has, and adds no second row."""
    derived = WantedRole(RowRef("opportunities", "d.csv", 2), "Leung", LEUNG, None, True, is_derived=True)
    plan = planned([derived], [has(LEUNG, "Evaluator")])
    assert actions(plan) == [(Action.UPDATE, {"IsPrimary": True})]


def test_a_derived_primary_contact_folds_into_the_row_that_names_the_contact() -> None:
    """ContactId and a role row of the same contact become one role, marked primary."""
    derived = WantedRole(RowRef("opportunities", "d.csv", 2), "Leung", LEUNG, None, True, is_derived=True)
    plan = planned([derived, wants(LEUNG, "Evaluator")], [])
    assert [(each.values["Role"], each.values["IsPrimary"]) for each in plan.changes] == [("Evaluator", True)]


@pytest.mark.parametrize("text", ["", "  ", "None", "none", "--None--", None])
def test_an_empty_role_is_no_role(text: str | None) -> None:
    """Blank and None in any spelling mean that the role is not saved."""
    assert is_blank_role(text)


def test_a_mirror_deletes_what_the_source_lacks() -> None:
    """Held roles without a row of their own are deleted; the others stay as they are."""
    plan = planned(
        [wants(LEUNG, "Evaluator")],
        [has(LEUNG, "Evaluator", number=1), has(ALAN, "Other", number=2)],
        policy=RolePolicy.MIRROR,
    )
    assert [(each.action, each.record_id) for each in plan.changes] == [
        (Action.NOOP, "00K000000000001AAA"),
        (Action.DELETE, "00K000000000002AAA"),
    ]
    assert plan.changes[1].before == {"ContactId": ALAN, "Role": "Other", "IsPrimary": False}


def test_a_mirror_deletes_nothing_where_a_row_is_wrong() -> None:
    """What a wrong row would have asked for cannot be told from what the source lacks."""
    held = [has(LEUNG, "Evaluator", number=1), has(ALAN, "Other", number=2)]
    twice = [wants(LEUNG, "Evaluator"), wants(LEUNG, "Evaluator", line=3)]
    assert Action.DELETE not in {
        each.action for each in planned(twice, held, policy=RolePolicy.MIRROR).changes
    }
    plan = plan_roles(
        DEAL, [wants(LEUNG, "Evaluator")], held, policy=RolePolicy.MIRROR, ledger=NOTHING, is_complete=False
    )
    assert Action.DELETE not in {each.action for each in plan.changes}


def test_a_mirror_keeps_the_flag_of_a_contact_who_loses_a_second_row() -> None:
    """Deleting one of the primary contact's rows may clear the flag, so it is sent again for the row that stays."""
    plan = planned(
        [wants(LEUNG, "Evaluator", primary=True)],
        [has(LEUNG, "Evaluator", primary=True, number=1), has(LEUNG, "Other", primary=True, number=2)],
        policy=RolePolicy.MIRROR,
    )
    assert [(each.action, dict(each.values)) for each in plan.changes] == [
        (Action.UPDATE, {"IsPrimary": True}),
        (Action.DELETE, {}),
    ]

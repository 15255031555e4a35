"""Who is primary by the job's rule, and which rows of one contact stand: decided on one deal."""

from __future__ import annotations

import pytest
from test_roles import ALAN, DEAL, LARS, LEUNG, NOTHING, has, wants

from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.role_rules import PrimaryRule, RoleRules, SameContact
from sfsync.core.contact_roles.roles import RolePlan, plan_roles
from sfsync.core.job import RolePolicy
from sfsync.core.plans.plan import Action

KEEP, FIRST = RoleRules(PrimaryRule.KEEP), RoleRules(PrimaryRule.FIRST)
BEST = RoleRules(PrimaryRule.PREFERRED, ("Decision Maker", "Evaluator"))


def planned(
    wanted: list[WantedRole],
    held: list[HeldRole],
    rules: RoleRules,
    *,
    policy: RolePolicy = RolePolicy.MERGE,
    has_bad_rows: bool = False,
) -> RolePlan:
    """The plan for the deal by these rules."""
    return plan_roles(
        DEAL, wanted, held, policy=policy, ledger=NOTHING, rules=rules, has_bad_rows=has_bad_rows
    )


def marked(plan: RolePlan) -> list[object]:
    """The contacts to whom the plan gives the flag."""
    given = (each for each in plan.changes if each.values.get("IsPrimary") is True)
    return [each.desired.get("ContactId") for each in given]


ROWS = [wants(LARS, "Influencer"), wants(ALAN, "Evaluator", line=3), wants(LEUNG, "Decision Maker", line=4)]


@pytest.mark.parametrize(("rules", "contact"), [(FIRST, LARS), (BEST, LEUNG)])
def test_the_rule_chooses_where_nobody_is_primary(rules: RoleRules, contact: str) -> None:
    """The choice is one contact, and its change says why."""
    plan = planned(ROWS, [], rules)
    assert marked(plan) == [contact]
    assert [each.because for each in plan.changes if each.because] == ["chosen by the job's rule"]


@pytest.mark.parametrize("rules", [FIRST, BEST])
def test_what_a_row_says_comes_before_the_choice(rules: RoleRules) -> None:
    """A given mark is followed, and nobody else is chosen."""
    rows = [*ROWS[:1], wants(ALAN, "Evaluator", primary=True, line=3), *ROWS[2:]]
    assert marked(planned(rows, [], rules)) == [ALAN]


@pytest.mark.parametrize("rules", [KEEP, FIRST, BEST])
def test_the_org_comes_before_the_choice(rules: RoleRules) -> None:
    """A primary contact who is no row of the file stays."""
    assert marked(planned(ROWS[:2], [has(LEUNG, "Other", primary=True)], rules)) == []


@pytest.mark.parametrize("rules", [KEEP, FIRST, BEST])
def test_a_contact_who_was_chosen_does_not_flap(rules: RoleRules) -> None:
    """What the org has after the choice needs nothing, also where the row says no."""
    rows = [wants(LARS, "Influencer", primary=False), wants(ALAN, "Evaluator", primary=False, line=3)]
    held = [has(LARS, "Influencer", primary=True), has(ALAN, "Evaluator", number=2)]
    assert {each.action for each in planned(rows[::-1], held, rules).changes} == {Action.NOOP}


def test_keep_does_not_follow_a_mark_and_says_so() -> None:
    """The row goes without its mark, and a note names it."""
    plan = planned([wants(ALAN, "Other", primary=True)], [has(LEUNG, "Other", primary=True)], KEEP)
    assert (marked(plan), [each.code for each in plan.notes]) == ([], ["PRIMARY_KEPT"])
    assert "IsPrimary" not in plan.changes[0].desired


def test_a_mirror_that_replaces_the_rows_of_the_primary_contact_carries_the_flag_over() -> None:
    """The contact stays on the deal in another role, and stays primary."""
    held = [has(ALAN, "Other", primary=True), has(ALAN, "Influencer", primary=True, number=2)]
    plan = planned([wants(ALAN, "Evaluator")], held, FIRST, policy=RolePolicy.MIRROR)
    assert marked(plan) == [ALAN]


def test_a_mirror_that_takes_the_primary_contact_off_the_deal_lets_the_rule_choose() -> None:
    """Who leaves the deal is its primary contact no more."""
    plan = planned(ROWS, [has("003X", "Other", primary=True)], FIRST, policy=RolePolicy.MIRROR)
    assert marked(plan) == [LARS]


def test_nobody_is_chosen_while_a_row_of_the_deal_is_wrong() -> None:
    """The wrong row may be the one to choose; a note says that the choice waits."""
    plan = planned(ROWS, [], FIRST, has_bad_rows=True)
    assert (marked(plan), [each.code for each in plan.notes]) == ([], ["PRIMARY_WAITS"])


def test_append_marks_no_role_that_is_there_and_says_so() -> None:
    """A chosen contact whose role is there already stays unmarked."""
    plan = planned(ROWS[:1], [has(LARS, "Influencer")], FIRST, policy=RolePolicy.APPEND)
    assert (marked(plan), [each.code for each in plan.notes]) == ([], ["NOT_PRIMARY"])


def test_a_no_takes_the_flag_from_all_roles_of_the_contact() -> None:
    """The platform would give the flag of the old roles to the new one, and the next run would take it away."""
    held = [has(ALAN, "Other", primary=True), has(ALAN, "Influencer", primary=True, number=2)]
    plan = planned([wants(ALAN, "Evaluator", primary=False)], held, RoleRules())
    assert [each.record_id for each in plan.changes if each.values == {"IsPrimary": False}] == [
        each.record_id for each in held
    ]


def test_a_no_in_one_row_counts_for_the_other_rows_of_the_contact() -> None:
    """All roles of one contact share the mark, also where it is taken away."""
    rows = [wants(ALAN, "Other"), wants(ALAN, "Evaluator", primary=False, line=3)]
    plan = planned(rows, [has(ALAN, "Other", primary=True)], RoleRules())
    assert [each.desired["IsPrimary"] for each in plan.changes] == [False, False]


def test_first_leaves_later_roles_of_a_contact_out_and_keeps_their_mark() -> None:
    """The first row counts, and has the mark of the row that is left out."""
    rows = [wants(ALAN, "Other"), wants(ALAN, "Evaluator", primary=True, line=3)]
    plan = planned(rows, [], RoleRules(same_contact=SameContact.FIRST))
    assert [each.action for each in plan.changes] == [Action.SKIP, Action.CREATE]
    assert marked(plan) == [ALAN]
    assert "line 3" in plan.changes[1].because


def test_error_refuses_later_roles_of_a_contact_and_their_mark() -> None:
    """What is refused has no effect."""
    rows = [wants(ALAN, "Other"), wants(ALAN, "Evaluator", primary=True, line=3)]
    plan = planned(rows, [], RoleRules(same_contact=SameContact.ERROR))
    assert [each.action for each in plan.changes] == [Action.REJECT, Action.CREATE]
    assert marked(plan) == []
    assert "line 2" in plan.changes[0].problems[0].message

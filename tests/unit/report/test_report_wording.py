"""The words of plans and reports: one and several, values that stay, names beside ids, advice beside its rows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from report_examples import DEAL, ROLE, a_deal, a_plan, a_problem, a_ref, a_report, a_role

from sfsync.core.deals.forecast import Effect
from sfsync.core.job import FieldPolicy
from sfsync.core.plans.plan import Action, Change
from sfsync.core.reports.results import Problem
from sfsync.core.values import Pending
from sfsync.engine.planning.row_problems import kept_note
from sfsync.report.pages.html_report import html_report
from sfsync.report.words.field_values import Named
from sfsync.report.words.forecast_view import gaps
from sfsync.report.words.lines import Line, Tone
from sfsync.report.words.plan_view import plan_pieces
from sfsync.report.words.problem_groups import problem_group_lines

OLD, NEW = "0018dYF00000001ADA", "0018dYF00000002ADA"


def plan_lines(*changes: Change, names: tuple[tuple[str, str], ...] = ()) -> list[str]:
    """The lines of a plan of these changes."""
    plan = replace(a_plan(changes), names=names)
    return [each.text for each in plan_pieces(plan, limit=20) if isinstance(each, Line)]


def group_lines(*problems: Problem) -> list[str]:
    """The lines of these problems."""
    return [each.text for each in problem_group_lines(problems, tone=Tone.BAD)]


def an_update(**values: tuple[object, object]) -> Change:
    """A deal's update from what it holds to what it is to hold, by field."""
    return a_deal(
        1,
        Action.UPDATE,
        values={name: new for name, (_, new) in values.items()},
        before={name: old for name, (old, _) in values.items()},
        record_id="006000000000002AAA",
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 deal changes its currency without an amount"),
        (2, "2 deals change their currency without an amount"),
    ],
)
def test_one_deal_changes_its_currency_and_two_change_theirs(count, said):
    """What the figures lack is said of one deal as of one."""
    effect = Effect((), (), (), (), None, without_amount=count, converted=count, unseen=count)
    without, converted, unseen = gaps(effect)
    assert converted.startswith(said)
    assert without.startswith(f"{count} deal{'s' if count > 1 else ''} without an amount")
    assert unseen.endswith("how it was" if count == 1 else "how they were")


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 value of Name stays as the org has it"), (2, "2 values of Name stay as the org has them")],
)
def test_one_value_stays_and_two_stay(count, said):
    """What a policy leaves to the org is said of one value as of one."""
    assert said in kept_note("accounts", "Name", FieldPolicy.ORG, count=count).message


def test_a_number_that_only_looks_different_is_no_change():
    """A value that goes along with another field, as the org has it, is not shown."""
    lines = plan_lines(
        an_update(StageName=("A", "B"), Probability=(Decimal("33.0"), Decimal(33)), NextStep=("x ", "x"))
    )
    assert "StageName: A -> B" in lines
    assert not any("Probability" in each or "NextStep" in each for each in lines)


def test_an_update_that_only_repeats_what_is_there_says_so():
    """A flag that is sent again because another write may clear it is no silent headline."""
    deal = Change(f"{DEAL}:D-7", DEAL, Action.NOOP, "D-7", "Deal 7", record_id="006000000000007AAA")
    role = a_role(1, deal, Action.UPDATE, values={"IsPrimary": True}, before={"IsPrimary": True})
    assert role.sobject == ROLE
    assert "IsPrimary: true -> the same, sent again" in plan_lines(role)


def test_references_are_shown_by_name_where_it_is_known():
    """Old and new, each with its id; an id without a known name stands alone."""
    update = an_update(AccountId=(OLD, NEW), CampaignId=(None, "7018dYF00000001ADA"))
    lines = plan_lines(update, names=((OLD, "Get Cloudy"), (NEW, "Get Cloudy Canada")))
    assert f"AccountId: Get Cloudy ({OLD}) -> Get Cloudy Canada ({NEW})" in lines
    assert "CampaignId: (empty) -> 7018dYF00000001ADA" in lines


def test_the_report_for_a_browser_shows_the_same_names_and_changes():
    """Terminal and browser say the same of a field."""
    update = an_update(AccountId=(OLD, NEW), StageName=("A", "B"), Probability=(Decimal("33.0"), Decimal(33)))
    plan = replace(a_plan([update]), names=((NEW, "Get Cloudy Canada"),))
    html = html_report(a_report(plan, applied=False), {})
    assert f"{OLD} → Get Cloudy Canada ({NEW})" in html
    assert "Probability" not in html


def test_a_new_record_is_named_in_both():
    """A reference to what the plan creates is the name of that."""
    named = Named.of(a_plan([Change("Account:A-1", "Account", Action.CREATE, "A-1", "Ace Corp", a_ref(1))]))
    assert named.value(Pending("Account:A-1")) == "(the new account Ace Corp)"
    assert named.label(Pending("Account:A-1")) == "Ace Corp"


@pytest.mark.parametrize("action", [Action.UPDATE, Action.CREATE, Action.NOOP])
def test_a_row_that_goes_to_another_record_says_why(action):
    """A followed merge and a record that is created again are no surprise."""
    change = a_deal(1, action, because="001A was merged into 001B", adopted=True)
    assert any(
        each.endswith("Deal 1 (D-1, line 2): 001A was merged into 001B") for each in plan_lines(change)
    )
    assert "as the rows want" not in " ".join(plan_lines(change))


def test_advice_stands_once_below_the_rows_that_it_is_for():
    """Rows of one code with two causes: each cause with its own advice, rows first."""
    lines = group_lines(
        a_problem("UNKNOWN", '"x" is unknown', hint="Did you mean X?", row=a_ref(1)),
        a_problem("UNKNOWN", '"y" is unknown', hint="Did you mean Y?", row=a_ref(2)),
        a_problem("UNKNOWN", '"x" is unknown', hint="Did you mean X?", row=a_ref(3)),
    )
    assert lines == [
        "UNKNOWN - nobody can say whether the row was saved: 3 rows",
        'deals.csv lines 2, 4: "x" is unknown',
        "What to do: Did you mean X?",
        'deals.csv:3: "y" is unknown',
        "What to do: Did you mean Y?",
    ]


def test_a_conflict_names_its_row_first_also_where_it_is_the_only_one():
    """File and line stand before what is wrong, in a form that an editor opens."""
    lines = group_lines(a_problem("CHANGED_IN_ORG", "StageName was changed", hint="", row=a_ref(4)))
    assert lines[:2] == [
        "CHANGED_IN_ORG - somebody changed the record in the org: 1 row",
        "deals.csv:5: StageName was changed",
    ]


def test_of_many_causes_the_first_are_shown_and_the_rest_is_counted():
    """A code with a hundred different pieces of advice stays a few lines, and says which rows it left out."""
    problems = (a_problem("UNKNOWN", f'"{n}"', hint=f"Hint {n}.", row=a_ref(n)) for n in range(1, 101))
    lines = group_lines(*problems)
    assert len(lines) == 1 + 3 * 2 + 1
    assert lines[-1] == (
        "... and 97 more with other advice: deals.csv lines 5, 6, 7, 8, 9, 10, 11, 12 and 89 more"
    )

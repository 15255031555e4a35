"""How many deals have a contact role and a primary one: counted by stage, as they end, and added up."""

from __future__ import annotations

from collections import Counter

from sfsync.core.contact_roles.role_coverage import StageCoverage, coverage_in, coverage_words
from sfsync.core.plans.plan import Action, Change
from sfsync.core.reports.results import Outcome, RowRef, RowResult
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

End = tuple[Change, RowResult]


def deal(name: str, stage: str, outcome: Outcome = Outcome.CREATED) -> End:
    """A deal of a row."""
    row = RowRef("opportunities", "deals.csv", 2, 1)
    change = Change(name, OPPORTUNITY, Action.CREATE, name, name, row, desired={"StageName": stage})
    return change, RowResult(name, outcome)


def role(of: str, outcome: Outcome = Outcome.CREATED, *, primary: bool = False) -> End:
    """A contact role of that deal."""
    name = f"role of {of} {outcome} {primary}"
    change = Change(name, CONTACT_ROLE, Action.CREATE, name, name, desired={"IsPrimary": primary}, parent=of)
    return change, RowResult(name, outcome)


def test_deals_are_counted_by_stage_with_a_role_and_with_a_primary_one() -> None:
    """Two roles of one deal are one deal with a role."""
    ends = [
        deal("a", "Open"),
        deal("b", "Open"),
        deal("c", "Won"),
        role("a"),
        role("a", primary=True),
        role("b"),
    ]
    assert coverage_in(coverage_words(ends)) == (
        StageCoverage("Open", 2, 2, 1),
        StageCoverage("Won", 1, 0, 0),
    )


def test_what_is_not_in_the_org_in_the_end_is_not_counted() -> None:
    """A refused role leaves its deal without one, and a refused deal is none."""
    ends = [
        deal("a", "Open"),
        deal("b", "Open", Outcome.REJECTED),
        role("a", Outcome.REJECTED, primary=True),
        role("a", Outcome.DELETED),
    ]
    assert coverage_in(coverage_words(ends)) == (StageCoverage("Open", 1, 0, 0),)


def test_a_run_that_is_about_no_role_tells_nothing() -> None:
    """It would call every deal one without contacts."""
    assert coverage_words([deal("a", "Open")]) == {}


def test_the_numbers_of_portions_add_up() -> None:
    """Each portion has deals with all of their roles."""
    one, other = [deal("a", "Open"), role("a")], [deal("b", "Open"), role("b", primary=True)]
    both = Counter(coverage_words(one)) + Counter(coverage_words(other))
    assert coverage_in(both) == coverage_in(coverage_words([*one, *other]))

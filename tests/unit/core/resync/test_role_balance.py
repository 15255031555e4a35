"""Contact roles are counted, because a role that was deleted directly is nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sfsync.core.resync.org_changes import ChangeAnswer, Mark, mark_of, role_balance

OLD, SINCE, BETWEEN, NEXT = (datetime(2026, 9, day, tzinfo=UTC) for day in (1, 10, 11, 12))


def listed(name: str, made: datetime, *, deleted: bool = False, deal: str = "006") -> dict[str, Any]:
    """A role as the org lists it."""
    return {"Id": name, "CreatedDate": made.isoformat(), "IsDeleted": deleted, "OpportunityId": deal}


def balance(count: int, *records: dict[str, Any], **words: Any) -> str:
    """What the count of ten roles of before comes to."""
    given: dict[str, Any] = {"may_return": frozenset(), "lists_own": True, "gone_before": frozenset()} | words
    answer = ChangeAnswer(records, counts=(count,))
    return role_balance(answer, before=10, since=SINCE, next_since=NEXT, **given)


def test_new_roles_and_those_deleted_with_their_deal_are_expected() -> None:
    """The list has both; what was made after the next question's beginning is not counted yet."""
    assert balance(10) == ""
    assert balance(11, listed("a", BETWEEN), listed("b", NEXT)) == ""
    assert balance(9, listed("a", OLD, deleted=True), listed("b", BETWEEN, deleted=True)) == ""


def test_a_missing_role_is_noticed() -> None:
    """Also behind one that is new."""
    assert "deleted" in balance(9)
    assert "deleted" in balance(10, listed("a", BETWEEN))


def test_a_role_that_had_been_deleted_before_the_count_is_not_taken_off_again() -> None:
    """The list begins earlier than the count was made."""
    assert balance(10, listed("a", OLD, deleted=True), gone_before=frozenset({"a"})) == ""


def test_a_role_that_may_have_come_back_hides_a_deleted_one() -> None:
    """Then nobody can say; an edited role of a deal that was there all the time cannot."""
    assert "came back" in balance(10, listed("a", OLD, deal="0061"), may_return=frozenset({"0061"}))
    assert balance(10, listed("a", OLD, deal="0062"), may_return=frozenset({"0061"})) == ""


def test_without_our_own_in_the_list_the_older_ones_are_counted_again() -> None:
    """What was made since is not expected."""
    assert balance(10, listed("a", BETWEEN), lists_own=False) == ""


def test_a_mark_comes_back_as_it_was() -> None:
    """From the journal."""
    mark = Mark(NEXT, ("Opportunity",), 7, BETWEEN, "005")
    assert mark_of(mark.as_document()) == mark

"""The stub of the benchmark reads the statements that sfsync sends, and no others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_soql import Condition, Query, UnknownSoqlError, parse

from sfsync.core.ports import IdPage, Lookup
from sfsync.core.resync.org_changes import ChangeQuestion
from sfsync.salesforce.soql import changes_statement, counting, statements_of

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(ANY_TEXT, min_size=1, max_size=5, unique=True))
def test_values_arrive_as_they_were_sent(values: list[str]):
    """Whatever stands in a list of values is read back exactly."""
    [statement] = statements_of(Lookup("Opportunity", ("Id", "Account.Name"), "Sfsync_Key__c", tuple(values)))
    query = parse(statement.text)
    assert query == Query(
        "Opportunity", ("Id", "Account.Name"), (Condition("Sfsync_Key__c", "IN", tuple(values)),)
    )


def test_filters_pages_and_counts_are_read():
    """Times, equality, filled fields, an order, a limit and COUNT() are parts of a statement."""
    at = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    lookup = Lookup(
        "Opportunity",
        ("Id",),
        also={"IsClosed": False, "NextStep": None},
        since={"SystemModstamp": at},
        filled=("Sfsync_Key__c",),
        page=IdPage("006000000000001AAA", 500),
    )
    query = parse(statements_of(lookup)[0].text)
    assert query.conditions == (
        Condition("IsClosed", "=", (False,)),
        Condition("NextStep", "=", (None,)),
        Condition("SystemModstamp", ">=", (at,)),
        Condition("Sfsync_Key__c", "!=", (None,)),
        Condition("Id", ">", ("006000000000001AAA",)),
    )
    assert (query.order_by, query.limit) == ("Id", 500)
    assert parse(counting(Lookup("Account", ("Id",))).text) == Query("Account", ())


def test_what_changed_and_was_not_ours_is_read():
    """What a later run asks: modified after a time, or modified earlier by somebody else."""
    since, until = datetime(2026, 5, 4, 3, 0, 1, tzinfo=UTC), datetime(2026, 5, 4, 3, 20, 1, tzinfo=UTC)
    question = ChangeQuestion("Opportunity", (), since, own_until=until, user="005000000000001AAA")
    assert parse(changes_statement(question).text) == Query(
        "Opportunity",
        ("Id", "SystemModstamp"),
        (Condition("SystemModstamp", ">=", (until,)),),
        others=(
            Condition("SystemModstamp", ">=", (since,)),
            Condition("LastModifiedById", "!=", ("005000000000001AAA",)),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Account WHERE Name LIKE 'A%'",
        "SELECT Id FROM Account WHERE (Name = 'A' OR Name = 'B')",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id FROM Account WHERE Name = 'A' GROUP BY Name",
        "DELETE FROM Account",
    ],
)
def test_what_is_not_known_is_refused(text: str):
    """A statement of another form is refused instead of answered by a guess."""
    with pytest.raises(UnknownSoqlError):
        parse(text)

"""What waits until everything is created, and what becomes of it when a record does not come after all."""

from sfsync.core.plans.plan import Action, Change
from sfsync.core.references.second_pass import (
    OPEN,
    completion,
    in_the_end,
    is_second_pass,
    located,
    without_lost_ends,
)
from sfsync.core.sobject import ACCOUNT, CONTACT, LEAD, OPPORTUNITY
from sfsync.core.values import Pending


def change(name: str, action: Action = Action.CREATE, *, sobject: str = ACCOUNT, **values: Pending) -> Change:
    """A change of that name."""
    return Change(name, sobject, action, name, name, values=values, desired=values)


def test_an_update_that_refers_to_a_later_section_waits_and_others_do_not() -> None:
    """Creates of the same sObject come before its updates anyway."""
    account, contact = change("A"), change("C", sobject=CONTACT)
    by_id = {each.change_id: each for each in (account, contact)}
    assert is_second_pass(change("B", Action.UPDATE, Main__c=Pending("C")), by_id)
    assert not is_second_pass(change("B", Action.UPDATE, ParentId=Pending("A")), by_id)
    assert is_second_pass(completion(account, "ParentId", Pending("B")), by_id)


def test_what_refers_to_the_contact_of_a_lead_waits_where_it_is_written_before_leads_are_converted() -> None:
    """Accounts and contacts are updated before, deals after."""
    by_id = {"L": change("L", Action.CONVERT, sobject=LEAD)}
    assert is_second_pass(change("A", Action.UPDATE, Main__c=Pending("L")), by_id)
    assert is_second_pass(change("C", Action.UPDATE, sobject=CONTACT, ReportsToId=Pending("L")), by_id)
    assert not is_second_pass(change("D", Action.UPDATE, sobject=OPPORTUNITY, Buyer__c=Pending("L")), by_id)


def test_a_completion_goes_with_its_record() -> None:
    """Where the record is not created, there is nothing to complete."""
    record, parent = change("A", Action.REJECT), change("B")
    kept = without_lost_ends([record, parent, completion(record, "ParentId", Pending("B"))])
    assert kept == [record, parent]


def test_a_completion_whose_end_is_not_created_is_left_open_and_said() -> None:
    """The record goes without the field."""
    record, parent = change("A"), change("B", Action.REJECT)
    *_, opened = without_lost_ends([record, parent, completion(record, "ParentId", Pending("B"))])
    assert (opened.action, opened.completes, opened.problems[0].code) == (Action.BLOCKED, "A", OPEN)


def test_a_record_that_comes_out_of_a_lead_is_completed_and_referred_to_like_a_created_one() -> None:
    """At either end of the reference."""
    deal, other = change("D", Action.CONVERT, sobject=OPPORTUNITY), change("O", sobject=OPPORTUNITY)
    ends = [completion(deal, "Of__c", Pending("O")), completion(other, "Of__c", Pending("D"))]
    update = change("U", Action.UPDATE, sobject=OPPORTUNITY, Of__c=Pending("D"))
    assert without_lost_ends([deal, other, update, *ends]) == [deal, other, update, *ends]


def test_an_update_whose_end_is_not_created_is_blocked() -> None:
    """As any row that refers to one that does not come."""
    kept = without_lost_ends([change("A", Action.UPDATE, ParentId=Pending("B")), change("B", Action.REJECT)])
    assert [each.action for each in kept] == [Action.BLOCKED, Action.REJECT]
    assert not kept[0].values


def test_a_completion_is_located_once_its_record_has_an_id() -> None:
    """Other changes stay as they are."""
    record = change("A")
    made = completion(record, "ParentId", Pending("B"))
    assert located(made, {"A": "001x"}).record_id == "001x"
    assert located(made, {}).record_id is None
    assert located(record, {"A": "001x"}) is record


def test_a_record_in_the_end_has_what_completes_it_and_what_stays_open() -> None:
    """Both are said of the record's own row."""
    record, parent = change("A"), change("B", Action.REJECT)
    [set_last, _] = in_the_end([record, change("B"), completion(record, "ParentId", Pending("B"))])
    assert set_last.values == {"ParentId": Pending("B")}
    [left_open, _] = in_the_end(
        without_lost_ends([record, parent, completion(record, "ParentId", Pending("B"))])
    )
    assert ([each.code for each in left_open.problems], left_open.values) == ([OPEN], {})

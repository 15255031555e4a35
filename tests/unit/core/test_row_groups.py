"""Rows that are planned together are one group, and rows of two groups may be planned apart."""

from __future__ import annotations

import pytest

from sfsync.core.deals.lead_rule import LeadRule
from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.models import Opportunity, OpportunityContactRole, Reference
from sfsync.core.reading.row_groups import account_text, group_of, group_of_key, why_whole
from sfsync.core.reading.rows import ModelRow, SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import Problem, RowRef, Stage

REF = RowRef("deals", "deals.csv", 2)
SOURCE = SourceSpec("csv")
KEY = FieldRule("Key__c", column="id")
DEALS = Section(
    "opportunities",
    "Opportunity",
    SOURCE,
    (KEY, FieldRule("AccountId", column="account", match=("Name",))),
    key="Key__c",
)
ROLES = Section(
    "contact_roles",
    "OpportunityContactRole",
    SOURCE,
    (FieldRule("OpportunityId", column="deal", match=("Key__c",)),),
)


def row(**cells: str) -> SourceRow:
    """A row with those cells."""
    return SourceRow(REF, cells, tuple(cells.values()))


def job(*sections: Section) -> Job:
    """A job of those sections."""
    return Job("job", "org", {each.name: each for each in sections}, "digest")


def test_a_role_is_in_the_group_of_its_deal_however_the_key_is_written() -> None:
    """Blanks and letter case around a key do not tear a deal and its roles apart."""
    assert group_of(ROLES, row(deal=" d-1 "), 7) == group_of(DEALS, row(id="D-1", account="A"), 1)
    assert group_of(DEALS, row(id="D-1"), 1) == group_of_key("Opportunity", "D-1")


def test_a_row_that_nobody_can_read_is_a_group_of_its_own() -> None:
    """Such rows are told apart by their number."""
    problem = Problem("TOO_FEW_CELLS", Stage.PARSE, "too few", "Mend it.")
    bad = UnreadableRow(REF, ("x",), problem)
    assert group_of(DEALS, bad, 1) != group_of(DEALS, bad, 2)
    assert group_of(DEALS, row(id=""), 3) == "opportunities#3"


def test_rows_of_python_models_have_the_groups_of_files() -> None:
    """A model's key and reference count as cells do."""
    deal = Opportunity(Name="Sneakers", StageName="New", CloseDate="2027-01-01", Key__c="D-1")
    role = OpportunityContactRole(
        OpportunityId=Reference("D-1", ("Key__c",)), ContactId=Reference("x", ("Email",))
    )
    assert group_of(DEALS, ModelRow(REF, deal, ()), 1) == group_of_key("Opportunity", "D-1")
    assert group_of(ROLES, ModelRow(REF, role, ()), 1) == group_of_key("Opportunity", "D-1")


def test_a_key_that_the_job_translates_is_translated() -> None:
    """The key of the org is what groups, not the word of the file."""
    translated = Section(
        "opportunities",
        "Opportunity",
        SOURCE,
        (FieldRule("Key__c", column="id", value_map={"one": "D-1"}),),
        key="Key__c",
    )
    assert group_of(translated, row(id="one"), 1) == group_of_key("Opportunity", "D-1")


def test_the_account_of_a_deal_is_what_its_row_says() -> None:
    """Letter case does not make two accounts of one."""
    assert account_text(DEALS, row(id="D-1", account=" Get Cloudy")) == "get cloudy"
    assert account_text(ROLES, row(deal="D-1")) == ""


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ((DEALS, ROLES), None),
        ((ROLES,), None),
        (
            (
                Section(
                    "accounts",
                    "Account",
                    SOURCE,
                    (KEY, FieldRule("ParentId", column="parent", match=("Key__c",))),
                    key="Key__c",
                ),
            ),
            "refer to each other",
        ),
        (
            (
                DEALS,
                Section(
                    "contact_roles",
                    "OpportunityContactRole",
                    SOURCE,
                    (FieldRule("OpportunityId", column="deal", match=("Name",)),),
                ),
            ),
            "something else than its key",
        ),
        (
            (
                Section(
                    "opportunities", "Opportunity", SOURCE, (KEY,), key="Key__c", lead=LeadRule("lead", ())
                ),
            ),
            "come out of leads",
        ),
    ],
)
def test_a_job_says_why_its_rows_belong_together(sections: tuple[Section, ...], why: str | None) -> None:
    """Rows that refer to each other in further ways are only looked at as a whole."""
    told = why_whole(job(*sections))
    assert told is None if why is None else why in (told or "")

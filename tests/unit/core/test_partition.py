"""A job is shared out so that every deal is brought by exactly one process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.job import FieldRule, Job, Missing, Section
from sfsync.core.plans.partition import MOST, Partition, read_partition
from sfsync.core.plans.partition_rules import refuse_unshareable
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.errors import ConfigError

SOURCE = SourceSpec("csv")
KEY = FieldRule("Key__c", column="id")
ACCOUNTS = Section("accounts", "Account", SOURCE, (KEY,), key="Key__c")
DEALS = Section("opportunities", "Opportunity", SOURCE, (KEY,), key="Key__c")


def job(*sections: Section) -> Job:
    """A job of those sections."""
    return Job("job", "org", {each.name: each for each in sections}, "digest")


@given(st.text(), st.integers(1, MOST))
def test_each_text_is_taken_by_exactly_one_share(text: str, count: int) -> None:
    """Nothing is brought by two processes, and nothing by none; the first share, of parents, takes no deal."""
    takers = [number for number in range(count + 1) if Partition(number, count).takes(text)]
    assert len(takers) == 1
    assert takers != [0]


def test_what_deals_refer_to_is_a_share_of_its_own_that_comes_first() -> None:
    """A job without accounts and contacts has no such share."""
    shares = job(ACCOUNTS, DEALS).partitions(3)
    assert [(each.share, list(each.sections)) for each in shares] == [
        ("0/3", ["accounts"]),
        *((f"{number}/3", ["opportunities"]) for number in (1, 2, 3)),
    ]
    assert [each.share for each in job(DEALS).partitions(2)] == ["1/2", "2/2"]


@pytest.mark.parametrize("text", ["", "2", "3/2", "1/0", "-1/2", "1/65", "a/b", "1/2/3"])
def test_what_spells_no_share_is_refused(text: str) -> None:
    """The number counts from 0, and is at most the count."""
    with pytest.raises(ConfigError):
        read_partition(text)


@pytest.mark.parametrize(
    "section",
    [
        Section("opportunities", "Opportunity", SOURCE, (), row_key="id"),
        Section("opportunities", "Opportunity", SourceSpec("database", watermark="at"), (KEY,), key="Key__c"),
        Section(
            "contact_roles",
            "OpportunityContactRole",
            SOURCE,
            (FieldRule("ContactId", column="c", match=("Name",), missing=Missing.CREATE),),
        ),
    ],
)
def test_a_job_whose_shares_would_get_in_each_others_way_is_refused(section: Section) -> None:
    """Rows without a key, contacts that two processes might make, and sources that are read on."""
    with pytest.raises(ConfigError, match="cannot be shared out"):
        refuse_unshareable(job(section))


def test_a_share_without_any_section_is_refused() -> None:
    """Nothing would be done, and nobody would notice."""
    with pytest.raises(ConfigError, match="nothing in partition 0/2"):
        refuse_unshareable(job(DEALS).of_partition(Partition(0, 2)))

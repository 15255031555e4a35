"""A job is cut where its groups are, and not at all where its rows hang together otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.plans.portions import BUCKETS, bucket_of, cut, names_deal_otherwise, why_one_portion
from sfsync.core.reading.rows import SourceRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.references.picks import Pick, Picks
from sfsync.core.reports.results import RowRef

SOURCE = SourceSpec("csv")
DEALS = Section("opportunities", "Opportunity", SOURCE, (FieldRule("Key__c", column="id"),), key="Key__c")
ROLES = Section(
    "contact_roles", "OpportunityContactRole", SOURCE, (FieldRule("OpportunityId", column="deal"),)
)


def job(*sections: Section) -> Job:
    """A job of those sections."""
    return Job("job", "org", {each.name: each for each in sections}, "digest")


def test_buckets_are_joined_up_to_the_size_of_a_portion_and_never_split() -> None:
    """One that is too large by itself is a portion of its own; empty ones make none."""
    assert list(cut([3, 3, 3, 9, 0, 1, 1], most=7)) == [range(2), range(2, 3), range(3, 4), range(4, 7)]
    assert list(cut([0, 0], most=7)) == []


def test_the_bucket_of_a_group_is_the_same_in_every_process() -> None:
    """Portions of a plan that is made again have the same rows."""
    assert bucket_of("Opportunity:d-1") == 207
    assert {bucket_of(f"Opportunity:{number}") for number in range(20_000)} == set(range(BUCKETS))
    assert 0 <= bucket_of("half a \ud800 character") < BUCKETS


def test_an_ordinary_job_of_deals_and_roles_can_be_cut() -> None:
    """Roles that name their deal by its key, said or by default, go with it."""
    assert why_one_portion(job(DEALS, ROLES)) is None
    by_key = replace(ROLES, rules=(FieldRule("OpportunityId", column="deal", match=("key__c", "Id")),))
    assert why_one_portion(job(DEALS, by_key)) is None


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (job(ROLES), "contact_roles come without their deals"),
        (
            job(replace(DEALS, source=replace(SOURCE, watermark="at"))),
            "opportunities are read on from a watermark",
        ),
        (
            replace(job(DEALS, ROLES), picks=Picks("p.csv", (Pick("Opportunity", "", "x", "006", 2),))),
            "picks settle which deal is meant",
        ),
    ],
)
def test_a_job_that_cannot_be_cut_says_why(made: Job, reason: str) -> None:
    """The reason reads on from "because"."""
    assert why_one_portion(made) == reason


def test_a_role_that_names_its_deal_by_a_record_id_is_noticed() -> None:
    """Such a deal may be a row of another group."""
    ref = RowRef("contact_roles", "roles.csv", 2)
    assert names_deal_otherwise(ROLES, SourceRow(ref, {"deal": "0065g00000ABCDE"}, ()))
    assert not names_deal_otherwise(ROLES, SourceRow(ref, {"deal": "D-1"}, ()))
    assert not names_deal_otherwise(
        ROLES, SourceRow(ref, {"deal": "DEAL20260000123"}, ())
    )  # as long as an id
    assert not names_deal_otherwise(DEALS, SourceRow(ref, {"id": "0065g00000ABCDE"}, ()))

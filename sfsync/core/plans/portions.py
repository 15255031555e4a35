"""How a large job is cut into portions: which of its rows go together, and how many portions that makes.

Groups (`core.reading.row_groups`) are thrown into buckets by a hash of their names, and neighbouring buckets make a
portion, so whole groups stay together however the source is sorted. Accounts come first, then contacts, then deals
with their roles, because a row may refer to a row of an earlier portion and to none of a later one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

from sfsync.core.job import Job, Section
from sfsync.core.models import Reference
from sfsync.core.reading.mapping import said
from sfsync.core.reading.row_groups import Row, why_whole
from sfsync.core.reading.rows import ModelRow, SourceRow
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id

PORTION_ROWS: Final = 4_000
"""So many rows are planned, written and held in memory at one time."""

BUCKETS: Final = 1024
"""More rows than so many portions have make the portions larger, not more."""

RANKS: Final = {ACCOUNT: 0, CONTACT: 1, OPPORTUNITY: 2, CONTACT_ROLE: 2}
"""In which order the rows of an sObject are planned; roles go with their deals."""


def why_one_portion(job: Job) -> str | None:
    """Why a job has to be planned at one time however large it is; None where it can be cut into portions.

    A reason reads on from "because".
    """
    reason = why_whole(job)
    if reason is not None:
        return reason
    sobjects = {each.sobject for each in job.sections.values()}
    for section in job.sections.values():
        if section.source.watermark is not None:
            return f"{section.name} are read on from a watermark"
        if section.sobject == CONTACT_ROLE and OPPORTUNITY not in sobjects:
            return f"{section.name} come without their deals"
    if any(each.sobject == OPPORTUNITY for each in job.picks.picks):
        return "picks settle which deal is meant"
    return None


def names_deal_otherwise(section: Section, row: Row) -> bool:
    """Whether a role row names its deal by something else than the key, so that its group cannot be told."""
    if section.sobject != CONTACT_ROLE:
        return False
    if isinstance(row, ModelRow):
        given = dict(row.record.given()).get("OpportunityId")
        return isinstance(given, Reference) and (
            len(given.match) != 1 or given.match[0].lower() == "id" or _is_deal_id(given.value)
        )
    rule = section.rule("OpportunityId")
    return isinstance(row, SourceRow) and rule is not None and _is_deal_id(said(section, rule, row))


def _is_deal_id(text: str) -> bool:
    return record_id(text.strip(), OPPORTUNITY) is not None


def bucket_of(group: str) -> int:
    """The bucket of a group, the same in every process."""
    return crc32(group.encode("utf-8", "surrogatepass")) % BUCKETS


def cut(sizes: Sequence[int], *, most: int) -> Iterator[range]:
    """Runs of buckets with at most so many rows together; one that has more by itself is a run of its own."""
    start, rows = 0, 0
    for place, size in enumerate(sizes):
        if rows and rows + size > most:
            yield range(start, place)
            start, rows = place, 0
        rows += size
    if rows:
        yield range(start, len(sizes))

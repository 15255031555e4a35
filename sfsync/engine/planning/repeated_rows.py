"""Roles that stand inside a row which does not count, because a later row has its key.

With `duplicate_keys = "last"` a document, or a row with a list of roles, is passed over as a whole. Merged rows
are all there, and so are their roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sfsync.core.plans.plan import Action, Change
from sfsync.core.reading.repeated_keys import SUPERSEDED
from sfsync.engine.planning.reading import ReadSection


def roles_left_out(read: ReadSection, changes: Iterable[Change]) -> Iterator[Change]:
    """Takes such roles out of a section's rows; yields the change of each, which is to skip it."""
    outdated = {
        (each.row.source, each.row.ordinal): each
        for each in changes
        if each.row is not None and any(said.code == SUPERSEDED for said in each.problems)
    }
    rows = list(read.rows) if outdated else []
    read.rows[:] = [each for each in read.rows if (each.ref.source, each.ref.ordinal) not in outdated]
    for row in rows:
        of_deal = outdated.get((row.ref.source, row.ref.ordinal))
        if of_deal is not None:
            yield Change(
                f"{read.section.sobject}@{row.place}",
                read.section.sobject,
                Action.SKIP,
                "",
                row.texts.get("ContactId") or f"line {row.ref.line}",
                row=row.ref,
                problems=of_deal.problems,
            )

"""What a plan knows of its sources beyond its own rows, so that the run which ends it can remember them as
settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.core.resync.prints import unpacked_groups, unpacked_rows


@dataclass(frozen=True, slots=True)
class PrintedSection:
    """The rows of a section that a plan is about: the source that their places name, and their prints, packed."""

    source: str
    rows: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """What a plan knows of its sources beyond its own rows.

    `plan_id` is the plan's: a plan made out of another one has no such knowledge of its own. `sections` has the
    rows that are planned, `lost` the groups that the source has no more, `open_groups` those that stay open
    whatever becomes of their rows. With `is_whole` nothing was left out, so all that is remembered is dropped.
    `is_settling` says whether this plan's rows can become settled at all. `document` is the mark that the journal
    keeps when the run has ended, `seen` are stamps of records that were looked at.
    """

    plan_id: str
    is_whole: bool
    is_settling: bool
    sections: Mapping[str, PrintedSection]
    lost: str = ""
    open_groups: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    seen: str = ""

    def groups(self) -> frozenset[bytes]:
        """All groups that the plan touches."""
        own = {each.group for part in self.sections.values() for each in unpacked_rows(part.rows)}
        return frozenset(own) | unpacked_groups(self.lost)


@dataclass(frozen=True, slots=True)
class BookResync:
    """What a book knows of its sources as a whole; the rest of `Sifted` is with each portion.

    `untouched` counts the rows that were left out, by sObject.
    """

    is_whole: bool
    is_settling: bool
    document: Mapping[str, Any]
    untouched: Mapping[str, int]
    lost: str = ""
    seen: str = ""

    def of(self, sifted: Sifted | None, plan_id: str, *, is_last: bool) -> Sifted | None:
        """The knowledge of one portion, whose plan has that name; the last one brings the mark."""
        if not is_last:
            return sifted and replace(sifted, plan_id=plan_id, is_settling=self.is_settling)
        own = sifted or Sifted(plan_id, self.is_whole, self.is_settling, {})
        return replace(
            own,
            plan_id=plan_id,
            is_settling=self.is_settling,
            document=self.document,
            lost=self.lost,
            seen=self.seen,
        )

"""What the journal remembers so that a later run can leave rows out: prints of settled rows, stamps, and a mark.

A group is in it with all of its rows or with none that count: its prints are dropped before anything of it is sent,
and come back when a run has ended with the whole group settled. So a death at any moment leaves a group at worst
unknown, which is more work for the next run and never a change that is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from sfsync.core.resync.prints import PrintSum

MARK: Final = "resync"
"""The name of the watermark that says how far the org is known, and under which basis."""

FIRST_READ: Final = "resync.read"
"""The name of the watermark that says which book was read back last, and when its first portion was."""


@dataclass(frozen=True, slots=True)
class KnownPrint:
    """A print of a settled group: of which section, how often, and the group."""

    section: str
    print: bytes
    group: bytes
    copies: int = 1


class Whose(IntEnum):
    """How a stamp came to be known.

    SEEN was listed by an earlier question and looked at. OURS was read back, of a record that our user wrote last.
    DOUBTFUL is such a one of the very second in which reading back began: an edit of the same second looks alike.
    OTHERS was read back of a record that we wrote and that somebody else, or an automation of the org, wrote last.
    """

    SEEN = 0
    OURS = 1
    DOUBTFUL = 2
    OTHERS = 3


@dataclass(frozen=True, slots=True)
class KnownStamp:
    """When a record was last modified as far as we know, in seconds."""

    record_id: str
    at: int
    whose: Whose = Whose.SEEN

    def explains(self, at: int) -> bool:
        """Whether a record of that stamp is as we know it."""
        return self.at == at and self.whose in (Whose.SEEN, Whose.OURS)


def packed_stamps(stamps: Iterable[KnownStamp]) -> str:
    """Stamps as text for a saved plan."""
    return " ".join(f"{each.record_id}.{each.at:x}.{each.whose.value}" for each in stamps)


def unpacked_stamps(text: str) -> Iterator[KnownStamp]:
    """The stamps that `packed_stamps` wrote."""
    for each in text.split():
        name, at, whose = each.split(".")
        yield KnownStamp(name, int(at, 16), Whose(int(whose)))


class PrintMemory(Protocol):
    """The prints of one journal, by org and job. Every method is durable when it returns."""

    def sums(self, org_id: str, job: str) -> dict[str, PrintSum]:
        """The sum of the settled rows of each section that has some."""
        ...

    def each(self, org_id: str, job: str, take: Callable[[Sequence[KnownPrint]], None]) -> None:
        """Hands all prints to `take`, some thousands at a time."""
        ...

    def drop(self, org_id: str, job: str, groups: Collection[bytes] | None = None) -> None:
        """Forgets the prints of the groups, or all; in one commit."""
        ...

    def keep(self, org_id: str, job: str, prints: Iterable[KnownPrint]) -> None:
        """Keeps prints, in commits of bounded size."""
        ...

    def stamps(self, org_id: str, job: str, record_ids: Iterable[str]) -> dict[str, KnownStamp]:
        """The stamps of those records that are known, by id."""
        ...

    def count_stamps(
        self, org_id: str, job: str, prefix: str, *, since: int, until: int, whose: Collection[Whose]
    ) -> int:
        """How many records, whose ids begin so, have a known stamp of that kind in that span."""
        ...

    def keep_stamps(self, org_id: str, job: str, stamps: Iterable[KnownStamp], *, since: int) -> None:
        """Keeps stamps, in commits of bounded size, and forgets those of before `since`."""
        ...

    def keys(self, org_id: str, job: str, record_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """The sObject and key of the job's rows that are those records, by record id."""
        ...

"""The rows of one partition: each source is read whole, and yields the rows that are this process's own.

Deals are told apart by what they say of their account; roles go with their deal, which is found by its group. Of
the deals of all processes eight bytes each are kept, so memory stays small.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sfsync.core.job import Job, Section
from sfsync.core.plans.partition import Partition
from sfsync.core.plans.partition_rules import refuse_unshareable
from sfsync.core.reading.row_groups import Row, account_text, group_of, is_unreadable
from sfsync.core.reading.rows import PassedLine, RowSource, SourceForm, notes_of
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reading.source_marks import MarkedSource
from sfsync.core.reports.results import Problem
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY


def shared_out(job: Job, sources: Mapping[str, RowSource]) -> dict[str, RowSource]:
    """The sources of a job's partition, by section name.

    Raises:
        ConfigError: shares of the job would not give the same org as all of it.
    """
    if job.partition is None:
        return dict(sources)
    refuse_unshareable(job)
    if job.partition.is_parents:
        return dict(sources)
    deals = next((each for each in job.sections.values() if each.sobject == OPPORTUNITY), None)
    owners = _Owners(job.partition, deals, sources[deals.name]) if deals else None
    return {
        name: _Share(job.partition, section, sources[name], owners) for name, section in job.sections.items()
    }


class _Owners:
    """Whose each deal of the source is; the source is read for it when the first role asks."""

    def __init__(self, partition: Partition, section: Section, source: RowSource) -> None:
        self._partition = partition
        self._section = section
        self._source = source
        self._own: array[int] | None = None
        self._all: array[int] | None = None
        self._has_unreadable = False

    def takes(self, group: str) -> bool:
        """Whether the group of a role is this process's; of a deal that is in no row, by the group itself."""
        own, everybody = self._read()
        name = _short(group)
        if _holds(own, name):
            return True
        return not _holds(everybody, name) and self._partition.takes(group)

    def lacks(self, group: str) -> bool:
        """Whether surely no row of the whole source is of that group."""
        everybody = self._read()[1]
        return not self._has_unreadable and not _holds(everybody, _short(group))

    def _read(self) -> tuple[array[int], array[int]]:
        if self._own is None or self._all is None:
            self._own, self._all = array("Q"), array("Q")
            for number, row in enumerate(_countable(self._source), 1):
                group = group_of(self._section, row, number)
                self._has_unreadable |= is_unreadable(group)
                self._all.append(_short(group))
                if self._partition.takes(account_text(self._section, row) or group):
                    self._own.append(self._all[-1])
            self._own = array("Q", sorted(self._own))
            self._all = array("Q", sorted(self._all))
        return self._own, self._all


def _short(group: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )


def _holds(names: array[int], name: int) -> bool:
    place = bisect_left(names, name)
    return place < len(names) and names[place] == name


def _countable(source: RowSource) -> Iterator[Row]:
    return (row for row in source.rows() if not isinstance(row, PassedLine))


@dataclass(slots=True)
class _Share:
    """One source, of which the partition's own rows are left; each keeps its number in the whole source."""

    partition: Partition
    section: Section
    source: RowSource
    owners: _Owners | None

    @property
    def form(self) -> SourceForm:
        """The form of the whole source."""
        return self.source.form

    @property
    def mark(self) -> SourceMark | None:
        """How far the whole source was read."""
        return self.source.mark if isinstance(self.source, MarkedSource) else None

    def notes(self) -> tuple[Problem, ...]:
        """What the source has to tell beside its rows, if anything."""
        return notes_of(self.source)

    def has_lost(self, group: str) -> bool:
        """Whether a group that was there is in no row of the whole source, and it is for this share to say so.

        While the key of any row cannot be read nobody can say.
        """
        return self.owners is not None and self.partition.takes(group) and self.owners.lacks(group)

    def rows(self) -> Iterator[Row]:
        """The rows of the partition in their order.

        Raises:
            SourceError: the source cannot be read on.
        """
        number = 0
        for row in self.source.rows():
            if isinstance(row, PassedLine):
                yield row
                continue
            number += 1
            if self._takes(row, number):
                yield replace(row, ref=replace(row.ref, ordinal=row.ref.ordinal or number))

    def _takes(self, row: Row, number: int) -> bool:
        group = group_of(self.section, row, number)
        if self.section.sobject == CONTACT_ROLE and self.owners is not None:
            return self.owners.takes(group)
        return self.partition.takes(account_text(self.section, row) or group)
